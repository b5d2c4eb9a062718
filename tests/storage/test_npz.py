"""NumPy's files: read as NumPy reads them, or refused in one line, within bounds of time and memory."""

import io
import os
import re
import struct
import zipfile
import zlib

import numpy as np
import pytest
import refusals

from fooljax.errors import InputError
from fooljax.storage.npz import read_npy, read_npz

ARRAYS = {
    "plain": np.arange(12, dtype=np.float32).reshape(3, 4),
    "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big-endian": np.arange(5, dtype=">i4"),
    "no dimension": np.asarray(7, np.uint64),
    "nothing in it": np.zeros((0, 3), np.float16),
    "booleans": np.asarray([True, False]),
    "deep/name": np.arange(-3, 3, dtype=np.int8),
}


def npy(array, **kwargs):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), **kwargs)
    return stream.getvalue()


def headed(header, numbers=b"", version=1):
    header = header if isinstance(header, bytes) else header.encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + numbers


def zipped(path, entries, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def refused(path, told, read=read_npz):
    """The file is refused as any damaged one is, and the line begins with its name."""
    message = refusals.refused(path, told, read)
    assert message.startswith(str(path)) or message.startswith(f"cannot read {path}")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_read_as_numpy_reads_them(tmp_path, save):
    save(tmp_path / "a.npz", **ARRAYS)
    found = read_npz(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as expected:
        assert list(found) == list(expected)
        for name, array in found.items():
            np.testing.assert_array_equal(array, expected[name])
            assert array.dtype == expected[name].dtype.newbyteorder("=")
            assert array.flags.writeable
            assert array.flags.aligned


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_a_single_array_in_every_version_of_the_format(tmp_path, name, version):
    (tmp_path / "a").write_bytes(npy(ARRAYS[name], version=version))
    np.testing.assert_array_equal(read_npy(tmp_path / "a"), ARRAYS[name])


@pytest.mark.parametrize(
    "header",
    [
        "{'shape': (2, 1), 'fortran_order': False, 'descr': '<i2'}",
        '{"descr":"<i2","fortran_order":False,"shape":(2,1),}   \n',
        "{ 'descr' : '<i2' , 'fortran_order' : False , 'shape' : ( 2L , 1L ) }",
    ],
)
def test_headers_as_other_programs_write_them(tmp_path, header):
    (tmp_path / "a.npy").write_bytes(headed(header, b"\1\0\2\0"))
    np.testing.assert_array_equal(read_npy(tmp_path / "a.npy"), [[1], [2]])


def test_the_form_of_large_zips(tmp_path):
    """Sizes and places with 64 bits in the directory, as files of more than 4 GiB have them."""
    path = zipped(tmp_path / "a.npz", {"x.npy": npy(np.arange(3))})
    content = bytearray(path.read_bytes())
    begin, end = content.index(b"PK\1\2"), content.index(b"PK\5\6")
    wide = struct.pack("<2H3Q", 1, 24, *struct.unpack_from("<II", content, begin + 20), 0)
    entry = content[begin:end]
    entry[20:28] = entry[42:46] * 0 + b"\xff" * 8
    entry[42:46] = b"\xff" * 4
    entry[30:32] = struct.pack("<H", len(wide))
    entry += wide
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(entry), begin)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, begin + len(entry), 1)
    last = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    path.write_bytes(content[:begin] + entry + record + locator + last)
    assert zipfile.ZipFile(path).namelist() == ["x.npy"]
    np.testing.assert_array_equal(read_npz(path)["x"], np.arange(3))


OTHER_KINDS = {
    "complex": (np.zeros(2, complex), "complex numbers"),
    "text": (np.asarray(["a", "b"]), "text"),
    "bytes": (np.asarray([b"a", b"b"]), "text"),
    "structures": (np.zeros(2, [("x", "f4"), ("y", "i2")]), "no header of a plain array"),
    "raw bytes": (np.zeros(2, "V3"), "structures, or numbers of another library"),
    "dates": (np.zeros(2, "M8[s]"), "dates"),
    "durations": (np.zeros(2, "m8[s]"), "durations"),
    "objects": (np.asarray([{}, []], object), "Python objects"),
    "long doubles": (
        np.zeros(2, np.longdouble),
        "floating point numbers of another width|found .* bytes for",
    ),
}


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_what_is_no_plain_number_is_named(tmp_path, kind):
    array, told = OTHER_KINDS[kind]
    refused(zipped(tmp_path / "a.npz", {"x.npy": npy(array)}), told)
    (tmp_path / "a.npy").write_bytes(npy(array))
    refused(tmp_path / "a.npy", told, read_npy)


