"""The authors' rule against a plain NumPy loop in their own units."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from linear_network import CLASSES, SIZE, linear, linear_target, near_grey
from scipy.ndimage import gaussian_filter
from scipy.special import log_softmax, softmax

from fooljax import Target, log_odds
from fooljax.gradient import (
    PRESETS,
    ProgressSettings,
    ascend_images,
    optimiser,
    progress,
)


def oracle(target, start, target_class, mean, chosen, iterations):
    """The authors' loop, in their units: float64, pixels from 0 to 255 minus the mean, one image."""
    weights = np.asarray(target.params["weights"], np.float64)
    bias = np.asarray(target.params["bias"], np.float64)
    mean = 255.0 * np.asarray(mean, np.float64)
    x0 = 255.0 * np.asarray(start, np.float64) - mean
    x, odds, reached = x0.copy(), [], {}
    for iteration in range(iterations):
        x = np.minimum(255.0, np.maximum(0.0, x + mean)) - mean
        logits = ((x + mean) / 255.0).ravel() @ weights + bias
        p = softmax(logits)
        log_p = log_softmax(logits)
        odds.append(log_p[target_class] - np.log(np.delete(p, target_class).sum()))
        hits = [np.argmax(p) == target_class, *(p[target_class] > level for level in (0.99, 0.999, 0.9999))]
        for level, hit in enumerate(hits):
            if hit and level not in reached:
                reached[level] = (iteration, np.linalg.norm(x), np.linalg.norm(x - x0), x.std())
        own = np.eye(CLASSES)[target_class]
        gradient = (weights @ (p[target_class] * (own - p))).reshape(x.shape) / 255.0
        wanted = min(chosen.early_progress, chosen.late_progress * (1.0 - p[target_class]))
        rate = min(chosen.max_rate, wanted / np.sum(gradient**2))
        if iteration < iterations - 1:
            x = (x + rate * gradient) * (1.0 - chosen.decay)
            if chosen.blur_radius > 0 and iteration % chosen.blur_every == 0:
                for channel in range(x.shape[-1]):
                    x[..., channel] = gaussian_filter(x[..., channel], chosen.blur_radius)
            if q := chosen.small_value_percentile:
                x = x * (abs(x) >= np.percentile(abs(x), q))
            if q := chosen.small_norm_percentile:
                norms = np.linalg.norm(x, axis=-1, keepdims=True)
                x = x * (norms >= np.percentile(norms, q))
            if q := chosen.benefit_percentile:
                benefit = np.sum(gradient * -x, axis=-1, keepdims=True)
                x = x * (benefit >= np.percentile(benefit, q))
            if q := chosen.absolute_benefit_percentile:
                benefit = abs(np.sum(gradient * -x, axis=-1, keepdims=True))
                x = x * (benefit >= np.percentile(benefit, q))
    return (x + mean) / 255.0, np.array(odds), reached


OTHERS = {
    "defaults": ProgressSettings(),
    "bounded rate": ProgressSettings(max_rate=3e3),
    "decay": ProgressSettings(decay=0.3),
    "blur every 3": ProgressSettings(blur_radius=0.7, blur_every=3),
    "small values": ProgressSettings(small_value_percentile=30.0),
    "signed benefit": ProgressSettings(benefit_percentile=25.0),
    "all": ProgressSettings(0.01, 0.05, 0.2, 1e9, 0.4, 2, 10.0, 15.0, 5.0, 12.0),
}


@pytest.mark.parametrize("name", [*PRESETS, *OTHERS])
def test_rule_follows_the_authors_loop_in_their_units(name):
    chosen = PRESETS[name].settings if name in PRESETS else OTHERS[name]
    target, start, mean = linear_target(size=0.3), near_grey(1, 4), near_grey(2, 1)[0]
    iterations, classes = 25, np.arange(4)
    found = ascend_images(target, start, classes, progress(chosen), iterations=iterations, mean=mean)
    for index in range(4):
        image, odds, reached = oracle(target, start[index], classes[index], mean, chosen, iterations)
        np.testing.assert_allclose(found.history[:, index], odds, atol=2e-3)
        np.testing.assert_allclose(found.images[index], image, atol=2e-4)
        for level in range(4):
            iteration, *lengths = reached.get(level, (-1, np.nan, np.nan, np.nan))
            assert found.reached.iteration[index, level] == iteration
            ours = [leaf[index, level] * 255.0 for leaf in jax.tree.leaves(found.reached)[1:]]
            np.testing.assert_allclose(ours, lengths, rtol=1e-3)


