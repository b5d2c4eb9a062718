"""ODIN: the softmax at a high temperature, of an image that is changed a little so that the network is surer.

Source: Liang, Li and Srikant 2018 ("Enhancing the reliability of out-of-distribution image detection in
neural networks").
"""

import jax
import jax.numpy as jnp

from fooljax.detectors.detector import Seen
from fooljax.engine.types import Params

TEMPERATURE = 1000.0
STEP = 0.0014
"""The authors' for most of their networks; here of the range of a pixel, and there of their scaled one."""


def odin(params: Params, seen: Seen) -> jax.Array:
    """How unsure the network is, at a temperature of 1000, after a step towards the class that it names.

    At so high a temperature a softmax is nearly even. So the score is its largest probability p as
    T ln(1 / (p C)), worked out without loss, which ranks images in the same way. A network's gradient counts
    as a constant, since sign has no other derivative.
    """
    del params
    names = jnp.argmax(seen.logits, axis=-1)

    def surprise(images: jax.Array) -> jax.Array:
        logits = seen.ask(images) / TEMPERATURE
        named = jnp.take_along_axis(logits, names[:, None], axis=-1)[:, 0]
        return jnp.sum(jax.nn.logsumexp(logits, axis=-1) - named)

    slope = jax.lax.stop_gradient(jax.grad(surprise)(jax.lax.stop_gradient(seen.images)))
    logits = seen.ask(seen.images - STEP * jnp.sign(slope))
    below = (logits - jnp.max(logits, axis=-1, keepdims=True)) / TEMPERATURE
    return TEMPERATURE * jnp.log1p(jnp.mean(jnp.expm1(below), axis=-1))
