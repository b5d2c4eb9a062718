"""Random CPPNs that look evolved: what renderers are timed and tested on."""

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.encodings.cppn.genome import CPPN, MAX_WEIGHT, Layout, first_genome
from fooljax.encodings.cppn.mutation import Rates, make_mutate


def random_genomes(
    seed: int,
    count: int,
    layout: Layout,
    num_functions: int,
    live: tuple[int, int] = (8, 20),
    fan_in: tuple[int, int] = (1, 4),
) -> CPPN:
    """Valid genomes with leaves `[count, ...]`; the draws do not depend on the room in the layout.

    Args:
      seed: of NumPy's generator.
      count: how many.
      layout: their sizes.
      num_functions: functions are uniform over so many.
      live: least and most nodes in use, inputs and outputs included.
      fan_in: least and most connections of a node.
    Raises:
      ValueError: a genome drawn has more connections than the layout has room for.
    """
    generator = np.random.default_rng(seed)
    num_inputs, num_outputs, rows, room = layout
    functions = np.zeros((count, rows), np.int32)
    used = np.zeros(count, np.int32)
    sources = np.zeros((count, room), np.int32)
    targets = np.zeros((count, room), np.int32)
    weights = np.zeros((count, room), np.float32)
    num_hidden = np.maximum(generator.integers(live[0], live[1] + 1, count) - num_inputs - num_outputs, 0)
    for genome in range(count):
        end = num_inputs + int(num_hidden[genome])
        nodes = [(row, row) for row in range(num_inputs, end)]
        nodes += [(rows - num_outputs + output, end) for output in range(num_outputs)]
        for row, below in nodes:
            width = int(generator.integers(fan_in[0], fan_in[1] + 1))
            places = slice(used[genome], used[genome] + width)
            if places.stop > room:
                raise ValueError(f"layout: expected room for all connections, got max_connections {room}")
            used[genome] = places.stop
            sources[genome, places] = generator.integers(0, below, width)
            targets[genome, places] = row
            weights[genome, places] = generator.uniform(-MAX_WEIGHT, MAX_WEIGHT, width)
            functions[genome, row] = generator.integers(num_functions)
    leaves = (num_hidden.astype(np.int32), used, functions, sources, targets, weights)
    return CPPN(*(jax.device_put(jnp.asarray(leaf)) for leaf in leaves))


def evolved_genomes(
    seed: int, layout: Layout, num_functions: int, mutations: npt.NDArray[np.integer]
) -> CPPN:
    """Random first genomes after so many mutations each, without selection.

    Args:
      seed: of the keys.
      layout: their sizes.
      num_functions: size of the function set.
      mutations: `[B]`, how many for each genome.
    Returns:
      Leaves `[B, ...]`.
    """
    count, wanted = len(mutations), jnp.asarray(mutations)
    first_key, key = jax.random.split(jax.random.key(seed))
    first = jax.vmap(lambda k: first_genome(k, layout, num_functions))(jax.random.split(first_key, count))
    mutate = jax.vmap(make_mutate(layout, num_functions, Rates()))

    def step(genomes: CPPN, index: jax.Array) -> tuple[CPPN, None]:
        children = mutate(jax.random.split(jax.random.fold_in(key, index), count), genomes)

        def keep(new: jax.Array, old: jax.Array) -> jax.Array:
            return jnp.where((index < wanted).reshape(-1, *(1,) * (old.ndim - 1)), new, old)

        return jax.tree.map(keep, children, genomes), None

    steps = jnp.arange(int(np.max(mutations)))
    genomes: CPPN = jax.jit(lambda genomes: jax.lax.scan(step, genomes, steps)[0])(first)
    return genomes
