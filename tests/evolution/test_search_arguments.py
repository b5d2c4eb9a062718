"""Wrong arguments and networks that cannot be fooled are named in one line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from searches import KEY, assert_same, run
from toys import ENCODING, STRATEGY, logits, target

from fooljax.encodings import fixed_cppn
from fooljax.errors import InputError
from fooljax.evolution import search
from fooljax.strategies import map_elites


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generations": -1}, "^generations: expected a whole number, 0 or more, got -1"),
        ({"runs": 0}, "^runs: expected a whole number, 1 or more, got 0"),
        ({"init_size": 0}, "^init_size: expected a whole number, 1 or more"),
        ({"chunk": 0}, "^chunk: expected a whole number, 1 or more"),
        (
            {"init_genomes": np.zeros((3, 35), np.float32)},
            r"^init_genomes: expected float32\[N, 36\], got float32\[3, 35\]",
        ),
        (
            {"init_genomes": np.zeros((3, 36), np.int32)},
            r"^init_genomes: expected float32\[N, 36\], got int32",
        ),
        ({"init_genomes": np.zeros((0, 36), np.float32)}, r"^init_genomes: expected .* got float32\[0, 36\]"),
        ({"init_genomes": np.float32(1)}, r"^init_genomes: expected .* got float32\[\]"),
        ({"init_genomes": {"a": np.zeros((3, 36), np.float32)}}, "^init_genomes: expected PyTreeDef"),
        ({"init_genomes": np.zeros((3, 36), np.float32), "init_size": 3}, "^init_size: expected none where"),
        ({"until": "0.9"}, r"^until: expected a confidence inside \(0, 1\), got '0.9'"),
        ({"until": True}, r"^until: expected a confidence"),
        ({"checkpoint_seconds": None}, "^checkpoint_seconds: expected 0 or more, got None"),
        ({"checkpoints": 5}, "^checkpoints: expected a folder, got 5"),
        ({"checkpoints": ""}, "^checkpoints: expected a folder, got ''"),
        ({"checkpoints": "a\0b"}, "^checkpoints: expected a folder"),
        ({"resume": True}, "^checkpoints: expected a folder to resume from, got none"),
        ({"resume": "yes"}, "^resume: expected True or False, got 'yes'"),
        ({"on_chunk": 5}, "^on_chunk: expected a function, got 5"),
        ({"stop": 5}, "^stop: expected a function, got 5"),
        (
            {"strategy": map_elites(fixed_cppn((6, 6, 1)), batch_size=16)._replace(ask=lambda *_: 1 / 0)},
            "^strategy: map_elites and the encoding direct do not go together: ZeroDivisionError",
        ),
        ({"until": 1.0}, r"^until: expected a confidence inside \(0, 1\), got 1.0"),
        ({"cells": [0, 4]}, r"^cells: expected different class indices in \[0, 3\], got \[0, 4\]"),
        ({"cells": [1, 1]}, "^cells: expected different"),
        ({"cells": []}, "^cells: expected a list of class indices, got "),
        ({"cells": 3}, "^cells: expected a list of class indices, got 3"),
        ({"cells": [1.7]}, r"^cells: expected a list of class indices, got \[1.7\]"),
        ({"cells": [[0, 1]]}, "^cells: expected a list of class indices"),
        ({"generations": 2.5}, "^generations: expected a whole number, 0 or more, got 2.5"),
        ({"runs": True}, "^runs: expected a whole number"),
        ({"checkpoint_seconds": float("nan")}, "^checkpoint_seconds: expected 0 or more, got nan"),
        ({"strategy": "no_such"}, "^strategy: expected one of map_elites, "),
        ({"strategy": 3}, "^strategy: expected a Strategy or the name of one, got 3"),
        ({"generations": 2**30}, "^generations: expected at most"),
        ({"key": jax.random.PRNGKey(0)}, "^key: expected one typed PRNG key"),
        ({"key": jax.random.split(KEY)}, "^key: expected one typed PRNG key"),
        ({"key": -1}, "^key: expected a seed from 0 to"),
        ({"key": 0.5}, "^key: expected one typed PRNG key"),
    ],
)
def test_wrong_arguments_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        run(**changes)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda x: x[:, 0, 0, 0], r"^target: expected logits \[2, C\] of 2 images, got \(2,\)"),
        (lambda x: x[:, :1, 0, 0], r"^target: expected logits \[B, C\] of at least 2 classes, got 1$"),
        (
            lambda x: (x > 0).astype(jnp.int32)[:, :, 0, 0],
            "^target: expected floating-point logits, got int32",
        ),
        (lambda x: x @ jnp.ones((9, 9)), r"^target: refused images \[2, 6, 6, 1\]: "),
        (
            lambda x: x[:, :, 0, 0] * jnp.nan,
            "^target: its logits are NaN for 8 of 8 images that it was shown",
        ),
        (lambda x: "no", "^target: "),
    ],
)
def test_a_users_broken_model_is_told_in_a_line(model, message):
    with pytest.raises(InputError, match=message) as caught:
        search(model, ENCODING, STRATEGY, key=KEY, generations=1, runs=2)
    assert "\n" not in str(caught.value)


def test_nan_never_enters(caplog):
    def sometimes_nan(params, images):
        found = logits(params, images)
        return jnp.where(images[:, 0, 0, :] > 0.55, jnp.nan, found)

    # No image of the first batch has a bright corner, later ones may.
    encoding = ENCODING._replace(init=lambda key: ENCODING.init(key) * 0.5)
    found = search(target().replace(apply=sometimes_nan), encoding, STRATEGY, key=KEY, generations=100)
    assert np.all(np.isfinite(found.log_odds))
    assert found.images()[..., 0, 0, 0].max() <= 0.55 * 255
    assert found.metrics["nan"][0, 0] == 0
    assert 0 < found.metrics["nan"][0, 1:].sum() < 100 * STRATEGY.batch_size
    assert f"logits were NaN for {found.metrics['nan'].sum()} images" in caplog.text


def test_some_nan_at_first_ends_nothing():
    def nan_for_bright_corners(params, images):
        return jnp.where(images[:, 0, 0, :] > 0.8, jnp.nan, logits(params, images))

    broken = target().replace(apply=nan_for_bright_corners)
    found = search(broken, ENCODING, STRATEGY, key=KEY, generations=5)
    assert 0 < found.metrics["nan"][0, 0] < STRATEGY.batch_size / 2
    assert np.all(np.isfinite(found.log_odds))


def test_nan_for_most_of_the_first_images_is_refused():
    def nan_for_most(params, images):
        return jnp.where(jnp.std(images, axis=(1, 2)) > 0.25, jnp.nan, logits(params, images))

    with pytest.raises(InputError, match=r"^target: its logits are NaN for \d+ of the first 32 images"):
        run_against(nan_for_most, check_target=False)


def run_against(apply, **settings):
    return search(
        target().replace(apply=apply), ENCODING, STRATEGY, key=KEY, generations=1, runs=2, **settings
    )


def test_a_target_is_probed_unless_that_is_switched_off():
    def by_batch(params, images):
        return logits(params, 5.0 * (images - jnp.mean(images, axis=0, keepdims=True)))

    with pytest.raises(InputError, match=r"^target: an image's log-odds for class \d are "):
        run_against(by_batch)
    assert run_against(by_batch, check_target=False).completed


def test_a_strategy_may_be_named_and_a_seed_given():
    named = search(target(), ENCODING, "map_elites", key=7, generations=1)
    built = search(target(), ENCODING, map_elites(ENCODING, batch_size=200), key=KEY, generations=1)
    assert_same(named, built)
