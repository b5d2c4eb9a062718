"""The CPPN renderer against a plain NumPy one, and its forms against each other (the kernel interpreted)."""

import colorsys
import os
import re
import subprocess
import sys
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from lowered_text import KERNEL
from tolerances import by_platform

from benchmarks.genomes import random_genomes
from benchmarks.operations import text_for
from fooljax.encodings import colour
from fooljax.encodings.cppn import coordinates
from fooljax.encodings.cppn.differentiable import make_differentiable_render
from fooljax.encodings.cppn.functions import FUNCTION_SETS, FUNCTIONS
from fooljax.encodings.cppn.genome import CPPN, Layout, first_genome, pad, validate
from fooljax.encodings.cppn.lowering import LOWERINGS
from fooljax.encodings.cppn.render import make_render
from tests.oracles.cppn_oracle import FUNCTIONS as ORACLE
from tests.oracles.cppn_oracle import fold, outputs

LAYOUT = Layout(max_nodes=24, max_connections=96)
SIDE = 20
COUNT = 24


@cache
def genomes(set_name):
    """Half with few connections a node, half with up to nine."""
    size = len(FUNCTION_SETS[set_name])
    few = random_genomes(1, COUNT // 2, LAYOUT, size, (5, 20))
    many = random_genomes(2, COUNT // 2, LAYOUT, size, (6, 24), (0, 9))
    both = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), few, many)
    for index in range(COUNT):
        validate(one(both, index), LAYOUT, size)
    return both


def one(genomes, index):
    return jax.tree.map(lambda leaf: leaf[index], genomes)


@cache
def program(set_name, lowering, colour_name="grey", layout=LAYOUT):
    return jax.jit(jax.vmap(make_render(layout, FUNCTION_SETS[set_name], colour_name, lowering), (0, None)))


@cache
def levels(set_name, lowering, scaling):
    """Grey levels 0 to 255, `[B, H, W]`."""
    images = program(set_name, lowering)(genomes(set_name), coordinates.COORDINATES[scaling](SIDE, SIDE))
    assert images.shape == (COUNT, SIDE, SIDE, 1)
    assert images.dtype == jnp.float32
    return np.asarray(images[..., 0], np.float64) * 255


@cache
def oracle_levels(set_name, scaling, dtype):
    pixels = coordinates.COORDINATES[scaling](SIDE, SIDE)
    names = FUNCTION_SETS[set_name]
    return np.stack(
        [fold(outputs(one(genomes(set_name), i), LAYOUT, names, pixels, dtype))[0] for i in range(COUNT)]
    ).astype(np.float64)


# -------------------------------------------------------------------------------------------- functions


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_accurate_bounded_and_finite(name):
    # Where the number of turns may be rounded the wrong way.
    half_turns = np.float32((2 * np.arange(-477, 477) + 1)[:, None] * np.pi) * (
        1 + np.arange(-4, 5)[None] * 2e-7
    )
    half_turns = half_turns.ravel()
    # Where the exponent, p log2(e) or p^2 log2(e) and multiples of them, lies half-way between whole numbers.
    halves = (np.arange(-60, 60) + 0.5) / np.log2(np.e)
    halves = np.concatenate([halves, halves / 2, halves / 10, np.sqrt(np.abs(halves))]).astype(np.float32)
    halves = (halves.view(np.int32)[:, None] + np.arange(-20, 21, dtype=np.int32)).ravel().view(np.float32)
    inside = np.concatenate(
        [np.linspace(-3000, 3000, 400_001), np.linspace(-12, 12, 200_001), half_turns, halves]
    ).astype(np.float32)
    value = np.asarray(jax.jit(FUNCTIONS[name])(inside))
    with np.errstate(over="ignore"):
        exact = ORACLE[name](inside.astype(np.float64))
    assert np.max(np.abs(value - exact)) < (1e-6 if name in ("sine", "cos") else 3e-7)
    top = np.finfo(np.float32).max
    extremes = np.asarray([0, -0.0, 1e-45, 1e5, 1e10, 3e19, -3e19, 1e38, -1e38, top, -top], np.float32)
    value = np.asarray(jax.jit(FUNCTIONS[name])(extremes))
    assert np.all(np.abs(value) <= 1.0 + 1e-6)


