"""How well a network for ImageNet names photographs."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fooljax.analysis.rates import wilson_interval
from fooljax.data.labelled_photographs import read_labelled
from fooljax.engine.log_odds import confidence
from fooljax.engine.types import Target, checked_shape
from fooljax.scoring import score

BATCH = 32
"""Images that are scored at a time."""


def measure(target: Target, images: Sequence[tuple[Path, int]]) -> Iterator[dict[str, Any]]:
    """Scores images in batches and yields the figures so far after each.

    An image that cannot be read is passed over and counted; a notice names the first few.

    Args:
      target: a network for ImageNet.
      images: paths and classes, as `fooljax.data.image_folders.find_images` gives them.
    Yields:
      How many images were named and passed over; `top1` and `top5`, the shares whose class was named first or
      among the first five, with 95 % intervals (Wilson); and the median confidence in the class named first.
    Raises:
      InputError: none of the images can be read.
    """
    top1 = top5 = count = passed_over = 0
    own: list[float] = []
    reading = read_labelled(images, checked_shape(target.image_shape)[0])
    while batch := list(itertools.islice(reading, BATCH)):
        read = [one for one in batch if one is not None]
        passed_over += len(batch) - len(read)
        if not read:
            continue
        photographs, classes = zip(*read, strict=True)
        odds = score(target, np.stack(photographs), tile=BATCH)
        labels = np.asarray(classes)
        order = np.argsort(-odds, axis=1)
        top1 += int(np.sum(order[:, 0] == labels))
        top5 += int(np.sum(order[:, :5] == labels[:, None]))
        own += odds.max(axis=1).tolist()
        count += len(classes)
        yield {
            "images": count,
            "passed_over": passed_over,
            "top1": _share(top1, count),
            "top5": _share(top5, count),
            "median_confidence_of_the_first": float(confidence(np.median(own))),
        }


def _share(hits: int, count: int) -> dict[str, float]:
    share, low, high = wilson_interval(hits, count)
    return {"share": share, "low": low, "high": high}
