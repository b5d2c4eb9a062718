"""What a finished search leaves in its run folder: images, numbers taken from them, and the page."""

import math
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from PIL import Image

from experiments.job import Job
from experiments.run_folder import PACKAGES
from fooljax.base import Target, TargetCard
from fooljax.errors import FaultError
from fooljax.evaluation import confidence, score, to_log_odds
from fooljax.evolution import Evolution
from fooljax.report import (
    Elite,
    Number,
    Reached,
    Report,
    curves,
    format_confidence,
    gallery,
    png_bytes,
    write_page,
)
from fooljax.storage import write_bytes

RESCORE_TOLERANCE = 1e-3
"""How far a saved image's log-odds may be from the loop's, relative or absolute."""
FOOLED = to_log_odds(0.9999)
"""What the paper calls fooled. Source: Nguyen et al. 2015, abstract."""


def save_elites(folder: Path, evolution: Evolution, card: TargetCard) -> list[list[Path | None]]:
    """Saves each elite as a PNG; the folder is replaced whole.

    Returns:
      Paths by run and cell; None where a cell is empty.
    """
    images, odds = evolution.images(), evolution.log_odds
    draft = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    paths: list[list[Path | None]] = []
    for run, row in enumerate(images):
        paths.append([])
        for cell, image in enumerate(row):
            if not np.isfinite(odds[run, cell]):
                paths[-1].append(None)
                continue
            index = evolution.cells[cell]
            # Truncated, not rounded: a name must not claim more than the image reached.
            share = math.floor(float(confidence(odds[run, cell])) * 1e6) / 1e6
            name = f"run{run:02d}-class{index:03d}-{slug(card.class_names[index])}-{share:.6f}.png"
            Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(draft / name)
            paths[-1].append(folder / name)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return paths


