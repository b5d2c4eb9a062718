"""Faults are found out and said, and a network with one can be used all the same."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_network import SHAPE, both, clean, faulty, logits, network, of_batch, on_host, probabilities

from fooljax.audits.checks import check
from fooljax.audits.clean import of_arrays
from fooljax.audits.clean_checks import (
    better_guess,
    most_frequent,
    of_accuracy,
    of_confidence,
    of_input,
    safe_guess,
)
from fooljax.audits.input_changes import AS_GIVEN, CHANGES, changed, plausible
from fooljax.audits.mending import LOGARITHMS, ONE_BY_ONE, mended
from fooljax.host_targets import has_gradients
from fooljax.scoring import score

CLEAN = of_arrays(*clean(), "made")


def slow(*arguments):
    return pytest.param(*arguments, marks=pytest.mark.slow)


def failed(found):
    return [one["name"] for one in found.checks if one["passed"] is False]


@pytest.mark.slow
def test_a_sound_network_passes():
    found = check(network(), CLEAN, guess=False)
    assert failed(found) == []
    assert found.mends == []
    assert found.trusted
    assert found.guesses[AS_GIVEN][0] / found.guesses[AS_GIVEN][1] > 0.9


@pytest.mark.parametrize(
    ("target", "names", "mends"),
    [
        (faulty(probabilities), ["outputs"], [LOGARITHMS]),
        (faulty(of_batch), ["batches"], [ONE_BY_ONE]),
        # In probabilities the batch hardly shows; it does once they are logarithms.
        slow(faulty(both), ["outputs", "batches"], [LOGARITHMS, ONE_BY_ONE]),
        (on_host(both), ["outputs", "batches"], [LOGARITHMS, ONE_BY_ONE]),
    ],
)
def test_faults_are_found_out(target, names, mends):
    unlabelled = CLEAN._replace(labelled=False)
    found = check(target, unlabelled, guess=False)
    assert failed(found) == names
    assert found.mends == mends
    assert found.trusted


def test_a_mended_network_says_what_the_sound_one_says():
    images = clean(8)[0]
    sound = score(network(), images)
    for apply in (probabilities, on_host(probabilities).apply):
        mended_one = mended(faulty(apply), [LOGARITHMS])
        np.testing.assert_allclose(score(mended_one, images), sound, atol=1e-3)


@pytest.mark.slow
def test_gradients_of_a_network_on_the_host_are_followed_through_what_it_needs():
    plain, images = network(), clean(3)[0].astype(np.float32) / 255.0
    host = on_host(both, differentiable=lambda images: both(plain.params, images))
    for mends in ([LOGARITHMS], [LOGARITHMS, ONE_BY_ONE], ["negative", LOGARITHMS]):
        slopes = [
            jax.jit(jax.grad(lambda images, of: jnp.sum(of.apply(of.params, images)[:, 0]), argnums=0))(
                images, of
            )
            for of in (mended(host, mends), mended(faulty(both), mends))
        ]
        np.testing.assert_allclose(slopes[0], slopes[1], atol=1e-4)
    assert has_gradients(mended(host, [ONE_BY_ONE]))
    assert not has_gradients(mended(on_host(both), [ONE_BY_ONE]))


def test_an_image_alone_is_asked_about_alone():
    images = clean(6)[0]
    one_by_one = mended(faulty(of_batch), [ONE_BY_ONE])
    alone = np.concatenate([score(faulty(of_batch), image[None], tile=1) for image in images])
    np.testing.assert_allclose(score(one_by_one, images), alone, atol=1e-5)
    on_the_host = mended(on_host(of_batch), [ONE_BY_ONE])
    np.testing.assert_allclose(score(on_the_host, images), alone, atol=1e-5)


def test_a_network_that_gives_no_numbers_is_told_and_not_used():
    target = on_host(lambda params, images: np.full((len(images), 4), np.nan, np.float32))
    found = check(target, CLEAN, guess=False)
    assert failed(found) == ["numbers"]
    assert not found.usable


def test_a_doubt_of_which_the_checks_say_more_is_not_told_and_any_other_once(caplog):
    check(faulty(lambda params, images: jnp.full((len(images), 4), 0.5)), CLEAN, guess=False)
    assert caplog.text == ""
    check(faulty(lambda params, images: 1e7 * of_batch(params, images)), CLEAN, guess=False)
    [record] = caplog.records
    assert "no longer tells log-odds apart" in record.getMessage()


def test_a_network_that_answers_by_chance_is_told_and_not_trusted():
    rng = np.random.default_rng(0)
    target = on_host(lambda params, images: rng.normal(0.0, 3.0, (len(images), 4)).astype(np.float32))
    found = check(target, CLEAN._replace(labelled=False), guess=False)
    assert "chance" in failed(found)
    assert not found.trusted


def shades():
    """Images of one shade each, and a network that knows the shades by their levels from 0 to 255."""
    levels = np.asarray([25, 90, 160, 230], np.uint8)
    labels = np.arange(400) % 4
    images = np.broadcast_to(levels[labels][:, None, None, None], (400, *SHAPE))

    def nearest(params, images):
        return -jnp.abs(jnp.mean(images, axis=(1, 2, 3))[:, None] - params[None])

    target = dataclasses.replace(network(), params=jnp.asarray(levels, jnp.float32), apply=nearest)
    return target, of_arrays(images, labels, "shades")


def turned():
    """The network of halves, which sees rows as columns."""
    plain = network()
    return dataclasses.replace(
        plain, apply=lambda params, images: plain.apply(params, images.transpose(0, 2, 1, 3))
    ), CLEAN


@pytest.mark.parametrize(
    ("made", "wants", "mends"),
    [
        (shades, "0..255", ["0..255"]),
        slow(turned, "transposed", []),  # it names none rightly, as with labels in another order
    ],
)
def test_the_input_that_a_network_wants_is_guessed_and_taken_only_when_asked(made, wants, mends):
    target, images = made()
    found = check(target, images, guess=False)
    assert better_guess(found.guesses) == wants
    assert "input" in failed(found)
    assert found.mends == []
    words = next(one["words"] for one in found.checks if one["name"] == "input")
    assert CHANGES[wants].words in words
    assert "as it was given" in words
    assert check(target, images, guess=True).mends == mends


def test_channels_are_turned_round():
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), np.uint8)

    def red(params, images):
        return images.mean(axis=(1, 2)) * params

    target = network(image_shape=(4, 4, 3), class_names=("red", "green", "blue"))
    target = dataclasses.replace(target, params=np.float32(1.0), apply=red)
    turned = score(changed(target, CHANGES["bgr"]), images)
    np.testing.assert_allclose(turned, score(target, images)[:, ::-1], atol=1e-5)
    assert {"bgr", "bgr 0..255", "planes"} <= set(plausible((4, 4, 3)))


def test_colours_are_not_guessed_at_where_there_are_none():
    assert not [name for name in plausible(SHAPE) if "bgr" in name]


def test_a_guess_must_be_clearly_better():
    assert better_guess({}) is None
    assert better_guess({AS_GIVEN: (50, 100), "0..255": (53, 100)}) is None
    assert better_guess({AS_GIVEN: (34, 100), "bgr": (91, 100)}) == "bgr"
    words = of_input({AS_GIVEN: (34, 100), "bgr": (91, 100)}, 10, None)["words"]
    assert words.startswith("With channels in BGR order the network names 91 of 100 clean images rightly")


@pytest.mark.parametrize(
    ("before", "after", "is_safe"),
    [
        ((20, 200), (190, 200), True),
        ((20, 200), (60, 200), False),  # clearly more, as with wrong labels, but far from rightly
        ((20, 200), (105, 200), False),  # about half
        ((0, 20), (20, 20), False),  # few images
        ((4600, 5000), (4750, 5000), False),  # clearly more, but hardly
        ((1, 200), (190, 200), False),  # worse than chance: as with labels in another order
    ],
)
def test_a_hint_is_followed_only_where_it_cannot_be_the_labels_that_are_wrong(before, after, is_safe):
    guesses = {AS_GIVEN: before, "0..255": after}
    assert better_guess(guesses) == "0..255"
    assert safe_guess(guesses, 10) == ("0..255" if is_safe else None)
    assert ("wrong labels could look the same" in of_input(guesses, 10, None)["words"]) == (not is_safe)


def test_levels_that_are_too_small_show_in_the_confidence_of_a_network_without_biases():
    target = on_host(lambda params, images: logits(params, images) / 255.0)
    found = check(target, CLEAN, guess=False)
    assert failed(found) == ["confidence"]
    assert of_confidence(95, 100, 0.6)["passed"]
    assert not of_confidence(95, 100, 0.2)["passed"]


def test_a_network_that_knows_no_more_than_one_class_is_found_out():
    labels = np.repeat(np.arange(10), 20)
    assert most_frequent(labels) == pytest.approx(0.1)
    assert [of_accuracy(right, 200, 0.1)["passed"] for right in (0, 20, 22, 180)] == [
        False,
        False,
        None,
        True,
    ]
    assert "10.0%" in of_accuracy(20, 200, 0.1)["words"]


def test_a_better_input_that_still_names_few_rightly_leaves_the_labels_in_doubt():
    doubt = "the order of the class names may be wrong"
    assert doubt in of_input({AS_GIVEN: (2, 200), "transposed": (38, 200)}, 10, None)["words"]
    assert doubt not in of_input({AS_GIVEN: (2, 200), "transposed": (138, 200)}, 10, None)["words"]