def test_rule_reaches_every_level_and_the_bound_binds():
    """Else the comparison above would compare little."""
    target, start = linear_target(size=0.3), near_grey(1, 4)
    found = ascend_images(
        target, start, np.arange(4), progress(ProgressSettings(0.0, 0.1, 0.5)), iterations=60
    )
    assert np.all(np.asarray(found.reached.iteration) >= 0)
    assert np.all(np.diff(found.reached.iteration, axis=1) >= 0)
    free = ascend_images(target, start, np.arange(4), progress(OTHERS["defaults"]), iterations=25)
    bound = ascend_images(target, start, np.arange(4), progress(OTHERS["bounded rate"]), iterations=25)
    assert np.max(np.abs(free.images - bound.images)) > 1e-3


def test_presets_are_the_published_ones():
    table = {
        name: (
            chosen.decay,
            iterations,
            chosen.early_progress,
            chosen.late_progress,
            (chosen.blur_radius, chosen.blur_every),
            chosen.small_norm_percentile,
            chosen.benefit_percentile,
            chosen.absolute_benefit_percentile,
        )
        for name, (chosen, iterations) in PRESETS.items()
    }
    assert table == {
        "unregularised": (0.0, 500, 0.02, 0.1, (0.0, 1), 0.0, 0.0, 0.0),
        "seed_169": (0.01, 1500, 0.03, 0.02, (0.0, 1), 0.0, 0.0, 0.0),
        "seed_188": (0.001, 1000, 0.03, 0.05, (0.4, 2), 0.0, 0.0, 0.0),
        "seed_360": (0.001, 1500, 0.03, 0.05, (0.3, 1), 20.0, 0.0, 20.0),
    }
    assert all(preset.settings.max_rate == 1e7 for preset in PRESETS.values())
    assert all(preset.settings.small_value_percentile == 0 for preset in PRESETS.values())


@pytest.mark.parametrize(("margin", "max_rate"), [(18.0, 1e12), (60.0, np.inf), (300.0, np.inf)])
def test_saturated_softmax_still_moves(margin, max_rate):
    """Where float32's p is exactly 1, the log-odds grow by `late_progress` an iteration."""
    target, start = linear_target(size=0.05, margin=margin), near_grey(0, 2)
    assert np.all(jax.nn.softmax(linear(target.params, start))[:, 0] == 1.0)
    found = ascend_images(
        target, start, [0, 0], progress(ProgressSettings(decay=0.0, max_rate=max_rate)), iterations=6
    )
    np.testing.assert_allclose(np.diff(found.history, axis=0), 0.1, atol=0.002)


@pytest.mark.parametrize("margin", [-40.0, -95.0, 95.0, 3000.0])
def test_extreme_log_odds_give_numbers(margin):
    start = near_grey(0, 1)
    unbounded = progress(ProgressSettings(max_rate=np.inf, small_norm_percentile=20.0))
    for rule in (progress(), unbounded, progress(ProgressSettings(maximise="logit")), optimiser()):
        found = ascend_images(linear_target(margin=margin), start, [0], rule, iterations=4)
        assert np.all(np.isfinite(found.images))
        assert np.all(np.isfinite(found.history))


@pytest.mark.parametrize("maximise", ["log_odds", "logit"])
def test_log_odds_and_logits_grow_by_early_progress(maximise):
    target, start = linear_target(size=0.05), near_grey(0, 1)
    chosen = ProgressSettings(decay=0.0, early_progress=0.05, maximise=maximise)
    found = ascend_images(target, start, [2], progress(chosen), iterations=5)
    logits = linear(target.params, jnp.concatenate([start, found.images]))
    height = logits if maximise == "logit" else log_odds(logits)
    assert height[1, 2] - height[0, 2] == pytest.approx(4 * 0.05, rel=0.02)


def test_zero_gradient_leaves_the_image_as_it_is():
    """Decay too: a gradient of 0 ends the authors' run."""
    flat = Target({"weights": jnp.zeros((SIZE, CLASSES)), "bias": jnp.zeros(CLASSES)}, linear)
    start = near_grey(0, 2)
    found = ascend_images(flat, start, [0, 1], progress(ProgressSettings(decay=0.5)), iterations=5)
    np.testing.assert_array_equal(found.images, start)
