"""The last layer of networks: features, and the same network with other classes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.engine.types import Target, as_target
from fooljax.errors import InputError
from fooljax.targets import cifar10, imagenet, last_layer
from fooljax.targets.networks.trainable import apply_of, blank_params


def drawn(shapes):
    """Parameters of these shapes, drawn by chance."""
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: jnp.asarray(rng.normal(0.0, 0.1, leaf.shape), jnp.float32), shapes)


def trainable(name="mlp", shape=(16, 16, 1)):
    params = drawn(blank_params(name, 4, shape))
    return Target(params, apply_of(name, 4), image_shape=shape, class_names=("a", "b", "c", "d"))


def of_cifar10():
    module = cifar10.cifar_resnet.CifarResNet("resnet20")
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3))))
    params = {"network": drawn(shapes), "mean": jnp.zeros(3)}
    facts = {"network": "resnet20"}
    return Target(params, cifar10.apply_of("resnet20"), image_shape=(32, 32, 3), provenance=facts)


def images(target, count=3):
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (count, *target.image_shape), dtype=np.uint8)


@pytest.mark.parametrize(
    "make", [trainable, lambda: trainable("lenet"), pytest.param(of_cifar10, marks=pytest.mark.slow)]
)
def test_the_layer_of_the_features_gives_the_logits(make):
    target = make()
    shown = images(target)
    found = last_layer.layer_of(target)(last_layer.features(target, shown))
    assert np.allclose(found, last_layer.logits(target, shown), rtol=1e-4, atol=1e-5)


def test_another_layer_stands_in_its_place():
    target = trainable()
    size = last_layer.layer_of(target).kernel.shape[0]
    layer = last_layer.LastLayer(jnp.zeros((size, 6)), jnp.arange(6.0))
    other = last_layer.with_last_layer(target, layer, tuple("uvwxyz"))
    assert np.array_equal(last_layer.logits(other, images(target, 1)), [np.arange(6.0)])
    assert other.class_names == tuple("uvwxyz")
    assert other.provenance["params_sha256"] != target.provenance.get("params_sha256")
    assert last_layer.logits(target, images(target, 1)).shape == (1, 4)


def test_a_layer_that_does_not_fit():
    with pytest.raises(InputError, match=r"layer: expected a kernel \[128, C\] and a bias \[C\], got"):
        last_layer.with_last_layer(trainable(), last_layer.LastLayer(jnp.zeros((5, 6)), jnp.zeros(6)))


def test_a_network_of_ones_own_has_none_that_is_known():
    with pytest.raises(InputError, match=r"target: expected lenet, mlp, .* got mine"):
        last_layer.layer_of(as_target(lambda images: images, name="mine"))


@pytest.mark.parametrize("name", ["efficientnet-lite0", "tiny-darknet"])
def test_networks_for_imagenet_take_any_number_of_classes(name):
    how = imagenet.crops_of(name)
    module = imagenet.network(name, 7)
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((1, 224, 224, 3))))
    params = {"network": shapes, "mean": jax.ShapeDtypeStruct((3,), np.float32)}
    target = Target(params, imagenet.apply_of(name, how, 7), provenance={"network": name, "crops": 1})
    assert last_layer.layer_of(target).kernel.shape[1] == 7
    pixels = jax.ShapeDtypeStruct((1, how.size, how.size, 3), np.float32)
    assert jax.eval_shape(target.apply, params, pixels).shape == (1, 7)
