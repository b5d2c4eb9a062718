"""The CPPN renderer against its plain form, on the same genomes, taking turns.

Run as `python -m benchmarks.render --json FILE`, on an otherwise idle machine; `--quick` for a part of it.
"""

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks import render_baseline
from benchmarks.genomes import random_genomes
from benchmarks.timing import interleaved, machine, peak_resident_bytes, spread
from fooljax.encodings.cppn import coordinates
from fooljax.encodings.cppn.functions import FUNCTION_SETS
from fooljax.encodings.cppn.genome import CPPN, Layout, validate
from fooljax.encodings.cppn.render import make_render

SIZES = (28, 64, 256)
ROOM = (32, 64, 128, 256)
LIVE = ((8, 20), (30, 60))
BATCH = {28: 200, 64: 100, 256: 32}
"""Genomes per call of our renderer."""
BASELINE_BATCH = {28: 64, 64: 16, 256: 2}
"""And of the plain one, whose table for the whole batch is in memory."""
FAN_IN = 16
MUST, AIM = 20.0, 30.0
"""Times the plain form, at room for 32 nodes and 28 x 28 or 256 x 256."""
MOST_FOR_PADDING = 1.15
"""Time with room for 256 nodes over time with room for 32, same networks."""
FUNCTIONS = FUNCTION_SETS["paper"]


def compiled(function: Callable[..., Any], *arguments: Any) -> tuple[Callable[[], Any], float, Any]:
    """A program bound to its arguments, seconds to compile it, and its temporary memory in bytes."""
    begun = time.perf_counter()
    program = jax.jit(function).lower(*arguments).compile()
    seconds = time.perf_counter() - begun
    memory = program.memory_analysis()
    return partial(program, *arguments), seconds, getattr(memory, "temp_size_in_bytes", None)


def first(genomes: CPPN, count: int) -> CPPN:
    """The first of some genomes."""
    return jax.tree.map(lambda leaf: leaf[:count], genomes)


def measure(
    side: int, room: int, live: tuple[int, int], lowering: str | None, repeats: int
) -> dict[str, Any]:
    """Ours against the plain form for one size of image, room for nodes, and range of live nodes."""
    layout = Layout(num_nodes=room, fan_in=FAN_IN)
    genomes = random_genomes(0, BATCH[side], layout, len(FUNCTIONS), live)
    validate(jax.tree.map(lambda leaf: leaf[0], genomes), layout, len(FUNCTIONS))
    pixels = coordinates.scaled(side, side)
    render = jax.vmap(make_render(layout, FUNCTIONS, "grey", lowering), (0, None))
    ours, ours_compile, ours_bytes = compiled(render, genomes, pixels)
    few = first(genomes, BASELINE_BATCH[side])
    dense = jax.vmap(partial(render_baseline.dense_weights, layout=layout))(few)
    plain = jax.vmap(partial(render_baseline.render, layout=layout), (0, 0, None))
    baseline, baseline_compile, baseline_bytes = compiled(plain, dense, few, pixels)
    seconds = interleaved({"ours": ours, "baseline": baseline}, repeats)
    rate = BATCH[side] / np.asarray(seconds["ours"])
    baseline_rate = BASELINE_BATCH[side] / np.asarray(seconds["baseline"])
    return {
        "side": side,
        "room": room,
        "live": live,
        "ratio": spread(rate / baseline_rate),
        "images_per_second": spread(rate),
        "baseline_images_per_second": spread(baseline_rate),
        "compile_seconds": ours_compile,
        "baseline_compile_seconds": baseline_compile,
        "temporary_bytes": ours_bytes,
        "baseline_temporary_bytes": baseline_bytes,
    }


def padding(side: int, lowering: str | None, repeats: int) -> dict[str, Any]:
    """Time with room for 256 nodes over time with room for 32, of the same networks, taking turns."""
    functions = {}
    for room in (ROOM[0], ROOM[-1]):
        layout = Layout(num_nodes=room, fan_in=FAN_IN)
        genomes = random_genomes(0, BATCH[side], layout, len(FUNCTIONS), LIVE[0])
        render = jax.vmap(make_render(layout, FUNCTIONS, "grey", lowering), (0, None))
        functions[str(room)] = compiled(render, genomes, coordinates.scaled(side, side))[0]
    seconds = interleaved(functions, repeats)
    ratio = np.asarray(seconds[str(ROOM[-1])]) / np.asarray(seconds[str(ROOM[0])])
    return {"side": side, "rooms": [ROOM[0], ROOM[-1]], "cost_ratio": spread(ratio)}


