"""What a genome's JSON says, checked field by field, and its nodes in topological order."""

import dataclasses
import heapq
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from fooljax.encodings.cppn.genome import MAX_WEIGHT
from fooljax.encodings.cppn.genome_text import shown_value
from fooljax.errors import InputError

FORMAT = "fooljax-cppn"
VERSION = 1
"""Of the format; a change of any kind, a new field too, is a new version."""
MAX_NODES = 65_536
"""The most inputs, hidden nodes and outputs together."""
MAX_SIZE = 65_536
"""The greatest height and width of an image."""
COORDINATES = ("raw", "scaled")
OUTPUTS = {"grey": 1, "hls": 3, "hsv": 3, "rgb": 3}
"""How many outputs each kind of colour has."""

_FIELDS = ("inputs", "outputs", "functions", "nodes", "connections", "coordinates", "size", "colour")
_MAX_ID = 2**31 - 1
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@dataclasses.dataclass(frozen=True)
class Drawing:
    """What is needed besides the genome to draw it.

    Attributes:
      functions: the function set; position `i` is the name of function `i` of the genome.
      coordinates: "raw" (pixel indices) or "scaled" (to [-1, 1]).
      size: `(H, W)` at which the genome evolved, each in 1 ... `MAX_SIZE`.
      colour: "grey" (1 output), "hls", "hsv" or "rgb" (3 outputs).
      inputs: the name of each input.
    """

    functions: tuple[str, ...]
    coordinates: str
    size: tuple[int, int]
    colour: str
    inputs: tuple[str, ...] = ("x", "y", "distance", "bias")


class Network(NamedTuple):
    """A network without padding. Positions count inputs, hidden nodes in topological order, then outputs.

    Attributes:
      drawing: how it is drawn.
      counts: of inputs, hidden nodes, outputs.
      functions: of each position, index into the function set; 0 for an input.
      connections: source position, target position and weight of each, sorted by target.
    """

    drawing: Drawing
    counts: tuple[int, int, int]
    functions: list[int]
    connections: list[tuple[int, int, float]]


def read_network(content: Any, allowed: frozenset[str]) -> Network:
    """Checks everything that the specification asks for, and sorts the nodes."""
    if not isinstance(content, dict):
        raise InputError(f"text: expected a JSON object, found {shown_value(content)}")
    # Before the other fields, so that a later version is named as such.
    for name, value in (("format", FORMAT), ("version", VERSION)):
        if name not in content:
            raise InputError(f"genome: expected the field {name!r}, found none")
        if type(content[name]) is not type(value) or content[name] != value:
            raise InputError(f"{name}: expected {shown_value(value)}, found {shown_value(content[name])}")
    _check_fields(content, "genome", ("format", "version", *_FIELDS))

    for name, choices in (("coordinates", COORDINATES), ("colour", tuple(OUTPUTS))):
        if content[name] not in choices:
            raise InputError(f"{name}: expected {' or '.join(choices)}, found {shown_value(content[name])}")
    size = _list(content, "size")
    if len(size) != 2:
        raise InputError(f"size: expected height and width, found {shown_value(size)}")
    for index, value in enumerate(size):
        _check_int(value, f"size[{index}]", 1, MAX_SIZE)
    function_names = _names(_list(content, "functions"), "functions")
    for index, name in enumerate(function_names):
        if name not in allowed:
            known = ", ".join(sorted(allowed))[:200]
            raise InputError(f"functions[{index}]: expected one of {known}, found {shown_value(name)}")

    inputs, nodes, outputs = (_list(content, name) for name in ("inputs", "nodes", "outputs"))
    if not inputs or not function_names:
        raise InputError(f"{'functions' if inputs else 'inputs'}: expected at least 1, found none")
    if len(inputs) + len(nodes) > MAX_NODES:
        total = len(inputs) + len(nodes)
        raise InputError(f"nodes: expected at most {MAX_NODES} with the inputs, found {total}")
    if len(outputs) != OUTPUTS[content["colour"]]:
        expected = f"{OUTPUTS[content['colour']]} for colour {content['colour']}"
        raise InputError(f"outputs: expected {expected}, found {len(outputs)}")

    places: dict[int, int] = {}  # id -> position
    for index, item in enumerate(inputs):
        _check_fields(item, f"inputs[{index}]", ("id", "name"))
        places[_new_id(item, f"inputs[{index}]", places)] = index
    input_names = _names([item["name"] for item in inputs], "inputs")
    function_index = {name: index for index, name in enumerate(function_names)}
    node_functions: dict[int, int] = {}  # id -> function, in the order of the text
    for index, item in enumerate(nodes):
        _check_fields(item, f"nodes[{index}]", ("id", "function"))
        identity = _new_id(item, f"nodes[{index}]", places)
        name = item["function"]
        if not isinstance(name, str) or name not in function_index:
            raise InputError(
                f"nodes[{index}].function: expected a name listed in functions, found {shown_value(name)}"
            )
        places[identity] = -1  # known, and not placed yet
        node_functions[identity] = function_index[name]
    first_output = len(inputs) + len(nodes) - len(outputs)
    for index, identity in enumerate(outputs):
        _check_int(identity, f"outputs[{index}]", 0, _MAX_ID)
        if identity not in node_functions:
            raise InputError(f"outputs[{index}]: expected the id of a node, found {identity}")
        if places[identity] != -1:
            raise InputError(f"outputs[{index}]: expected each node once, found {identity} twice")
        places[identity] = first_output + index
    hidden = [identity for identity in node_functions if places[identity] == -1]
    for index, identity in enumerate(hidden):
        places[identity] = len(inputs) + index

    connections = []
    for index, item in enumerate(_list(content, "connections")):
        where = f"connections[{index}]"
        _check_fields(item, where, ("source", "target", "weight"))
        for end in ("source", "target"):
            _check_int(item[end], f"{where}.{end}", 0, _MAX_ID)
            if item[end] not in places:
                raise InputError(f"{where}.{end}: expected the id of an input or node, found {item[end]}")
        source, target, weight = places[item["source"]], places[item["target"]], item["weight"]
        if source >= first_output:
            raise InputError(
                f"{where}.source: expected an input or hidden node, found the output {item['source']}"
            )
        if target < len(inputs):
            raise InputError(
                f"{where}.target: expected a hidden node or output, found the input {item['target']}"
            )
        # Compared before it is made a float: an integer may be too great for one.
        if type(weight) not in (int, float) or not -MAX_WEIGHT <= weight <= MAX_WEIGHT:
            limits = f"[-{MAX_WEIGHT:g}, {MAX_WEIGHT:g}]"
            raise InputError(f"{where}.weight: expected a number in {limits}, found {shown_value(weight)}")
        connections.append((source, target, float(weight)))

    order = _topological(len(inputs), hidden, connections)
    kept = [*range(len(inputs)), *order, *range(first_output, len(places))]
    moved = {old: new for new, old in enumerate(kept)}
    by_place = [0] * len(places)
    for identity, function in node_functions.items():
        by_place[places[identity]] = function
    return Network(
        drawing=Drawing(
            function_names, content["coordinates"], (size[0], size[1]), content["colour"], input_names
        ),
        counts=(len(inputs), len(hidden), len(outputs)),
        functions=[by_place[old] for old in kept],
        connections=sorted(
            ((moved[source], moved[target], weight) for source, target, weight in connections),
            key=lambda connection: connection[1],
        ),
    )


