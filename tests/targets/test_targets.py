"""Networks, training, and the cache of trained targets."""

import dataclasses
import fnmatch
import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import data as datasets
from fooljax.data.dataset import from_arrays
from fooljax.engine.types import Target, as_target
from fooljax.errors import FaultError, InputError
from fooljax.storage.trees import digest_tree, load_arrays, read_json, save_tree
from fooljax.targets import LeNet, Recipe, check_trained, lenet, pretrained, shipped, train, trained
from fooljax.targets._trained import fit, lenet_apply
from fooljax.targets.networks.layers import _as_xla, conv_pool
from fooljax.targets.training import RECIPES, accuracy, shifted

MODULE = sys.modules[fit.__module__]

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
    first = lenet(dataset, QUICK, cache=tmp_path, on_training=told.append)
    again = lenet(dataset, QUICK, cache=tmp_path, on_training=told.append)
    assert told == ["training LeNet on bars (quick recipe, 40 steps), once"]
    assert first.provenance == again.provenance
    assert first.clean_accuracy == again.clean_accuracy
    assert first.clean_accuracy > 0.95
    assert first.provenance["dataset"] == dataset.digest
    for one, other in zip(jax.tree.leaves(first.params), jax.tree.leaves(again.params), strict=True):
        np.testing.assert_array_equal(one, other)
    other = lenet(dataset, QUICK, seed=1, cache=tmp_path)
    assert not np.array_equal(jax.tree.leaves(first.params)[1], jax.tree.leaves(other.params)[1])
    assert first.apply is other.apply


def test_a_second_architecture(dataset, tmp_path):
    recipe = Recipe("quick", steps=60, optimizer="adamw", learning_rate=1e-3, weight_decay=0.0, batch_size=32)
    target = trained(dataset, recipe, network="alexnet-small", cache=tmp_path)
    assert target.name == "AlexNet, small (quick recipe)"
    assert target.clean_accuracy > 0.9
    again = trained(dataset, recipe, network="alexnet-small", cache=tmp_path)
    jax.tree.map(np.testing.assert_array_equal, target.params, again.params)
    with pytest.raises(InputError, match=r"^network: expected one of lenet, alexnet-small, got vgg"):
        trained(dataset, recipe, network="vgg", cache=tmp_path)


GRADIENTS = """
import jax, jax.numpy as jnp
from fooljax.storage.trees import digest_tree
from fooljax.targets.networks.convolutions import convolve
from fooljax.targets.networks.layers import conv_pool
from fooljax.targets.networks.products import add_bias, add_bias_to_maps, product

def loss(images, params):
    kernel, bias, other, dense = params
    maps = conv_pool(images, kernel, bias)
    maps = jnp.tanh(add_bias(convolve(maps, other, 1, 1), bias))
    maps = jnp.tanh(add_bias_to_maps(maps, bias))
    return jnp.tanh(product(maps.reshape(len(maps), -1), dense)).sum()

shapes = (64, 12, 12, 20), ((5, 5, 20, 50), (50,), (3, 3, 50, 50), (800, 500))
images, params = jax.tree.map(
    lambda shape: jnp.sin(jnp.arange(float(math.prod(shape))) ** 2).reshape(shape) / 8,
    shapes,
    is_leaf=lambda node: isinstance(node[0], int),
)
for gradient in jax.device_get(jax.jit(jax.grad(loss, 1))(images, params)):
    print(digest_tree(gradient))
"""


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) == 1, reason="one core"
)
def test_gradients_have_the_same_bits_on_any_number_of_cores():
    """XLA splits long sums by the number of its threads; the layers are written so that it need not."""
    every = sorted(os.sched_getaffinity(0))
    # The programs as users compile them.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "XLA_"))}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", f"import math, os; os.sched_setaffinity(0, {cores}){GRADIENTS}"],
            env={**environment, "JAX_PLATFORMS": "cpu"} | threads,
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            text=True,
        )
        # XLA's CPU client has as many threads as NPROC says, where it is set.
        for cores, threads in ((every[:1], {}), (every, {"NPROC": "16"}))
    ]
    one, many = (run.communicate()[0].split() for run in runs)
    assert len(one) == 4
    assert one == many


def test_the_parts_of_a_training_change_no_bit(dataset, monkeypatch):
    recipe = dataclasses.replace(RECIPES["strong"], steps=12, batch_size=32)
    init_key, train_key = jax.random.split(jax.random.key(3))
    start = LeNet(4).init(init_key, jnp.zeros((1, *dataset.image_shape)))
    arrays = jnp.asarray(dataset.train_images), jnp.asarray(dataset.train_labels)
    whole, losses = jax.jit(lambda k, p: train(lenet_apply(4), recipe, k, p, *arrays))(train_key, start)
    monkeypatch.setattr(MODULE, "PART_SECONDS", 0.0)
    in_parts = fit(dataset, recipe, "lenet", 3)
    assert digest_tree(jax.device_get(whole)) == digest_tree(in_parts)
    assert np.all(losses > 0)


