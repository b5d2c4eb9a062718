"""The features of a network are what its last layer makes its logits of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.data.embedded import embedded_digits
from fooljax.engine.types import Target
from fooljax.targets import cifar10, imagenet, pretrained
from fooljax.targets.features import features_of, look_of
from fooljax.targets.networks import cifar_resnet
from fooljax.targets.networks.trainable import apply_of, blank_params


def drawn(shapes):
    draws = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: jnp.asarray(draws.normal(0, 0.1, leaf.shape), leaf.dtype), shapes)


@pytest.mark.parametrize("network", ["lenet", "mlp", "alexnet-small"])
def test_the_last_layer_makes_the_logits_of_them(network):
    params = drawn(blank_params(network, 4, (16, 16, 1)))
    images = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 1)).astype(np.uint8)
    target = Target(params, apply_of(network, 4), image_shape=(16, 16, 1))
    found = features_of(target)(images)
    last = params["params"]
    kernel, bias = (
        (last["fc8_kernel"], last["fc8_bias"])
        if network == "alexnet-small"
        else (last[f"Dense_{1 if network == 'lenet' else 2}"][name] for name in ("kernel", "bias"))
    )
    logits = target.apply(params, jnp.asarray(images, jnp.float32) / 255.0)
    np.testing.assert_allclose(found @ np.asarray(kernel) + np.asarray(bias), logits, rtol=1e-4, atol=1e-5)


def test_parts_of_many_images_go_together():
    target, images = pretrained("lenet", 0), embedded_digits().test_images[:300]
    find = features_of(target)
    np.testing.assert_allclose(find(images)[[0, 299]], find(images[[0, 299]]), rtol=1e-5)


def test_other_networks_have_none():
    assert features_of(Target((), lambda _, images: images)) is None


def test_networks_that_prepare_images_tell_features_and_logits_in_one_pass():
    module = cifar_resnet.CifarResNet("resnet20", 4)
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3))))
    params = {"network": drawn(shapes), "mean": jnp.full(3, 100.0)}
    target = Target(params, cifar10.apply_of("resnet20", 4))
    images = np.random.default_rng(1).uniform(size=(3, 32, 32, 3)).astype(np.float32)
    features, logits = look_of(target)(params, images)
    last = jax.device_get(params["network"]["params"])
    np.testing.assert_allclose(
        np.asarray(features) @ last["logits_kernel"] + last["logits_bias"], logits, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("name", "width"), [("efficientnet-lite0", 1280), ("squeezenet", 512), ("tiny-darknet", 128)]
)
def test_networks_for_imagenet_have_features_of_the_centre_crop(name, width):
    how = imagenet.crops_of(name, 10)
    inputs = jax.ShapeDtypeStruct((1, how.input_size, how.input_size, 3), jnp.float32)
    shapes = jax.eval_shape(lambda x: imagenet.network(name).init(jax.random.key(0), x), inputs)
    params = {"network": shapes, "mean": jax.ShapeDtypeStruct((3,), jnp.float32)}
    look = look_of(Target(params, imagenet.apply_of(name, how)))
    images = jax.ShapeDtypeStruct((2, how.size, how.size, 3), jnp.float32)
    found = jax.eval_shape(look, params, images)
    assert [part.shape for part in found] == [(2, width), (2, 1000)]
