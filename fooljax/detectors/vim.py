"""ViM: how much of an image's features lies where those of clean images do not, against its logits.

Source: Wang et al. 2022 ("ViM: out-of-distribution with virtual-logit matching"). The last layer is found
from features and logits by least squares, so that nothing has to be known of a network's parameters. That is
exact where logits are linear in the features.
"""

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.detectors.detector import Clean, Seen
from fooljax.engine.types import Params
from fooljax.errors import InputError

MOST_DIMENSIONS = 512
"""Of the principal space, at most; the authors' for 768 features. For fewer it is half of them."""


def fit_vim(clean: Clean) -> Params:
    """The origin, the space beside the principal one, and the scale that makes its length like a logit."""
    features, logits = clean.features, clean.logits
    count, width = features.shape
    kept = min(width // 2, MOST_DIMENSIONS)
    if count <= kept or width < 2:
        raise InputError(f"images: vim wants more than {max(kept, 1)} clean images, got {count}")
    ones = np.ones((count, 1))
    layer = np.linalg.lstsq(np.hstack([features, ones]), logits, rcond=None)[0]
    origin = -layer[-1] @ np.linalg.pinv(layer[:-1])
    centred = features - origin
    _, axes = np.linalg.eigh(centred.T @ centred / count)  # the smallest eigenvalues first
    beside = axes[:, : width - kept]
    lengths = np.linalg.norm(centred @ beside, axis=1)
    scale = logits.max(axis=1).sum() / max(float(lengths.sum()), 1e-12)
    arrays = {"origin": origin, "beside": beside, "scale": np.asarray(scale)}
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def vim(params: Params, seen: Seen) -> jax.Array:
    """The virtual logit less the log sum exp of the others.

    The published score is the virtual logit's softmax probability, which rises with this.
    """
    beside = jnp.dot(
        seen.features - params["origin"][None], params["beside"], precision=jax.lax.Precision.HIGHEST
    )
    length = jnp.sqrt(jnp.sum(beside**2, axis=-1) + 1e-12)  # the slope of a root at 0 is infinite
    return params["scale"] * length - jax.nn.logsumexp(seen.logits, axis=-1)
