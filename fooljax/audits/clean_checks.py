"""Checks on clean images with labels: is the input as the network wants it, and does it know the images?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.analysis.rates import wilson_interval
from fooljax.audits.input_changes import AS_GIVEN, CHANGES

LEAST_GUESSED, LARGE_GAIN = 30, 0.1
"""Images, and the share of them by which more must be named rightly, so that the input is changed."""
LEAST_SURE = 0.5
"""Of the share that is named rightly: with a lower mean confidence a network is far less sure than right."""
LABELS = "The labels of the images or the order of the class names may be wrong."


def check_entry(name: str, passed: bool | None, words: str) -> dict[str, Any]:
    """A check as `audit.json` has it; `passed` is None where it could not be told."""
    return {"name": name, "passed": passed, "words": words}


def better_guess(guesses: Mapping[str, tuple[int, int]]) -> str | None:
    """The change of the input with which clearly more clean images are named rightly; None where none is.

    Args:
      guesses: images named rightly and images asked, by the name of the change; `as given` too.
    """
    if not guesses:
        return None
    best = max(guesses, key=lambda name: guesses[name][0])  # the first of equals, which is the simplest
    as_given = wilson_interval(*guesses[AS_GIVEN])
    return best if wilson_interval(*guesses[best]).low > as_given.high else None


def safe_guess(guesses: Mapping[str, tuple[int, int]], classes: int) -> str | None:
    """The change that may be made for the user; None where there is none.

    With wrong labels some change always names a few more images as the labels say. So it must be asked of
    many images, name clearly more than half of them rightly, and far more than before. And a network that
    names clearly fewer rightly than chance does knows the images, under other labels.

    Args:
      guesses: as for `better_guess`.
      classes: of the network.
    """
    better = better_guess(guesses)
    if better is None:
        return None
    (right, asked), (before, _) = guesses[better], guesses[AS_GIVEN]
    is_safe = (
        asked >= LEAST_GUESSED
        and wilson_interval(before, asked).high >= 1.0 / classes
        and wilson_interval(right, asked).low > 0.5
        and right - before >= LARGE_GAIN * asked
    )
    return better if is_safe else None


def of_input(guesses: Mapping[str, tuple[int, int]], classes: int, applied: str | None) -> dict[str, Any]:
    """The check of range, order and layout of the input.

    Args:
      guesses: as for `better_guess`.
      classes: of the network.
      applied: the change that the audit makes; None where it makes none.
    """
    if not guesses:
        return check_entry(
            "input", None, "Range and order of the input were not checked, which takes labels."
        )
    right, asked = guesses[AS_GIVEN]
    better = better_guess(guesses)
    if better is None:
        tried = "; ".join(CHANGES[name].words for name in guesses if name != AS_GIVEN)
        return check_entry(
            "input",
            True,
            f"Given its input as it was said, the network names {right} of {asked} clean images rightly. "
            f"No other way does clearly better. Tried were: {tried}.",
        )
    words = CHANGES[better].words
    if applied:
        done = "The audit was done in this way, as you asked."
    elif safe_guess(guesses, classes):
        done = "The audit was done as the network was given; guess does it the other way."
    else:
        done = (
            "The audit was done as the network was given. Guess leaves that as it is, since wrong labels "
            "could look the same: the guide to audits says when."
        )
    return check_entry(
        "input",
        False,
        f"With {words} the network names {guesses[better][0]} of {asked} clean images rightly, and as it was "
        f"given {right}. {done}"
        + (f" Even so it names fewer than half rightly. {LABELS}" if 2 * guesses[better][0] < asked else ""),
    )


def most_frequent(labels: npt.NDArray[np.integer]) -> float:
    """The share of the most frequent class: what a network that always names this class names rightly."""
    return float(np.max(np.bincount(labels)) / len(labels))


def of_accuracy(right: int, asked: int, most: float) -> dict[str, Any]:
    """Whether the network knows the clean images better than one that always names the same class.

    Args:
      right: clean images that it names rightly.
      asked: how many there are, one or more.
      most: see `most_frequent`.
    """
    finding = f"The network names {right} of {asked} clean images rightly"
    by_one = f"naming the most frequent class each time gives {most:.1%}"
    if right / asked <= most:
        return check_entry(
            "accuracy",
            False,
            f"{finding}, and {by_one}. So it does not see these images as it was meant to, or they are not "
            f"its classes. {LABELS}",
        )
    if wilson_interval(right, asked).low <= most:
        return check_entry("accuracy", None, f"{finding}, and {by_one}: too few images to tell these apart.")
    return check_entry("accuracy", True, f"{finding}; {by_one}.")


def of_answers(
    named: tuple[int, int] | None, sure: float | None, labels: npt.NDArray[np.integer]
) -> list[dict[str, Any]]:
    """What clean images tell of the network's answers; nothing can be told where they have no labels."""
    if named is None or sure is None:
        return [
            check_entry("accuracy", None, "How many clean images it names rightly is not known."),
            check_entry("confidence", None, "Whether it is as sure as it is right takes labels."),
        ]
    return [of_accuracy(*named, most_frequent(labels)), of_confidence(*named, sure)]


def of_confidence(right: int, asked: int, sure: float) -> dict[str, Any]:
    """Whether the network is far less sure of clean images than it is right.

    A network without biases names images alike whatever their levels are multiplied by, so accuracy does not
    tell a wrong range. But on levels that are too small its logits are close together. The opposite cannot be
    told: many sound networks are too sure.

    Args:
      right: clean images that it names rightly.
      asked: how many there are, one or more.
      sure: the mean confidence of its answers.
    """
    finding = (
        f"The network names {right} of {asked} clean images rightly, with a mean confidence of {sure:.1%}"
    )
    if sure < LEAST_SURE * wilson_interval(right, asked).low:
        return check_entry(
            "confidence",
            False,
            f"{finding}. It is far less sure than it is right: perhaps it wants larger levels, as 0 to 255, "
            "or its outputs are no logits.",
        )
    return check_entry("confidence", True, f"{finding}. That it is too sure cannot be seen here.")
