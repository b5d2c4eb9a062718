"""Damaged and hostile weight files: one line for each, in time and memory that the file's size bounds."""

import os
import signal
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from weight_files import (
    EXPECTED,
    blob,
    field,
    numbers,
    pickled,
    safetensors,
    sizes,
    state,
    streamed,
    tensor,
    varint,
    zipped,
)

from fooljax.errors import InputError
from fooljax.targets.weights import read_mean_image, read_weights
from fooljax.targets.weights.pickles import PickleError, Reader

HEAD = pickled(0x1950A86A20F9469CFC6C) + pickled(1001) + pickled({"little_endian": True})


@pytest.fixture(autouse=True)
def _no_hanging():
    """What would take for ever fails."""

    def fail(*_):
        raise AssertionError("still reading after two minutes")

    signal.signal(signal.SIGALRM, fail)
    signal.alarm(120)
    yield
    signal.alarm(0)


def refused(path, told, read=read_weights):
    begun = time.process_time()
    with pytest.raises(InputError, match=told) as caught:
        read(path)
    assert time.process_time() - begun < 5
    # Apart from the time, which the tracing of memory makes up to twenty times longer.
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=told):
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= max(4 * path.stat().st_size, 2**24)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def written(path, content):
    path.write_bytes(content)
    return path


def test_values_nested_in_each_other_are_never_hashed_or_compared(tmp_path):
    """Each tuple holds the one before twice: its hash, its text and its comparison take 2^80 steps."""
    nested = b"\x80\x02)" + b"2\x86" * 80
    for content in (
        HEAD + pickled({}) + nested + b".",
        HEAD + pickled({}) + b"\x80\x02]" + nested[2:] + b"a.",
        HEAD + b"\x80\x02}" + nested[2:] + b"Ns.",
        HEAD + nested + b".",
        nested + b"." + HEAD,
        pickled(0x1950A86A20F9469CFC6C) + nested + b".",
        HEAD + nested + b"Q.",
        HEAD + b"\x80\x02(X\x07\0\0\0storage" + nested[2:] + b"X\x01\0\0\0aN" + nested[2:] + b"tQ.",
        HEAD + b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n" + nested[2:] + b"R.",
        HEAD + b"\x80\x02ctorch._utils\n_rebuild_parameter\n" + nested[2:] + b"R.",
    ):
        refused(written(tmp_path / "a.pth", content), "expected (a PyTorch file|weights as PyTorch)")
        with zipfile.ZipFile(tmp_path / "b.pth", "w") as archive:
            archive.writestr("a/data.pkl", content[len(HEAD) :] or b".")
        refused(tmp_path / "b.pth", "expected a PyTorch file")


FLOODS = {
    "empty dictionaries": b"}",
    "dictionaries of one": b"}\x8c\x01aNs",
    "lists of one": b"]Na",
    "marks": b"(",
    "numbers": b"J\1\2\3\4",
    "texts": b"X\6\0\0\0ab\xf0\x9f\x98\x80",
    "tuples": b"N\x85",
    "tuples in tuples": b"\x85",
    "places": b"N\x94",
    "names": b"ca\nb\n",
    "calls": b"ccollections\nOrderedDict\n)R",
    "references": b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0aX\3\0\0\0cpuK\1tQ",
    "nothing": b"\x95\0\0\0\0\0\0\0\0",
}


