"""Children are dealt to the devices of a mesh, and winners come back bit for bit."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from virtual_devices import printed_on

from fooljax.engine import dealing
from fooljax.engine.dealing import LARGEST_PART, collected, dealt, dealt_tile
from fooljax.engine.placement import everywhere, mesh_of, writing_for

two_devices = pytest.mark.skipif(len(jax.devices()) < 2, reason="needs two devices")


def in_mesh(count, function, *arguments):
    mesh = mesh_of(count)
    given = jax.device_put(arguments, everywhere(mesh))
    with writing_for(mesh):
        return jax.device_get(jax.jit(function, out_shardings=everywhere(mesh))(*given))


@pytest.mark.optimised
@two_devices
@pytest.mark.parametrize(("size", "on_cpus"), [(1, True), (7, True), (100, True), (101, False)])
def test_each_device_has_its_share_and_members_stay_in_order(monkeypatch, size, on_cpus):
    shares = []
    monkeypatch.setattr(dealing, "mesh_is_of_cpus", lambda mesh: on_cpus)

    def scaled(by, batch):
        numbers, keys = batch
        shares.append(numbers.shape[0])
        return numbers * by, jax.vmap(lambda key: jax.random.uniform(key, (3,)))(keys)

    batch = jnp.arange(float(size)), jax.random.split(jax.random.key(0), size)
    alone = jax.jit(functools.partial(dealt, scaled))(2.0, batch)
    found = in_mesh(2, functools.partial(dealt, scaled), 2.0, batch)
    assert shares[0] == size
    assert size / 2 <= shares[1] < size / 2 + (LARGEST_PART if on_cpus else 1)
    for one, other in zip(alone, found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.optimised
@two_devices
def test_winners_come_back_bit_for_bit():
    members = {
        "floats": jnp.array([[-0.0, jnp.nan], [jnp.inf, 1e-45], [0.0, -1.0], [2.0, -0.0], [3.0, 3.0]]),
        "levels": jnp.array([0, 255, 1, 2, 3], jnp.uint8),
        "halves": jnp.array([0.1, -0.0, 3.0, 4.0, 5.0], jnp.bfloat16),
        "flags": jnp.array([True, False, True, False, True]),
        "ids": jnp.array([-1, 5, -7, 2**31 - 1, 0], jnp.int32),
    }
    places = jnp.array([4, 0, 0, 3, 1], jnp.int32)
    found = in_mesh(2, collected, members, places)
    for name, leaf in members.items():
        assert found[name].dtype == leaf.dtype
        assert found[name].tobytes() == np.asarray(leaf)[np.asarray(places)].tobytes(), name


@pytest.mark.parametrize("batch", [1, 7, 13, 200, 1000, 5000])
@pytest.mark.parametrize("most", [1, 5, 1024])
def test_tiles_depend_on_the_batch_alone_and_fill_whole_parts(batch, most):
    assert dealt_tile(batch, most) is None
    with writing_for(mesh_of(1)):
        tile, part = dealt_tile(batch, most), dealt_tile(batch, batch)
    assert 1 <= tile <= most
    assert part % tile == 0
    assert part <= LARGEST_PART


SCRIPT = """
import functools, re, sys
import jax
import toys
from fooljax.encodings import direct
from fooljax.engine.compiled import compile_advance, start_runs
from fooljax.engine.loop import Search
from fooljax.engine.placement import everywhere, mesh_of
from fooljax.engine.types import Problem
from fooljax.strategies import map_elites

encoding = direct((64, 64, 1))
search = Search(encoding, map_elites(encoding, batch_size=96))
apply = lambda params, images: images.reshape(images.shape[0], -1) @ params
for count in (1, 2, 8):
    place = everywhere(mesh_of(count))
    problem = jax.device_put(Problem(jax.numpy.ones((64 * 64, 4)), (), apply, (0, 1, 2, 3)), place)
    keys = jax.device_put(jax.random.split(jax.random.key(0)), place)
    shapes, _ = jax.eval_shape(functools.partial(start_runs, search, 96), problem, keys)
    state = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), shapes)
    program = compile_advance(search, 5, problem, state)
    travels = r" = (\\w+\\[[\\d,]*\\])\\S* (?:all-|collective-|reduce-scatter)[-\\w]*\\("
    print(program.memory_analysis().temp_size_in_bytes, *re.findall(travels, program.as_text()))
"""


@pytest.mark.slow
def test_memory_of_a_device_falls_and_only_log_odds_and_winners_travel():
    rows = [line.split() for line in printed_on(8, SCRIPT).splitlines()]
    one, two, eight = (int(row[0]) for row in rows)
    assert two < 0.55 * one
    assert eight < 0.15 * one
    # Of two runs: 96 children in 4 cells, and the 4 winners, 4,096 genes each.
    for _, *shapes in rows[1:]:
        assert sorted(shapes) == ["f32[2,96,4]", "u32[2,4,4096]"]
    assert re.fullmatch(r"u32\[2,4,4096\]", rows[0][1])
