"""CPPN genomes as fixed-size padded arrays, so that a whole population is one pytree.

A compositional pattern-producing network (Stanley 2007) maps a pixel's coordinates to its value; each node
applies its own function to the weighted sum of what it reads. Source: Nguyen et al. 2015, section 2.2.

A genome has `N` rows, one for each node, and a list of `E` places for connections:

- rows `0 ... I-1` are the inputs; rows `I ... I+num_hidden-1` the hidden nodes, in topological order; the
  last `K` rows the outputs; the rows between are padding;
- a hidden row reads inputs and hidden rows of lower index, an output reads inputs and hidden rows; nothing
  reads an output or padding; parallel connections are allowed, as in the authors' code;
- the connections in use are the first `num_connections`, sorted by target, so that those into a node stand
  together; the other places hold source 0, target 0 and weight 0;
- inputs and padding have function 0 and no connections; weights are in [-10, 10]; nothing is NaN.

`validate` checks all of this for one genome, `validate_all` for many; every operator keeps it.
"""

from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError

MAX_WEIGHT = 10.0
"""Weights are in [-MAX_WEIGHT, MAX_WEIGHT]. Source: the authors' code."""
_AT_ONCE = 10_000  # genomes checked together, so that memory is bounded


class Layout(NamedTuple):
    """The sizes of a genome; fixed while a program is compiled.

    Attributes:
      num_inputs: `I`.
      num_outputs: `K`.
      max_nodes: `N`, rows: inputs, outputs and room for hidden nodes.
      max_connections: `E`; at least `I K`, since a first genome joins every input to every output.
    """

    num_inputs: int = 4
    num_outputs: int = 1
    max_nodes: int = 64
    max_connections: int = 96

    @property
    def max_hidden(self) -> int:
        """The most hidden nodes a genome can have."""
        return self.max_nodes - self.num_inputs - self.num_outputs

    @property
    def first_output(self) -> int:
        """The row of the first output."""
        return self.max_nodes - self.num_outputs


@flax.struct.dataclass
class CPPN:
    """One genome (or, with a leading axis on each leaf, many).

    Attributes:
      num_hidden: `[]` int32.
      num_connections: `[]` int32.
      functions: `[N]` int32, index into the function set.
      sources: `[E]` int32, the row that each connection reads.
      targets: `[E]` int32, the row that it leads to.
      weights: `[E]` float32.
    """

    num_hidden: jax.Array
    num_connections: jax.Array
    functions: jax.Array
    sources: jax.Array
    targets: jax.Array
    weights: jax.Array


def check_layout(layout: Layout) -> None:
    """Raises InputError where a layout cannot hold a first genome."""
    for name, value in layout._asdict().items():
        if value < 1:
            raise InputError(f"{name}: expected 1 or more, got {value}")
    if layout.max_hidden < 0:
        least = layout.num_inputs + layout.num_outputs
        raise InputError(f"max_nodes: expected at least {least} (inputs and outputs), got {layout.max_nodes}")
    least = layout.num_inputs * layout.num_outputs
    if layout.max_connections < least:
        raise InputError(
            f"max_connections: expected at least {least} (inputs x outputs), got {layout.max_connections}"
        )


def first_genome(key: jax.Array, layout: Layout, num_functions: int) -> CPPN:
    """A genome without hidden nodes: every input joined to every output, weights and functions uniform.

    Source: Nguyen et al. 2015 (no hidden nodes at first); the authors' code for the rest.
    """
    num_inputs, num_outputs = layout[:2]
    used = num_inputs * num_outputs
    draws = jax.random.uniform(key, (used + num_outputs,))
    weights = (2.0 * draws[:used] - 1.0) * MAX_WEIGHT
    functions = jnp.floor(draws[used:] * num_functions).astype(jnp.int32)
    functions = jnp.minimum(functions, num_functions - 1)
    free = (0, layout.max_connections - used)
    targets = np.repeat(np.arange(num_outputs, dtype=np.int32) + layout.first_output, num_inputs)
    return CPPN(
        num_hidden=jnp.int32(0),
        num_connections=jnp.int32(used),
        functions=jnp.pad(functions, (layout.first_output, 0)),
        sources=jnp.pad(jnp.tile(jnp.arange(num_inputs, dtype=jnp.int32), num_outputs), free),
        targets=jnp.pad(jnp.asarray(targets), free),
        weights=jnp.pad(weights, free),
    )


def pad(genome: CPPN, layout: Layout, new: Layout) -> CPPN:
    """The same network with more room (numbers of inputs and outputs unchanged).

    Args:
      genome: one genome.
      layout: its layout.
      new: at least as many nodes and connections.
    Raises:
      InputError: `new` has less room, or other inputs or outputs.
    """
    if new[:2] != layout[:2] or any(b < a for a, b in zip(layout, new, strict=True)):
        raise InputError(f"new: expected a layout with at least the room of {layout}, got {new}")
    more, free = new.max_nodes - layout.max_nodes, (0, new.max_connections - layout.max_connections)
    functions, split = genome.functions, layout.first_output
    middle = jnp.zeros(more, jnp.int32)
    targets = genome.targets + more * (genome.targets >= layout.first_output)
    return CPPN(
        num_hidden=genome.num_hidden,
        num_connections=genome.num_connections,
        functions=jnp.concatenate([functions[:split], middle, functions[split:]]),
        sources=jnp.pad(genome.sources, free),
        targets=jnp.pad(targets, free),
        weights=jnp.pad(genome.weights, free),
    )


