"""CPPN genomes as fixed-size padded arrays, so that a whole population is one pytree.

A compositional pattern-producing network (Stanley 2007) maps a pixel's coordinates to its value; each node
applies its own function to the weighted sum of what it reads. Source: Nguyen et al. 2015, section 2.2.

A genome has `N` rows, one for each node, and `F` slots a row, one for each incoming connection:

- rows `0 ... I-1` are the inputs; rows `I ... I+num_hidden-1` the hidden nodes, in topological order; the
  last `K` rows the outputs; the rows between are padding;
- a hidden row reads inputs and hidden rows of lower index, an output reads inputs and hidden rows; nothing
  reads an output or padding; parallel connections are allowed, as in the authors' code;
- the slots in use are the first `fan_in[row]`; the others hold source 0 and weight 0, so that summing all `F`
  slots is right as well;
- inputs and padding have function 0 and no connections; weights are in [-10, 10]; nothing is NaN.

`validate` checks all of this; every operator keeps it.
"""

from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from fooljax.errors import InputError

MAX_WEIGHT = 10.0
"""Weights are in [-MAX_WEIGHT, MAX_WEIGHT]. Source: the authors' code."""


class Layout(NamedTuple):
    """The sizes of a genome; fixed while a program is compiled.

    Attributes:
      num_inputs: `I`.
      num_outputs: `K`.
      num_nodes: `N`, rows: inputs, outputs and room for hidden nodes.
      fan_in: `F`, slots a row; at least `I`, since a first genome joins every input to every output.
    """

    num_inputs: int = 4
    num_outputs: int = 1
    num_nodes: int = 64
    fan_in: int = 16

    @property
    def max_hidden(self) -> int:
        """The most hidden nodes a genome can have."""
        return self.num_nodes - self.num_inputs - self.num_outputs


@flax.struct.dataclass
class CPPN:
    """One genome (or, with a leading axis on each leaf, many).

    Attributes:
      num_hidden: `[]` int32.
      functions: `[N]` int32, index into the function set.
      sources: `[N, F]` int32, the row that each slot reads.
      weights: `[N, F]` float32.
      fan_in: `[N]` int32, slots in use.
    """

    num_hidden: jax.Array
    functions: jax.Array
    sources: jax.Array
    weights: jax.Array
    fan_in: jax.Array


def check_layout(layout: Layout) -> None:
    """Raises InputError where a layout cannot hold a first genome."""
    for name, value in layout._asdict().items():
        if value < 1:
            raise InputError(f"{name}: expected 1 or more, got {value}")
    if layout.max_hidden < 0:
        least = layout.num_inputs + layout.num_outputs
        raise InputError(f"num_nodes: expected at least {least} (inputs and outputs), got {layout.num_nodes}")
    if layout.fan_in < layout.num_inputs:
        raise InputError(f"fan_in: expected at least {layout.num_inputs} (inputs), got {layout.fan_in}")


def first_genome(key: jax.Array, layout: Layout, num_functions: int) -> CPPN:
    """A genome without hidden nodes: every input joined to every output, weights and functions uniform.

    Source: Nguyen et al. 2015 (no hidden nodes at first); the authors' code for the rest.
    """
    weight_key, function_key = jax.random.split(key)
    num_inputs, num_outputs, rows, slots = layout
    outputs = slice(rows - num_outputs, rows)
    weights = jax.random.uniform(weight_key, (num_outputs, num_inputs), minval=-MAX_WEIGHT, maxval=MAX_WEIGHT)
    functions = jnp.floor(jax.random.uniform(function_key, (num_outputs,)) * num_functions).astype(jnp.int32)
    return CPPN(
        num_hidden=jnp.int32(0),
        functions=jnp.zeros(rows, jnp.int32).at[outputs].set(jnp.minimum(functions, num_functions - 1)),
        sources=jnp.zeros((rows, slots), jnp.int32)
        .at[outputs, :num_inputs]
        .set(jnp.arange(num_inputs)[None]),
        weights=jnp.zeros((rows, slots)).at[outputs, :num_inputs].set(weights),
        fan_in=jnp.zeros(rows, jnp.int32).at[outputs].set(num_inputs),
    )


