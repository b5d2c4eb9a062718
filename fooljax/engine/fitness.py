"""From genomes to fitness: draw, round to 8 bits, ask the network, apply the objective."""

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.engine.batching import MAX_TILE, batch_of, flat_batch, largest_tile, tile_size, tiled_by_platform
from fooljax.engine.dealing import dealt, dealt_tile, on_every_device
from fooljax.engine.objective import Logits
from fooljax.engine.types import Coordinates, Encoding, Genome, Problem


def quantise(images: jax.Array) -> jax.Array:
    """Images as their 8-bit files would give them back: clipped to [0, 1], rounded to multiples of 1/255.

    Idempotent, so encodings that truncate to 8 bits themselves (as the authors' code does) are not changed.
    """
    return jnp.round(jnp.clip(images, 0.0, 1.0) * 255.0) / 255.0


def draw_images(encoding: Encoding, genomes: Genome, coordinates: Coordinates) -> jax.Array:
    """The images that a network is shown, `[B, H, W, K]` in [0, 1], of genomes with leaves `[B, ...]`."""
    return quantise(jax.vmap(encoding.render, (0, None))(genomes, coordinates))


def fitness_of_logits(problem: Problem, logits: Logits) -> jax.Array:
    """Fitness `[B, C]` of images whose logits are known: the objective's columns for the problem's cells."""
    values = problem.objective.fitness(logits)
    if problem.cells == tuple(range(values.shape[-1])):
        return values
    return values[:, np.asarray(problem.cells)]


def evaluate(encoding: Encoding, problem: Problem, genomes: Genome) -> jax.Array:
    """Fitness `[B, C]` of genomes with leaves `[B, ...]`; NaN where the network's logits give none.

    The network sees one flat batch whatever is vmapped around it: runs and children are laid end to end and
    cut into tiles of a size that depends on `B` alone, so a run under `vmap` meets the network as the same
    run alone does. (A run axis inside the network costs 5 to 7 times on CPU: pooling becomes 5-D.) Where the
    parameters themselves are batched, networks are taken one after another.

    Args:
      encoding: draws the genomes.
      problem: the target, the cells and the objective.
      genomes: leaves `[B, ...]`.
    Returns:
      `[B, C]` float32, one column for each cell of the problem.
    """

    def of_tile(problem: Problem, genomes: Genome) -> jax.Array:
        images = draw_images(encoding, genomes, problem.coordinates)
        return fitness_of_logits(problem, problem.apply(problem.params, images))

    most = largest_tile(encoding.image_shape)
    tile = dealt_tile(batch_of(genomes), most) or tile_size(batch_of(genomes), most)

    def of_batch(problem: Problem, genomes: Genome) -> jax.Array:
        # An accelerator is fastest on the whole batch; there bit-equality with a lone run is lost.
        values: jax.Array = tiled_by_platform(of_tile, tile, 16 * MAX_TILE, problem, genomes)
        return values

    return on_every_device(dealt(flat_batch(of_batch), problem, genomes))