def validate(genome: Any, layout: Layout, num_functions: int) -> None:
    """Checks one genome against every invariant of the module's docstring, on the host.

    Raises:
      InputError: names the first invariant that is broken, and where.
    """
    check_layout(layout)
    num_inputs, _, rows, places = layout
    shapes = {"num_hidden": (), "num_connections": (), "functions": (rows,)}
    shapes |= {"sources": (places,), "targets": (places,), "weights": (places,)}
    arrays = {}
    for name, shape in shapes.items():
        arrays[name] = array = np.asarray(getattr(genome, name))
        kind = np.floating if name == "weights" else np.integer
        if array.shape != shape or not np.issubdtype(array.dtype, kind):
            expected = "floats" if kind is np.floating else "integers"
            raise InputError(
                f"{name}: expected {expected} {list(shape)}, got {array.dtype} {list(array.shape)}"
            )
    num_hidden, used = int(arrays["num_hidden"]), int(arrays["num_connections"])
    for name, value, most in (
        ("num_hidden", num_hidden, layout.max_hidden),
        ("num_connections", used, places),
    ):
        if not 0 <= value <= most:
            raise InputError(f"{name}: expected 0 to {most}, got {value}")
    if not np.all(np.abs(arrays["weights"]) <= MAX_WEIGHT):
        raise InputError(f"weights: expected numbers in [-{MAX_WEIGHT:g}, {MAX_WEIGHT:g}]")
    above_hidden = num_inputs + num_hidden
    row = np.arange(rows)
    is_node = ((row >= num_inputs) & (row < above_hidden)) | (row >= layout.first_output)
    for index, function in enumerate(arrays["functions"].tolist()):
        if not 0 <= function < num_functions:
            raise InputError(f"functions[{index}]: expected 0 to {num_functions - 1}, got {function}")
        if function and not is_node[index]:
            raise InputError(f"functions[{index}]: expected 0 in an input or padding, got {function}")
    for name in ("sources", "targets", "weights"):
        if np.any(arrays[name][used:]):
            raise InputError(f"{name}: expected 0 in the places beyond {used}")
    before = 0
    pairs = zip(arrays["sources"][:used].tolist(), arrays["targets"][:used].tolist(), strict=True)
    for index, (source, target) in enumerate(pairs):
        if not 0 <= target < rows or not is_node[target]:
            raise InputError(f"targets[{index}]: expected a hidden node or an output, got {target}")
        if target < before:
            raise InputError(f"targets[{index}]: expected {before} or more (sorted), got {target}")
        below = min(target, above_hidden)
        if not 0 <= source < below:
            raise InputError(f"sources[{index}]: expected a row below {below}, got {source}")
        before = target


def validate_all(genomes: Any, layout: Layout, num_functions: int) -> None:
    """Checks many genomes as `validate` checks one.

    Args:
      genomes: leaves `[N, ...]`, of the layout's shapes and dtypes.
      layout: of all of them.
      num_functions: in the function set.
    Raises:
      InputError: names the first genome that breaks an invariant, and which it is.
    """
    arrays = jax.tree.map(np.asarray, genomes)
    for start in range(0, len(arrays.num_hidden), _AT_ONCE):
        part = jax.tree.map(lambda leaf: leaf[start : start + _AT_ONCE], arrays)  # noqa: B023
        if not (valid := _valid(part, layout, num_functions)).all():
            first = int(np.argmin(valid))
            try:
                validate(jax.tree.map(lambda leaf: leaf[first], part), layout, num_functions)  # noqa: B023
            except InputError as error:
                raise InputError(f"genome {start + first}: {error}") from error


def _valid(genomes: CPPN, layout: Layout, num_functions: int) -> npt.NDArray[np.bool_]:
    """`[N]`: which genomes keep every invariant."""
    num_inputs, _, rows, places = layout
    hidden, used = genomes.num_hidden[:, None], genomes.num_connections[:, None]
    functions, sources, targets = genomes.functions, genomes.sources, genomes.targets
    weights = genomes.weights
    row, unused = np.arange(rows), np.arange(places) >= used
    # Written without a sum, which could overflow.
    is_node = ((row >= num_inputs) & (row - num_inputs < hidden)) | (row >= layout.first_output)
    leads = (targets >= 0) & (targets < rows)
    target = np.where(leads, targets, 0)
    of_each = (
        (hidden >= 0) & (hidden <= layout.max_hidden),
        (used >= 0) & (used <= places),
        np.abs(weights) <= MAX_WEIGHT,
        (functions >= 0) & (functions < num_functions) & (is_node | (functions == 0)),
        np.where(unused, targets == 0, leads & np.take_along_axis(is_node, target, axis=1)),
        np.where(
            unused, sources == 0, (sources >= 0) & (sources < targets) & (sources - num_inputs < hidden)
        ),
        ~unused | (weights == 0.0),
        unused[:, 1:] | (targets[:, 1:] >= targets[:, :-1]),
    )
    return np.logical_and.reduce([good.all(axis=1) for good in of_each])
