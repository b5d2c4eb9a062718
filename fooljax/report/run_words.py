"""What the page of a run says in numbers and notes, composed from what stands in its folder.

Folders of version 0.1 lack some numbers; what is not there is not spoken of.
"""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fooljax.engine.log_odds import format_confidence
from fooljax.report.content import FooledAt, Number
from fooljax.report.panel_section import panel_numbers
from fooljax.report.run_settings import percentage
from fooljax.runs.agreement import missing
from fooljax.runs.arithmetic import in_words
from fooljax.runs.record import RunRecord

SECOND = "A second network agrees"
CONTROL = "random_search"
"""The strategy that selects nothing."""


def numbers(record: RunRecord) -> list[Number]:
    """Results and controls, the most important first."""
    return [
        *_fooled(record),
        *panel_numbers(record),
        *_best(record.summary),
        *_controls(record.summary),
        *_shares(record),
    ]


def _fooled(record: RunRecord) -> Iterator[Number]:
    """How many classes were fooled, and whether a second network sees the same."""
    summary = record.summary
    first, second = summary.get("first_fooled"), summary.get("second_network")
    classes = f"{record.runs:,} {'run' if record.runs == 1 else 'runs'} of {len(record.cells):,} classes. "
    if isinstance(first, Mapping):
        born = first["generations"]
        when = ""
        if first["images"] == 1:
            when = f" The one that was fooled had its first such image in generation {born['most']:,}."
        elif first["images"]:
            when = (
                f" Of the classes that were fooled, the median one had its first such image in generation "
                f"{born['median']:,.0f}, and the last one in generation {born['most']:,}."
            )
        yield Number(
            "Classes fooled",
            f"{first['images']:,} of {first['of']:,}",
            f"{classes}A class is fooled when some image reached 99.99 % for it.{when}",
        )
    if isinstance(second, Mapping):
        firsts, best = second["first_fooled"], second["best"]
        yield Number(
            SECOND,
            f"{firsts['named_alike']:,} of {firsts['images']:,}",
            f"The first images that fooled the network were shown to a second one ({second['name']}), which "
            "was trained independently for the same classes. It takes that many of them for the same class, "
            f"{firsts['named_alike_with']['0.9999']:,} of them with 99.99 % or more. Of the best images it "
            f"takes {best['named_alike']:,} of {best['images']:,} for the same class.",
        )


def _best(summary: Mapping[str, Any]) -> Iterator[Number]:
    """How sure the network is of the best images."""
    rescored = summary["rescored"]
    if "median_fitness" in rescored:
        for name, which in (("Median", "median"), ("Lowest", "min")):
            value = rescored[f"{which}_fitness"]
            yield Number(f"{name} value", _value(value), f"Of the best images: {summary['objective']}.")
        return
    if "images_at_9999" in rescored:
        yield Number(
            "Best images with 99.99 % or more",
            f"{rescored['images_at_9999']:,} of {rescored['images']:,}",
            f"Scored from the saved files after {summary['generations']:,} generations.",
        )
    yield Number(
        "Median confidence",
        format_confidence(rescored["median_log_odds"]),
        "Of the best images: the median over the classes of each run, then over the runs.",
    )
    yield Number(
        "Lowest confidence",
        format_confidence(rescored["min_log_odds"]),
        "Of the best images of all runs and classes.",
    )
    for name, scores in summary.get("also_judged", {}).items():
        yield Number(
            f"Median confidence, {name}",
            format_confidence(scores["median_log_odds"]),
            f"The same saved images, scored in another way: {name}.",
        )


def _controls(summary: Mapping[str, Any]) -> Iterator[Number]:
    """What the images are compared with, and what they cost."""
    earlier, before = summary.get("evaluations_before", 0), summary.get("generation_0")
    if before:
        is_value = "median_fitness" in before
        median = (
            _value(before["median_fitness"]) if is_value else format_confidence(before["median_log_odds"])
        )
        what = "median value" if is_value else "median confidence"
        if earlier:
            words = "Before this search", f"The {what} of the images that it began with."
        else:
            words = (
                "Control: random images",
                f"The {what} where each class has the best of {summary['children_per_generation']:,} random "
                "images, before any evolution.",
            )
        yield Number(words[0], median, words[1])
    if not isinstance(summary.get("second_network"), Mapping):
        yield Number(SECOND, "not measured", "No second network was asked what it takes these images for.")
    if summary.get("clean_accuracy") is not None:
        yield Number(
            "Accuracy on real images",
            percentage(summary["clean_accuracy"], 2),
            "The share of real images, held out from its training, that it names correctly.",
        )
    yield Number(
        "Images shown to the network",
        f"{summary['evaluations']:,}",
        f"All runs together, the {'first' if earlier else 'random'} ones included; "
        f"{summary['evaluations_per_second']:,.0f} a second."
        + (f" The images that it began with had cost {earlier:,} before." if earlier else ""),
    )


