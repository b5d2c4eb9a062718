"""Gradient ascent of many images: none depends on another, none is lost, and each is what files hold."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import toys
from linear_network import SHAPE, linear, linear_target, near_grey
from scipy.special import log_softmax

from fooljax import Target, log_odds, score
from fooljax.gradient import (
    PRESETS,
    Program,
    ProgressSettings,
    Rule,
    ascend_images,
    optimiser,
    passes,
    progress,
    run_program,
    start_images,
)

RULES = {
    "defaults": progress(),
    "seed_360": progress(PRESETS["seed_360"].settings),
    "adam": optimiser(),
    "sigmoid": optimiser(optax.adam(0.3), parameterisation="sigmoid"),
    "norm": optimiser(
        optax.chain(optax.clip_by_global_norm(0.1), optax.sgd(1.0)), total_variation=0.1, l2=0.1
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_a_batch_gives_what_its_images_give_alone(monkeypatch, name):
    """In tiles, the last of them filled up, with a norm taken over each image: the same."""
    monkeypatch.setattr(passes, "backward_tile", lambda image_shape: 3)
    target, mean = toys.target(), 0.3
    start = start_images(jax.random.key(0), 7, (6, 6, 1), mode="randu")
    classes = np.arange(7) % 4
    together = ascend_images(target, start, classes, RULES[name], iterations=8, mean=mean)
    for index in range(7):
        one = slice(index, index + 1)
        alone = ascend_images(target, start[one], classes[one], RULES[name], iterations=8, mean=mean)
        np.testing.assert_allclose(together.images[one], alone.images, atol=1e-5)
        np.testing.assert_allclose(together.history[:, one], alone.history, atol=1e-4)
        np.testing.assert_array_equal(together.reached.iteration[one], alone.reached.iteration)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_raises_the_log_odds_and_keeps_pixels_in_range(name):
    start = start_images(jax.random.key(0), 8, (6, 6, 1), mode="randu")
    found = ascend_images(toys.target(), start, np.arange(8) % 4, RULES[name], iterations=40)
    assert np.all((found.images >= 0) & (found.images <= 1))
    assert np.all(found.log_odds > found.history[0])
    assert np.median(found.log_odds) > np.median(found.history[0]) + 1.0


def test_programs_vmap_into_one_flat_batch(monkeypatch):
    monkeypatch.setattr(passes, "backward_tile", lambda image_shape: 5)
    seen = set()

    def spy(params, images):
        seen.add(images.shape)
        return toys.logits(params, images)

    starts = jax.random.uniform(jax.random.key(1), (3, 4, 6, 6, 1))
    classes, mean = jnp.arange(4), jnp.zeros((6, 6, 1))
    run = jax.jit(functools.partial(run_program, Program(spy, progress(), 6), toys.target().params))
    together = jax.jit(jax.vmap(run, (0, None, None)))(starts, classes, mean)
    assert all(len(shape) == 4 for shape in seen)
    assert 12 in {shape[0] for shape in seen}
    for index in range(3):
        alone = run(starts[index], classes, mean)
        np.testing.assert_allclose(together.images[index], alone.images, atol=1e-5)


def test_traced_once_for_many_starts_and_networks():
    traces = []

    def apply(params, images):
        traces.append(images.shape)
        return toys.logits(params, images)

    def run(seed):
        start = start_images(jax.random.key(seed), 3, (6, 6, 1), mode="randu")
        rule = progress(ProgressSettings(decay=0.02))  # an equal one each time
        return ascend_images(
            Target(toys.target(seed).params, apply), start, [0, 1, 2], rule, iterations=3, mean=0.1 * seed
        )

    run(0)
    first = len(traces)
    found = run(1)
    assert len(traces) == first
    assert not np.allclose(found.log_odds, run(2).log_odds)


def test_start_images_are_not_consumed_and_results_are_what_files_hold():
    target = toys.target()
    start = start_images(jax.random.key(0), 4, (6, 6, 1), mode="randu")
    before, classes = np.array(start), np.arange(4)
    found = ascend_images(target, start, classes, iterations=7)
    np.testing.assert_array_equal(start, before)
    pixels = found.pixels()
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels / 255.0, found.images, atol=0.501 / 255)
    np.testing.assert_allclose(found.log_odds_8_bit, score(target, pixels)[np.arange(4), classes], atol=1e-5)
    again = log_odds(toys.logits(target.params, found.images))[np.arange(4), classes]
    np.testing.assert_allclose(found.log_odds, again, atol=1e-5)
    assert np.max(np.abs(found.log_odds - found.log_odds_8_bit)) > 1e-5


def test_history_every_k():
    start = start_images(jax.random.key(0), 3, (6, 6, 1), mode="randu")
    whole = ascend_images(toys.target(), start, [0, 1, 2], iterations=11)
    part = ascend_images(toys.target(), start, [0, 1, 2], iterations=11, record_every=4)
    assert whole.history.shape == (11, 3)
    np.testing.assert_array_equal(part.history, whole.history[::4])
    np.testing.assert_array_equal(whole.history[-1], whole.log_odds)
    one = ascend_images(toys.target(), start, [0, 1, 2], iterations=1, record_every=4)
    np.testing.assert_array_equal(one.images, start)
    np.testing.assert_allclose(one.history, whole.history[:1], atol=1e-5)


def test_a_users_own_rule_needs_no_registration():
    rule = Rule(
        "sign",
        "logit",
        lambda i: i,
        lambda i: i,
        lambda i, seen: jnp.clip(i + 0.1 * jnp.sign(seen.gradient), 0, 1),
    )
    target, start = linear_target(), near_grey(0, 1)
    found = ascend_images(target, start, [2], rule, iterations=2)
    expected = start[0].ravel() + 0.1 * np.sign(np.asarray(target.params["weights"])[:, 2])
    np.testing.assert_allclose(found.images[0].ravel(), expected, atol=1e-6)


@pytest.mark.optimised
@pytest.mark.parametrize("setting", ["jax_enable_x64", "jax_debug_nans"])
@pytest.mark.parametrize(
    "presets", [["unregularised", "seed_360"], pytest.param(["seed_169", "seed_188"], marks=pytest.mark.slow)]
)
def test_settings_of_jax_change_no_ascent(presets, setting):
    """The authors' rules and Adam, on images of which some never reach a level."""
    target, classes = linear_target(margin=30.0), np.array([0, 1])
    rules = [progress(PRESETS[name].settings) for name in presets]
    rules.append(optimiser(total_variation=0.1, l2=0.1))

    def ascents():
        start = start_images(jax.random.key(3), 2, SHAPE)
        return jax.device_get([ascend_images(target, start, classes, rule, iterations=6) for rule in rules])

    plain = ascents()
    assert any(np.any(one.reached.iteration < 0) for one in plain)
    before = jax.config.values[setting]
    jax.config.update(setting, True)
    try:
        other = ascents()
    finally:
        jax.config.update(setting, before)
    for one, two in zip(jax.tree.leaves(plain), jax.tree.leaves(other), strict=True):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)


def test_log_odds_are_float32_from_the_logits_on():
    target = linear_target()

    def coarse(params, images):
        return linear(params, images).astype(jnp.bfloat16)

    start, classes = near_grey(5, 3), np.array([0, 1, 2])
    found = ascend_images(Target(target.params, coarse), start, classes, iterations=1, check_target=False)
    logits = np.asarray(coarse(target.params, jnp.asarray(start)), np.float64)
    expected = log_softmax(logits, axis=1)[range(3), classes]
    expected -= np.log1p(-np.exp(expected))
    np.testing.assert_allclose(found.log_odds, expected, rtol=1e-5)
