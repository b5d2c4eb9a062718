"""Networks in TensorFlow Lite files, by LiteRT where it is installed and by an interpreter of the test's."""

import importlib.util
import io
import struct
import sys
import zipfile

import numpy as np
import pytest
from golden.make_tflite import ANSWER_STEP, dense

from fooljax.errors import FaultError, InputError
from fooljax.storage.flatbuffer import Table, root
from fooljax.storage.trees import digest_tree
from fooljax.study.study import network_digest
from fooljax.targets.collection import find
from fooljax.targets.foreign import from_tflite, tflite_files
from fooljax.targets.foreign.tflite_reading import read_facts
from fooljax.targets.image_sizes import seeing_centre

NAMES = ("crane", "lorry", "tram", "ferry")
LEVELS = {"range": (0, 255), "mean": (128.0,), "deviation": (128.0,), "left_out": (0,)}
needs_litert = pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None, reason="the extra tflite is not installed"
)
FAMILY = pytest.mark.parametrize("kind", ["float", "uint8"])


@pytest.fixture
def golden(request):
    return lambda kind: request.config.rootpath / f"tests/golden/tiny_{kind}.tflite"


def images(count=3, side=6):
    return np.random.default_rng(3).integers(0, 256, (count, side, side, 3), np.uint8)


def expected(pixels):
    """The probabilities `[B, 5]` of 6 x 6 images, the background first."""
    weights, bias = dense()
    seen = (pixels.astype(np.float64) - 128.0) / 128.0
    logits = seen.reshape(len(pixels), -1) @ weights.T + bias
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def without_background(shares):
    """The log-odds of the last four classes, given that it is one of them."""
    kept = shares[:, -4:]
    return np.log(kept / (kept.sum(1, keepdims=True) - kept))


def said(kind):
    """What a user has to say of the golden files: the quantised one says all by itself."""
    return LEVELS if kind == "float" else {"left_out": (0,)}


@needs_litert
@FAMILY
def test_a_file_gives_the_probabilities_of_its_network(golden, kind, caplog):
    target = from_tflite(golden(kind), preprocessing=said(kind), class_names=NAMES)
    found = without_background(np.exp(target.apply((), images().astype(np.float32) / 255.0)))
    shares = expected(images())
    if kind == "float":
        np.testing.assert_allclose(found, without_background(shares), atol=1e-4)
    else:  # logits are rounded to eighths, answers to 1/256
        np.testing.assert_array_equal(found.argmax(1), shares[:, 1:].argmax(1))
        likely = shares[:, 1:] > 0.1
        np.testing.assert_allclose(found[likely], without_background(shares)[likely], atol=0.3)
        assert "range -1 to 0.992188 (from the quantisation of its input)" in caplog.text
    assert target.class_names == NAMES
    assert target.image_shape == (6, 6, 3)
    assert "left_out" not in caplog.text
    # A study knows it by this digest, as it knows other networks.
    assert network_digest("tiny", target) == target.provenance["params_sha256"] == digest_tree(target.params)


@needs_litert
def test_what_is_no_such_file(tmp_path, golden):
    whole = golden("float").read_bytes()
    for content in (b"", b"weights", whole[:100], whole[:-200], whole[:8] + b"\xff" * 500):
        (tmp_path / "a.tflite").write_bytes(content)
        with pytest.raises(InputError, match=r"a\.tflite: expected a TensorFlow Lite file, ") as caught:
            from_tflite(tmp_path / "a.tflite")
        assert "\n" not in str(caught.value)


