"""Gradient ascent: the authors' rule against a plain NumPy one, and an engine that mixes up no images."""

import functools
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jax.test_util import check_grads
from scipy.ndimage import gaussian_filter
from scipy.special import log_softmax, softmax

from fooljax import Target, log_odds, score
from fooljax.gradient import (
    PRESETS,
    Climb,
    ProgressSettings,
    Rule,
    ascend,
    climb,
    engine,
    odds_and_gradient,
    optimiser,
    progress,
    start_images,
)
from fooljax.gradient._optimiser import SOFT, variation
from fooljax.gradient._progress import below_percentile, blur
from fooljax.targets._trained import lenet_apply
from fooljax.targets.networks.lenet import LeNet

SHAPE = (7, 6, 3)
SIZE = 7 * 6 * 3
CLASSES = 4


def linear(params, images):
    return images.reshape(images.shape[0], -1) @ params["weights"] + params["bias"][None]


def linear_target(seed=0, size=1.0, margin=0.0):
    """A linear softmax network; `margin` is added to class 0."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0.0, size, (SIZE, CLASSES))
    bias = -0.5 * weights.sum(axis=0) + margin * (np.arange(CLASSES) == 0)
    return Target(
        {"weights": jnp.asarray(weights, jnp.float32), "bias": jnp.asarray(bias, jnp.float32)}, linear
    )


def near_grey(seed, count):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.3, 0.7, (count, *SHAPE)).astype(np.float32)


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
    found = ascend(target, start, classes, progress(chosen), iterations=iterations, mean=mean)
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
    found = ascend(target, start, np.arange(4), progress(ProgressSettings(0.0, 0.1, 0.5)), iterations=60)
    assert np.all(np.asarray(found.reached.iteration) >= 0)
    assert np.all(np.diff(found.reached.iteration, axis=1) >= 0)
    free = ascend(target, start, np.arange(4), progress(OTHERS["defaults"]), iterations=25)
    bound = ascend(target, start, np.arange(4), progress(OTHERS["bounded rate"]), iterations=25)
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
    found = ascend(
        target, start, [0, 0], progress(ProgressSettings(decay=0.0, max_rate=max_rate)), iterations=6
    )
    np.testing.assert_allclose(np.diff(found.history, axis=0), 0.1, atol=0.002)


@pytest.mark.parametrize("margin", [-40.0, -95.0, 95.0, 3000.0])
def test_extreme_log_odds_give_numbers(margin):
    start = near_grey(0, 1)
    unbounded = progress(ProgressSettings(max_rate=np.inf, small_norm_percentile=20.0))
    for rule in (progress(), unbounded, progress(ProgressSettings(objective="logit")), optimiser()):
        found = ascend(linear_target(margin=margin), start, [0], rule, iterations=4)
        assert np.all(np.isfinite(found.images))
        assert np.all(np.isfinite(found.history))


@pytest.mark.parametrize("objective", ["log_odds", "logit"])
def test_other_objectives_gain_what_is_wanted(objective):
    target, start = linear_target(size=0.05), near_grey(0, 1)
    chosen = ProgressSettings(decay=0.0, early_progress=0.05, objective=objective)
    found = ascend(target, start, [2], progress(chosen), iterations=5)
    logits = linear(target.params, jnp.concatenate([start, found.images]))
    height = logits if objective == "logit" else log_odds(logits)
    assert height[1, 2] - height[0, 2] == pytest.approx(4 * 0.05, rel=0.02)


def test_zero_gradient_leaves_the_image_as_it_is():
    """Decay too: a gradient of 0 ends the authors' run."""
    flat = Target({"weights": jnp.zeros((SIZE, CLASSES)), "bias": jnp.zeros(CLASSES)}, linear)
    start = near_grey(0, 2)
    found = ascend(flat, start, [0, 1], progress(ProgressSettings(decay=0.5)), iterations=5)
    np.testing.assert_array_equal(found.images, start)


@pytest.mark.parametrize("radius", [0.3, 0.4, 1.0, 2.5])
def test_blur_is_scipys(radius):
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    expected = np.stack([gaussian_filter(image[..., k].astype(float), radius) for k in range(3)], axis=-1)
    np.testing.assert_allclose(blur(jnp.asarray(image), radius), expected, atol=1e-6)


compiled_percentile = jax.jit(below_percentile, static_argnums=1)
floats = st.floats(-2, 2, width=32, allow_subnormal=False) | st.sampled_from([-1.0, -0.0, 0.0, 1.0])