@pytest.mark.parametrize("name", FLOODS)
def test_pickles_of_more_values_than_the_file_has_bytes_for(tmp_path, name):
    flood = b"N" + FLOODS[name] * (2**20 // len(FLOODS[name]))
    refused(written(tmp_path / "a.pth", HEAD + flood + b"."), "expected a PyTorch file")
    with zipfile.ZipFile(tmp_path / "b.pth", "w") as archive:
        archive.writestr("a/data.pkl", flood + b".")
    refused(tmp_path / "b.pth", "expected a PyTorch file")


def test_pickles_of_more_instructions_than_any_network_needs(tmp_path):
    """Values that are thrown away at once take no memory, but time."""
    refused(
        written(tmp_path / "a.pth", HEAD + b"N" + b"N0" * 2**22 + b"."),
        "more instructions than a file of this size",
    )


@pytest.mark.parametrize("file_size", [0, 10**8, 2**32])
def test_the_number_of_instructions_is_bounded_by_the_size_of_the_file(file_size):
    """A network of 6,000 tensors, which takes 30 for each, is read from any file."""
    most = {0: 200_000, 10**8: 500_000, 2**32: 1_000_000}[file_size]
    assert Reader(b"N" + b"2" * (6_000 * 30) + b".", file_size, None, None).load() is None
    with pytest.raises(PickleError, match="more instructions than a file of this size"):
        Reader(b"N" + b"N0" * (most // 2) + b".", file_size, None, None).load()


@pytest.mark.parametrize(
    "content",
    [
        b"\x8d" + struct.pack("<Q", 2**62),
        b"\x8e" + struct.pack("<Q", 2**63),
        b"\x96" + struct.pack("<Q", 2**64 - 1),
        b"X\xff\xff\xff\xff",
        b"B\xff\xff\xff\xff",
        b"T\xff\xff\xff\xff",
        b"\x8b\xff\xff\xff\x7f",
        b"I" + b"9" * 100_000 + b"\n",
        b"L" + b"9" * 100_000 + b"L\n",
        b"F" + b"9" * 100_000 + b"\n",
        b"p" + b"9" * 100_000 + b"\n",
        b"Ng99\n",
        b"I12",
        b"0",
        b"R",
        b"1",
        b"s",
        b"\x81",
        b"o",
        b"(o",
        b"N\x85\x86",
        b"NNs",
        b"}(Nu",
        b"Na",
        b"\x93",
        b"\x82\1",
        b"\x97",
        b"Pname\n",
        b"\xff",
        b"ctorch\n\xff\xfe\n",
        b"X\2\0\0\0\xff\xfe",
    ],
)
def test_instructions_that_claim_what_is_not_there(tmp_path, content):
    refused(written(tmp_path / "a.pth", HEAD + b"\x80\x02" + content + b"."), "expected a PyTorch file")
    refused(written(tmp_path / "a.pth", pickled(0x1950A86A20F9469CFC6C) + content), "expected a PyTorch file")
    with zipfile.ZipFile(tmp_path / "b.pth", "w") as archive:
        archive.writestr("a/data.pkl", content + b".")
    refused(tmp_path / "b.pth", "expected a PyTorch file")


@pytest.mark.parametrize("parts", [(1, 2, 3), (None, 1001, {}), (0x1950A86A20F9469CFC6C, 1001, [])])
def test_the_older_form_with_another_head(tmp_path, parts):
    magic = HEAD if parts[0] is None else b""
    content = magic + b"".join(map(pickled, parts)) + pickled({}) + pickled([])
    refused(written(tmp_path / "a.pth", content), "expected (a PyTorch file|weights as PyTorch)")


@pytest.mark.parametrize("keys", [{"a": 1}, 3, [["0"]], [3], ["0", "0"], ["other"]])
def test_the_older_form_with_other_keys(tmp_path, keys):
    path = streamed(tmp_path / "a.pth", state(EXPECTED), numbers(), sizes())
    before, after = pickled(list(numbers())), pickled(keys)
    path.write_bytes(path.read_bytes().replace(before, after))
    refused(path, "expected a PyTorch file")


def changed(path, place, value, form="<I", mark=b"PK\1\2"):
    """The last entry of the directory with one field that is not true."""
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, content.rindex(mark) + place, value)
    return written(path, content)


@pytest.mark.parametrize(
    ("place", "value", "form", "told"),
    [
        (24, 400_000, "<I", "longer than it says"),
        (20, 400_000, "<I", "longer than it says"),
        (24, 8, "<I", "longer than it says"),
        (42, 2**31, "<I", "longer than it says"),
        (42, 0, "<I", "disagree"),
        (8, 1, "<H", "encrypted or patched"),
        (8, 0x20, "<H", "encrypted or patched"),
        (10, 14, "<H", "packed by method 14"),
        (10, 93, "<H", "packed by method 93"),
        (16, 7, "<I", "checksum is wrong"),
    ],
)
def test_a_zip_directory_is_not_believed(tmp_path, place, value, form, told):
    """A view of an entry is never longer than the bytes that the file has for it."""
    path = zipped(
        tmp_path / "a.pth", {"a": tensor("0", np.ones((2, 3), np.float32), old=False)}, {"0": bytes(24)}
    )
    refused(changed(path, place, value, form), told)


def test_a_directory_of_another_place(tmp_path):
    path = zipped(tmp_path / "a.pth", state(EXPECTED, old=False), numbers())
    for value in (0, 2**31, 2**32 - 1):
        refused(changed(path, 16, value, mark=b"PK\5\6"), "cut off|damaged")


def test_a_storage_that_is_longer_than_its_entry(tmp_path):
    large = tensor("0", np.ones((2, 3), np.float32), old=False, size=100_000, shape=(100_000,), strides=(1,))
    refused(zipped(tmp_path / "a.pth", {"a": large}, {"0": bytes(24)}), "storage 0 shorter than it says")


# Caffe's files.


def layer(content):
    return field(100, field(1, b"conv1") + field(7, content))


@pytest.mark.parametrize(
    "dims",
    [
        (0, 2**63),
        (2**62, 2**62, 0),
        (2**64 - 1, 0),
        (2**32, 2**32),
        (1,) * 40,
        (0,) * 40,
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_dimensions_that_no_array_has(tmp_path, dims, packed):
    inner = field(1, b"".join(map(varint, dims))) if packed else b"".join(field(1, size) for size in dims)
    content = field(7, inner)
    refused(written(tmp_path / "a.caffemodel", layer(content)), "expected a .caffemodel, found a blob of")
    refused(written(tmp_path / "a.binaryproto", content), "expected a mean image", read_mean_image)


def test_fields_that_take_more_memory_than_bytes(tmp_path):
    for many in (field(9, 0), field(9, b""), field(5, b""), field(7, b"")):
        content = field(100, field(1, b"conv1") + many * 2**17)
        refused(written(tmp_path / "a.caffemodel", content), "expected a .caffemodel")
    refused(written(tmp_path / "a.caffemodel", field(100, field(9, 0) * 2**19)), "more than 300,000 fields")


def test_numbers_one_by_one_take_no_more_memory_than_bytes(tmp_path):
    array = np.arange(200_000, dtype=np.float32)
    path = written(tmp_path / "a.caffemodel", layer(blob(array, packed=False)))
    tracemalloc.start()
    found = read_weights(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(found["conv1.weight"], array)
    assert peak <= 4 * path.stat().st_size


def test_layers_of_one_name(tmp_path):
    one = layer(blob(np.ones(3, np.float32)))
    refused(written(tmp_path / "a.caffemodel", one + one), "two layers of the name conv1")


# Safetensors.

ONE = {"a": np.arange(6, dtype=np.float32).reshape(2, 3)}


def test_safetensors_agree_with_their_own_library(tmp_path):
    save_file = pytest.importorskip("safetensors.numpy").save_file
    kinds = ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?")
    arrays = {kind: np.arange(6).astype(kind).reshape(1, 2, 3) for kind in kinds} | {
        "none": np.zeros((0, 2), "f4")
    }
    save_file(arrays, tmp_path / "a.safetensors", {"note": "x"})
    found = read_weights(tmp_path / "a.safetensors")
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize(
    "kind", ["F8_E4M3", "F8_E5M2", "F4", "F6_E2M3", "C64", "x\x1b[31m" + "y" * 5000, None]
)
def test_kinds_of_number_that_are_not_known(tmp_path, kind):
    content = safetensors(ONE, kinds={"a": kind})
    refused(written(tmp_path / "a.safetensors", content), "found (numbers of kind|no tensor under a)")


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"a": 1},
        {"a": {"dtype": "F32", "shape": [2, 3]}},
        {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 12]}},
        {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]}},
        {"a": {"dtype": "F32", "shape": [-2, -3], "data_offsets": [0, 24]}},
        {"a": {"dtype": "F32", "shape": [2.0, 3], "data_offsets": [0, 24]}},
        {"a": {"dtype": "F32", "shape": [True, 6], "data_offsets": [0, 24]}},
        {"a": {"dtype": "F32", "shape": [0, 2**63], "data_offsets": [0, 0]}},
        {"a": {"dtype": "F32", "shape": [1] * 1000, "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [10**400], "data_offsets": [0, 24]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}},
        {name: {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]} for name in "ab"},
    ],
)
def test_headers_that_are_not_true(tmp_path, header):
    content = safetensors(ONE, header=header)
    refused(written(tmp_path / "a.safetensors", content), "expected (a .safetensors file|weights as)")


