"""The whole loop against the bare forward of the same network, and both against the machine's peak.

Run as `python -m benchmarks.evolution --json FILE`, on an otherwise idle machine.
"""

import argparse
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import gemm, interleaved, machine, peak_resident_bytes, spread, told
from fooljax.encodings import cppn, direct
from fooljax.engine.compiled import compile_advance, compile_start
from fooljax.engine.loop import EvolutionState, Search
from fooljax.engine.types import Encoding, Problem
from fooljax.evolution import CHUNK
from fooljax.storage.outputs import file_of
from fooljax.strategies import map_elites
from fooljax.targets import LeNet
from fooljax.targets.networks.trainable import apply_of

BATCHES = (200, 1024, 4096)
ENCODINGS: dict[str, Callable[..., Encoding]] = {"direct": direct, "cppn": cppn}
MUST = {"direct": 0.7, "cppn": 0.6}
AIM = {"direct": 0.85, "cppn": 0.7}
"""Of the bare forward, with 1,024 children."""
WARM_UP = 10
"""Chunks before timing, so that drawing networks have grown to their usual size."""
LENET_FLOPS = 2 * (24 * 24 * 25 * 20 + 8 * 8 * 500 * 50 + 800 * 500 + 500 * 10)
"""Of one 28 x 28 image; pooling, bias and ReLU left out."""


def measure(name: str, batch: int, runs: int, repeats: int) -> dict[str, Any]:
    """Times loop, forward and matrix product, interleaved, for one encoding, batch and number of runs."""
    encoding = ENCODINGS[name]((28, 28, 1))
    search = Search(encoding, map_elites(encoding, batch_size=batch))
    params = LeNet().init(jax.random.key(0), jnp.zeros((1, 28, 28, 1)))
    problem = Problem(params, encoding.coordinates(), apply_of("lenet", 10), tuple(range(10)))
    keys = jax.random.split(jax.random.key(1), runs)
    state: EvolutionState
    state, _ = compile_start(search, batch, problem, keys)(problem, keys)
    begun = time.perf_counter()
    program = compile_advance(search, CHUNK, problem, state)
    compile_seconds = time.perf_counter() - begun
    images = jax.random.uniform(jax.random.key(2), (runs * batch, 28, 28, 1))
    forward = jax.jit(problem.apply)

    def loop() -> Any:
        nonlocal state
        state, metrics = program(problem, state)
        return metrics

    for _ in range(WARM_UP):
        loop()
    product, product_flops = gemm()
    functions: dict[str, Callable[[], Any]] = {
        "loop": loop,
        "forward": lambda: [forward(params, images) for _ in range(CHUNK)],
        "gemm": product,
    }
    seconds = {name: np.asarray(times) for name, times in interleaved(functions, repeats).items()}
    evaluations = runs * batch * CHUNK
    memory = program.memory_analysis()
    return {
        "encoding": name,
        "batch": batch,
        "runs": runs,
        "loop_over_forward": spread(seconds["forward"] / seconds["loop"]),
        "forward_over_gemm_peak": spread(
            (LENET_FLOPS * evaluations / seconds["forward"]) / (product_flops / seconds["gemm"])
        ),
        "loop_evaluations_per_second": spread(evaluations / seconds["loop"]),
        "forward_images_per_second": spread(evaluations / seconds["forward"]),
        "gemm_gflops": spread(product_flops / seconds["gemm"] / 1e9),
        "compile_seconds": compile_seconds,
        "temporary_bytes": getattr(memory, "temp_size_in_bytes", None),
        "argument_bytes": getattr(memory, "argument_size_in_bytes", None),
        "peak_resident_bytes": peak_resident_bytes(),
    }


def main() -> None:
    """Measures every batch size, and the main job's shape (5 runs of 200)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--json", type=file_of("a JSON object"), metavar="FILE", help="write the numbers here"
    )
    parser.add_argument("--repeats", type=int, default=9, help="interleaved repetitions, 7 or more to report")
    parser.add_argument("--encodings", nargs="+", choices=ENCODINGS, default=list(ENCODINGS))
    arguments = parser.parse_args()
    rows = []
    shapes = [(batch, 1) for batch in BATCHES] + [(200, 5)]
    for name, (batch, runs) in itertools.product(arguments.encodings, shapes):
        row = measure(name, batch, runs, arguments.repeats)
        rows.append(row)
        print(
            f"{name} {runs} x {batch:>5}: loop {told(row['loop_over_forward'])} of the forward, "
            f"forward {row['forward_over_gemm_peak']['median']:.2f} of GEMM "
            f"({row['gemm_gflops']['median']:.0f} GFLOP/s); "
            f"{row['loop_evaluations_per_second']['median']:,.0f} evaluations/s, "
            f"{row['forward_images_per_second']['median']:,.0f} images/s bare; "
            f"compile {row['compile_seconds']:.1f} s, temporaries {row['temporary_bytes']:,} bytes"
        )
        if batch == 1024:
            ratio = row["loop_over_forward"]["median"]
            met = "met" if ratio >= MUST[name] else "MISSED"
            print(f"gate, {name} loop: {ratio:.2f} of the forward, must {MUST[name]}, aim {AIM[name]}: {met}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
