"""The wire form of protocol buffers, read field by field: no schema, no generated code, nothing copied.

Source: https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterator


class ProtobufError(ValueError):
    """The bytes are no protocol buffer; says what was found."""


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """A message's fields in order: number and value.

    A varint comes as an unsigned int of at most 64 bits; what has a length, and a number of fixed width, as a
    view of the message's bytes.

    Raises:
      ProtobufError: the message is cut off or damaged.
    """
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        kind, number = tag & 7, tag >> 3
        if kind == 0:
            value, at = varint(message, at)
            yield number, value
            continue
        if kind == 2:
            size, at = varint(message, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ProtobufError(f"no protocol buffer (wire type {kind} at byte {at})")
        if at + size > len(message):
            raise ProtobufError(f"a field of {size:,} bytes where {len(message) - at:,} are left")
        yield number, message[at : at + size]
        at += size


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """The unsigned integer that begins at a byte, and where it ends.

    Raises:
      ProtobufError: it is cut off, or of more than 64 bits.
    """
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ProtobufError("a file cut off in a number")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 2**64:
                break
            return value, at
    raise ProtobufError("a number of more than 64 bits")
