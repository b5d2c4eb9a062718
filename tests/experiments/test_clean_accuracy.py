"""Clean accuracy: the figures are those of the network, and a wrong order of classes is seen."""

import dataclasses

import numpy as np
import pytest

from experiments import clean_accuracy
from experiments.clean_accuracy import STUDY, Config
from fooljax.analysis.validation import naming
from fooljax.data import load
from fooljax.errors import InputError
from fooljax.study import run
from fooljax.targets import accuracy, pretrained


def test_a_shipped_network_names_digits(tmp_path, monkeypatch):
    digits = load("embedded")
    few = dataclasses.replace(
        digits, test_images=digits.test_images[:50], test_labels=digits.test_labels[:50]
    )
    monkeypatch.setattr(clean_accuracy, "dataset_of", lambda spec: few)
    (row,) = run(STUDY, Config(networks="lenet-0"), tmp_path / "a", say=lambda line: None)
    target = pretrained("lenet", 0)
    assert row["networks"] == {"lenet-0": target.provenance["params_sha256"]}
    assert row["top1"]["share"] == accuracy(target, few.test_images, few.test_labels)
    assert (row["images"], row["shape"]) == (50, [28, 28, 1])
    assert "| lenet-0 | 50 of 28 x 28 | 100 % [" in (tmp_path / "a" / "table.md").read_text()


def test_places_are_counted():
    odds = np.array([[3.0, 2.0, 1.0, 0.0, -1.0, -2.0]] * 3, np.float32)
    figures = naming(odds, np.array([0, 4, 5], np.int32))
    assert figures["top1"]["share"] == 1 / 3
    assert figures["top5"]["share"] == 2 / 3
    # Outputs in another order are found out.
    assert naming(odds[:, ::-1], np.array([0, 4, 5], np.int32))["top1"]["share"] == 1 / 3
    assert naming(odds[:, ::-1], np.zeros(3, np.int32))["top1"]["share"] == 0.0


def test_of_equal_classes_the_first_is_named():
    """A black box of few bits gives many classes the same answer, which must not count for all of them."""
    assert naming(np.zeros((1, 8), np.float32), np.array([5], np.int32))["top5"]["share"] == 0.0


def test_photographs_want_a_folder(tmp_path):
    with pytest.raises(InputError, match=r"^--imagefolder: expected a folder of photographs for imagenet"):
        run(STUDY, Config(data_set="imagenet"), tmp_path / "a", say=lambda line: None)