def test_paper_functions_by_hand():
    table = {
        "sine": [(0, 0), (np.pi / 2, 1), (2550 * np.pi, 0)],
        "sigmoid": [(0, 0), (np.log(3), 0.5), (-200, -1)],
        "gaussian": [(0, 1), (1, np.exp(-1)), (30, 0)],
        "linear": [(0, 0), (1.5, 0.5), (-7, -1)],
    }
    assert tuple(table) == FUNCTION_SETS["paper"]
    for name, pairs in table.items():
        for p, expected in pairs:
            assert float(FUNCTIONS[name](jnp.float32(p))) == pytest.approx(expected, abs=3e-4)


def test_a_function_of_ones_own_is_one_line(monkeypatch):
    monkeypatch.setitem(FUNCTIONS, "zigzag", lambda p: jnp.where(p > 0, jnp.clip(p, 0, 1), jnp.mod(p, 1.0)))
    monkeypatch.setitem(FUNCTIONS, "grey", lambda p: jnp.full_like(p, 0.5))
    pixels = coordinates.scaled(5, 5)
    for names in (("zigzag", "grey"), ("grey",)):
        some = random_genomes(3, 4, LAYOUT, len(names))
        serial, *others = (
            jax.jit(jax.vmap(make_render(LAYOUT, names, "grey", lowering), (0, None)))(some, pixels)
            for lowering in LOWERINGS
        )
        for images in others:
            np.testing.assert_allclose(serial, images, atol=1.01 / 255)
    np.testing.assert_allclose(serial * 255, 127, atol=1e-4)


# -------------------------------------------------------------------------------------------- the oracle


@pytest.mark.parametrize("lowering", LOWERINGS)
@pytest.mark.parametrize("set_name", ["paper", "no_sine"])
def test_scaled_coordinates_agree_with_the_oracle(set_name, lowering):
    error = np.abs(levels(set_name, lowering, "scaled") - oracle_levels(set_name, "scaled", np.float64))
    assert np.mean(error < 1.01) >= 0.999


@pytest.mark.parametrize("lowering", LOWERINGS)
@pytest.mark.parametrize(
    ("set_name", "scaling"), [("paper", "raw"), ("no_sine", "raw"), ("wide", "raw"), ("wide", "scaled")]
)
def test_no_worse_than_twice_plain_float32(set_name, scaling, lowering):
    """Raw coordinates reach thousands and `step` jumps: a rounding error may change a level wholly."""
    exact = oracle_levels(set_name, scaling, np.float64)
    ours = np.abs(levels(set_name, lowering, scaling) - exact).ravel()
    plain = np.abs(oracle_levels(set_name, scaling, np.float32) - exact).ravel()
    points = np.asarray([0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999])
    assert np.all(np.quantile(ours, points) <= 2 * np.quantile(plain, points) + 1.01)
    assert np.mean(ours > 1.01) <= 2 * np.mean(plain > 1.01) + 1e-3


@pytest.mark.parametrize("lowering", LOWERINGS[1:])
@pytest.mark.parametrize("set_name", FUNCTION_SETS)
def test_the_lowerings_agree(set_name, lowering):
    difference = np.abs(levels(set_name, "serial", "scaled") - levels(set_name, lowering, "scaled"))
    assert np.mean(difference < 1.01) >= 0.999


@pytest.mark.parametrize("lowering", LOWERINGS[1:])
def test_the_lowerings_agree_as_well_as_float32_can(lowering):
    """At raw coordinates: quantile by quantile within twice the error of plain float32."""
    exact = oracle_levels("paper", "raw", np.float64)
    plain = np.abs(oracle_levels("paper", "raw", np.float32) - exact)
    difference = np.abs(levels("paper", "serial", "raw") - levels("paper", lowering, "raw"))
    points = np.asarray([0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999])
    assert np.all(np.quantile(difference, points) <= 2 * np.quantile(plain, points) + 1.01)