def neat_python(side: int = 28, count: int = 3) -> dict[str, Any] | None:
    """Images per second of neat-python's network, pixel by pixel, on the same networks; None if absent."""
    if importlib.util.find_spec("neat") is None:
        return None
    network = importlib.import_module("neat.nn").FeedForwardNetwork
    layout = Layout(num_nodes=ROOM[0], fan_in=FAN_IN)
    genomes = jax.tree.map(np.asarray, random_genomes(0, count, layout, len(FUNCTIONS), LIVE[0]))
    scalar = (
        np.sin,
        lambda p: 2.0 / (1.0 + np.exp(-p)) - 1.0,
        lambda p: np.exp(-p * p),
        lambda p: max(-3.0, min(3.0, p)) / 3.0,
    )
    pixels = np.asarray(coordinates.scaled(side, side)).reshape(layout.num_inputs, -1).T.tolist()
    begun = time.perf_counter()
    for index in range(count):
        genome = jax.tree.map(lambda leaf, index=index: leaf[index], genomes)
        output = layout.num_nodes - 1
        rows = [*range(layout.num_inputs, layout.num_inputs + int(genome.num_hidden)), output]
        evaluations = [
            (
                row,
                scalar[genome.functions[row]],
                sum,
                0.0,
                1.0,
                list(
                    zip(
                        genome.sources[row, : genome.fan_in[row]].tolist(),
                        genome.weights[row, : genome.fan_in[row]].tolist(),
                        strict=True,
                    )
                ),
            )
            for row in rows
        ]
        evaluate = network(list(range(layout.num_inputs)), [output], evaluations)
        for pixel in pixels:
            evaluate.activate(pixel)
    return {"side": side, "images_per_second": count / (time.perf_counter() - begun)}


def main() -> None:
    """Measures every size, room and range of live nodes, and prints the gates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    parser.add_argument("--repeats", type=int, default=9, help="interleaved repetitions, 7 or more to report")
    parser.add_argument("--quick", action="store_true", help="only room for 32 nodes, few live ones")
    parser.add_argument(
        "--lowering", choices=["serial", "parallel", "batched"], help="instead of the default"
    )
    arguments = parser.parse_args()
    rows, gates = [], {}
    for live in LIVE[:1] if arguments.quick else LIVE:
        for room in ROOM[:1] if arguments.quick else [room for room in ROOM if room >= live[1]]:
            for side in SIZES:
                row = measure(side, room, live, arguments.lowering, arguments.repeats)
                rows.append(row)
                ratio, rate = row["ratio"], row["images_per_second"]
                print(
                    f"{side:>3} x {side:<3} room {room:>3}, live {live[0]}-{live[1]}: "
                    f"{ratio['median']:6.1f} x [{ratio['min']:.1f}, {ratio['max']:.1f}] the plain form; "
                    f"{rate['median']:>9,.0f} images/s [{rate['min']:,.0f}, {rate['max']:,.0f}] "
                    f"against {row['baseline_images_per_second']['median']:,.1f}; "
                    f"compile {row['compile_seconds']:.1f} s against {row['baseline_compile_seconds']:.1f}; "
                    f"temporaries {row['temporary_bytes']:,} bytes",
                    flush=True,
                )
                if (room, live) == (ROOM[0], LIVE[0]) and side != 64:
                    gates[f"ratio at {side}"] = {"median": ratio["median"], "must": MUST, "aim": AIM}
    paddings = []
    for side in (28, 256):
        row = padding(side, arguments.lowering, 2 * arguments.repeats)
        paddings.append(row)
        cost = row["cost_ratio"]
        print(
            f"{side:>3} x {side:<3} room {ROOM[-1]} costs {cost['median']:.2f} "
            f"[{cost['min']:.2f}, {cost['max']:.2f}] times room {ROOM[0]}"
        )
        gates[f"padding at {side}"] = {"median": cost["median"], "most": MOST_FOR_PADDING}
    neat = neat_python()
    print(f"neat-python: {neat['images_per_second']:.2f} images/s" if neat else "neat-python: not installed")
    for name, gate in gates.items():
        met = gate["median"] >= gate["must"] if "must" in gate else gate["median"] <= gate["most"]
        print(f"gate, {name}: {gate['median']:.2f}, {gate} {'met' if met else 'MISSED'}")
    if arguments.json:
        report: dict[str, Any] = {"machine": machine(), "rows": rows, "padding": paddings, "gates": gates}
        report |= {"neat_python": neat, "peak_resident_bytes": peak_resident_bytes()}
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
