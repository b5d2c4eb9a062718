"""Reads pickles of any origin without unpickling: nothing in them is imported, called or believed.

A pickle is a program for a small machine, and Python's runs whatever it says. This one knows the same
instructions, but makes plain values only. For an object that only its own code could make, there stands an
`Unread` that says which it was, whatever the pickle does to it. The memory that the values may take is
bounded by the size of the file, and so is the number of instructions.
"""

import pickletools
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from fooljax.errors import shown

SMALL = 4 * 2**20
"""A smaller file may make as many values as one of this many bytes."""
MIN_INSTRUCTIONS, MAX_INSTRUCTIONS = 200_000, 1_000_000
"""A network takes about 30 for each of its tensors, which come to less than ten thousand."""
BYTES_PER_INSTRUCTION = 200
"""Of a file, where that allows a number between the two."""
_MAX_DIGITS = 24
_MAX_PLACES = 2**32


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


class Reader:
    """Reads pickles, one after another.

    Attributes:
      at: the byte behind the last pickle that was read.
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
        self._content = content
        self._memory = 2 * max(file_size, SMALL)
        self._instructions = min(max(MIN_INSTRUCTIONS, file_size // BYTES_PER_INSTRUCTION), MAX_INSTRUCTIONS)
        self._call = call
        self._refer = refer
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def load(self) -> Any:
        """The next value.

        Raises:
          PickleError: what follows is no pickle, or has instructions that no data needs, or too many.
        """
        self._stack, self._marks, self._memo = [], [], {}
        try:
            while True:
                code = self._content[self.at]
                if code == _STOP:
                    self.at += 1
                    return self._stack.pop()
                if code not in _INSTRUCTIONS:
                    raise PickleError(f"found the pickle instruction {code:#04x}, which no data needs")
                size, memory, act = _INSTRUCTIONS[code]
                self.at += 1
                argument = self._argument(size)
                self._spend(memory)
                act(self, argument)
        except PickleError:
            raise
        except (IndexError, KeyError, ValueError, TypeError, OverflowError, struct.error) as error:
            raise PickleError(f"found a damaged pickle, near its byte {self.at:,}") from error

    def _spend(self, memory: int) -> None:
        self._memory -= memory
        self._instructions -= 1
        if self._memory < 0:
            raise PickleError("found a pickle of more values than a file of this size holds")
        if self._instructions < 0:
            raise PickleError("found a pickle of more instructions than a file of this size needs")

    def _argument(self, size: int) -> bytes:
        """The bytes that belong to an instruction; `size` as in `pickletools`."""
        start = self.at
        if size == pickletools.UP_TO_NEWLINE:
            end = self._content.index(b"\n", start)
            self.at = end + 1
        else:
            if size < 0:
                width = _LENGTHS[size]
                size = int.from_bytes(self._content[start : start + width], "little")
                start += width
            self.at = end = start + size
        if end > len(self._content):
            raise PickleError("found a pickle that is cut off")
        return self._content[start:end]

    # What the instructions do. Each takes its argument; those without one ignore it.

    def _nothing(self, argument: bytes) -> None:
        pass

    def _text(self, argument: bytes) -> None:
        self._spend(4 * len(argument))
        self._stack.append(argument.decode("utf-8", "surrogatepass"))

    def _old_text(self, argument: bytes) -> None:
        self._spend(4 * len(argument))
        self._stack.append(argument.decode("latin-1").strip("'\""))

    def _number(self, argument: bytes) -> None:
        whole = len(argument) <= _MAX_DIGITS
        number = int.from_bytes(argument, "little", signed=True) if whole else Unread("a large number")
        self._stack.append(number)

    def _size(self, argument: bytes) -> None:
        self._stack.append(int.from_bytes(argument, "little"))

    def _written_number(self, argument: bytes) -> None:
        text = argument.decode("ascii").rstrip("L")
        if text in ("00", "01"):
            self._stack.append(text == "01")
        else:
            self._stack.append(int(text) if len(text) <= _MAX_DIGITS else Unread("a large number"))

    def _real(self, argument: bytes) -> None:
        self._stack.extend(struct.unpack(">d", argument))

    def _written_real(self, argument: bytes) -> None:
        self._stack.append(float(argument[:40]))

    def _bytes(self, argument: bytes) -> None:
        self._stack.append(Unread("bytes"))

    def _pop(self, argument: bytes) -> None:
        self._stack.pop()

    def _pop_mark(self, argument: bytes) -> None:
        self._since_mark()

    def _duplicate(self, argument: bytes) -> None:
        self._stack.append(self._stack[-1])

    def _mark(self, argument: bytes) -> None:
        self._marks.append(len(self._stack))

    def _since_mark(self) -> list[Any]:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        self._spend(8 * len(items))
        return items

    def _put(self, argument: bytes) -> None:
        self._memo[_place(int.from_bytes(argument, "little"))] = self._stack[-1]

    def _put_written(self, argument: bytes) -> None:
        self._memo[_place(int(argument[:_MAX_DIGITS]))] = self._stack[-1]

    def _memoize(self, argument: bytes) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _get(self, argument: bytes) -> None:
        self._stack.append(self._memo[int.from_bytes(argument, "little")])

    def _get_written(self, argument: bytes) -> None:
        self._stack.append(self._memo[int(argument[:_MAX_DIGITS])])

    def _tuple_of_last(self, count: int) -> None:
        if count > len(self._stack):
            raise PickleError("found a damaged pickle")
        items = tuple(self._stack[-count:])
        del self._stack[-count:]
        self._stack.append(items)

    def _tuple(self, argument: bytes) -> None:
        self._stack.append(tuple(self._since_mark()))

    def _list(self, argument: bytes) -> None:
        self._stack.append(self._since_mark())

    def _append(self, argument: bytes) -> None:
        self._extend([self._stack.pop()])

    def _appends(self, argument: bytes) -> None:
        self._extend(self._since_mark())

    def _extend(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            self._spend(8 * len(items))
            target.extend(items)
        elif not isinstance(target, Unread):
            raise PickleError(f"found something appended to {kind_of(target)}")

    def _set_item(self, argument: bytes) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._update([key, value])

    def _set_items(self, argument: bytes) -> None:
        self._update(self._since_mark())

    def _dict(self, argument: bytes) -> None:
        items = self._since_mark()
        self._stack.append({})
        self._update(items)

    def _update(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, dict):
            self._spend(100 * (len(items) // 2))
            for key, value in zip(items[::2], items[1::2], strict=True):
                # Only text names weights; and other keys can be made to take time without end.
                if isinstance(key, str):
                    target[key] = value
        elif not isinstance(target, Unread):
            raise PickleError(f"found an item set in {kind_of(target)}")

    def _global(self, argument: bytes) -> None:
        name = self._argument(pickletools.UP_TO_NEWLINE)
        self._spend(4 * (len(argument) + len(name)))
        self._stack.append(Name(argument.decode(), name.decode()))

    def _stack_global(self, argument: bytes) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise PickleError("found a name that is no text")
        self._stack.append(Name(module, name))

    def _reduce(self, argument: bytes) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        if isinstance(function, Name) and isinstance(arguments, tuple):
            self._stack.append(self._call(function, arguments))
        else:
            self._stack.append(_made_by(function))

    def _instance(self, argument: bytes) -> None:
        """Of a class that the pickle names here, with arguments since the mark."""
        self._global(argument)
        name = self._stack.pop()
        self._since_mark()
        self._stack.append(_made_by(name))

    def _object(self, argument: bytes) -> None:
        """Of a class that stands first since the mark."""
        self._stack.append(_made_by(self._since_mark()[0]))

    def _new(self, argument: bytes) -> None:
        self._stack.pop()
        self._stack.append(_made_by(self._stack.pop()))

    def _new_with_names(self, argument: bytes) -> None:
        self._stack.pop()
        self._new(argument)

    def _set(self, argument: bytes) -> None:
        self._stack.append(Unread("a set"))

    def _frozen_set(self, argument: bytes) -> None:
        self._since_mark()
        self._stack.append(Unread("a set"))

    def _add_items(self, argument: bytes) -> None:
        self._since_mark()

    def _extension(self, argument: bytes) -> None:
        self._stack.append(Unread("an object of a registered kind"))

    def _reference(self, argument: bytes) -> None:
        self._stack.append(self._refer(self._stack.pop()))


def kind_of(value: Any) -> str:
    """A value's kind in words; never the value, which may be nested without end."""
    if isinstance(value, Unread):
        return value.what
    if isinstance(value, Name):
        return f"the name {value}"
    return f"something of type {type(value).__name__.strip('_').lower()}"