HEADERS = {
    "cut off in a string": "{'descr': '<f4",
    "a token that is none": "{'descr': '<f4', 'fortran_order': False, 'shape': (2 $, ), }",
    "deep": "(" * 9000,
    "many signs": "-" * 9000 + "1",
    "a call": "{'descr': '<f4', 'fortran_order': False, 'shape': print(1), }",
    "a list": "[1, 2]",
    "a missing field": "{'descr': '<f4', 'shape': (2,), }",
    "a field twice": "{'descr': '<f4', 'descr': '<f4', 'shape': (2,), }",
    "another field": "{'descr': '<f4', 'fortran_order': False, 'shapes': (2,), }",
    "a number as kind": "{'descr': 4, 'fortran_order': False, 'shape': (2,), }",
    "a kind that is none": "{'descr': '<f4,i2', 'fortran_order': False, 'shape': (2,), }",
    "a nested kind": "{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (2,), }",
    "a negative size": "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }",
    "a broken size": "{'descr': '<f4', 'fortran_order': False, 'shape': (2.0,), }",
    "a size of 5,000 digits": f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'9' * 5000},), }}",
    "sizes beyond 64 bits": f"{{'descr': '<f4', 'fortran_order': False, 'shape': (0, {2**62}, {2**62}), }}",
    "thousands of sizes": f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'1,' * 4000}), }}",
    "terabytes": f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**40},), }}",
    "blanks": " " * 10_000,
    "control characters": b"\x1b[31m\x00\xff\x9b",
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_describe_no_array(tmp_path, name):
    content = headed(HEADERS[name], bytes(8))
    refused(
        zipped(tmp_path / "a.npz", {"x.npy": content}),
        "expected an .npz file of plain arrays, in x.npy found",
    )
    (tmp_path / "a.npy").write_bytes(content)
    refused(tmp_path / "a.npy", "expected an .npy file, found", read_npy)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x09\0\0\0\0\0",
        headed("", version=2)[:8] + b"\xff" * 4 + bytes(50),
        npy(np.arange(4))[:-1],
        npy(np.arange(4)) + b"\0",
        headed("{'descr': '|b1', 'fortran_order': False, 'shape': (1,), }", b"\2"),
        b"hello, this is a text",
    ],
)
def test_arrays_that_are_damaged(tmp_path, content):
    refused(zipped(tmp_path / "a.npz", {"x.npy": content}), "in x.npy found")
    (tmp_path / "a.npy").write_bytes(content)
    refused(tmp_path / "a.npy", "expected an .npy file, found", read_npy)


def test_one_array_in_place_of_many_and_the_other_way_round(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(3))
    refused(tmp_path / "a.npy", "found an .npy file, whose one array has no name")
    np.savez(tmp_path / "a.npz", a=np.arange(3))
    refused(tmp_path / "a.npz", "found no array as NumPy writes it", read_npy)


def test_an_entry_that_is_no_array_is_named(tmp_path):
    path = zipped(tmp_path / "a.npz", {"x.npy": npy(np.arange(3)), "notes\x1b[31m.txt": "hello"})
    refused(path, r"an entry that is no \.npy file: notes\\x1b\[31m\.txt")


def test_folders_within_a_zip_are_passed_over(tmp_path):
    path = zipped(tmp_path / "a.npz", {"deep/": b"", "deep/x.npy": npy(np.arange(3))})
    assert list(read_npz(path)) == ["deep/x"]


# What a zip can claim.


def test_entries_that_would_fill_the_memory(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(2**24))
    refused(
        tmp_path / "a.npz", "found 134,217,856 bytes packed into 130,[0-9]+, where 10,485,760 are the most"
    )
    assert read_npz(tmp_path / "a.npz", expansion=40)["a"].shape == (2**24,)


