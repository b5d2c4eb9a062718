"""A panel for a shipped network: what it says of digits, noise and images that are known."""

import dataclasses

import numpy as np
import pytest

from fooljax.analysis.panel import assemble, family
from fooljax.data.dataset import from_arrays
from fooljax.data.embedded import embedded_digits
from fooljax.engine.types import Target, as_target
from fooljax.errors import InputError
from fooljax.targets import pretrained
from fooljax.targets.nearest_neighbours import nearest_neighbours


@pytest.fixture(scope="module")
def digits():
    found = embedded_digits()
    return from_arrays(
        found.train_images[:600], found.train_labels[:600], found.test_images[:270], found.test_labels[:270]
    )


@pytest.fixture(scope="module")
def judges(digits):
    return {"lenet-1": pretrained("lenet", 1), "knn": nearest_neighbours(digits)}


@pytest.fixture(scope="module")
def panel(digits, judges):
    return assemble(pretrained("lenet", 0), judges, digits)


def test_clean_digits_are_recognised(panel):
    clean = panel.controls["clean"]
    assert len(clean.classes) == 30
    assert clean.fooling.fooled.sum() > 15  # a good network is sure of good digits
    assert clean.fooling.none.sum() == 0
    assert 20 < np.median(clean.apart["pixels"].percentiles) < 80
    assert 20 < np.median(clean.apart["features"].percentiles) < 80
    assert np.mean(clean.apart["features"].classes == clean.classes) > 0.9


@pytest.mark.parametrize("kind", ["uniform_noise", "gaussian_noise"])
def test_noise_is_not(panel, kind):
    noise = panel.controls[kind]
    assert not noise.fooling.fooled.any()
    assert not noise.fooling.agrees["knn"].any()
    assert noise.fooling.agrees["lenet-1"].mean() <= 0.05
    np.testing.assert_array_equal(noise.apart["pixels"].percentiles, 100.0)


def test_who_is_who(panel):
    assert panel.relatives == {"lenet-1"}
    assert panel.features_of == "lenet-1"
    assert not panel.held_out  # the shipped networks learnt from all of MNIST
    assert {name: one.fault for name, one in panel.calibrations.items()} == {"lenet-1": "", "knn": ""}


def test_a_training_image_is_at_percentile_0_of_itself(panel, digits):
    found = panel.judge(digits.train_images[:5], digits.train_labels[:5])
    for apart in found.apart.values():
        np.testing.assert_allclose(apart.distances, 0.0, atol=1e-3)
        np.testing.assert_array_equal(apart.percentiles, 0.0)
        np.testing.assert_array_equal(apart.classes, digits.train_labels[:5])


def test_the_same_seed_finds_the_same(panel, digits, judges):
    again = assemble(panel.target, judges, digits)
    for name, found in panel.controls.items():
        np.testing.assert_array_equal(found.log_odds, again.controls[name].log_odds)
        for change, one in found.survival.items():
            np.testing.assert_array_equal(one.log_odds, again.controls[name].survival[change].log_odds)


def test_a_judge_that_is_refused_is_heard_but_not_counted(panel, digits, judges):
    """As one of another data set, whose classes stand in another order."""
    wrong = judges["lenet-1"]
    turned = dataclasses.replace(wrong, apply=lambda params, images: wrong.apply(params, images)[:, ::-1])
    found = assemble(panel.target, {**judges, "turned": turned}, digits)
    assert "recognises only" in found.calibrations["turned"].fault
    assert set(found.controls["clean"].fooling.agrees) == {"lenet-1", "knn"}
    assert "turned" in found.controls["clean"].verdicts
    with pytest.raises(InputError, match=r"^judges: .* turned recognises only "):
        assemble(panel.target, {"turned": turned}, digits)


def test_without_clean_images_there_are_no_distances_and_a_name_is_agreement(panel, judges):
    found = assemble(panel.target, judges, None)
    assert set(found.controls) == {"uniform_noise", "gaussian_noise"}
    noise = found.controls["uniform_noise"]
    assert not noise.apart
    same = noise.verdicts["knn"].top == noise.classes
    np.testing.assert_array_equal(noise.fooling.agrees["knn"], same)
    assert not found.held_out
    assert found.features_of == ""


def test_what_is_no_panel_is_one_line(panel, digits):
    with pytest.raises(InputError, match=r"^judges: expected at least one, got none$"):
        assemble(panel.target, {}, digits)
    itself = dataclasses.replace(panel.target, name="another")
    with pytest.raises(
        InputError, match=r"^judges: expected other networks than LeNet .*, got the same one as x$"
    ):
        assemble(panel.target, {"x": itself}, digits)
    other = as_target(lambda images: images[:, :3, 0, 0], class_names=("a", "b", "c"))
    with pytest.raises(InputError, match=r"^judges: expected the 10 classes of LeNet .*, got the 3 of mine$"):
        assemble(panel.target, {"mine": other}, digits)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("efficientnet-lite2", "efficientnet-lite"),
        ("LeNet", "lenet"),
        ("resnet20", "resnet"),
        ("my net", "my net"),
    ],
)
def test_relatives_differ_in_a_number(name, expected):
    assert family(Target((), len, name=name)) == expected
    assert family(Target((), len, provenance={"network": name})) == expected


def test_distances_to_few_images_are_measured_where_they_are_asked_for(digits, judges):
    few = dataclasses.replace(
        digits, train_images=digits.train_images[:60], train_labels=digits.train_labels[:60]
    )
    asked = {"lenet-1": judges["lenet-1"]}
    assert assemble(pretrained("lenet", 0), asked, few).controls["clean"].apart == {}
    found = assemble(pretrained("lenet", 0), asked, few, spaces=("features",), least_a_class=0)
    assert set(found.controls["clean"].apart) == {"features"}
    assert 20 < np.median(found.controls["clean"].apart["features"].percentiles) < 80
    assert np.median(found.controls["uniform_noise"].apart["features"].percentiles) > 60
