"""What came of a study with people: rates with intervals by kind of image, agreement, and who did not look.

A rate counts images, not answers, since the answers of several people to one image are not independent: an
image counts as named so if most of those who were asked about it, more than half, named it so. A person who
fails a control is named, and left out of the rates; their own numbers stay.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fooljax.analysis.rates import krippendorff_alpha, wilson_interval
from fooljax.analysis.statistics import Interval
from fooljax.labelling.answers import NOTHING, SOMETHING_ELSE, Answers
from fooljax.labelling.images import KINDS
from fooljax.labelling.task import Key

ITS_CLASS, RELATED, ANOTHER = "its class", "a related class", "another class"
NO_MAJORITY = "no majority"
OUTCOMES = (ITS_CLASS, RELATED, ANOTHER, SOMETHING_ELSE, NOTHING)
"""What an answer is: the class that the network gave, or that the clean image is of; one of the same group; a
third one; something that is not in the list; nothing that is recognised."""
RIGHT = {"clean": (ITS_CLASS, RELATED), "noise": (NOTHING,)}
"""What is expected of controls."""
PASSED = 0.75
"""The share of each kind of control that a person must get right, at least. Ours."""


@dataclass(frozen=True)
class Labeller:
    """One person.

    Attributes:
      name: of the person, or of the file.
      answered: images.
      controls: the share right of clean images and of noise; None where none was answered.
      failed: the kinds of controls that were failed, or that the person saw none of.
    """

    name: str
    answered: int
    controls: Mapping[str, Interval | None]
    failed: tuple[str, ...]


@dataclass(frozen=True)
class Rates:
    """What most people called the images of one kind.

    Attributes:
      kind: of image.
      source: where they are from; "" for all of their kind.
      images: that somebody who passed was asked about.
      outcomes: the share of each of `OUTCOMES`, and of `NO_MAJORITY`.
    """

    kind: str
    source: str
    images: int
    outcomes: Mapping[str, Interval]


@dataclass(frozen=True)
class Results:
    """What came of a study.

    Attributes:
      labellers: everybody.
      rates: of those who passed, by kind and source.
      agreement: Krippendorff's alpha of those who passed, by kind and for all images; NaN where it has no
        meaning, as with one person.
    """

    labellers: tuple[Labeller, ...]
    rates: tuple[Rates, ...]
    agreement: Mapping[str, Interval]


def outcome(key: Key, image: str, answer: int | str) -> str:
    """What an answer is, one of `OUTCOMES`."""
    if isinstance(answer, str):
        return answer
    own = key.images[image]["class_index"]
    if own is None:
        return ANOTHER
    # Two of ImageNet's classes may share a name, and nobody can tell them apart by it.
    if key.class_names[answer] == key.class_names[own]:
        return ITS_CLASS
    return RELATED if key.groups[own] and key.groups[own] == key.groups[answer] else ANOTHER


def measure(key: Key, people: Sequence[Answers]) -> Results:
    """Measures what people answered.

    Args:
      key: to the task.
      people: who answered it, at least one.
    """
    labellers = tuple(_labeller(key, one) for one in people)
    passed = [one for one, labeller in zip(people, labellers, strict=True) if not labeller.failed]
    sources = dict.fromkeys((entry["kind"], entry["source"]) for entry in key.images.values())
    groups = [(kind, "") for kind in KINDS]
    for kind in KINDS:
        own = sorted(source for of, source in sources if of == kind)
        groups += [(kind, source) for source in own] if len(own) > 1 else []
    groups.sort(key=lambda group: KINDS.index(group[0]))
    rates = tuple(_rates(key, passed, kind, source) for kind, source in groups)
    agreement: dict[str, Interval] = {kind: _agreement(key, passed, (kind,)) for kind in KINDS}
    return Results(
        labellers,
        tuple(one for one in rates if one.images),
        agreement | {"all": _agreement(key, passed, KINDS)},
    )


def _labeller(key: Key, answers: Answers) -> Labeller:
    controls: dict[str, Interval | None] = {}
    for kind, right in RIGHT.items():
        found = [
            outcome(key, image, answer) in right
            for image, answer in answers.by_image.items()
            if key.images[image]["kind"] == kind
        ]
        controls[kind] = wilson_interval(sum(found), len(found)) if found else None
    failed = tuple(kind for kind, share in controls.items() if share is None or share.estimate < PASSED)
    return Labeller(answers.labeller, len(answers.by_image), controls, failed)


def _rates(key: Key, people: Sequence[Answers], kind: str, source: str) -> Rates:
    named = Counter(
        majority
        for image, entry in key.images.items()
        if entry["kind"] == kind and source in ("", entry["source"])
        if (majority := _majority(key, people, image))
    )
    count = named.total()
    outcomes = {name: wilson_interval(named[name], count) for name in (*OUTCOMES, NO_MAJORITY) if count}
    return Rates(kind, source, count, outcomes)


def _majority(key: Key, people: Sequence[Answers], image: str) -> str:
    """The outcome that more than half of those asked about an image share; "" where nobody was asked."""
    found = Counter(outcome(key, image, one.by_image[image]) for one in people if image in one.by_image)
    if not found:
        return ""
    name, count = found.most_common(1)[0]
    return name if 2 * count > found.total() else NO_MAJORITY


def _agreement(key: Key, people: Sequence[Answers], kinds: Sequence[str]) -> Interval:
    """Alpha of what people answered, not of what became of it: two wrong names do not agree."""
    codes = {NOTHING: len(key.class_names), SOMETHING_ELSE: len(key.class_names) + 1}
    images = [image for image, entry in key.images.items() if entry["kind"] in kinds]
    table = np.full((len(people), len(images)), -1, np.int64)
    for row, one in zip(table, people, strict=True):
        for place, image in enumerate(images):
            answer = one.by_image.get(image, -1)
            row[place] = codes[answer] if isinstance(answer, str) else answer
    return krippendorff_alpha(table) if table.size else Interval(float("nan"), -1.0, 1.0)


def as_json(results: Results, key: Key, files: Sequence[Path]) -> dict[str, Any]:
    """The results as a JSON file holds them; None where a number has no meaning."""
    return {
        "task": key.task,
        "answers": [file.name for file in files],
        "controls_passed_from": PASSED,
        "labellers": [
            {
                "labeller": one.name,
                "answered": one.answered,
                "controls": {kind: _plain(share) for kind, share in one.controls.items()},
                "failed": list(one.failed),
            }
            for one in results.labellers
        ],
        "rates": [
            {
                "kind": one.kind,
                "source": one.source or None,
                "images": one.images,
                "outcomes": {name: _plain(share) for name, share in one.outcomes.items()},
            }
            for one in results.rates
        ],
        "krippendorff_alpha": {kind: _plain(alpha) for kind, alpha in results.agreement.items()},
    }


def _plain(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None or np.isnan(interval.estimate) else interval._asdict()
