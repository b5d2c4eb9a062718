"""Networks in JAX's frameworks for `benchmarks.foreign_networks`, with random weights.

Each function gives the target, and the framework's own forward of inputs that are ready, as a user would
write it. Of the two frameworks that bring networks with them, these networks are taken.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from fooljax.engine.types import Target
from fooljax.targets import foreign

DIGITS, PHOTOGRAPHS = (28, 28, 1), (224, 224, 3)


class Measured(NamedTuple):
    """What is measured of a route.

    Attributes:
      target: of fooljax.
      own: the framework's forward: inputs `[B, ...]` to outputs.
      channels_first: whether inputs are `[B, K, H, W]`.
    """

    target: Target
    own: Callable[[Any], Any]
    channels_first: bool = False


class NnxDigits(nnx.Module):
    """As `benchmarks.foreign_torch.digits`."""

    def __init__(self) -> None:
        rngs = nnx.Rngs(0)
        self.first = nnx.Conv(1, 16, (3, 3), padding="VALID", rngs=rngs)
        self.second = nnx.Conv(16, 32, (3, 3), padding="VALID", rngs=rngs)
        self.dense = nnx.Linear(800, 128, rngs=rngs)
        self.out = nnx.Linear(128, 10, rngs=rngs)

    def __call__(self, images: jax.Array) -> jax.Array:
        """Logits."""
        for layer in (self.first, self.second):
            images = nnx.max_pool(nnx.relu(layer(images)), (2, 2), (2, 2))
        return self.out(nnx.relu(self.dense(images.reshape(images.shape[0], -1))))


def nnx_digits() -> Measured:
    """Flax NNX."""
    module = NnxDigits()
    forward = nnx.jit(lambda module, images: module(images))
    return Measured(foreign.from_nnx(module, image_shape=DIGITS), lambda inputs: forward(module, inputs))


class NnxTransformer(nnx.Module):
    """As `benchmarks.foreign_torch.VisionTransformer`."""

    def __init__(self, width: int = 192, layers: int = 6, heads: int = 3) -> None:
        rngs = nnx.Rngs(0)
        self.patches = nnx.Conv(3, width, (16, 16), (16, 16), padding="VALID", rngs=rngs)
        self.token = nnx.Param(jnp.zeros((1, 1, width)))
        self.places = nnx.Param(0.02 * jax.random.normal(jax.random.key(0), (1, 197, width)))
        self.blocks = nnx.List(
            nnx.Dict(
                before=nnx.LayerNorm(width, rngs=rngs),
                attention=nnx.MultiHeadAttention(heads, width, decode=False, rngs=rngs),
                after=nnx.LayerNorm(width, rngs=rngs),
                wide=nnx.Linear(width, 4 * width, rngs=rngs),
                narrow=nnx.Linear(4 * width, width, rngs=rngs),
            )
            for _ in range(layers)
        )
        self.norm, self.head = nnx.LayerNorm(width, rngs=rngs), nnx.Linear(width, 1000, rngs=rngs)

    def __call__(self, images: jax.Array) -> jax.Array:
        """Logits of the first token."""
        patches = self.patches(images)
        x = patches.reshape(patches.shape[0], -1, patches.shape[-1])
        x = jnp.concatenate([jnp.tile(self.token[...], (x.shape[0], 1, 1)), x], 1) + self.places[...]
        for block in self.blocks:
            x = x + block["attention"](block["before"](x))
            x = x + block["narrow"](nnx.gelu(block["wide"](block["after"](x)), approximate=False))
        return self.head(self.norm(x)[:, 0])


def nnx_transformer() -> Measured:
    """Flax NNX."""
    module = NnxTransformer()
    forward = nnx.jit(lambda module, images: module(images))
    return Measured(foreign.from_nnx(module, image_shape=PHOTOGRAPHS), lambda inputs: forward(module, inputs))


def equinox_digits() -> Measured:
    """Equinox, whose convolutions want channels first."""
    import equinox as eqx

    keys = jax.random.split(jax.random.key(0), 4)
    layers = [
        *(eqx.nn.Conv2d(1, 16, 3, key=keys[0]), eqx.nn.Lambda(jax.nn.relu), eqx.nn.MaxPool2d(2, 2)),
        *(eqx.nn.Conv2d(16, 32, 3, key=keys[1]), eqx.nn.Lambda(jax.nn.relu), eqx.nn.MaxPool2d(2, 2)),
        *(eqx.nn.Lambda(jnp.ravel), eqx.nn.Linear(800, 128, key=keys[2]), eqx.nn.Lambda(jax.nn.relu)),
        eqx.nn.Linear(128, 10, key=keys[3]),
    ]
    model = eqx.nn.Sequential(layers)
    forward = eqx.filter_jit(lambda model, images: jax.vmap(model)(images))
    target = foreign.from_equinox(model, image_shape=DIGITS)
    return Measured(target, lambda inputs: forward(model, inputs), channels_first=True)


def haiku_digits() -> Measured:
    """Haiku."""
    import haiku as hk

    def network(images: jax.Array) -> jax.Array:
        for features in (16, 32):
            images = jax.nn.relu(hk.Conv2D(features, 3, padding="VALID")(images))
            images = hk.max_pool(images, (2, 2, 1), (2, 2, 1), "VALID")
        return hk.nets.MLP([128, 10])(hk.Flatten()(images))

    function = hk.transform(network)
    params = function.init(jax.random.key(0), jnp.zeros((1, *DIGITS)))
    forward = jax.jit(lambda params, images: function.apply(params, None, images))
    target = foreign.from_haiku(function, params, image_shape=DIGITS)
    return Measured(target, lambda inputs: forward(params, inputs))


def haiku_resnet18() -> Measured:
    """Haiku's own ResNet-18."""
    import haiku as hk

    last = {"w_init": hk.initializers.RandomNormal(0.05)}  # its own are 0, and so would all logits be

    def network(images: jax.Array, is_training: bool) -> jax.Array:
        return hk.nets.ResNet18(1000, logits_config=last)(images, is_training)

    training = hk.transform_with_state(lambda images: network(images, True))
    images = jax.random.uniform(jax.random.key(1), (4, *PHOTOGRAPHS))
    params, state = training.init(jax.random.key(0), images)
    _, state = jax.jit(training.apply)(params, state, None, images)
    function = hk.transform_with_state(lambda images: network(images, False))
    forward = jax.jit(lambda params, state, images: function.apply(params, state, None, images)[0])
    target = foreign.from_haiku(function, params, state, image_shape=PHOTOGRAPHS)
    return Measured(target, lambda inputs: forward(params, state, inputs))


