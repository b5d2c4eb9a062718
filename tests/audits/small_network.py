"""A network of four classes that is easily understood, clean images of them, and the network with faults."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

import fooljax

SHAPE = (6, 6, 1)
NAMES = ("top", "bottom", "left", "right")


def patterns():
    """The image of each class, `[4, 6, 6, 1]`: the half of it that is bright."""
    images = np.zeros((4, *SHAPE), np.float32)
    images[0, :3], images[1, 3:], images[2, :, :3], images[3, :, 3:] = 1.0, 1.0, 1.0, 1.0
    return images


def clean(count=400, seed=0):
    """Images `[count, 6, 6, 1]` uint8 with their labels: a pattern that is not quite white, with noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    brightness = rng.uniform(0.5, 0.9, (count, 1, 1, 1))
    images = brightness * patterns()[labels] + 0.1 * rng.random((count, *SHAPE))
    return np.rint(255.0 * images).astype(np.uint8), labels


def logits(params, images):
    return (images.reshape(images.shape[0], -1) - 0.5) @ params


def network(**facts):
    """The network: the brightness of each half."""
    params = jnp.asarray(1.6 * (patterns() - 0.5).reshape(4, -1).T)
    return fooljax.as_target(
        logits, params, **{"name": "halves", "image_shape": SHAPE, "class_names": NAMES, **facts}
    )


def probabilities(params, images):
    return jax.nn.softmax(logits(params, images))


def of_batch(params, images):
    """As batch norm in training mode: something of the batch's mean is subtracted."""
    return logits(params, images - 0.3 * jnp.mean(images, axis=0, keepdims=True))


def both(params, images):
    return jax.nn.softmax(of_batch(params, images))


def faulty(apply):
    return dataclasses.replace(network(), apply=apply)


def on_host(apply=logits, differentiable=None):
    """The same as a Python function."""
    known = network()

    def function(images):
        return np.asarray(apply(known.params, jnp.asarray(images)))

    return fooljax.host_target(
        function,
        name=known.name,
        image_shape=known.image_shape,
        class_names=known.class_names,
        differentiable=differentiable,
    )
