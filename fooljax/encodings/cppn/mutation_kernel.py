"""Changes the graphs of CPPNs by one kernel, for GPUs: a program for each genome, with real branches.

Without it, every step of mutation is computed for every genome, as some kernels of its own, and those that
compare all connections with all others cost more than drawing. The kernel is written in Pallas and compiled
by Triton, as the one that draws. A program is one warp, and holds a genome in registers. Where members change
their places, they go through a list of the program's own in the device's memory: `4 P` bytes for each genome,
where `P` is the larger of the numbers of rows and of places for connections, rounded up to a power of two.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from fooljax.encodings.cppn.genome import CPPN
from fooljax.encodings.cppn.kernel import barrier_of
from fooljax.encodings.cppn.rearranging import ONE_BY_ONE, Draws, Leaves, Rearranging, places_of

WARPS = 1
"""Of 32 threads, for each genome."""
Change = Callable[[Rearranging, Draws, CPPN], CPPN]


def change_graphs(change: Change, draws: jax.Array, genomes: CPPN, interpret: bool = False) -> CPPN:
    """Genomes after `change(how, draws, genome)`, with leaves `[B, ...]`.

    In the kernel a genome has room for as many rows and connections as the next power of two; what is beyond
    its own room holds zeros, and `change` must leave it so.

    Args:
      change: what is done with one genome; of `how` it may use everything.
      draws: `[B, n]` uniform, given to it one by one.
      genomes: leaves `[B, ...]`, B 1 or more.
      interpret: runs the kernel as plain operations of XLA, on any platform; slow.
    """
    num_genomes, num_draws = draws.shape
    barrier = barrier_of(interpret)

    def listed(leaf: Any, program: jax.Array) -> tuple[Any, jax.Array]:
        """The list of one genome, and which of its places are within the genome's own room."""
        room = pl.next_power_of_2(leaf.shape[1])
        return leaf.at[program, pl.ds(0, room)], jnp.arange(room) < leaf.shape[1]

    def kernel(draws: Any, genomes: CPPN, changed: CPPN, scratch: Any) -> None:
        program = pl.program_id(0)

        def read(leaf: Any) -> jax.Array:
            if leaf.ndim == 1:
                return leaf[program]
            place, inside = listed(leaf, program)
            return triton.load(place, mask=inside, other=jnp.zeros((), leaf.dtype))

        def write(leaf: Any, value: jax.Array) -> None:
            if leaf.ndim == 1:
                leaf[program] = value
                return
            place, inside = listed(leaf, program)
            triton.store(place, value, mask=inside)

        how = in_kernel(scratch, barrier)
        some = [draws[program, number] for number in range(num_draws)]
        jax.tree.map(write, changed, change(how, some, jax.tree.map(read, genomes)))

    size = max(pl.next_power_of_2(leaf.shape[1]) for leaf in (genomes.functions, genomes.sources))
    like = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), genomes)
    changed, _ = pl.pallas_call(
        kernel,
        grid=(num_genomes,),
        out_specs=[
            jax.tree.map(lambda _: pl.BlockSpec(), like),
            pl.BlockSpec((None, size), lambda program: (program, 0)),
        ],
        out_shape=[like, jax.ShapeDtypeStruct((num_genomes, size), jnp.int32)],
        compiler_params=triton.CompilerParams(num_warps=WARPS, num_stages=1),
        interpret=interpret,
        name="change_graphs",
    )(draws, genomes)
    return changed


def in_kernel(scratch: Any, barrier: Callable[[], None]) -> Rearranging:
    """The form of `Rearranging` for one genome in a kernel.

    Args:
      scratch: a list of the program's own, `[P]` int32, of any content.
      barrier: lets the threads of the program wait for each other.
    """

    def through(leaf: jax.Array, to: Any, come_from: Any) -> jax.Array:
        """Writes all members to some places and reads those of others, as bits."""
        barrier()  # What another thread has still to read of the list before.
        triton.store(scratch.at[to], lax.bitcast_convert_type(leaf, jnp.int32))
        barrier()
        return lax.bitcast_convert_type(triton.load(scratch.at[come_from]), leaf.dtype)

    def all_of(leaf: jax.Array) -> Any:
        return pl.ds(0, leaf.size)

    def at(leaf: jax.Array, index: jax.Array) -> jax.Array:
        bits = lax.bitcast_convert_type(leaf, jnp.int32)
        found = jnp.sum(jnp.where(places_of(leaf) == index, bits, 0), dtype=jnp.int32)
        return lax.bitcast_convert_type(found, leaf.dtype)

    def placed(leaves: Leaves, places: jax.Array, count: jax.Array) -> Leaves:
        del count
        return tuple(through(leaf, places, all_of(leaf)) for leaf in leaves)

    def ordered(leaves: Leaves, keys: jax.Array, count: jax.Array) -> Leaves:
        place = places_of(keys)
        keys = keys * keys.size + place  # all differ

        def look(index: jax.Array, rank: jax.Array) -> jax.Array:
            return rank + (at(keys, index) < keys)

        rank = lax.fori_loop(0, count, look, jnp.zeros_like(place))
        return placed(leaves, jnp.where(place < count, rank, place), count)

    def kept(leaves: Leaves, stays: jax.Array, count: jax.Array) -> Leaves:
        place = places_of(stays)
        stays = stays & (place < count)
        before, number = ONE_BY_ONE.counted(stays), jnp.sum(stays, dtype=jnp.int32)
        # Those that go stand behind those that stay, until zeros take their places.
        found = placed(leaves, jnp.where(stays, before - 1, number + place - before), count)
        return tuple(jnp.where(place < number, leaf, jnp.zeros_like(leaf)) for leaf in found)

    def with_ancestors(genome: CPPN, rows: jax.Array) -> jax.Array:
        row = places_of(rows)

        def look(step: jax.Array, found: jax.Array) -> jax.Array:
            # From the last connection to the first: whatever reads a row comes after what the row reads.
            place = genome.num_connections - 1 - step
            source, target = (at(leaf, place) for leaf in (genome.sources, genome.targets))
            return jnp.where(row == source, jnp.maximum(found, at(found, target)), found)

        return lax.fori_loop(0, genome.num_connections, look, rows.astype(jnp.int32)) > 0

    def moved(leaf: jax.Array, by: int) -> jax.Array:
        come_from = places_of(leaf) - by
        inside = (come_from >= 0) & (come_from < leaf.size)
        found = through(leaf, all_of(leaf), jnp.where(inside, come_from, 0))
        return jnp.where(inside, found, jnp.zeros_like(leaf))

    def looked_up(leaf: jax.Array, places: jax.Array) -> jax.Array:
        return through(leaf, all_of(leaf), places)

    return Rearranging(at, ONE_BY_ONE.counted, placed, ordered, kept, with_ancestors, moved, looked_up)
