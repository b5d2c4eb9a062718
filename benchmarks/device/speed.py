"""How fast the card is: products, bare networks, drawing, mutation and whole loops."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import evolution, targets
from benchmarks.device.report import Found, Wanted
from benchmarks.genomes import evolved_genomes, random_genomes
from benchmarks.render import FUNCTIONS, MUTATIONS
from benchmarks.timing import compiled, gemm, interleaved, spread, told
from fooljax.encodings.cppn import coordinates
from fooljax.encodings.cppn.genome import Layout
from fooljax.encodings.cppn.mutation import Rates, make_mutate
from fooljax.encodings.cppn.render import make_render
from fooljax.engine.log_odds import log_odds
from fooljax.engine.types import Target, checked_shape
from fooljax.targets import imagenet
from fooljax.targets.crops import cropped
from fooljax.targets.shipped import pretrained

LOOPS = {("cppn", 200): (0.5, None), ("cppn", 4096): (0.7, 0.85)}
"""What the loops must reach of the bare forward, and should, by encoding and children."""
PHOTOGRAPH_LOOPS = (0.9, 0.97)
DRAWN = {(28, 4096): 15e6, (256, 1000): 0.45e6}
"""Images a second, by side and batch."""
MUTATED = 0.5e-3
"""Seconds for `MUTATED_GENOMES`."""
MUTATED_GENOMES = 4096
CALLS = 10
"""Calls that are timed together. A search does not wait for the card between two, so neither do we."""


def peaks(size: int, repeats: int) -> Found:
    """Floating-point operations a second of a square product: by default, in full precision, of bfloat16."""
    kinds: dict[str, tuple[Any, str | None]] = {
        "default": (jnp.float32, None),
        "highest": (jnp.float32, "highest"),
        "bfloat16": (jnp.bfloat16, None),
    }
    products = {name: gemm(size, *kind) for name, kind in kinds.items()}
    seconds = interleaved({name: function for name, (function, _) in products.items()}, repeats)
    figures = {name: spread(products[name][1] / np.asarray(times) / 1e12) for name, times in seconds.items()}
    line = ", ".join(f"{name} {figure['median']:,.2f}" for name, figure in figures.items())
    return Found(f"{line} TFLOP/s", {"size": size, "teraflops": figures})


def digits(batch: int, repeats: int) -> Found:
    """A bare LeNet, in the three precisions of `_forward`."""
    target = pretrained()
    images = jax.random.uniform(jax.random.key(2), (batch, 28, 28, 1))
    return _forward(target, Target(_short(target.params), _of_short(target.apply)), images, repeats)


def photographs(batch: int, repeats: int) -> Found:
    """A bare EfficientNet-Lite0, crops included, in the three precisions of `_forward`."""
    name = "efficientnet-lite0"
    target = imagenet.load(name)
    apply = cropped(_of_short(imagenet.network(name).apply), imagenet.crops_of(name))
    short = Target({**target.params, "network": _short(target.params["network"])}, apply)
    images = jax.random.uniform(jax.random.key(2), (batch, *checked_shape(target.image_shape)))
    return _forward(target, short, images, repeats)


def _short(params: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.bfloat16), params)


def _of_short(apply: Callable[..., Any]) -> Callable[..., jax.Array]:
    """A network in bfloat16, to which its images are rounded too."""
    return lambda params, images: apply(params, images.astype(jnp.bfloat16)).astype(jnp.float32)


def _forward(target: Target, short: Target, images: jax.Array, repeats: int) -> Found:
    """Images a second by default, in full precision, and with weights and activations of bfloat16.

    The last is no mode of a search. It is measured to see what one could bring, and what it would cost: by
    how much log-odds are then apart from those of full precision.
    """
    apply = jax.jit(target.apply)

    def in_full_precision() -> Any:
        with jax.default_matmul_precision("highest"):
            return apply(target.params, images)

    functions: dict[str, Callable[[], Any]] = {
        "default": partial(apply, target.params, images),
        "highest": in_full_precision,
        "bfloat16": partial(jax.jit(short.apply), short.params, images),
    }
    odds = {name: np.asarray(log_odds(function())) for name, function in functions.items()}
    apart = {name: spread(np.abs(odds[name] - odds["highest"])) for name in ("default", "bfloat16")}
    seconds = interleaved(functions, repeats)
    rates = {name: spread(len(images) / np.asarray(times)) for name, times in seconds.items()}
    line = ", ".join(f"{name} {rate['median']:,.0f}" for name, rate in rates.items())
    apart_in_words = ", ".join(
        f"{name} {one['median']:.1e}, at most {one['max']:.1e}" for name, one in apart.items()
    )
    figures = {"batch": len(images), "images_per_second": rates, "log_odds_apart": apart}
    return Found(f"{line} images/s; log-odds apart by (median) {apart_in_words}", figures)


def drawing(lowering: str | None, side: int, batch: int, repeats: int) -> Found:
    """CPPNs drawn by one form of the renderer; None is the form that the platform chooses."""
    layout = Layout()
    genomes = random_genomes(0, batch, layout, len(FUNCTIONS))
    render = jax.vmap(make_render(layout, FUNCTIONS, "grey", lowering), (0, None))
    draw, compile_seconds, temporary = compiled(render, genomes, coordinates.scaled(side, side))
    rate = spread(CALLS * batch / np.asarray(interleaved({"draw": _calls(draw)}, repeats)["draw"]))
    least = DRAWN.get((side, batch)) if lowering is None else None
    wanted = (Wanted("images/s", rate["median"], least=least),) if least else ()
    line = f"{rate['median']:,.0f} images/s, compile {compile_seconds:.1f} s"
    facts = {"side": side, "batch": batch, "lowering": lowering or "chosen", "images_per_second": rate}
    return Found(line, {**facts, "compile_seconds": compile_seconds, "temporary_bytes": temporary}, wanted)


def mutation(count: int, repeats: int) -> Found:
    """A generation's mutation, of genomes as large as elites are."""
    layout = Layout()
    genomes = evolved_genomes(0, layout, len(FUNCTIONS), np.arange(count) % MUTATIONS)
    keys = jax.random.split(jax.random.key(1), count)
    mutate, compile_seconds, _ = compiled(
        jax.vmap(make_mutate(layout, len(FUNCTIONS), Rates())), keys, genomes
    )
    seconds = spread(np.asarray(interleaved({"mutate": _calls(mutate)}, repeats)["mutate"]) / CALLS)
    wanted = (Wanted("seconds", seconds["median"], most=MUTATED),) if count == MUTATED_GENOMES else ()
    line = f"{1e3 * seconds['median']:.3f} ms for {count:,} genomes, compile {compile_seconds:.1f} s"
    figures = {"genomes": count, "seconds": seconds, "compile_seconds": compile_seconds}
    return Found(line, figures, wanted)


def _calls(function: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: [function() for _ in range(CALLS)]


def digit_loop(encoding: str, children: int, repeats: int) -> Found:
    """The whole loop over the bare LeNet of as many images."""
    row = evolution.measure(encoding, children, 1, repeats)
    least, aim = LOOPS.get((encoding, children), (None, None))
    return _loop(row, "loop_evaluations_per_second", least, aim)


def photograph_loop(children: int, repeats: int) -> Found:
    """The whole CPPN loop of 1,000 classes over the bare EfficientNet-Lite0 of as many images."""
    row = targets.measure_loop(repeats, children)
    return _loop(row, "evaluations_per_second", *PHOTOGRAPH_LOOPS)


def _loop(row: dict[str, Any], rate: str, least: float | None, aim: float | None) -> Found:
    ratio = row["loop_over_forward"]
    line = (
        f"{told(ratio, 3)} of the forward, {row[rate]['median']:,.0f} evaluations/s, "
        f"compile {row['compile_seconds']:.1f} s"
    )
    wanted = (Wanted("of the forward", ratio["median"], least=least, aim=aim),) if least else ()
    return Found(line, row, wanted)
