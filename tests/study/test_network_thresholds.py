"""The thresholds of a study's networks: by all clean images, and each network asked once."""

import numpy as np
import pytest
from PIL import Image

from fooljax.analysis.thresholds import clean_thresholds
from fooljax.data.imagenet import synsets
from fooljax.engine.types import Target
from fooljax.scoring import score
from fooljax.study import Workspace
from fooljax.study import network_thresholds as of_networks
from fooljax.study.measured_sets import SetSettings, dataset_of
from fooljax.targets.shipped import pretrained


def workspace(target, **settings):
    return Workspace(None, SetSettings(**settings), print, {"one": (target, target.name)})


def test_thresholds_are_by_all_test_images_and_a_network_is_asked_once(monkeypatch):
    target, digits = pretrained("lenet", 0), dataset_of("embedded")
    asked = []
    monkeypatch.setattr(of_networks, "_KNOWN", {})
    monkeypatch.setattr(of_networks, "score", lambda *of: asked.append(len(of[1])) or score(*of))
    found = [of_networks.thresholds_of(workspace(target), "one", "embedded") for _ in range(3)]
    assert asked == [len(digits.test_labels)]
    assert found[0] is found[2]
    assert found[0] == clean_thresholds(score(target, digits.test_images), digits.test_labels)
    assert of_networks.thresholds_of(workspace(target), "one", None).taken_on == 0


def test_photographs_are_clean_images_too(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for index in range(4):
        inner = tmp_path / synsets()[index]
        inner.mkdir()
        for number in range(60):
            levels = rng.integers(0, 256, (6, 9, 3), np.uint8)
            Image.fromarray(levels).save(inner / f"{number}.png")
    weights = rng.normal(size=(4 * 4 * 3, 1000)).astype(np.float32)
    target = Target(
        apply=lambda w, x: x.reshape(len(x), -1) @ w, params=weights, name="made", image_shape=(4, 4, 3)
    )
    monkeypatch.setattr(of_networks, "_KNOWN", {})
    monkeypatch.setattr(of_networks, "PHOTOGRAPHS_OF_CLASS", 51)
    asked = workspace(target, imagefolder=str(tmp_path))
    answers = of_networks.clean_answers(asked, "one", of_networks.PHOTOGRAPHS)
    assert answers.odds.shape == (4 * 51, 1000)
    assert np.bincount(answers.labels).tolist() == [51] * 4
    assert answers.thresholds.fitted_on + answers.thresholds.taken_on == 4 * 51
    name, images, labels = of_networks.clean_images(asked, target, of_networks.PHOTOGRAPHS)
    assert name == "photographs"
    assert score(target, images) == pytest.approx(answers.odds)
    assert labels.tolist() == answers.labels.tolist()
