"""Networks in ONNX files, written byte by byte, whose answers are known."""

import importlib.util
import sys

import numpy as np
import pytest
from host_scores import log_odds, score
from onnx_writing import FLOAT, FLOAT16, INT64, UINT8, dense, message, model, node, port, tensor

from fooljax.errors import FaultError, InputError
from fooljax.targets.foreign import from_onnx, onnx_files
from fooljax.targets.foreign.onnx_reading import read_facts

needs_runtime = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None, reason="the extra onnx is not installed"
)


@pytest.fixture
def written(tmp_path):
    def write(content, name="net.onnx"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


def images(shape, count=5):
    return np.random.default_rng(1).integers(0, 256, (count, *shape), np.uint8)


@needs_runtime
@pytest.mark.parametrize("batch", ["batch", 1, 3])
def test_channels_first_and_any_batch(written, batch, caplog):
    content, weights = dense((batch, 3, 4, 5))
    target = from_onnx(written(content))
    assert target.image_shape == (4, 5, 3)
    pixels = images((4, 5, 3))
    expected = (pixels / 255.0).transpose(0, 3, 1, 2).reshape(5, -1) @ weights
    np.testing.assert_allclose(score(target, pixels), log_odds(expected), atol=1e-3)
    (said,) = caplog.messages
    assert said.startswith(
        "net: The network takes images as [batch, channels, height, width], RGB, levels from 0 to 1; its "
        "outputs are logits. Guessed: layout nchw (from the shape of its input); range 0 to 1 (nothing says "
        "otherwise); order rgb (nothing says otherwise); outputs logits (they are from -"
    )


@needs_runtime
def test_a_graph_that_takes_one_image_though_it_says_any(written):
    """As exporters write that put the number 1 into a reshape."""
    weights = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    content = model(
        [node("Reshape", ["image", "shape"], ["row"]), node("MatMul", ["row", "weights"], ["answer"])],
        [port("image", FLOAT, ("batch", 1, 3, 4))],
        [port("answer", FLOAT, ("batch", 3))],
        [tensor("weights", weights), tensor("shape", np.array([1, 12]))],
    )
    pixels = images((3, 4, 1))
    expected = (pixels / 255.0).reshape(5, -1) @ weights
    np.testing.assert_allclose(score(from_onnx(written(content)), pixels), log_odds(expected), atol=1e-3)


@needs_runtime
@pytest.mark.parametrize("last", ["Softmax", "Sigmoid"])
def test_probabilities_are_told_by_the_last_operation(written, last, caplog):
    content, weights = dense(("n", 4, 4, 1), last=last)
    pixels = images((4, 4, 1))
    logits = (pixels / 255.0).reshape(5, -1) @ weights
    target = from_onnx(written(content))
    # Of a sigmoid for each class the logits are the numbers before it, and so they are of a softmax.
    np.testing.assert_allclose(score(target, pixels), log_odds(logits), atol=1e-3)
    assert f"(its last operation is {last})" in caplog.text
    assert "probabilities" in target.provenance["preprocessing"]
    with pytest.raises(InputError, match=r"^outputs: expected probabilities, got numbers from"):
        from_onnx(written(dense(("n", 4, 4, 1))[0]), preprocessing={"outputs": "probabilities"})


@needs_runtime
def test_one_output_is_two_classes(written):
    content, weights = dense(("n", 1, 4, 4), classes=1)
    target = from_onnx(written(content), class_names=("no", "yes"))
    pixels = images((4, 4, 1))
    expected = ((pixels / 255.0).reshape(5, -1) @ weights)[:, 0]
    np.testing.assert_allclose(score(target, pixels), np.stack([-expected, expected], 1), atol=1e-3)
    probable = from_onnx(written(dense(("n", 1, 4, 4), classes=1, last="Sigmoid", weights=weights)[0]))
    np.testing.assert_allclose(score(probable, pixels), np.stack([-expected, expected], 1), atol=1e-3)


@needs_runtime
@pytest.mark.parametrize(("kind", "highest"), [(UINT8, 255.0), (INT64, 255.0), (FLOAT16, 1.0)])
def test_other_types_of_inputs(written, kind, highest):
    content, weights = dense(("n", 4, 4, 1), kind=kind)
    pixels = images((4, 4, 1))
    shown = (pixels / 255.0).astype(np.float16) if kind == FLOAT16 else pixels
    expected = shown.astype(np.float64).reshape(5, -1) @ weights
    found = score(from_onnx(written(content)), pixels)
    np.testing.assert_allclose(found, log_odds(expected), atol=2e-3 * highest)


@needs_runtime
def test_metadata_say_classes_and_levels(written, caplog):
    metadata = {
        "names": "{0: 'crane', 1: 'lorry', 2: 'tram', 3: 'ferry'}",
        "Image.NominalPixelRange": "NominalRange_0_255",
        "Image.BitmapPixelFormat": "Bgr8",
        "mean": "[104, 117, 123]",
    }
    content, weights = dense(("n", 3, 2, 2), metadata=metadata)
    target = from_onnx(written(content))
    assert target.class_names == ("crane", "lorry", "tram", "ferry")
    pixels = images((2, 2, 3))
    seen = (pixels[..., ::-1].astype(np.float64) - [104, 117, 123]).transpose(0, 3, 1, 2)
    expected = seen.reshape(5, -1) @ weights
    found = score(target, pixels)
    np.testing.assert_array_equal(found.argmax(1), expected.argmax(1))
    assert "range 0 to 255 (the file says so); order bgr (the file says so)" in caplog.text.replace(
        "mean (104.0, 117.0, 123.0) (the file says so); ", ""
    )


@needs_runtime
def test_digests_tell_files_and_what_is_said_of_them(written):
    content, weights = dense(("n", 1, 4, 4))
    other, _ = dense(("n", 1, 4, 4), weights=2 * weights)
    one, same, ranged, scaled = (
        from_onnx(written(bytes_, name), preprocessing=said).provenance["params_sha256"]
        for bytes_, name, said in (
            (content, "a.onnx", None),
            (content, "b.onnx", {"range": (0, 1)}),
            (content, "a.onnx", {"range": (-1, 1)}),
            (other, "c.onnx", None),
        )
    )
    assert one == same
    assert len({one, ranged, scaled}) == 3


@needs_runtime
def test_weights_beside_the_file(written, tmp_path):
    weights = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)
    content, _ = dense(("n", 1, 4, 4), tensors=[tensor("weights", weights, "net.bin")])
    (tmp_path / "net.bin").write_bytes(weights.tobytes())
    target = from_onnx(written(content))
    pixels = images((4, 4, 1))
    expected = (pixels / 255.0).reshape(5, -1) @ weights
    np.testing.assert_allclose(score(target, pixels), log_odds(expected), atol=1e-3)
    (tmp_path / "net.bin").write_bytes((2 * weights).tobytes())
    assert from_onnx(written(content)).provenance["params_sha256"] != target.provenance["params_sha256"]
    (tmp_path / "net.bin").unlink()
    with pytest.raises(InputError, match=r"^cannot read .*net\.bin: No such file"):
        from_onnx(written(content))


