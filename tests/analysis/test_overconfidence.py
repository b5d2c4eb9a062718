"""How sure a network is, against counts by hand."""

import numpy as np
import pytest

from fooljax.analysis.overconfidence import overconfidence_metrics
from fooljax.analysis.thresholds import Thresholds
from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError

LEVELS = {"0.9999": FOOLED, "tpr_95": 2.0}
THRESHOLDS = Thresholds(LEVELS, LEVELS, 2.0, 0, 0)


def two_classes(sure):
    return np.stack([sure, -np.asarray(sure)], axis=1)


def test_figures_are_those_counted_by_hand():
    sure, clean = [0.0, 3.0, 10.0, 5.0], [4.0, 5.0, 6.0, 7.0]
    found = overconfidence_metrics(two_classes(sure), two_classes(clean), THRESHOLDS)
    assert found["mmc"] == pytest.approx(np.mean(1.0 / (1.0 + np.exp(-np.asarray(sure)))))
    assert found["mmc_scaled"] == pytest.approx(np.mean(1.0 / (1.0 + np.exp(-np.asarray(sure) / 2.0))))
    pairs = [(one > other) + 0.5 * (one == other) for one in clean for other in sure]
    assert found["auroc"] == pytest.approx(np.mean(pairs))
    assert found["fpr_at_95_tpr_clean_positive"] == 0.75
    assert found["share_9999"] == 0.25
    assert found["median_log_odds"] == 3.0


def test_clean_images_are_no_surer_than_themselves():
    clean = two_classes(np.random.default_rng(0).uniform(0.0, 9.0, 50))
    assert overconfidence_metrics(clean, clean, THRESHOLDS)["auroc"] == 0.5


def test_no_images_and_odds_that_are_not_finite_are_one_line():
    for odds in (np.zeros((0, 2)), np.full((2, 2), np.nan)):
        with pytest.raises(InputError, match=r"^odds, clean: expected finite log-odds"):
            overconfidence_metrics(odds, two_classes([1.0]), THRESHOLDS)
