"""How far images of several runs differ: of one class between runs, and of different classes within a run.

Nguyen et al. 2015 show images of one class from several runs (remote controls): all have a high confidence,
and they look nothing alike. Here that is a distance between images, in pixels or in the features of another
network, held against the distances between clean images of the same and of different classes.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from fooljax.errors import InputError


class Pairs(NamedTuple):
    """Euclidean distances between images, by what two of them share; empty where there is no pair.

    Attributes:
      same_class: of one class, from different runs.
      same_run: of different classes, from one run.
      apart: of different classes, from different runs.
    """

    same_class: npt.NDArray[np.float64]
    same_run: npt.NDArray[np.float64]
    apart: npt.NDArray[np.float64]


def pair_distances(vectors: npt.NDArray[np.floating]) -> Pairs:
    """The distances of all pairs.

    Args:
      vectors: `[R, C, F]`: of each run and class one image, as its pixels or its features.
    Raises:
      InputError: it is no such array, or one number is not finite.
    """
    vectors = np.asarray(vectors, np.float64)
    if vectors.ndim != 3 or 0 in vectors.shape or not np.all(np.isfinite(vectors)):
        raise InputError(f"vectors: expected finite numbers [R, C, F], got {list(vectors.shape)}")
    runs, classes, _ = vectors.shape
    apart = scipy.spatial.distance.pdist(vectors.reshape(runs * classes, -1))
    first, second = np.triu_indices(runs * classes, 1)
    in_run = first // classes == second // classes
    in_class = first % classes == second % classes
    return Pairs(apart[in_class], apart[in_run], apart[~in_run & ~in_class])


def probability_smaller(near: npt.NDArray[np.floating], far: npt.NDArray[np.floating]) -> float:
    """The chance that a number of the first kind is less than one of the second; a tie counts half.

    With distances of pairs of one class against those of pairs of different classes: 0.5 if the class makes
    no difference to how an image looks, 1 if two images of one class are always more alike.

    Args:
      near: `[N]`, most often distances.
      far: `[M]`.
    Returns:
      The share, or NaN where there are none of one kind.
    """
    if not len(near) or not len(far):
        return float("nan")
    u = scipy.stats.mannwhitneyu(far, near, method="asymptotic").statistic
    return float(u) / (len(near) * len(far))


def distance_metrics(vectors: npt.NDArray[np.floating]) -> dict[str, float | None]:
    """What a row says of the distances between images of several runs.

    Args:
      vectors: `[R, C, F]`, as for `pair_distances`.
    Returns:
      The median of each kind of pair by its name, and `closer` for pairs of one class against those of one
      run, and `closer_apart` for pairs of one class against those of different classes and runs. None where
      there are no such pairs.
    """
    pairs = pair_distances(vectors)
    figures = {kind: np.median(some) if some.size else np.nan for kind, some in pairs._asdict().items()}
    figures["closer"] = probability_smaller(pairs.same_class, pairs.same_run)
    figures["closer_apart"] = probability_smaller(pairs.same_class, pairs.apart)
    return {name: float(value) if np.isfinite(value) else None for name, value in figures.items()}


def relatives_closer(vectors: npt.NDArray[np.floating], families: Sequence[str]) -> float | None:
    """How often images of two related classes are more alike than those of two classes that are not.

    Both images of a pair are from one run.

    Args:
      vectors: `[R, C, F]`, as for `pair_distances`.
      families: `[C]`, the family of each class; "" for one that has none.
    Returns:
      The mean over runs of that chance, see `probability_smaller`; None where no two classes are related, or
      all are.
    """
    first, second = np.triu_indices(len(families), 1)
    names = np.asarray(families)
    related = (names[first] == names[second]) & (names[first] != "")
    if not related.any() or related.all():
        return None
    within = [pairs_within(one) for one in vectors]
    return float(np.mean([probability_smaller(apart[related], apart[~related]) for apart in within]))


def images_by_class(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer], classes: Sequence[int], most: int
) -> npt.NDArray[np.uint8]:
    """The first images of each class, as many of one as of the other, as if they came from so many runs.

    Args:
      images: `[N, H, W, K]`.
      labels: `[N]`, their classes.
      classes: the `C` classes that are wanted.
      most: images of a class, at most.
    Returns:
      `[R, C, H, W, K]`.
    Raises:
      InputError: a class has no image.
    """
    groups = [np.flatnonzero(labels == index)[:most] for index in classes]
    least = min(map(len, groups))
    if not least:
        missing = next(index for index, group in zip(classes, groups, strict=True) if not len(group))
        raise InputError(f"images: expected clean images of every class, found none of class {missing}")
    return images[np.stack([group[:least] for group in groups], axis=1)]


def shared_ancestry(lines: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
    """How much of their lines of ancestors the elites of one run have in common.

    Args:
      lines: of each class the ids of the elite, its parent and so on, to the random image at the beginning.
    Returns:
      `[C (C - 1) / 2]`, for each pair of classes the ancestors in common, itself included, as a share of the
      shorter line. 1 means that one elite is the other, or descends from it. In the order of
      `numpy.triu_indices`.
    Raises:
      InputError: a line is empty.
    """
    if not all(len(line) for line in lines):
        raise InputError("lines: expected at least one id in each, got none in one")
    sets = [set(line) for line in lines]
    pairs = combinations(sets, 2)
    return np.asarray([len(one & other) / min(len(one), len(other)) for one, other in pairs], np.float64)


def pairs_within(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """The distances between the images of one run, in the order of `shared_ancestry`.

    Args:
      vectors: `[C, F]`.
    """
    return np.asarray(scipy.spatial.distance.pdist(np.asarray(vectors, np.float64)), np.float64)
