"""Searches an hour: by a process as usual, by one worker, and by several workers of one thread each.

Run as `python -m benchmarks.workers --json FILE`, on an otherwise idle machine. It needs the extra `cluster`.
"""

import argparse
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from benchmarks.timing import interleaved, machine, spread, told
from fooljax.encodings import cppn, direct
from fooljax.evolution import search
from fooljax.storage.json_files import write_json
from fooljax.storage.outputs import file_of
from fooljax.storage.trees import digest_tree
from fooljax.strategies import focused, map_elites
from fooljax.study.parts import Executor, Part, PartContext, serial_executor
from fooljax.study.workers import start_workers
from fooljax.targets import pretrained

SEARCHES: dict[str, tuple[Any, Any, int, int]] = {
    "direct": (direct, map_elites, 200, 100),
    "cppn": (cppn, focused, 40, 500),
}
"""By name: encoding, strategy, children and generations. About the work of a row on MNIST."""
MUST = 1.7
"""Times the searches of one worker, by two workers on two cores."""


def searched(here: PartContext, name: str, seed: int, length: float) -> Iterator[str]:
    """The part of a worker: a search. Gives the digest of its archive."""
    build, strategy, children, generations = SEARCHES[name]
    target = pretrained("lenet", seed=0)
    assert target.image_shape is not None
    encoding = build(target.image_shape)
    evolution = search(
        target,
        encoding,
        strategy(encoding, batch_size=children),
        key=jax.random.key(seed),
        generations=max(1, int(generations * length)),
        runs=1,
    )
    yield digest_tree(evolution.archive)


def main() -> None:
    """Measures each kind of search."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--json", type=file_of("a JSON object"), metavar="FILE", help="write the numbers here"
    )
    parser.add_argument("--repeats", type=int, default=7, help="interleaved repetitions, 7 or more to report")
    parser.add_argument("--workers", type=int, default=2, help="processes, one for each core")
    parser.add_argument("--searches", type=int, default=2, help="done by each side in a repetition")
    parser.add_argument("--length", type=float, default=1.0, help="times the usual generations")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with start_workers(1, None, print) as worker, start_workers(arguments.workers, None, print) as workers:
        sides = {"process": serial_executor(print), "worker": worker, "workers": workers}
        for name in SEARCHES:
            row = compared(name, sides, arguments.searches, arguments.length, arguments.repeats)
            rows.append({**row, "workers": arguments.workers})
            print(
                f"{name}: {arguments.workers} workers do {told(row['workers_over_worker'])} times what one "
                f"does, must {MUST} with two on two cores, and "
                f"{told(row['workers_over_process'])} times what a process without workers does, "
                f"{row['searches_an_hour']['process']['median']:,.0f} searches an hour; "
                f"{'the same' if row['same_archives'] else 'OTHER'} archives"
            )
    if arguments.json:
        write_json(arguments.json, {"machine": machine(), "rows": rows})


def compared(
    name: str, sides: Mapping[str, Executor], searches: int, length: float, repeats: int
) -> dict[str, Any]:
    """Times searches of one kind by each side, interleaved.

    Args:
      name: of the kind.
      sides: a process, a worker, and several workers.
      searches: done by each side in a repetition.
      length: times the usual generations.
      repeats: repetitions.
    """
    parts = [Part(f"{name} {seed}", searched, (name, seed, length)) for seed in range(searches)]
    found: dict[str, list[str]] = {}

    def all_by(side: str) -> None:
        digests = {number: next(iter(results)) for number, results in sides[side](parts)}
        found[side] = [digests[number] for number in range(searches)]

    times = interleaved({side: functools.partial(all_by, side) for side in sides}, repeats)
    seconds = {side: np.asarray(taken) for side, taken in times.items()}
    return {
        "search": name,
        "workers_over_worker": spread(seconds["worker"] / seconds["workers"]),
        "workers_over_process": spread(seconds["process"] / seconds["workers"]),
        "searches_an_hour": {side: spread(3600 * searches / taken) for side, taken in seconds.items()},
        "same_archives": found["process"] == found["worker"] == found["workers"],
    }


if __name__ == "__main__":
    main()