def test_an_entry_that_unpacks_to_more_than_it_says(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.zeros(2**24))
    content = bytearray(path.read_bytes())
    size = content.index(b"PK\1\2") + 24
    content[size : size + 4] = struct.pack("<I", 1000)
    path.write_bytes(content)
    refused(path, r"another size than its zip says \(a\.npy\)")
    small = headed("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", bytes(2**24))
    zipped(path, {"a.npy": small}, zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    size = content.index(b"PK\1\2") + 24
    content[size : size + 4] = struct.pack("<I", len(small) - 2**24 + 2)
    path.write_bytes(content)
    refused(path, "found an entry of another size than its zip says")


def test_entries_that_lie_over_each_other(tmp_path):
    """Many entries of the directory that share the same packed bytes: how a megabyte becomes four hundred."""
    array = npy(np.random.default_rng(0).integers(0, 256, 2**16, np.uint8))
    path = zipped(tmp_path / "a.npz", {"x.npy": array})
    content = path.read_bytes()
    begin, end = content.index(b"PK\1\2"), content.rindex(b"PK\5\6")
    last = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 2, 2, 2 * (end - begin), begin, 0)
    path.write_bytes(content[:begin] + 2 * content[begin:end] + last)
    refused(path, "entries of one name")
    # With names of their own, each needs a header of its own: one stands in the other's bytes.
    inner = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, zlib.crc32(array), *[len(array)] * 2, 5, 0)
    whole = inner + b"b.npy" + array
    outer = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, zlib.crc32(whole), *[len(whole)] * 2, 5, 0)
    entries = b"".join(
        struct.pack(
            "<4s6H3I5H2I",
            b"PK\1\2",
            20,
            20,
            0,
            0,
            0,
            0,
            zlib.crc32(one),
            *[len(one)] * 2,
            5,
            0,
            0,
            0,
            0,
            0,
            at,
        )
        + name
        for name, one, at in ((b"a.npy", whole, 0), (b"b.npy", array, 35))
    )
    first = outer + b"a.npy" + whole
    last = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 2, 2, len(entries), len(first), 0)
    path.write_bytes(first + entries + last)
    assert zipfile.ZipFile(path).read("b.npy") == array
    refused(path, "entries lie over each other")


def changed(path, place, value, form="<H"):
    """A zip in whose directory one field is another."""
    content = bytearray(zipped(path, {"x.npy": npy(np.arange(64))}, zipfile.ZIP_DEFLATED).read_bytes())
    begin = content.index(b"PK\1\2")
    struct.pack_into(form, content, begin + place, value)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("place", "value", "form", "told"),
    [
        (8, 1, "<H", "encrypted or patched"),
        (8, 0x20, "<H", "encrypted or patched"),
        (8, 0x2000, "<H", "encrypted or patched"),
        (10, 12, "<H", "packed by method 12"),
        (10, 99, "<H", "packed by method 99"),
        (10, 0, "<H", "entries are longer than it says"),
        (16, 1, "<I", r"checksum is wrong \(x\.npy\)"),
        (20, 2**31, "<I", "entries are longer than it says"),
        (20, 150, "<I", "another size than its zip says"),
        (24, 2**32 - 1, "<I", "directory is damaged"),
        (24, 2**32 - 2, "<I", "4,294,967,294 bytes packed into"),
        (28, 60_000, "<H", "directory is damaged"),
        (42, 2**31, "<I", "entries are longer than it says"),
        (42, 1, "<I", "directory and entries disagree"),
        (46, 0xFF, "<B", "directory and entries disagree"),
    ],
)
def test_a_directory_that_is_not_true(tmp_path, place, value, form, told):
    refused(changed(tmp_path / "a.npz", place, value, form), told)


def test_bytes_that_cannot_be_unpacked(tmp_path):
    path = zipped(tmp_path / "a.npz", {"x.npy": npy(np.arange(64))}, zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    content[40:60] = b"\xff" * 20
    path.write_bytes(content)
    refused(path, "cannot be unpacked|another size|no array as NumPy writes it|checksum")


def test_more_entries_than_a_network_has(tmp_path):
    """A directory's entries take more memory than bytes in the file."""
    one = struct.pack("<4s6H3I5H2I", b"PK\1\2", *[0] * 16)
    content = one * 30_000
    last = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 30_000, 30_000, len(content), 0, 0)
    (tmp_path / "a.npz").write_bytes(content + last)
    refused(tmp_path / "a.npz", "a zip of 30,000 entries")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_file_that_is_cut_off_anywhere(tmp_path, save):
    path = tmp_path / "a.npz"
    save(path, a=np.arange(20), b=np.arange(20))
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"expected an \.npz file of plain arrays, found (no|a) zip"):
            read_npz(path)


@pytest.mark.parametrize("read", [read_npz, read_npy])
def test_what_is_no_file(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path / "missing", tmp_path):
        refused_path = re.escape(f"cannot read {path}: ")
        with pytest.raises(InputError, match=refused_path):
            read(path)
    with pytest.raises(InputError, match="a pipe or a device"):
        read(type(tmp_path)("/dev/zero"))
