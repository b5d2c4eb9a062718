"""The rule of the archive: a table by hand, and properties."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import by_platform

from fooljax.engine.archive import empty, insert, sample, sample_cells


def shape(*dims):
    return jax.ShapeDtypeStruct(dims, jnp.float32)


def put(archive, fitness, first_id=0, generation=1):
    fitness = jnp.asarray(fitness, jnp.float32)
    batch = fitness.shape[0]
    ids = first_id + jnp.arange(batch, dtype=jnp.int32)
    genomes = {"a": ids.astype(jnp.float32)[:, None] * jnp.ones((1, 2)), "b": (ids % 100).astype(jnp.uint8)}
    parents = jnp.stack([ids, ids + 7], axis=1)
    # Compiled once for each size of a batch: operation by operation takes ten times as long.
    return jax.jit(insert)(archive, genomes, fitness, ids, parents, jnp.int32(generation))


def blank(cells):
    return empty({"a": shape(2), "b": jax.ShapeDtypeStruct((), jnp.uint8)}, cells, 2)


def test_insertion_table():
    """A tie goes to the lowest index, NaN and -inf never enter, one genome may take several cells."""
    archive, improved = put(
        blank(4),
        [
            [1.0, np.nan, -np.inf, 0.5],
            [1.0, np.nan, -np.inf, 0.7],
            [0.0, 2.0, -np.inf, 0.7],
        ],
    )
    assert improved.tolist() == [True, True, False, True]
    assert archive.ids.tolist() == [0, 2, -1, 1]
    assert archive.fitness.tolist() == [1.0, 2.0, -np.inf, np.float32(0.7)]
    assert archive.births.tolist() == [1, 1, -1, 1]
    assert archive.parents.tolist() == [[0, 7], [2, 9], [-1, -1], [1, 8]]
    assert archive.genomes["a"][:, 0].tolist() == [0.0, 2.0, 0.0, 1.0]
    assert archive.genomes["b"].dtype == jnp.uint8
    assert archive.occupied.tolist() == [True, True, False, True]


def test_equal_fitness_does_not_replace():
    first, _ = put(blank(2), [[1.0, 2.0]], first_id=0, generation=1)
    second, improved = put(first, [[1.0, 2.5]], first_id=9, generation=2)
    assert improved.tolist() == [False, True]
    assert second.ids.tolist() == [0, 9]
    assert second.births.tolist() == [1, 2]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.lists(st.sampled_from([np.nan, -np.inf, -1.0, 0.0, 1.0, 2.0]), min_size=3, max_size=3),
        min_size=1,
        max_size=8,
    )
)
def test_a_batch_is_inserted_as_one_after_another(rows):
    """The oracle: the authors' sequential rule in plain Python."""
    fitness, ids = [-np.inf] * 3, [-1] * 3
    for number, row in enumerate(rows):
        for cell, value in enumerate(row):
            if value > fitness[cell]:
                fitness[cell], ids[cell] = value, number
    archive, _ = put(blank(3), rows)
    assert archive.ids.tolist() == ids
    again, improved = put(archive, rows)
    assert not improved.any()
    assert again.ids.tolist() == ids


@pytest.mark.parametrize(("name", "fitness"), [("fitness", np.zeros((2, 5))), ("fitness", np.zeros((3, 4)))])
def test_wrong_shapes_are_named(name, fitness):
    ids = jnp.arange(2)
    genomes = {"a": jnp.zeros((2, 2)), "b": jnp.zeros(2, jnp.uint8)}
    with pytest.raises(ValueError, match=rf"^{name}: expected shape \[2, 4\], got"):
        insert(blank(4), genomes, jnp.asarray(fitness), ids, jnp.zeros((2, 2), jnp.int32), jnp.int32(0))


def test_sampling_is_uniform_over_occupied_cells_only():
    archive, _ = put(blank(4), [[1.0, np.nan, 1.0, np.nan], [0.0, np.nan, 2.0, 5.0]])
    cells = sample_cells(jax.random.key(0), archive, (3000, 1))
    assert cells.shape == (3000, 1)
    assert set(np.unique(cells)) == {0, 2, 3}
    genomes, ids = sample(jax.random.key(0), archive, (3000, 1))
    np.testing.assert_array_equal(ids, archive.ids[cells])
    np.testing.assert_array_equal(genomes["a"], archive.genomes["a"][cells])
    counts = np.bincount(np.asarray(ids).ravel(), minlength=2)
    # Cells 0, 2 and 3 are occupied; genome 1 owns two of the three. Binomial s.d. is 26.
    assert counts.sum() == 3000
    assert abs(counts[1] - 2000) < 130


def test_memory_stays_within_twice_the_archive():
    """Insertion never makes a [B, C, G] array: temporaries are below one more archive."""
    cells, genes, batch = 100, 5000, 64
    archive = jax.eval_shape(lambda: empty(shape(genes), cells, 1))
    program = jax.jit(insert, donate_argnums=0).lower(
        archive,
        shape(batch, genes),
        shape(batch, cells),
        jax.ShapeDtypeStruct((batch,), jnp.int32),
        jax.ShapeDtypeStruct((batch, 1), jnp.int32),
        jax.ShapeDtypeStruct((), jnp.int32),
    )
    used = program.compile().memory_analysis()
    assert used.temp_size_in_bytes <= by_platform(1.05, 1.1) * cells * genes * 4
    assert "scatter" not in program.as_text()
