"""What a finished search says of itself: the summary, the figures and the page."""

import math
import shlex
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from fooljax.engine.log_odds import FOOLED, confidence, to_log_odds
from fooljax.engine.types import Target
from fooljax.evolution import Evolution
from fooljax.report import (
    alternative_texts,
    MAX_ELITES,
    ClassImage,
    Elite,
    FooledAt,
    NamedAs,
    Number,
    RunPage,
    curves,
    fooling_gallery,
    format_confidence,
    label,
    png_bytes,
    write_classes,
    write_run_page,
)
from fooljax.runs.elites import Judged, Paths, read_image, save_large
from fooljax.runs.folder import versions
from fooljax.runs.recipe import Job
from fooljax.settings import OFF, in_words
from fooljax.storage.trees import write_bytes

CLASSES_PAGE = "classes.html"
"""Where there are more images than the run's page shows."""
GALLERY = 40
"""Images in the gallery then; the paper's figure 8 has as many."""
LEVELS = (0.5, 0.9, 0.99, 0.999, 0.9999)
"""Confidences at which images are counted."""


NOT_MEASURED = "not measured"


def summarise(
    job: Job,
    target: Target,
    evolution: Evolution,
    best: Judged,
    first: Judged,
    second: Target | None,
) -> dict[str, Any]:
    """The content of `summary.json`; its medians over classes, then runs, are of log-odds.

    Args:
      job: what was done.
      target: the network that was fooled.
      evolution: what came of it.
      best: the best images.
      first: the first that fooled the target.
      second: the second network; None where there is none.
    """
    metrics, config, rescored = evolution.metrics, job.config, best.rescored.own
    evaluations = int(np.sum(metrics["queries"][:, -1]))
    nan = int(np.sum(metrics["nan"]))
    return {
        "experiment": job.experiment.name,
        "target": target.name,
        "confidence": target.confidence,
        "target_sha256": target.provenance["params_sha256"],
        "clean_accuracy": target.clean_accuracy,
        "encoding": job.encoding.name,
        "strategy": job.strategy.name,
        "seed": config.seed,
        **job.subject.facts,
        "runs": config.runs,
        "generations": evolution.generations,
        "children_per_generation": config.children,
        "settings": asdict(config),
        "evaluations": evaluations,
        "nan_images": nan,
        "nan_share": nan / max(1, evaluations),
        "evaluations_before": job.initial.evaluations if job.initial else 0,
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
            "images_at_9999_of_each_run": np.sum(rescored >= FOOLED, axis=1).tolist(),
            "images": int(rescored.size),
            "shares": _shares(rescored),
        },
        "first_fooled": _first_fooled(first),
        "second_network": NOT_MEASURED
        if second is None
        else {
            "name": second.name,
            "sha256": second.provenance["params_sha256"],
            "clean_accuracy": second.clean_accuracy,
            "first_fooled": _named_alike(first),
            "best": _named_alike(best),
        },
        "by_group": _by_group(job, evolution, rescored),
        "also_judged": {
            name: {**_medians(odds), "shares": _shares(odds)} for name, odds in best.others.items()
        },
        # The control within every run: the best of the first images, random unless it began with others.
        "generation_0": {
            "median_log_odds": _finite(np.median(metrics["median_log_odds"][:, 0])),
            "min_log_odds": _finite(np.min(metrics["min_log_odds"][:, 0])),
        },
        # What the encoding measures of its elites, means over cells and runs.
        "genomes": {
            name: {"end": _finite(np.mean(values[:, -1])), "mean": _finite(np.mean(values))}
            for name, values in metrics.items()
            if name.startswith(f"{job.encoding.name}/")
        },
        "device": f"{jax.devices()[0].platform}: {jax.devices()[0].device_kind}",
        "versions": versions(),
    }


def in_lines(summary: Mapping[str, Any]) -> list[str]:
    """What came out, for a terminal; all of it is of the saved images."""
    first, rescored, second = (summary[name] for name in ("first_fooled", "rescored", "second_network"))
    lines = [
        f"fooled: {first['images']} of {first['of']}"
        + (f", in the median in generation {first['generations']['median']:,.0f}" if first["images"] else ""),
        f"best images: median confidence {format_confidence(rescored['median_log_odds'])}, "
        f"lowest {format_confidence(rescored['min_log_odds'])}",
    ]
    if second == NOT_MEASURED:
        return lines
    alike = [
        f"{second[which]['named_alike']} of {second[which]['images']} {words}"
        for which, words in (("first_fooled", "first fooled"), ("best", "best"))
    ]
    return [*lines, f"a second network names alike: {' and '.join(alike)} images"]


