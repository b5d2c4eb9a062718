"""OpenMax: part of each logit goes to a class of unknown images, by how far all logits are from their class.

Source: Bendale and Boult 2016 ("Towards open set deep networks"), who measured it on fooling images, too.
Differs: the tail of the distances is fitted by scipy, moved so that its least is 1; the distance is
Euclidean.
"""

import jax
import jax.numpy as jnp
import numpy as np
import scipy

from fooljax.detectors.detector import Clean, Seen
from fooljax.engine.log_odds import log_odds
from fooljax.engine.types import Params
from fooljax.errors import InputError

TAIL = 20
"""Distances of a class that its Weibull distribution is fitted to, and the classes that are weighed: the
authors' for ImageNet's validation images."""
RANKED = 10


def fit_openmax(clean: Clean) -> Params:
    """The mean logits of each class, of images named rightly, and the tail of the distances to them."""
    right = clean.logits.argmax(axis=1) == clean.labels
    means, tails = [], []
    for label in range(clean.logits.shape[1]):
        own = clean.logits[right & (clean.labels == label)]
        if len(own) < 3:
            raise InputError(
                f"images: openmax wants at least 3 clean images of every class that the network names "
                f"rightly, got {len(own)} of class {label}"
            )
        means.append(own.mean(axis=0))
        far = np.sort(np.linalg.norm(own - means[-1], axis=1))[-TAIL:]
        begin = float(far[0]) - 1.0
        shape, _, scale = scipy.stats.weibull_min.fit(far - begin, floc=0.0)
        tails.append((begin, shape, scale))
    arrays = {"means": np.stack(means), "tails": np.asarray(tails)}
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def openmax(params: Params, seen: Seen) -> jax.Array:
    """The log-odds of the class of unknown images."""
    logits, (begin, shape, scale) = seen.logits, params["tails"].T
    apart = logits[:, None] - params["means"][None]
    beyond = jnp.sqrt(jnp.sum(apart**2, axis=-1) + 1e-12) - begin[None]
    far = 1.0 - jnp.exp(-((jnp.maximum(beyond, 1e-6) / scale[None]) ** shape[None]))  # [B, C], in [0, 1]
    ranked = min(RANKED, logits.shape[-1])
    rank = jnp.sum(logits[:, None] > logits[:, :, None], axis=-1)
    share = jnp.maximum(ranked - rank, 0) / ranked
    taken = share * far
    unknown = jnp.sum(logits * taken, axis=-1, keepdims=True)
    return log_odds(jnp.concatenate([unknown, logits * (1.0 - taken)], axis=-1))[:, 0]
