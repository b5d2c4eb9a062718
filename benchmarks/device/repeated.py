"""One process of those that are compared: does the same work, and prints digests of what came out.

Run as `python -m benchmarks.device.repeated --generations N`; `benchmarks.device.determinism` runs it.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax

from benchmarks.genomes import random_genomes
from benchmarks.render import FUNCTIONS
from fooljax.encodings import cppn
from fooljax.encodings.cppn import coordinates
from fooljax.encodings.cppn.genome import Layout
from fooljax.encodings.cppn.mutation import Rates, make_mutate
from fooljax.encodings.cppn.render import make_render
from fooljax.evolution import search
from fooljax.storage.trees import digest_tree
from fooljax.strategies import map_elites
from fooljax.targets.shipped import pretrained

CHUNK, OTHER_CHUNK = 25, 10
"""Generations of a compiled call, in two ways."""
TIMED = 3
"""Searches that are timed; the first is not among them."""


def digest(tree: Any) -> str:
    """Of the bits of all arrays of a pytree."""
    return digest_tree(jax.device_get(tree))


def parts(count: int) -> dict[str, str]:
    """Digests of the parts of a search, each run twice: "" where the two differ."""
    layout = Layout()
    target, images = pretrained(), jax.random.uniform(jax.random.key(0), (count, 28, 28, 1))
    genomes = random_genomes(3, count, layout, len(FUNCTIONS))
    keys, pixels = jax.random.split(jax.random.key(5), count), coordinates.scaled(28, 28)
    render = jax.jit(jax.vmap(make_render(layout, FUNCTIONS, "grey"), (0, None)))
    mutate = jax.jit(jax.vmap(make_mutate(layout, len(FUNCTIONS), Rates())))
    programs: dict[str, Callable[[], Any]] = {
        "logits": partial(jax.jit(target.apply), target.params, images),
        "logits in full precision": partial(_full(target.apply), target.params, images),
        "pictures": partial(render, genomes, pixels),
        "mutants": partial(mutate, keys, genomes),
    }
    found = {}
    for name, program in programs.items():
        first, second = digest(program()), digest(program())
        found[name] = first if first == second else ""
    return found


def _full(apply: Callable[..., Any]) -> Callable[..., Any]:
    def run(params: Any, images: jax.Array) -> Any:
        with jax.default_matmul_precision("highest"):
            return apply(params, images)

    return jax.jit(run)


def searches(children: int, generations: int) -> tuple[dict[str, str], list[float]]:
    """Digests of the archive of one search, done in several ways, and the seconds of the first way."""
    encoding = cppn((28, 28, 1))
    strategy = map_elites(encoding, batch_size=children)

    def archive(**how: Any) -> Any:
        how = {"chunk": CHUNK, "generations": generations} | how
        return search(pretrained(), encoding, strategy, key=7, check_target=False, **how)

    found = {"whole": digest(archive().archive)}
    seconds = []
    for _ in range(TIMED):
        again = archive()
        seconds.append(again.seconds_search)
        if digest(again.archive) != found["whole"]:
            found["whole, again in the same process"] = digest(again.archive)
    found.setdefault("whole, again in the same process", found["whole"])
    found["in other chunks"] = digest(archive(chunk=OTHER_CHUNK).archive)
    with tempfile.TemporaryDirectory() as folder:
        archive(generations=generations // 2, checkpoints=folder)
        found["stopped and resumed"] = digest(archive(checkpoints=folder, resume=True).archive)
    return found, seconds


def main() -> None:
    """Prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--children", type=int, default=200, help="images of a generation")
    parser.add_argument("--generations", type=int, default=100, help="of each search")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    of_parts = parts(arguments.children)
    of_searches, seconds = searches(arguments.children, arguments.generations)
    report: dict[str, Any] = {"parts": of_parts, "searches": of_searches, "search_seconds": seconds}
    report["device"] = f"{jax.devices()[0].platform}: {jax.devices()[0].device_kind}"
    report["seconds"] = time.perf_counter() - begun
    print(json.dumps(report))


if __name__ == "__main__":
    main()
