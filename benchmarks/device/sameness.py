"""Whether the card computes what a CPU does: pictures, genomes and scores, compared in one process."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.device.report import Found, Wanted
from benchmarks.genomes import evolved_genomes, random_genomes
from benchmarks.render import FUNCTIONS, MUTATIONS
from fooljax.encodings.colour import COLOURS
from fooljax.encodings.cppn import coordinates
from fooljax.encodings.cppn.differentiable import make_differentiable_render
from fooljax.encodings.cppn.genome import CPPN, Layout
from fooljax.encodings.cppn.mutation import Rates, make_mutate
from fooljax.encodings.cppn.render import make_render
from fooljax.engine.types import Target, checked_shape
from fooljax.probe import probe_images
from fooljax.scoring import score
from fooljax.targets import imagenet
from fooljax.targets.shipped import pretrained

LEVEL = 1.01 / 255
"""By how much a pixel may differ: one grey level."""
PIXELS = 0.999
"""Share of pixels that must be within a level."""
SCORES = 1e-3
"""By how much log-odds may differ, absolute or relative."""
WEIGHTS = 1e-5
"""By how much a weight may differ, of a range of 20."""
SLOPES, ALIKE = 1e-2, 0.95
"""By how much slopes may differ, as a part of a genome's largest; the least share of such genomes."""


def on_cpu(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a program compiled for the CPU and run there.

    Raises:
      RuntimeError: JAX has no CPU, as with `JAX_PLATFORMS=cuda`.
    """
    cpu = jax.devices("cpu")[0]
    with jax.default_device(cpu):
        return jax.device_get(jax.jit(function)(*jax.device_put(arguments, cpu)))


def pictures(lowering: str | None, side: int, count: int, colour: str = "grey") -> Found:
    """The pixels of one form of the renderer against those of the CPU's own."""
    layout = Layout(num_outputs=COLOURS[colour].num_outputs)
    genomes = random_genomes(3, count, layout, len(FUNCTIONS))
    pixels = coordinates.scaled(side, side)
    here = jax.jit(jax.vmap(make_render(layout, FUNCTIONS, colour, lowering), (0, None)))(genomes, pixels)
    there = on_cpu(jax.vmap(make_render(layout, FUNCTIONS, colour), (0, None)), genomes, pixels)
    apart = np.abs(np.asarray(here) - there)
    within, equal = float(np.mean(apart <= LEVEL)), float(np.mean(apart == 0.0))
    line = f"{within:.4%} of pixels within a level, {equal:.2%} equal, at most {apart.max() * 255:.0f} levels"
    figures = {"within_a_level": within, "equal": equal, "most_levels": float(apart.max() * 255)}
    return Found(line, figures, (Wanted("within a level", within, least=PIXELS),))


def slopes(side: int, count: int) -> Found:
    """The derivative of pictures with respect to weights: its kernels on a GPU against the CPU's own form."""
    layout = Layout()
    genomes = random_genomes(3, count, layout, len(FUNCTIONS))
    render = make_differentiable_render(layout, FUNCTIONS, "grey")

    def slope(genome: CPPN, pixels: jax.Array) -> jax.Array:
        return jax.grad(
            lambda weights: jnp.mean(render(dataclasses.replace(genome, weights=weights), pixels))
        )(genome.weights)

    each = jax.vmap(slope, (0, None))
    arguments = genomes, coordinates.scaled(side, side)
    here, there = jax.device_get(jax.jit(each)(*arguments)), on_cpu(each, *arguments)
    apart = np.max(np.abs(here - there), axis=1) / np.maximum(np.max(np.abs(there), axis=1), 1e-6)
    within = float(np.mean(apart < SLOPES))
    line = (
        f"{within:.1%} of genomes within {SLOPES} of their largest slope, half within {np.median(apart):.1e}"
    )
    figures = {"genomes": count, "within": within, "median": float(np.median(apart))}
    return Found(line, figures, (Wanted("within", within, least=ALIKE),))


def mutants(count: int) -> Found:
    """Mutated genomes: graphs bit for bit, weights nearly, since square roots have other last bits."""
    layout = Layout()
    genomes = evolved_genomes(4, layout, len(FUNCTIONS), np.arange(count) % MUTATIONS)
    keys = jax.random.split(jax.random.key(5), count)
    mutate = jax.vmap(make_mutate(layout, len(FUNCTIONS), Rates()))
    here, there = jax.device_get(jax.jit(mutate)(keys, genomes)), on_cpu(mutate, keys, genomes)
    apart = float(np.max(np.abs(here.weights - there.weights)))
    leaves = zip(jax.tree.leaves(here), jax.tree.leaves(there), strict=True)
    same = [np.all((a == b).reshape(count, -1), axis=1) for a, b in leaves if a.dtype == np.int32]
    share = float(np.mean(np.all(same, axis=0)))
    equal = float(np.mean([np.array_equal(a, b) for a, b in zip(here.weights, there.weights, strict=True)]))
    return Found(
        f"{share:.2%} of {count:,} graphs are equal; {equal:.2%} of genomes have equal weights, bit for bit",
        {"genomes": count, "equal_graphs": share, "equal_weights": equal, "weights_apart": apart},
        (Wanted("equal graphs", share, least=1.0), Wanted("weights apart", apart, most=WEIGHTS)),
    )


def digit_scores(count: int) -> Found:
    """Scores of the LeNet that comes with fooljax."""
    return _scores(pretrained(), (28, 28, 1), count)


def photograph_scores(count: int) -> Found:
    """Scores of EfficientNet-Lite0."""
    target = imagenet.load("efficientnet-lite0")
    return _scores(target, checked_shape(target.image_shape), count)


def _scores(target: Target, shape: tuple[int, int, int], count: int) -> Found:
    patterns = np.round(probe_images(shape) * 255.0).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (max(0, count - len(patterns)), *shape), np.uint8)
    images = np.concatenate([patterns, noise])[:count]
    cpu, device = jax.devices("cpu")[0], jax.devices()[0]
    there = score(_on(cpu, target), images)
    here = _on(device, target)
    full, fast = score(here, images), score(here, images, full_precision=False)

    def apart(found: Any) -> float:
        return float(np.max(np.abs(found - there) / np.maximum(1.0, np.abs(there))))

    line = f"at most {apart(full):.2e} apart in full precision, {apart(fast):.2e} as in a search"
    figures = {"images": len(images), "full_precision": apart(full), "as_in_a_search": apart(fast)}
    return Found(line, figures, (Wanted("apart", apart(full), most=SCORES),))


def _on(device: Any, target: Target) -> Target:
    return dataclasses.replace(target, params=jax.device_put(target.params, device))
