"""Rejection at equal cost in clean images, on made log-odds with known answers."""

import numpy as np
import pytest
from scipy import special

from fooljax.analysis.rejection import rejection, rejection_outcomes, scores
from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError

FOOLING = 3


def odds_of(logits):
    logits = np.asarray(logits, float)
    return np.stack(
        [one - special.logsumexp(np.delete(logits, at, axis=1), axis=1) for at, one in enumerate(logits.T)],
        axis=1,
    )


@pytest.fixture(scope="module")
def clean():
    """2,000 clean images, of which every level rejects what it should."""
    rng = np.random.default_rng(0)
    return odds_of(rng.normal([[6.0, 0.0, 0.0, -2.0]], 1.5, (2000, 4)))


def test_levels_reject_their_share_of_images_that_they_were_not_taken_on(clean):
    found = rejection(clean, FOOLING)
    for rates in found.rejected.values():
        assert rates["0.01"] == pytest.approx(0.01, abs=0.01)
        assert rates["0.05"] == pytest.approx(0.05, abs=0.02)
    assert all(of["0.05"] < of["0.01"] for of in found.levels.values())


def test_what_passes_and_what_is_taken(clean):
    found = rejection(clean, FOOLING)
    images = odds_of(
        [[20.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 9.0], [5.0, 0.0, 0.0, 4.9], [0.0, 9.0, 0.0, -9.0]]
    )
    met = rejection_outcomes(images, np.zeros(4, int), FOOLING, found)
    assert met["taken"] == 0.25
    assert met["fooled"] == 0.25
    # The third is named as it should be and rejected by either score; the fourth passes with another name.
    assert met["passed"]["fooling class"] == {"0.01": 0.25, "0.05": 0.25}
    assert met["sure"]["confidence"] == {"0.01": 0.25, "0.05": 0.25}


def test_an_image_that_is_sure_enough_passes_every_level_above_its_own(clean):
    """Log-odds of L leave at most -L to every other class."""
    rng = np.random.default_rng(1)
    images = odds_of(rng.normal(0.0, 10.0, (5000, 4)))
    sure = images[:, 0] >= FOOLED
    assert sure.sum() > 100
    assert np.all(scores(images, FOOLING)["fooling class"][sure] <= -FOOLED + 1e-9)
    assert rejection(clean, FOOLING).levels["fooling class"]["0.05"] > -FOOLED
    met = rejection_outcomes(images[sure], np.zeros(sure.sum(), int), FOOLING, rejection(clean, FOOLING))
    assert met["sure"]["fooling class"] == {"0.01": 1.0, "0.05": 1.0}


def test_other_shapes_and_too_few_images_are_refused(clean):
    with pytest.raises(InputError, match=r"^odds: expected 198 clean images or more, got 100"):
        rejection(clean[:100], FOOLING)
    with pytest.raises(InputError, match=r"^odds: expected \[N, C\] with a class 4, got \[2000, 4\]"):
        scores(clean, 4)
