"""The card of a data set: `README.md`, with the YAML in front that the Hugging Face hub reads."""

import json
from collections.abc import Sequence

import numpy as np

from fooljax import __version__
from fooljax.engine.log_odds import format_confidence, to_log_odds
from fooljax.errors import shown
from fooljax.exports.fooling_set import FoolingSet
from fooljax.exports.sources import Source
from fooljax.exports.table import COLUMNS
from fooljax.study.tables import markdown

LEVELS = (0.5, 0.99, 0.999, 0.9999)
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
"""Below how many images the hub has which word for the size of a data set."""
NOTHING = "\N{EN DASH}"
WHAT = """\
Images that were made so that a neural network names them with confidence. They are the images of finished
runs of fooljax {version}, which re-implements "Deep Neural Networks are Easily Fooled" (Nguyen, Yosinski and
Clune 2015). Every picture is the 8-bit PNG file of its run, byte for byte. Every number is of that file, read
back and scored."""
JUDGES = """\
A judge is a network that had no part in making the images. It agrees when it names the class that an image
was made for, and is at least as sure of it as its threshold, which 95 % of the clean images that it was
calibrated on reach. A judge of the same family as the fooled network shares its blind spots."""
UNKNOWN = "unknown"
LICENCE_UNKNOWN = "Whoever publishes this data set has to name its licence here and in the first lines."
LIMITS = """\
What the table says of an image is true of the network that was fooled. Another network may see something
else. Whether people recognise the classes is another question, which the table does not answer. The images
are for measuring networks and detectors of such images."""


def card(dataset: FoolingSet, reading: str, more: Sequence[str] = ()) -> str:
    """The content of the card.

    Args:
      dataset: what the data set holds.
      reading: how it is read, in Markdown.
      more: further lines of YAML for the hub.
    """
    count = len(dataset.examples)
    size = next((word for most, word in SIZES if count < most), "n>1M")
    front = [
        f"license: {json.dumps(dataset.licence, ensure_ascii=False)}",
        f"pretty_name: {json.dumps(dataset.name)}",
        "task_categories:",
        "- image-classification",
        "tags:",
        "- fooling-images",
        "- out-of-distribution",
        "- fooljax",
        "size_categories:",
        f"- {size}",
        *more,
    ]
    commands = [
        f"{source.name}: `{shown(source.command, 2000)}`" for source in dataset.sources if source.command
    ]
    sections = [
        "\n".join(["---", *front, "---"]),
        f"# {dataset.name}",
        WHAT.format(version=__version__),
        f"There are {count:,} images, made for {len({one.label for one in dataset.examples}):,} of the "
        f"{len(dataset.class_names):,} classes that the networks know.",
        "## How to read it",
        reading,
        "## Where the images are from",
        markdown([_origin(source) for source in dataset.sources]),
        *(
            ["The commands that make the runs again:", "\n".join(f"- {one}" for one in commands)]
            if commands
            else []
        ),
        "## How sure the networks are",
        markdown([_sureness(dataset, source) for source in dataset.sources]),
        *_judges(dataset.sources),
        "## Columns of the table",
        markdown([{"column": f"`{name}`", "what it holds": text} for name, text in COLUMNS.items()]),
        "## Limits",
        LIMITS,
        "## Licence",
        LICENCE_UNKNOWN if dataset.licence == UNKNOWN else f"{shown(dataset.licence)}.",
    ]
    return "\n\n".join(sections) + "\n"


def _origin(source: Source) -> dict[str, str]:
    accuracy = source.target_facts.get("clean_accuracy")
    digest = str(source.target_facts.get("params_sha256", ""))[:12]
    shape = " x ".join(map(str, source.examples[0].shape)) if source.examples else NOTHING
    return {
        "source": source.name,
        "network": shown(source.network),
        "its parameters (SHA-256)": digest or NOTHING,
        "accuracy on clean images": f"{100 * accuracy:.2f} %" if isinstance(accuracy, float) else NOTHING,
        "encoding": source.encoding,
        "height x width x channels": shape,
        "seed": NOTHING if source.seed is None else str(source.seed),
        "runs": str(source.runs),
        "network passes": f"{source.passes:,}",
    }


def _sureness(dataset: FoolingSet, source: Source) -> dict[str, str]:
    kept = [one for one in dataset.examples if one.source == source.name]
    odds = np.asarray([one.log_odds for one in kept if one.log_odds is not None])
    return {
        "source": source.name,
        "images": f"{len(kept):,}",
        "median confidence": format_confidence(float(np.median(odds))) if odds.size else NOTHING,
        "lowest": format_confidence(float(odds.min())) if odds.size else NOTHING,
        **{
            f"at {100 * level:g} % or more": f"{np.sum(odds >= to_log_odds(level)):,}"
            if odds.size
            else NOTHING
            for level in LEVELS
        },
    }


def _judges(sources: Sequence[Source]) -> list[str]:
    lines = []
    for source in sources:
        for name, facts in source.judges.items():
            least, refused = facts.get("threshold_log_odds"), facts.get("refused")
            agrees = format_confidence(least) if isinstance(least, float) else NOTHING
            lines.append(
                {
                    "source": source.name,
                    "judge": shown(name),
                    "network": shown(facts.get("name", NOTHING)),
                    "same family": "yes" if facts.get("same_family") else "no",
                    "agrees from": f"left out: {shown(refused)}" if refused else agrees,
                }
            )
    return ["## Judges", JUDGES, markdown(lines)] if lines else ["## Judges", "No judge was asked."]
