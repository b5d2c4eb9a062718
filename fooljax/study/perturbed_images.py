"""Clean images beside changed ones: what they become, and what networks make of both."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.data.embedded import embedded_digits
from fooljax.data.image_folders import sample_photographs
from fooljax.data.photographs import read_photograph
from fooljax.engine.types import Target, checked_shape
from fooljax.perturbation.driver import perturb
from fooljax.perturbation.sizes import grey_levels, peak_signal_to_noise
from fooljax.scoring import score
from fooljax.study import clean_images
from fooljax.study.images import sheet_of
from fooljax.targets.image_sizes import fitted

EXAMPLES = 3
"""Photographs of the figure, at most, so that their row stays small."""
OSTRICH = "ostrich"
"""What the example photographs become, as in Szegedy's figure 5."""


def other_classes(labels: npt.NDArray[np.integer], classes: int, seed: int) -> npt.NDArray[np.integer]:
    """For each image a class other than its own, drawn at random.

    Args:
      labels: `[N]`, the classes of the images.
      classes: how many there are.
      seed: decides what is drawn.
    """
    return (labels + np.random.default_rng(seed).integers(1, classes, len(labels))) % classes


def count_named(
    target: Target,
    images: Mapping[str, npt.NDArray[np.uint8]],
    labels: npt.NDArray[np.integer],
    aims: npt.NDArray[np.integer],
) -> dict[str, list[int]]:
    """Of each kind of images, how many a network names as the class aimed at, and how many rightly.

    Args:
      target: the network.
      images: by kind, `[N, H, W, K]`, scaled where the network takes another size.
      labels: `[N]`, the classes of the clean images.
      aims: `[N]`, the classes that they were changed for.
    """
    found = {}
    for kind, some in images.items():
        named = score(target, fitted(some, target)).argmax(axis=1)
        found[kind] = [int(np.sum(named == aims)), int(np.sum(named == labels))]
    return found


def examples(target: Target, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Images that may be published, changed, for a figure: embedded digits, or photographs of packages.

    Args:
      target: the network, for digits or for ImageNet.
      settings: of `fooljax.perturb`.
    Returns:
      The images before and after, what the network says of both, and how large the change is.
    """
    height, _, channels = checked_shape(target.image_shape)
    if channels == 1:
        clean = clean_images.from_data(target, embedded_digits(), range(0, 10, 2))(0)
        images, names = clean.images, [target.class_names[one] for one in clean.classes]
        aims: str | npt.NDArray[np.integer] = (clean.classes + 3) % len(target.class_names)
    else:
        paths = sample_photographs()[:EXAMPLES]
        names = [path.name for path in paths]
        images = np.stack([read_photograph(path, height) for path in paths])
        aims = OSTRICH
    changed = perturb(target, images, aims, check_target=False, **settings).pixels()
    return {
        "files": names,
        "shape": list(images.shape),
        "originals": b64encode(sheet_of(images)).decode(),
        "changed": b64encode(sheet_of(changed)).decode(),
        "before": _said(target, images),
        "after": _said(target, changed),
        **sizes(changed, images),
    }


def sizes(changed: npt.NDArray[np.uint8], originals: npt.NDArray[np.uint8]) -> dict[str, list[Any]]:
    """How large the change of each image is, as rows have it: `decibels` and `grey_levels`."""
    return {
        "decibels": rounded(peak_signal_to_noise(changed, originals)),
        "grey_levels": grey_levels(changed, originals).tolist(),
    }


def rounded(values: npt.NDArray[Any]) -> list[float | None]:
    """Numbers for a row; None for what is not finite."""
    return [round(float(one), 4) if np.isfinite(one) else None for one in values]


def _said(target: Target, images: npt.NDArray[np.uint8]) -> list[Sequence[str | float]]:
    """The class that a network names each image as, and its log-odds."""
    odds = score(target, images)
    best = odds.argmax(axis=1)
    own = odds[range(len(best)), best]
    return [(target.class_names[one], round(float(value), 3)) for one, value in zip(best, own, strict=True)]
