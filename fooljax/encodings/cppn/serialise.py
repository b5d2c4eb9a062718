"""CPPN genomes as JSON that other programs can read and write; `docs/genome-format.md` is its specification.

What is read may come from a stranger: anything unexpected is an `InputError` of one line, nothing is guessed,
and time and memory grow with the length of the text.
"""

from collections.abc import Collection

import jax.numpy as jnp
import numpy as np

from fooljax.encodings.cppn.functions import FUNCTIONS
from fooljax.encodings.cppn.genome import CPPN, Layout, check_layout, validate
from fooljax.encodings.cppn.genome_network import FORMAT, VERSION, Drawing, read_network
from fooljax.encodings.cppn.genome_text import MAX_BYTES, parse_text, write_text
from fooljax.errors import InputError

KNOWN_FUNCTIONS = frozenset(FUNCTIONS)
"""Names of functions that `from_json` takes unless told others."""


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
    read_network(content, frozenset(drawing.functions))
    text = write_text(content)
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
    network = read_network(parse_text(text), frozenset(KNOWN_FUNCTIONS if functions is None else functions))
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
