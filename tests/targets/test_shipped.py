"""The networks that come with the package."""

import fnmatch
import json
import shutil
import tomllib
from pathlib import Path

import jax
import pytest

from fooljax.data import load
from fooljax.errors import FaultError, InputError
from fooljax.storage.json_files import read_json
from fooljax.storage.trees import digest_tree
from fooljax.targets import accuracy, pretrained, shipped
from fooljax.targets.networks.trainable import apply_of
from fooljax.targets.training import RECIPES

SHIPPED = [entry["seed"] for entry in read_json(shipped.FOLDER / "card.json")["weights"]]


@pytest.mark.parametrize("seed", SHIPPED)
def test_shipped_networks_name_digits(seed):
    target = pretrained(seed=seed)
    assert target.image_shape == (28, 28, 1)
    assert target.class_names == tuple("0123456789")
    # Caffe's own example reaches 98.97 %, the paper's network 99.06 %.
    assert 0.989 <= target.clean_accuracy <= 0.993
    assert target.provenance["params_sha256"] == digest_tree(jax.device_get(target.params))
    digits = load("embedded")
    assert accuracy(target, digits.test_images, digits.test_labels) > 0.985


def test_shipped_networks_are_five_different_ones_by_the_papers_recipe():
    assert SHIPPED == [0, 1, 2, 3, 4]
    card = shipped.shipped_facts()
    assert card["recipe"] == RECIPES["paper-full"].facts
    assert (card["train_images"], card["test_images"]) == (60_000, 10_000)
    for name in ("sha256", "params_sha256"):
        assert len({entry[name] for entry in card["weights"]}) == 5
    assert pretrained().apply is apply_of("lenet", 10)


def test_shipped_files_are_in_the_package():
    """Wheel and sdist hold what pyproject.toml names."""
    with open(Path(__file__).parents[2] / "pyproject.toml", "rb") as file:
        patterns = tomllib.load(file)["tool"]["setuptools"]["package-data"]["fooljax.targets"]
    names = [f"{shipped.FOLDER.name}/{path.name}" for path in shipped.FOLDER.iterdir()]
    assert len(names) == 6
    assert all(any(fnmatch.fnmatch(name, pattern) for pattern in patterns) for name in names)


def test_a_machine_without_a_device_does_not_count_as_damage(monkeypatch):
    def none():
        raise RuntimeError("no device")

    monkeypatch.setattr(jax, "local_devices", none)
    with pytest.raises(RuntimeError, match="no device"):
        pretrained()


def test_wrong_shipped_networks_are_named(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"^seed: expected 0 to 4 for the shipped networks, got 7$"):
        pretrained(seed=7)
    with pytest.raises(InputError, match=r"^network: expected one that is shipped \(lenet\), got vgg$"):
        pretrained("vgg")
    shutil.copytree(shipped.FOLDER, tmp_path / "weights")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    path = tmp_path / "weights" / shipped.shipped_facts()["weights"][0]["file"]
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
    shipped.shipped_facts.cache_clear()
    try:
        with pytest.raises(FaultError, match=r"card.json: damaged \(.*\); install fooljax again"):
            pretrained()
    finally:
        shipped.shipped_facts.cache_clear()
