"""Networks, training, and the cache of trained targets."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.base import Target, as_target
from fooljax.datasets import from_arrays
from fooljax.errors import InputError
from fooljax.targets import LeNet, Recipe, check_trained, lenet, train, trained
from fooljax.targets.layers import _as_xla, conv_pool
from fooljax.targets.trained import lenet_apply
from fooljax.targets.training import RECIPES, accuracy, shifted

QUICK = Recipe("quick", steps=40, optimizer="sgd", learning_rate=0.02, weight_decay=0.0005, batch_size=32)


def bars(count=400, classes=4, seed=0, size=16):
    """Images whose class is the place of a bright bar, in noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = rng.integers(0, 90, (count, size, size), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 3 * label : 3 * label + 3] += 150
    return images, labels.astype(np.int32)


@pytest.fixture(scope="module")
def dataset():
    train_images, train_labels = bars()
    test_images, test_labels = bars(200, seed=1)
    return from_arrays(train_images, train_labels, test_images, test_labels, name="bars")


def test_lenet_has_caffes_sizes():
    params = LeNet().init(jax.random.key(0), jnp.zeros((1, 28, 28, 1)))["params"]
    sizes = sorted(int(leaf.size) for leaf in jax.tree.leaves(params))
    assert sizes == sorted([500, 20, 25_000, 50, 400_000, 500, 5_000, 10])
    for leaf, fan_in in ((params["ConvPool_1"]["kernel"], 500), (params["Dense_0"]["kernel"], 800)):
        limit = np.sqrt(3 / fan_in)
        assert float(jnp.max(jnp.abs(leaf))) <= limit
        assert float(jnp.std(leaf)) == pytest.approx(limit / np.sqrt(3), rel=0.02)


def test_lenet_equals_plain_numpy():
    """No non-linearity after the convolutions: against loops in float64."""
    network = LeNet(3)
    images = np.asarray(jax.random.uniform(jax.random.key(1), (2, 16, 18, 1)), np.float64)
    variables = network.init(jax.random.key(0), jnp.asarray(images, jnp.float32))
    p = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), variables["params"])
    x = images * 255 / 256
    for layer in ("ConvPool_0", "ConvPool_1"):
        kernel, bias = p[layer]["kernel"], p[layer]["bias"]
        height, width = x.shape[1] - 4, x.shape[2] - 4
        maps = np.zeros((2, height, width, kernel.shape[-1]))
        for i in range(5):
            for j in range(5):
                maps += x[:, i : i + height, j : j + width] @ kernel[i, j]
        maps += bias
        x = (
            maps[:, : height // 2 * 2, : width // 2 * 2]
            .reshape(2, height // 2, 2, width // 2, 2, -1)
            .max((2, 4))
        )
    x = np.maximum(x.reshape(2, -1) @ p["Dense_0"]["kernel"] + p["Dense_0"]["bias"], 0)
    x = x @ p["Dense_1"]["kernel"] + p["Dense_1"]["bias"]
    np.testing.assert_allclose(network.apply(variables, jnp.asarray(images, jnp.float32)), x, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "kernel"),
    [((3, 28, 28, 1), (5, 5, 1, 4)), ((2, 11, 9, 3), (5, 5, 3, 2)), ((1, 9, 12, 2), (3, 4, 2, 5))],
)
def test_fast_gradients_equal_xlas(shape, kernel):
    keys = jax.random.split(jax.random.key(0), 4)
    arguments = (
        jax.random.normal(keys[0], shape),
        jax.random.normal(keys[1], kernel),
        jax.random.normal(keys[2], kernel[-1:]),
    )
    weights = jax.random.normal(keys[3], _as_xla(*arguments).shape)
    np.testing.assert_array_equal(conv_pool(*arguments), _as_xla(*arguments))
    fast, plain = (
        jax.grad(lambda *a, f=f: jnp.sum(weights * f(*a)), argnums=(0, 1, 2))(*arguments)
        for f in (conv_pool, _as_xla)
    )
    for one, other in zip(fast, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_first_of_equal_maxima_has_the_gradient():
    gradient = jax.grad(lambda x: conv_pool(x, jnp.ones((1, 1, 1, 1)), jnp.zeros(1)).sum())(
        jnp.ones((1, 2, 2, 1))
    )
    np.testing.assert_array_equal(gradient[0, ..., 0], [[1, 0], [0, 0]])


def test_sgd_is_caffes_solver():
    """Three steps against Caffe's update: v = 0.9 v + rate (g + decay w), biases at twice the rate."""
    recipe = RECIPES["paper"]
    optimizer = recipe.make_optimizer()
    params = {"kernel": jnp.asarray([[1.0, -2.0]]), "bias": jnp.asarray([0.5])}
    state = optimizer.init(params)
    plain = {name: np.asarray(value, np.float64) for name, value in params.items()}
    velocity = {name: np.zeros_like(value) for name, value in plain.items()}
    for step in range(3):
        gradient = {"kernel": jnp.asarray([[0.3, 0.1 * step]]), "bias": jnp.asarray([-0.2])}
        updates, state = optimizer.update(gradient, state, params)
        params = jax.tree.map(jnp.add, params, updates)
        rate = 0.01 * (1 + 1e-4 * step) ** -0.75
        for name, factor in (("kernel", 1), ("bias", 2)):
            pull = np.asarray(gradient[name], np.float64) + 0.0005 * plain[name]
            velocity[name] = 0.9 * velocity[name] + rate * factor * pull
            plain[name] = plain[name] - velocity[name]
    for name in plain:
        np.testing.assert_allclose(params[name], plain[name], rtol=1e-6)


def test_training_learns_and_stacks_under_vmap(dataset):
    apply = lenet_apply(4)
    images, labels = jnp.asarray(dataset.train_images), jnp.asarray(dataset.train_labels)
    keys = jax.random.split(jax.random.key(0), 2)
    blank = jnp.zeros((1, *dataset.image_shape))
    starts = jax.vmap(lambda key: LeNet(4).init(key, blank))(keys)
    stacked, losses = jax.jit(jax.vmap(lambda k, p: train(apply, QUICK, k, p, images, labels)))(keys, starts)
    assert losses.shape == (2, 40)
    assert float(losses[:, -5:].mean()) < 0.5 * float(losses[:, :5].mean())
    first = jax.tree.map(lambda leaf: leaf[0], starts)
    alone, _ = jax.jit(lambda k, p: train(apply, QUICK, k, p, images, labels))(keys[0], first)
    for one, many in zip(jax.tree.leaves(alone), jax.tree.leaves(stacked), strict=True):
        np.testing.assert_allclose(one, many[0], atol=2e-3)
    assert accuracy(Target(alone, apply), dataset.test_images, dataset.test_labels) > 0.95


def test_shifts_move_whole_images():
    images = jnp.zeros((50, 8, 8, 1)).at[:, 4, 4].set(1.0)
    moved = np.asarray(shifted(jax.random.key(0), images, 2))[..., 0]
    places = np.argwhere(moved == 1.0)
    assert len(places) == 50
    assert set(map(tuple, places[:, 1:] - 4)) <= {(i, j) for i in range(-2, 3) for j in range(-2, 3)}
    assert len(set(map(tuple, places[:, 1:]))) > 15


def test_trained_once_then_read_from_the_cache(dataset, tmp_path):
    told = []
    first, card = lenet(dataset, QUICK, cache=tmp_path, on_training=told.append)
    again, card_again = lenet(dataset, QUICK, cache=tmp_path, on_training=told.append)
    assert told == ["training LeNet on bars (quick recipe, 40 steps), once"]
    assert card == card_again
    assert card.clean_accuracy > 0.95
    assert card.provenance["dataset"] == dataset.digest
    for one, other in zip(jax.tree.leaves(first.params), jax.tree.leaves(again.params), strict=True):
        np.testing.assert_array_equal(one, other)
    other, _ = lenet(dataset, QUICK, seed=1, cache=tmp_path)
    assert not np.array_equal(jax.tree.leaves(first.params)[1], jax.tree.leaves(other.params)[1])
    assert first.apply is other.apply


def test_a_second_architecture(dataset, tmp_path):
    recipe = Recipe("quick", steps=60, optimizer="adamw", learning_rate=1e-3, weight_decay=0.0, batch_size=32)
    target, card = trained(dataset, recipe, network="alexnet-small", cache=tmp_path)
    assert card.name == "AlexNet, small (quick recipe)"
    assert card.clean_accuracy > 0.9
    again, _ = trained(dataset, recipe, network="alexnet-small", cache=tmp_path)
    jax.tree.map(np.testing.assert_array_equal, target.params, again.params)
    with pytest.raises(InputError, match=r"^network: expected one of lenet, alexnet-small, got vgg"):
        trained(dataset, recipe, network="vgg", cache=tmp_path)


def test_a_damaged_cache_is_trained_again_with_a_notice(dataset, tmp_path, caplog):
    _, before = lenet(dataset, QUICK, cache=tmp_path)
    (path,) = tmp_path.glob("*.npz")
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))
    with caplog.at_level(logging.WARNING):
        _, after = lenet(dataset, QUICK, cache=tmp_path)
    assert "expected an .npz file" in caplog.text
    assert "training again" in caplog.text
    assert before.provenance["params_sha256"] == after.provenance["params_sha256"]
    assert path.read_bytes() != bytes(raw)


