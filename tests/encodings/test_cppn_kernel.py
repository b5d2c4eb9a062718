"""The kernel that draws CPPNs on a GPU: the program for a card, which need not be here, and what it draws."""

import os
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from lowered_text import KERNEL

from benchmarks.genomes import random_genomes
from benchmarks.operations import CARD, text_for
from fooljax.encodings import cppn
from fooljax.encodings.cppn import coordinates, in_kernel, kernel, lowering
from fooljax.encodings.cppn.differentiable import make_differentiable_render
from fooljax.encodings.cppn.functions import FUNCTION_SETS, FUNCTIONS
from fooljax.encodings.cppn.genome import CPPN, Layout, first_genome
from fooljax.encodings.cppn.render import make_render
from fooljax.engine import placement
from fooljax.engine.loop import Search, advance, first_genomes, start
from fooljax.engine.types import Problem
from fooljax.strategies import map_elites

LAYOUT = Layout(max_nodes=12, max_connections=24)
COLOURED = LAYOUT._replace(num_outputs=3, max_nodes=14)
NO_SINE = FUNCTION_SETS["no_sine"]


def program(form=None, layout=LAYOUT, names=NO_SINE, colour="grey"):
    return jax.jit(jax.vmap(make_render(layout, names, colour, form), (0, None)))


def shapes(count, height, width, layout=LAYOUT):
    """Genomes and coordinates of these sizes, without numbers."""
    one = jax.eval_shape(lambda: first_genome(jax.random.key(0), layout, 4))
    many = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((count, *leaf.shape), leaf.dtype), one)
    return many, jax.ShapeDtypeStruct((layout.num_inputs, height, width), jnp.float32)


def tables(text):
    """The shape of the tables in the only call of the kernel that draws: programs, rows, pixels."""
    [call] = [line for line in text.splitlines() if KERNEL in line and "draw_cppns" in line]
    results = re.findall(r"tensor<([0-9x]+)xf32>", call.rpartition("->")[2])
    return tuple(map(int, results[1].split("x")))


# ------------------------------------------------------------------------------- the program for a card


@pytest.mark.parametrize(
    ("platform", "colour", "layout", "set_name"),
    [
        ("cuda", "hls", COLOURED, "wide"),
        ("cuda", "grey", LAYOUT, "paper"),
        ("rocm", "grey", LAYOUT, "no_sine"),
    ],
)
def test_a_rendering_is_one_kernel_and_no_loop(platform, colour, layout, set_name):
    """Runs x children are one flat batch; images leave the kernel in their final order."""
    render = make_render(layout, FUNCTION_SETS[set_name], colour)
    genomes, pixels = shapes(12, 20, 20, layout)
    runs = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((3, 4, *leaf.shape[1:]), leaf.dtype), genomes)
    nested = jax.jit(jax.vmap(jax.vmap(render, (0, None)), (0, None)))
    text = text_for(platform, nested, runs, pixels)
    assert tables(text) == (12 * 4, layout.max_nodes, 128)
    for absent in ("while", "scatter", "gather", "transpose", "dynamic", "slice", "pad"):
        assert f"stablehlo.{absent}" not in text


def test_a_whole_search_has_two_kernels_and_one_loop():
    """One kernel draws and one changes graphs. The loop is over generations, whatever the number of runs."""
    encoding = cppn((6, 6, 1), functions=("linear",))
    search = Search(encoding, map_elites(encoding, batch_size=4))
    problem = Problem((), encoding.coordinates(), lambda _, images: images[:, 0, :2, 0], (0, 1))

    def begin(key):
        genomes = first_genomes(encoding, key, 4)
        return start(search, problem, key, genomes, jnp.zeros((4, 2)))[0]

    state = jax.eval_shape(jax.vmap(begin), jax.random.split(jax.random.key(0), 3))
    text = text_for("cuda", jax.jit(jax.vmap(lambda run: advance(search, problem, run, 5))), state)
    assert tables(text)[0] == 3 * 4
    assert text.count(KERNEL) == 2
    assert text.count("stablehlo.while") == 1


