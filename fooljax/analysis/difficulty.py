"""What may make a class hard to reach: what a network says of clean images of it, and of others.

Nguyen et al. 2015 (figure 7) found that dogs and cats got the fewest images of high confidence. They offered
two reasons: more training images of these kinds, and many classes that are nearly alike and share the
softmax between them. The measures here put the second reason into numbers, from a network's answers alone, so
that they can be had of a black box too.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from fooljax.errors import InputError

FEWEST_CLASSES = 100
"""Of which near ones are counted."""
Odds = npt.NDArray[np.floating]
NEAR = 0.01
"""Pairs of classes that count as near: this share of all pairs, those whose logits go together most."""


def clean_figures(odds: Odds, labels: npt.NDArray[np.integer]) -> dict[str, Any]:
    """What a row says of clean images, class by class.

    Args:
      odds: `[N, C]` log-odds, as `fooljax.score` gives them.
      labels: `[N]`, their classes.
    Returns:
      `accuracy`; and lists of C entries: `clean_log_odds`, the median of a class's own images, `wrong_names`,
      the share of these that are taken for another class, `in_question`, see `classes_in_question`, and
      `near`, see `near_classes`. That is None with fewer than 100 classes, of which a hundredth of the pairs
      are too few.
    """
    classes, right = odds.shape[1], odds.argmax(axis=1) == labels
    return {
        "accuracy": float(np.mean(right)),
        "clean_log_odds": by_class(odds[np.arange(len(odds)), labels], labels, classes),
        "wrong_names": by_class(1.0 - right, labels, classes, np.mean),
        "in_question": by_class(classes_in_question(odds), labels, classes),
        "near": near_classes(odds).tolist() if classes >= FEWEST_CLASSES else None,
    }


def logit_correlations(odds: Odds) -> npt.NDArray[np.float64]:
    """How much a network's logits of two classes rise and fall together over images.

    What raises the logits of all classes alike is left out, since no softmax sees it.

    Args:
      odds: `[N, C]` log-odds of clean images for each class, as `fooljax.score` gives them.
    Returns:
      `[C, C]` correlations, from -1 to 1; 0 for a class whose logit never changes.
    Raises:
      InputError: there are fewer than 3 images, or fewer than 3 classes.
    """
    logits = scipy.special.log_expit(np.asarray(odds, np.float64))
    if logits.ndim != 2 or min(logits.shape) < 3:
        raise InputError(f"odds: expected [N, C], at least 3 of each, got {list(logits.shape)}")
    logits = logits - logits.mean(axis=1, keepdims=True)
    logits = logits - logits.mean(axis=0)
    logits /= np.maximum(np.linalg.norm(logits, axis=0), np.finfo(np.float64).tiny)
    return np.asarray(logits.T @ logits, np.float64)


def near_classes(odds: Odds, share: float = NEAR) -> npt.NDArray[np.int64]:
    """How many other classes a network raises together with each.

    Two classes are near if their logits go together more than those of nearly all other pairs of classes. So
    each class is judged by all images, not only by its own.

    Args:
      odds: `[N, C]` log-odds of clean images for each class, as `fooljax.score` gives them.
      share: of the pairs, those that are near.
    Returns:
      `[C]`, for each class the number of near ones.
    Raises:
      InputError: there are fewer than 3 images, or fewer than 3 classes.
    """
    alike = logit_correlations(odds)
    pairs = alike[np.triu_indices(len(alike), 1)]
    near = alike >= np.quantile(pairs, 1.0 - share)
    np.fill_diagonal(near, False)
    return np.sum(near, axis=1)


def classes_in_question(odds: Odds) -> npt.NDArray[np.float64]:
    """Among how many classes a network is undecided: the exponential of the entropy of its answer.

    Args:
      odds: `[N, C]` log-odds.
    Returns:
      `[N]`: 1 where it is sure of one class, C where it names all alike.
    """
    logits = scipy.special.log_expit(np.asarray(odds, np.float64))
    shares = scipy.special.softmax(logits, axis=1)
    return np.asarray(np.exp(np.sum(scipy.special.entr(shares), axis=1)), np.float64)


def by_class(
    values: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    classes: int,
    middle: Callable[..., np.floating] = np.median,
) -> list[float | None]:
    """The median, or another middle, of the values of each class; None for a class without any.

    Args:
      values: `[N]`.
      labels: `[N]`, their classes.
      classes: how many there are.
      middle: of the values of a class.
    """
    groups = [values[labels == index] for index in range(classes)]
    return [float(middle(group)) if group.size else None for group in groups]
