"""The archive: one elite for each class, and the rule by which genomes compete for it.

Source: Nguyen et al. 2015, section 2.2, and the authors' code: every genome tries every cell, and a cell is
taken only by a strictly better genome. Differs: a whole batch is inserted at once, which gives the archive
that inserting one after another gives.
"""

import flax.struct
import jax
import jax.numpy as jnp

from fooljax.engine.dealing import collected
from fooljax.engine.placement import by_platform
from fooljax.engine.types import Genome

SELECTED_BYTES = 2**24
"""The largest archive, in bytes, among whose genomes an accelerator selects in every generation."""


@flax.struct.dataclass
class Archive:
    """One elite per cell.

    Attributes:
      genomes: leaves `[C, ...]`, in the encoding's dtypes; zeros where a cell is empty.
      fitness: `[C]` float32 log-odds; -inf where a cell is empty.
      ids: `[C]` int32, the number of the query that evaluated the elite, from 0; -1 where empty.
      parents: `[C, P]` int32, ids of the elite's parents; -1 where there is none.
      births: `[C]` int32, the generation the elite was born in; -1 where empty.
    """

    genomes: Genome
    fitness: jax.Array
    ids: jax.Array
    parents: jax.Array
    births: jax.Array

    @property
    def occupied(self) -> jax.Array:
        """`[C]` bool: the cells that have an elite."""
        return self.fitness > -jnp.inf


def empty(genome: Genome, num_cells: int, num_parents: int) -> Archive:
    """An archive without elites, for genomes shaped as `genome` (arrays or shapes, no batch axis)."""
    return Archive(
        genomes=jax.tree.map(lambda leaf: jnp.zeros((num_cells, *leaf.shape), leaf.dtype), genome),
        fitness=jnp.full((num_cells,), -jnp.inf, jnp.float32),
        ids=jnp.full((num_cells,), -1, jnp.int32),
        parents=jnp.full((num_cells, num_parents), -1, jnp.int32),
        births=jnp.full((num_cells,), -1, jnp.int32),
    )


def insert(
    archive: Archive,
    genomes: Genome,
    fitness: jax.Array,
    ids: jax.Array,
    parents: jax.Array,
    generation: jax.Array,
) -> tuple[Archive, jax.Array]:
    """Lets every genome compete for every cell and keeps the better of old and new.

    One dense arg-max over the batch and one gather: no scatter, and never a `[B, C, G]` array, so the peak
    is the old archive and the new.

    Args:
      archive: the archive to add to, `C` cells.
      genomes: leaves `[B, ...]`, structured as `archive.genomes`.
      fitness: `[B, C]`, higher is better; NaN counts as -inf, and -inf never enters.
      ids: `[B]` int32 query numbers.
      parents: `[B, P]` int32.
      generation: `[]` int32, the generation the genomes were born in.
    Returns:
      The new archive, and `improved`, `[C]` bool: the cells that changed hands. A cell changes hands only for
      a strictly higher fitness; among equals of a batch the lowest index wins.
    Raises:
      ValueError: a shape does not fit this archive (found while tracing).
    """
    num_cells, num_parents = archive.parents.shape
    batch = jax.tree.leaves(genomes)[0].shape[0]
    for name, array, expected in (
        ("fitness", fitness, (batch, num_cells)),
        ("ids", ids, (batch,)),
        ("parents", parents, (batch, num_parents)),
    ):
        if array.shape != expected:
            raise ValueError(f"{name}: expected shape {list(expected)}, got {list(array.shape)}")
    fitness = jnp.where(jnp.isnan(fitness), -jnp.inf, fitness)
    best = jnp.argmax(fitness, axis=0)
    best_fitness = jnp.max(fitness, axis=0)
    improved = best_fitness > archive.fitness

    def take(new: jax.Array, old: jax.Array) -> jax.Array:
        mask = improved.reshape((num_cells,) + (1,) * (old.ndim - 1))
        return jnp.where(mask, new.astype(old.dtype), old)

    return (
        Archive(
            genomes=jax.tree.map(take, collected(genomes, best), archive.genomes),
            fitness=jnp.where(improved, best_fitness, archive.fitness),
            ids=take(ids[best], archive.ids),
            parents=take(parents[best], archive.parents),
            births=jnp.where(improved, generation, archive.births),
        ),
        improved,
    )


def first_at(level: float, first: Archive, archive: Archive, improved: jax.Array) -> Archive:
    """Keeps, for each cell, the first elite whose fitness reached a level.

    Args:
      level: log-odds.
      first: the elites that did so before; empty where none did. Shaped as `archive`.
      archive: after an insertion.
      improved: `[C]` bool, the cells that changed hands in it.
    Returns:
      `first` with the elites of those cells that reached the level now.
    """
    reached = improved & (archive.fitness >= level) & ~first.occupied

    def taken(first: Archive) -> Archive:
        def take(new: jax.Array, old: jax.Array) -> jax.Array:
            return jnp.where(reached.reshape((-1,) + (1,) * (old.ndim - 1)), new, old)

        kept: Archive = jax.tree.map(take, archive, first)
        return kept

    def if_any(first: Archive) -> Archive:
        # A loop of one pass or none: under `vmap` a `cond` would become a selection over all genomes in every
        # generation, and this happens once a cell.
        begin = (first, jnp.any(reached))
        kept, _ = jax.lax.while_loop(
            lambda carry: carry[1], lambda carry: (taken(carry[0]), jnp.bool_(False)), begin
        )
        return kept

    # An accelerator would wait for the host to read whether there is any, which takes longer than to select
    # among a few megabytes.
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(first))
    return by_platform(if_any, taken if size <= SELECTED_BYTES else if_any, first)


def sample(key: jax.Array, archive: Archive, shape: tuple[int, ...]) -> tuple[Genome, jax.Array]:
    """Draws elites uniformly per occupied cell, with replacement, see `sample_cells`.

    Returns:
      Genomes with leaves `[*shape, ...]`, and their ids, `shape` int32.
    """
    cells = sample_cells(key, archive, shape)
    return jax.tree.map(lambda leaf: leaf[cells], archive.genomes), archive.ids[cells]


def sample_cells(key: jax.Array, archive: Archive, shape: tuple[int, ...]) -> jax.Array:
    """Draws cells uniformly among those that are occupied, with replacement.

    An elite that owns several cells is drawn proportionally more often, as in the authors' code.

    Args:
      key: a PRNG key.
      archive: at least one cell must be occupied.
      shape: of the draw, as `(B, P)`.
    Returns:
      Indices of cells, `shape` int32.
    """
    occupied = archive.occupied
    occupied_first = jnp.argsort(~occupied, stable=True)
    # Not randint, which compiles four times the code for a bias that is below 1e-4 up to 1,000 cells.
    count = jnp.sum(occupied)
    drawn = jnp.floor(jax.random.uniform(key, shape) * count).astype(jnp.int32)
    cells: jax.Array = occupied_first[jnp.minimum(drawn, count - 1)]
    return cells
