"""When an image counts as fooling, and that judges which cannot judge are found out."""

import math

import jax
import numpy as np
import pytest

from fooljax.analysis.judges import check_panel, fooling, verdict
from fooljax.data.embedded import embedded_digits
from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError
from fooljax.scoring import score
from fooljax.targets import pretrained


def odds_of(tops, sure, classes=4):
    """Log-odds `[B, C]` of a network that names a class with the given log-odds, and no other."""
    odds = np.full((len(tops), classes), -20.0)
    odds[np.arange(len(tops)), tops] = sure
    return odds


def test_a_verdict_by_hand():
    found = verdict(np.asarray([[1.0, -1.0, -3.0], [-2.0, 0.5, -0.7]]), np.asarray([1, 1]))
    np.testing.assert_array_equal(found.top, [0, 1])
    np.testing.assert_array_equal(found.top_odds, [1.0, 0.5])
    np.testing.assert_array_equal(found.own, [-1.0, 0.5])
    with pytest.raises(InputError, match=r"^classes: "):
        verdict(np.zeros((2, 3)), np.zeros(3, int))


def test_fooling_by_hand():
    """Five images: fooled and nobody agrees; a relative agrees; a stranger does; both do; not fooled."""
    classes = np.asarray([0, 1, 2, 3, 0])
    target = np.asarray([FOOLED, FOOLED + 1, FOOLED + 5, 30.0, FOOLED - 0.001])
    relative = verdict(odds_of([1, 1, 0, 3, 1], [9.0, 3.0, 9.0, 3.0, 9.0]), classes)
    stranger = verdict(odds_of([0, 1, 2, 3, 1], [1.9, 1.9, 2.0, 5.0, 9.0]), classes)
    judges, thresholds = {"a": relative, "b": stranger}, {"a": 3.0, "b": 2.0}
    found = fooling(target, classes, judges, thresholds, frozenset({"a"}))
    np.testing.assert_array_equal(found.fooled, [True, True, True, True, False])
    np.testing.assert_array_equal(found.none, [True, False, False, False, False])
    np.testing.assert_array_equal(found.none_of_others, [True, True, False, False, False])
    np.testing.assert_array_equal(found.every, [False, False, False, True, False])
    np.testing.assert_array_equal(found.agrees["b"], [False, False, True, True, False])


def test_without_clean_images_a_name_is_agreement():
    classes = np.asarray([0, 1])
    judge = verdict(odds_of([0, 0], [-1.0, -1.0]), classes)
    found = fooling(np.asarray([20.0, 20.0]), classes, {"a": judge}, {"a": -math.inf})
    np.testing.assert_array_equal(found.none, [False, True])
    assert fooling(np.ones(2), classes, {"a": judge}, {"a": 0.0}, frozenset("a")).none_of_others is None


def test_without_a_judge_nothing_is_said():
    with pytest.raises(InputError, match=r"^verdicts: expected those of at least one judge, got none"):
        fooling(np.ones(2), np.ones(2, int), {}, {})


@pytest.fixture(scope="module")
def panel():
    """Log-odds that two shipped networks give 300 clean digits and 300 images of noise, and the labels."""
    digits = embedded_digits()
    clean, labels = digits.test_images[:300], digits.test_labels[:300]
    noise = np.random.default_rng(0).integers(0, 256, clean.shape).astype(np.uint8)
    judges = {f"lenet-{seed}": pretrained("lenet", seed) for seed in (1, 2)}
    scored = [{name: score(one, images) for name, one in judges.items()} for images in (noise, clean)]
    return *scored, labels


def share_recognised(odds, classes, found):
    verdicts = {name: verdict(odds[name], classes) for name in odds}
    told = fooling(
        np.full(len(classes), 99.0), classes, verdicts, {name: one.threshold for name, one in found.items()}
    )
    return 1.0 - told.none.mean()


def test_clean_digits_are_recognised_and_noise_is_not(panel):
    noise, clean, labels = panel
    found = check_panel(noise, clean, labels)
    assert not any(one.fault for one in found.values())
    assert share_recognised(clean, labels, found) > 0.95
    assert share_recognised(noise, labels, found) < 0.02
    for one in found.values():
        assert one.right > 0.98
        assert one.noise_accepted < 0.05


def test_clean_digits_of_other_classes_are_not_recognised(panel):
    noise, clean, labels = panel
    found = check_panel(noise, clean, labels)
    assert share_recognised(clean, (labels + 1) % 10, found) < 0.03


def test_a_judge_whose_classes_stand_in_another_order_is_found_out(panel):
    noise, clean, labels = panel
    order = np.asarray(jax.random.permutation(jax.random.key(1), 10))
    wrong = {"lenet-1": clean["lenet-1"][:, order], "lenet-2": clean["lenet-2"]}
    found = check_panel(noise, wrong, labels)
    assert found["lenet-1"].fault.startswith("recognises only ")
    assert not found["lenet-2"].fault


def test_shuffled_labels_are_found_out(panel):
    noise, clean, labels = panel
    shuffled = np.random.default_rng(2).permutation(labels)
    with pytest.raises(
        InputError, match=r"^judges: expected one that tells clean .* lenet-1 recognises only "
    ):
        check_panel(noise, clean, shuffled)


def test_a_judge_that_is_as_sure_of_noise_is_found_out(panel):
    noise, clean, labels = panel
    same = {**noise, "lenet-1": np.roll(clean["lenet-1"], 1, axis=0)}
    found = check_panel(same, clean, labels)["lenet-1"]
    assert found.noise_accepted > 0.9
    assert found.fault.startswith("recognises only ")


def test_a_judge_that_is_rather_sure_of_noise_must_be_surer_of_images():
    """Half of the noise has log-odds of 3, clean images have 1 to 9: it agrees from above 3 on."""
    noise = odds_of(np.arange(20) % 4, np.where(np.arange(20) % 2, 3.0, -1.0))
    labels = np.arange(160) % 4
    clean = odds_of(labels, np.linspace(1.0, 9.0, 160))
    found = check_panel({"a": noise}, {"a": clean}, labels)["a"]
    assert found.noise_accepted == 0.5
    assert 3.0 < found.threshold < 3.001
    assert found.recognised == np.mean(np.linspace(1.0, 9.0, 160) > 3.0)
    assert not found.fault


def test_without_clean_images_no_judge_has_a_threshold(panel):
    found = check_panel(panel[0])
    assert {one.threshold for one in found.values()} == {-math.inf}
    assert {one.right for one in found.values()} == {None}