@pytest.mark.parametrize("location", ["../net.bin", "/etc/passwd", "sub/../../net.bin", "", "link.bin"])
def test_weights_outside_the_folder_are_refused(written, tmp_path, location):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "net.bin").write_bytes(bytes(256))
    (inside / "link.bin").symlink_to(tmp_path / "net.bin")
    content, _ = dense(("n", 1, 4, 4), tensors=[tensor("weights", np.zeros((16, 4), np.float32), location)])
    with pytest.raises(InputError, match=r"^.*net\.onnx: expected weights in the folder of the file, got "):
        from_onnx(written(content, "inside/net.onnx"))
    assert read_facts(content, "net").files == (location,)
    # A constant within a node is found, too.
    constant = message((1, "value"), (5, tensor("c", np.zeros(4, np.float32), "../c.bin")), (20, 4))
    hidden = message((1, ""), (2, "c"), (4, "Constant"), (5, constant))
    assert read_facts(model([hidden], [], []), "net").files == ("../c.bin",)


@needs_runtime
def test_damaged_files_are_one_line(written):
    content, _ = dense(("n", 1, 4, 4))
    for damaged in (b"", b"weights", content[:50], content[:-3], b"\x08\x08" + b"\xff" * 300):
        with pytest.raises(InputError, match=r"net\.onnx: (expected an ONNX|ONNX Runtime)") as told:
            from_onnx(written(damaged))
        assert "\n" not in str(told.value)


