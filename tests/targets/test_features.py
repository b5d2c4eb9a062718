"""The features of a network are what its last layer makes its logits of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.data.embedded import embedded_digits
from fooljax.engine.types import Target
from fooljax.targets import pretrained
from fooljax.targets.features import features_of
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
