"""Weight files as training leaves them: told by content, wrapped names, and much beside the weights."""

import logging
import pickle
import zipfile
from argparse import Namespace
from collections import OrderedDict, defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from weight_files import (
    BLOBS,
    EXPECTED,
    Call,
    Global,
    base_bytes,
    caffemodel,
    numbers,
    pickled,
    safetensors,
    sizes,
    state,
    streamed,
    tensor,
    zipped,
)

from fooljax.errors import InputError
from fooljax.targets.weights import read_weights


def same(found, expected=EXPECTED):
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def contiguous():
    return {name: np.ascontiguousarray(array) for name, array in EXPECTED.items()}


@pytest.mark.parametrize(
    "name", ["a", "a.th", "a.pth.tar", "a.ckpt", "a.bin", "a.npz", "a.caffemodel", "a.txt"]
)
def test_files_are_told_by_content(tmp_path, name):
    path = tmp_path / name
    same(read_weights(zipped(path, state(EXPECTED, old=False), numbers())))
    same(read_weights(streamed(path, state(EXPECTED), numbers(), sizes())))
    path.write_bytes(safetensors(contiguous()))
    same(read_weights(path))
    with path.open("wb") as file:
        np.savez(file, **contiguous())
    same(read_weights(path))
    path.write_bytes(caffemodel())
    same(read_weights(path), BLOBS)


@pytest.mark.parametrize(
    "wrapper", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model."]
)
def test_a_wrapper_of_all_names_is_taken_off(tmp_path, wrapper):
    wrapped = {wrapper + name: array for name, array in EXPECTED.items()}
    same(read_weights(zipped(tmp_path / "a.pth", state(wrapped, old=False), numbers())))
    (tmp_path / "a.safetensors").write_bytes(safetensors(wrapped))
    same(read_weights(tmp_path / "a.safetensors"))


def test_names_that_only_some_share_are_kept(tmp_path):
    arrays = {"module.weight": np.ones(2, np.float32), "bias": np.ones(2, np.float32)}
    (tmp_path / "a").write_bytes(safetensors(arrays))
    same(read_weights(tmp_path / "a"), arrays)
    arrays = {"module.": np.ones(2, np.float32)}
    (tmp_path / "a").write_bytes(safetensors(arrays))
    same(read_weights(tmp_path / "a"), arrays)


class Executed:
    def __reduce__(self):
        return Path.mkdir, (Path("was-executed"),)


BESIDE = {
    "epoch": 3,
    "arch": "alexnet",
    "best": np.float64(0.5),
    "losses": np.arange(4.0),
    "args": Namespace(lr=0.1, path=Path("x")),
    "when": datetime(2020, 1, 1),
    "took": timedelta(3),
    "seen": {1, 2},
    "counts": defaultdict(list, a=[1]),
    "range": range(3),
    "complex": 1 + 2j,
    "digits": 10**50,
    "random": (3, (1, 2), None),
    "bytes": b"abc",
    "code": Executed(),
    "optimizer": {"state": {0: {"step": 1.0, "average": tensor("0", EXPECTED["layer.weight"], old=False)}}},
}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("place", ["state_dict", "model_state_dict", "model", "net", "some_name_of_theirs"])
def test_what_lies_beside_the_weights_is_passed_over_and_named(
    tmp_path, monkeypatch, caplog, place, protocol
):
    monkeypatch.chdir(tmp_path)
    content = {**BESIDE, place: state(EXPECTED, old=False)}
    with caplog.at_level(logging.WARNING, "fooljax"):
        same(read_weights(zipped(tmp_path / "checkpoint.pth.tar", content, numbers(), protocol=protocol)))
    (notice,) = caplog.messages
    assert f"read the weights in {place}, passed over epoch, arch, best (numpy" in notice
    assert "args (argparse.Namespace)" in notice
    assert notice.endswith(f"and {len(BESIDE) - 8} more")
    assert notice.isprintable()
    assert not (tmp_path / "was-executed").exists()


def test_plain_weights_are_read_without_a_notice(tmp_path, caplog):
    same(read_weights(zipped(tmp_path / "a.pth", state(EXPECTED, old=False), numbers())))
    assert not caplog.messages


