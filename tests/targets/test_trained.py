"""The cache of trained networks: used where it is sound, and no failure of it loses a network."""

import dataclasses
import io
import logging
import os
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bars import QUICK, bars

from fooljax.data import load
from fooljax.data.dataset import from_arrays
from fooljax.engine.types import Target
from fooljax.errors import FaultError, InputError
from fooljax.storage.trees import digest_tree, load_arrays, save_tree
from fooljax.targets import Recipe, accuracy, check_trained, lenet, trained, trained_cache
from fooljax.targets.fitting import fit

MODULE = sys.modules[trained.__module__]


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


@pytest.mark.parametrize("seed", [0, 1])
def test_networks_that_lie_beside_the_tests_are_of_todays_recipe(seed, idx_folder):
    """Else each run of the tests trains them again, and copies of the cache's files belong there."""
    told = []
    assert trained(load(f"idx:{idx_folder}"), seed=seed, on_training=told.append).clean_accuracy > 0.95
    assert told == []


@pytest.mark.slow  # a small AlexNet learns for half a minute
def test_a_second_architecture(dataset, tmp_path):
    recipe = Recipe("quick", steps=60, optimizer="adamw", learning_rate=1e-3, weight_decay=0.0, batch_size=32)
    target = trained(dataset, recipe, network="alexnet-small", cache=tmp_path)
    assert target.name == "AlexNet, small (quick recipe)"
    assert target.clean_accuracy > 0.9
    again = trained(dataset, recipe, network="alexnet-small", cache=tmp_path)
    jax.tree.map(np.testing.assert_array_equal, target.params, again.params)
    with pytest.raises(InputError, match=r"^network: expected one of lenet, alexnet-small, mlp, got vgg"):
        trained(dataset, recipe, network="vgg", cache=tmp_path)


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


def by_another_generator(path, raw):
    arrays, _, facts = load_arrays(path.with_suffix(".whole"))
    save_tree(path, arrays, {**facts, "jax_default_prng_impl": "rbg"})


DAMAGES = {
    "one bit": lambda path, raw: path.write_bytes(raw[:-900] + bytes([raw[-900] ^ 1]) + raw[-899:]),
    "cut off": lambda path, raw: path.write_bytes(raw[: len(raw) // 2]),
    "empty": lambda path, raw: path.write_bytes(b""),
    "text": lambda path, raw: path.write_text("<html>not found</html>"),
    "an .npy": as_npy,
    "a folder": as_folder,
    "a pipe": lambda path, raw: os.mkfifo(path),
    "an unclosed header": with_unclosed_header,
    "another generator of random bits": by_another_generator,
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

        monkeypatch.setattr(trained_cache, "save_tree", full)
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
    monkeypatch.setattr(trained_cache, "version", lambda name: "0.0.1")
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