def test_a_signal_in_the_middle_of_a_training_is_answered(dataset, monkeypatch, caplog):
    """Not after it, and with a line on what is lost."""
    monkeypatch.setattr(MODULE, "PART_SECONDS", 0.05)
    long = dataclasses.replace(QUICK, steps=100_000)

    def ring(*_):
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 5.0)
        with pytest.raises(KeyboardInterrupt):
            fit(dataset, long, "lenet", 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    (line,) = [record.getMessage() for record in caplog.records]
    done = int(line.split()[3])
    assert line == f"training stopped after {done} of 100000 steps, which are lost"
    assert done < 100_000


@pytest.fixture(scope="module")
def params(dataset):
    return fit(dataset, QUICK, "lenet", 0)


@pytest.fixture
def no_training(monkeypatch, params):
    """`fit` gives what was trained before; the list has a line for each time it was asked."""
    asked = []
    monkeypatch.setattr(MODULE, "fit", lambda *_: asked.append("fit") or params)
    return asked


def as_folder(path, raw):
    path.mkdir()
    (path / "something").write_bytes(raw)


def as_npy(path, raw):
    del raw
    np.save(stream := io.BytesIO(), np.zeros(3))
    path.write_bytes(stream.getvalue())


def with_unclosed_header(path, raw):
    path.write_bytes(raw.replace(b"'fortran_order': False", b"'fortran_order': (((((", 1))


DAMAGES = {
    "one bit": lambda path, raw: path.write_bytes(raw[:-900] + bytes([raw[-900] ^ 1]) + raw[-899:]),
    "cut off": lambda path, raw: path.write_bytes(raw[: len(raw) // 2]),
    "empty": lambda path, raw: path.write_bytes(b""),
    "text": lambda path, raw: path.write_text("<html>not found</html>"),
    "an .npy": as_npy,
    "a folder": as_folder,
    "a pipe": lambda path, raw: os.mkfifo(path),
    "an unclosed header": with_unclosed_header,
    "another network": lambda path, raw: save_tree(path, {"a": np.zeros(2)}, {}),
    "no facts": lambda path, raw: save_tree(path, load_arrays(path.with_suffix(".whole"))[0], {}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_whatever_is_wrong_with_a_cached_network_it_is_trained_again(
    damage, dataset, tmp_path, caplog, no_training
):
    before = lenet(dataset, QUICK, cache=tmp_path)
    (path,) = tmp_path.glob("*.npz")
    raw = path.read_bytes()
    path.rename(path.with_suffix(".whole"))
    DAMAGES[damage](path, raw)
    with caplog.at_level(logging.WARNING):
        after = lenet(dataset, QUICK, cache=tmp_path)
    assert no_training == ["fit", "fit"]
    assert "training again" in caplog.records[0].getMessage()
    assert path.name in caplog.records[0].getMessage()
    assert digest_tree(before.params) == digest_tree(after.params)
    assert dataclasses.replace(before, params={}) == dataclasses.replace(after, params={})
    if damage in ("a folder", "a pipe"):
        # It is left alone, and that the network is not kept is told.
        assert path.is_fifo() if damage == "a pipe" else (path / "something").read_bytes() == raw
        assert "will not be kept" in caplog.records[1].getMessage()
    else:
        assert path.read_bytes() == raw


@pytest.mark.parametrize("obstacle", ["a file where the folder belongs", "a full disk"])
def test_a_cache_that_cannot_be_written_loses_no_network(
    obstacle, dataset, tmp_path, caplog, no_training, monkeypatch
):
    cache, told = tmp_path / "cache", []
    if obstacle == "a full disk":

        def full(path, *_):
            raise FaultError(f"cannot write {path}: No space left on device")

        monkeypatch.setattr(MODULE, "save_tree", full)
    else:
        cache.write_text("")

    def on_training(line):
        told.append([record.getMessage() for record in caplog.records])

    with caplog.at_level(logging.WARNING):
        target = lenet(dataset, QUICK, cache=cache, on_training=on_training)
    assert accuracy(target, dataset.test_images, dataset.test_labels) > 0.9
    (line,) = [record.getMessage() for record in caplog.records]
    assert "kept" in line
    # Where it can be known, it is told before the training.
    assert told == ([[]] if obstacle == "a full disk" else [[line]])


def test_what_made_a_cached_network_is_told_of_it(dataset, tmp_path, no_training, monkeypatch):
    monkeypatch.setattr(MODULE, "version", lambda name: "0.0.1")
    lenet(dataset, QUICK, cache=tmp_path)
    monkeypatch.undo()
    target = lenet(dataset, QUICK, cache=tmp_path)
    assert target.provenance["jax"] == target.provenance["flax"] == "0.0.1"


def test_a_data_sets_name_is_no_path(tmp_path, no_training):
    images, labels = bars(200)
    dataset = from_arrays(images, labels, images, labels, name="../../x/y " + "z" * 300)
    lenet(dataset, QUICK, cache=tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert len(list((tmp_path / "a").glob("*.npz"))) == 1


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


SHIPPED = [entry["seed"] for entry in read_json(shipped.FOLDER / "card.json")["weights"]]


@pytest.mark.parametrize("seed", SHIPPED)
def test_shipped_networks_name_digits(seed):
    target = pretrained(seed=seed)
    assert target.image_shape == (28, 28, 1)
    assert target.class_names == tuple("0123456789")
    # Caffe's own example reaches 98.97 %, the paper's network 99.06 %.
    assert 0.989 <= target.clean_accuracy <= 0.993
    assert target.provenance["params_sha256"] == digest_tree(jax.device_get(target.params))
    digits = datasets.load("embedded")
    assert accuracy(target, digits.test_images, digits.test_labels) > 0.985


def test_shipped_networks_are_five_different_ones_by_the_papers_recipe():
    assert SHIPPED == [0, 1, 2, 3, 4]
    card = shipped.shipped_card()
    assert card["recipe"] == dataclasses.asdict(RECIPES["paper-full"])
    assert (card["train_images"], card["test_images"]) == (60_000, 10_000)
    for name in ("sha256", "params_sha256"):
        assert len({entry[name] for entry in card["weights"]}) == 5
    assert pretrained().apply is lenet_apply(10)


def test_shipped_files_are_in_the_package():
    """Wheel and sdist hold what pyproject.toml names."""
    with open(Path(__file__).parents[2] / "pyproject.toml", "rb") as file:
        patterns = tomllib.load(file)["tool"]["setuptools"]["package-data"]["fooljax.targets"]
    names = [f"{shipped.FOLDER.name}/{path.name}" for path in shipped.FOLDER.iterdir()]
    assert len(names) == 6
    assert all(any(fnmatch.fnmatch(name, pattern) for pattern in patterns) for name in names)


def test_wrong_shipped_networks_are_named(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"^seed: expected 0 to 4 for the shipped networks, got 7$"):
        pretrained(seed=7)
    with pytest.raises(InputError, match=r"^network: expected one that is shipped \(lenet\), got vgg$"):
        pretrained("vgg")
    shutil.copytree(shipped.FOLDER, tmp_path / "weights")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    path = tmp_path / "weights" / shipped.shipped_card()["weights"][0]["file"]
    shutil.copy(path.with_name(path.name.replace("seed0", "seed1")), path)
    with pytest.raises(FaultError, match=r"seed0.npz: does not match its checksum; install fooljax again"):
        pretrained()
    path.unlink()
    with pytest.raises(FaultError, match=r"seed0.npz: cannot be read .*; install fooljax again"):
        pretrained()


@pytest.mark.parametrize(
    "change",
    [{"network": None}, {"weights": 3}, {"weights": [{}]}, {"image_shape": [1, 1, 0]}, {"versions": []}],
)
def test_a_damaged_card_of_shipped_networks_is_told(change, tmp_path, monkeypatch):
    card = json.loads((shipped.FOLDER / "card.json").read_bytes()) | change
    if card["network"] is None:
        del card["network"]
    shutil.copytree(shipped.FOLDER, tmp_path / "weights")
    (tmp_path / "weights" / "card.json").write_text(json.dumps(card))
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    shipped.shipped_card.cache_clear()
    try:
        with pytest.raises(FaultError, match=r"card.json: damaged \(.*\); install fooljax again"):
            pretrained()
    finally:
        shipped.shipped_card.cache_clear()


def test_any_callable_becomes_a_target():
    plain = as_target(lambda images: images.sum((1, 2)))
    np.testing.assert_allclose(plain.apply(plain.params, jnp.ones((2, 3, 3, 2))), 9.0)
    with_params = as_target(lambda params, images: images.sum((1, 2)) * params, jnp.float32(2))
    np.testing.assert_allclose(with_params.apply(with_params.params, jnp.ones((2, 3, 3, 2))), 18.0)
    assert as_target(plain) is plain
    with pytest.raises(InputError, match=r"^target: expected a JAX callable or a Target, got str"):
        as_target("lenet")
