"""What happens to an image before a network sees it, and to its outputs after: against loops by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooljax.errors import InputError
from fooljax.targets.preprocessing import LAYOUTS, Preprocessing, settled

IMAGENET = {"mean": (0.485, 0.456, 0.406), "deviation": (0.229, 0.224, 0.225)}


def images(channels=3, count=4):
    random = np.random.default_rng(channels)
    return (random.integers(0, 256, (count, 5, 6, channels)) / 255.0).astype(np.float32)


def by_hand(how, shown):
    """One number after another."""
    count, height, width, channels = shown.shape
    found = np.zeros((count, channels, height, width))
    low, high = how.range
    for b, y, x, k in np.ndindex(count, height, width, channels):
        level = float(shown[b, y, x, channels - 1 - k if how.order == "bgr" else k])
        mean = (how.mean * 3)[k] if how.mean else 0.0
        deviation = (how.deviation * 3)[k] if how.deviation else 1.0
        found[b, k, y, x] = (low + level * (high - low) - mean) / deviation
    if how.layout == "nchw":
        return found
    last = found.transpose(0, 2, 3, 1)
    return {"nhwc": last, "nhw": last[..., 0], "flat": last.reshape(count, -1)}[how.layout]


HOWS = [
    Preprocessing(),
    Preprocessing("nchw", **IMAGENET),
    Preprocessing("nchw", (0, 255), (104, 117, 123), order="bgr"),
    Preprocessing("nhwc", (-1, 1)),
    Preprocessing("flat", (1, 0), (0.1307,), (0.3081,)),
]


@pytest.mark.parametrize("how", HOWS, ids=str)
def test_images_become_what_the_network_takes(how):
    shown = images()
    kept = shown.copy()
    found = how.inputs(shown)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_hand(how, shown), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(shown, kept)
    compiled = jax.jit(how.inputs)(jnp.asarray(shown))
    assert compiled.dtype == jnp.float32
    np.testing.assert_allclose(compiled, found, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_grey_images_have_every_layout(layout):
    how = Preprocessing(layout, (0, 255), (127.5,), (127.5,))
    np.testing.assert_allclose(how.inputs(images(1)), by_hand(how, images(1)), atol=1e-5)


def softmax(logits):
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
@settings(max_examples=25, deadline=None)
def test_logarithms_of_probabilities_are_logits_again(seed, classes):
    """Up to a number that is the same for all classes of an image, which no log-odds see."""
    logits = np.random.default_rng(seed).normal(0, 4, (3, classes))
    found = Preprocessing(outputs="probabilities").logits(softmax(logits))
    np.testing.assert_allclose(softmax(found), softmax(logits), rtol=1e-4)
    own = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(Preprocessing(outputs="sigmoids").logits(own), logits, rtol=1e-4, atol=1e-5)


def test_one_output_is_the_logit_of_the_second_of_two_classes():
    given = np.array([[-3.0], [0.0], [2.5]], np.float32)
    expected = np.concatenate([np.zeros((3, 1)), given], axis=1)
    for outputs in (given, given[:, 0], given[:, :, None, None]):
        found = Preprocessing(binary=True).logits(outputs)
        np.testing.assert_array_equal(found, expected)
    probability = 1 / (1 + np.exp(-given))
    for kind in ("probabilities", "sigmoids"):
        how = Preprocessing(outputs=kind, binary=True)
        np.testing.assert_allclose(how.logits(probability), expected, atol=1e-5)


def test_a_certain_probability_has_a_finite_logit():
    """Above 1 - 2^-24, float32 has only 1, so a sigmoid tells no more than 16.6 of log-odds."""
    certain = np.array([[1.0], [0.0]], np.float32)
    found = Preprocessing(outputs="probabilities", binary=True).logits(certain)
    np.testing.assert_allclose(found, [[0, np.log(2.0**24)], [0, -np.log(2.0**24)]], rtol=1e-5)
    found = Preprocessing(outputs="probabilities").logits(np.array([[0.0, 1.0]], np.float32))
    np.testing.assert_allclose(found, [[np.log(1e-30), 0.0]], rtol=1e-5)
    found = Preprocessing(outputs="probabilities", floor=1 / 512).logits(np.array([[0.0, 1.0]], np.float32))
    np.testing.assert_allclose(found, [[np.log(1 / 512), 0.0]], rtol=1e-5)


def test_outputs_that_stand_for_no_class_are_left_out():
    logits = np.arange(10, dtype=np.float32).reshape(2, 5)
    how = Preprocessing(left_out=(0, 3))
    np.testing.assert_array_equal(how.logits(logits), logits[:, [1, 2, 4]])
    np.testing.assert_array_equal(jax.jit(how.logits)(jnp.asarray(logits)), logits[:, [1, 2, 4]])
    assert how.kept(5) == 3
    with pytest.raises(InputError, match=r"^left_out: expected numbers of outputs from 0 to 2, got "):
        how.logits(logits[:, :3])


def test_half_precision_is_computed_in_single():
    logits = np.array([[1.5, -2.0]], np.float16)
    assert Preprocessing().logits(logits).dtype == np.float32
    found = jax.jit(Preprocessing(outputs="probabilities").logits)(jnp.asarray([[0.25, 0.75]], jnp.bfloat16))
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, np.log([[0.25, 0.75]]), rtol=1e-5)


@pytest.mark.parametrize(
    ("outputs", "how", "told"),
    [
        (np.zeros((2, 3, 4), np.float32), {}, r"^target: expected outputs .* got shape \[2, 3, 4\]$"),
        (np.zeros((2, 3), np.int64), {}, r"^target: expected .* floating-point numbers, got int64"),
        (np.zeros((2, 1), np.float32), {}, r"got 1; say binary=True for the one output of two classes$"),
        (np.zeros((2, 2), np.float32), {"binary": True}, r"expected one output, got 2$"),
        (np.array([[-3.0, 2.0]]), {"outputs": "probabilities"}, r"^outputs: .* from -3 to 2 and .* -1;"),
        (np.array([[0.9, 0.9]]), {"outputs": "probabilities"}, r"^outputs: .* sums to 1\.8;"),
        (np.array([[7.0, 0.5]]), {"outputs": "sigmoids"}, r"^outputs: .* 0 to 7; say "),
    ],
)  # fmt: skip
def test_other_outputs_are_refused(outputs, how, told):
    with pytest.raises(InputError, match=told):
        Preprocessing(**how).logits(outputs)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"layout": "nhcw"}, r"^layout: expected one of nhwc, nchw, nhw, flat, got 'nhcw'$"),
        ({"range": (0, 0)}, r"^range: expected two numbers, for black and for white, got \(0\.0, 0\.0\)$"),
        ({"range": 255}, r"^range: expected two numbers"),
        ({"mean": ("a",)}, r"^mean: expected finite numbers, got \('a',\)$"),
        ({"mean": (float("inf"),)}, r"^mean: expected finite numbers"),
        ({"deviation": (0.0,)}, r"^deviation: expected numbers above 0"),
        ({"floor": 0.0}, r"^floor: expected a probability above 0"),
        ({"floor": "a"}, r"^floor: expected a probability above 0"),
        ({"left_out": (-1,)}, r"^left_out: expected numbers of outputs"),
        ({"left_out": (0,), "binary": True}, r"^left_out: expected numbers of outputs"),
        ({"outputs": "scores"}, r"^outputs: expected one of logits, probabilities, sigmoids, got 'scores'$"),
    ],
)
def test_wrong_fields_are_named(how, told):
    with pytest.raises(InputError, match=told):
        Preprocessing(**how)


@pytest.mark.parametrize(
    ("how", "channels", "told"),
    [
        ({"mean": (1, 2, 3)}, 1, r"^mean: expected one number, or .* of the 1 channels, got 3$"),
        ({"order": "bgr"}, 1, r"^order: bgr is of images with 3 channels, got 1$"),
        ({"layout": "nhw"}, 3, r"^layout: nhw is of images with 1 channel, got 3$"),
    ],
)
def test_images_that_do_not_fit_are_refused(how, channels, told):
    with pytest.raises(InputError, match=told):
        Preprocessing(**how).inputs(images(channels))


def test_it_says_itself_in_a_sentence():
    how = Preprocessing("nchw", **IMAGENET, outputs="probabilities", left_out=(0,))
    assert str(how) == (
        "The network takes images as [batch, channels, height, width], RGB, levels from 0 to 1, less "
        "(0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225); its outputs are probabilities, whose "
        "logarithms are taken, none below 1e-30; its output 0 (from 0) left out."
    )
    assert Preprocessing("flat", (0, 255), binary=True).in_words(1) == (
        "The network takes images as [batch, height * width * channels], levels from 0 to 255; its one "
        "output is the logit of the second of two classes."
    )
    assert len({str(how) for how in HOWS}) == len({how.sha256 for how in HOWS}) == len(HOWS)
    assert Preprocessing(range=(0, 255)).sha256 == Preprocessing(range=[0.0, 255.0]).sha256


def test_what_is_said_takes_the_place_of_what_was_guessed():
    guessed = Preprocessing("nchw", (0, 255))
    assert settled(guessed, None) is guessed
    assert settled(guessed, Preprocessing()) == Preprocessing()
    assert settled(guessed, {"order": "bgr"}) == Preprocessing("nchw", (0, 255), order="bgr")
    with pytest.raises(InputError, match=r"^preprocessing: .* got 'means'; did you mean mean\?$"):
        settled(guessed, {"means": 3})
    with pytest.raises(InputError, match=r"^preprocessing: expected a Preprocessing, or a dict"):
        settled(guessed, "nchw")


def test_no_log_odds_are_above_the_highest_that_the_floor_allows():
    how = Preprocessing(outputs="probabilities", floor=1 / 5120)
    logits = how.logits(np.eye(10, dtype=np.float32))
    odds = logits[0, 0] - np.log(np.sum(np.exp(logits[0, 1:])))
    assert how.highest_log_odds(10) == pytest.approx(odds, abs=1e-5)
    assert Preprocessing().highest_log_odds(10) == np.inf