def test_three_nodes_by_hand():
    """hidden = linear(2 x - y), output = gaussian(hidden + 0.5 bias), on the corners of [-1, 1]."""
    layout = Layout(max_nodes=6, max_connections=5)
    genome = CPPN(
        num_hidden=jnp.int32(1),
        num_connections=jnp.int32(4),
        functions=jnp.asarray([0, 0, 0, 0, 3, 2], jnp.int32),
        sources=jnp.asarray([0, 1, 4, 3, 0], jnp.int32),
        targets=jnp.asarray([4, 4, 5, 5, 0], jnp.int32),
        weights=jnp.asarray([2, -1, 1, 0.5, 0], jnp.float32),
    )
    validate(genome, layout, 4)
    hidden = [[-1 / 3, 1 / 3, 1], [-2 / 3, 0, 2 / 3], [-1, -1 / 3, 1 / 3]]
    expected = [[int(255 * np.exp(-((value + 0.5) ** 2))) for value in row] for row in hidden]
    for lowering in (*LOWERINGS, None):
        render = jax.jit(make_render(layout, FUNCTION_SETS["paper"], "grey", lowering))
        image = render(genome, coordinates.scaled(3, 3))
        np.testing.assert_allclose(image[..., 0] * 255, expected, atol=1e-3)
    # An output without connections: gaussian(0) = 1, the other three 0.
    for function, level in enumerate((0, 0, 255, 0)):
        bare = genome.replace(
            num_hidden=jnp.int32(0),
            functions=jnp.asarray([0, 0, 0, 0, 0, function], jnp.int32),
            num_connections=jnp.int32(0),
            sources=jnp.zeros(5, jnp.int32),
            targets=jnp.zeros(5, jnp.int32),
            weights=jnp.zeros(5),
        )
        image = program("paper", "serial", layout=layout)(
            jax.tree.map(lambda leaf: leaf[None], bare), coordinates.raw(3, 3)
        )
        np.testing.assert_allclose(image * 255, level, atol=1e-3)


@pytest.mark.optimised
@pytest.mark.parametrize("lowering", LOWERINGS)
def test_padding_never_changes_a_bit(lowering):
    room = Layout(max_nodes=40, max_connections=100)
    padded = jax.vmap(partial(pad, layout=LAYOUT, new=room))(genomes("paper"))
    pixels = coordinates.raw(SIDE, SIDE)
    images = program("paper", lowering)(genomes("paper"), pixels)
    np.testing.assert_array_equal(images, program("paper", lowering, layout=room)(padded, pixels))


# -------------------------------------------------------------------------------------------- transformations