@needs_runtime
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (dense(("n", 4, 4))[0], None),
        (dense(("n", 16))[0], None),
        (dense(("n", 48))[0], None),
        (dense(("n", 1, 4, 4), opset=99)[0], r"ONNX Runtime cannot load it: .*[Oo]pset"),
        (dense(("n", 2, 4, 4))[0], r"expected an input of images, got one of shape \[any, 2, 4, 4\]$"),
        (dense(("n", 1, 4, 1))[0], r"^layout: expected nhwc or nchw, since .* on either side$"),
        (dense(("n", 1, 4, "w"))[0], r"^image_shape: expected the height, width and channels"),
        (dense(("n", 17))[0], r"^image_shape: expected the height, width and channels"),
        (dense(("n", 1, 4, 4), outputs=("a", "b"))[0], r"got a .* b .*; name the one that .*output_name"),
        (
            model(
                [node("Add", ["a", "b"], ["c"])],
                [port("a", FLOAT, ("n", 4)), port("b", FLOAT, ("n", 4))],
                [port("c", FLOAT, ("n", 4))],
            ),
            r"expected a network of one input, got 2: a ",
        ),
        (
            model([node("ArgMax", ["a"], ["c"])], [port("a", FLOAT, (1, 4))], [port("c", INT64, (1, 4))]),
            r"expected one output \[batch, classes\], got c tensor\(int64\)",
        ),
        (
            model([node("Nothing", ["a"], ["c"])], [port("a", FLOAT, (1, 4))], [port("c", FLOAT, (1, 4))]),
            "Nothing",
        ),
    ],
    ids=lambda value: str(value)[-30:] if isinstance(value, str) else None,
)  # fmt: skip
def test_what_cannot_be_guessed_is_asked_for(written, content, told):
    if told is None:
        assert from_onnx(written(content)).image_shape in ((4, 4, 1), (4, 4, 3))
        return
    with pytest.raises(InputError, match=told) as caught:
        from_onnx(written(content))
    assert "\n" not in str(caught.value)


@needs_runtime
def test_what_the_user_says_holds(written):
    two, _ = dense(("n", 1, 4, 4), outputs=("a", "b"))
    assert from_onnx(written(two), output_name="b").image_shape == (4, 4, 1)
    with pytest.raises(InputError, match=r"^output_name: expected one of a .*, got z$"):
        from_onnx(written(two), output_name="z")
    content, _ = dense(("n", 1, 4, 1))
    assert from_onnx(written(content), image_shape=(1, 4, 1)).image_shape == (1, 4, 1)
    assert from_onnx(written(content), preprocessing={"layout": "nchw"}).image_shape == (4, 1, 1)
    with pytest.raises(InputError, match=r"got one of shape \[any, 1, 4, 1\], and images \[9, 9, 1\]$"):
        from_onnx(written(content), image_shape=(9, 9, 1))
    with pytest.raises(InputError, match=r"^image_shape: expected \(H, W, K\)"):
        from_onnx(written(content), image_shape=4)
    with pytest.raises(InputError, match=r"^class_names: expected a list of names, got 'wxyz'$"):
        from_onnx(written(two), output_name="a", class_names="wxyz")
    with pytest.raises(InputError, match=r"^class_names: expected 4 names, one for each class, got 1$"):
        from_onnx(written(two), output_name="a", class_names=("x",))
    kept = from_onnx(
        written(two), output_name="a", class_names=("w", "x", "y", "z"), preprocessing={"left_out": (0,)}
    )
    assert kept.class_names == ("x", "y", "z")


def test_without_the_package_it_is_one_line(written, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(FaultError, match=r"^onnx: .* pip install 'fooljax\[onnx\]' brings it$"):
        from_onnx(written(dense(("n", 1, 4, 4))[0]))
    with pytest.raises(InputError, match=r"^cannot read .*nowhere"):
        from_onnx("nowhere.onnx")


def test_large_files_are_not_read(written, monkeypatch):
    monkeypatch.setattr(onnx_files, "MOST_BYTES", 100)
    with pytest.raises(InputError, match=r"net\.onnx: expected at most 100 bytes, found more$"):
        from_onnx(written(dense(("n", 1, 4, 4))[0]))
