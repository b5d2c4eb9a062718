"""Figures of searches that run side by side."""

from types import SimpleNamespace

import numpy as np

from fooljax.study.searches import passes_needed


def test_passes_are_those_of_the_generation_that_did_it():
    metrics = {
        "queries": np.asarray([[10, 20, 30, 40]]),
        "median_log_odds": np.asarray([[0.0, 9.3, 9.4, 9.5]]),
        "min_log_odds": np.asarray([[0.0, 1.0, 9.0, 9.3]]),
    }
    evolution = SimpleNamespace(metrics=metrics)
    assert passes_needed(evolution, 0, 40) == {"passes_to_median": 20, "passes_to_all": 40, "passes": 40}
    assert passes_needed(evolution, 0, 35) == {"passes_to_median": 20, "passes_to_all": None, "passes": 35}
