"""The indirect encoding: a CPPN genome, its operators and its renderer as one `Encoding`.

Source: Nguyen et al. 2015, section 2.2, and the authors' code.
"""

import jax
import jax.numpy as jnp

from fooljax.encodings.colour import fitting
from fooljax.encodings.cppn.coordinates import COORDINATES, NUM_INPUTS
from fooljax.encodings.cppn.differentiable import make_differentiable_render
from fooljax.encodings.cppn.functions import names_of
from fooljax.encodings.cppn.genome import MAX_WEIGHT, Layout, check_layout, first_genome, validate_all
from fooljax.encodings.cppn.genome_network import Drawing
from fooljax.encodings.cppn.mutation import Rates, make_mutate
from fooljax.encodings.cppn.render import make_render
from fooljax.encodings.cppn.serialise import to_json
from fooljax.encodings.described import carries_settings
from fooljax.engine.types import Encoding, Genome, checked_shape
from fooljax.errors import InputError
from fooljax.remembered import remembered

MAX_NODES = 64
"""Rows of a genome by default."""
MAX_CONNECTIONS = 96
"""Connections of a genome at most, by default: genomes full of nodes, after hundreds of mutations without
selection, had at most 89."""


@remembered
@carries_settings
def cppn(
    image_shape: tuple[int, int, int],
    *,
    functions: str | tuple[str, ...] = "paper",
    coordinates: str = "raw",
    colour: str | None = None,
    max_nodes: int = MAX_NODES,
    max_connections: int = MAX_CONNECTIONS,
    rates: Rates | None = None,
    lowering: str | None = None,
) -> Encoding:
    """Builds the CPPN encoding. A genome is a `CPPN`.

    Args:
      image_shape: `(H, W, K)`, K 1 or 3.
      functions: name of a function set, "paper", "no_sine" or "wide", or the names of functions.
      coordinates: "raw" (pixel indices, as the authors' code) or "scaled" (to [-1, 1]).
      colour: "grey" for K = 1; "hls" (the authors' code), "hsv" (the paper's word) or "rgb" for K = 3; by
        default the first of them that fits.
      max_nodes: rows of a genome: inputs, outputs and room for hidden nodes.
      max_connections: the most connections of a genome.
      rates: probabilities of mutation; the authors' by default.
      lowering: "serial", "batched" or "kernel"; by default what suits the platform (see `lowering.choose`).
    Returns:
      The encoding.
    Raises:
      InputError: a name is unknown, or a size does not fit.
    """
    names = names_of(functions)
    if coordinates not in COORDINATES:
        raise InputError(f"coordinates: expected one of {', '.join(COORDINATES)}, got {coordinates}")
    height, width, channels = image_shape = checked_shape(image_shape)
    colour = fitting(image_shape, colour)
    layout = Layout(NUM_INPUTS, channels, max_nodes, max_connections)
    check_layout(layout)
    mutate = make_mutate(layout, len(names), rates or Rates(), lowering)

    def vary(key: jax.Array, parents: Genome, generation: jax.Array) -> Genome:
        del generation
        parent = jax.tree.map(lambda leaf: leaf[0], parents)
        return mutate(key, parent)

    def measure(genome: Genome) -> dict[str, jax.Array]:
        full = (genome.num_hidden == layout.max_hidden) | (genome.num_connections == max_connections)
        return {
            "hidden_nodes": genome.num_hidden,
            "connections": genome.num_connections,
            "share_full": full.astype(jnp.float32),
        }

    drawing = Drawing(names, coordinates, (height, width), colour)

    return Encoding(
        name="cppn",
        image_shape=image_shape,
        num_parents=1,
        init=lambda key: first_genome(key, layout, len(names)),
        vary=vary,
        render=make_render(layout, names, colour, lowering),
        coordinates=lambda: COORDINATES[coordinates](height, width),
        measure=measure,
        coordinates_at=lambda rows, columns, band: COORDINATES[coordinates](
            rows, columns, (height, width), band
        ),
        to_json=lambda genome: to_json(genome, layout, drawing),
        differentiable=make_differentiable_render(layout, names, colour),
        bounds=(-MAX_WEIGHT, MAX_WEIGHT),
        check=lambda genomes: validate_all(genomes, layout, len(names)),
    )


def encoding_of(layout: Layout, drawing: Drawing) -> Encoding:
    """The encoding that draws what `from_json` read: `encoding_of(layout, drawing).render(genome, ...)`.

    Args:
      layout: the sizes of the genome.
      drawing: how it is drawn.
    Returns:
      The encoding.
    Raises:
      InputError: the genome reads other inputs than x, y, distance and bias.
    """
    if drawing.inputs != Drawing.inputs:
        raise InputError(f"inputs: expected {', '.join(Drawing.inputs)}, got {', '.join(drawing.inputs)}")
    return cppn(
        (*drawing.size, layout.num_outputs),
        functions=drawing.functions,
        coordinates=drawing.coordinates,
        colour=drawing.colour,
        max_nodes=layout.max_nodes,
        max_connections=layout.max_connections,
    )
