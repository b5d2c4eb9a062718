"""The names of targets, their settings, and targets that users bring."""

import dataclasses
import sys

import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.engine.types import Target
from fooljax.errors import InputError
from fooljax.settings import check_setting, config_from
from fooljax.targets import TARGETS, choice_of, find_target, pretrained
from fooljax.targets.mnist_choice import MnistSettings
from fooljax.targets.own_choice import OwnSettings

MODULE = """
import jax.numpy as jnp
import numpy as np
from fooljax import InputError, as_target, host_target

def logits(images):
    return images.mean((1, 2)) @ jnp.ones((3, 5))

whole = as_target(logits, image_shape=(20, 30, 3), name="mine", class_names=("a", "b", "c", "d", "e"))
nameless = as_target(logits, image_shape=(20, 30, 3))
shapeless = as_target(logits)
other_shape = as_target(logits, image_shape=(20, 30, 1))
few_names = as_target(logits, image_shape=(20, 30, 3), class_names=("a", "b"))
one_class = as_target(lambda images: images.mean((1, 2, 3))[:, None], image_shape=(20, 30, 3))
no_logits = as_target(lambda images: "cat", image_shape=(20, 30, 3))

def make():
    return whole

def on_host():
    return host_target(lambda images: images.mean((1, 2)) @ np.ones((3, 5)), image_shape=(20, 30, 3))

def fails():
    raise InputError("weights: expected a file, got none")
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The name of a module in the current folder, which no `sys.path` names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    name = f"own_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    yield name
    sys.modules.pop(name, None)


def test_every_target_has_settings_that_hold_by_default():
    assert {"lenet", "alexnet-small", "efficientnet-lite0", "caffenet"} <= set(TARGETS)
    for name, known in TARGETS.items():
        assert find_target(name) is known
        assert known.line
        settings = known.settings()
        assert config_from(known.settings, dataclasses.asdict(settings), "config.json") == settings
        for field in dataclasses.fields(known.settings):
            check_setting(field, field.default)
            assert field.metadata["text"].endswith("."), f"{name}: {field.name} has no sentence for help"


def test_a_target_is_chosen_by_name():
    choice = TARGETS["lenet"].choose(MnistSettings(target_seed=2))
    assert choice.image_shape == (28, 28, 1)
    target = choice.load(print)
    assert target.provenance == pretrained("lenet", 2).provenance


def test_an_unknown_name_is_told_which_there_are():
    with pytest.raises(
        InputError,
        match=r"^target: expected one of lenet, .* or MODULE:NAME, got lenett; did you mean lenet",
    ):
        find_target("lenett")


@pytest.mark.parametrize("value", ["whole", "make"])
def test_a_target_of_the_users(own, value):
    choice = find_target(f"{own}:{value}").choose(OwnSettings())
    said = []
    target = choice.load(said.append)
    assert said == ["target: mine; confidence is the softmax of one forward pass"]
    assert (choice.image_shape, choice.cells, target.class_names) == ((20, 30, 3), None, tuple("abcde"))
    assert target.provenance["params_sha256"]
    assert target.apply(target.params, jnp.zeros((4, 20, 30, 3))).shape == (4, 5)
    assert choice.group(3) == ""
    assert choice.second(said.append) is None


def test_classes_without_names_are_numbered_and_may_be_chosen(own):
    choice = find_target(f"{own}:nameless").choose(OwnSettings(classes="1,3-4"))
    assert choice.cells == (1, 3, 4)
    assert choice.load(print).class_names == ("0", "1", "2", "3", "4")


def test_a_function_on_numpy_arrays_is_a_target(own):
    choice = find_target(f"{own}:on_host").choose(OwnSettings())
    assert choice.load(print).class_names == ("0", "1", "2", "3", "4")


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ("shapeless", r"image shape is known, as fooljax.as_target\(model, image_shape="),
        ("other_shape", r"refused images \[2, 20, 30, 1\]: "),
        ("few_names", "expected 5 names, as many as the network's logits, got 2$"),
        ("one_class", r"expected logits \[B, C\] of at least 2 classes, got 1"),
        ("no_logits", r"refused images \[2, 20, 30, 3\]: "),
        ("logits", r"got a function that needs arguments; wrap a network in fooljax\.as_target$"),
        ("fails", "says: weights: expected a file, got none"),
        ("missing", "expected a name in the module"),
    ],
)
def test_what_is_no_target_of_the_users(own, value, match):
    with pytest.raises(InputError, match=f"^(target|class_names): .*{match}") as caught:
        find_target(f"{own}:{value}").choose(OwnSettings())
    assert "\n" not in str(caught.value)


def test_the_module_is_imported_when_the_target_is_chosen_not_before(own):
    known = find_target(f"{own}:whole")
    assert own not in sys.modules
    known.choose(known.settings())
    assert own in sys.modules


def test_a_target_that_is_there_is_chosen_as_it_is():
    target = Target(
        {"w": np.ones(3, np.float32)}, lambda p, x: x.mean((1, 2)) * p["w"][None], "mine", (4, 4, 3)
    )
    choice = choice_of(target)
    found = choice.load(print)
    assert found.params is target.params
    assert found.apply is target.apply
    with pytest.raises(InputError, match=r"^classes: expected classes from 0 to 2"):
        choice_of(target, classes="3")
