"""The plain form of a CPPN renderer, frozen: the yardstick that the renderer is measured against.

Dense `[N, N]` weights, every one of the N rows at every genome, every function computed and one selected,
under a plain `vmap`, with XLA's own sine. Never optimise this file.
"""

import jax
import jax.numpy as jnp

from fooljax.encodings.cppn.genome import CPPN, Layout


def dense_weights(genome: CPPN, layout: Layout) -> jax.Array:
    """`[N, N]`: entry `[row, source]` is the sum of the weights from `source` to `row`."""
    rows, columns = (jax.nn.one_hot(ends, layout.max_nodes) for ends in (genome.targets, genome.sources))
    return jnp.einsum("e,en,em->nm", genome.weights, rows, columns)


def render(dense: jax.Array, genome: CPPN, coordinates: jax.Array, layout: Layout) -> jax.Array:
    """The grey image `[H, W, 1]` of one genome with the paper's four functions."""
    pixels = coordinates.reshape(layout.num_inputs, -1)
    table = jnp.zeros((layout.max_nodes, pixels.shape[1])).at[: layout.num_inputs].set(pixels)

    def step(row: jax.Array, table: jax.Array) -> jax.Array:
        p = dense[row] @ table
        values = [jnp.sin(p), 2.0 / (1.0 + jnp.exp(-p)) - 1.0, jnp.exp(-p * p), jnp.clip(p, -3.0, 3.0) / 3.0]
        return table.at[row].set(jnp.select([genome.functions[row] == index for index in range(4)], values))

    table = jax.lax.fori_loop(layout.num_inputs, layout.max_nodes, step, table)
    byte = jnp.abs(jnp.trunc(255.0 * table[-1]))
    return (byte / 255.0).reshape(*coordinates.shape[1:], 1)
