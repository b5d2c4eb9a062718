"""Detectors that look at the logits alone, and have nothing to fit.

Each score is a function of the published one that rises with it, so that every rank, AUROC and threshold is
that of the published score. It is chosen so that float32 still tells confident images apart, where a softmax
is exactly 1.0.
"""

import jax
import jax.numpy as jnp

from fooljax.detectors.detector import Seen
from fooljax.engine.log_odds import log_odds
from fooljax.engine.types import Params

SURE = 20.0
"""Log-odds from which on ln(1 + exp(-x)) is exp(-x) in float32."""


def least_confidence(params: Params, seen: Seen) -> jax.Array:
    """The largest softmax probability (MSP), as log-odds, with its sign turned.

    Source: Hendrycks and Gimpel 2017.
    """
    del params
    return -jnp.max(log_odds(seen.logits), axis=-1)


def least_logit(params: Params, seen: Seen) -> jax.Array:
    """The largest logit, with its sign turned. Source: Hendrycks et al. 2022 (maximum logit score)."""
    del params
    return -jnp.max(seen.logits, axis=-1)


def free_energy(params: Params, seen: Seen) -> jax.Array:
    """The free energy at temperature 1, -log sum exp of the logits. Source: Liu et al. 2020."""
    del params
    return -jax.nn.logsumexp(seen.logits, axis=-1)


def log_entropy(params: Params, seen: Seen) -> jax.Array:
    """The logarithm of the softmax's entropy in nats. Source: Hendrycks et al. 2019 use its entropy."""
    del params
    odds = log_odds(seen.logits)
    # -ln p = ln(1 + exp(-odds)), and its logarithm, without loss where p is nearly 1 or nearly 0.
    surprise = jax.nn.softplus(-odds)
    log_surprise = jnp.where(odds > SURE, -odds, jnp.log(jax.nn.softplus(-jnp.minimum(odds, SURE))))
    return jax.nn.logsumexp(log_surprise - surprise, axis=-1)