@settings(deadline=None, max_examples=60)
@given(arrays(np.float32, (23,), elements=floats), st.sampled_from([6.25, 12.5, 25.0, 50.0, 93.75, 100.0]))
def test_percentile_is_numpys(values, percentile):
    expected = values < np.percentile(values.astype(np.float64), percentile)
    np.testing.assert_array_equal(compiled_percentile(jnp.asarray(values), percentile), expected)


@pytest.mark.parametrize("percentile", [0.0, 20.0, 37.0, 99.0])
def test_percentile_of_an_image(percentile):
    values = np.random.default_rng(0).normal(size=(28, 28, 1)).astype(np.float32)
    expected = values < np.percentile(values.astype(np.float64), percentile)
    found = jax.vmap(lambda v: below_percentile(v, percentile))(jnp.asarray(values)[None])[0]
    np.testing.assert_array_equal(found, expected)
    assert found.sum() == int(np.ceil(783 * percentile / 100))


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
def test_a_batch_climbs_as_its_images_alone(monkeypatch, name):
    """In tiles, the last of them filled up, with a norm taken over each image: the same."""
    monkeypatch.setattr(engine, "backward_tile", lambda image_shape: 3)
    target, mean = toys.target(), 0.3
    start = start_images(jax.random.key(0), 7, (6, 6, 1), mode="randu")
    classes = np.arange(7) % 4
    together = ascend(target, start, classes, RULES[name], iterations=8, mean=mean)
    for index in range(7):
        one = slice(index, index + 1)
        alone = ascend(target, start[one], classes[one], RULES[name], iterations=8, mean=mean)
        np.testing.assert_allclose(together.images[one], alone.images, atol=1e-5)
        np.testing.assert_allclose(together.history[:, one], alone.history, atol=1e-4)
        np.testing.assert_array_equal(together.reached.iteration[one], alone.reached.iteration)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_climbs_and_stays_inside(name):
    start = start_images(jax.random.key(0), 8, (6, 6, 1), mode="randu")
    found = ascend(toys.target(), start, np.arange(8) % 4, RULES[name], iterations=40)
    assert np.all((found.images >= 0) & (found.images <= 1))
    assert np.all(found.log_odds > found.history[0])
    assert np.median(found.log_odds) > np.median(found.history[0]) + 1.0


def test_climbs_vmap_into_one_flat_batch(monkeypatch):
    monkeypatch.setattr(engine, "backward_tile", lambda image_shape: 5)
    seen = set()

    def spy(params, images):
        seen.add(images.shape)
        return toys.logits(params, images)

    starts = jax.random.uniform(jax.random.key(1), (3, 4, 6, 6, 1))
    classes, mean = jnp.arange(4), jnp.zeros((6, 6, 1))
    run = jax.jit(functools.partial(climb, Climb(spy, progress(), 6), toys.target().params))
    together = jax.jit(jax.vmap(run, (0, None, None)))(starts, classes, mean)
    assert all(len(shape) == 4 for shape in seen)
    assert 12 in {shape[0] for shape in seen}
    for index in range(3):
        alone = run(starts[index], classes, mean)
        np.testing.assert_allclose(together.images[index], alone.images, atol=1e-5)


@pytest.mark.parametrize(("batch", "tile"), [(5, 5), (7, 4), (10, 5), (11, 4)])
def test_tiles_depend_on_the_batch_alone(monkeypatch, batch, tile):
    monkeypatch.setattr(engine, "backward_tile", lambda image_shape: 5)
    seen = set()

    def spy(params, images):
        seen.add(images.shape[0])
        return toys.logits(params, images)

    images = jnp.zeros((batch, 6, 6, 1))
    jax.jit(odds_and_gradient(spy)).lower(toys.target().params, (images, jnp.zeros(batch, jnp.int32)))
    assert seen == {tile, batch}


