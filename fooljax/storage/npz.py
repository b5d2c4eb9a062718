"""Reads NumPy's files of any origin: `.npy` and `.npz` of plain numbers, and of text where that is asked for.

NumPy's own reader hands the header of each array to Python's parser and believes what the zip says, so a
damaged or hostile file can end in a dozen kinds of exception, or in all memory. Here a header is matched
against the one form that it has, and nothing is allocated before the file is known to hold it.
"""

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown
from fooljax.storage.reading import name_of, read_regular
from fooljax.storage.zips import ZipError, pieces, read_entries

EXPANSION = 2.5
"""Bytes that a byte of a compressed file may unpack to; weights and genomes hardly compress."""
SMALL = 4 * 2**20
"""A smaller file may unpack to as much as one of this many bytes."""
NPY_START = b"\x93NUMPY"
MOST_BYTES = 2**40
MAX_RANK = 32
_MAX_HEADER = 10_000
_FIELD = r"'(\w+)':('[^']*'|True|False|\((?:\d{1,19}L?(?:,|(?=\))))*\))"
_HEADER = re.compile(r"\{(?:" + _FIELD + r",?){3}\}")
_KIND = re.compile(r"'[<>|=]?(b1|\?|[iu][1248]|f[248])'")
_TEXT = re.compile(r"'[<>=]?U([1-9]\d{0,3})'")
_OTHER_KINDS = {
    "c": "complex numbers",
    "f": "floating point numbers of another width",
    "O": "Python objects",
    "S": "text",
    "a": "text",
    "U": "text",
    "M": "dates",
    "m": "durations",
    "V": "structures, or numbers of another library",
}

Arrays = dict[str, npt.NDArray[Any]]


def read_npz(path: Path, *, expansion: float = EXPANSION, text: bool = False) -> Arrays:
    """The arrays of a `.npz` file by name, each with memory of its own.

    Args:
      path: of the file; its name does not matter.
      expansion: how many times the file's size (or 4 MiB, if that is more) all arrays together may have.
      text: whether there may be arrays of text (`U`), too.
    Raises:
      InputError: there is no such regular file, it is damaged, holds anything but arrays of plain real
        numbers and booleans (and text), or would unpack to more than `expansion` allows.
    """
    return npz_arrays(_content(path), name_of(path), expansion=expansion, text=text)


def read_npy(path: Path) -> npt.NDArray[Any]:
    """The array of a `.npy` file.

    Raises:
      InputError: there is no such regular file, it is damaged, or holds anything but plain real numbers or
        booleans.
    """
    return npy_array(_content(path), name_of(path))


def npz_arrays(content: bytes, source: str, *, expansion: float = EXPANSION, text: bool = False) -> Arrays:
    """As `read_npz`, of a file already in memory; `source` is what messages call it."""
    if content.startswith(NPY_START):
        raise InputError(f"{source}: expected an .npz file, found an .npy file, whose one array has no name")
    try:
        entries = read_entries(content)
        most = int(expansion * max(len(content), SMALL))
        claimed = sum(entry.size for entry in entries.values())
        if claimed > most:
            raise _Refused(
                f"found {claimed:,} bytes packed into {len(content):,}, where {most:,} are the most"
            )
        if others := [name for name in entries if not name.endswith(".npy")]:
            raise _Refused(f"found an entry that is no .npy file: {shown(others[0], 60)}")
        arrays = {}
        for name, entry in entries.items():
            try:
                arrays[name.removesuffix(".npy")] = _array(pieces(content, entry), entry.size, text)
            except ZipError as error:
                raise _Refused(f"{error} ({shown(name, 60)})") from error
            except _Refused as error:
                raise _Refused(f"in {shown(name, 60)} {error}") from error
    except (_Refused, ZipError) as error:
        raise InputError(f"{source}: expected an .npz file of plain arrays, {error}") from error
    return arrays


def npy_array(content: bytes, source: str) -> npt.NDArray[Any]:
    """As `read_npy`, of a file already in memory; `source` is what messages call it."""
    try:
        return _array(iter([memoryview(content)]), len(content))
    except _Refused as error:
        raise InputError(f"{source}: expected an .npy file, {error}") from error


