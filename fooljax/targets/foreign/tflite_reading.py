"""What a TensorFlow Lite file says of itself, read without running anything.

Sources: the schemas of TensorFlow Lite (tensorflow/compiler/mlir/lite/schema/schema.fbs) and of its metadata
(tflite_support/metadata/metadata_schema.fbs), for the numbers of the fields.
"""

import struct
from typing import Any, NamedTuple

from fooljax.storage.flatbuffer import Table, root
from fooljax.storage.zips import ZipError, pieces, read_entries

OPERATIONS = {14: "Sigmoid", 25: "Softmax"}
RESHAPING = (6, 22, 43, 53, 114)
"""Dequantize, reshape, squeeze, cast, quantize, which change how numbers are stored, not what they mean."""
NORMALISATION = 1
MOST_NAMES = 2**22
"""Bytes of a file with names of classes."""


class TfliteFacts(NamedTuple):
    """What is known of a network in a TensorFlow Lite file.

    Attributes:
      operations: by the place of each output: the operation that gives it, as ONNX calls it, or a number.
      fields: of a `Preprocessing`.
      names: lists of names within the file, of classes perhaps.
    """

    operations: tuple[str, ...]
    fields: dict[str, Any]
    names: tuple[tuple[str, ...], ...]


def read_facts(content: bytes) -> TfliteFacts:
    """Reads what a TensorFlow Lite file says of itself; what is damaged says nothing.

    Args:
      content: of the file.
    """
    names = _names(content)
    try:
        model = root(memoryview(content))
        return TfliteFacts(_operations(model), _normalisation(model), names)
    except (struct.error, IndexError, ValueError, OverflowError):
        return TfliteFacts((), {}, names)


def _operations(model: Table) -> tuple[str, ...]:
    codes = [max(one.number(0, "<b"), one.number(3)) for one in model.tables(1)]
    graph = model.tables(2)[0]
    found: dict[float, str] = {}
    for node in graph.tables(3):
        code = codes[node.number(0, "<I")]
        inputs = node.numbers(1)
        before = found.get(inputs[0]) if code in RESHAPING and inputs else None
        for output in node.numbers(2):
            found[output] = before or OPERATIONS.get(code, f"operation {code}")
    return tuple(found.get(output, "unknown") for output in graph.numbers(2))


def _normalisation(model: Table) -> dict[str, Any]:
    """Mean and deviation of levels from 0 to 255, where the metadata have them."""
    buffers = model.tables(4)
    for entry in model.tables(6):
        if bytes(entry.content(0)) != b"TFLITE_METADATA":
            continue
        metadata = root(buffers[entry.number(1, "<I")].content(0))
        for graph in metadata.tables(3)[:1]:
            for tensor in graph.tables(2)[:1]:
                for unit in tensor.tables(4):
                    options = unit.table(1)
                    if unit.number(0, "<B") == NORMALISATION and options is not None:
                        means, deviations = options.numbers(0, "f"), options.numbers(1, "f")
                        if len(means) in (1, 3) and len(deviations) in (1, 3) and min(deviations) > 0.0:
                            return {"range": (0.0, 255.0), "mean": means, "deviation": deviations}
    return {}


def _names(content: bytes) -> tuple[tuple[str, ...], ...]:
    """The lines of each text in the zip that metadata put behind the network."""
    found = []
    try:
        for name, entry in read_entries(content).items():
            if name.endswith(".txt") and entry.size <= MOST_NAMES:
                text = b"".join(pieces(content, entry)).decode("utf-8", "replace")
                found.append(tuple(line.strip() for line in text.splitlines() if line.strip()))
    except ZipError:
        pass
    return tuple(found)