def test_gradient_equals_plain_jax_grad_of_lenet(monkeypatch):
    monkeypatch.setattr(engine, "backward_tile", lambda image_shape: 3)
    params = LeNet(10).init(jax.random.key(0), jnp.zeros((1, 16, 16, 1)))
    images, classes = jax.random.uniform(jax.random.key(1), (7, 16, 16, 1)), jnp.arange(7)

    def plain(images):
        weights, x = params["params"], images * (255.0 / 256.0)
        for layer in ("ConvPool_0", "ConvPool_1"):
            kernel, bias = weights[layer]["kernel"], weights[layer]["bias"]
            dimensions = ("NHWC", "HWIO", "NHWC")
            x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=dimensions)
            x = x + bias[None, None, None]
            height, width = x.shape[1] // 2, x.shape[2] // 2
            blocks = x[:, : 2 * height, : 2 * width].reshape(7, height, 2, width, 2, -1)
            x = jnp.max(blocks, axis=(2, 4))
        x = x.reshape(7, -1) @ weights["Dense_0"]["kernel"] + weights["Dense_0"]["bias"][None]
        return jax.nn.relu(x) @ weights["Dense_1"]["kernel"] + weights["Dense_1"]["bias"][None]

    def height(images):
        logits = plain(images)
        odds = log_odds(logits)[jnp.arange(7), classes]
        return jnp.sum(odds), (odds, jnp.argmax(logits, axis=-1) == classes)

    look = jax.jit(odds_and_gradient(lenet_apply(10)))
    odds, is_top, gradient = look(params, (images, classes))
    (_, expected), expected_gradient = jax.jit(jax.value_and_grad(height, has_aux=True))(images)
    largest = float(jnp.max(jnp.abs(expected_gradient)))
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-5 * largest)
    np.testing.assert_allclose(odds, expected[0], atol=1e-5)
    np.testing.assert_array_equal(is_top, expected[1])


@pytest.mark.parametrize("climbs", ["log_odds", "logit"])
def test_gradient_of_each_objective(climbs):
    target, images, classes = linear_target(), near_grey(0, 5), jnp.arange(5) % CLASSES
    gradient = odds_and_gradient(linear, climbs)(target.params, (jnp.asarray(images), classes))[2]
    weights = np.asarray(target.params["weights"], np.float64)
    for index, own in enumerate(np.asarray(classes)):
        others = softmax(linear(target.params, images)[index])
        others[own] = 0.0
        less = weights @ (others / others.sum()) if climbs == "log_odds" else 0.0
        np.testing.assert_allclose(gradient[index].ravel(), weights[:, own] - less, atol=1e-4)


def test_passes_are_counted_as_they_happen():
    passes = Counter()

    def count(name, size):
        jax.debug.callback(lambda: passes.update({name: size}))

    @jax.custom_vjp
    def counted(images):
        count("forward", images.shape[0])
        return images

    def forward(images):
        return counted(images), None

    def backward(_, gradient):
        count("backward", gradient.shape[0])
        return (gradient,)

    counted.defvjp(forward, backward)
    target = Target(toys.target().params, lambda params, images: toys.logits(params, counted(images)))
    found = ascend(target, np.full((6, 6, 6, 1), 0.5), np.zeros(6, int), iterations=9, check_target=False)
    jax.effects_barrier()
    assert passes == {"forward": 6 * (8 + 1 + 1), "backward": 6 * 8}
    assert int(found.queries) == sum(passes.values())