def _first_fooled(first: Judged) -> dict[str, Any]:
    """How many cells were fooled, what their first images score, and when these were born.

    Medians are over all such images of all runs; None where there is none. Queries are counted by run.
    """
    there = np.isfinite(first.kept.log_odds)
    odds = first.rescored.own[there]
    births, queries = (
        np.asarray(leaf)[there] for leaf in (first.kept.archive.births, first.kept.archive.ids)
    )
    return {
        "images": int(np.sum(there)),
        "of": int(there.size),
        "images_of_each_run": np.sum(there, axis=1).tolist(),
        "images_at_9999": int(np.sum(odds >= FOOLED)),
        "median_confidence": _confidence(np.median(odds)) if len(odds) else None,
        "median_log_odds": float(np.median(odds)) if len(odds) else None,
        "min_log_odds": float(np.min(odds)) if len(odds) else None,
        "generations": _spread(births),
        "queries": _spread(queries),
    }


def _spread(values: npt.NDArray[Any]) -> dict[str, float | int | None]:
    if not len(values):
        return dict.fromkeys(("least", "median", "most"))
    return {"least": int(np.min(values)), "median": float(np.median(values)), "most": int(np.max(values))}


def _named_alike(judged: Judged) -> dict[str, Any]:
    """How many images the second network takes for the class that they were evolved for, and how surely."""
    second = judged.second
    assert second is not None
    there = np.isfinite(judged.kept.log_odds)
    alike = there & (second.top == np.asarray(judged.kept.cells)[None])
    return {
        "images": int(np.sum(there)),
        "named_alike": int(np.sum(alike)),
        "named_alike_of_each_run": np.sum(alike, axis=1).tolist(),
        "named_alike_with": {
            f"{level:g}": int(np.sum(alike & (second.own >= to_log_odds(level)))) for level in LEVELS
        },
    }


def _by_group(job: Job, evolution: Evolution, rescored: npt.NDArray[np.float64]) -> dict[str, dict[str, Any]]:
    """Images, median and shares of each group of related classes, over all runs."""
    names = [job.subject.group(cell) for cell in evolution.cells]
    return {
        name: {
            "classes": len(places),
            "median_log_odds": _finite(np.median(rescored[:, places])),
            "median_confidence": _confidence(np.median(rescored[:, places])),
            "shares": _shares(rescored[:, places]),
        }
        for name in dict.fromkeys(names)
        if name and (places := [place for place, other in enumerate(names) if other == name])
    }


def _shares(odds: npt.NDArray[np.float64]) -> dict[str, float]:
    """Shares of images at some confidences or more."""
    return {f"{level:g}": float(np.mean(odds >= to_log_odds(level))) for level in LEVELS}


def _medians(odds: npt.NDArray[Any]) -> dict[str, float | None]:
    """Median over cells of each run, then over runs, and the minimum over both, of log-odds `[R, C]`."""
    middle, least = float(np.median(np.median(odds, axis=1))), float(np.min(odds))
    return {
        "median_confidence": _confidence(middle),
        "min_confidence": _confidence(least),
        "median_log_odds": _finite(middle),
        "min_log_odds": _finite(least),
    }


def _finite(value: Any) -> float | None:
    """JSON has no -inf, which stands for an empty cell."""
    return float(value) if math.isfinite(value) else None


def _confidence(odds: Any) -> float:
    # Where float64 rounds to 1 it is the next number below: nothing is ever rounded up.
    return min(float(confidence(odds)), math.nextafter(1.0, 0.0))


def _generations_to(odds: npt.NDArray[Any]) -> list[int | None]:
    """The first generation of each run at which `odds`, `[R, T + 1]`, count as fooled; None if never."""
    reached = odds >= FOOLED
    return [int(np.argmax(row)) if row.any() else None for row in reached]


