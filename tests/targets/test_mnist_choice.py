"""What the MNIST experiments fool, and the command that makes the shipped networks."""

import json

import numpy as np
import pytest
from bars import QUICK

from experiments import mnist_gradient, train_lenet
from fooljax.data import load, loading
from fooljax.errors import InputError
from fooljax.settings import config_from
from fooljax.storage.trees import digest_tree
from fooljax.targets import mnist_choice, pretrained, shipped
from fooljax.targets.mnist_choice import NamedMnistSettings, choose_named, recipe_of
from fooljax.targets.training import RECIPES


@pytest.fixture
def no_data(monkeypatch):
    def load(spec):
        raise AssertionError(f"{spec} was loaded")

    monkeypatch.setattr(loading, "load", load)


def test_by_default_a_shipped_network_is_fooled_and_no_data_set_is_read(no_data):
    choice = choose_named(NamedMnistSettings())
    told = []
    target = choice.load(told.append)
    assert choice.image_shape == (28, 28, 1)
    assert choice.facts == {"dataset": "mnist", "target_seed": 0}
    assert target.provenance == pretrained(seed=0).provenance
    assert told == [
        f"target: LeNet (paper-full recipe), names {target.clean_accuracy:.2%} of 10,000 held-out images"
    ]
    assert f"names {target.clean_accuracy:.2%} of the 10,000 that were held out" in choice.notes[0]


@pytest.mark.parametrize(("seed", "other"), [(0, 1), (3, 4), (4, 0)])
def test_another_shipped_network_is_the_second(no_data, seed, other):
    choice = choose_named(NamedMnistSettings(target_seed=seed))
    first, second = choice.load(print), choice.second(print)
    assert second.provenance["seed"] == other
    assert digest_tree(first.params) != digest_tree(second.params)


@pytest.mark.parametrize(
    ("settings", "recipe"),
    [
        ({}, "shipped"),
        ({"target_seed": 3}, "shipped"),
        ({"data": "embedded"}, "paper"),
        ({"data": "idx:somewhere"}, "paper"),
        ({"target_network": "alexnet-small"}, "paper"),
        ({"target_recipe": "strong"}, "strong"),
        # What a run of before says of itself; it meant a network trained on the embedded digits.
        ({"data": "auto", "target_network": "lenet", "target_recipe": "paper"}, "paper"),
    ],
)
def test_which_network_the_settings_mean(settings, recipe):
    config = config_from(NamedMnistSettings, settings, "config.json")
    assert recipe_of(config.target_network, config) == recipe


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target_seed": 5}, r"^target_seed: expected 0 to 4 for the shipped networks, got 5$"),
        (
            {"target_network": "alexnet-small", "target_recipe": "shipped"},
            r"^target_recipe: alexnet-small does not come with fooljax; expected one of paper, ",
        ),
        (
            {"data": "embedded", "target_recipe": "shipped"},
            r"^data: nothing is trained on it when --target-recipe is shipped; expected --target",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_named(no_data, settings, message):
    with pytest.raises(InputError, match=message):
        choose_named(NamedMnistSettings(**settings))


def test_data_may_give_the_mean_image_beside_a_shipped_network(idx_folder):
    experiment = mnist_gradient.EXPERIMENT
    settings = experiment.config(data=f"idx:{idx_folder}", target_recipe="shipped", mean="training")
    assert experiment.choose(settings).image_shape == (28, 28, 1)


def test_a_second_network_never_doubles_a_long_training(idx_folder, monkeypatch):
    asked, told = [], []
    monkeypatch.setattr(mnist_choice, "trained", lambda dataset, recipe, **rest: asked.append(rest["seed"]))
    data = f"idx:{idx_folder}"
    choose_named(NamedMnistSettings(data=data, target_seed=7)).second(told.append)
    assert (asked, told) == ([8], [])
    long = choose_named(NamedMnistSettings(data=data, target_recipe="paper-full"))
    assert long.second(told.append) is None
    assert told == ["no second network scores the images; to train one, run once with --target-seed 1"]
    monkeypatch.setattr(mnist_choice, "is_cached", lambda *_: True)
    long.second(told.append)
    assert asked == [8, 1]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setitem(RECIPES, "paper-full", QUICK)


def test_the_command_makes_what_is_shipped(idx_folder, tmp_path, quick, monkeypatch, capsys):
    flags = ["--data", f"idx:{idx_folder}", "--outdir", str(tmp_path / "out"), "--seeds", "3-4"]
    assert train_lenet.main(flags) == 0
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert [entry["seed"] for entry in card["weights"]] == [3, 4]
    assert card["dataset"] == load(f"idx:{idx_folder}").digest
    assert set(card) == set(shipped.shipped_facts())

    def fit(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(train_lenet, "fit", fit)
    assert train_lenet.main(flags) == 0
    assert json.loads((tmp_path / "out" / "card.json").read_text()) == card

    # What the folder holds can be read as what is shipped.
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "out")
    shipped.shipped_facts.cache_clear()
    try:
        target = pretrained(seed=4)
    finally:
        shipped.shipped_facts.cache_clear()
    assert target.clean_accuracy == card["weights"][1]["accuracy"] > 0.9
    assert np.shape(target.apply(target.params, np.zeros((2, 16, 16, 1)))) == (2, 4)

    # Weights of another recipe are neither used nor replaced.
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert train_lenet.main([*flags, "--recipe", "strong"]) == 2
    assert "made from other data or by another recipe" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--seeds", "4-0"], "--seeds: expected seeds as 0-4, or one, got '4-0'"),
        (["--seeds", "0-99999999999"], "--seeds: expected seeds as 0-4"),
        (["--data", "idx:/nowhere"], "/nowhere"),
        (["--recipe", "best"], "--recipe: invalid choice"),
    ],
)
def test_wrong_flags_of_the_command(flags, message, tmp_path, capsys):
    assert train_lenet.main(["--data", "embedded", "--outdir", str(tmp_path / "out"), *flags]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
