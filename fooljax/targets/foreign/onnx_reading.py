"""What an ONNX file says of itself, read without running anything: metadata, last operations, other files.

Only the fields that are needed are read from the protocol buffer; weights are passed over.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (the numbers of the fields)
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fooljax.errors import InputError
from fooljax.storage.protobuf import ProtobufError, fields

RESHAPING = frozenset(
    ("Cast", "DequantizeLinear", "Dropout", "Flatten", "Identity", "QuantizeLinear", "Reshape", "Squeeze")
)
"""Operations that change how numbers are stored, not what they mean."""
MOST_NESTED = 32
MOST_METADATA = 2**20
"""Bytes of one entry: the names of 21,000 classes take half of it."""

_MODEL = {"graph": 7, "metadata": 14, "functions": 25}
_GRAPH = {"nodes": 1, "initializers": 5, "sparse": 15}
_NODE = {"inputs": 1, "outputs": 2, "operation": 4, "attributes": 5}
_TENSORS_OF_ATTRIBUTE, _GRAPHS_OF_ATTRIBUTE, _SPARSE_OF_ATTRIBUTE = (5, 10), (6, 11), (22, 23)
_TENSORS_OF_SPARSE, _FUNCTION_NODES, _EXTERNAL = (1, 2), 7, 13

Pairs = list[tuple[int, int | memoryview]]


class OnnxFacts(NamedTuple):
    """What is known of a network in an ONNX file.

    Attributes:
      metadata: of the exporter, by name.
      operations: by the name of each output of a node: the operation that gives it, seen through those that
        only reshape.
      files: names of other files that hold weights, as the file has them.
    """

    metadata: Mapping[str, str]
    operations: Mapping[str, str]
    files: tuple[str, ...]


def read_facts(content: bytes, source: str) -> OnnxFacts:
    """Reads what an ONNX file says of itself.

    Args:
      content: of the file.
      source: names it in errors.
    Raises:
      InputError: it is none, or is damaged.
    """
    try:
        model = list(fields(memoryview(content)))
        graphs = _messages(model, _MODEL["graph"])
        if len(graphs) != 1:
            raise ProtobufError("no graph of a network")
        metadata = dict(_entry(entry) for entry in _messages(model, _MODEL["metadata"]))
        files = dict.fromkeys(_files_of_graph(graphs[0], 0))
        for function in _messages(model, _MODEL["functions"]):
            files |= dict.fromkeys(_files_of_nodes(_messages(list(fields(function)), _FUNCTION_NODES), 0))
        return OnnxFacts(metadata, _operations(graphs[0]), tuple(files))
    except ProtobufError as error:
        raise InputError(f"{source}: expected an ONNX file, found {error}") from error


def _messages(pairs: Pairs, *numbers: int) -> list[memoryview]:
    return [value for number, value in pairs if number in numbers and isinstance(value, memoryview)]


def _text(pairs: Pairs, number: int) -> str:
    found = _messages(pairs, number)
    return bytes(found[-1][:MOST_METADATA]).decode("utf-8", "replace") if found else ""


def _entry(message: memoryview) -> tuple[str, str]:
    pairs = list(fields(message))
    return _text(pairs, 1), _text(pairs, 2)


def _operations(graph: memoryview) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in _messages(list(fields(graph)), _GRAPH["nodes"]):  # a file has them in the order of work
        pairs = list(fields(node))
        operation = _text(pairs, _NODE["operation"])
        inputs = _messages(pairs, _NODE["inputs"])
        if operation in RESHAPING and inputs:
            operation = found.get(bytes(inputs[0]).decode("utf-8", "replace"), operation)
        for output in _messages(pairs, _NODE["outputs"]):
            found[bytes(output).decode("utf-8", "replace")] = operation
    return found


def _files_of_graph(graph: memoryview, depth: int) -> Iterator[str]:
    """The files that the weights of a graph are in."""
    pairs = list(fields(graph))
    tensors = _messages(pairs, _GRAPH["initializers"])
    for one in _messages(pairs, _GRAPH["sparse"]):
        tensors += _messages(list(fields(one)), *_TENSORS_OF_SPARSE)
    yield from _files_of_tensors(tensors)
    yield from _files_of_nodes(_messages(pairs, _GRAPH["nodes"]), depth)


def _files_of_nodes(nodes: list[memoryview], depth: int) -> Iterator[str]:
    """The files that constants of nodes are in, and of graphs within them."""
    if depth > MOST_NESTED:
        raise ProtobufError(f"graphs nested more than {MOST_NESTED} deep")
    for node in nodes:
        for attribute in _messages(list(fields(node)), _NODE["attributes"]):
            pairs = list(fields(attribute))
            tensors = _messages(pairs, *_TENSORS_OF_ATTRIBUTE)
            for one in _messages(pairs, *_SPARSE_OF_ATTRIBUTE):
                tensors += _messages(list(fields(one)), *_TENSORS_OF_SPARSE)
            yield from _files_of_tensors(tensors)
            for graph in _messages(pairs, *_GRAPHS_OF_ATTRIBUTE):
                yield from _files_of_graph(graph, depth + 1)


def _files_of_tensors(tensors: list[memoryview]) -> Iterator[str]:
    for tensor in tensors:
        for entry in _messages(list(fields(tensor)), _EXTERNAL):
            name, value = _entry(entry)
            if name == "location":
                yield value
