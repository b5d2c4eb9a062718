"""The renderer's kernel on a GPU: against the batched form, and with other tiles and numbers of programs.

Part of `python -m benchmarks.render` where there is a GPU.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from benchmarks.genomes import random_genomes
from benchmarks.timing import compiled, interleaved, spread
from fooljax.encodings.cppn import coordinates, kernel
from fooljax.encodings.cppn.functions import FUNCTION_SETS
from fooljax.encodings.cppn.genome import Layout
from fooljax.encodings.cppn.render import make_render

SIZES = (
    (28, "grey", 200),
    (28, "grey", 1024),
    (28, "grey", 4096),
    (256, "grey", 100),
    (256, "grey", 1000),
    (256, "hls", 100),
    (256, "hls", 1000),
)
"""Sides, colours and numbers of genomes."""
LIVE = (8, 20)
WITHIN = 0.999
"""Share of pixels within a grey level of the other form's, at least."""
SETTINGS = (
    *((128, programs, 1) for programs in (2048, 4096, 16384)),
    (256, 4096, 2),
    (512, 4096, 4),
    (1024, 2048, 4),
    (1024, 4096, 8),
)
"""Tiles, most programs and warps that are tried."""
TRIED = ((28, "grey", 200), (28, "grey", 4096), (256, "hls", 1000))


def drawing(side: int, colour: str, count: int, lowering: str) -> Callable[[], jax.Array]:
    """A compiled drawing of some genomes in one form."""
    layout = Layout(num_outputs=1 if colour == "grey" else 3)
    names = FUNCTION_SETS["paper"]
    genomes = random_genomes(0, count, layout, len(names), LIVE)
    render = jax.vmap(make_render(layout, names, colour, lowering), (0, None))
    return compiled(render, genomes, coordinates.scaled(side, side))[0]


def against_batched(side: int, colour: str, count: int, repeats: int) -> dict[str, Any]:
    """Images of one size by both forms, taking turns."""
    calls = {lowering: drawing(side, colour, count, lowering) for lowering in ("kernel", "batched")}
    apart = np.abs(np.subtract(*(np.asarray(call()) for call in calls.values()))) * 255
    seconds = {name: np.asarray(values) for name, values in interleaved(calls, repeats).items()}
    return {
        "side": side,
        "colour": colour,
        "genomes": count,
        "ratio": spread(seconds["batched"] / seconds["kernel"]),
        "images_per_second": spread(count / seconds["kernel"]),
        "batched_images_per_second": spread(count / seconds["batched"]),
        "pixels_within_a_level": float(np.mean(apart < 1.01)),
    }


@contextmanager
def shared_out_by(tile: int, programs: int, warps: int) -> Iterator[None]:
    """Within it, drawings are shared out otherwise than by the kernel's own constants."""
    before = kernel.TILE, kernel.MOST_PROGRAMS, kernel.WARPS
    kernel.TILE, kernel.MOST_PROGRAMS, kernel.WARPS = tile, programs, warps
    try:
        yield
    finally:
        kernel.TILE, kernel.MOST_PROGRAMS, kernel.WARPS = before


def other_settings(side: int, colour: str, count: int, repeats: int) -> dict[str, Any]:
    """Images per second of one size with other tiles and numbers of programs, taking turns."""
    calls = {"own": drawing(side, colour, count, "kernel")}
    for tile, programs, warps in SETTINGS:
        with shared_out_by(tile, programs, warps):
            name = f"tiles of {tile}, {programs} programs, warps of each {warps}"
            calls[name] = drawing(side, colour, count, "kernel")
    seconds = interleaved(calls, repeats)
    rates = {name: spread(count / np.asarray(values)) for name, values in seconds.items()}
    return {"side": side, "colour": colour, "genomes": count, "images_per_second": rates}


def measure(repeats: int) -> dict[str, Any]:
    """All sizes and settings, printed as they come.

    Raises:
      ValueError: the two forms do not draw the same images.
    """
    rows, settings = [], []
    for side, colour, count in SIZES:
        rows.append(row := against_batched(side, colour, count, repeats))
        print(
            f"{side:>3} x {side:<3} {colour}, {count} genomes: the kernel draws"
            f" {row['images_per_second']['median']:,.0f} images/s, {row['ratio']['median']:.1f} times the"
            f" batched form; {row['pixels_within_a_level']:.4%} of pixels within a level",
            flush=True,
        )
        if row["pixels_within_a_level"] < WITHIN:
            raise ValueError(f"kernel: expected {WITHIN:.1%} of pixels within a level of the batched form's")
    for side, colour, count in TRIED:
        settings.append(row := other_settings(side, colour, count, repeats))
        rates = {name: rate["median"] for name, rate in row["images_per_second"].items()}
        best = max(rates, key=lambda name: rates[name])
        print(
            f"{side:>3} x {side:<3} {colour}, {count} genomes: own settings {rates['own']:,.0f} images/s,"
            f" the best ({best}) {rates[best]:,.0f}",
            flush=True,
        )
    return {"against_batched": rows, "settings": settings}
