"""The checks of a network as it is used: are its answers of the kind that everything else takes them for?

A network that does not pass is not refused. What is wrong is a finding of the audit, and `mends` are what is
put around the network so that the rest of the audit can be done.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.audits.clean import CleanParts
from fooljax.audits.clean_checks import check_entry, of_answers, of_input, safe_guess
from fooljax.audits.input_changes import AS_GIVEN, plausible
from fooljax.audits.mending import FLOOR, LOGARITHMS, ONE_BY_ONE, mended
from fooljax.engine.log_odds import confidence
from fooljax.engine.types import Target, checked_shape
from fooljax.host_targets import has_gradients
from fooljax.probe import IMAGES, Fault, Probe, examine
from fooljax.scoring import score
from fooljax.study.attacks import SYMPTOM_IMAGES, symptoms_on_noise

GUESSED_BY = 200
"""Clean images, at most, by which the range and the order of the input are guessed."""
OF_BATCH = ("place", "company", "alone")
"""Faults of a network whose answer for an image depends on the images beside it."""
SAID = ("unit", "alike")
"""Doubts of the probe of which the checks say more."""
logger = logging.getLogger("fooljax")


@dataclass(frozen=True)
class Checked:
    """What the checks found.

    Attributes:
      checks: `name`, `passed` (None where it could not be told) and `words` of each.
      mends: what the network needs, see `fooljax.audits.mending.mended`.
      guesses: by the name of a change of the input, images named rightly and images asked; `as given` first.
      trusted: whether the network with its mends always gives one image the same answer.
      usable: whether it gives numbers, so that images can be made for it at all.
      symptoms: see `fooljax.study.attacks.symptoms`; None where the network has no gradients.
      answers: log-odds of the probe's images, which tell the network again when an audit goes on.
      passes: network passes that all this took.
    """

    checks: list[dict[str, Any]]
    mends: list[str]
    guesses: dict[str, tuple[int, int]]
    trusted: bool
    usable: bool
    symptoms: dict[str, Any] | None
    answers: list[list[float]]
    passes: int


def check(target: Target, clean: CleanParts, guess: bool) -> Checked:
    """Does all checks.

    Args:
      target: the network, as it was given.
      clean: the user's images.
      guess: whether the input is to be changed where that names clearly more clean images rightly.
    Raises:
      InputError: the network refuses its images, or gives no `[B, C]` at all.
    """
    shape = checked_shape(target.image_shape)
    mends, found, first, passes = _mends(target, shape)
    part = clean.fit if len(clean.fit.labels) else clean.thresholds
    images, labels = part.images[:GUESSED_BY], part.labels[:GUESSED_BY]
    guesses: dict[str, tuple[int, int]] = {}
    left = {fault.kind for fault in found[-1]}
    usable = not left & {"nan", "infinite"}
    sure: dict[str, float] = {}
    if clean.labelled and usable:
        for name in (AS_GIVEN, *plausible(shape)):
            odds = score(mended(target, _with(mends, name)), images)
            guesses[name] = (int(np.sum(np.argmax(odds, axis=1) == labels)), len(labels))
            sure[name] = float(np.mean(confidence(odds.max(axis=1))))
        passes += len(labels) * len(guesses)
    taken = safe_guess(guesses, len(target.class_names)) if guess else None
    if taken:
        mends = _with(mends, taken)
    seen = None
    if has_gradients(target) and usable:
        seen = symptoms_on_noise(mended(target, mends), shape, range(len(target.class_names)))
        passes += 2 * SYMPTOM_IMAGES
    kinds = {fault.kind: fault.words for faults in found for fault in reversed(faults)}
    checks = [
        *_of_what_was_said(target),
        _of_outputs(kinds),
        _of_batches(kinds),
        _of_chance(kinds),
        _of_numbers(kinds),
        of_input(guesses, len(target.class_names), taken),
        *of_answers(guesses.get(taken or AS_GIVEN), sure.get(taken or AS_GIVEN), labels),
        _of_gradients(seen),
    ]
    return Checked(checks, mends, guesses, not left, usable, seen, np.round(first, 4).tolist(), passes)


def _mends(
    target: Target, shape: tuple[int, int, int]
) -> tuple[list[str], list[tuple[Fault, ...]], npt.NDArray[np.float32], int]:
    """What the network needs, what was found each time it was looked at, and what it said first."""
    mends: list[str] = []
    found: list[tuple[Fault, ...]] = []
    first: npt.NDArray[np.float32] | None = None
    while True:
        probed = examine(mended(target, mends), shape)
        first = answers_of(probed) if first is None else first
        found.append(probed.faults)
        kinds = {fault.kind for fault in probed.faults}
        if "probabilities" in kinds and LOGARITHMS not in mends:
            mends.append(LOGARITHMS)  # first: what depends on the batch hardly shows in probabilities
        elif kinds & set(OF_BATCH) and ONE_BY_ONE not in mends:
            mends.append(ONE_BY_ONE)
        else:
            for doubt in probed.doubts:
                if doubt.kind not in SAID:
                    logger.warning("target: %s", doubt.words)
            return mends, found, first, len(found) * (4 * IMAGES + 1)


def answers_of(probed: Probe) -> npt.NDArray[np.float32]:
    """What a network said of the probe's images, by which it is told from others, as rows have it."""
    answers: npt.NDArray[np.float32] = np.nan_to_num(np.clip(probed.log_odds, -99.0, 99.0))
    return answers