def test_traced_once_for_many_starts_and_networks():
    traces = []

    def apply(params, images):
        traces.append(images.shape)
        return toys.logits(params, images)

    def run(seed):
        start = start_images(jax.random.key(seed), 3, (6, 6, 1), mode="randu")
        rule = progress(ProgressSettings(decay=0.02))  # an equal one each time
        return ascend(
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
    found = ascend(target, start, classes, iterations=7)
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
    whole = ascend(toys.target(), start, [0, 1, 2], iterations=11)
    part = ascend(toys.target(), start, [0, 1, 2], iterations=11, record_every=4)
    assert whole.history.shape == (11, 3)
    np.testing.assert_array_equal(part.history, whole.history[::4])
    np.testing.assert_array_equal(whole.history[-1], whole.log_odds)
    one = ascend(toys.target(), start, [0, 1, 2], iterations=1, record_every=4)
    np.testing.assert_array_equal(one.images, start)
    np.testing.assert_allclose(one.history, whole.history[:1], atol=1e-5)


def test_adam_by_hand():
    """Three steps on the linear network, whose gradient is known."""
    target, start = linear_target(), near_grey(3, 1)
    weights, bias = (np.asarray(target.params[name], np.float64) for name in ("weights", "bias"))
    image, first, second = start[0].ravel().astype(np.float64), 0.0, 0.0
    for step in range(1, 4):
        p = softmax(image @ weights + bias)
        others = np.where(np.arange(CLASSES) == 1, 0.0, p)
        others /= others.sum()
        gradient = weights[:, 1] - weights @ others - 2 * 0.3 * (image - 0.25)
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        rate = 0.2 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        image = np.clip(image + rate, 0, 1)
    found = ascend(target, start, [1], optimiser(optax.adam(0.2), l2=0.3), iterations=4, mean=0.25)
    np.testing.assert_allclose(found.images[0].ravel(), image, atol=1e-4)
    assert 0 < np.mean((image == 0) | (image == 1)) < 1  # some were clipped


def test_sigmoid_climbs_by_the_chain_rule():
    target, start = linear_target(), near_grey(3, 1)
    found = ascend(target, start, [1], optimiser(optax.sgd(0.1), parameterisation="sigmoid"), iterations=2)
    gradient = odds_and_gradient(linear)(target.params, (jnp.asarray(start), jnp.asarray([1])))[2]
    moved = jax.scipy.special.logit(start) + 0.1 * start * (1 - start) * gradient
    np.testing.assert_allclose(found.images, jax.nn.sigmoid(moved), atol=1e-6)
    black = ascend(target, np.zeros((1, *SHAPE)), [1], RULES["sigmoid"], iterations=30)
    assert np.max(black.images) > 0.2


def test_variation_counts_neighbours_and_has_a_gradient():
    image = np.zeros((4, 5, 1), np.float32)
    image[1, 1] = 1.0
    expected = 4 * (np.sqrt(1 + SOFT**2) - SOFT)
    assert variation(jnp.asarray(image)) == pytest.approx(expected, rel=1e-5)
    check_grads(
        jax.jit(variation), (jax.random.uniform(jax.random.key(0), (3, 4, 2)),), order=1, modes=["rev"]
    )
    assert np.all(np.isfinite(jax.grad(variation)(jnp.zeros((3, 4, 1)))))


@pytest.mark.parametrize(
    ("name", "measure"), [("total_variation", variation), ("l2", lambda x: jnp.sum(x**2))]
)
def test_regularisers_lower_what_they_name(name, measure):
    start = start_images(jax.random.key(0), 2, (6, 6, 1), mode="randu")
    plain = ascend(toys.target(), start, [0, 1], optimiser(), iterations=60)
    held = ascend(toys.target(), start, [0, 1], optimiser(**{name: 2.0}), iterations=60)
    assert np.all(jax.vmap(measure)(held.images) < 0.7 * jax.vmap(measure)(plain.images))


def test_start_modes():
    key, mean = jax.random.key(0), near_grey(0, 1)[0]
    noise = start_images(key, 200, SHAPE, mean=mean)
    np.testing.assert_allclose(np.mean(noise, axis=0), mean, atol=0.002)
    assert np.std(noise - mean[None]) == pytest.approx(1 / 255, rel=0.02)
    np.testing.assert_array_equal(start_images(key, 2, SHAPE, mode="zero", mean=mean), np.stack([mean, mean]))
    uniform = start_images(key, 200, SHAPE, mode="randu")
    assert np.mean(uniform) == pytest.approx(0.5, abs=0.01)
    assert np.std(uniform) == pytest.approx(12**-0.5, abs=0.01)
    black = start_images(key, 200, SHAPE)
    assert np.min(black) == 0.0
    assert np.mean(black == 0.0) == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(noise, start_images(key, 200, SHAPE, mean=mean))
    np.testing.assert_allclose(
        start_images(key, 1, SHAPE, mean=[0.1, 0.2, 0.3], mode="zero")[0, 3, 3], [0.1, 0.2, 0.3]
    )


GREY = np.full((2, 6, 6, 1), 0.5, np.float32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iterations": 0}, "iterations: expected 1 or more, got 0"),
        ({"record_every": 0}, "record_every: expected 1 or more, got 0"),
        ({"start": GREY[0]}, r"start: expected \[B, H, W, K\], got \[6, 6, 1\]"),
        ({"start": GREY + 0.6}, r"start: expected floats in \[0, 1\], got some outside"),
        ({"start": GREY * np.nan}, r"start: expected floats in \[0, 1\], got some outside"),
        ({"start": (GREY * 255).astype(np.uint8)}, r"start: expected floats in \[0, 1\], got uint8"),
        ({"classes": [0]}, r"classes: expected 2 whole numbers, got int64 of shape \[1\]"),
        ({"classes": [0.0, 1.0]}, r"classes: expected 2 whole numbers, got float64"),
        ({"classes": [0, 4]}, r"classes: expected class indices in \[0, 3\], got 4"),
        (
            {"mean": np.zeros((5, 6, 1))},
            r"mean: expected a shape that broadcasts to \[6, 6, 1\], got \[5, 6, 1\]",
        ),
        ({"mean": 33.3}, r"mean: expected values in \[0, 1\]"),
        ({"target": lambda images: images}, r"target: expected logits \[2, C\] of 2 images"),
        ({"target": lambda images: images @ jnp.zeros((9, 9))}, "target: refused images"),
        (
            {"target": lambda images: jnp.log(images[:, 0, :, 0] - 0.5)},
            "target: its logits are NaN for [5-8] of 8 images",
        ),
        (
            {"target": lambda images: jnp.log(images[:, 0, :, 0] - 0.5), "check_target": False},
            "target: its log-odds or gradients are NaN",
        ),
        ({"iterations": 2**30}, "iterations: expected at most 2,147,483,647 network passes"),
    ],
)
def test_wrong_input_is_one_line_that_names_the_argument(changes, message):
    arguments = {"target": toys.target(), "start": GREY, "classes": [0, 1], "iterations": 3, **changes}
    with pytest.raises(ValueError, match="^" + message) as caught:
        ascend(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: progress(ProgressSettings(decay=1.5)), "decay: expected a number from 0 to 1, got 1.5"),
        (
            lambda: progress(ProgressSettings(blur_radius=0.2)),
            "blur_radius: expected 0 or at least 0.3, got 0.2",
        ),
        (lambda: progress(ProgressSettings(blur_every=0)), "blur_every: expected 1 or more, got 0"),
        (lambda: progress(ProgressSettings(max_rate=0.0)), "max_rate: expected a number above 0, got 0.0"),
        (lambda: progress(ProgressSettings(small_norm_percentile=101.0)), "small_norm_percentile: expected"),
        (
            lambda: progress(ProgressSettings(objective="p")),
            "objective: expected one of confidence, log_odds, logit",
        ),
        (lambda: optimiser(0.1), "transform: expected an optax.GradientTransformation, got float"),
        (
            lambda: optimiser(parameterisation="tanh"),
            "parameterisation: expected one of clip, sigmoid, got tanh",
        ),
        (lambda: optimiser(climbs="confidence"), "climbs: expected one of log_odds, logit, got confidence"),
        (lambda: optimiser(l2=-1.0), "l2: expected 0 or more, got -1.0"),
        (lambda: start_images(jax.random.key(0), 1, SHAPE, mode="white"), "mode: expected one of mean_plus"),
        (lambda: start_images(jax.random.key(0), 0, SHAPE), "count: expected 1 or more, got 0"),
    ],
)
def test_wrong_settings_are_named(build, message):
    with pytest.raises(ValueError, match="^" + message):
        build()


