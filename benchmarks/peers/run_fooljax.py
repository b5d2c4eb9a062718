"""Worker: `fooljax.evolve` as the README calls it, with the direct encoding and MAP-Elites."""

import jax
import numpy as np

from benchmarks.peers import target
from benchmarks.peers.protocol import CHUNK, Clock, Report, read_task, versions, write_report
from fooljax.encodings import direct
from fooljax.evolution import Progress, search
from fooljax.strategies import map_elites


def main() -> None:
    """Compiles with a first short search, then times the generations of another."""
    folder, task = read_task()
    network = target.load(task.weights)
    encoding = direct((28, 28, 1))
    strategy = map_elites(encoding, batch_size=task.batch)
    key = jax.random.key(task.seed)
    first = search(network, encoding, strategy, key=key, generations=CHUNK, chunk=CHUNK)
    clocks: list[Clock] = []

    def on_chunk(progress: Progress) -> None:
        # The first call tells of the first genomes.
        if progress.generation == 0:
            clocks.append(Clock())
        else:
            clocks[0].chunk_done()

    result = search(
        network, encoding, strategy, key=key, generations=task.generations, chunk=CHUNK, on_chunk=on_chunk
    )
    report = Report(
        evaluations=task.batch * CHUNK,
        seconds=clocks[0].seconds,
        cpu_seconds=clocks[0].cpu_seconds(),
        compile_seconds=first.seconds_compile,
        cells=np.flatnonzero(np.isfinite(result.log_odds[0])).tolist(),
        device=jax.devices()[0].device_kind,
        versions=versions("fooljax", "jax", "jaxlib", "numpy"),
    )
    write_report(folder, report, result.images()[0, report.cells])


if __name__ == "__main__":
    main()
