"""What gradient ascents leave behind: image files, which are read back and scored, a summary and a page."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt

from fooljax.engine.fitness import quantise
from fooljax.engine.log_odds import FOOLED
from fooljax.engine.types import Target
from fooljax.errors import FaultError
from fooljax.gradient import Ascent, Rule
from fooljax.report import Number, format_confidence, gallery, png_bytes
from fooljax.report.comparison import ComparisonPage, climbs, write_comparison
from fooljax.report.comparison import Method as Shown
from fooljax.runs.elites import claimed, replaced, slug
from fooljax.runs.folder import RunFolder, versions
from fooljax.runs.images import read_image
from fooljax.runs.scored import RESCORE_TOLERANCE
from fooljax.runs.summary import finite, medians
from fooljax.scoring import score
from fooljax.settings import in_words
from fooljax.storage.trees import save_tree, write_bytes
from fooljax.targets.choice import TargetChoice

LEVEL_KEYS = ("top1", "99", "999", "9999")
"""The names in `summary.json` of `fooljax.gradient.LEVELS`."""
MAX_IMAGES = 100
"""Images in a gallery, at most, where they are many; the folder holds all."""
UNIT = 255.0
"""Lengths are told in the authors' unit, pixels from 0 to 255."""


class Method(NamedTuple):
    """One way to climb: its name, its rule, how long, and its settings in words."""

    name: str
    rule: Rule
    iterations: int
    settings: Mapping[str, Any]


class Climbed(NamedTuple):
    """What came of it, on the host, and how long it took, compilation included."""

    method: Method
    ascent: Ascent
    seconds: float


class Job(NamedTuple):
    """What was to be done, and in which words it is told."""

    name: str
    title: str
    introduction: Sequence[str]
    explanations: Mapping[str, str]
    config: Any
    subject: TargetChoice
    notes: Sequence[str]
    cells: tuple[int, ...]


class Scored(NamedTuple):
    """Images `[S, C, H, W, K]` read back from files, what was said of them, and their classes.

    Attributes:
      images: as above.
      all_odds: log-odds of every class that the network knows, `[S, C, classes]`.
      cells: the index of each image's own class, `C` of them.
    """

    images: npt.NDArray[np.uint8]
    all_odds: npt.NDArray[np.float32]
    cells: tuple[int, ...]

    @property
    def odds(self) -> npt.NDArray[np.float64]:
        """`[S, C]`, of each image's own class."""
        own = np.asarray(self.cells)[None, :, None]
        return np.asarray(np.take_along_axis(self.all_odds, own, axis=2)[..., 0], np.float64)


def in_a_line(climbed: Climbed, starts: int) -> str:
    """How a method did, before anything is saved."""
    odds = np.asarray(climbed.ascent.log_odds_8_bit).reshape(starts, -1)
    median = _shown(medians(odds)["median_log_odds"])
    return (
        f"{climbed.method.name}: {climbed.method.iterations:,} iterations in {climbed.seconds:.1f} s, "
        f"{int(np.sum(odds >= FOOLED))} of {odds.size} images at 99.99 %, median {median}"
    )