def _made_by(function: Any) -> Unread:
    return Unread(str(function) if isinstance(function, Name) else "an object")


def _place(index: int) -> int:
    if not 0 <= index < _MAX_PLACES:
        raise PickleError("found a damaged pickle")
    return index


_Act = Callable[[Reader, bytes], None]
# Each instruction, what it does, and the bytes that its value may take in memory, counted generously: on the
# stack, where it is put, and as an object with what Python keeps for the collector.
_ACTS: dict[str, tuple[int, _Act]] = {
    "PROTO": (0, Reader._nothing),
    "FRAME": (0, Reader._nothing),
    "NONE": (16, lambda reader, _: reader._stack.append(None)),
    "NEWTRUE": (16, lambda reader, _: reader._stack.append(True)),
    "NEWFALSE": (16, lambda reader, _: reader._stack.append(False)),
    "INT": (48, Reader._written_number),
    "LONG": (48, Reader._written_number),
    "BININT": (48, Reader._number),
    "BININT1": (16, Reader._size),
    "BININT2": (48, Reader._size),
    "LONG1": (48, Reader._number),
    "LONG4": (48, Reader._number),
    "FLOAT": (40, Reader._written_real),
    "BINFLOAT": (40, Reader._real),
    **dict.fromkeys(("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), (96, Reader._text)),
    **dict.fromkeys(("STRING", "BINSTRING", "SHORT_BINSTRING"), (96, Reader._old_text)),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"), (80, Reader._bytes)),
    "EMPTY_TUPLE": (16, lambda reader, _: reader._stack.append(())),
    "EMPTY_LIST": (80, lambda reader, _: reader._stack.append([])),
    "EMPTY_DICT": (80, lambda reader, _: reader._stack.append({})),
    "POP": (16, Reader._pop),
    "POP_MARK": (16, Reader._pop_mark),
    "DUP": (16, Reader._duplicate),
    "MARK": (56, Reader._mark),
    "PUT": (140, Reader._put_written),
    "BINPUT": (140, Reader._put),
    "LONG_BINPUT": (140, Reader._put),
    "MEMOIZE": (140, Reader._memoize),
    "GET": (16, Reader._get_written),
    "BINGET": (16, Reader._get),
    "LONG_BINGET": (16, Reader._get),
    "TUPLE1": (72, lambda reader, _: reader._tuple_of_last(1)),
    "TUPLE2": (80, lambda reader, _: reader._tuple_of_last(2)),
    "TUPLE3": (88, lambda reader, _: reader._tuple_of_last(3)),
    "TUPLE": (72, Reader._tuple),
    "LIST": (80, Reader._list),
    "DICT": (280, Reader._dict),
    "APPEND": (64, Reader._append),
    "APPENDS": (64, Reader._appends),
    "SETITEM": (200, Reader._set_item),
    "SETITEMS": (200, Reader._set_items),
    "GLOBAL": (280, Reader._global),
    "STACK_GLOBAL": (96, Reader._stack_global),
    "REDUCE": (400, Reader._reduce),
    "INST": (400, Reader._instance),
    "OBJ": (160, Reader._object),
    "NEWOBJ": (160, Reader._new),
    "NEWOBJ_EX": (160, Reader._new_with_names),
    "BUILD": (16, Reader._pop),  # the state of an object, or what PyTorch hangs on a dictionary
    "EMPTY_SET": (80, Reader._set),
    "FROZENSET": (80, Reader._frozen_set),
    "ADDITEMS": (16, Reader._add_items),
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), (80, Reader._extension)),
    "BINPERSID": (400, Reader._reference),
}
_STOP = ord(".")
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_INSTRUCTIONS: dict[int, tuple[int, int, _Act]] = {
    ord(opcode.code): (0 if opcode.arg is None else opcode.arg.n, *_ACTS[opcode.name])
    for opcode in pickletools.opcodes
    if opcode.name in _ACTS
}