def write_figures_and_page(
    folder: Path,
    job: Job,
    target: Target,
    evolution: Evolution,
    best: Judged,
    first: Judged,
    summary: Mapping[str, Any],
) -> None:
    """Writes `gallery.png`, `curves.png`, `large/` and `index.html` into a run folder."""
    names, rescored = [target.class_names[cell] for cell in evolution.cells], best.rescored.own
    # Shares of elites would be invisible beside counts; they are told in numbers.
    measured = [name for name in evolution.metrics if name.startswith(f"{job.encoding.name}/")]
    sizes = [name for name in measured if not _is_share(name)]
    # A gallery of a thousand photographs' worth would be tens of megabytes; the page of classes has them all.
    many = rescored.size > MAX_ELITES
    places = _evenly(len(names), max(1, GALLERY // rescored.shape[0])) if many else list(range(len(names)))
    gallery_png = _gallery(target, best, first, places)
    curves_png = png_bytes(curves(evolution.metrics, sizes=sizes))
    write_bytes(folder / "gallery.png", gallery_png)
    write_bytes(folder / "curves.png", curves_png)
    large = save_large(folder / "large", evolution, target, MAX_ELITES)
    if many:
        images = [
            ClassImage(
                run=run,
                class_index=evolution.cells[cell],
                class_name=names[cell],
                group=job.subject.group(evolution.cells[cell]),
                log_odds=float(rescored[run, cell]),
                file_name=_link(folder, path),
            )
            for run, row in enumerate(best.paths)
            for cell, path in enumerate(row)
        ]
        write_classes(folder / CLASSES_PAGE, job.experiment.title, "index.html", images)
    none: Paths = [[None] * len(names) for _ in best.paths]
    best_shown, first_shown = (
        [] if many else _elites(folder, target, judged, drawings)
        for judged, drawings in ((best, large), (first, none))
    )
    reached = zip(summary["generations_to_median_9999"], summary["generations_to_all_9999"], strict=True)
    write_run_page(
        folder / "index.html",
        RunPage(
            title=job.experiment.title,
            introduction=job.experiment.introduction,
            gallery_png=gallery_png,
            gallery_alt=alternative_texts.of_gallery(rescored),
            curves_png=curves_png,
            sizes=sizes,
            numbers=_numbers(summary) + [_share(name, evolution) for name in measured if _is_share(name)],
            fooled_at=[FooledAt(run, median, every) for run, (median, every) in enumerate(reached)],
            elites=best_shown,
            first=first_shown,
            notes=_notes(job, summary),
            settings=_settings(job, target, summary),
            command=_command(job),
            gallery_note=f"Here: {len(places)} of the {len(names):,} classes, evenly spaced." if many else "",
            classes_page=CLASSES_PAGE if many else "",
            shows_first=True,
            first_listed=many,
            second_network="" if best.second is None else summary["second_network"]["name"],
        ),
    )


def _gallery(target: Target, best: Judged, first: Judged, places: list[int]) -> bytes:
    """A PNG of the first images that fooled the target, of some cells; where none did, the best image."""
    runs = len(best.paths)
    height, width, channels = best.kept.encoding.image_shape
    images = np.zeros((runs, len(places), height, width, channels), np.uint8)
    odds, fooled = np.full(images.shape[:2], -np.inf), np.zeros(images.shape[:2], bool)
    seconds: list[list[NamedAs | None]] = [[None] * len(places) for _ in range(runs)]
    for run, column in np.ndindex(runs, len(places)):
        cell = places[column]
        fooled[run, column] = first.paths[run][cell] is not None
        shown = first if fooled[run, column] else best
        if path := shown.paths[run][cell]:
            images[run, column] = read_image(path)
            odds[run, column] = shown.rescored.own[run, cell]
            seconds[run][column] = _second(target, shown, run, cell)
    names = [label(target.class_names[index], index) for index in (best.kept.cells[cell] for cell in places)]
    figure = fooling_gallery(images, odds, names, fooled=fooled, seconds=seconds if best.second else None)
    return png_bytes(figure)


def _second(target: Target, judged: Judged, run: int, cell: int) -> NamedAs | None:
    """What the second network takes an image for."""
    if judged.second is None:
        return None
    top = int(judged.second.top[run, cell])
    return NamedAs(top, target.class_names[top], float(judged.second.top_odds[run, cell]))


def _elites(folder: Path, target: Target, judged: Judged, large: Paths) -> list[Elite]:
    """Images as the page shows them, with their large drawings; empty cells among them."""
    with_genomes = judged.kept.encoding.to_json is not None
    births = np.asarray(judged.kept.archive.births)
    return [
        Elite(
            run=run,
            class_index=index,
            class_name=target.class_names[index],
            log_odds=float(judged.rescored.own[run, cell]),
            png=path.read_bytes() if path else b"",
            file_name=_link(folder, path),
            genome_file_name=_link(folder, path.with_suffix(".json")) if path and with_genomes else "",
            large_png=drawing.read_bytes() if (drawing := large[run][cell]) else b"",
            large_file_name=_link(folder, drawing),
            generation=int(births[run, cell]),
            second=_second(target, judged, run, cell) if path else None,
        )
        for run, row in enumerate(judged.paths)
        for cell, (index, path) in enumerate(zip(judged.kept.cells, row, strict=True))
    ]


def _link(folder: Path, path: Path | None) -> str:
    return path.relative_to(folder).as_posix() if path else ""


def _evenly(count: int, most: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()


def _numbers(summary: Mapping[str, Any]) -> list[Number]:
    rescored, before = summary["rescored"], summary["generation_0"]
    images, children = rescored["images"], summary["children_per_generation"]
    earlier = summary["evaluations_before"]
    first, second = summary["first_fooled"], summary["second_network"]
    numbers = [
        Number(
            "Classes fooled",
            f"{first['images']} of {first['of']}",
            f"{summary['runs']} runs, {images // summary['runs']} classes each. Fooled: some image reached "
            "99.99 % for the class."
            + (
                f" The first such image came in generation {first['generations']['median']:,.0f} in the "
                f"median, {first['generations']['most']:,} at the latest."
                if first["images"]
                else ""
            ),
        ),
        _agreement(second),
        Number(
            "Best images with 99.99 % or more",
            f"{rescored['images_at_9999']} of {images}",
            f"Scored from the saved files after {summary['generations']:,} generations.",
        ),
        Number(
            "Median confidence",
            format_confidence(rescored["median_log_odds"]),
            "Of the best images: the median over the classes of each run, then over the runs.",
        ),
        Number(
            "Lowest confidence",
            format_confidence(rescored["min_log_odds"]),
            "Of the best images of all runs and classes.",
        ),
        Number(
            "Before this search" if earlier else "Control: random images",
            format_confidence(before["median_log_odds"]),
            "The median confidence of the images that it began with."
            if earlier
            else f"The median confidence where each class has the best of {children} random images, "
            "before any evolution.",
        ),
        Number(
            "Images shown to the network",
            f"{summary['evaluations']:,}",
            f"All runs together, the {'first' if earlier else 'random'} ones included; "
            f"{summary['evaluations_per_second']:,.0f} a second."
            + (f" Those that it began with had cost {earlier:,} before." if earlier else ""),
        ),
    ]
    if summary["clean_accuracy"] is not None:
        worth = Number(
            "What the network is worth",
            f"{summary['clean_accuracy']:.2%}",
            "The share of real images, held out from its training, that it names correctly.",
        )
        numbers.insert(-1, worth)
    for name, judged in summary["also_judged"].items():
        median = format_confidence(judged["median_log_odds"])
        numbers.append(Number(f"Median confidence, {name}", median, "The same saved images, scored so."))
    return numbers


def _agreement(second: Any) -> Number:
    """Whether a second network sees what the fooled one saw."""
    name = "A second network agrees"
    if second == NOT_MEASURED:
        return Number(name, NOT_MEASURED, "No second network was asked what it takes these images for.")
    first, best = second["first_fooled"], second["best"]
    return Number(
        name,
        f"{first['named_alike']} of {first['images']}",
        f"How many of the first images that fooled the network a second one ({second['name']}), trained "
        "independently for the same classes, takes for the same class; "
        f"{first['named_alike_with']['0.9999']} of them with 99.99 % or more. Of the best images it names "
        f"{best['named_alike']} of {best['images']} alike.",
    )


def _is_share(metric: str) -> bool:
    return metric.split("/", 1)[-1].startswith("share_")


def _share(metric: str, evolution: Evolution) -> Number:
    """A share of the elites as a number: `cppn/share_full` is "Genomes that are full"."""
    words = metric.split("/", 1)[-1].removeprefix("share_").replace("_", " ")
    return Number(
        f"Genomes that are {words}",
        f"{float(np.mean(evolution.metrics[metric][:, -1])):.1%}",
        f"The share of all elites after the last generation ({metric} in metrics.csv).",
    )


def _notes(job: Job, summary: Mapping[str, Any]) -> list[str]:
    return [
        f"One network was fooled, a {summary['target']}. All {summary['runs']} runs are against that same "
        "network: they tell how the search varies, not how networks vary.",
        *job.subject.notes,
        *(
            f"The network gave no number (NaN) for {summary['nan_images']:,} of {summary['evaluations']:,} "
            f"images ({100.0 * summary['nan_share']:.2g} %); these count as not recognised at all."
            for _ in range(summary["nan_images"] > 0)
        ),
        "That no person recognises a class in these images was not measured here; look at them.",
        "A search of the same size without selection is the fair control for evolution: "
        f"{_command(job._replace(config=replace(job.config, strategy='random_search', set='')))}",
    ]


def _settings(job: Job, target: Target, summary: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    settings = {name.replace("_", " "): in_words(value) for name, value in asdict(job.config).items()}
    network = {
        "network": target.name,
        "confidence": target.confidence,
        "clean accuracy": "not measured" if target.clean_accuracy is None else f"{target.clean_accuracy:.2%}",
        **{name.replace("_", " "): str(value) for name, value in job.subject.facts.items()},
        "parameters (SHA-256)": str(target.provenance["params_sha256"]),
    }
    machine = {"device": summary["device"], **summary["versions"]}
    return {"Search": settings, "Target": network, "Machine": machine}


def _command(job: Job) -> str:
    """The command line that does the same again."""
    words = [f"python -m experiments.{job.experiment.name}"]
    for field in fields(job.config):
        value = getattr(job.config, field.name)
        if value == field.default:
            continue
        words.append(("--no-" if value is False else "--") + field.name.replace("_", "-"))
        if not isinstance(value, bool):
            words.append(shlex.quote(OFF if value is None else str(value)))
    return " ".join(words)
