"""The last block of networks: what it is given, its parameters, and the same network with others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.engine.types import Target, as_target
from fooljax.errors import InputError
from fooljax.targets import cifar10, imagenet, last_block, last_layer
from fooljax.targets.networks import tiny_darknet
from fooljax.targets.networks.trainable import apply_of, blank_params


def drawn(shapes):
    """Parameters of these shapes, drawn by chance."""
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: jnp.asarray(rng.normal(0.0, 0.1, leaf.shape), jnp.float32), shapes)


def trainable(name):
    params = drawn(blank_params(name, 4, (16, 16, 1)))
    return Target(params, apply_of(name, 4), image_shape=(16, 16, 1), class_names=("a", "b", "c", "d"))


def cropped(name, apply, side, make=drawn, **facts):
    shapes = jax.eval_shape(lambda: apply.module.init(jax.random.key(0), jnp.zeros((1, side, side, 3))))
    params = {"network": make(shapes), "mean": make(jax.ShapeDtypeStruct((3,), np.float32))}
    side += 32 if name in imagenet.NAMES else 0
    return Target(params, apply, image_shape=(side, side, 3), provenance={"network": name, **facts})


def of_cifar10():
    return cropped("resnet20", cifar10.apply_of("resnet20"), 32)


def of_imagenet(name, crops=1):
    apply = imagenet.apply_of(name, imagenet.crops_of(name, crops), 7)
    return cropped(name, apply, 224, lambda shapes: shapes, crops=crops)


def images(target, count=3):
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (count, *target.image_shape), dtype=np.uint8)


MADE = {
    "mlp": (lambda: trainable("mlp"), {"Dense_1", "Dense_2"}),
    "lenet": (lambda: trainable("lenet"), {"Dense_0", "Dense_1"}),
    "resnet20": (
        of_cifar10,
        {
            f"{layer}_{part}"
            for layer in ("stage2_block2_first", "stage2_block2_second", "logits")
            for part in ("kernel", "bias")
        },
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_the_block_gives_the_logits_of_the_network(name):
    make, names = MADE[name]
    target = make()
    block = last_block.block_of(target)
    assert set(block["params"]) == names
    found = last_block.function_of(target)(block, last_block.inputs(target, images(target)))
    assert np.allclose(found, last_layer.logits(target, images(target)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MADE)
def test_only_the_block_of_the_other_network_is_another(name):
    target = MADE[name][0]()
    block = last_block.block_of(target)
    same, other = (
        last_block.with_block(target, jax.tree.map(lambda leaf, by=by: leaf + by, block)) for by in (0.0, 0.1)
    )
    assert np.array_equal(last_layer.logits(same, images(target)), last_layer.logits(target, images(target)))
    before, after = (one.params.get("network", one.params)["params"] for one in (target, other))
    for layer in before:
        alike = jax.tree.map(np.array_equal, before[layer], after[layer])
        assert all(leaf == (layer not in block["params"]) for leaf in jax.tree.leaves(alike))
    assert other.provenance["params_sha256"] != same.provenance["params_sha256"]


@pytest.mark.parametrize(
    ("name", "crops", "given", "names"),
    [
        (
            "efficientnet-lite0",
            1,
            (7, 7, 192),
            ("block15_expand", "block15_depthwise", "block15_project", "head", "logits"),
        ),
        ("tiny-darknet", 10, (14, 14, 256), ("conv11", "conv12", "conv13", "conv14", "conv15", "last")),
    ],
)
def test_where_the_block_of_networks_for_imagenet_begins(name, crops, given, names):
    target = of_imagenet(name, crops)
    block = last_block.block_of(target)
    assert set(block["params"]) == {f"{one}_{part}" for one in names for part in ("kernel", "bias")}
    entered = jax.ShapeDtypeStruct((2, *given), np.float32)
    assert jax.eval_shape(last_block.function_of(target), block, entered).shape == (2, 7)
    pixels = jax.ShapeDtypeStruct((2, *target.image_shape), np.float32)
    assert jax.eval_shape(target.apply.block_input, target.params, pixels).shape == (2, *given)


def test_a_small_tiny_darknet_begins_after_its_last_pooling():
    """At 32 x 32 pixels, where the whole network is quick."""
    module = tiny_darknet.TinyDarknet(7)
    shown = jnp.asarray(np.random.default_rng(0).random((2, 32, 32, 3)), jnp.float32)
    params = drawn(jax.eval_shape(lambda: module.init(jax.random.key(0), shown)))
    logits, kept = module.apply(params, shown, mutable=["intermediates"])
    given = kept["intermediates"]["block_input"][0]
    assert given.shape == (2, 2, 2, 256)
    assert np.allclose(module.apply(params, given, from_block=True), logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "target", [as_target(lambda images: images, name="mine"), of_imagenet("squeezenet")], ids=["own", "known"]
)
def test_a_network_without_a_known_block(target):
    with pytest.raises(InputError, match=r"^target: expected lenet, mlp, .* whose last layer is known, got"):
        last_block.block_of(target)