def _topological(num_inputs: int, hidden: list[int], connections: list[tuple[int, int, float]]) -> list[int]:
    """Positions of hidden nodes in topological order: of those possible, the first in dictionary order.

    Nodes that are in topological order already therefore stay as they are. `hidden` are their ids.

    Raises:
      InputError: there is a cycle; names a node on it.
    """
    places = range(num_inputs, num_inputs + len(hidden))
    waits = dict.fromkeys(places, 0)
    readers: dict[int, list[int]] = {place: [] for place in places}
    for source, target, _ in connections:
        if source in waits and target in waits:
            waits[target] += 1
            readers[source].append(target)
    ready = [place for place in places if not waits[place]]
    order = []
    while ready:
        place = heapq.heappop(ready)
        order.append(place)
        for reader in readers[place]:
            waits[reader] -= 1
            if not waits[reader]:
                heapq.heappush(ready, reader)
    if len(order) < len(hidden):
        # A node that still waits reads one that still waits: walking back must come round.
        waited_for = {target: source for source, target, _ in connections if waits.get(source)}
        place, seen = next(place for place in places if waits[place]), set()
        while place not in seen:
            seen.add(place)
            place = waited_for[place]
        raise InputError(
            f"connections: expected no cycle, found one through node {hidden[place - num_inputs]}"
        )
    return order


def _check_fields(item: Any, where: str, names: tuple[str, ...]) -> None:
    if not isinstance(item, dict):
        raise InputError(f"{where}: expected an object, found {shown_value(item)}")
    for name in names:
        if name not in item:
            raise InputError(f"{where}: expected the field {name!r}, found none")
    if len(item) != len(names):
        unknown = next(name for name in item if name not in names)
        raise InputError(f"{where}: expected only {', '.join(names)}, found {shown_value(unknown)}")


def _list(content: Mapping[str, Any], name: str) -> list[Any]:
    value = content[name]
    if not isinstance(value, list):
        raise InputError(f"{name}: expected a list, found {shown_value(value)}")
    return value


def _names(values: list[Any], where: str) -> tuple[str, ...]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise InputError(
                f"{where}[{index}]: expected a name (a letter, then at most 63 letters, digits or _),"
                f" found {shown_value(value)}"
            )
        if value in seen:
            raise InputError(f"{where}[{index}]: expected each name once, found {shown_value(value)} twice")
        seen.add(value)
    return tuple(values)


def _new_id(item: Mapping[str, Any], where: str, places: Mapping[int, int]) -> int:
    identity: int = item["id"]
    _check_int(identity, f"{where}.id", 0, _MAX_ID)
    if identity in places:
        raise InputError(f"{where}.id: expected each id once, found {identity} twice")
    return identity


def _check_int(value: Any, where: str, least: int, most: int) -> None:
    # `type`, since a bool is an int to Python and 1.0 == 1.
    if type(value) is not int or not least <= value <= most:
        raise InputError(f"{where}: expected an integer in {least} to {most}, found {shown_value(value)}")
