"""How well a network names images."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.analysis.rates import wilson_interval
from fooljax.data.labelled_photographs import Labelled, read_labelled
from fooljax.engine.log_odds import confidence
from fooljax.engine.types import Target, checked_shape
from fooljax.scoring import score

BATCH = 32
"""Images that are scored at a time."""


def measure(target: Target, images: Iterable[Labelled]) -> Iterator[dict[str, Any]]:
    """Scores images in batches and yields the numbers so far after each.

    An image that cannot be read is passed over and counted; a notice names the first few.

    Args:
      target: a network for ImageNet.
      images: with their classes, as `fooljax.data.labelled_photographs.labelled_images` gives them.
    Yields:
      How many images were named and passed over; `top1` and `top5`, the shares whose class was named first or
      among the first five, with 95 % intervals (Wilson); and the median confidence in the class named first.
    Raises:
      InputError: none of the images can be read.
    """
    passed_over, ranks, best = 0, list[int](), list[float]()
    reading = read_labelled(images, checked_shape(target.image_shape)[0])
    while batch := list(itertools.islice(reading, BATCH)):
        read = [one for one in batch if one is not None]
        passed_over += len(batch) - len(read)
        if not read:
            continue
        photographs, classes = zip(*read, strict=True)
        odds = score(target, np.stack(photographs), tile=BATCH)
        ranks += _ranks(odds, np.asarray(classes)).tolist()
        best += odds.max(axis=1).tolist()
        yield {"passed_over": passed_over, **_figures(ranks, best)}


def naming(odds: npt.NDArray[np.float32], labels: npt.NDArray[np.int32]) -> dict[str, Any]:
    """How well a network named images that were scored; numbers as of `measure`.

    Args:
      odds: `[N, C]` log-odds.
      labels: `[N]` classes.
    """
    return _figures(_ranks(odds, labels), odds.max(axis=1))


def _ranks(odds: npt.NDArray[np.float32], labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """The place of each image's class among those that the network names, 0 for the first; `[N]`."""
    order = np.argsort(-odds, axis=1, kind="stable")
    return np.argmax(order == labels[:, None], axis=1)


def _figures(
    ranks: Sequence[int] | npt.NDArray[np.int64], best: Sequence[float] | npt.NDArray[np.float32]
) -> dict[str, Any]:
    places = np.asarray(ranks)
    return {
        "images": len(places),
        "top1": _share(int(np.sum(places < 1)), len(places)),
        "top5": _share(int(np.sum(places < 5)), len(places)),
        "median_confidence_of_the_first": float(confidence(np.median(np.asarray(best)))),
    }


def _share(hits: int, count: int) -> dict[str, float]:
    share, low, high = wilson_interval(hits, count)
    return {"share": share, "low": low, "high": high}