def genome_metrics(record: RunRecord) -> list[str]:
    """The names of the metrics that the encoding measures of its genomes."""
    return [name for name in record.metrics if name.startswith(f"{record.summary.get('encoding')}/")]


def is_share(metric: str) -> bool:
    """Whether a metric is a share of the genomes, which would be invisible beside counts in a figure."""
    return metric.split("/", 1)[-1].startswith("share_")


SHARES = {"cppn/share_full": "Genomes in which no more nodes or no more connections fit"}
"""What the shares of built-in encodings are called, by metric."""


def _shares(record: RunRecord) -> Iterator[Number]:
    """Shares of the elites: `cppn/share_great` would be "Genomes that are great"."""
    for metric in filter(is_share, genome_metrics(record)):
        words = metric.split("/", 1)[-1].removeprefix("share_").replace("_", " ")
        yield Number(
            SHARES.get(metric, f"Genomes that are {words}"),
            percentage(float(np.mean(record.metrics[metric][:, -1])), 1),
            "The share of all best images, after the last generation.",
        )


def fooled_at(record: RunRecord) -> list[FooledAt]:
    """When each run reached 99.99 %."""
    reached = (record.summary.get(f"generations_to_{which}_9999", []) for which in ("median", "all"))
    return [FooledAt(run, *both) for run, both in enumerate(zip(*reached, strict=True))]


def notes(record: RunRecord, drawn_again: bool) -> list[str]:
    """What the page does not show, one limitation each; the last may introduce `control_command`.

    Args:
      record: the run.
      drawn_again: whether images were drawn from their genomes, because their files were not kept.
    """
    summary = record.summary
    nan, evaluations = summary.get("nan_images", 0), summary["evaluations"]
    found = [
        f"One network was fooled: {summary['target']}."
        + (
            f" All {record.runs:,} runs are against that same network, so they show how the search varies "
            "and not how networks vary."
            if record.runs > 1
            else " There was one run, so nothing here shows how searches vary or how networks vary."
        ),
        *(record.notes or _notes_of_old(record)),
    ]
    found += in_words(summary, "the search")
    if nan:
        found.append(
            f"The network gave no number (NaN) for {nan:,} of {evaluations:,} images "
            f"({100.0 * nan / evaluations:.2g} %). These count as not recognised at all."
        )
    lacking = missing(record)
    if lacking:
        found.append(f"Not all files of this run were kept. {' '.join(lacking)}")
    if drawn_again:
        found.append(
            "The images whose files are missing were drawn again from the genomes in the archive. The "
            "confidences are those that the run measured from its own files."
        )
    found.append(
        "Whether people recognise a class in these images was not measured here. Look at them and judge."
    )
    if summary.get("strategy") != CONTROL:
        found.append(
            "The fair control for evolution is a search of the same size without selection"
            + (":" if control_command(record) else f", which is the strategy {CONTROL}.")
        )
    return found


def control_command(record: RunRecord) -> str:
    """The command of a search of the same size without selection; "" where none is known, or it is one."""
    if record.summary.get("strategy") == CONTROL:
        return ""
    return record.config.get("control_command") or _control(record.command)


def _notes_of_old(record: RunRecord) -> list[str]:
    """What a reader should know of a network of version 0.1, whose folders have no notes."""
    facts, confidence = record.target_facts, record.summary.get("confidence", "")
    found = []
    if "train_images" in facts:
        found.append(f"The network learnt from {facts['train_images']:,} images of {facts['dataset_name']}.")
    if record.summary.get("dataset") == "imagenet":
        found.append(
            f"Confidence is the {confidence}. The paper fooled another network, CaffeNet, and averaged ten "
            "crops, so numbers of the two do not compare without saying so."
        )
    return found


def _control(command: str | None) -> str:
    """The command of the same search with the strategy that selects nothing; "" where there is no command."""
    try:
        words = shlex.split(command or "")
    except ValueError:
        return ""
    kept, skip = [], False
    for word in words:
        if not skip and word not in ("--strategy", "--set"):
            kept.append(word)
        skip = not skip and word in ("--strategy", "--set")
    return shlex.join([*kept, "--strategy", CONTROL]) if kept else ""


def objective(record: RunRecord) -> str:
    """The name of what was maximised, where that is no log-odds; else ""."""
    return "" if record.is_log_odds else record.objective


def _value(value: float | None) -> str:
    return "none" if value is None else f"{value:.5g}"