def test_memory_is_bounded_however_many_genomes_and_pixels():
    """The tables in the program are 512 MB at most, if one program's is not larger."""
    for count, height, width, nodes, expected in (
        (1, 1, 1, 64, (1, 64, 128)),
        (1, 3, 1024, 64, (24, 64, 128)),
        (200, 28, 28, 64, (200 * 7, 64, 128)),
        (100_000, 28, 28, 64, (8192, 64, 128)),
        (1_000, 256, 256, 64, (8192, 64, 128)),
        (1, 4096, 4096, 64, (8192, 64, 128)),
        (4_096, 28, 28, 256, (4096, 256, 128)),
        (1_000, 12, 12, 64, (2_000, 64, 128)),
        (5, 4096, 4096, 2_097_152, (1, 2_097_152, 128)),
    ):
        layout = LAYOUT._replace(max_nodes=nodes)
        arguments = shapes(count, height, width, layout)
        found = tables(text_for("cuda", program(layout=layout, names=("linear",)), *arguments))
        assert found == expected
        assert np.prod(found) <= max(kernel.MOST_NUMBERS, nodes * kernel.TILE)


def test_each_device_of_a_mesh_has_a_kernel_for_its_share():
    """In a `jax.shard_map` of the user's own, and where the renderer deals out the genomes itself."""
    render = jax.vmap(make_render(LAYOUT, ("linear",), "grey"), (0, None))
    axis = jax.sharding.PartitionSpec("genomes")
    shares = jax.shard_map(
        render, in_specs=(axis, jax.sharding.PartitionSpec()), out_specs=axis, check_vma=False
    )
    automatic = (jax.sharding.AxisType.Auto,)
    mesh = jax.sharding.AbstractMesh((2,), ("genomes",), axis_types=automatic, abstract_device=CARD)
    with jax.sharding.use_abstract_mesh(mesh):
        by_hand, by_itself = (
            jax.jit(drawn).trace(*shapes(8, 20, 20)).lower(lowering_platforms=("cuda",)).as_text()
            for drawn in (shares, render)
        )
    assert tables(by_hand) == (4 * 4, LAYOUT.max_nodes, 128)
    assert tables(by_itself) == (4 * 4, LAYOUT.max_nodes, 128)


def test_the_batched_form_draws_where_a_kernel_cannot_run(monkeypatch):
    """On a card that is too old, and without the kernel's compiler."""
    monkeypatch.setattr(lowering, "kernels_run", lambda: False)
    assert KERNEL not in text_for("cuda", program(names=("linear",)), *shapes(4, 5, 5))
    monkeypatch.undo()
    monkeypatch.setattr(in_kernel.importlib.util, "find_spec", lambda name: None)
    assert KERNEL not in text_for("cuda", program(names=("linear",)), *shapes(4, 5, 5))


@pytest.mark.parametrize(
    ("abilities", "expected"),
    [((None,), True), (("9.0", "8.0"), True), (("9.0", "7.5"), False), (("gfx942",), True), ((), True)],
)
def test_kernels_run_on_cards_from_ampere_on(monkeypatch, abilities, expected):
    class Device:
        def __init__(self, ability):
            if ability:
                self.compute_capability = ability

    monkeypatch.setattr(placement.jax, "devices", lambda: [Device(ability) for ability in abilities])
    assert placement.kernels_run() is expected


# ------------------------------------------------------------------------------- functions of nodes


def test_all_functions_and_their_slopes_fit():
    assert in_kernel.all_fit(tuple(FUNCTIONS), slopes=True)


