"""The CPPN renderer against its plain form and against neat-python, on the same genomes, taking turns.

Run as `python -m benchmarks.render --json FILE`, on an otherwise idle machine; `--quick` for a part of it.
neat-python comes with `pip install -e '.[peers]'`; without it that number is left out. On a GPU the kernel is
measured against the batched form, too.
"""

import argparse
import importlib.util
import json
import math
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import jax
import numpy as np

from benchmarks import render_baseline, render_kernel
from benchmarks.genomes import evolved_genomes, random_genomes
from benchmarks.timing import compiled, interleaved, machine, peak_resident_bytes, spread, told
from fooljax.encodings.cppn import coordinates
from fooljax.encodings.cppn.encoding import cppn
from fooljax.encodings.cppn.functions import FUNCTION_SETS
from fooljax.encodings.cppn.genome import CPPN, Layout, validate
from fooljax.encodings.cppn.lowering import LOWERINGS
from fooljax.encodings.cppn.mutation import Rates, make_mutate
from fooljax.encodings.cppn.render import make_render
from fooljax.rendering import draw
from fooljax.storage.outputs import file_of

SIZES = (28, 64, 256)
ROOM = (32, 64, 128, 256)
LIVE = ((8, 20), (30, 60))
BATCH = {28: 200, 64: 100, 256: 32}
"""Genomes per call of our renderer."""
BASELINE_BATCH = {28: 64, 64: 16, 256: 2}
"""And of the plain one, whose table for the whole batch is in memory."""
NEAT_SIDE, NEAT_BATCH, NEAT_CALLS = 28, 50, 20
"""Genomes for neat-python; and calls of ours for one of it, as a single one is too short to time."""
DRAWN = {28: 1000, 256: 32}
"""Genomes per call of `draw`."""
MUST, AIM = 20.0, 30.0
"""Times the plain form, at room for 32 nodes and 28 x 28 or 256 x 256."""
NEAT_MUST = 300.0
"""Times neat-python, with that room at 28 x 28."""
SAME = 0.999
"""Share of pixels within a level of neat-python's, at least: else the two were not drawing the same."""
MUTATIONS = 50
"""Of the genomes whose mutation is timed, fewer than so many each: elites of 200 generations are as large."""
MOST_FOR_MUTATION, MOST_FOR_COMPILING_IT = 1.0, 3.0
"""Time of mutation over time of rendering, and seconds."""
MOST_FOR_PADDING = 1.15
"""Time with room for 256 nodes over time with room for 32, same networks."""
FUNCTIONS = FUNCTION_SETS["paper"]


def first(genomes: CPPN, count: int) -> CPPN:
    """The first of some genomes."""
    return jax.tree.map(lambda leaf: leaf[:count], genomes)


def layout_for(room: int) -> Layout:
    """The layout with room for some number of nodes: four connections for each."""
    return Layout(max_nodes=room, max_connections=4 * room)


def measure(
    side: int, room: int, live: tuple[int, int], lowering: str | None, repeats: int
) -> dict[str, Any]:
    """Ours against the plain form for one size of image, room for nodes, and range of live nodes."""
    layout = layout_for(room)
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
        layout = layout_for(room)
        genomes = random_genomes(0, BATCH[side], layout, len(FUNCTIONS), LIVE[0])
        render = jax.vmap(make_render(layout, FUNCTIONS, "grey", lowering), (0, None))
        functions[str(room)] = compiled(render, genomes, coordinates.scaled(side, side))[0]
    seconds = interleaved(functions, repeats)
    ratio = np.asarray(seconds[str(ROOM[-1])]) / np.asarray(seconds[str(ROOM[0])])
    return {"side": side, "rooms": [ROOM[0], ROOM[-1]], "cost_ratio": spread(ratio)}


