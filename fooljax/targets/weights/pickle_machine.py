"""The memory of a reader of pickles: stack, marks and memo, and how much of it a file may have.

Nothing here imports, calls or believes anything that a pickle says.
"""

import pickletools
from collections.abc import Callable
from typing import Any, NamedTuple

from fooljax.errors import shown

SMALL = 4 * 2**20
"""A smaller file may make as many values as one of this many bytes."""
MIN_INSTRUCTIONS, MAX_INSTRUCTIONS = 200_000, 1_000_000
"""A network takes about 30 for each of its tensors, which come to less than ten thousand."""
BYTES_PER_INSTRUCTION = 200
"""Of a file, where that allows a number between the two."""
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


class PickleError(ValueError):
    """This is no pickle that is read here; says what was found."""


class Unread(NamedTuple):
    """What only code of its own could make."""

    what: str


class Name(NamedTuple):
    """What the pickle wants imported; here it is only a name."""

    module: str
    name: str

    def __str__(self) -> str:
        return shown(f"{self.module}.{self.name}", 80)


class Machine:
    """What the instructions of a pickle work on.

    Attributes:
      content: bytes that begin with a pickle.
      at: the byte behind what was read last.
      stack: values.
      marks: lengths of the stack that instructions go back to.
      memo: values that were put aside, by their number.
      call: what stands for a call of a function with arguments, neither of which is more than values.
      refer: what stands for a reference to something outside of the pickle.
    """

    def __init__(
        self,
        content: bytes,
        file_size: int,
        call: Callable[[Name, tuple[Any, ...]], Any],
        refer: Callable[[Any], Any],
    ) -> None:
        """Begins at the first byte.

        Args:
          content: bytes that begin with a pickle.
          file_size: bytes of the whole file; the values take at most twice as much, or 8 MiB.
          call: what stands for a call of a function with arguments, neither of which is more than values.
          refer: what stands for a reference to something outside of the pickle.
        """
        self.at = 0
        self.content = content
        self._memory = 2 * max(file_size, SMALL)
        self._instructions = min(max(MIN_INSTRUCTIONS, file_size // BYTES_PER_INSTRUCTION), MAX_INSTRUCTIONS)
        self.call = call
        self.refer = refer
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def spend(self, memory: int) -> None:
        """Counts an instruction, and the bytes that its value may take.

        Raises:
          PickleError: there were too many of either for a file of this size.
        """
        self._memory -= memory
        self._instructions -= 1
        if self._memory < 0:
            raise PickleError("found a pickle of more values than a file of this size holds")
        if self._instructions < 0:
            raise PickleError("found a pickle of more instructions than a file of this size needs")

    def argument(self, size: int) -> bytes:
        """The bytes that belong to an instruction; `size` as in `pickletools`."""
        start = self.at
        if size == pickletools.UP_TO_NEWLINE:
            end = self.content.index(b"\n", start)
            self.at = end + 1
        else:
            if size < 0:
                width = _LENGTHS[size]
                size = int.from_bytes(self.content[start : start + width], "little")
                start += width
            self.at = end = start + size
        if end > len(self.content):
            raise PickleError("found a pickle that is cut off")
        return self.content[start:end]

    def since_mark(self) -> list[Any]:
        """Takes what the stack holds since the last mark."""
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        self.spend(8 * len(items))
        return items


def kind_of(value: Any) -> str:
    """A value's kind in words; never the value, which may be nested without end."""
    if isinstance(value, Unread):
        return value.what
    if isinstance(value, Name):
        return f"the name {value}"
    return f"something of type {type(value).__name__.strip('_').lower()}"
