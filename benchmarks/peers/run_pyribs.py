"""Worker: MAP-Elites as pyribs' tutorial on fooling an MNIST network arranges it.

Tutorial: one Gaussian emitter, sigma 0.5, from mid-grey, bounded to [0, 1], 30 images at a time; a grid
archive of ten cells by arg-max class; the objective is the probability of that class; 900,000 evaluations.
Differs: the network is fooljax's LeNet, compiled by JAX, not a smaller one in PyTorch; fewer evaluations.
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from ribs.archives import GridArchive  # type: ignore[import-not-found]
from ribs.emitters import GaussianEmitter  # type: ignore[import-not-found]
from ribs.schedulers import Scheduler  # type: ignore[import-not-found]

from benchmarks.peers import lenet
from benchmarks.peers.protocol import CHUNK, Clock, Report, read_task, to_bytes, versions, write_report

PIXELS = 784


def main() -> None:
    """Compiles the network, warms up with a search of its own, then times one from the start."""
    folder, task = read_task()
    weights = lenet.load(task.weights)

    def classify(weights: lenet.Weights, pixels: jax.Array) -> tuple[jax.Array, jax.Array]:
        shares = jax.nn.softmax(lenet.logits(weights, pixels))
        return jnp.max(shares, axis=1), jnp.argmax(shares, axis=1)[:, None]

    clock = Clock()
    compiled = jax.jit(classify).lower(weights, jnp.zeros((task.batch, PIXELS))).compile()
    compile_seconds = clock.total()

    def search(generations: int) -> tuple[Clock, float, npt.NDArray[np.intp], npt.NDArray[np.float64]]:
        archive = GridArchive(solution_dim=PIXELS, dims=[10], ranges=[(0, 10)], seed=task.seed)
        emitter = GaussianEmitter(
            archive,
            sigma=0.5,
            x0=np.full(PIXELS, 0.5),
            bounds=[(0, 1)] * PIXELS,
            batch_size=task.batch,
            seed=task.seed,
        )
        scheduler = Scheduler(archive, [emitter])
        clock = Clock()
        for generation in range(generations):
            images = scheduler.ask().astype(np.float32)
            objectives, classes = compiled(weights, images)
            scheduler.tell(np.asarray(objectives), np.asarray(classes))
            if generation % CHUNK == CHUNK - 1:
                clock.chunk_done()
        cpu_seconds = clock.cpu_seconds()
        elites = archive.data(["index", "solution"])
        return clock, cpu_seconds, elites["index"], elites["solution"]

    search(CHUNK)
    clock, cpu_seconds, cells, solutions = search(task.generations)
    report = Report(
        evaluations=task.batch * CHUNK,
        seconds=clock.seconds,
        cpu_seconds=cpu_seconds,
        compile_seconds=compile_seconds,
        cells=cells.tolist(),
        device=jax.devices()[0].device_kind,
        versions=versions("ribs", "jax", "jaxlib", "numpy"),
    )
    write_report(folder, report, to_bytes(solutions))


if __name__ == "__main__":
    main()
