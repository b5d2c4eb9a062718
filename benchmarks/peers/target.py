"""The one network that all workers attack: written down for them, and the judge of what they bring back."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from flax.traverse_util import flatten_dict, unflatten_dict

from benchmarks.peers import lenet
from fooljax import data as datasets
from fooljax.engine.log_odds import confidence, to_log_odds
from fooljax.engine.types import Target
from fooljax.scoring import score
from fooljax.targets import lenet as trained_lenet
from fooljax.targets.networks.trainable import apply_of

CERTAIN = 0.9999


def export(path: Path) -> Target:
    """Trains LeNet (paper's recipe, embedded digits; or reads the cache) and writes its weights.

    Raises:
      ValueError: the plain forward that the peers use gives other logits.
    """
    target = trained_lenet(datasets.load("embedded"), on_training=print)
    arrays = {name: np.asarray(leaf) for name, leaf in flatten_dict(target.params["params"], sep="/").items()}
    np.savez(path, **arrays)  # type: ignore[arg-type]
    pixels = jax.random.uniform(jax.random.key(0), (64, 784))
    ours = target.apply(target.params, pixels.reshape(64, 28, 28, 1))
    difference = float(jnp.max(jnp.abs(ours - lenet.logits(lenet.load(path), pixels))))
    if not difference < 1e-3:
        raise ValueError(f"lenet.py: its logits differ by {difference:g} from fooljax's")
    return target


def load(path: str | Path) -> Target:
    """The network as fooljax has it, from the file that the peers read too."""
    return Target({"params": unflatten_dict(lenet.load(path), sep="/")}, apply_of("lenet", 10))


def judge(target: Target, images: npt.NDArray[np.uint8], cells: list[int]) -> dict[str, Any]:
    """Scores the final images of a run, whoever made them, after rounding to 8 bits.

    Args:
      target: the network.
      images: `[n, 28, 28, 1]` uint8.
      cells: the digit that each image stands for.
    Returns:
      `digits`, how many the network names as the digit that they stand for; `certain`, how many of these with
      99.99 % or more; and over all images the median and the lowest confidence in that digit.
    """
    odds = score(target, images)
    own = odds[np.arange(len(cells)), cells]
    named = np.argmax(odds, axis=1) == np.asarray(cells)
    return {
        "digits": int(np.sum(named)),
        "certain": int(np.sum(named & (own >= to_log_odds(CERTAIN)))),
        "median_confidence": float(np.median(confidence(own))),
        "lowest_confidence": float(np.min(confidence(own))),
    }
