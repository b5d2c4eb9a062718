"""Genomes of a file are used only where an operator could have made them."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys

from fooljax import encodings
from fooljax.engine.genomes import check_genomes
from fooljax.errors import InputError
from fooljax.evolution import search

SHAPE = (4, 4, 1)


@pytest.mark.parametrize(
    ("encoding", "bad", "message"),
    [
        (encodings.direct(SHAPE), np.nan, "finite numbers in [0, 1], found nan"),
        (encodings.direct(SHAPE), 1.5, "finite numbers in [0, 1], found 1.5"),
        (encodings.direct(SHAPE), -np.inf, "finite numbers in [0, 1], found -inf"),
        (encodings.fixed_cppn(SHAPE, hidden=(2,)), -3.5, "finite numbers in [-3, 3], found -3.5"),
        (toys.waves(SHAPE), np.inf, "phase of finite numbers in"),
    ],
)
def test_numbers_that_no_operator_makes(encoding, bad, message):
    genomes = jax.tree.map(np.array, jax.vmap(encoding.init)(jax.random.split(jax.random.key(0), 5)))
    check_genomes(encoding, genomes)
    leaf = genomes["phase"] if isinstance(genomes, dict) else genomes
    leaf[(3, *(0,) * (leaf.ndim - 1))] = bad
    with pytest.raises(InputError, match="^genome 3: expected " + re.escape(message)):
        check_genomes(encoding, genomes)
    with pytest.raises(InputError, match=r"^init_genomes: genome 3: expected "):
        search(lambda images: images[:, 0, :2, 0], encoding, key=0, init_genomes=genomes, generations=0)


def test_levels_are_all_possible():
    encoding = encodings.direct(SHAPE, storage="uint8")
    check_genomes(encoding, np.full((3, 16), 255, np.uint8))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, np.float16, np.float32])
def test_any_float_is_checked(dtype):
    encoding = encodings.direct(SHAPE)
    genomes = np.zeros((2, 16), dtype)
    check_genomes(encoding, genomes)
    genomes[1, 3] = np.nan
    with pytest.raises(InputError, match="genome 1"):
        check_genomes(encoding, genomes)
    check_genomes(encoding, genomes[:0])


def test_counts_beyond_their_arrays_are_refused_by_the_encoding():
    encoding = encodings.cppn(SHAPE)
    genomes = jax.tree.map(np.array, jax.vmap(encoding.init)(jax.random.split(jax.random.key(0), 3)))
    check_genomes(encoding, genomes)
    check_genomes(encoding, jax.tree.map(np.zeros_like, genomes))  # as an empty cell has
    genomes.num_hidden[2] = 50_000_000
    with pytest.raises(InputError, match=r"^genome 2: num_hidden: expected 0 to 59, got 50000000"):
        check_genomes(encoding, genomes)
