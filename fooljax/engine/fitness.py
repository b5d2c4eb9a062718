"""From genomes to fitness: render, quantise to 8 bits, classify, log-odds.

Fitness is the log-odds of a class against all others, ln p / (1 - p). It ranks images as the paper's
confidence p does, but in float32 a softmax over ten classes is exactly 1.0 from a margin near 17 and holds
only some 1,700 values above 0.9999; log-odds keep ranking. A confidence of 0.9999 is ln 9999 = 9.2103.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.engine.batching import MAX_TILE, _batch, flat_batch, largest_tile, tile_size, tiled_by_platform
from fooljax.engine.log_odds import log_odds
from fooljax.engine.types import Encoding, Genome, Params, Problem


def quantise(images: jax.Array) -> jax.Array:
    """Images as their 8-bit files would give them back: clipped to [0, 1], rounded to multiples of 1/255.

    Idempotent, so encodings that truncate to 8 bits themselves (as the authors' code does) are not changed.
    """
    return jnp.round(jnp.clip(images, 0.0, 1.0) * 255.0) / 255.0


def make_fitness(
    encoding: Encoding, apply: Callable[[Params, jax.Array], jax.Array], cells: tuple[int, ...]
) -> Callable[[Problem, Genome], jax.Array]:
    """Builds `fitness(problem, genomes)`: log-odds `[B, len(cells)]` of genomes with leaves `[B, ...]`.

    The network sees one flat batch whatever is vmapped around it: runs and children are laid end to end and
    cut into tiles of a size that depends on `B` alone, so a run under `vmap` meets the network as the same
    run alone does. (A run axis inside the network costs 5 to 7 times on CPU: pooling becomes 5-D.) Where the
    parameters themselves are batched, networks are taken one after another.
    """

    def of_tile(problem: Problem, genomes: Genome) -> jax.Array:
        images = quantise(jax.vmap(encoding.render, (0, None))(genomes, problem.coordinates))
        odds = log_odds(apply(problem.params, images))
        return odds if cells == tuple(range(odds.shape[-1])) else odds[:, np.asarray(cells)]

    def fitness(problem: Problem, genomes: Genome) -> jax.Array:
        tile = tile_size(_batch(genomes), largest_tile(encoding.image_shape))

        def of_batch(problem: Problem, genomes: Genome) -> jax.Array:
            # An accelerator is fastest on the whole batch; there bit-equality with a lone run is lost.
            odds: jax.Array = tiled_by_platform(of_tile, tile, 16 * MAX_TILE, problem, genomes)
            return odds

        return flat_batch(of_batch)(problem, genomes)

    return fitness
