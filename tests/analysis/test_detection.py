"""Figures of detection against scikit-learn and scipy, and thresholds that reject what they say."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from fooljax.analysis.detection import calibrate, detection_metrics
from fooljax.errors import InputError

RNG = np.random.default_rng(0)
CLEAN, OTHERS = RNG.normal(size=400), RNG.normal(1.0, 1.0, 100)


def test_auroc_is_the_chance_that_an_image_is_more_suspicious():
    u = stats.mannwhitneyu(OTHERS, CLEAN).statistic
    assert detection_metrics(CLEAN, OTHERS)["auroc"] == pytest.approx(u / (400 * 100))


def test_precision_weighs_both_kinds_alike():
    """As if there were as many of the others as of the clean ones."""
    found = detection_metrics(CLEAN, OTHERS)
    is_other = np.repeat([0, 1], 400)
    scores = np.concatenate([CLEAN, np.tile(OTHERS, 4)])
    assert found["aupr_others_positive"] == pytest.approx(metrics.average_precision_score(is_other, scores))
    assert found["aupr_clean_positive"] == pytest.approx(
        metrics.average_precision_score(1 - is_other, -scores)
    )


def test_false_positives_are_named_by_what_is_positive():
    found = detection_metrics(CLEAN, OTHERS)
    labels, scores = np.repeat([0, 1], [400, 100]), np.concatenate([CLEAN, OTHERS])
    for name, positive, values in (("others", labels, scores), ("clean", 1 - labels, -scores)):
        false, true, _ = metrics.roc_curve(positive, values, drop_intermediate=False)
        expected = false[np.argmax(true >= 0.95 - 1e-9)]
        assert found[f"fpr_at_95_tpr_{name}_positive"] == pytest.approx(expected)
    assert found["fpr_at_95_tpr_others_positive"] != found["fpr_at_95_tpr_clean_positive"]


def test_turning_both_kinds_around_turns_auroc_around():
    one, other = np.round(CLEAN, 1), np.round(OTHERS, 1)  # with ties
    there, back = (detection_metrics(*pair)["auroc"] for pair in ((one, other), (other, one)))
    assert there + back == pytest.approx(1.0)
    squashed = detection_metrics(np.tanh(one / 9.0), np.tanh(other / 9.0))
    assert squashed == pytest.approx(detection_metrics(one, other))


def test_thresholds_reject_their_share_of_further_images():
    rng = np.random.default_rng(1)
    rejected = {0.01: [], 0.05: []}
    for _ in range(400):
        scores = rng.exponential(size=200)
        levels = calibrate(scores, rng.normal(size=200))
        for share, level in levels.thresholds.items():
            rejected[share].append(np.exp(-level))
    for share, found in rejected.items():
        assert 0.5 * share < np.mean(found) < 1.2 * share


def test_the_slope_makes_scores_and_log_odds_comparable():
    odds = np.arange(1000.0)
    slope = calibrate(-odds / 7.0, odds).slope
    assert slope == pytest.approx(7.0, rel=0.01)


@pytest.mark.parametrize(
    ("scores", "sure", "message"),
    [
        (np.zeros(50), np.zeros(50), "at least 99 clean images"),
        (np.arange(200.0), np.arange(199.0), "as many log-odds"),
        (np.full(200, np.inf), np.arange(200.0), "finite numbers"),
        (np.zeros(200), np.arange(200.0), "some alike"),
    ],
)
def test_clean_images_must_tell_something(scores, sure, message):
    with pytest.raises(InputError, match=f"scores: expected .*{message}"):
        calibrate(scores, sure)


def test_no_scores_are_refused():
    with pytest.raises(InputError, match="scores: expected"):
        detection_metrics(np.zeros(0), OTHERS)
    with pytest.raises(InputError, match="got NaN"):
        detection_metrics(CLEAN, np.asarray([np.nan]))
