"""Damaged and hostile PyTorch files: one line for each, in memory that the file's size bounds."""

import io
import struct
import zipfile

import numpy as np
import pytest
from refusals import refused, written
from weight_files import (
    EXPECTED,
    numbers,
    pickled,
    sizes,
    state,
    streamed,
    tensor,
    zipped,
)

from fooljax.targets.weights.pickle_machine import Machine, PickleError
from fooljax.targets.weights.pickles import next_value

HEAD = pickled(0x1950A86A20F9469CFC6C) + pickled(1001) + pickled({"little_endian": True})

pytestmark = pytest.mark.usefixtures("no_hanging")


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


FORMS = {
    "stream": lambda flood: HEAD + flood + b".",
    "archive": lambda flood: zipped_pickle(flood + b"."),
}
"""Both are read by the same machine: for each kind of flood one form is fast, the other slow, in turns."""
FAST = [(name, list(FORMS)[index % 2]) for index, name in enumerate(FLOODS)]


def zipped_pickle(content):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a/data.pkl", content)
    return archive.getvalue()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        (name, form) if (name, form) in FAST else pytest.param(name, form, marks=pytest.mark.slow)
        for name in FLOODS
        for form in FORMS
    ],
)
def test_pickles_of_more_values_than_the_file_has_bytes_for(tmp_path, name, form):
    flood = b"N" + FLOODS[name] * (2**20 // len(FLOODS[name]))
    refused(written(tmp_path / "a.pth", FORMS[form](flood)), "expected a PyTorch file")


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
    assert next_value(Machine(b"N" + b"2" * (6_000 * 30) + b".", file_size, None, None)) is None
    with pytest.raises(PickleError, match="more instructions than a file of this size"):
        next_value(Machine(b"N" + b"N0" * (most // 2) + b".", file_size, None, None))


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
