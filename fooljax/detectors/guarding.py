"""A network and a detector that watches it, as targets: so that a search can know the detector.

The detector becomes a network of two classes, accepted and rejected. Its logit for accepted images stands
beside a 0, and is

    ln 9999 + slope * (threshold - score).

So an image reaches 99.99 % where its score is at the threshold, and the search's count of fooled classes is
that of images that fool the network and pass. The slope says what a unit of the score is worth in log-odds,
see `fooljax.analysis.detection.calibrate`.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.detectors.fitted import Fitted, Watching, score_of_logits
from fooljax.engine.log_odds import FOOLED
from fooljax.engine.types import Params, Target
from fooljax.host_targets import HostFunction
from fooljax.joint_targets import SeveralNetworks
from fooljax.objectives import fool_and_pass

ACCEPTED = 0
"""The detector's class for images that it lets pass."""
FOOL_AND_PASS = fool_and_pass(ACCEPTED)
"""What a search maximises against `guarded`."""
REJECTED_NAME = "rejected"


def _verdict(params: Params, scores: jax.Array) -> jax.Array:
    """The log-odds of accepted images, `[B]`."""
    return FOOLED + params["slope"] * (params["threshold"] - scores)


@dataclasses.dataclass(frozen=True)
class GuardedFunction(SeveralNetworks):
    """The `apply` of `guarded`; equal for equal networks and detectors.

    Attributes:
      watching: the detector, and how it looks at the network.
    """

    watching: Watching

    def __call__(self, params: Params, images: jax.Array) -> tuple[jax.Array, ...]:
        """The logits of the network `[B, C]`, and those of the detector `[B, 2]`."""
        seen, scores = self.watching.seen_and_score(params, images)
        verdict = _verdict(params, scores)
        return seen.logits, jnp.stack([verdict, jnp.zeros_like(verdict)], axis=-1)


@dataclasses.dataclass(frozen=True)
class RejectingFunction:
    """The `apply` of `rejecting`; equal for equal networks and detectors.

    Attributes:
      watching: the detector, and how it looks at the network.
    """

    watching: Watching

    def __call__(self, params: Params, images: jax.Array) -> jax.Array:
        """Logits `[B, C + 1]`; the last class is that of rejected images."""
        seen, scores = self.watching.seen_and_score(params, images)
        rejected = jax.nn.logsumexp(seen.logits, axis=-1) - _verdict(params, scores)
        return jnp.concatenate([seen.logits, rejected[:, None]], axis=-1)


def guarded(fitted: Fitted, *, threshold: float, slope: float) -> Target:
    """Network and detector as a joint target, for searches with `FOOL_AND_PASS`.

    It gives the same as `fooljax.joint_target` of the network and of a target of two classes for the
    detector, but asks the network once. An image that is shown to both counts as one network pass.

    Args:
      fitted: the detector, fitted to the network.
      threshold: the score above which an image is rejected.
      slope: nats of log-odds for one unit of score, above 0.
    Returns:
      The target, with the classes of the network.
    """
    if isinstance(fitted.target.apply, HostFunction):
        return _on_host(fitted, threshold, slope)
    return _target(fitted, GuardedFunction(fitted.watching), threshold, slope)


def _on_host(fitted: Fitted, threshold: float, slope: float) -> Target:
    """`guarded` of a network that is asked on the host."""
    network = fitted.target
    levels = {"threshold": np.float32(threshold), "slope": np.float32(slope)}

    def function(images: npt.NDArray[np.float32]) -> tuple[Any, ...]:
        logits = network.apply(network.params, jnp.asarray(images))
        verdict = np.asarray(_verdict(levels, score_of_logits(fitted, jnp.asarray(logits))))
        return logits, np.stack([verdict, np.zeros_like(verdict)], axis=-1)

    return _target(fitted, HostFunction(function, network.name, networks=2), threshold, slope)


def rejecting(fitted: Fitted, *, threshold: float, slope: float) -> Target:
    """Network and detector as one network with a further class, the last, for rejected images.

    A class of the network has the probability that it is named and the image accepted. So it serves what
    wants one network, such as gradient ascent. What reaches 99.99 % fools the network and passes.

    Args:
      fitted: the detector, fitted to the network.
      threshold: the score above which an image is rejected.
      slope: nats of log-odds for one unit of score, above 0.
    """
    target = _target(fitted, RejectingFunction(fitted.watching), threshold, slope)
    names = fitted.target.class_names
    return dataclasses.replace(target, class_names=(*names, REJECTED_NAME) if names else ())


def _target(fitted: Fitted, apply: Any, threshold: float, slope: float) -> Target:
    levels = {"threshold": np.float32(threshold), "slope": np.float32(slope)}
    params = fitted.both | jax.device_put(levels)
    name = f"{fitted.target.name} with {fitted.watching.detector.title}"
    return dataclasses.replace(
        fitted.target, params=params, apply=apply, name=name, clean_accuracy=None, provenance={}
    )
