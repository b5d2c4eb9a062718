"""Records of labelled images: read in either form of the wire, and a damaged one is an error of one kind."""

from hypothesis import given
from hypothesis import strategies as st

from fooljax.data import example_records
from fooljax.storage.protobuf import ProtobufError


def message(*parts):
    """A protocol buffer of fields given as number and bytes or int."""
    out = b""
    for number, value in parts:
        if isinstance(value, int):
            out += bytes([number << 3]) + varint(value)
        else:
            out += bytes([number << 3 | 2]) + varint(len(value)) + value
    return out


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def example(image, label):
    features = [
        (1, message((1, b"label"), (2, label))),
        (1, message((1, b"image"), (2, message((1, message((1, image))))))),
    ]
    return message((1, message(*features)))


def test_a_record_in_either_form_of_the_wire():
    packed, single = message((3, message((1, varint(300))))), message((3, message((1, 300))))
    for label in (packed, single):
        assert example_records.example(example(b"image", label)) == (b"image", 300)
    negative = message((3, message((1, varint(2**64 - 5)))))
    assert example_records.example(example(b"", negative)) == (b"", -5)


@given(st.binary(max_size=80) | st.just(example(b"image", message((3, message((1, 3)))))), st.data())
def test_a_damaged_record_is_a_value_error(record, data):
    raw = bytearray(record)
    if raw:
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place] ^= data.draw(st.integers(1, 255))
    try:
        image, label = example_records.example(bytes(raw))
    except ProtobufError:
        return
    assert isinstance(image, memoryview)
    assert -(2**63) <= label < 2**63
