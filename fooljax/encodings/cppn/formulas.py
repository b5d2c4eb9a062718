"""What a CPPN computes, for people to read: names of its nodes, and a line of formula for each."""

from typing import NamedTuple

from fooljax.encodings.cppn.genome_network import read_network
from fooljax.encodings.cppn.genome_text import parse_text
from fooljax.encodings.cppn.serialise import KNOWN_FUNCTIONS

CHANNELS = {
    "grey": ("grey",),
    "rgb": ("red", "green", "blue"),
    "hls": ("hue", "lightness", "saturation"),
    "hsv": ("hue", "saturation", "value"),
}
"""What the outputs of a genome are called, by its kind of colour."""


class Node(NamedTuple):
    """A node that the picture depends on.

    Attributes:
      name: "x" or the like of an input, "v1", "v2" ... of a hidden node, "grey" or the like of an output.
      function: its name; empty for an input.
      depth: the most connections that lie between it and an input.
      reads: the name of each node that it reads, and the weight.
    """

    name: str
    function: str
    depth: int
    reads: tuple[tuple[str, float], ...]


def nodes_of(text: str | bytes) -> list[Node]:
    """The nodes of a genome that its picture depends on: inputs, hidden ones in their order, then outputs.

    Args:
      text: a genome as JSON, as `Encoding.to_json` gives it and files hold it.
    Returns:
      The nodes. A node that no output reads, directly or through others, is left out.
    Raises:
      InputError: the text is no genome.
    """
    network = read_network(parse_text(text), KNOWN_FUNCTIONS)
    num_inputs, num_hidden, num_outputs = network.counts
    first_output = num_inputs + num_hidden
    used = set(range(first_output, first_output + num_outputs))
    for source, target, _ in reversed(
        network.connections
    ):  # sorted by target, and nothing reads a later node
        if target in used:
            used.add(source)
    read_by: dict[int, list[tuple[int, float]]] = {place: [] for place in used}
    for source, target, weight in network.connections:
        if target in used:
            read_by[target].append((source, weight))
    hidden = (f"v{number}" for number in range(1, num_hidden + 1))
    names: dict[int, str] = {}
    depths: dict[int, int] = {}
    found = []
    for place in sorted(used):
        if place < num_inputs:
            names[place] = network.drawing.inputs[place]
        elif place < first_output:
            names[place] = next(hidden)
        else:
            names[place] = CHANNELS[network.drawing.colour][place - first_output]
        reads = read_by[place]
        depths[place] = max((depths[source] + 1 for source, _ in reads), default=0)
        function = "" if place < num_inputs else network.drawing.functions[network.functions[place]]
        named = tuple((names[source], weight) for source, weight in reads)
        found.append(Node(names[place], function, depths[place], named))
    return found


def formulas(text: str | bytes) -> list[str]:
    """A genome as formulas, such as `grey = sine(2.50 x - 0.31 v1 + 1.20)`.

    Args:
      text: a genome as JSON.
    Returns:
      A line for each node that the picture depends on; outputs come last. Weights are rounded to two places.
    Raises:
      InputError: the text is no genome.
    """
    return [f"{node.name} = {node.function}({_sum(node)})" for node in nodes_of(text) if node.function]


def _sum(node: Node) -> str:
    terms = [
        ("-" if weight < 0 else "+", f"{abs(weight):.2f}" + ("" if name == "bias" else f" {name}"))
        for name, weight in node.reads
    ]
    return " ".join(f"{sign} {term}" for sign, term in terms).removeprefix("+ ") or "0"