def neat_python(lowering: str | None, repeats: int) -> dict[str, Any] | None:
    """Ours against neat-python's network, pixel by pixel, on the same networks; None if it is absent.

    neat-python gets Python's own scalar functions and `sum`, its fastest, and its networks ready made.

    Raises:
      ValueError: the two do not draw the same images.
    """
    if importlib.util.find_spec("neat") is None:
        return None
    feed_forward = importlib.import_module("neat.nn").FeedForwardNetwork
    layout = layout_for(ROOM[0])
    genomes = random_genomes(0, NEAT_BATCH, layout, len(FUNCTIONS), LIVE[0])
    coordinate_planes = coordinates.scaled(NEAT_SIDE, NEAT_SIDE)
    scalar = {
        "sine": math.sin,
        "sigmoid": lambda p: 2.0 / (1.0 + math.exp(-p)) - 1.0,
        "gaussian": lambda p: math.exp(-p * p),
        "linear": lambda p: max(-3.0, min(3.0, p)) / 3.0,
    }

    def network(genome: CPPN) -> Any:
        links: dict[int, list[tuple[int, float]]] = {row: [] for row in range(layout.max_nodes)}
        used = int(genome.num_connections)
        ends = (leaf[:used].tolist() for leaf in (genome.sources, genome.targets, genome.weights))
        for source, target, weight in zip(*ends, strict=True):
            links[target].append((source, weight))
        hidden = range(layout.num_inputs, layout.num_inputs + int(genome.num_hidden))
        nodes = [
            (row, scalar[FUNCTIONS[genome.functions[row]]], sum, 0.0, 1.0, links[row])
            for row in (*hidden, layout.first_output)
        ]
        return feed_forward(list(range(layout.num_inputs)), [layout.first_output], nodes)

    on_host = jax.tree.map(np.asarray, genomes)
    networks = [
        network(jax.tree.map(lambda leaf, index=index: leaf[index], on_host)) for index in range(NEAT_BATCH)
    ]
    points = np.asarray(coordinate_planes).reshape(layout.num_inputs, -1).T.tolist()

    def theirs() -> Any:
        return [[network.activate(point)[0] for point in points] for network in networks]

    render = jax.vmap(make_render(layout, FUNCTIONS, "grey", lowering), (0, None))
    ours = compiled(render, genomes, coordinate_planes)[0]
    levels = np.abs(np.trunc(255.0 * np.asarray(theirs())))
    apart = np.abs(255.0 * np.asarray(ours()).reshape(levels.shape) - levels)
    same = float(np.mean(apart < 1.01))
    if same < SAME:
        raise ValueError(f"neat-python: expected the same images, got {same:.2%} of pixels within a level")
    calls = {"ours": lambda: [ours() for _ in range(NEAT_CALLS)], "neat-python": theirs}
    seconds = interleaved(calls, repeats)
    ours_seconds, their_seconds = np.asarray(seconds["ours"]) / NEAT_CALLS, np.asarray(seconds["neat-python"])
    return {
        "side": NEAT_SIDE,
        "version": version("neat-python"),
        "ratio": spread(their_seconds / ours_seconds),
        "images_per_second": spread(NEAT_BATCH / ours_seconds),
        "neat_python_images_per_second": spread(NEAT_BATCH / their_seconds),
        "pixels_within_a_level": same,
    }


def mutation(repeats: int) -> dict[str, Any]:
    """A generation's mutation against its rendering at 28 x 28, on genomes as large as elites are."""
    layout, count = Layout(), BATCH[28]
    genomes = evolved_genomes(0, layout, len(FUNCTIONS), np.arange(count) % MUTATIONS)
    keys = jax.random.split(jax.random.key(1), count)
    mutate = jax.vmap(make_mutate(layout, len(FUNCTIONS), Rates()))
    render = jax.vmap(make_render(layout, FUNCTIONS, "grey"), (0, None))
    mutated, compile_seconds, _ = compiled(mutate, keys, genomes)
    rendered = compiled(render, genomes, coordinates.raw(28, 28))[0]
    seconds = interleaved({"mutation": mutated, "render": rendered}, 20 * repeats)
    return {
        "genomes": count,
        "mean_hidden": float(np.mean(np.asarray(genomes.num_hidden))),
        "mean_connections": float(np.mean(np.asarray(genomes.num_connections))),
        "compile_seconds": compile_seconds,
        "seconds": spread(seconds["mutation"]),
        "over_render": spread(np.asarray(seconds["mutation"]) / np.asarray(seconds["render"])),
    }


def both_cores(side: int, repeats: int) -> dict[str, Any]:
    """`draw`, which uses every core, against one plain call of the compiled renderer, taking turns."""
    layout, count = layout_for(ROOM[0]), DRAWN[side]
    encoding = cppn(
        (side, side, 1),
        coordinates="scaled",
        max_nodes=layout.max_nodes,
        max_connections=layout.max_connections,
    )
    genomes = random_genomes(0, count, layout, len(FUNCTIONS), LIVE[0])
    plain = compiled(jax.vmap(encoding.render, (0, None)), genomes, encoding.coordinates())[0]
    calls: dict[str, Callable[[], Any]] = {"draw": partial(draw, encoding, genomes), "plain": plain}
    cpu_seconds: dict[str, list[float]] = {name: [] for name in calls}

    def clocked(name: str) -> None:
        begun = time.process_time()
        jax.block_until_ready(calls[name]())
        cpu_seconds[name].append(time.process_time() - begun)

    seconds = interleaved({name: partial(clocked, name) for name in calls}, repeats)
    report: dict[str, Any] = {"side": side, "images": count}
    for name in calls:
        wall = np.asarray(seconds[name])
        # The first call is the warm-up.
        report[name] = {
            "images_per_second": spread(count / wall),
            "cores_busy": spread(np.asarray(cpu_seconds[name][1:]) / wall),
        }
    return report | {"ratio": spread(np.asarray(seconds["plain"]) / np.asarray(seconds["draw"]))}


