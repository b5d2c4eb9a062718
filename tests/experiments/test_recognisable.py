"""The study of recognisability: what is planned, and the likelihoods of images whose answers are known."""

import dataclasses

import numpy as np
import pytest
from bars import bars

from experiments import recognisable
from fooljax import generative
from fooljax.data.dataset import from_arrays
from fooljax.engine.types import as_target
from fooljax.errors import InputError
from fooljax.study import measured_sets, run
from fooljax.study.study import any_network


def bright_columns(images):
    """Logits of four classes: how bright the columns of each are. It names every bar."""
    columns = images.mean(axis=(1, 3))
    return 40.0 * columns[:, :12].reshape(-1, 4, 3).mean(axis=2)


def kinds(**told):
    return {task.settings["kind"] for task in recognisable.tasks(recognisable.Config(**told), [])}


def test_judges_and_likelihood_are_asked_for_apart():
    assert kinds() == {"panel", "images", "likelihood"}
    assert kinds(judges="none") == {"likelihood"}
    assert kinds(likelihood="none") == {"panel", "images"}
    with pytest.raises(InputError, match=r"^--judges, --likelihood: expected one of them, got none twice$"):
        kinds(judges="none", likelihood="none")
    with pytest.raises(
        InputError, match=r"^--likelihood: expected none, or one of vae, mixture .*, got lenet-0$"
    ):
        kinds(likelihood="lenet-0")


def test_photographs_are_the_clean_images_of_networks_for_imagenet():
    config = recognisable.Config(
        networks="squeezenet,tiny-darknet",
        judges="tiny-darknet,mobilenet-v2",
        likelihood="none",
        imagefolder="photographs",
        classes="0-9",
    )
    for task in recognisable.tasks(config, []):
        assert task.settings["data"] == "photographs"
    assert recognisable.judges_of(config, "squeezenet") == ["tiny-darknet", "mobilenet-v2"]
    assert recognisable.judges_of(config, "tiny-darknet") == ["squeezenet", "mobilenet-v2"]
    with pytest.raises(InputError, match=r"^--likelihood: expected none with --imagefolder, got mixture-0$"):
        kinds(imagefolder="photographs")


def test_distances_are_measured_to_photographs_of_classes_that_were_not_asked_for(monkeypatch):
    labels = np.random.default_rng(0).permutation(40)
    images = np.broadcast_to(labels.astype(np.uint8)[:, None, None, None], (40, 2, 2, 3))
    monkeypatch.setattr(recognisable, "photographs", lambda folder, side, per_class: (images, labels))
    target = as_target(lambda images: images.mean(axis=(1, 2)), image_shape=(2, 2, 3))
    clean = recognisable._photographs(recognisable.Config(imagefolder="x", classes="0-9"), target)
    assert clean.train_labels.tolist() == list(range(10, 40, 2))
    assert sorted([*clean.train_labels, *clean.test_labels]) == list(range(40))
    for these, named in (
        (clean.train_images, clean.train_labels),
        (clean.test_images, clean.test_labels),
    ):
        np.testing.assert_array_equal(these[:, 0, 0, 0], named)


def test_clean_images_are_likely_and_noise_and_other_classes_are_not(tmp_path, monkeypatch):
    dataset = from_arrays(*bars(600), *bars(200, seed=1), name="bars")
    monkeypatch.setattr(measured_sets, "dataset_of", lambda spec: dataset)

    def network(config, name, say):
        if name == config.likelihood:
            return generative.generative(dataset, "mixture", cache=tmp_path / "cache")
        return as_target(bright_columns, image_shape=(16, 16, 1), class_names=dataset.class_names)

    config = recognisable.Config(
        networks="a,b", judges="none", generators="uniform_noise,clean", runs=3, images=str(tmp_path / "sets")
    )
    study = dataclasses.replace(recognisable.STUDY, network=network, check_network=any_network)
    rows = run(study, config, tmp_path / "recognisable", say=lambda line: None)
    assert len(rows) == 2 * 2 * 3
    found = recognisable.findings(rows)
    assert 20.0 < found["clean_percentile"].value.estimate < 80.0
    assert found["clean_usual_90"].value.estimate > 0.75
    for control in ("uniform_noise", "other_class"):
        assert found[f"{control}_percentile"].value.estimate == 0.0
        assert found[f"{control}_usual_98"].value.estimate == 0.0
    assert found["clean_usual_98"].of == "6 runs on 2 networks"
    text = (tmp_path / "recognisable" / "table.md").read_text()
    assert "50 or more clean test images of the class" in text
    assert "| clean test images, taken for another class | 0.0 | 0 % " in text
    assert "What judges say" not in text
    assert all(np.isfinite(row["percentiles"]).all() for row in rows)
