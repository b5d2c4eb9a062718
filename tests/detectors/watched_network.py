"""A small network that tells its features, and clean images of it, for the tests of detectors."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.detectors import seen_of_clean
from fooljax.engine.types import Target
from fooljax.targets.networks.trainable import apply_of, blank_params

CLASSES = 3
SHAPE = (16, 16, 1)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (200, *SHAPE)).astype(np.uint8)
OTHERS = (IMAGES[:20] // 4 + 64).astype(np.uint8)


@functools.cache
def network():
    """An MLP whose weights were drawn. Its last bias makes the classes about equally frequent."""
    draws = np.random.default_rng(1)
    shapes = blank_params("mlp", CLASSES, SHAPE)
    params = jax.tree.map(lambda leaf: jnp.asarray(draws.normal(0, 0.1, leaf.shape), leaf.dtype), shapes)
    facts = {"name": "drawn", "image_shape": SHAPE, "class_names": ("a", "b", "c")}
    target = Target(params, apply_of("mlp", CLASSES), **facts)
    logits = target.apply(params, jnp.asarray(IMAGES, jnp.float32) / 255.0)
    params["params"]["Dense_2"]["bias"] -= jnp.mean(logits, axis=0)
    return target


@functools.cache
def clean():
    """What it makes of the images. Their classes are those that it names, but for every tenth."""
    named = seen_of_clean(network(), IMAGES, np.zeros(len(IMAGES), int)).logits.argmax(axis=1)
    labels = np.where(np.arange(len(IMAGES)) % 10 == 0, (named + 1) % CLASSES, named)
    return seen_of_clean(network(), IMAGES, labels)