def save(
    run_folder: RunFolder,
    job: Job,
    target: Target,
    starts: npt.ArrayLike,
    climbed: Sequence[Climbed],
) -> dict[str, Any]:
    """Writes all files of a run folder but `config.json` and `target.json`; returns `summary.json`'s content.

    Args:
      run_folder: the run's.
      job: what was to be done.
      target: the network.
      starts: `[S, H, W, K]` in [0, 1]; each climbed towards every class, start by start.
      climbed: of each method, `S * C` images.
    Raises:
      FaultError: an image's log-odds differ from those in the climb by more than the tolerance.
    """
    folder = run_folder.path
    run_folder.begin_changes()
    pixels = np.asarray(np.round(quantise(jax.numpy.asarray(starts)) * UNIT), np.uint8)
    images = folder / "images"
    with replaced(images) as draft:
        starts_saved = _save_starts(draft / "start", pixels)
        saved = [_save_images(draft / one.method.name, one, target, job.cells) for one in climbed]
    control = _score_starts([images / "start" / name for name in starts_saved], target, job.cells)
    scored = [
        _score_images([images / one.method.name / name for name in names], one, target, job.cells)
        for one, names in zip(climbed, saved, strict=True)
    ]
    save_tree(
        folder / "ascents.npz",
        {one.method.name: one.ascent for one in climbed},
        {"classes": list(job.cells), "starts": len(pixels)},
    )
    summary = summarise(job, target, control, climbed, scored)
    write_bytes(folder / "gallery.png", _gallery(job, target, control, climbed, scored))
    histories = {one.method.name: (np.arange(len(one.ascent.history)), one.ascent.history) for one in climbed}
    write_bytes(folder / "curves.png", png_bytes(climbs(histories)))
    _write_page(folder, job, target, climbed, scored, summary)
    run_folder.finish(summary)
    return summary


def _save_starts(folder: Path, pixels: npt.NDArray[np.uint8]) -> list[str]:
    """Saves the start images, one for all classes; returns the files' names."""
    folder.mkdir()
    names = [f"start{index:02d}.png" for index in range(len(pixels))]
    for name, image in zip(names, pixels, strict=True):
        write_bytes(folder / name, png_bytes(image))
    return names


def _score_starts(paths: Sequence[Path], target: Target, cells: tuple[int, ...]) -> Scored:
    """What the files hold, scored."""
    images = np.stack([read_image(path) for path in paths])
    odds = score(target, images)
    return Scored(
        np.repeat(images[:, None], len(cells), axis=1), np.repeat(odds[:, None], len(cells), axis=1), cells
    )


def _save_images(folder: Path, climbed: Climbed, target: Target, cells: tuple[int, ...]) -> list[str]:
    """Saves a method's images; returns the files' names."""
    folder.mkdir()
    names = []
    for index, image in enumerate(climbed.ascent.pixels()):
        start, place = divmod(index, len(cells))
        cell = cells[place]
        share = claimed(climbed.ascent.log_odds_8_bit[index])
        names.append(f"start{start:02d}-class{cell:03d}-{slug(target.class_names[cell])}-{share}.png")
        write_bytes(folder / names[-1], png_bytes(image))
    return names


def _score_images(paths: Sequence[Path], climbed: Climbed, target: Target, cells: tuple[int, ...]) -> Scored:
    """What the files hold, scored."""
    images = np.stack([read_image(path) for path in paths])
    odds = score(target, images)
    for index, path in enumerate(paths):
        read, expected = (
            float(odds[index, cells[index % len(cells)]]),
            float(climbed.ascent.log_odds_8_bit[index]),
        )
        if not math.isclose(read, expected, rel_tol=RESCORE_TOLERANCE, abs_tol=RESCORE_TOLERANCE):
            raise FaultError(f"{path}: log-odds {read:.6f} when read back, {expected:.6f} in the climb")
    shape = (-1, len(cells))
    return Scored(images.reshape(*shape, *images.shape[1:]), odds.reshape(*shape, odds.shape[-1]), cells)


def summarise(
    job: Job, target: Target, control: Scored, climbed: Sequence[Climbed], scored: Sequence[Scored]
) -> dict[str, Any]:
    """The content of `summary.json`; medians over classes, then starts, are of log-odds."""
    return {
        "experiment": job.name,
        **job.subject.facts,
        "confidence": target.confidence,
        "target": target.name,
        "target_sha256": target.provenance["params_sha256"],
        "clean_accuracy": target.clean_accuracy,
        "settings": asdict(job.config),
        "evaluations": sum(int(one.ascent.queries) for one in climbed),
        "control": {"start images, 8 bits": _facts(control)},
        "methods": {
            one.method.name: {
                "iterations": one.method.iterations,
                "settings": dict(one.method.settings),
                "passes": int(one.ascent.queries),
                "seconds_with_compile": round(one.seconds, 3),
                "rescored": _facts(images),
                "before_rounding": medians(np.asarray(one.ascent.log_odds).reshape(images.odds.shape)),
                "reached": _reached(one.ascent),
            }
            for one, images in zip(climbed, scored, strict=True)
        },
        "device": f"{jax.devices()[0].platform}: {jax.devices()[0].device_kind}",
        "versions": versions(),
    }


