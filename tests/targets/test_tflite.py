"""Networks in TensorFlow Lite files, by LiteRT where it is installed and by an interpreter of the test's."""

import importlib.util
import sys

import numpy as np
import pytest
from golden.make_tflite import ANSWER_STEP, dense

from fooljax.errors import FaultError, InputError
from fooljax.scoring import score
from fooljax.storage.trees import digest_tree
from fooljax.study.study import network_digest
from fooljax.targets import tflite
from fooljax.targets.collection import find

NAMES = ("crane", "lorry", "tram", "ferry")
LEVELS = {"mean": 128.0, "deviation": 128.0}
needs_litert = pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None, reason="the extra tflite is not installed"
)
FAMILY = pytest.mark.parametrize("kind", ["float", "uint8"])


def images(count=3, side=8):
    return np.random.default_rng(3).integers(0, 256, (count, side, side, 3), np.uint8)


def expected(pixels):
    """The probabilities `[B, 5]` of the centres of 8 x 8 images, the background first."""
    weights, bias = dense()
    seen = (pixels[:, 1:7, 1:7].astype(np.float64) - 128.0) / 128.0
    logits = seen.reshape(len(pixels), -1) @ weights.T + bias
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def without_background(shares):
    """The log-odds of four classes, given that it is one of them."""
    kept = shares[:, 1:]
    return np.log(kept / (kept.sum(1, keepdims=True) - kept))


def load(path, size=8, names=NAMES):
    return tflite.tflite_target(path, size=size, class_names=names, name="tiny", **LEVELS)


@needs_litert
@FAMILY
def test_a_file_gives_the_probabilities_of_its_network(request, kind):
    target = load(request.config.rootpath / f"tests/golden/tiny_{kind}.tflite")
    found = score(target, images())
    shares = expected(images())
    if kind == "float":
        np.testing.assert_allclose(found, without_background(shares), atol=1e-4)
    else:  # logits are rounded to eighths, answers to 1/256
        np.testing.assert_array_equal(found.argmax(1), shares[:, 1:].argmax(1))
        likely = shares[:, 1:] > 0.1
        np.testing.assert_allclose(found[likely], without_background(shares)[likely], atol=0.3)
    assert target.class_names == NAMES
    assert target.image_shape == (8, 8, 3)
    # A study knows it by this digest, as it knows other networks.
    assert network_digest("tiny", target) == target.provenance["params_sha256"] == digest_tree(target.params)


@needs_litert
def test_networks_of_two_files_have_two_digests(request):
    one, other = (
        load(request.config.rootpath / f"tests/golden/tiny_{kind}.tflite").provenance["params_sha256"]
        for kind in ("float", "uint8")
    )
    assert one != other


@needs_litert
def test_what_is_no_such_file(tmp_path, request):
    whole = (request.config.rootpath / "tests/golden/tiny_float.tflite").read_bytes()
    for content in (b"", b"weights", whole[:100], whole[:-200], whole[:8] + b"\xff" * 500):
        (tmp_path / "a.tflite").write_bytes(content)
        with pytest.raises(InputError, match=r"a\.tflite: expected a TensorFlow Lite file, ") as caught:
            load(tmp_path / "a.tflite")
        assert "\n" not in str(caught.value)