def test_an_untrained_network_is_an_error(dataset, tmp_path):
    lazy = Recipe("lazy", steps=1, optimizer="sgd", learning_rate=0.0, weight_decay=0.0, batch_size=32)
    with pytest.raises(
        InputError, match=r"^target: names .*% of 200 held-out images of bars, which is chance"
    ):
        lenet(dataset, lazy, cache=tmp_path)
    assert not list(tmp_path.glob("*.npz"))
    blank = Target((), lambda params, images: jnp.zeros((images.shape[0], 4)))
    with pytest.raises(InputError, match=r"which is chance"):
        check_trained(blank, dataset)


def test_wrong_input_is_named(dataset, tmp_path):
    with pytest.raises(InputError, match=r"^recipe: expected one of paper, paper-full, strong, got best"):
        lenet(dataset, "best", cache=tmp_path)
    images, labels = bars(40, size=12)
    small = from_arrays(images, labels, images, labels)
    with pytest.raises(
        InputError, match=r"^dataset: LeNet expects images of at least 16 x 16, got \[12, 12, 1\]"
    ):
        lenet(small, QUICK, cache=tmp_path)
    images, labels = bars(20)
    few = from_arrays(images, labels, images, labels)
    with pytest.raises(InputError, match=r"^dataset: expected at least 32 training images, got 20"):
        lenet(few, QUICK, cache=tmp_path)


def test_any_callable_becomes_a_target():
    plain = as_target(lambda images: images.sum((1, 2)))
    np.testing.assert_allclose(plain.apply(plain.params, jnp.ones((2, 3, 3, 2))), 9.0)
    with_params = as_target(lambda params, images: images.sum((1, 2)) * params, jnp.float32(2))
    np.testing.assert_allclose(with_params.apply(with_params.params, jnp.ones((2, 3, 3, 2))), 18.0)
    assert as_target(plain) is plain
    with pytest.raises(TypeError, match=r"^model: expected a JAX callable or a Target, got str"):
        as_target("lenet")
