"""The page of a gradient ascent, made from its folder alone."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fooljax.engine.log_odds import FOOLED, format_confidence
from fooljax.gradient.methods import EXPLANATIONS
from fooljax.report.ascent_curves import ascent_curves
from fooljax.report.ascent_html import AscentPage, MethodSection, write_ascent_html
from fooljax.report.content import Number
from fooljax.report.grid import gallery
from fooljax.report.panel_section import ascent_panel_section
from fooljax.report.png import png_bytes
from fooljax.report.run_settings import percentage
from fooljax.runs import arithmetic
from fooljax.runs.ascent_images import START
from fooljax.runs.ascent_recipe import EXPERIMENTS
from fooljax.runs.ascent_record import AscentRecord
from fooljax.runs.plan import command_line
from fooljax.runs.summary import NOT_MEASURED
from fooljax.settings import config_from, in_words
from fooljax.storage.files import write_bytes

MAX_IMAGES = 100
"""Images in one gallery, at most. The folder holds all of them."""
COLUMNS = (
    "Iterations",
    "99.99 % or more",
    "Of these, no judge agrees",
    "Named as the class",
    "Median",
    "Lowest",
    "Median iteration of the first 99.99 %",
    "Network passes",
)
"""Of the table of methods."""


def write_ascent_page(record: AscentRecord, output: Path | None = None) -> Path:
    """Draws `gallery.png` and `curves.png`, and writes `index.html`.

    Args:
      record: what stands in the folder of the gradient ascent.
      output: the folder to write into; by default that of the gradient ascent.
    Returns:
      The path of the page.
    Raises:
      InputError: a file in the folder is missing or damaged.
      FaultError: a file cannot be written.
    """
    overview = _overview(record)
    curves = png_bytes(ascent_curves({name: one.history for name, one in record.ascents.items()}))
    folder = record.path if output is None else output
    write_bytes(folder / "gallery.png", overview)
    write_bytes(folder / "curves.png", curves)
    before = " Those of the start image are from before its rounding to 8 bits."
    ends = "; ".join(
        f"{name} ends at a median of {_median(one.log_odds)}" for name, one in record.ascents.items()
    )
    page = AscentPage(
        title=record.title,
        introduction=record.introduction,
        gallery_png=overview,
        gallery_alt="Grid of images. The first row is the start image. Below it is one row for each of "
        f"{len(record.ascents)} methods, with one column for each of {len(record.cells)} classes.",
        gallery_caption="One column for each class. The first row is the start image, from which all others "
        "were made. The rows below are what each method made of it. Below each image stands how sure the "
        "network is that it belongs to the class of its column. Digits are cut off, not rounded."
        + ("" if (record.path / "images.csv").exists() else before),
        columns=COLUMNS,
        table_caption=f"{record.starts * len(record.cells)} images for each method: {record.starts} start "
        f"image{'s' * (record.starts > 1)}, {len(record.cells)} classes",
        methods=[_method(record, name) for name in record.ascents],
        curves_png=curves,
        curves_alt=f"Line chart of log-odds over iterations, one line for each method: {ends}.",
        curves_caption="Log-odds of the class over iterations, on a logarithmic axis, before rounding to 8 "
        "bits. Thick lines are the median image, thin lines the lowest. The dotted line is 99.99 %.",
        numbers=_numbers(record),
        notes=[
            f"One network was used: {record.target_facts.get('name', 'network')}. So this page shows how "
            "start images vary, and not how networks vary.",
            *record.notes,
            *arithmetic.in_words(record.summary, "the ascents"),
            "The methods take different numbers of iterations, and their settings were not tuned alike. So "
            "the table is no ranking.",
        ],
        settings=_settings(record),
        panel=ascent_panel_section(record),
        command=str(record.config.get("command") or _old_command(record)),
    )
    write_ascent_html(folder / "index.html", page)
    return folder / "index.html"


def _overview(record: AscentRecord) -> bytes:
    """The first start image and what each method made of it."""
    names = ["start", *record.ascents]
    shown = slice(None, max(1, MAX_IMAGES // len(names)))
    start = np.broadcast_to(record.start_images[0], (len(record.cells), *record.image_shape))
    images = np.stack([start[shown], *(record.images(name)[0, shown] for name in record.ascents)])
    odds = np.stack([record.log_odds[name][0, shown] for name in (START, *record.ascents)])
    return png_bytes(gallery(images, odds, _class_names(record)[shown], row_names=names))


def _method(record: AscentRecord, name: str) -> MethodSection:
    facts, ascent, odds = record.summary["methods"][name], record.ascents[name], record.log_odds[name]
    named = facts["rescored"].get("images_top1", "unknown")
    first = np.asarray(ascent.reached.iteration)[:, -1]
    median_first = float(np.median(np.where(first >= 0, first, np.inf)))
    rows = [f"start {index}" for index in range(record.starts)]
    shown = slice(None, max(1, MAX_IMAGES // len(rows)))
    images = record.images(name)[:, shown]
    return MethodSection(
        name=name,
        explanation=str(facts.get("explanation", EXPLANATIONS.get(name, ""))),
        values=(
            f"{len(ascent.history):,}",
            f"{int(np.sum(odds >= FOOLED))} of {odds.size}",
            _no_judge(record, name),
            f"{named} of {odds.size}",
            _median(odds),
            format_confidence(float(odds.min())),
            f"{median_first:,.0f}" if np.isfinite(median_first) else "fewer than half",
            f"{int(ascent.queries):,}",
        ),
        gallery_png=png_bytes(gallery(images, odds[:, shown], _class_names(record)[shown], row_names=rows)),
        gallery_alt=f"Grid of the images of {name}: one row for each start image, one column for each class. "
        f"The network's confidence is {format_confidence(float(odds.min()))} at the lowest and "
        f"{_median(odds)} in the median.",
    )


def _no_judge(record: AscentRecord, name: str) -> str:
    panel = record.summary.get("panel")
    return f"{panel['sets'][name]['no_judge_agrees']:,}" if isinstance(panel, Mapping) else NOT_MEASURED


def _numbers(record: AscentRecord) -> list[Number]:
    control, accuracy = record.log_odds[START], record.target_facts.get("clean_accuracy")
    numbers = [
        Number(
            "Control: the start images",
            _median(control),
            "The median confidence in the classes before any step. "
            f"{int(np.sum(control >= FOOLED))} of {control.size} pairs of image and class have 99.99 %.",
        )
    ]
    if isinstance(accuracy, float):
        numbers.append(
            Number(
                "Accuracy on real images",
                percentage(accuracy, 2),
                "The share of real images, held out from its training, that it names correctly.",
            )
        )
    numbers.append(
        Number(
            "Network passes",
            f"{sum(int(one.queries) for one in record.ascents.values()):,}",
            "Of all methods and images together. Showing the network an image is one pass, and working out "
            "the gradient is another.",
        )
    )
    return numbers


def _settings(record: AscentRecord) -> dict[str, dict[str, str]]:
    facts, accuracy = record.target_facts, record.target_facts.get("clean_accuracy")
    return {
        "Gradient ascent": {
            name.replace("_", " "): in_words(value) for name, value in record.config["settings"].items()
        },
        "Target": {
            "network": str(facts.get("name", "")),
            "confidence": str(record.summary.get("confidence", "")),
            "clean accuracy": percentage(accuracy, 2) if isinstance(accuracy, float) else "not measured",
            "parameters (SHA-256)": str(facts.get("params_sha256", "")),
        },
        "Machine": {
            "device": str(record.summary.get("device", "")),
            **{name: str(value) for name, value in record.config.get("versions", {}).items()},
        },
    }


def _old_command(record: AscentRecord) -> str:
    """The command of a folder of version 0.1, which does not say it; "" for a run that Python began."""
    name = record.config.get("experiment")
    if not isinstance(name, str) or name not in EXPERIMENTS:
        return ""
    recipe = EXPERIMENTS[name](name)
    source = str(record.path / "config.json")
    return command_line(recipe.command, config_from(recipe.config, record.config["settings"], source))


def _class_names(record: AscentRecord) -> list[str]:
    return [record.class_names[cell] for cell in record.cells]


def _median(odds: object) -> str:
    """The median over classes of each start image, then over these."""
    array = np.asarray(odds)
    return format_confidence(float(np.median(np.median(array, axis=1) if array.ndim > 1 else array)))