def test_a_function_of_many_operations_is_in_the_kernel(monkeypatch):
    """Each of the operations that are said to be known can be written for a card."""
    used = (
        lambda p: lax.abs(p) + lax.acos(p) + lax.acosh(p) + lax.asin(p) + lax.asinh(p) + lax.atan(p),
        lambda p: lax.atan2(p, p) + lax.atanh(p) + lax.cbrt(p) + lax.ceil(p) + lax.clamp(0.0, p, 1.0),
        lambda p: lax.cos(p) + lax.cosh(p) + p / 3.0 + lax.exp(p) + lax.exp2(p) + lax.expm1(p) - lax.floor(p),
        lambda p: lax.integer_pow(p, 3) + lax.log(p) + lax.log1p(p) + lax.logistic(p) + lax.pow(p, 2.5 * p),
        lambda p: lax.max(p, -p) + lax.min(p, p * p) + lax.rem(p, p + 2.0) + lax.rsqrt(p) + lax.sign(p),
        lambda p: lax.sin(p) + lax.sinh(p) + lax.sqrt(p) + lax.square(p) + lax.stop_gradient(p),
        lambda p: lax.tan(p) + lax.tanh(p) + lax.round(p, lax.RoundingMethod.TO_NEAREST_EVEN),
        lambda p: jnp.where((p > 1) & (p >= 2) | (p < 3) ^ (p <= 4) & ~(p == 5) | (p != 6), p, 0.0),
        lambda p: jnp.where(lax.is_finite(p), jnp.full_like(p, 0.5), p),
        lambda p: ((p.astype(jnp.int32) << 3 >> 2) & 7 | 5 ^ p.astype(jnp.int32)).astype(jnp.float32),
        lambda p: lax.bitcast_convert_type(
            lax.shift_right_logical(lax.bitcast_convert_type(p, jnp.int32), 3), jnp.float32
        ),
        lambda p: jax.nn.relu(p) + jnp.clip(jnp.round(p), 0, 1) + FUNCTIONS["sine"](p),
        lambda p: in_kernel.slope_at(lambda q: q * lax.sin(q))(p, p),
    )
    names = tuple(f"own {index}" for index in range(len(used)))
    for name, function in zip(names, used, strict=True):
        monkeypatch.setitem(FUNCTIONS, name, function)
        assert in_kernel.fits(function), name
    found = {
        equation.primitive.name
        for function in used
        for equation in jax.make_jaxpr(in_kernel.without_rounding(function))(jnp.zeros(128)).eqns
    }
    assert found >= set(in_kernel.KNOWN.split())
    assert tables(text_for("cuda", program(names=names), *shapes(4, 5, 5)))


@pytest.mark.parametrize(
    "own",
    [
        lax.erf,
        lambda p: lax.round(p, lax.RoundingMethod.AWAY_FROM_ZERO),
        lambda p: p - jnp.mean(p),
        lambda p: p * lax.broadcasted_iota(jnp.float32, p.shape, p.ndim - 1),
        lambda p: jnp.interp(p, np.arange(7), np.linspace(0, 1, 7)),
    ],
)
def test_a_function_that_does_not_fit_is_drawn_in_the_batched_form(monkeypatch, own):
    monkeypatch.setitem(FUNCTIONS, "own", own)
    assert not in_kernel.fits(own)
    text = text_for("cuda", program(names=("own", "linear")), *shapes(4, 5, 5))
    assert KERNEL not in text
    assert "stablehlo.while" in text


def test_rounding_is_the_same_in_other_operations():
    """Taken one by one: a compiler of programs for CPUs would see through them."""
    x = np.concatenate(
        [
            np.arange(-2000, 2000) / 4,
            np.linspace(-9, 9, 999),
            [2.0**22 + 0.5, 2.0**23 - 0.5, 2.0**23 + 1, 1e30],
        ]
    ).astype(np.float32)
    x = jnp.asarray(np.concatenate([x, -x, [np.inf, -np.inf, np.nan, 0.49999997, 8388609]]), jnp.float32)
    np.testing.assert_array_equal(in_kernel.without_rounding(jnp.round)(x), jnp.round(x))
    for name in ("sine", "cos", "gaussian", "tanh5"):
        np.testing.assert_array_equal(in_kernel.without_rounding(FUNCTIONS[name])(x), FUNCTIONS[name](x))


# ------------------------------------------------------------------------------- what it draws


@pytest.mark.parametrize(
    ("height", "width", "colour"), [(1, 1, "grey"), (17, 8, "grey"), (16, 16, "grey"), (3, 100, "hls")]
)
def test_programs_share_out_all_tiles(monkeypatch, height, width, colour):
    """Images that are no whole number of tiles, tiles that are no whole number of rounds of the programs."""
    monkeypatch.setattr(kernel, "MOST_PROGRAMS", 4)
    layout, names = COLOURED if colour == "hls" else LAYOUT, ("linear", "step")
    some, pixels = random_genomes(3, 3, layout, len(names), (5, 10)), coordinates.scaled(height, width)
    images = program("kernel", layout, names, colour)(some, pixels)
    expected = program("batched", layout, names, colour)(some, pixels)
    assert images.shape == expected.shape
    assert np.mean(np.abs(images - expected) * 255 < 1.01) > 0.999


def slopes(form, names, colour, layout):
    """The image of a genome, and derivatives of a sum over it with respect to weights and coordinates."""
    render = make_differentiable_render(layout, names, colour, form)

    def total(weights, pixels, genome):
        image = render(genome.replace(weights=weights), pixels)
        return jnp.sum(image * jnp.linspace(-1, 1, image.size).reshape(image.shape)), image

    def one(genome, pixels):
        return jax.value_and_grad(total, (0, 1), has_aux=True)(genome.weights, pixels, genome)

    return jax.jit(jax.vmap(one, (0, None)))