def test_a_rule_of_ones_own_needs_no_registration():
    rule = Rule(
        "sign",
        "logit",
        lambda i: i,
        lambda i: i,
        lambda i, look: jnp.clip(i + 0.1 * jnp.sign(look.gradient), 0, 1),
    )
    target, start = linear_target(), near_grey(0, 1)
    found = ascend(target, start, [2], rule, iterations=2)
    expected = start[0].ravel() + 0.1 * np.sign(np.asarray(target.params["weights"])[:, 2])
    np.testing.assert_allclose(found.images[0].ravel(), expected, atol=1e-6)


@pytest.mark.parametrize("setting", ["jax_enable_x64", "jax_debug_nans"])
def test_settings_of_jax_change_no_climb(setting):
    """All presets and Adam, on images of which some never reach a level."""
    target, classes = linear_target(margin=30.0), np.array([0, 1])
    rules = [(preset.settings, 6) for preset in PRESETS.values()]

    def climbs():
        start = start_images(jax.random.key(3), 2, SHAPE)
        found = [
            ascend(target, start, classes, progress(settings), iterations=count) for settings, count in rules
        ]
        found.append(ascend(target, start, classes, optimiser(total_variation=0.1, l2=0.1), iterations=6))
        return jax.device_get(found)

    plain = climbs()
    assert any(np.any(one.reached.iteration < 0) for one in plain)
    before = jax.config.values[setting]
    jax.config.update(setting, True)
    try:
        other = climbs()
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
    found = ascend(Target(target.params, coarse), start, classes, iterations=1, check_target=False)
    logits = np.asarray(coarse(target.params, jnp.asarray(start)), np.float64)
    expected = log_softmax(logits, axis=1)[range(3), classes]
    expected -= np.log1p(-np.exp(expected))
    np.testing.assert_allclose(found.log_odds, expected, rtol=1e-5)