def test_the_weights_are_found_among_other_tensors(tmp_path, caplog):
    large = {f"{name}{index}": array for name, array in contiguous().items() for index in range(3)}
    data = {str(index): base_bytes(array) for index, array in enumerate(large.values())}
    weights, loss = state(large, old=False), tensor("0", large["layer.weight0"], old=False)
    for content in (
        {"loss": loss, "ours": weights},
        {"model": weights, "model_ema": weights, "loss": loss},
        {"checkpoint": {"model": {"state_dict": weights}}},
        {"optimizer": weights, "ours": {"only": loss, **weights}, "some": {"only": loss}},
    ):
        found = read_weights(zipped(tmp_path / "a.pth", content, data))
        assert set(found) - {"only"} == set(large)


def test_weights_that_cannot_be_told_apart_are_refused(tmp_path):
    content = {"first": state(EXPECTED, old=False), "second": state(EXPECTED, old=False)}
    with pytest.raises(InputError, match="found several that may be weights: first, second"):
        read_weights(zipped(tmp_path / "a.pth", content, numbers()))


def test_a_whole_network_is_refused_with_advice(tmp_path):
    network = b"\x80\x02ctorch.nn.modules.container\nSequential\n)\x81}X\x08\x00\x00\x00trainingIs"
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("a/data.pkl", network.replace(b"Is", b"\x88s") + b"b.")
    with pytest.raises(
        InputError, match=r"found torch\.nn\.modules\.container\.Sequential .*save the model's state_dict"
    ):
        read_weights(tmp_path / "a.pt")


def test_tensors_as_other_versions_write_them(tmp_path):
    layer = tensor("0", EXPECTED["layer.weight"], old=False)
    utils = "torch._utils"
    kept = Call(Global(utils, "_rebuild_parameter_with_state"), layer, True, {}, {"note": 1})
    marked = Call(
        Global("torch._tensor", "_rebuild_from_type_v2"),
        layer.function,
        Global("torch", "Tensor"),
        layer.arguments,
        {},
    )
    pairs = Call(Global("collections", "OrderedDict"), [["a", layer], ["b", kept], ["c", marked]])
    found = read_weights(zipped(tmp_path / "a.pth", pairs, numbers()))
    same(found, dict.fromkeys("abc", EXPECTED["layer.weight"]))


def test_an_ordered_dictionary(tmp_path):
    same(read_weights(zipped(tmp_path / "a.pth", OrderedDict(state(EXPECTED, old=False)), numbers())))


def test_the_older_form_by_the_oldest_protocol(tmp_path):
    path = streamed(tmp_path / "a.pth", state(EXPECTED), numbers(), sizes())
    content = path.read_bytes()
    magic, version = pickled(0x1950A86A20F9469CFC6C), pickled(1001)
    assert content.startswith(magic + version)
    path.write_bytes(b"L119547037146038801333356L\n.I1001\n." + content[len(magic + version) :])
    same(read_weights(path))


def test_numbers_without_checksums(tmp_path):
    """PyTorch writes zeros in their place where it is told to compute none."""
    path = zipped(tmp_path / "a.pth", state(EXPECTED, old=False), numbers())
    content = bytearray(path.read_bytes())
    at = content.find(b"PK\1\2")
    while at >= 0:
        content[at + 16 : at + 20] = bytes(4)
        at = content.find(b"PK\1\2", at + 4)
    path.write_bytes(content)
    same(read_weights(path))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x1f\x8b\x08\x00", "a file packed by gzip"),
        (b"\x1c\0\0\0TFL3\0\0", "a TensorFlow Lite file"),
        (bytes(257) + b"ustar\0" + bytes(100), "a tar archive"),
        (pickle.dumps({"a": 1}), "a pickle that PyTorch did not write"),
        (b"\x93NUMPY\1\0", "whose one array has no name"),
        (b"<html>not found</html>", "none of them"),
    ],
)
def test_files_of_other_forms_are_named(tmp_path, content, told):
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(InputError, match=f"expected weights as PyTorch, .*, found .*{told}"):
        read_weights(tmp_path / "a.pth")
