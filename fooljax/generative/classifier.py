"""A density for each class as a classifier, and the same with the right to reject an image.

The logits are log p(x, y) divided by a temperature, so their softmax is p(y | x). Densities of images differ
by hundreds of nats, as if each pixel were evidence of its own. So without a temperature every confidence
would be 1. It is fitted on clean images; Schott et al. 2019 chose an offset for each of their models instead.

A classifier of p(y | x) says which class fits best, even where none fits. One that rejects has one more
class, the last: an image that is no more likely than a level. Its log-odds join both conditions, since they
are, but for less than log 2, the lesser of the log-odds of the class and of how far p(x, y) is above the
level.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.log_odds import FOOLED
from fooljax.engine.types import Params, Target
from fooljax.errors import InputError, shown
from fooljax.scoring import score
from fooljax.storage.trees import digest_tree
from fooljax.targets.last_layer import OUTPUTS

Density = Callable[[Params, jax.Array], jax.Array]
"""`density(params, images) -> log p(x, y)` in nats: images `[B, H, W, K]` in [0, 1], result `[B, C]`."""
REJECTED = "rejected"
"""The name of the class of images that are rejected."""


@dataclass(frozen=True)
class Classifier:
    """The `apply` of a generative classifier; equal for equal densities.

    Attributes:
      density: of images and classes.
    """

    density: Density

    def __call__(self, params: Params, images: jax.Array) -> jax.Array:
        """Logits `[B, C]`: log p(x, y) over the temperature.

        Args:
          params: `density`, for the density; `temperature`.
          images: `[B, H, W, K]` in [0, 1].
        """
        return self.density(params["density"], images) / params["temperature"]


@dataclass(frozen=True)
class Rejecting:
    """The `apply` of a generative classifier that rejects images; equal for equal densities.

    Attributes:
      density: of images and classes.
    """

    density: Density

    def __call__(self, params: Params, images: jax.Array) -> jax.Array:
        """Logits `[B, C + 1]`; the last is that of images to be rejected.

        An image whose log p(x, y) is just at the level has 99.99 % against being rejected. So an image with
        99.99 % for a class is above the level.

        Args:
          params: as of `Classifier`, and `level`, in nats.
          images: `[B, H, W, K]` in [0, 1].
        """
        logits = self.density(params["density"], images) / params["temperature"]
        level = params["level"] / params["temperature"] - FOOLED
        return jnp.concatenate([logits, jnp.broadcast_to(level, (len(logits), 1))], axis=1)


def as_classifier(density: Density, params: Params, temperature: float, **facts: Any) -> Target:
    """A generative classifier as a target.

    Args:
      density: gives log p(x, y).
      params: of the density.
      temperature: what log p(x, y) is divided by.
      **facts: of the target, see `Target`.
    Returns:
      The target.
    """
    own = jax.device_put({"density": params, "temperature": np.float32(temperature)})
    facts = {"confidence": "p(y | x) of the densities of all classes, at a fitted temperature", **facts}
    return Target(own, Classifier(density), **facts)


def rejecting(target: Target, level: float) -> Target:
    """The same classifier with one more class, for images that are less likely than a level.

    Args:
      target: a generative classifier.
      level: of log p(x, y), in nats. As a level of log p(x) it is the same wherever p(y | x) is near 1.
    Returns:
      The target; the class for rejected images is its last.
    Raises:
      InputError: the target is no generative classifier.
    """
    apply = Rejecting(_density_of(target))
    params = {**target.params, "level": jnp.float32(level)}
    return dataclasses.replace(
        target,
        params=params,
        apply=apply,
        name=f"{target.name}, rejecting",
        class_names=(*target.class_names, REJECTED),
        confidence="p(y | x), where images of low p(x, y) are a class of their own",
        clean_accuracy=None,
        provenance={
            **target.provenance,
            "level": float(level),
            "params_sha256": digest_tree(jax.device_get(params)),
        },
    )


def rejecting_share(target: Target, share: str) -> Target:
    """The same classifier where it rejects about this share of clean images.

    Args:
      target: one that was trained by `fooljax.generative.generative`.
      share: the share, as its `provenance["levels"]` has it: "0.01" or "0.05".
    Returns:
      The target, as `rejecting` gives it.
    Raises:
      InputError: there is no such level.
    """
    known = target.provenance.get("levels", {})
    if share not in known:
        raise InputError(f"rejections: expected some of {', '.join(known) or 'none'}, got {shown(share)}")
    return rejecting(target, known[share])


def log_joint(target: Target, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Log p(x, y) of 8-bit images under a generative classifier.

    Args:
      target: the classifier, or one that rejects.
      images: `[B, H, W, K]` uint8.
    Returns:
      `[B, C]`, in nats.
    Raises:
      InputError: the target is no generative classifier.
    """
    plain = Classifier(_density_of(target))
    params = {name: target.params[name] for name in ("density", "temperature")}
    asked = dataclasses.replace(target, apply=plain, params=params)
    return score(asked, images, objective=OUTPUTS).astype(np.float64) * float(params["temperature"])


def log_density(target: Target, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Log p(x) of 8-bit images: the density under all classes of a generative classifier together.

    Args:
      target: the classifier, or one that rejects.
      images: `[B, H, W, K]` uint8.
    Returns:
      `[B]`, in nats.
    Raises:
      InputError: the target is no generative classifier.
    """
    found: npt.NDArray[np.float64] = np.logaddexp.reduce(log_joint(target, images), axis=1)
    return found


def _density_of(target: Target) -> Density:
    if not isinstance(target.apply, Classifier | Rejecting):
        raise InputError(f"target: expected a generative classifier, got {shown(target.name, 60)}")
    return target.apply.density


def levels(values: npt.NDArray[np.floating], rates: Sequence[float]) -> dict[str, float]:
    """The levels below which given shares of clean images lie, by the share as text.

    Args:
      values: `[N]`, log p(x) of clean images that the densities were not fitted to.
      rates: the shares, each in (0, 1).
    """
    in_order = np.sort(values)
    return {f"{rate:g}": float(in_order[int(rate * len(values))]) for rate in rates}
