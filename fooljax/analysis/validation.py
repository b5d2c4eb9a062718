"""How well a network for ImageNet names photographs."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fooljax.analysis.rates import wilson_interval
from fooljax.data.photographs import read_photograph
from fooljax.engine.log_odds import confidence
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError
from fooljax.scoring import score

BATCH = 32
"""Images that are scored at a time."""
NAMED = 20
"""Images passed over that notices name; the others are counted."""

logger = logging.getLogger("fooljax")


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
    for start in range(0, len(images), BATCH):
        photographs, classes = [], []
        for path, label in images[start : start + BATCH]:
            try:
                photographs.append(read_photograph(path, checked_shape(target.image_shape)[0]))
            except InputError as error:
                passed_over += 1
                if passed_over <= NAMED:
                    logger.warning("passed over: %s", error)
                if passed_over == len(images):
                    raise InputError(f"--imagefolder: no image could be read; the last: {error}") from error
            else:
                classes.append(label)
        if not photographs:
            continue
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
