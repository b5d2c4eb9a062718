"""The indirect encoding: a CPPN genome, its operators and its renderer as one `Encoding`.

Source: Nguyen et al. 2015, section 2.2, and the authors' code.
"""

import jax
import jax.numpy as jnp

from fooljax.base import Encoding, Genome
from fooljax.encodings.cppn.coordinates import COORDINATES, NUM_INPUTS
from fooljax.encodings.cppn.functions import FUNCTION_SETS
from fooljax.encodings.cppn.genome import Layout, check_layout, first_genome
from fooljax.encodings.cppn.mutation import Rates, mutate
from fooljax.encodings.cppn.render import make_render
from fooljax.errors import InputError

NUM_NODES = 64
"""Rows of a genome by default."""
FAN_IN = 12
"""Connections into a node, at most, by default."""


def cppn(
    image_shape: tuple[int, int, int],
    *,
    functions: str = "paper",
    coordinates: str = "raw",
    colour: str | None = None,
    num_nodes: int = NUM_NODES,
    fan_in: int = FAN_IN,
    rates: Rates | None = None,
) -> Encoding:
    """Builds the CPPN encoding. A genome is a `CPPN`.

    Args:
      image_shape: `(H, W, K)`, K 1 or 3.
      functions: name of a function set: "paper", "no_sine" or "wide".
      coordinates: "raw" (pixel indices, as the authors' code) or "scaled" (to [-1, 1]).
      colour: "grey" for K = 1; "hls" (the authors' code), "hsv" (the paper's word) or "rgb" for K = 3; by
        default the first of them that fits.
      num_nodes: rows of a genome: inputs, outputs and room for hidden nodes.
      fan_in: connections into a node, at most.
      rates: probabilities of mutation; the authors' by default.
    Raises:
      InputError: a name is unknown, or a size does not fit.
    """
    for name, value, known in (
        ("functions", functions, FUNCTION_SETS),
        ("coordinates", coordinates, COORDINATES),
    ):
        if value not in known:
            raise InputError(f"{name}: expected one of {', '.join(known)}, got {value}")
    height, width, channels = image_shape
    fitting = {1: ("grey",), 3: ("hls", "hsv", "rgb")}.get(channels, ())
    if not fitting:
        raise InputError(f"image_shape: expected 1 or 3 channels, got {channels}")
    colour = colour or fitting[0]
    if colour not in fitting:
        raise InputError(
            f"colour: expected one of {', '.join(fitting)} for {channels} channels, got {colour}"
        )
    layout = Layout(NUM_INPUTS, channels, num_nodes, fan_in)
    check_layout(layout)
    names, chances = FUNCTION_SETS[functions], rates or Rates()

    def vary(key: jax.Array, parents: Genome, generation: jax.Array) -> Genome:
        del generation
        parent = jax.tree.map(lambda leaf: leaf[0], parents)
        return mutate(key, parent, layout, len(names), chances)

    def measure(genome: Genome) -> dict[str, jax.Array]:
        full = (genome.num_hidden == layout.max_hidden) | jnp.any(genome.fan_in == fan_in)
        return {
            "hidden_nodes": genome.num_hidden,
            "connections": jnp.sum(genome.fan_in),
            "share_full": full.astype(jnp.float32),
        }

    return Encoding(
        name="cppn",
        image_shape=image_shape,
        num_parents=1,
        init=lambda key: first_genome(key, layout, len(names)),
        vary=vary,
        render=make_render(layout, names, colour),
        coordinates=lambda: COORDINATES[coordinates](height, width),
        measure=measure,
    )
