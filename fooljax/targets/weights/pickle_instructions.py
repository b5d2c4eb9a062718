"""What each instruction of a pickle does here; it makes plain values only.

For an object that only its own code could make, there stands an `Unread` that says which it was, whatever the
pickle does to it.
"""

import pickletools
import struct
from collections.abc import Callable
from typing import Any

from fooljax.targets.weights.pickle_machine import Machine, Name, PickleError, Unread, kind_of

_MAX_DIGITS = 24
_MAX_PLACES = 2**32

# Each function takes the argument of its instruction; those without one ignore it.


def _nothing(machine: Machine, argument: bytes) -> None:
    pass


def _text(machine: Machine, argument: bytes) -> None:
    machine.spend(4 * len(argument))
    machine.stack.append(argument.decode("utf-8", "surrogatepass"))


def _old_text(machine: Machine, argument: bytes) -> None:
    machine.spend(4 * len(argument))
    machine.stack.append(argument.decode("latin-1").strip("'\""))


def _number(machine: Machine, argument: bytes) -> None:
    whole = len(argument) <= _MAX_DIGITS
    number = int.from_bytes(argument, "little", signed=True) if whole else Unread("a large number")
    machine.stack.append(number)


def _size(machine: Machine, argument: bytes) -> None:
    machine.stack.append(int.from_bytes(argument, "little"))


def _written_number(machine: Machine, argument: bytes) -> None:
    text = argument.decode("ascii").rstrip("L")
    if text in ("00", "01"):
        machine.stack.append(text == "01")
    else:
        machine.stack.append(int(text) if len(text) <= _MAX_DIGITS else Unread("a large number"))


def _real(machine: Machine, argument: bytes) -> None:
    machine.stack.extend(struct.unpack(">d", argument))


def _written_real(machine: Machine, argument: bytes) -> None:
    machine.stack.append(float(argument[:40]))


def _bytes(machine: Machine, argument: bytes) -> None:
    machine.stack.append(Unread("bytes"))


def _pop(machine: Machine, argument: bytes) -> None:
    machine.stack.pop()


def _pop_mark(machine: Machine, argument: bytes) -> None:
    machine.since_mark()


def _duplicate(machine: Machine, argument: bytes) -> None:
    machine.stack.append(machine.stack[-1])


def _mark(machine: Machine, argument: bytes) -> None:
    machine.marks.append(len(machine.stack))


def _put(machine: Machine, argument: bytes) -> None:
    machine.memo[_place(int.from_bytes(argument, "little"))] = machine.stack[-1]


def _put_written(machine: Machine, argument: bytes) -> None:
    machine.memo[_place(int(argument[:_MAX_DIGITS]))] = machine.stack[-1]


def _memoize(machine: Machine, argument: bytes) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _get(machine: Machine, argument: bytes) -> None:
    machine.stack.append(machine.memo[int.from_bytes(argument, "little")])


def _get_written(machine: Machine, argument: bytes) -> None:
    machine.stack.append(machine.memo[int(argument[:_MAX_DIGITS])])


def _tuple_of_last(machine: Machine, count: int) -> None:
    if count > len(machine.stack):
        raise PickleError("found a damaged pickle")
    items = tuple(machine.stack[-count:])
    del machine.stack[-count:]
    machine.stack.append(items)


def _tuple(machine: Machine, argument: bytes) -> None:
    machine.stack.append(tuple(machine.since_mark()))


def _list(machine: Machine, argument: bytes) -> None:
    machine.stack.append(machine.since_mark())


def _append(machine: Machine, argument: bytes) -> None:
    _extend(machine, [machine.stack.pop()])


def _appends(machine: Machine, argument: bytes) -> None:
    _extend(machine, machine.since_mark())


