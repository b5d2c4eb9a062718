"""What a child is worth at different rates of mutation, from the elites of a finished ImageNet run.

Run as `python -m benchmarks.mutation --archive FILE --json FILE`. Children of random elites try every cell; a
child's gain is the log-odds that it would add to the archive, summed over cells. All rates vary the same
parents with the same keys. Nothing is inserted, so this is the worth of one step, not of a search.
"""

import argparse
import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import bootstrap

from benchmarks.timing import machine
from fooljax.data.imagenet import NUM_CLASSES
from fooljax.encodings import cppn
from fooljax.encodings.cppn.mutation import Rates
from fooljax.engine.archive import Archive, empty
from fooljax.engine.fitness import evaluate
from fooljax.engine.types import Problem, checked_shape
from fooljax.storage.json_files import write_json
from fooljax.storage.outputs import file_of
from fooljax.storage.trees import load_tree
from fooljax.targets import imagenet

ARCHIVE = Path(__file__).parent.parent / "docs" / "results" / "imagenet_cppn" / "archive.npz"
RARE = {
    "function": 0.02,
    "add_connection": 0.1,
    "delete_connection": 0.06,
    "add_node": 0.1,
    "delete_node": 0.04,
}
NONE = dict.fromkeys(RARE, 0.0)
CASES = {
    "the authors'": Rates(),
    "structure and functions a fifth as often": Rates(**RARE),
    **{
        f"weights alone: rate {rate:g}, eta {eta:g}": Rates(weight=rate, eta=eta, **NONE)
        for rate, eta in ((0.1, 15.0), (0.1, 60.0), (0.1, 200.0), (0.3, 60.0), (0.3, 300.0), (0.3, 1000.0))
    },
    "weights alone: rate 1, eta 1000": Rates(weight=1.0, eta=1000.0, **NONE),
}


def elites_of(path: Path, num_cells: int) -> Archive:
    """The archive of a run of `imagenet_cppn` with its default encoding."""
    side = imagenet.crops_of("efficientnet-lite0").size
    encoding = cppn((side, side, 3), functions="wide", coordinates="scaled")

    def like(key: jax.Array) -> Archive:
        archive = empty(encoding.init(key), num_cells, encoding.num_parents)
        return jax.tree.map(lambda leaf: leaf[None], archive)

    archive, _ = load_tree(path, jax.eval_shape(like, jax.random.key(0)))
    return jax.tree.map(lambda leaf: jnp.asarray(leaf)[0], archive)


def measure(archive: Archive, rates: Rates, parents: jax.Array, seed: int) -> dict[str, Any]:
    """What children of the elites in some cells are worth, with a bootstrap interval over the children."""
    target = imagenet.load("efficientnet-lite0")
    encoding = cppn(checked_shape(target.image_shape), functions="wide", coordinates="scaled", rates=rates)
    cells = tuple(range(archive.fitness.size))
    problem = Problem(target.params, encoding.coordinates(), target.apply, cells)
    keys = jax.random.split(jax.random.key(seed), parents.size)
    chosen = jax.tree.map(lambda leaf: leaf[parents][:, None], archive.genomes)
    children = jax.jit(jax.vmap(encoding.vary, (0, 0, None)))(keys, chosen, jnp.int32(1))
    fitness = jax.jit(functools.partial(evaluate, encoding))(problem, children)
    above = np.maximum(np.asarray(fitness - archive.fitness[None]), 0.0)
    gain, improves = above.sum(axis=1), (above > 0.0).any(axis=1)
    return {
        "rates": rates._asdict(),
        "share_that_improve": interval(improves.astype(np.float64)),
        "gain": interval(gain.astype(np.float64)),
    }


def interval(values: np.ndarray[Any, Any]) -> list[float]:
    """Mean and the ends of its 95 % interval."""
    found = bootstrap((values,), np.mean, method="percentile", random_state=0).confidence_interval
    return [float(np.mean(values)), float(found.low), float(found.high)]


def main() -> None:
    """Measures every case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--archive", type=Path, default=ARCHIVE, metavar="FILE", help="archive.npz of a run")
    parser.add_argument(
        "--json", type=file_of("a JSON object"), metavar="FILE", help="write the numbers here"
    )
    parser.add_argument("--children", type=int, default=1000, help="of each case")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    archive = elites_of(arguments.archive, NUM_CLASSES)
    draw = np.random.default_rng(arguments.seed)
    parents = jnp.asarray(draw.integers(0, NUM_CLASSES, arguments.children))
    rows = {}
    for name, rates in CASES.items():
        rows[name] = row = measure(archive, rates, parents, arguments.seed)
        told = "; ".join(
            f"{key.replace('_', ' ')} {mean:.4f} [{low:.4f}, {high:.4f}]"
            for key in ("share_that_improve", "gain")
            for mean, low, high in [row[key]]
        )
        print(f"{name}: {told}", flush=True)
    if arguments.json:
        facts = {"archive": arguments.archive.name, "children": arguments.children, "seed": arguments.seed}
        facts["median_log_odds"] = float(jnp.median(archive.fitness))
        write_json(arguments.json, {"machine": machine(), **facts, "cases": rows})


if __name__ == "__main__":
    main()