def test_runs_and_population_under_vmap_and_scan_with_donation_trace_once():
    render = make_render(LAYOUT, FUNCTION_SETS["paper"], "grey")
    flat, pixels = genomes("paper"), coordinates.raw(SIDE, SIDE)
    runs = jax.tree.map(lambda leaf: leaf.reshape(3, COUNT // 3, *leaf.shape[1:]), flat)
    traces = []

    @partial(jax.jit, donate_argnums=0)
    def search(total, runs, pixels):
        traces.append(1)

        def generation(total, _):
            return total + jax.vmap(jax.vmap(render, (0, None)), (0, None))(runs, pixels), None

        return jax.lax.scan(generation, total, length=3)[0]

    shape = (3, COUNT // 3, SIDE, SIDE, 1)
    first = search(jnp.zeros(shape), runs, pixels)
    second = search(jnp.zeros(shape), runs, pixels)
    assert len(traces) == 1
    np.testing.assert_array_equal(first, second)
    expected = levels("paper", "serial", "raw").reshape(shape) * 3 / 255
    np.testing.assert_allclose(first, expected, atol=1e-5)


def test_one_genome_and_batched_coordinates():
    render = make_render(LAYOUT, FUNCTION_SETS["paper"], "grey", "serial")
    pixels = jnp.stack([coordinates.raw(SIDE, SIDE), coordinates.scaled(SIDE, SIDE)])
    images = jax.jit(jax.vmap(render, (None, 0)))(one(genomes("paper"), 3), pixels)
    for index, scaling in enumerate(("raw", "scaled")):
        np.testing.assert_allclose(
            images[index, ..., 0] * 255, levels("paper", "serial", scaling)[3], atol=1e-3
        )


def test_each_platform_gets_its_form():
    """No scatter anywhere. On a TPU: loops over nodes and over connections, all genomes at once."""
    arguments = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), (genomes("paper"), coordinates.raw(28, 28))
    )
    form = {}
    for platform in ("cpu", "cuda", "tpu"):
        text = text_for(platform, program("paper", None), *arguments)
        assert "scatter" not in text
        form[platform] = ("xla_cpu_small_call" in text, KERNEL in text)
    assert form == {"cpu": (True, False), "cuda": (False, True), "tpu": (False, False)}
    loops = re.findall(r"stablehlo\.while.*", text)
    assert len(loops) == 3  # rows, the connections into a row, those into an output
    assert all(f"tensor<{COUNT}x{LAYOUT.max_nodes}x784xf32>" in loop for loop in loops)


@pytest.mark.slow
@pytest.mark.optimised
def test_a_population_on_a_mesh_is_drawn_in_parts():
    """In a mesh of two CPU devices each draws its half, in the form and to the bits of one alone."""
    script = """
import jax, numpy as np
from benchmarks.genomes import random_genomes
from fooljax.encodings.cppn import coordinates
from fooljax.encodings.cppn.functions import FUNCTION_SETS
from fooljax.encodings.cppn.genome import Layout
from fooljax.encodings.cppn.mutation import Rates, make_mutate
from fooljax.encodings.cppn.render import make_render
layout = Layout(max_nodes=24, max_connections=60)
genomes, pixels = random_genomes(0, 8, layout, 4), coordinates.scaled(12, 12)
mesh = jax.make_mesh((2,), ("genomes",), axis_types=(jax.sharding.AxisType.Auto,))
parts = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("genomes"))
spread = jax.device_put(genomes, parts)
mutate = make_mutate(layout, 4, Rates())
keys = jax.random.split(jax.random.key(0), 8)
render = jax.jit(jax.vmap(make_render(layout, FUNCTION_SETS["no_sine"], "grey"), (0, None)))
assert "xla_cpu_small_call" in render.lower(genomes, pixels).as_text()
with jax.set_mesh(mesh):
    text = render.lower(spread, pixels).as_text()
    assert "xla_cpu_small_call" in text and "tensor<4x60xf32>" in text, "no halves in the serial form"
    images = render(jax.jit(jax.vmap(mutate))(jax.device_put(keys, parts), spread), pixels)
assert len(images.sharding.device_set) == 2 and not images.sharding.is_fully_replicated, images.sharding
serial = jax.vmap(make_render(layout, FUNCTION_SETS["no_sine"], "grey", "serial"), (0, None))
alone = jax.jit(serial)(jax.vmap(make_mutate(layout, 4, Rates(), "serial"))(keys, genomes), pixels)
np.testing.assert_array_equal(images, alone)
"""
    two = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    environment = {**os.environ, **two}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(("count", "side"), [(40, 28), (4, 256), (1, 600)])
def test_memory_is_what_the_module_says(count, side):
    layout = Layout(max_nodes=32)
    arguments = jax.eval_shape(
        lambda: (
            jax.vmap(lambda key: first_genome(key, layout, 4))(jax.random.split(jax.random.key(0), count)),
            coordinates.raw(side, side),
        )
    )
    for lowering in ("serial", "batched"):  # The kernel's is in test_cppn_kernel.py.
        memory = program("paper", lowering, layout=layout).lower(*arguments).compile().memory_analysis()
        images, planes = 4 * count * side**2, 16 * side**2
        assert memory.output_size_in_bytes == images
        if lowering == "serial":
            table = 4 * layout.max_nodes * min(2048, side**2 + 16)
            expected = images + planes + table
        else:
            table = 4 * count * layout.max_nodes * (side**2 + 16)
            expected = 2 * images + table
        assert table < memory.temp_size_in_bytes < by_platform(1.0, 1.1) * expected + 20_000


def test_derivative_matches_a_difference():
    render = jax.jit(make_differentiable_render(LAYOUT, FUNCTION_SETS["no_sine"], "grey"))
    pixels = coordinates.scaled(SIDE, SIDE)
    genome = one(genomes("no_sine"), 5)
    image = render(genome, pixels)
    np.testing.assert_allclose(image[..., 0] * 255, levels("no_sine", "serial", "scaled")[5], atol=1.02)

    def mean(weights):
        return jnp.mean(render(genome.replace(weights=weights), pixels))

    slope = jax.jit(jax.grad(mean))(genome.weights)
    assert slope.shape == genome.weights.shape
    assert bool(jnp.all(jnp.isfinite(slope)))
    direction = slope / jnp.linalg.norm(slope)
    step = 1e-2
    difference = (mean(genome.weights + step * direction) - mean(genome.weights - step * direction)) / (
        2 * step
    )
    assert float(difference) == pytest.approx(float(jnp.sum(slope * direction)), rel=0.05)


# -------------------------------------------------------------------------------------------- coordinates


def test_coordinates_at_the_evolved_size():
    x, y, distance, bias = np.asarray(coordinates.raw(28, 14))
    np.testing.assert_array_equal(x, np.broadcast_to(np.arange(14)[None], (28, 14)))
    np.testing.assert_array_equal(y, np.broadcast_to(np.arange(28)[:, None], (28, 14)))
    np.testing.assert_array_equal(bias, 1)
    assert distance[0, 0] == pytest.approx(2**0.5)
    assert distance.min() == pytest.approx(np.hypot(1 / 13, 1 / 27))
    x, y, same, _ = np.asarray(coordinates.scaled(28, 14))
    np.testing.assert_array_equal(same, distance)
    np.testing.assert_allclose([x.min(), x.max(), y.min(), y.max()], [-1, 1, -1, 1])
    assert bool(np.all(np.isfinite(coordinates.scaled(1, 1))))


@pytest.mark.parametrize("scaling", coordinates.COORDINATES)
def test_a_poster_holds_the_small_image_at_its_pixel_centres(scaling):
    make = coordinates.COORDINATES[scaling]
    small, poster = make(SIDE, SIDE), make(3 * SIDE, 5 * SIDE, evolved=(SIDE, SIDE))
    np.testing.assert_allclose(poster[:, 1::3, 2::5], small, atol=2e-5)
    band = make(3 * SIDE, 5 * SIDE, evolved=(SIDE, SIDE), band=slice(7, 19))
    np.testing.assert_array_equal(band, poster[:, 7:19])
    images = program("no_sine", "serial")(genomes("no_sine"), make(9 * SIDE, 9 * SIDE, evolved=(SIDE, SIDE)))
    difference = np.abs(images[:, 4::9, 4::9, 0] * 255 - levels("no_sine", "serial", scaling))
    assert np.mean(difference < 1.01) > 0.99


# -------------------------------------------------------------------------------------------- colour


def test_grey_is_truncated_then_folded():
    output = jnp.asarray([[[-1.0, -0.5, -0.001, 0.0, 0.003, 0.004, 0.5, 1.0]]])
    image = colour.to_image(output, "grey")
    np.testing.assert_allclose(image[0, :, 0] * 255, [255, 127, 0, 0, 0, 1, 127, 255], atol=1e-4)


def test_conversions_are_colorsys():
    values = np.random.default_rng(0).random((3, 500)).astype(np.float32)
    values[:, :3] = [[0, 1, 0.5], [0, 1, 0.5], [0, 1, 1]]
    for ours, reference in (
        (colour.hls_to_rgb, colorsys.hls_to_rgb),
        (colour.hsv_to_rgb, colorsys.hsv_to_rgb),
    ):
        expected = np.transpose([reference(*map(float, triple)) for triple in values.T])
        np.testing.assert_allclose(ours(*jnp.asarray(values)), expected, atol=by_platform(2e-6, 1e-5))
        np.testing.assert_allclose(
            ours(jnp.asarray(values[0] + 1), *values[1:]), expected, atol=by_platform(5e-6, 2e-5)
        )


@pytest.mark.parametrize(("name", "reference"), [("hls", colorsys.hls_to_rgb), ("hsv", colorsys.hsv_to_rgb)])
def test_hue_wraps_as_in_opencv(name, reference):
    """An 8-bit hue is in units of 2 degrees: 180 is 0 again and 255 is 75."""
    hue = np.arange(256)
    other = np.full(256, 0.5)
    outputs_ = np.stack([-(hue + 0.5) / 255, other, other])[:, None].clip(-1, 1)
    image = np.asarray(colour.to_image(jnp.asarray(outputs_, jnp.float32), name))[0]
    expected = [reference((2 * (h % 180)) / 360, 127 / 255, 127 / 255) for h in hue]
    allowed = by_platform(5e-6, 2e-5)
    np.testing.assert_allclose(image, expected, atol=allowed)
    np.testing.assert_allclose(image[180:], image[:76], atol=allowed)


@pytest.mark.parametrize("name", ["hls", "rgb"])
def test_colour_images_of_all_lowerings(name):
    layout = Layout(num_outputs=3, max_nodes=24, max_connections=80)
    some = random_genomes(4, 6, layout, 4)
    pixels = coordinates.scaled(9, 15)
    serial, *others = (program("no_sine", lowering, name, layout)(some, pixels) for lowering in LOWERINGS)
    assert serial.shape == (6, 9, 15, 3)
    for images in others:
        assert np.mean(np.abs(serial - images) * 255 < 3) > 0.99
    names = FUNCTION_SETS["no_sine"]
    exact = np.stack([fold(outputs(one(some, i), layout, names, pixels)) for i in range(6)]) / 255
    if name == "hls":
        turns = exact[:, 0] * 510 / 360 % 1.0
        rgb = np.vectorize(colorsys.hls_to_rgb)(turns, exact[:, 1], exact[:, 2])
        exact = np.stack(rgb, axis=1)
    assert np.mean(np.abs(np.moveaxis(exact, 1, -1) - serial) * 255 < 5) > 0.99


# -------------------------------------------------------------------------------------------- wrong input


def test_wrong_arguments_are_named():
    paper = FUNCTION_SETS["paper"]
    for arguments, message in (
        ((LAYOUT, ("sine", "tan"), "grey"), "^functions: expected names out of .*; got 'tan'"),
        ((LAYOUT, (), "grey"), "^functions: expected at least one"),
        ((LAYOUT, paper, "cmyk"), "^colour: expected one of grey, hls, hsv, rgb; got 'cmyk'"),
        ((LAYOUT, paper, "hls"), "^num_outputs: hls needs 3, got 1"),
        ((LAYOUT, paper, "grey", "fast"), "^lowering: expected"),
    ):
        with pytest.raises(ValueError, match=message):
            make_render(*arguments)
    render = make_render(LAYOUT, paper, "grey")
    with pytest.raises(ValueError, match=r"^coordinates: expected \[4, H, W\], got \[3, 5, 5\]"):
        render(one(genomes("paper"), 0), jnp.zeros((3, 5, 5)))
    with pytest.raises(ValueError, match=r"^size: expected positive sides"):
        coordinates.raw(0, 5)
    with pytest.raises(ValueError, match=r"^outputs: expected \[3, H, W\]"):
        colour.to_image(jnp.zeros((1, 2, 2)), "rgb")
