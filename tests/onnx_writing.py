"""ONNX files of tests, byte by byte: no package writes them, so that damaged and hostile ones can be made.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (the numbers of the fields)
"""

import numpy as np

FLOAT, UINT8, INT64, FLOAT16 = 1, 2, 7, 10
KINDS = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64, np.dtype(np.float16): FLOAT16}


def varint(value):
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def message(*pairs):
    """Fields in order: numbers as varints, texts and bytes with their length."""
    out = b""
    for number, value in pairs:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            content = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(content)) + content
    return out


def tensor(name, array, location=None):
    """A weight; its numbers are in another file where a location is given."""
    array = np.asarray(array)
    pairs = [*((1, side) for side in array.shape), (2, KINDS[array.dtype]), (8, name)]
    if location is None:
        return message(*pairs, (9, array.tobytes()))
    return message(*pairs, (13, message((1, "location"), (2, location))), (14, 1))


def port(name, kind, shape):
    """An input or output; a side that is a text is open."""
    sides = [(1, message((1, side)) if isinstance(side, int) else message((2, side))) for side in shape]
    return message((1, name), (2, message((1, message((1, kind), (2, message(*sides)))))))


def node(operation, inputs, outputs, **attributes):
    named = [
        (5, message((1, name), (3, value), (20, 2)) if isinstance(value, int) else value)
        for name, value in attributes.items()
    ]
    return message(*((1, one) for one in inputs), *((2, one) for one in outputs), (4, operation), *named)


def model(nodes, inputs, outputs, tensors=(), metadata=None, opset=17):
    """The bytes of a file."""
    graph = message(
        *((1, one) for one in nodes),
        (2, "graph"),
        *((5, one) for one in tensors),
        *((11, one) for one in inputs),
        *((12, one) for one in outputs),
    )
    entries = [(14, message((1, name), (2, text))) for name, text in (metadata or {}).items()]
    return message((1, 8), (7, graph), (8, message((1, ""), (2, opset))), *entries)


def dense(shape, classes=4, last=None, kind=FLOAT, weights=None, outputs=("answer",), **more):
    """A dense layer on images of a shape, and an operation after it.

    Args:
      shape: of the input, the batch first; a text stands for any length.
      classes: of the outputs.
      last: "Softmax" or "Sigmoid", or none.
      kind: of the input.
      weights: `[values, classes]` float32; random ones by default.
      outputs: names; the answer under each of them.
      **more: of `model`.
    Returns:
      The bytes of the file, and the weights.
    """
    values = int(np.prod([side for side in shape[1:] if isinstance(side, int)]))
    if weights is None:
        weights = np.random.default_rng(7).normal(size=(values, classes)).astype(np.float32)
    steps = [node("Cast", ["image"], ["numbers"], to=FLOAT), node("Flatten", ["numbers"], ["row"], axis=1)]
    steps.append(node("MatMul", ["row", "weights"], ["logits"]))
    steps += [node(last or "Identity", ["logits"], [name]) for name in outputs]
    content = model(
        steps,
        [port("image", kind, shape)],
        [port(name, FLOAT, (shape[0], classes)) for name in outputs],
        [tensor("weights", weights)] if "tensors" not in more else more.pop("tensors"),
        **more,
    )
    return content, weights