def _with(mends: Sequence[str], change: str) -> list[str]:
    return [*([] if change == AS_GIVEN else [change]), *mends]


def _of_what_was_said(target: Target) -> list[dict[str, Any]]:
    """What is known of the network's images and outputs, and what of it was guessed; nothing of most."""
    said, guessed = (target.provenance.get(name) for name in ("preprocessing", "guessed"))
    if not said:
        return []
    words = f"{said} Guessed of it: {'; '.join(guessed)}." if guessed else f"{said}"
    return [check_entry("preprocessing", None if guessed else True, words)]


def _of_outputs(kinds: Mapping[str, str]) -> dict[str, Any]:
    if "probabilities" in kinds:
        return check_entry(
            "outputs",
            False,
            "The network gives probabilities instead of logits. All numbers are of their logarithms, where "
            f"what is below {FLOOR:g} counts as {FLOOR:g}.",
        )
    return check_entry("outputs", True, "What is taken for logits are no probabilities.")


def _of_batches(kinds: Mapping[str, str]) -> dict[str, Any]:
    fault = next((kinds[kind] for kind in OF_BATCH if kind in kinds), None)
    if fault and "chance" not in kinds:
        fault = fault.partition(";")[0]
        return check_entry(
            "batches",
            False,
            f"What the network says of an image depends on the other images of the batch: {fault}. Batch "
            "norm or dropout may be in training mode. In this audit every image was asked about alone.",
        )
    if fault:
        return check_entry("batches", None, "Whether the batch matters cannot be told, since chance does.")
    return check_entry("batches", True, "What the network says of an image does not depend on its batch.")


def _of_chance(kinds: Mapping[str, str]) -> dict[str, Any]:
    if "chance" in kinds:
        fault = kinds["chance"].partition(";")[0]
        return check_entry(
            "chance",
            False,
            f"The network answers by chance: {fault}. Every number here is of one answer of several, and the "
            "images may not fool the network when it is asked again.",
        )
    return check_entry("chance", True, "Asked twice, the network says the same.")


def _of_numbers(kinds: Mapping[str, str]) -> dict[str, Any]:
    fault = next((kinds[kind] for kind in ("nan", "infinite") if kind in kinds), None)
    if fault:
        return check_entry("numbers", False, f"The network does not always give numbers: {fault}.")
    return check_entry("numbers", True, "All outputs were numbers.")


def _of_gradients(seen: Mapping[str, Any] | None) -> dict[str, Any]:
    if seen is None:
        return check_entry("gradients", None, "The network has no gradients that could be followed.")
    if zero := seen["zero_gradients"]:
        return check_entry(
            "gradients",
            False,
            f"The gradient is zero or no number for {100.0 * zero:.0f} % of the images that were tried, so "
            "gradient ascent says little.",
        )
    return check_entry("gradients", True, "The network has gradients, and none that was tried is zero.")
