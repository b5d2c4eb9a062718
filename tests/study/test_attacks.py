"""Attacks: every network is met alike, and a row says what its saved images reached and when."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys

from fooljax import scoring
from fooljax.analysis.attack_strength import attack_strength
from fooljax.analysis.thresholds import Thresholds
from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError
from fooljax.study import ImageSets, attacks

TARGET = dataclasses.replace(toys.target(0), image_shape=(6, 6, 1))
FIXED = Thresholds({"0.9": 2.19, "0.9999": FOOLED}, {"0.9": 2.19, "0.9999": FOOLED}, 1.0, 0, 0)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    sets, found = ImageSets(tmp_path_factory.mktemp("images")), []
    specs = attacks.specs("toy", ("direct", "gradient", "uniform_noise"), runs=range(2), passes=800)
    for one, figures in attacks.make_and_measure(sets, specs, TARGET, FIXED):
        told = {"generator": one.spec.generator, "run": one.spec.run, "budget": 800}
        found.append((one, {**told, **figures}))
    return found


def test_figures_are_those_of_the_saved_images(rows):
    for found, row in rows:
        odds = scoring.score(TARGET, found.images)[range(4), range(4)]
        np.testing.assert_allclose(row["log_odds"], odds, atol=1e-3)
        assert row["shares"]["raw"]["0.9999"] == np.mean(odds >= FOOLED)
        assert row["passes"] <= row["budget"]


def test_classes_that_were_never_fooled_are_marked(rows):
    assert {row["generator"] for _, row in rows} == {"direct", "gradient", "uniform_noise"}
    some = False
    for _, row in rows:
        if row["generator"] == "uniform_noise":
            assert row["passes_of_classes"] is row["passes_to_median"] is row["passes_to_all"] is None
            continue
        reached = [one for one in row["passes_of_classes"] if one is not None]
        some |= bool(reached)
        assert all(0 < one <= row["passes"] for one in reached)
        # What was reached during a search is kept by it.
        if row["generator"] == "direct":
            assert len(reached) == round(4 * row["shares"]["raw"]["0.9999"])
        assert row["passes_to_all"] == (max(reached) if len(reached) == 4 else None)
        assert row["passes_to_median"] == (sorted(reached)[1] if len(reached) > 1 else None)
    assert some


def test_rows_tell_how_strong_the_attacks_were(rows):
    more = [{**row, "budget": 1600} for _, row in rows]
    attempts = attacks.attempts([*(row for _, row in rows), *more])
    assert {(one.method, one.passes, one.uses_gradients) for one in attempts} == {
        *(("direct", passes, False) for passes in (800, 1600)),
        *(("gradient", passes, True) for passes in (800, 1600)),
    }
    assert all(len(one.log_odds) == 2 for one in attempts)
    assert attack_strength(attempts).flags["plateau"] is not None


def test_cells_leave_a_class_for_rejected_images_out(tmp_path):
    specs = attacks.specs("toy", ["uniform_noise"], runs=[0], passes=80, cells=range(3))
    ((found, figures),) = attacks.make_and_measure(ImageSets(tmp_path), specs, TARGET, FIXED)
    assert found.classes.tolist() == [0, 1, 2]
    assert len(figures["log_odds"]) == 3


def test_symptoms_of_networks_that_hide_their_gradients():
    images = np.random.default_rng(0).integers(0, 256, (8, 6, 6, 1), dtype=np.uint8)
    classes = np.arange(8) % 4
    assert attacks.symptoms(TARGET, images, classes) == {"zero_gradients": 0.0, "probabilities": False}

    def steps(params, images):
        return toys.logits(params, jnp.round(images))

    def shares(params, images):
        return jax.nn.softmax(toys.logits(params, images))

    hidden = dataclasses.replace(TARGET, apply=steps)
    assert attacks.symptoms(hidden, images, classes) == {"zero_gradients": 1.0, "probabilities": False}
    assert attacks.symptoms(dataclasses.replace(TARGET, apply=shares), images, classes)["probabilities"]
    with pytest.raises(InputError, match=r"classes: expected \[8\], got \[3\]"):
        attacks.symptoms(TARGET, images, classes[:3])


def test_flags_of_one_generator_are_not_overruled_by_another_that_fools():
    rows = [
        {"generator": "cppn", "budget": 100, "log_odds": [1.0, 2.0, 3.0]},
        {"generator": "gradient", "budget": 100, "log_odds": [20.0, 21.0, 22.0]},
        {"generator": "uniform_noise", "budget": 100, "log_odds": [-5.0]},
    ]
    seen = [{"zero_gradients": 0.0, "probabilities": False}]
    assert attacks.strength(rows, seen).overcome
    alone = attacks.strength_alone(rows, seen, "cppn")
    assert alone.words() == (
        "weak attack: fewer than 5 runs, or their best is far above their median; not tested: plateau, budget"
    )
    assert attacks.strength_alone(rows, seen, "gradient").overcome
    assert attacks.strength_alone(rows, seen, "uniform_noise") is None