@jax.custom_jvp
def partly_known(p):
    return lax.clamp(-1.0, p, 1.0)


@partly_known.defjvp
def _with_another_slope(primals, tangents):
    return partly_known(*primals), lax.erf(primals[0]) * tangents[0]


def test_a_derivative_is_two_kernels_and_no_loop():
    text = text_for("cuda", slopes(None, NO_SINE, "grey", LAYOUT), *shapes(4, 20, 20))
    assert text.count(KERNEL) == 2
    for absent in ("while", "scatter", "gather", "dynamic"):
        assert f"stablehlo.{absent}" not in text


def test_a_derivative_that_does_not_fit_is_taken_in_the_batched_form(monkeypatch):
    """The function below fits, its derivative does not."""
    monkeypatch.setitem(FUNCTIONS, "own", partly_known)
    assert in_kernel.fits(partly_known)
    assert KERNEL not in text_for("cuda", slopes(None, ("own",), "grey", LAYOUT), *shapes(4, 5, 5))


@pytest.mark.parametrize(("colour", "layout"), [("grey", LAYOUT), ("rgb", COLOURED)])
def test_derivatives_are_those_of_the_serial_form(colour, layout):
    """On 1.3 tiles, whose last pixels are beyond the image."""
    some, pixels = random_genomes(5, 4, layout, len(NO_SINE), (5, 10)), coordinates.scaled(13, 13)
    expected = slopes("serial", NO_SINE, colour, layout)(some, pixels)
    found = slopes("kernel", NO_SINE, colour, layout)(some, pixels)
    for one, other in zip(jax.tree.leaves(expected), jax.tree.leaves(found), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-4 * float(jnp.max(jnp.abs(one))))


def strange_genomes():
    """One without connections, one with as many as fit, two with weights that are not finite, a small one."""
    places, row = np.zeros((5, LAYOUT.max_connections), np.int32), LAYOUT.first_output
    weights, kinds = np.zeros(places.shape, np.float32), np.zeros((5, LAYOUT.max_nodes), np.int32)
    used, targets, sources = np.asarray([0, 24, 2, 2, 1]), places.copy(), places.copy()
    for genome, count in enumerate(used):
        targets[genome, :count] = row
        sources[genome, :count] = np.arange(count) % 4
        weights[genome, :count] = 0.1
    weights[2, 0], weights[3, 0] = np.nan, np.inf
    kinds[:, row] = [2, 3, 1, 1, 0]
    return CPPN(
        num_hidden=jnp.zeros(5, jnp.int32),
        num_connections=jnp.asarray(used, jnp.int32),
        functions=jnp.asarray(kinds),
        sources=jnp.asarray(sources),
        targets=jnp.asarray(targets),
        weights=jnp.asarray(weights),
    )


def test_strange_genomes_are_drawn_as_by_the_other_forms():
    pixels = coordinates.scaled(5, 6)
    images = program("kernel")(strange_genomes(), pixels)
    np.testing.assert_array_equal(images, program("batched")(strange_genomes(), pixels))
    assert np.all(np.isfinite(images[jnp.asarray([0, 1, 4])]))


@pytest.mark.optimised
def test_devices_draw_their_shares():
    """Under `jax.shard_map` each device has a kernel for its own genomes: the images of one device."""
    script = """
import jax, numpy as np
from jax.sharding import PartitionSpec as P
from benchmarks.genomes import random_genomes
from fooljax.encodings.cppn import coordinates
from fooljax.encodings.cppn.functions import FUNCTION_SETS
from fooljax.encodings.cppn.genome import Layout
from fooljax.encodings.cppn.render import make_render
layout = Layout(max_nodes=12, max_connections=24)
genomes, pixels = random_genomes(0, 8, layout, 4, (5, 10)), coordinates.scaled(5, 5)
mesh = jax.make_mesh((2,), ("genomes",), axis_types=(jax.sharding.AxisType.Auto,))
render = jax.vmap(make_render(layout, FUNCTION_SETS["no_sine"], "grey", "kernel"), (0, None))
shares = jax.jit(jax.shard_map(
    render, mesh=mesh, in_specs=(P("genomes"), P()), out_specs=P("genomes"), check_vma=False
))
np.testing.assert_array_equal(shares(genomes, pixels), jax.jit(render)(genomes, pixels))
"""
    two = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    environment = {**os.environ, **two}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
