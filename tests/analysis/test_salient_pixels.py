"""Of a network whose answer is known, the pixels that tell are those that are kept."""

import jax.numpy as jnp
import numpy as np
import pytest

import fooljax
from fooljax.analysis.salient_pixels import RULES, keep_salient_pixels
from fooljax.errors import InputError

PLACES = [(1, 2), (4, 4), (6, 0)]


def network(weights, images):
    """It looks at three pixels."""
    sums = sum(images[:, row, column, 0] for row, column in PLACES)
    return jnp.stack([weights * (sums - 1.0), -weights * (sums - 1.0)], axis=1)


TARGET = fooljax.as_target(network, jnp.float32(5.0))


def images():
    made = np.random.default_rng(0).integers(0, 120, (2, 8, 8, 1), np.uint8)
    for row, column in PLACES:
        made[:, row, column] = 255
    return made


@pytest.mark.parametrize("rule", RULES)
def test_the_telling_pixels_stay_and_all_others_go(rule):
    given = images()
    whole, few = keep_salient_pixels(TARGET, given, np.asarray([0, 0]), (1.0, 3 / 64), rule)
    assert np.array_equal(whole, given)
    for one, image in zip(few, given, strict=True):
        ground = round(float(np.median(image)))
        kept = np.argwhere(one[..., 0] != ground)
        assert {tuple(place) for place in kept.tolist()} == set(PLACES)
    before, after = (fooljax.score(TARGET, one)[:, 0] for one in (given, few))
    assert np.allclose(before, after)


def test_fewer_pixels_are_some_of_more():
    more, fewer = keep_salient_pixels(TARGET, images(), np.asarray([0, 1]), (0.5, 0.1))
    assert np.sum(fewer != more) > 0
    ground = np.rint(np.median(images(), axis=(1, 2, 3), keepdims=True))
    assert np.all((fewer == more) | (fewer == ground))


@pytest.mark.parametrize("shares", [(0.1, 0.5), (0.5, 0.5), (1.5,), (0.0,)])
def test_shares_that_do_not_fall_are_one_line(shares):
    with pytest.raises(InputError, match=r"^shares: expected falling numbers in \(0, 1\]"):
        keep_salient_pixels(TARGET, images(), np.asarray([0, 0]), shares)


def test_an_unknown_rule_is_one_line():
    with pytest.raises(InputError, match=r"^rule: expected one of gain, size, got 'best'"):
        keep_salient_pixels(TARGET, images(), np.asarray([0, 0]), (0.5,), "best")


def test_many_images_are_worked_out_like_one():
    many = np.concatenate([images()] * 6)
    found = keep_salient_pixels(TARGET, many, np.zeros(12, int), (0.5, 0.1), steps=2)
    alone = keep_salient_pixels(TARGET, many[11:], np.zeros(1, int), (0.5, 0.1), steps=2)
    assert found.shape == (2, *many.shape)
    assert np.array_equal(found[:, 11:], alone)