def _extend(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if isinstance(target, list):
        machine.spend(8 * len(items))
        target.extend(items)
    elif not isinstance(target, Unread):
        raise PickleError(f"found something appended to {kind_of(target)}")


def _set_item(machine: Machine, argument: bytes) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _update(machine, [key, value])


def _set_items(machine: Machine, argument: bytes) -> None:
    _update(machine, machine.since_mark())


def _dict(machine: Machine, argument: bytes) -> None:
    items = machine.since_mark()
    machine.stack.append({})
    _update(machine, items)


def _update(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if isinstance(target, dict):
        machine.spend(100 * (len(items) // 2))
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Only text names weights; and other keys can be made to take time without end.
            if isinstance(key, str):
                target[key] = value
    elif not isinstance(target, Unread):
        raise PickleError(f"found an item set in {kind_of(target)}")


def _global(machine: Machine, argument: bytes) -> None:
    name = machine.argument(pickletools.UP_TO_NEWLINE)
    machine.spend(4 * (len(argument) + len(name)))
    machine.stack.append(Name(argument.decode(), name.decode()))


def _stack_global(machine: Machine, argument: bytes) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise PickleError("found a name that is no text")
    machine.stack.append(Name(module, name))


def _reduce(machine: Machine, argument: bytes) -> None:
    arguments, function = machine.stack.pop(), machine.stack.pop()
    if isinstance(function, Name) and isinstance(arguments, tuple):
        machine.stack.append(machine.call(function, arguments))
    else:
        machine.stack.append(_made_by(function))


def _instance(machine: Machine, argument: bytes) -> None:
    """Of a class that the pickle names here, with arguments since the mark."""
    _global(machine, argument)
    name = machine.stack.pop()
    machine.since_mark()
    machine.stack.append(_made_by(name))


def _object(machine: Machine, argument: bytes) -> None:
    """Of a class that stands first since the mark."""
    machine.stack.append(_made_by(machine.since_mark()[0]))


def _new(machine: Machine, argument: bytes) -> None:
    machine.stack.pop()
    machine.stack.append(_made_by(machine.stack.pop()))


def _new_with_names(machine: Machine, argument: bytes) -> None:
    machine.stack.pop()
    _new(machine, argument)


def _set(machine: Machine, argument: bytes) -> None:
    machine.stack.append(Unread("a set"))


def _frozen_set(machine: Machine, argument: bytes) -> None:
    machine.since_mark()
    machine.stack.append(Unread("a set"))


def _add_items(machine: Machine, argument: bytes) -> None:
    machine.since_mark()


def _extension(machine: Machine, argument: bytes) -> None:
    machine.stack.append(Unread("an object of a registered kind"))


def _reference(machine: Machine, argument: bytes) -> None:
    machine.stack.append(machine.refer(machine.stack.pop()))


def _made_by(function: Any) -> Unread:
    return Unread(str(function) if isinstance(function, Name) else "an object")


def _place(index: int) -> int:
    if not 0 <= index < _MAX_PLACES:
        raise PickleError("found a damaged pickle")
    return index


_Act = Callable[[Machine, bytes], None]
# Each instruction, what it does, and the bytes that its value may take in memory, counted generously: on the
# stack, where it is put, and as an object with what Python keeps for the collector.
_ACTS: dict[str, tuple[int, _Act]] = {
    "PROTO": (0, _nothing),
    "FRAME": (0, _nothing),
    "NONE": (16, lambda machine, _: machine.stack.append(None)),
    "NEWTRUE": (16, lambda machine, _: machine.stack.append(True)),
    "NEWFALSE": (16, lambda machine, _: machine.stack.append(False)),
    "INT": (48, _written_number),
    "LONG": (48, _written_number),
    "BININT": (48, _number),
    "BININT1": (16, _size),
    "BININT2": (48, _size),
    "LONG1": (48, _number),
    "LONG4": (48, _number),
    "FLOAT": (40, _written_real),
    "BINFLOAT": (40, _real),
    **dict.fromkeys(("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), (96, _text)),
    **dict.fromkeys(("STRING", "BINSTRING", "SHORT_BINSTRING"), (96, _old_text)),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"), (80, _bytes)),
    "EMPTY_TUPLE": (16, lambda machine, _: machine.stack.append(())),
    "EMPTY_LIST": (80, lambda machine, _: machine.stack.append([])),
    "EMPTY_DICT": (80, lambda machine, _: machine.stack.append({})),
    "POP": (16, _pop),
    "POP_MARK": (16, _pop_mark),
    "DUP": (16, _duplicate),
    "MARK": (56, _mark),
    "PUT": (140, _put_written),
    "BINPUT": (140, _put),
    "LONG_BINPUT": (140, _put),
    "MEMOIZE": (140, _memoize),
    "GET": (16, _get_written),
    "BINGET": (16, _get),
    "LONG_BINGET": (16, _get),
    "TUPLE1": (72, lambda machine, _: _tuple_of_last(machine, 1)),
    "TUPLE2": (80, lambda machine, _: _tuple_of_last(machine, 2)),
    "TUPLE3": (88, lambda machine, _: _tuple_of_last(machine, 3)),
    "TUPLE": (72, _tuple),
    "LIST": (80, _list),
    "DICT": (280, _dict),
    "APPEND": (64, _append),
    "APPENDS": (64, _appends),
    "SETITEM": (200, _set_item),
    "SETITEMS": (200, _set_items),
    "GLOBAL": (280, _global),
    "STACK_GLOBAL": (96, _stack_global),
    "REDUCE": (400, _reduce),
    "INST": (400, _instance),
    "OBJ": (160, _object),
    "NEWOBJ": (160, _new),
    "NEWOBJ_EX": (160, _new_with_names),
    "BUILD": (16, _pop),  # the state of an object, or what PyTorch hangs on a dictionary
    "EMPTY_SET": (80, _set),
    "FROZENSET": (80, _frozen_set),
    "ADDITEMS": (16, _add_items),
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), (80, _extension)),
    "BINPERSID": (400, _reference),
}
INSTRUCTIONS: dict[int, tuple[int, int, _Act]] = {
    ord(opcode.code): (0 if opcode.arg is None else opcode.arg.n, *_ACTS[opcode.name])
    for opcode in pickletools.opcodes
    if opcode.name in _ACTS
}
"""By code: bytes of the argument, bytes that the value may take in memory, and what it does."""