def test_without_the_package_it_is_one_line(golden, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(FaultError, match=r"^tflite: .* pip install 'fooljax\[tflite\]' brings it$"):
        from_tflite(golden("float"))
    with pytest.raises(InputError, match=r"^cannot read .*nowhere"):
        from_tflite("nowhere.tflite")


class Fake:
    """An interpreter of the dense network of `golden.make_tflite`, in NumPy, that keeps what it was shown."""

    def __init__(self, kind, shape=(1, 6, 6, 3), answers=None, outputs=1):
        quantised = kind == "uint8"
        self.kind, self.answers, self.shown = np.dtype(kind if quantised else "float32"), answers, []
        self.input = {"name": "image", "index": 7, "shape": np.array(shape), "dtype": self.kind}
        self.input["quantization"] = (1 / 128, 128) if quantised else (0.0, 0)
        self.output = {"name": "answer", "index": 9, "shape": np.array([1, 5]), "dtype": self.kind}
        self.output["quantization"] = (ANSWER_STEP, 0) if quantised else (0.0, 0)
        self.outputs = [self.output] * outputs

    def get_input_details(self):
        return [self.input]

    def get_output_details(self):
        return self.outputs

    def set_tensor(self, index, value):
        assert (index, value.dtype, value.shape) == (7, self.kind, tuple(self.input["shape"]))
        self.shown.append(value)

    def invoke(self):
        pass

    def get_tensor(self, index):
        assert index == 9
        if self.answers is not None:
            return np.array([self.answers], self.kind)
        value = self.shown[-1].astype(np.float64)
        shares = expected(value if self.kind == np.uint8 else value * 128.0 + 128.0)
        return np.rint(shares * 256) if self.kind == np.uint8 else shares.astype(np.float32)


@pytest.fixture
def opened(golden, monkeypatch):
    """A target of a fake interpreter, whatever is installed."""

    def open_it(fake, kind="float", **facts):
        monkeypatch.setattr(tflite_files, "_interpreter", lambda content, source: fake)
        monkeypatch.setattr(tflite_files, "version", lambda package: "0")
        return from_tflite(golden(kind), **facts)

    return open_it


@FAMILY
def test_the_network_sees_its_own_numbers(opened, kind):
    fake = Fake(kind)
    target = seeing_centre(opened(fake, kind, preprocessing=said(kind), class_names=NAMES), 8)
    fake.shown.clear()
    shown = np.pad(images(), ((0, 0), (1, 1), (1, 1), (0, 0)))
    logits = target.apply(target.params, shown.astype(np.float32) / 255.0)
    assert (target.image_shape, logits.dtype, logits.shape) == ((8, 8, 3), np.float32, (3, 4))
    for given, image in zip(fake.shown, images(), strict=True):
        if kind == "uint8":
            np.testing.assert_array_equal(given, image[None])
        else:
            np.testing.assert_allclose(given, (image[None].astype(np.float64) - 128.0) / 128.0, atol=1e-6)
    np.testing.assert_allclose(
        np.exp(logits), expected(images())[:, 1:], atol=ANSWER_STEP if kind == "uint8" else 1e-6
    )
    with pytest.raises(InputError, match=r"^target: expected tiny_.* at most 5 x 5 pixels, got 6 x 6$"):
        seeing_centre(opened(Fake(kind), kind, preprocessing=said(kind)), 5)


def test_digests_tell_files_and_preprocessings(opened):
    one, ranged, other = (
        opened(Fake(kind), kind, preprocessing={"range": levels}).provenance["params_sha256"]
        for kind, levels in (("float", (0, 1)), ("float", (-1, 1)), ("uint8", (0, 1)))
    )
    assert len({one, ranged, other}) == 3


def test_a_quantised_zero_is_a_share_of_half_a_step(opened):
    """Otherwise the many classes that have none would outweigh the one that has all."""
    names = ("background", *NAMES)
    target = opened(Fake("uint8", answers=[1, 0, 255, 0, 0]), "uint8", class_names=names)
    assert target.class_names == NAMES
    logits = target.apply((), np.zeros((1, 6, 6, 3), np.float32))[0]
    np.testing.assert_allclose(np.exp(logits), [1 / 2560, 255 / 256, 1 / 2560, 1 / 2560], rtol=1e-5)


def test_one_of_several_outputs(opened):
    with pytest.raises(InputError, match=r"expected one output \[1, classes\], got answer \[1, 5\], answer "):
        opened(Fake("float", outputs=2))
    assert opened(Fake("float", outputs=2), output_name="answer").image_shape == (6, 6, 3)
    with pytest.raises(InputError, match=r"^output_name: expected one of answer \[1, 5\], got z$"):
        opened(Fake("float"), output_name="z")


@pytest.mark.parametrize(
    ("shape", "facts", "told"),
    [
        ((1, 6, 6, 2), {}, r"expected an input of images, got one of shape \[1, 6, 6, 2\]$"),
        ((1, 107), {}, r"^image_shape: expected the height"),
        ((1, 6, 6, 3), {"class_names": ("a", "b")}, r"^class_names: expected 5 names, .* got 2$"),
        ((1, 6, 6, 3), {"preprocessing": {"left_out": (9,)}}, r"^left_out: expected numbers"),
        ((1, 6, 6, 3), {"image_shape": (7, 6, 3)}, r"and images \[7, 6, 3\]$"),
    ],
)  # fmt: skip
def test_networks_of_another_shape_are_refused(opened, shape, facts, told):
    with pytest.raises(InputError, match=told):
        opened(Fake("float", shape), **facts)


def with_names(content, text):
    """The file with names of classes in a zip behind it, as metadata are written."""
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("labels.txt", text)
    return file.getvalue()


def test_names_behind_the_network_are_read(golden):
    content = golden("float").read_bytes()
    assert read_facts(content) == (("Softmax",), {}, ())
    assert read_facts(with_names(content, "background\ncrane\n")).names == (("background", "crane"),)
    assert read_facts(with_names(b"rubbish!" * 9, "crane\n")) == ((), {}, (("crane",),))


def test_damaged_flat_buffers_say_nothing(golden):
    content = golden("float").read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(content)
        for place in generator.integers(0, len(content), 20):
            damaged[place] = generator.integers(0, 256)
        read_facts(bytes(damaged))
    for content in (b"", b"TFL3", b"\xff" * 100, struct.pack("<Ii", 4, 100)):
        assert read_facts(content) == ((), {}, ())
    with pytest.raises(struct.error):
        Table(memoryview(bytes(8)), 100).number(0)
    with pytest.raises(struct.error):
        root(memoryview(b"\x04\0\0\0\x64\0\0\0")).field(0)


def test_the_collection_wants_a_file_in_the_folder(tmp_path):
    with pytest.raises(InputError, match=r"^weights: mobilenet-v2 wants one file mobilenet_v2\*\.tflite in "):
        find("mobilenet-v2", weights=tmp_path)
