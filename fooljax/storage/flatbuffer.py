"""Flat buffers, read table by table: no schema, no generated code, nothing copied.

Source: https://flatbuffers.dev/internals
"""

import struct
from typing import NamedTuple

MOST = 2**20
"""Members of a vector that are looked at; no more of anything here is of use."""


class Table(NamedTuple):
    """A table: the buffer that it is in, and where it begins there.

    Every method raises `struct.error` where the buffer ends too early.
    """

    buffer: memoryview
    start: int

    def field(self, number: int) -> int | None:
        """Where a field begins; None where the table does not have it."""
        (back,) = struct.unpack_from("<i", self.buffer, self.start)
        form = self.start - back
        (size,) = struct.unpack_from("<H", self.buffer, _inside(form))
        if 4 + 2 * number >= size:
            return None
        (offset,) = struct.unpack_from("<H", self.buffer, form + 4 + 2 * number)
        return self.start + offset if offset else None

    def number(self, number: int, form: str = "<i") -> int:
        """A field that is a number, 0 where the table does not have it; `form` is one of `struct`."""
        at = self.field(number)
        return 0 if at is None else int(struct.unpack_from(form, self.buffer, at)[0])

    def table(self, number: int) -> "Table | None":
        """A field that is a table."""
        at = self.field(number)
        return None if at is None else Table(self.buffer, _follow(self.buffer, at))

    def tables(self, number: int) -> list["Table"]:
        """A field that is a vector of tables."""
        start, count = self._vector(number)
        places = [start + 4 * one for one in range(count)]
        return [Table(self.buffer, _follow(self.buffer, place)) for place in places]

    def numbers(self, number: int, kind: str = "i") -> tuple[float, ...]:
        """A field that is a vector of numbers; `kind` is a letter of `struct`."""
        start, count = self._vector(number)
        return struct.unpack_from(f"<{count}{kind}", self.buffer, start) if count else ()

    def content(self, number: int) -> memoryview:
        """A field that is text or bytes."""
        at = self.field(number)
        if at is None:
            return self.buffer[:0]
        start = _follow(self.buffer, at)
        (size,) = struct.unpack_from("<I", self.buffer, start)
        if start + 4 + size > len(self.buffer):
            raise struct.error("a text that is cut off")
        return self.buffer[start + 4 : start + 4 + size]

    def _vector(self, number: int) -> tuple[int, int]:
        at = self.field(number)
        if at is None:
            return 0, 0
        start = _follow(self.buffer, at)
        (count,) = struct.unpack_from("<I", self.buffer, start)
        return start + 4, min(count, MOST, (len(self.buffer) - start) // 4)


def root(buffer: memoryview) -> Table:
    """The table that a buffer begins with."""
    return Table(buffer, _follow(buffer, 0))


def _follow(buffer: memoryview, at: int) -> int:
    """The place that an offset leads to."""
    return at + int(struct.unpack_from("<I", buffer, _inside(at))[0])


def _inside(at: int) -> int:
    if at < 0:
        raise struct.error("an offset before the beginning")
    return at
