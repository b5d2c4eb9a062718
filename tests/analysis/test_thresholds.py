"""Thresholds: what clean images reach as often as they say, and a temperature that is the likeliest."""

import json

import numpy as np
import pytest
from scipy import special

from fooljax.analysis.thresholds import (
    LEAST_TEMPERATURE,
    Thresholds,
    clean_thresholds,
    conformal_quantile,
    fit_temperature,
    scaled_log_odds,
)
from fooljax.engine.log_odds import log_odds, to_log_odds
from fooljax.errors import InputError


def clean(count, temperature=1.0, classes=5, seed=0):
    """Logits that are `temperature` times too large, with labels drawn from what they should be."""
    generator = np.random.default_rng(seed)
    logits = 2.0 * generator.standard_normal((count, classes))
    return temperature * logits, np.argmax(logits + generator.gumbel(size=logits.shape), axis=1)


def odds_of(logits):
    """By the formula, in float64."""
    logits = np.asarray(logits)
    others = np.where(np.eye(logits.shape[1], dtype=bool), -np.inf, logits[:, None, :])
    return logits - special.logsumexp(others, axis=2)


def test_log_odds_are_scaled_as_their_logits_are():
    logits, _ = clean(50)
    assert scaled_log_odds(odds_of(logits), 3.0) == pytest.approx(odds_of(logits / 3.0), abs=1e-9)
    from_the_engine = np.asarray(log_odds(np.asarray(logits, np.float32)))
    assert scaled_log_odds(from_the_engine, 3.0) == pytest.approx(odds_of(logits / 3.0), abs=1e-4)
    sure = odds_of([[40.0, 0.0, -5.0]])
    assert scaled_log_odds(sure, 1.0) == pytest.approx(sure, rel=1e-9)
    assert np.all(np.isfinite(scaled_log_odds(odds_of([[80.0, 0.0, -5.0]]), LEAST_TEMPERATURE)))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_temperature_is_found(temperature):
    logits, labels = clean(4000, temperature)
    assert fit_temperature(odds_of(logits), labels) == pytest.approx(temperature, rel=0.1)


def test_the_temperature_is_scikit_learns():
    pytest.importorskip("sklearn", minversion="1.8")
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    class Logits(ClassifierMixin, BaseEstimator):
        def fit(self, images, labels):
            self.classes_ = np.unique(labels)
            return self

        def decision_function(self, images):
            return images

        def predict(self, images):
            return self.classes_[images.argmax(axis=1)]

    logits, labels = clean(1000, 4.0)
    network = FrozenEstimator(Logits().fit(logits, labels))
    oracle = CalibratedClassifierCV(network, method="temperature").fit(logits, labels)
    expected = 1.0 / oracle.calibrated_classifiers_[0].calibrators[0].beta_
    assert fit_temperature(odds_of(logits), labels) == pytest.approx(expected, rel=1e-3)


def test_a_network_that_is_always_right_gets_the_least_temperature():
    logits, _ = clean(300)
    assert fit_temperature(odds_of(logits), logits.argmax(axis=1)) == LEAST_TEMPERATURE
    assert fit_temperature(odds_of(logits), logits.argmin(axis=1)) == 20.0


def test_tau_is_reached_by_further_images_as_often_as_it_says():
    """On average over draws, for a number of values that no quantile divides evenly."""
    generator = np.random.default_rng(0)
    draws = generator.standard_normal((4000, 131))
    for rate in (0.95, 0.99):
        taus = np.asarray([conformal_quantile(one[:-1], rate) for one in draws])
        reached = np.mean(draws[:, -1] >= taus)
        assert rate - 0.006 <= reached <= rate + 1 / 131 + 0.006


def test_too_few_values_tell_no_tau():
    assert conformal_quantile(np.arange(98.0), 0.99) == -np.inf
    assert conformal_quantile(np.arange(99.0), 0.99) == 0.0


def test_all_thresholds_come_together_from_two_halves():
    logits, labels = clean(1001, 4.0)
    found = clean_thresholds(odds_of(logits), labels)
    assert list(found.raw) == list(found.scaled)
    assert list(found.raw) == ["0.9", "0.99", "0.999", "0.9999", "clean_median", "tpr_95", "tpr_99"]
    assert (found.fitted_on, found.taken_on) == (500, 501)
    assert found.raw["0.9999"] == found.scaled["0.9999"] == to_log_odds(0.9999)
    assert found.raw["tpr_99"] < found.raw["tpr_95"] < found.raw["clean_median"]
    assert found.scaled["clean_median"] < found.raw["clean_median"]
    assert Thresholds(**json.loads(json.dumps(found.row()))) == found


def test_no_image_is_used_twice():
    """The labels of the second half, and the log-odds of the first, change nothing of the other part."""
    logits, labels = clean(400)
    odds = odds_of(logits)
    first, second = np.split(np.random.default_rng(0).permutation(400), 2)
    found = clean_thresholds(odds, labels)
    labels = labels.copy()
    labels[second] = (labels[second] + 1) % 5
    assert clean_thresholds(odds, labels) == found
    odds = odds.copy()
    odds[first] = 0.5 * odds[first]
    assert clean_thresholds(odds, labels).raw == found.raw


def test_shares_of_clean_images_are_those_of_the_names():
    logits, labels = clean(20_000, 4.0, seed=1)
    odds = odds_of(logits)
    found = clean_thresholds(odds[:10_000], labels[:10_000])
    shares = found.shares(odds[10_000:])
    for kind in ("raw", "scaled"):
        assert shares[kind]["clean_median"] == pytest.approx(0.5, abs=0.02)
        assert shares[kind]["tpr_95"] == pytest.approx(0.95, abs=0.01)
        assert shares[kind]["tpr_99"] == pytest.approx(0.99, abs=0.005)
    assert shares["raw"]["0.9999"] > shares["scaled"]["0.9999"]
    aimed = found.shares(odds[10_000:], labels[10_000:])
    assert aimed["raw"]["0.9"] < shares["raw"]["0.9"]


def test_wrong_arrays_are_named():
    logits, labels = clean(300)
    odds = odds_of(logits)
    found = clean_thresholds(odds, labels)
    for wrong, line in (
        (lambda: clean_thresholds(odds[:100], labels[:100]), r"^odds: expected at least 198 clean images"),
        (lambda: clean_thresholds(odds, labels[:-1]), r"^labels: expected \[300\] classes from 0 to 4"),
        (lambda: clean_thresholds(odds, labels + 1), r"^labels: expected .* from 0 to 5"),
        (lambda: clean_thresholds(np.where(odds > 0, np.nan, odds), labels), r"^odds: expected finite"),
        (lambda: found.shares(odds[:0]), r"^odds: expected log-odds \[N, C\]"),
        (lambda: found.shares(odds, labels[:3]), r"^classes: expected \[300\]"),
    ):
        with pytest.raises(InputError, match=line):
            wrong()