class _Refused(ValueError):
    """The file is not of the kind that is read here; says what was found."""


def _content(path: Path) -> bytes:
    try:
        return read_regular(path, MOST_BYTES)
    except MemoryError as error:
        raise InputError(f"{name_of(path)}: expected a file that fits into the memory, found more") from error


def _array(parts: Iterator[memoryview], size: int, with_text: bool = False) -> npt.NDArray[Any]:
    """The array that an .npy file of `size` bytes holds, filled part by part."""
    first = next(parts, memoryview(b""))
    dtype, order, shape, start = _header(bytes(first[: _MAX_HEADER + 12]), with_text)
    expected = math.prod(shape) * dtype.itemsize
    if size - start != expected:
        raise _Refused(f"found {size - start:,} bytes for an array of {expected:,}")
    try:
        array = np.empty(shape, dtype, order)
    except MemoryError:
        raise _Refused(f"found an array of {expected:,} bytes, more than the memory has left") from None
    flat = array.reshape(-1, order=order).view(np.uint8)
    at = 0
    for part in itertools.chain([first[start:]], parts):
        flat[at : at + len(part)] = np.frombuffer(part, np.uint8)
        at += len(part)
    if dtype == np.bool_ and np.any(flat > 1):
        raise _Refused("found booleans that are neither true nor false")
    native = array if dtype.isnative else array.byteswap(inplace=True).view(dtype.newbyteorder("="))
    if dtype.kind == "U" and not _are_characters(native.reshape(-1, order=order).view(np.uint32)):
        raise _Refused("found text that has no such characters")
    return native


def _are_characters(points: npt.NDArray[np.uint32]) -> bool:
    """Whether each number is a character of Unicode, which half of a pair (a surrogate) is not."""
    return bool(np.all((points < 0xD800) | ((points > 0xDFFF) & (points <= 0x10FFFF))))


def _header(head: bytes, with_text: bool) -> tuple[np.dtype[Any], Literal["C", "F"], tuple[int, ...], int]:
    """Type, order and shape of an array, and where its numbers begin."""
    if not head.startswith(NPY_START) or len(head) < 12:
        raise _Refused("found no array as NumPy writes it")
    # Version 1 has two bytes for the header's length, later ones four.
    width = {1: 2, 2: 4, 3: 4}.get(head[6])
    if width is None:
        raise _Refused(f"found version {head[6]} of NumPy's format, where 1 to 3 are known")
    start = 8 + width + int.from_bytes(head[8 : 8 + width], "little")
    text = " ".join(head[8 + width : start].decode("latin-1").split()).replace('"', "'")
    compact = re.sub(r" ?([{}():,]) ?", r"\1", text)
    if start > len(head) or not _HEADER.fullmatch(compact):
        raise _Refused(f"found no header of a plain array, but {shown(text or 'nothing', 80)}")
    fields = dict(re.findall(_FIELD, compact))
    if set(fields) != {"descr", "fortran_order", "shape"}:
        raise _Refused(f"found no header of a plain array, but {shown(text, 80)}")
    kind = fields["descr"]
    if not _KIND.fullmatch(kind) and not (with_text and _TEXT.fullmatch(kind)):
        letter = re.sub("[^A-Za-z]", "", kind)[:1]
        what = _OTHER_KINDS.get(letter, "an unknown kind of number")
        raise _Refused(f"found {what} ({shown(kind, 40)}), where plain real numbers were expected")
    shape = tuple(int(one) for one in re.findall(r"\d+", fields["shape"]))
    dtype = np.dtype(kind.strip("'"))
    order: Literal["C", "F"] = "F" if fields["fortran_order"] == "True" else "C"
    if not possible(shape, dtype.itemsize):
        raise _Refused(f"found an array of shape {shown(fields['shape'], 80)}")
    return dtype, order, shape, start


def possible(shape: Sequence[int], itemsize: int) -> bool:
    """Whether an array can have this shape: NumPy wants the sizes that are not zero to fit into 63 bits."""
    return (
        len(shape) <= MAX_RANK
        and all(size >= 0 for size in shape)
        and math.prod(max(size, 1) for size in shape) * itemsize < 2**63
    )
