"""CPPN genomes as JSON that other programs can read and write; `docs/genome-format.md` is its specification.

What is read may come from a stranger: anything unexpected is an `InputError` of one line, nothing is guessed,
and time and memory grow with the length of the text.
"""

import dataclasses
import heapq
import json
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from fooljax.encodings.cppn.functions import FUNCTIONS
from fooljax.encodings.cppn.genome import CPPN, MAX_WEIGHT, Layout, check_layout, validate
from fooljax.errors import InputError

FORMAT = "fooljax-cppn"
VERSION = 1
"""Of the format; a change of any kind, a new field too, is a new version."""
MAX_BYTES = 16 * 2**20
"""The longest text that is read or written, as UTF-8."""
MAX_NODES = 65_536
"""The most inputs, hidden nodes and outputs together."""
MAX_SIZE = 65_536
"""The greatest height and width of an image."""
COORDINATES = ("raw", "scaled")
OUTPUTS = {"grey": 1, "hls": 3, "hsv": 3, "rgb": 3}
"""How many outputs each kind of colour has."""

_FIELDS = ("inputs", "outputs", "functions", "nodes", "connections", "coordinates", "size", "colour")
_MAX_ID = 2**31 - 1
_MAX_DIGITS = 400  # characters in a number: a double with all its decimals needs fewer
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


KNOWN_FUNCTIONS = frozenset(FUNCTIONS)
"""Names of functions that `from_json` takes unless told others."""


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


def to_json(genome: CPPN, layout: Layout, drawing: Drawing) -> str:
    """One genome as JSON text; equal arguments give equal text, and padding leaves no trace in it.

    Ids count the inputs, then the hidden nodes in topological order, then the outputs. A weight is written as
    the shortest decimal of the double that equals it, so that readers in doubles and in float32 get the same.

    Args:
      genome: one genome (weights float32).
      layout: its layout.
      drawing: how it is drawn.
    Returns:
      ASCII text, a node or connection a line, a newline at the end.
    Raises:
      InputError: genome, layout and drawing do not fit each other, or `from_json` would not take the text.
    """
    validate(genome, layout, len(drawing.functions))
    if (dtype := np.asarray(genome.weights).dtype) != np.float32:
        raise InputError(f"weights: expected float32, got {dtype}")
    if len(drawing.inputs) != layout.num_inputs:
        raise InputError(f"inputs: expected {layout.num_inputs} names, found {len(drawing.inputs)}")
    first_output = layout.num_inputs + int(genome.num_hidden)
    functions = np.delete(np.asarray(genome.functions), np.s_[first_output : layout.first_output]).tolist()
    body = range(layout.num_inputs, len(functions))
    sources, targets, weights = (
        np.asarray(leaf)[: int(genome.num_connections)]
        for leaf in (genome.sources, genome.targets, genome.weights)
    )
    targets = np.where(targets < first_output, targets, targets - layout.first_output + first_output)
    content = {
        "format": FORMAT,
        "version": VERSION,
        "coordinates": drawing.coordinates,
        "size": list(drawing.size),
        "colour": drawing.colour,
        "functions": list(drawing.functions),
        "inputs": [{"id": row, "name": name} for row, name in enumerate(drawing.inputs)],
        "outputs": list(range(first_output, len(functions))),
        "nodes": [{"id": row, "function": drawing.functions[functions[row]]} for row in body],
        "connections": [
            {"source": source, "target": target, "weight": weight}
            for source, target, weight in zip(
                sources.tolist(), targets.tolist(), weights.tolist(), strict=True
            )
        ],
    }
    _read(content, frozenset(drawing.functions))
    text = _write(content)
    if len(text) > MAX_BYTES:
        raise InputError(f"genome: expected at most {MAX_BYTES} bytes as JSON, found {len(text)}")
    return text


def from_json(
    text: str | bytes, *, layout: Layout | None = None, functions: Collection[str] | None = None
) -> tuple[CPPN, Layout, Drawing]:
    """Reads a genome that `to_json` or another program wrote.

    Nodes may be in any order; hidden ones are sorted topologically, and keep their order where it is one
    already. Connections into the same node keep their order. Weights are rounded to the nearest float32.

    Args:
      text: JSON; bytes are UTF-8.
      layout: the layout wanted; by default the smallest that fits.
      functions: names that are allowed; by default `KNOWN_FUNCTIONS`.
    Returns:
      The genome (leaves are `jax.Array`s), its layout and how it is drawn. The genome's functions index
      `Drawing.functions`, the set stored in the text.
    Raises:
      InputError: the text is not a genome of this format, is beyond a limit, or does not fit the layout.
    """
    network = _read(_parse(text), frozenset(KNOWN_FUNCTIONS if functions is None else functions))
    num_inputs, num_hidden, num_outputs = network.counts
    first_output, num_connections = num_inputs + num_hidden, len(network.connections)
    if layout is None:
        room = max(num_inputs * num_outputs, num_connections)
        layout = Layout(num_inputs, num_outputs, first_output + num_outputs, room)
    else:
        check_layout(layout)
        for name, expected, found in (
            ("inputs", layout.num_inputs, num_inputs),
            ("outputs", layout.num_outputs, num_outputs),
        ):
            if expected != found:
                raise InputError(f"{name}: expected {expected} for this layout, found {found}")
        for name, most, what, found in (
            ("nodes", layout.max_hidden, "hidden ones ", num_hidden),
            ("connections", layout.max_connections, "", num_connections),
        ):
            if found > most:
                raise InputError(f"{name}: expected at most {most} {what}for this layout, found {found}")
    functions = np.zeros(layout.max_nodes, np.int32)
    functions[:first_output] = network.functions[:first_output]
    functions[layout.first_output :] = network.functions[first_output:]
    sources = np.zeros(layout.max_connections, np.int32)
    targets, weights = np.zeros_like(sources), np.zeros(len(sources), np.float32)
    for index, (source, target, weight) in enumerate(network.connections):
        sources[index], weights[index] = source, weight
        targets[index] = target if target < first_output else target - first_output + layout.first_output
    genome = CPPN(
        num_hidden=jnp.asarray(num_hidden, jnp.int32),
        num_connections=jnp.asarray(num_connections, jnp.int32),
        functions=jnp.asarray(functions),
        sources=jnp.asarray(sources),
        targets=jnp.asarray(targets),
        weights=jnp.asarray(weights),
    )
    validate(genome, layout, len(network.drawing.functions))
    return genome, layout, network.drawing