def test_without_the_package_it_is_one_line(request, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(FaultError, match=r"^tflite: .* pip install 'fooljax\[tflite\]' brings it$"):
        load(request.config.rootpath / "tests/golden/tiny_float.tflite")
    with pytest.raises(InputError, match=r"^cannot read .*nowhere"):
        load("nowhere.tflite")


class Fake:
    """An interpreter of the dense network of `golden.make_tflite`, in NumPy, that keeps what it was shown."""

    def __init__(self, kind, shape=(1, 6, 6, 3), answers=None):
        quantised = kind == "uint8"
        self.kind, self.answers, self.shown = np.dtype(kind if quantised else "float32"), answers, []
        self.input = {"index": 7, "shape": np.array(shape), "dtype": self.kind}
        self.input["quantization"] = (1 / 128, 128) if quantised else (0.0, 0)
        self.output = {"index": 9, "shape": np.array([1, 5]), "dtype": self.kind}
        self.output["quantization"] = (ANSWER_STEP, 0) if quantised else (0.0, 0)

    def get_input_details(self):
        return [self.input]

    def get_output_details(self):
        return [self.output]

    def set_tensor(self, index, value):
        assert (index, value.dtype, value.shape) == (7, self.kind, (1, 6, 6, 3))
        self.shown.append(value)

    def invoke(self):
        pass

    def get_tensor(self, index):
        assert index == 9
        if self.answers is not None:
            return np.array([self.answers], self.kind)
        value = self.shown[-1].astype(np.float64)
        level = value if self.kind == np.uint8 else value * 128.0 + 128.0
        shares = expected(np.pad(level, ((0, 0), (1, 1), (1, 1), (0, 0))))
        return np.rint(shares * 256) if self.kind == np.uint8 else shares.astype(np.float32)


def asked(fake, classes=4, size=8):
    return tflite.answers(fake, source="a.tflite", size=size, classes=classes, **LEVELS)


@FAMILY
def test_the_network_sees_the_centre_in_its_own_numbers(kind):
    fake = Fake(kind)
    logits = asked(fake)(images().astype(np.float32) / 255.0)
    assert (logits.dtype, logits.shape) == (np.float32, (3, 4))
    for given, image in zip(fake.shown, images(), strict=True):
        centre = image[None, 1:7, 1:7]
        if kind == "uint8":
            np.testing.assert_array_equal(given, centre)
        else:
            np.testing.assert_allclose(given, (centre.astype(np.float64) - 128.0) / 128.0, atol=1e-6)
    shares = expected(images())[:, 1:]
    tolerance = ANSWER_STEP if kind == "uint8" else 1e-6
    np.testing.assert_allclose(np.exp(logits), shares, atol=tolerance)


def test_a_quantised_zero_is_a_share_of_half_a_step():
    """Otherwise the many classes that have none would outweigh the one that has all."""
    logits = asked(Fake("uint8", answers=[1, 0, 255, 0, 0]))(np.zeros((1, 8, 8, 3), np.float32))[0]
    np.testing.assert_allclose(np.exp(logits), [1 / 2048, 255 / 256, 1 / 2048, 1 / 2048], rtol=1e-5)


def test_a_probability_of_zero_has_a_finite_logarithm():
    logits = asked(Fake("float", answers=[0, 0, 1, 0, 0]))(np.zeros((1, 8, 8, 3), np.float32))[0]
    np.testing.assert_allclose(logits, np.log([1e-30, 1, 1e-30, 1e-30]), atol=1e-4)


def test_without_a_background_no_class_is_left_out():
    logits = asked(Fake("float", answers=[0.5, 0.25, 0.125, 0.0625, 0.0625]), classes=5)
    np.testing.assert_allclose(np.exp(logits(np.zeros((1, 8, 8, 3), np.float32)))[0, :2], [0.5, 0.25])


@pytest.mark.parametrize("answers", [[-3.0, 2.0, 0.5, 0.0, 0.0], [0.9, 0.9, 0.9, 0.9, 0.9]])
def test_other_numbers_are_no_probabilities(answers):
    function = asked(Fake("float", answers=answers))
    with pytest.raises(InputError, match=r"^a\.tflite: expected a network that gives probabilities, got "):
        function(np.zeros((1, 8, 8, 3), np.float32))


@pytest.mark.parametrize(
    ("shape", "classes", "size", "told"),
    [
        ((1, 6, 6, 3), 6, 8, r"probabilities of 6 classes, or of one more .*, got \[\[1, 5\]\]$"),
        ((1, 6, 6, 3), 3, 8, r"probabilities of 3 classes"),
        ((1, 6, 6, 3), 4, 5, r"of at most 5 x 5 pixels, got inputs of shape \[\[1, 6, 6, 3\]\]$"),
        ((2, 6, 6, 3), 4, 8, r"takes one image \[1, h, w, 3\]"),
        ((1, 6, 6, 1), 4, 8, r"takes one image \[1, h, w, 3\]"),
        ((1, 108), 4, 8, r"takes one image \[1, h, w, 3\]"),
    ],
)
def test_networks_of_another_shape_are_refused(shape, classes, size, told):
    with pytest.raises(InputError, match=rf"^a\.tflite: expected a network that .*{told}"):
        asked(Fake("float", shape), classes, size)


def test_the_collection_wants_a_file_in_the_folder(tmp_path):
    with pytest.raises(InputError, match=r"^weights: mobilenet-v2 wants one file mobilenet_v2\*\.tflite in "):
        find("mobilenet-v2", weights=tmp_path)
