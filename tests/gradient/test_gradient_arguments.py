"""Wrong arguments are one line that names the argument, what was expected and what came."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from linear_network import SHAPE

from fooljax.gradient import (
    ProgressSettings,
    ascend_images,
    optimiser,
    progress,
    start_images,
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
        ascend_images(**arguments)
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
            lambda: progress(ProgressSettings(maximise="p")),
            "maximise: expected one of confidence, log_odds, logit",
        ),
        (lambda: optimiser(0.1), "transform: expected an optax.GradientTransformation, got float"),
        (
            lambda: optimiser(parameterisation="tanh"),
            "parameterisation: expected one of clip, sigmoid, got tanh",
        ),
        (
            lambda: optimiser(maximise="confidence"),
            "maximise: expected one of log_odds, logit, got confidence",
        ),
        (lambda: optimiser(l2=-1.0), "l2: expected 0 or more, got -1.0"),
        (lambda: start_images(jax.random.key(0), 1, SHAPE, mode="white"), "mode: expected one of mean_plus"),
        (lambda: start_images(jax.random.key(0), 0, SHAPE), "count: expected 1 or more, got 0"),
    ],
)
def test_wrong_settings_are_named(build, message):
    with pytest.raises(ValueError, match="^" + message):
        build()