def _facts(scored: Scored) -> dict[str, Any]:
    odds = scored.odds
    own = np.asarray(scored.cells)[None]
    return {
        **medians(odds),
        "images_at_9999": int(np.sum(odds >= FOOLED)),
        "images_top1": int(np.sum(np.argmax(scored.all_odds, axis=-1) == own)),
        "images": int(odds.size),
    }


def _reached(ascent: Ascent) -> dict[str, Any]:
    """For each level: how many images reached it, when, and what they were then.

    The median iteration is over all images, None where fewer than half reached the level; lengths are medians
    over those that did, in the authors' unit.
    """
    found = ascent.reached
    facts = {}
    for level, key in enumerate(LEVEL_KEYS):
        iteration = np.asarray(found.iteration)[:, level]
        there = iteration >= 0
        facts[key] = {
            "images": int(np.sum(there)),
            "median_iteration": finite(np.median(np.where(there, iteration, np.inf))),
            **{
                f"median_{name}": finite(UNIT * np.median(np.asarray(leaf)[there, level]))
                if there.any()
                else None
                for name, leaf in (
                    ("norm", found.norm),
                    ("distance", found.distance),
                    ("deviation", found.deviation),
                )
            },
        }
    return facts


def _gallery(
    job: Job, target: Target, control: Scored, climbed: Sequence[Climbed], scored: Sequence[Scored]
) -> bytes:
    """The first start and what each method made of it."""
    names = ["start", *(one.method.name for one in climbed)]
    images = np.stack([each.images[0] for each in (control, *scored)])
    odds = np.stack([each.odds[0] for each in (control, *scored)])
    shown = slice(None, max(1, MAX_IMAGES // len(names)))
    return png_bytes(gallery(images[:, shown], odds[:, shown], _names(job, target)[shown], row_names=names))


def _names(job: Job, target: Target) -> list[str]:
    return [target.class_names[cell] for cell in job.cells]


def _shown(odds: Any) -> str:
    return format_confidence(float(odds))


def _write_page(
    folder: Path,
    job: Job,
    target: Target,
    climbed: Sequence[Climbed],
    scored: Sequence[Scored],
    summary: Mapping[str, Any],
) -> None:
    control = summary["control"]["start images, 8 bits"]
    write_comparison(
        folder / "index.html",
        ComparisonPage(
            title=job.title,
            introduction=job.introduction,
            gallery_png=(folder / "gallery.png").read_bytes(),
            gallery_alt=f"Grid of images: one row for each of {len(climbed)} methods, below a row with the "
            f"start image; one column for each of {len(job.cells)} classes.",
            gallery_caption="One column for each class. The first row is the image that all others began as, "
            "the rows below are what each method made of it. Below each image is the confidence of the "
            "network that it belongs to the class of its column; digits are cut off, not rounded.",
            columns=(
                "iterations",
                "99.99 % or more",
                "named as the class",
                "median",
                "lowest",
                "median iteration of the first 99.99 %",
                "network passes",
            ),
            table_caption=f"{control['images']} images for each method: {job.config.starts} starts, "
            f"{len(job.cells)} classes",
            methods=[
                _method(job, target, one, images, summary)
                for one, images in zip(climbed, scored, strict=True)
            ],
            curves_png=(folder / "curves.png").read_bytes(),
            curves_alt="Line chart of log-odds over iterations, one line for each method: "
            + "; ".join(
                f"{one.method.name} ends at a median of {_shown(np.median(one.ascent.log_odds))}"
                for one in climbed
            )
            + ".",
            curves_caption="Log-odds of the class over iterations (on a logarithmic axis), before rounding "
            "to 8 bits. Thick: the median image; thin: the lowest. The dotted line is 99.99 %.",
            numbers=_numbers(summary, control),
            notes=_notes(job, summary),
            settings=_settings(job, target, summary),
            command=_command(job),
        ),
    )


def _method(job: Job, target: Target, climbed: Climbed, scored: Scored, summary: Mapping[str, Any]) -> Shown:
    name = climbed.method.name
    facts = summary["methods"][name]
    rescored, first = facts["rescored"], facts["reached"]["9999"]["median_iteration"]
    median, lowest = (_shown(rescored[f"{which}_log_odds"]) for which in ("median", "min"))
    rows = [f"start {index}" for index in range(len(scored.images))]
    shown = slice(None, max(1, MAX_IMAGES // len(rows)))
    return Shown(
        name=name,
        explanation=job.explanations[name],
        values=(
            f"{facts['iterations']:,}",
            f"{rescored['images_at_9999']} of {rescored['images']}",
            f"{rescored['images_top1']} of {rescored['images']}",
            median,
            lowest,
            "fewer than half" if first is None else f"{first:,.0f}",
            f"{facts['passes']:,}",
        ),
        gallery_png=png_bytes(
            gallery(
                scored.images[:, shown], scored.odds[:, shown], _names(job, target)[shown], row_names=rows
            )
        ),
        gallery_alt=f"Grid of the images of {name}: one row for each start, one column for each class. The "
        f"network's confidence is {lowest} at the lowest and {median} in the median.",
    )


def _numbers(summary: Mapping[str, Any], control: Mapping[str, Any]) -> list[Number]:
    worth = [
        Number(
            "What the network is worth",
            f"{summary['clean_accuracy']:.2%}",
            "The share of real images, held out from its training, that it names correctly.",
        )
        for _ in range(summary["clean_accuracy"] is not None)
    ]
    return [
        Number(
            "Control: the start images",
            _shown(control["median_log_odds"]),
            f"The median confidence in the classes before any step; {control['images_at_9999']} of "
            f"{control['images']} pairs of start and class have 99.99 %.",
        ),
        *worth,
        Number(
            "Network passes",
            f"{summary['evaluations']:,}",
            "All methods and images together; a look at an image is one pass, its gradient another.",
        ),
    ]


def _notes(job: Job, summary: Mapping[str, Any]) -> list[str]:
    return [
        f"One network was climbed, a {summary['target']}: this tells how starts vary, not how networks do.",
        *job.subject.notes,
        *job.notes,
        "The methods take different numbers of iterations, and their settings were not tuned alike: the "
        "table is no ranking.",
    ]


def _settings(job: Job, target: Target, summary: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {
        "Climb": {name.replace("_", " "): in_words(value) for name, value in asdict(job.config).items()},
        "Target": {
            "network": target.name,
            "confidence": target.confidence,
            "clean accuracy": "not measured"
            if target.clean_accuracy is None
            else f"{target.clean_accuracy:.2%}",
            **{name.replace("_", " "): str(value) for name, value in job.subject.facts.items()},
            "parameters (SHA-256)": str(target.provenance["params_sha256"]),
        },
        "Machine": {"device": summary["device"], **summary["versions"]},
    }


def _command(job: Job) -> str:
    """The command line that does the same again."""
    values = {field.name: (getattr(job.config, field.name), field.default) for field in fields(job.config)}
    changed = [
        word
        for name, (value, default) in values.items()
        if value != default
        for word in ("--" + name.replace("_", "-"), str(value))
    ]
    return shlex.join(["python", "-m", f"experiments.{job.name}", *changed])
