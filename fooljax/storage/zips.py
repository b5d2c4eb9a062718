"""Reads zip files of any origin by what their bytes are, not by what their directory claims.

Python's `zipfile` believes the directory: entries may lie over each other, so that a megabyte unpacks to
four hundred, and sizes may be claimed that no bytes stand behind. Here the file is in memory as a whole; each
entry is a range of its bytes that no other entry shares, and unpacking stops at the size that was checked
before. Only what NumPy and PyTorch write is read: one part, not encrypted, stored or deflated.
"""

import itertools
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

MAX_ENTRIES = 20_000
"""The largest networks have some thousands; each entry takes half a kilobyte of memory here."""
MAX_EXTRAS = 16
_STORED, _DEFLATED = 0, 8
_PIECE = 2**20
_UNKNOWN = 0xFFFFFFFF
"""Written where the number itself stands in the entry's extra field, with 64 bits."""


class ZipError(ValueError):
    """The file is no zip of the kind that is read here; says what was found."""


class Entry(NamedTuple):
    """A file within a zip: where its bytes are, and how they are packed."""

    start: int
    packed: int
    size: int
    deflated: bool
    checksum: int


def read_entries(content: bytes) -> dict[str, Entry]:
    """The entries of a zip file by name, folders left out.

    Args:
      content: the whole file.
    Raises:
      ZipError: it is no zip, is damaged or encrypted, has entries that share bytes or a name, or is packed
        in a way that is not known.
    """
    try:
        return _entries(content)
    except (struct.error, UnicodeDecodeError) as error:
        raise ZipError("found a zip whose directory is damaged") from error


def pieces(content: bytes, entry: Entry) -> Iterator[memoryview]:
    """The unpacked bytes of an entry, in pieces of at most a mebibyte, so that no second copy of it is made.

    Raises:
      ZipError: they are not as many as the directory says, or their checksum is another; the last may come
        after all pieces.
    """
    packed = memoryview(content)[entry.start : entry.start + entry.packed]
    left, checksum = entry.size, 0
    for piece in _inflated(packed) if entry.deflated else _split(packed, _PIECE):
        left -= len(piece)
        if left < 0:
            break
        checksum = zlib.crc32(piece, checksum)
        yield piece
    if left:
        raise ZipError("found an entry of another size than its zip says")
    if checksum != entry.checksum:
        raise ZipError("found an entry whose checksum is wrong")


def stored(content: bytes, entry: Entry) -> memoryview:
    """The bytes of an entry that is not packed: a view of the file's.

    A checksum of 0 is none: PyTorch writes it where it is told not to compute any.

    Raises:
      ZipError: it is packed, or its checksum is wrong.
    """
    if entry.deflated:
        raise ZipError("found compressed entries, where stored ones were expected")
    view = memoryview(content)[entry.start : entry.start + entry.size]
    if entry.checksum and zlib.crc32(view) != entry.checksum:
        raise ZipError("found an entry whose checksum is wrong")
    return view


def _inflated(packed: memoryview) -> Iterator[memoryview]:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        # What is not yet unpacked is copied at every call, so it is handed over in small parts.
        for part in _split(packed, 2**16):
            waiting: bytes | memoryview = part
            while waiting:
                yield memoryview(inflate.decompress(waiting, _PIECE))
                waiting = inflate.unconsumed_tail
            if inflate.eof:
                break
        while rest := inflate.decompress(b"", _PIECE):
            yield memoryview(rest)
    except zlib.error as error:
        raise ZipError("found an entry that cannot be unpacked") from error


def _split(view: memoryview, size: int) -> Iterator[memoryview]:
    return (view[start : start + size] for start in range(0, len(view), size))


def _entries(content: bytes) -> dict[str, Entry]:
    count, begin, end = _directory(content)
    if count > MAX_ENTRIES:
        raise ZipError(f"found a zip of {count:,} entries, where {MAX_ENTRIES:,} are the most")
    entries: dict[str, Entry] = {}
    spans = []
    at = begin
    for _ in range(count):
        fixed = struct.unpack_from("<4s4x2H4x3I3H8xI", content, at)
        signature, flags, method, checksum, packed, size, name_size, extra_size, comment_size, header = fixed
        at += 46
        raw_name = content[at : at + name_size]
        extra = content[at + name_size : at + name_size + extra_size]
        at += name_size + extra_size + comment_size
        if signature != b"PK\1\2" or at > end:
            raise ZipError("found a zip whose directory is damaged")
        if flags & ~0x080E:  # how deflate was tried, sizes that follow the bytes, names in UTF-8
            raise ZipError("found a zip that is encrypted or patched")
        if method not in (_STORED, _DEFLATED):
            raise ZipError(f"found a zip packed by method {method}, where stored or deflated was expected")
        size, packed, header = _wide(extra, size, packed, header)
        start = _start(content, header, raw_name)
        if start + packed > begin or (method == _STORED and packed != size):
            raise ZipError("found a zip whose entries are longer than it says")
        spans.append((header, start + packed))
        name = raw_name.decode("utf-8" if flags & 0x800 else "cp437")
        if name in entries:
            raise ZipError("found a zip with two entries of one name")
        if not name.endswith("/"):
            entries[name] = Entry(start, packed, size, method == _DEFLATED, checksum)
    spans.sort()
    if any(one[1] > other[0] for one, other in itertools.pairwise(spans)):
        raise ZipError("found a zip whose entries lie over each other")
    return entries


def _directory(content: bytes) -> tuple[int, int, int]:
    """Number of entries, and begin and end of the directory."""
    last = content.rfind(b"PK\5\6", max(0, len(content) - 22 - 0xFFFF))
    if last < 0:
        raise ZipError("found a zip without its end" if content.startswith(b"PK") else "found no zip")
    parts, count, size, begin, comment = struct.unpack_from("<4xH4xHIIH", content, last)
    end = last
    if last >= 20 and content.startswith(b"PK\6\7", last - 20):  # the form with 64 bits
        end = min(last - 20, struct.unpack_from("<8xQ", content, last - 20)[0])
        signature, parts, count, size, begin = struct.unpack_from("<4s12xI12x3Q", content, end)
        if signature != b"PK\6\6":
            raise ZipError("found a zip whose directory is damaged")
    if parts or last + 22 + comment != len(content) or begin + size != end:
        raise ZipError("found a zip that is cut off, or of several parts")
    return count, begin, end


def _wide(extra: bytes, *numbers: int) -> list[int]:
    """The numbers, those of 64 bits taken from the extra field."""
    wanted = numbers.count(_UNKNOWN)
    at, wide = 0, ()
    for _ in range(MAX_EXTRAS if wanted else 0):
        if at + 4 > len(extra):
            break
        kind, size = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            wide = struct.unpack_from(f"<{wanted}Q", extra, at + 4)
            break
        at += 4 + size
    if len(wide) != wanted:
        raise ZipError("found a zip whose directory is damaged")
    left = iter(wide)
    return [next(left) if number == _UNKNOWN else number for number in numbers]


def _start(content: bytes, header: int, raw_name: bytes) -> int:
    """Where an entry's bytes begin, behind its own header."""
    if header + 30 > len(content):
        raise ZipError("found a zip whose entries are longer than it says")
    signature, name_size, extra_size = struct.unpack_from("<4s22x2H", content, header)
    if signature != b"PK\3\4" or content[header + 30 : header + 30 + name_size] != raw_name:
        raise ZipError("found a zip whose directory and entries disagree")
    return int(header + 30 + name_size + extra_size)
