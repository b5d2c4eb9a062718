"""What a generation is made of on an accelerator: its operations and loops, and how long Python writes at it.

Run as `python -m benchmarks.operations --json FILE`. No accelerator is needed, since programs are only
written. A GPU starts some kernels for every turn of a loop, so loops cost most there.
"""

import argparse
import collections
import inspect
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.timing import machine
from fooljax.encodings import cppn, direct
from fooljax.encodings.cppn.genome import Layout, first_genome
from fooljax.encodings.cppn.mutation import Rates, make_mutate
from fooljax.engine.loop import Search, first_genomes, generation, start
from fooljax.engine.types import Encoding, Problem
from fooljax.storage.json_files import write_json
from fooljax.storage.outputs import file_of
from fooljax.strategies import focused
from fooljax.targets.networks.trainable import apply_of, blank_params

_KIND_CORES_PLATFORM: tuple[Any, ...] = ("NVIDIA H100", None, "gpu")
CARD = jax.sharding.AbstractDevice(
    *_KIND_CORES_PLATFORM[: len(inspect.signature(jax.sharding.AbstractDevice).parameters)]
)
"""The card for which kernels are written: JAX 0.11 asks for one where there is none. JAX 0.10.0 takes no
platform."""
RUNS, CHILDREN, CLASSES = 5, 200, 10
IMAGE = (28, 28, 1)
Program = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function and the shapes of its arguments."""


def mutation() -> Program:
    """Mutation of a population of CPPNs."""
    layout = Layout()
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), RUNS * CHILDREN))
    genomes = jax.eval_shape(jax.vmap(lambda key: first_genome(key, layout, 4)), keys)
    return jax.vmap(make_mutate(layout, 4, Rates())), (keys, genomes)


def whole_generation(encoding: Encoding) -> Program:
    """A generation of several runs against LeNet."""
    search = Search(encoding, focused(encoding, batch_size=CHILDREN))
    params, coordinates = blank_params("lenet", CLASSES, IMAGE), jax.eval_shape(encoding.coordinates)
    problem = Problem(params, coordinates, apply_of("lenet", CLASSES), tuple(range(CLASSES)))

    def begin(key: jax.Array) -> Any:
        genomes = first_genomes(encoding, key, CHILDREN)
        return start(search, problem, key, genomes, jnp.zeros((CHILDREN, CLASSES)))[0]

    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), RUNS))
    state = jax.eval_shape(jax.vmap(begin), keys)
    return jax.vmap(lambda problem, run: generation(search, problem, run), (None, 0)), (problem, state)


def text_for(platform: str, program: Any, *arguments: Any) -> str:
    """StableHLO of a jitted program, written for a platform that this machine need not have."""
    with jax.sharding.use_abstract_mesh(jax.sharding.AbstractMesh((), (), abstract_device=CARD)):
        text: str = program.trace(*arguments).lower(lowering_platforms=(platform,)).as_text()
    return text


def measure(program: Program, platform: str) -> dict[str, Any]:
    """Writes a program for a platform, and counts what is in it."""
    function, arguments = program
    begun = time.process_time()
    text = text_for(platform, jax.jit(function), *arguments)
    seconds = time.process_time() - begun
    found = collections.Counter(re.findall(r"= \"?(?:stablehlo|chlo)\.(\w+)", text))
    return {
        "operations": sum(found.values()),
        "loops": found["while"],
        "scatters": found["scatter"],
        "seconds_to_write": seconds,
        "kinds": dict(found.most_common()),
    }


PROGRAMS: dict[str, Callable[[], Program]] = {
    "mutation": mutation,
    "generation, cppn": lambda: whole_generation(cppn(IMAGE)),
    "generation, direct": lambda: whole_generation(direct(IMAGE)),
}


def main() -> None:
    """Counts every program for GPUs, TPUs and CPUs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--json", type=file_of("a JSON object"), metavar="FILE", help="write the numbers here"
    )
    path: Path | None = parser.parse_args().json
    rows: dict[str, dict[str, Any]] = {}
    for name, build in PROGRAMS.items():
        for platform in ("cuda", "tpu", "cpu"):
            rows[f"{name}, {platform}"] = row = measure(build(), platform)
            print(
                f"{name}, {platform}: {row['operations']:,} operations, {row['loops']} loops, "
                f"{row['scatters']} scatters, {row['seconds_to_write']:.1f} s to write",
                flush=True,
            )
    if path:
        write_json(path, {"machine": machine(), "programs": rows})


if __name__ == "__main__":
    main()
