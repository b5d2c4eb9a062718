"""A CPPN of fixed topology, whose genome is its weights alone: for strategies that search real vectors.

Ours. The network of Stanley 2007's CPPNs, with the inputs, functions and colours of `cppn`, in full layers;
each function of the set takes an equal share of every hidden layer's nodes. The last layer is linear, clipped
to [-1, 1] and folded as `cppn` folds it.
"""

import itertools

import jax
import jax.numpy as jnp

from fooljax.checks import check_positive, check_within
from fooljax.encodings import colour as colours
from fooljax.encodings.cppn.coordinates import COORDINATES, NUM_INPUTS
from fooljax.encodings.cppn.functions import lookup, names_of
from fooljax.encodings.described import carries_settings
from fooljax.encodings.polynomial import polynomial
from fooljax.engine.types import Coordinates, Encoding, Genome, checked_shape
from fooljax.errors import InputError
from fooljax.remembered import remembered

MAX_WEIGHT = 3.0
HIDDEN = (16, 16)


@remembered
@carries_settings
def fixed_cppn(
    image_shape: tuple[int, int, int],
    *,
    hidden: tuple[int, ...] = HIDDEN,
    functions: str | tuple[str, ...] = "paper",
    coordinates: str = "scaled",
    colour: str | None = None,
    mutation_rate: float = 0.1,
    eta: float = 15.0,
) -> Encoding:
    """Builds the encoding. A genome is one float32 array `[G]` of weights in [-3, 3].

    Args:
      image_shape: `(H, W, K)`, K 1 or 3.
      hidden: nodes of each hidden layer.
      functions: name of a function set, or the names of functions.
      coordinates: "raw" or "scaled", as in `cppn`.
      colour: as in `cppn`.
      mutation_rate: of each weight to move, in [0, 1].
      eta: distribution index of those moves, positive.
    Returns:
      The encoding.
    Raises:
      InputError: a name is unknown, or a size does not fit.
    """
    nodes = lookup(names_of(functions))
    if coordinates not in COORDINATES:
        raise InputError(f"coordinates: expected one of {', '.join(COORDINATES)}, got {coordinates}")
    if not hidden or min(hidden) < 1:
        raise InputError(f"hidden: expected one or more layers of 1 node or more, got {hidden}")
    check_within(mutation_rate=(mutation_rate, 0.0, 1.0))
    check_positive(eta=eta)
    height, width, _ = image_shape = checked_shape(image_shape)
    colour = colours.fitting(image_shape, colour)
    conversion = colours.lookup(colour)
    sizes = (NUM_INPUTS, *hidden, conversion.num_outputs)
    shapes = tuple(itertools.pairwise(sizes))
    num_genes = sum(a * b for a, b in shapes)

    def init(key: jax.Array) -> Genome:
        return MAX_WEIGHT * (2.0 * jax.random.uniform(key, (num_genes,)) - 1.0)

    def vary(key: jax.Array, parents: Genome, generation: jax.Array) -> Genome:
        del generation
        draws = jax.random.uniform(key, (num_genes,))
        return polynomial(draws, parents[0], mutation_rate, eta, -MAX_WEIGHT, MAX_WEIGHT)

    def render(genome: Genome, coordinates: Coordinates) -> jax.Array:
        return draw(genome, coordinates, truncate=True)

    def draw(genome: Genome, coordinates: Coordinates, truncate: bool) -> jax.Array:
        values, first = coordinates.reshape(NUM_INPUTS, -1), 0
        for layer, (before, after) in enumerate(shapes):
            weights = genome[first : first + before * after].reshape(after, before)
            first += before * after
            sums = weights @ values
            if layer == len(hidden):
                values = jnp.clip(sums, -1.0, 1.0)
            else:
                parts = jnp.array_split(sums, min(len(nodes), after))
                values = jnp.concatenate([node(part) for node, part in zip(nodes, parts, strict=False)])
        channels = colours.to_channels(tuple(values), conversion, truncate=truncate)
        return jnp.stack(channels, axis=-1).reshape(*coordinates.shape[1:], -1)

    return Encoding(
        name="fixed_cppn",
        image_shape=image_shape,
        num_parents=1,
        init=init,
        vary=vary,
        render=render,
        coordinates=lambda: COORDINATES[coordinates](height, width),
        coordinates_at=lambda rows, columns, band: COORDINATES[coordinates](
            rows, columns, (height, width), band
        ),
        differentiable=lambda genome, coordinates: draw(genome, coordinates, truncate=False),
        bounds=(-MAX_WEIGHT, MAX_WEIGHT),
    )