def main() -> None:
    """Measures every size, room and range of live nodes, and prints the gates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--json", type=file_of("a JSON object"), metavar="FILE", help="write the numbers here"
    )
    parser.add_argument("--repeats", type=int, default=9, help="interleaved repetitions, 7 or more to report")
    parser.add_argument("--quick", action="store_true", help="only room for 32 nodes, few live ones")
    parser.add_argument("--lowering", choices=LOWERINGS, help="instead of the default")
    arguments = parser.parse_args()
    # First, as it refuses where the two do not agree.
    neat = neat_python(arguments.lowering, arguments.repeats)
    rows, gates = [], {}
    for live in LIVE[:1] if arguments.quick else LIVE:
        for room in ROOM[:1] if arguments.quick else [room for room in ROOM if room >= live[1]]:
            for side in SIZES:
                row = measure(side, room, live, arguments.lowering, arguments.repeats)
                rows.append(row)
                ratio, rate = row["ratio"], row["images_per_second"]
                print(
                    f"{side:>3} x {side:<3} room {room:>3}, live {live[0]}-{live[1]}: "
                    f"{told(ratio, 1)} x the plain form; "
                    f"{told(rate, 1)} images/s against {row['baseline_images_per_second']['median']:,.1f}; "
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
        print(f"{side:>3} x {side:<3} room {ROOM[-1]} costs {told(cost)} times room {ROOM[0]}")
        gates[f"padding at {side}"] = {"median": cost["median"], "most": MOST_FOR_PADDING}
    mutated = mutation(arguments.repeats)
    print(
        f" 28 x 28  mutation of {mutated['genomes']}: {1000 * mutated['seconds']['median']:.2f} ms, "
        f"{told(mutated['over_render'])} times their rendering; "
        f"{mutated['mean_hidden']:.1f} hidden nodes, {mutated['mean_connections']:.1f} connections; "
        f"compile {mutated['compile_seconds']:.1f} s"
    )
    gates["mutation"] = {"median": mutated["over_render"]["median"], "most": MOST_FOR_MUTATION}
    gates["mutation's compile"] = {"median": mutated["compile_seconds"], "most": MOST_FOR_COMPILING_IT}
    drawn = [both_cores(side, arguments.repeats) for side in DRAWN]
    for row in drawn:
        figures = [
            f"{name} {row[name]['images_per_second']['median']:,.0f} images/s"
            f" with {row[name]['cores_busy']['median']:.2f} cores busy"
            for name in ("draw", "plain")
        ]
        size = f"{row['side']:>3} x {row['side']:<3}"
        print(f"{size} draw: {told(row['ratio'], 1)} x one plain call; {' against '.join(figures)}")
    if neat:
        print(
            f"{NEAT_SIDE:>3} x {NEAT_SIDE:<3} neat-python {neat['version']}: {told(neat['ratio'], 1)} x; "
            f"{neat['images_per_second']['median']:,.0f} images/s"
            f" against {neat['neat_python_images_per_second']['median']:.2f}; "
            f"{neat['pixels_within_a_level']:.2%} of pixels within a level"
        )
        gates["neat-python"] = {"median": neat["ratio"]["median"], "must": NEAT_MUST}
    else:
        print("neat-python: not installed")
    kernel = render_kernel.measure(arguments.repeats) if jax.default_backend() == "gpu" else None
    for name, gate in gates.items():
        met = gate["median"] >= gate["must"] if "must" in gate else gate["median"] <= gate["most"]
        print(f"gate, {name}: {gate['median']:.2f}, {gate} {'met' if met else 'MISSED'}")
    if arguments.json:
        report: dict[str, Any] = {"machine": machine(), "rows": rows, "padding": paddings, "gates": gates}
        report |= {
            "mutation": mutated,
            "both_cores": drawn,
            "neat_python": neat,
            "kernel": kernel,
            "peak_resident_bytes": peak_resident_bytes(),
        }
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