def pad(genome: CPPN, layout: Layout, new: Layout) -> CPPN:
    """The same network with more room (numbers of inputs and outputs unchanged).

    Args:
      genome: one genome.
      layout: its layout.
      new: at least as many nodes and slots.
    Raises:
      InputError: `new` has less room, or other inputs or outputs.
    """
    if new[:2] != layout[:2] or new.num_nodes < layout.num_nodes or new.fan_in < layout.fan_in:
        raise InputError(f"new: expected a layout with at least the room of {layout}, got {new}")
    split, more = layout.num_nodes - layout.num_outputs, new.num_nodes - layout.num_nodes

    def widen(leaf: jax.Array) -> jax.Array:
        middle = jnp.zeros((more, *leaf.shape[1:]), leaf.dtype)
        rows = jnp.concatenate([leaf[:split], middle, leaf[split:]])
        return jnp.pad(rows, ((0, 0), (0, new.fan_in - layout.fan_in))) if leaf.ndim == 2 else rows

    return CPPN(
        num_hidden=genome.num_hidden,
        functions=widen(genome.functions),
        sources=widen(genome.sources),
        weights=widen(genome.weights),
        fan_in=widen(genome.fan_in),
    )


def validate(genome: Any, layout: Layout, num_functions: int) -> None:
    """Checks one genome against every invariant of the module's docstring, on the host.

    Raises:
      InputError: names the first invariant that is broken, and where.
    """
    check_layout(layout)
    num_inputs, num_outputs, rows, slots = layout
    shapes = {"num_hidden": (), "functions": (rows,), "sources": (rows, slots), "weights": (rows, slots)}
    arrays = {}
    for name, shape in {**shapes, "fan_in": (rows,)}.items():
        arrays[name] = array = np.asarray(getattr(genome, name))
        kind = np.floating if name == "weights" else np.integer
        if array.shape != shape or not np.issubdtype(array.dtype, kind):
            expected = "floats" if kind is np.floating else "integers"
            raise InputError(
                f"{name}: expected {expected} {list(shape)}, got {array.dtype} {list(array.shape)}"
            )
    num_hidden, fan_in, weights = int(arrays["num_hidden"]), arrays["fan_in"], arrays["weights"]
    if not 0 <= num_hidden <= layout.max_hidden:
        raise InputError(f"num_hidden: expected 0 to {layout.max_hidden}, got {num_hidden}")
    if not np.all(np.abs(weights) <= MAX_WEIGHT):
        raise InputError(f"weights: expected numbers in [-{MAX_WEIGHT:g}, {MAX_WEIGHT:g}]")
    first_output = rows - num_outputs
    for row in range(rows):
        hidden = num_inputs <= row < num_inputs + num_hidden
        used, function = int(fan_in[row]), int(arrays["functions"][row])
        if not (hidden or row >= first_output) and (used or function):
            raise InputError(f"row {row}: expected no connections and function 0 in an input or padding")
        if not 0 <= used <= slots:
            raise InputError(f"fan_in[{row}]: expected 0 to {slots}, got {used}")
        if not 0 <= function < num_functions:
            raise InputError(f"functions[{row}]: expected 0 to {num_functions - 1}, got {function}")
        sources = arrays["sources"][row]
        below = row if hidden else num_inputs + num_hidden
        if not np.all((sources[:used] >= 0) & (sources[:used] < below)):
            raise InputError(f"sources[{row}]: expected rows below {below}, got {sources[:used].tolist()}")
        if np.any(sources[used:]) or np.any(weights[row, used:]):
            raise InputError(f"row {row}: expected source 0 and weight 0 in the slots beyond {used}")