def slug(name: str) -> str:
    """A class name fit for a file name: lower-case letters, digits and dashes, never empty."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "class"


def rescore(
    paths: list[list[Path | None]], evolution: Evolution, target: Target, tile: int
) -> npt.NDArray[np.float64]:
    """Reads the saved images back and scores them again.

    Returns:
      `[R, C]` log-odds of each image for its own class; -inf where a cell is empty.
    Raises:
      FaultError: an image's log-odds differs from the loop's by more than the tolerance.
    """
    odds = np.full(evolution.log_odds.shape, -np.inf)
    saved = [(run, cell, path) for run, row in enumerate(paths) for cell, path in enumerate(row) if path]
    if not saved:
        return odds
    scored = score(target, np.stack([_read_image(path) for _, _, path in saved]), tile=tile)
    for row, (run, cell, path) in enumerate(saved):
        odds[run, cell] = scored[row, evolution.cells[cell]]
        expected = float(evolution.log_odds[run, cell])
        if not math.isclose(odds[run, cell], expected, rel_tol=RESCORE_TOLERANCE, abs_tol=RESCORE_TOLERANCE):
            found = odds[run, cell]
            raise FaultError(f"{path}: log-odds {found:.6f} when read back, {expected:.6f} in the search")
    return odds


def summarise(
    job: Job, card: TargetCard, evolution: Evolution, rescored: npt.NDArray[np.float64]
) -> dict[str, Any]:
    """The content of `summary.json`; its medians over classes, then runs, are of log-odds."""
    metrics, config = evolution.metrics, job.config
    evaluations = int(np.sum(metrics["queries"][:, -1]))
    return {
        "experiment": job.experiment.name,
        "dataset": job.dataset.name,
        "target": card.name,
        "target_sha256": card.provenance["params_sha256"],
        "clean_accuracy": card.clean_accuracy,
        "encoding": job.encoding.name,
        "strategy": job.strategy.name,
        "seed": config.seed,
        "target_seed": config.target_seed,
        "runs": config.runs,
        "generations": evolution.generations,
        "children_per_generation": config.children,
        "evaluations": evaluations,
        "seconds_search": round(evolution.seconds_search, 3),
        "seconds_compile": round(evolution.seconds_compile, 3),
        "evaluations_per_second": round(evaluations / max(evolution.seconds_search, 1e-9), 1),
        **_medians(evolution.log_odds),
        "generations_to_all_9999": _generations_to(metrics["min_log_odds"]),
        "generations_to_median_9999": _generations_to(metrics["median_log_odds"]),
        "rescored": {
            **_medians(rescored),
            "median_confidence_of_each_run": [_medians(row[None])["median_confidence"] for row in rescored],
            "min_confidence_of_each_run": [_medians(row[None])["min_confidence"] for row in rescored],
            "images_at_9999": int(np.sum(rescored >= FOOLED)),
            "images": int(rescored.size),
        },
        # The control within every run: the best of the first random images, before any selection.
        "generation_0": {
            "median_log_odds": _finite(np.median(metrics["median_log_odds"][:, 0])),
            "min_log_odds": _finite(np.min(metrics["min_log_odds"][:, 0])),
        },
        "device": f"{jax.devices()[0].platform}: {jax.devices()[0].device_kind}",
        "versions": {name: version(name) for name in PACKAGES},
    }


def _medians(odds: npt.NDArray[Any]) -> dict[str, float | None]:
    """Median over cells of each run, then over runs, and the minimum over both, of log-odds `[R, C]`."""
    middle, least = float(np.median(np.median(odds, axis=1))), float(np.min(odds))
    return {
        "median_confidence": _share(middle),
        "min_confidence": _share(least),
        "median_log_odds": _finite(middle),
        "min_log_odds": _finite(least),
    }


def _finite(value: Any) -> float | None:
    """JSON has no -inf, which stands for an empty cell."""
    return float(value) if math.isfinite(value) else None


def _share(odds: Any) -> float:
    return float(confidence(odds))


def _generations_to(odds: npt.NDArray[Any]) -> list[int | None]:
    """The first generation of each run at which `odds`, `[R, T + 1]`, count as fooled; None if never."""
    reached = odds >= FOOLED
    return [int(np.argmax(row)) if row.any() else None for row in reached]


def _read_image(path: Path) -> npt.NDArray[np.uint8]:
    with Image.open(path) as image:
        pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def write_figures_and_page(
    folder: Path,
    job: Job,
    card: TargetCard,
    evolution: Evolution,
    elites: list[list[Path | None]],
    rescored: npt.NDArray[np.float64],
    summary: Mapping[str, Any],
) -> None:
    """Writes `gallery.png`, `curves.png` and `index.html` into a run folder."""
    names = [card.class_names[cell] for cell in evolution.cells]
    gallery_png = png_bytes(gallery(evolution.images(), rescored, names))
    curves_png = png_bytes(curves(evolution.metrics))
    write_bytes(folder / "gallery.png", gallery_png)
    write_bytes(folder / "curves.png", curves_png)
    shown = [
        Elite(
            run=run,
            class_index=evolution.cells[cell],
            class_name=names[cell],
            log_odds=float(rescored[run, cell]),
            png=path.read_bytes() if path else b"",
            file_name=f"elites/{path.name}" if path else "",
        )
        for run, row in enumerate(elites)
        for cell, path in enumerate(row)
    ]
    reached = zip(summary["generations_to_median_9999"], summary["generations_to_all_9999"], strict=True)
    write_page(
        folder / "index.html",
        Report(
            title=job.experiment.title,
            intro=job.experiment.introduction,
            gallery_png=gallery_png,
            curves_png=curves_png,
            numbers=_numbers(summary),
            reached=[Reached(run, median, every) for run, (median, every) in enumerate(reached)],
            elites=shown,
            notes=_notes(job, summary),
            settings=_settings(job, card, summary),
            command=_command(job),
        ),
    )


def _numbers(summary: Mapping[str, Any]) -> list[Number]:
    rescored, before = summary["rescored"], summary["generation_0"]
    images, children = rescored["images"], summary["children_per_generation"]
    return [
        Number(
            "Images with 99.99 % or more",
            f"{rescored['images_at_9999']} of {images}",
            f"{summary['runs']} runs, {images // summary['runs']} classes each; "
            f"scored from the saved files after {summary['generations']:,} generations.",
        ),
        Number(
            "Median confidence",
            format_confidence(rescored["median_log_odds"]),
            "The median over the classes of each run, then over the runs, of the log-odds.",
        ),
        Number("Lowest confidence", format_confidence(rescored["min_log_odds"]), "Of all runs and classes."),
        Number(
            "Control: random images",
            format_confidence(before["median_log_odds"]),
            f"The median confidence where each class has the best of {children} random images, "
            "before any evolution.",
        ),
        Number(
            "What the network is worth",
            f"{summary['clean_accuracy']:.1%}",
            "The share of real images, held out from its training, that it names correctly.",
        ),
        Number(
            "Images shown to the network",
            f"{summary['evaluations']:,}",
            "All runs together, the random ones included; "
            f"{summary['evaluations_per_second']:,.0f} a second.",
        ),
    ]


def _notes(job: Job, summary: Mapping[str, Any]) -> list[str]:
    return [
        f"One network was fooled, a {summary['target']}. All {summary['runs']} runs are against that same "
        "network: they tell how the search varies, not how networks vary.",
        f"The network learnt from {len(job.dataset.train_labels):,} images. {job.dataset.source}",
        "That no person recognises a class in these images was not measured here; look at them.",
        "A search of the same size without selection is the fair control for evolution: "
        f"{_command(job)} --strategy random_search",
    ]


def _settings(job: Job, card: TargetCard, summary: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    settings = {name.replace("_", " "): _word(value) for name, value in asdict(job.config).items()}
    target = {
        "network": card.name,
        "clean accuracy": f"{card.clean_accuracy:.2%}",
        "data": job.dataset.name,
        "parameters (SHA-256)": str(card.provenance["params_sha256"]),
    }
    machine = {"device": summary["device"], **summary["versions"]}
    return {"Search": settings, "Target": target, "Machine": machine}


def _word(value: Any) -> str:
    if value is None or value is False:
        return "off"
    return "on" if value is True else f"{value:g}" if isinstance(value, float) else str(value)


def _command(job: Job) -> str:
    """The command line that does the same again."""
    words = [f"python -m experiments.{job.experiment.name}"]
    for field in fields(job.config):
        value = getattr(job.config, field.name)
        if value != field.default:
            words.append("--" + field.name.replace("_", "-"))
        if value != field.default and value is not True:
            words.append(shlex.quote(str(value)))
    return " ".join(words)