def keras_digits() -> Measured:
    """Keras 3."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    convolutions = [
        layer
        for count in (16, 32)
        for layer in (layers.Conv2D(count, 3, activation="relu"), layers.MaxPooling2D())
    ]
    dense = [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(10)]
    model = keras.Sequential([keras.Input(DIGITS), *convolutions, *dense])
    return Measured(foreign.from_keras(model), model.predict_on_batch)


def keras_mobilenet_v2() -> Measured:
    """Keras's own MobileNet v2, which gives probabilities unless it is told otherwise."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(weights=None, classifier_activation=None)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # one batch is all that it sees; else the logits would vanish
    model(jax.random.uniform(jax.random.key(1), (4, *PHOTOGRAPHS)), training=True)
    return Measured(foreign.from_keras(model, preprocessing={"range": (0, 1)}), model.predict_on_batch)


ROUTES = {
    ("MNIST CNN", "from_nnx"): nnx_digits,
    ("MNIST CNN", "from_equinox"): equinox_digits,
    ("MNIST CNN", "from_haiku"): haiku_digits,
    ("MNIST CNN", "from_keras"): keras_digits,
    ("ResNet-18", "from_haiku"): haiku_resnet18,
    ("MobileNet v2", "from_keras"): keras_mobilenet_v2,
    ("small ViT", "from_nnx"): nnx_transformer,
}
"""By network and function of fooljax."""