def test_headers_that_take_more_memory_than_bytes(tmp_path):
    for text in (b'{"a":[' + b"{}," * 2**19, b'{"a":' + b"[" * 2**17, b"{" + b'"a":' * 9):
        head = struct.pack("<Q", len(text))
        refused(written(tmp_path / "a.safetensors", head + text), "expected a .safetensors file, found")


# Mean images.


def test_a_mean_image_as_numpy_writes_it(tmp_path):
    """As Caffe's ilsvrc_2012_mean.npy: float64, blue first, channels first."""
    image = np.random.default_rng(0).uniform(0, 255, (3, 256, 256))
    np.save(tmp_path / "ilsvrc_2012_mean.npy", image)
    found = read_mean_image(tmp_path / "ilsvrc_2012_mean.npy")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, image.transpose(1, 2, 0).astype(np.float32))


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (np.zeros((256, 256, 3)), "3 channels"),
        (np.zeros(3), "3 channels"),
        (np.zeros((3, 0, 8)), "3 channels"),
        (np.zeros((3, 2000, 10)), "at most 768 pixels a side"),
        (np.full((3, 8, 8), np.nan), "levels from 0 to 255"),
        (np.full((3, 8, 8), -104.0), "levels from 0 to 255"),
        (np.full((3, 8, 8), np.inf), "levels from 0 to 255"),
        (np.full((3, 8, 8), 1j), "complex numbers"),
        (np.full((3, 8, 8), "x"), "text"),
    ],
)
def test_mean_images_that_are_none(tmp_path, image, told):
    np.save(tmp_path / "mean.npy", image)
    refused(tmp_path / "mean.npy", told, read_mean_image)


@pytest.mark.parametrize("read", [read_weights, read_mean_image])
def test_what_is_no_file_is_never_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, type(tmp_path)("/dev/zero")):
        with pytest.raises(InputError, match=f"cannot read {path}: expected a file, found"):
            read(path)
