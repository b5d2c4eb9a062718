"""`fooljax.ascend` on a user's own network: 5 classes, 20x30 pixels, 3 channels."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fooljax
from fooljax import gradient
from fooljax.engine.log_odds import confidence, log_odds
from fooljax.errors import InputError
from fooljax.report.ascent_page import write_ascent_page
from fooljax.runs.ascent_record import open_ascent

SHAPE = (20, 30, 3)
CLASSES = ("ant", "bee", "cat", "dog", "eel")


def network(params, images):
    return jnp.tanh(images.reshape(len(images), -1) @ params["in"]) @ params["out"]


@pytest.fixture(scope="module")
def target():
    first, second = jax.random.split(jax.random.key(0))
    params = {
        "in": 0.1 * jax.random.normal(first, (1800, 16)),
        "out": jax.random.normal(second, (16, 5)),
    }
    return fooljax.as_target(network, params, name="insects & co", image_shape=SHAPE, class_names=CLASSES)


@pytest.fixture(scope="module")
def in_memory(target):
    return fooljax.ascend(
        target, rule="adam,seed_169", starts=2, start_mode="randu", iterations=40, key=jax.random.key(1)
    )


def test_rows_are_methods_and_starts(target, in_memory):
    assert in_memory.rows == (("adam", 0), ("adam", 1), ("seed_169", 0), ("seed_169", 1))
    assert in_memory.images.shape == (4, 5, *SHAPE)
    assert in_memory.images.dtype == np.uint8
    assert in_memory.cells == (0, 1, 2, 3, 4)
    logits = network(target.params, in_memory.images.reshape(-1, *SHAPE) / np.float32(255))
    own = np.asarray(log_odds(logits)).reshape(4, 5, 5)[:, np.arange(5), np.arange(5)]
    np.testing.assert_allclose(in_memory.log_odds, own, atol=1e-3)
    np.testing.assert_allclose(in_memory.confidence, confidence(own), atol=1e-3)
    np.testing.assert_array_equal(in_memory.success(0.9), np.mean(confidence(own) >= 0.9, axis=1))
    assert in_memory.queries == 2 * 2 * 5 * (2 * 39 + 2)


def test_a_method_of_several(in_memory):
    adam = in_memory.of_method("adam")
    assert adam.rows == (("adam", 0), ("adam", 1))
    np.testing.assert_array_equal(adam.images, in_memory.images[:2])
    assert adam.histories["adam"].shape == (40, 2, 5)
    assert np.all(adam.histories["adam"][-1] > adam.histories["adam"][0])
    with pytest.raises(InputError, match="name: expected one of adam, seed_169, got sgd"):
        in_memory.of_method("sgd")


def test_a_saved_result_opens_as_the_same(in_memory, tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("what is known already was worked out again")

    monkeypatch.setattr("fooljax.runs.ascent_run.ascend_images", never)
    assert in_memory.save(tmp_path / "run") == tmp_path / "run"
    opened = fooljax.open_run(tmp_path / "run")
    for name in ("images", "start_images", "rows", "cells", "class_names", "queries"):
        np.testing.assert_array_equal(getattr(opened, name), getattr(in_memory, name))
    np.testing.assert_allclose(opened.log_odds, in_memory.log_odds, atol=1e-3)
    assert opened.folder == tmp_path / "run"
    with pytest.raises(InputError, match="expected a new or empty folder"):
        in_memory.save(tmp_path / "run")
    with pytest.raises(InputError, match=r"result: it stands in .* already"):
        opened.save(tmp_path / "other")


def test_a_folder_has_a_page_that_its_files_give_again(target, in_memory, tmp_path):
    arguments = {"rule": "adam,seed_169", "starts": 2, "start_mode": "randu", "iterations": 40}
    result = fooljax.ascend(target, **arguments, key=jax.random.key(1), outdir=tmp_path / "run")
    np.testing.assert_array_equal(result.images, in_memory.images)
    page = (tmp_path / "run" / "index.html").read_bytes()
    assert "Gradient ascent on the network “insects &amp; co”" in page.decode()
    assert b"eel" in (tmp_path / "run" / "images.csv").read_bytes()
    write_ascent_page(open_ascent(tmp_path / "run"))
    assert (tmp_path / "run" / "index.html").read_bytes() == page
    # Resumed, it ends as it was.
    again = fooljax.ascend(target, **arguments, key=jax.random.key(1), outdir=tmp_path / "run", resume=True)
    np.testing.assert_array_equal(again.images, result.images)
    assert (tmp_path / "run" / "index.html").read_bytes() == page
    with pytest.raises(InputError, match=r"iterations: the run in .* was begun with 40, got 41"):
        fooljax.ascend(
            target,
            **{**arguments, "iterations": 41},
            key=jax.random.key(1),
            outdir=tmp_path / "run",
            resume=True,
        )
    with pytest.raises(InputError, match="key: the run in"):
        fooljax.ascend(target, **arguments, key=2, outdir=tmp_path / "run", resume=True)


def test_the_number_of_starts_may_be_one_of_numpy(target):
    found = [
        fooljax.ascend(target, [0], starts=count, iterations=2, key=0).images for count in (2, np.int32(2))
    ]
    np.testing.assert_array_equal(*found)


def test_a_users_own_rule_and_start_images(target, tmp_path):
    start = np.full((1, *SHAPE), 0.5)
    rule = gradient.optimiser(optax.sgd(0.01))
    result = fooljax.ascend(
        target, [3, 1], rule=rule, starts=start, iterations=3, key=0, outdir=tmp_path / "run"
    )
    assert result.cells == (3, 1)
    expected = gradient.ascend_images(target, np.repeat(start, 2, axis=0), [3, 1], rule, iterations=3)
    np.testing.assert_array_equal(result.images[0], expected.pixels())
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["command"] is None
    assert "optimiser" in (tmp_path / "run" / "index.html").read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": [0, 0]}, "classes: expected each class once"),
        ({"classes": [[1], [1, 2]]}, "classes: expected whole numbers"),
        ({"starts": "a"}, "starts: expected a whole number, 1 or more, or images .*, got 'a'"),
        ({"iterations": "a"}, "iterations: expected a whole number, 1 or more, got 'a'"),
        ({"outdir": ""}, "outdir: expected a folder, got ''"),
        ({"classes": [5]}, r"classes: expected class indices in \[0, 4\], got 5"),
        ({"classes": "all"}, "classes: expected whole numbers"),
        ({"rule": "sgd"}, "rule: expected all, or each once of unregularised"),
        ({"rule": 3}, "rule: expected a Rule or the name of a method, got 3"),
        ({"rule": gradient.progress()._replace(name="../x")}, "rule: expected a name of letters"),
        ({"starts": 0}, "starts: expected a whole number, 1 or more, or images .*, got 0"),
        ({"starts": np.zeros((1, 8, 8, 3))}, r"starts: expected images of shape \[20, 30, 3\]"),
        ({"iterations": 0}, "iterations: expected a whole number, 1 or more, got 0"),
        ({"start_mode": "white"}, "start_mode: expected one of mean_plus"),
        ({"target": network}, "target: "),
        ({"resume": True}, "outdir: expected a folder, since resume is True, got none"),
    ],
)
def test_wrong_arguments_are_one_line(changes, message, target):
    with pytest.raises(InputError, match="^" + message) as caught:
        fooljax.ascend(**{"target": target, "key": jax.random.key(0), "iterations": 2, **changes})
    assert "\n" not in str(caught.value)