class _Network(NamedTuple):
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


def _write(content: Mapping[str, Any]) -> str:
    fields = []
    for name, value in content.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            written = "[\n    " + ",\n    ".join(json.dumps(item) for item in value) + "\n  ]"
        else:
            written = json.dumps(value)
        fields.append(f"  {json.dumps(name)}: {written}")
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _parse(text: str | bytes) -> Any:
    # A character is a byte or more: what is too long already is not encoded first.
    size = len(text)
    if isinstance(text, str) and size <= MAX_BYTES:
        size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise InputError(f"text: expected at most {MAX_BYTES} bytes, found more")
    try:
        return json.loads(
            text.decode() if isinstance(text, bytes) else text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except InputError:
        raise
    except RecursionError:
        raise InputError(
            "text: expected a genome as JSON, found lists or objects nested too deeply"
        ) from None
    except ValueError as error:
        found = " ".join(str(error).split())[:120]
        raise InputError(f"text: expected JSON, found an error: {found}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise InputError(f"text: expected each field of an object once, found {_show(name)} twice")
            seen.add(name)
    return content


def _integer(digits: str) -> int:
    _check_digits(digits)
    return int(digits)


def _float(digits: str) -> float:
    _check_digits(digits)
    return float(digits)


def _check_digits(digits: str) -> None:
    if len(digits) > _MAX_DIGITS:
        raise InputError(f"text: expected numbers of at most {_MAX_DIGITS} characters, found {len(digits)}")


def _constant(name: str) -> float:
    raise InputError(f"text: expected finite numbers, found {name}")


def _read(content: Any, allowed: frozenset[str]) -> _Network:
    """Checks everything that the specification asks for, and sorts the nodes."""
    if not isinstance(content, dict):
        raise InputError(f"text: expected a JSON object, found {_show(content)}")
    # Before the other fields, so that a later version is named as such.
    for name, value in (("format", FORMAT), ("version", VERSION)):
        if name not in content:
            raise InputError(f"genome: expected the field {name!r}, found none")
        if type(content[name]) is not type(value) or content[name] != value:
            raise InputError(f"{name}: expected {_show(value)}, found {_show(content[name])}")
    _check_fields(content, "genome", ("format", "version", *_FIELDS))

    for name, choices in (("coordinates", COORDINATES), ("colour", tuple(OUTPUTS))):
        if content[name] not in choices:
            raise InputError(f"{name}: expected {' or '.join(choices)}, found {_show(content[name])}")
    size = _list(content, "size")
    if len(size) != 2:
        raise InputError(f"size: expected height and width, found {_show(size)}")
    for index, value in enumerate(size):
        _check_int(value, f"size[{index}]", 1, MAX_SIZE)
    function_names = _names(_list(content, "functions"), "functions")
    for index, name in enumerate(function_names):
        if name not in allowed:
            known = ", ".join(sorted(allowed))[:200]
            raise InputError(f"functions[{index}]: expected one of {known}, found {_show(name)}")

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
                f"nodes[{index}].function: expected a name listed in functions, found {_show(name)}"
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
            raise InputError(f"{where}.weight: expected a number in {limits}, found {_show(weight)}")
        connections.append((source, target, float(weight)))

    order = _topological(len(inputs), hidden, connections)
    kept = [*range(len(inputs)), *order, *range(first_output, len(places))]
    moved = {old: new for new, old in enumerate(kept)}
    by_place = [0] * len(places)
    for identity, function in node_functions.items():
        by_place[places[identity]] = function
    return _Network(
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
        raise InputError(f"{where}: expected an object, found {_show(item)}")
    for name in names:
        if name not in item:
            raise InputError(f"{where}: expected the field {name!r}, found none")
    if len(item) != len(names):
        unknown = next(name for name in item if name not in names)
        raise InputError(f"{where}: expected only {', '.join(names)}, found {_show(unknown)}")


def _list(content: Mapping[str, Any], name: str) -> list[Any]:
    value = content[name]
    if not isinstance(value, list):
        raise InputError(f"{name}: expected a list, found {_show(value)}")
    return value


def _names(values: list[Any], where: str) -> tuple[str, ...]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise InputError(
                f"{where}[{index}]: expected a name (a letter, then at most 63 letters, digits or _),"
                f" found {_show(value)}"
            )
        if value in seen:
            raise InputError(f"{where}[{index}]: expected each name once, found {_show(value)} twice")
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
        raise InputError(f"{where}: expected an integer in {least} to {most}, found {_show(value)}")


def _show(value: Any) -> str:
    """A stranger's value in a few words, on one line."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:37] + "...")
    written = json.dumps(value) if value is None or type(value) in (bool, int, float) else repr(value)
    return written if len(written) <= 40 else written[:37] + "..."
