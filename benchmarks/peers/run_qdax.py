"""Worker: QDax's MAP-Elites, the loop compiled as its documentation does it (`lax.scan` over `scan_update`).

An image is a genotype of 784 numbers in [0, 1], its descriptor the arg-max class, its fitness the log-softmax
of that class. Weights are an argument of the compiled loop: measured, no slower than as constants.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from qdax.core.emitters.mutation_operators import (  # type: ignore[import-not-found]
    isoline_variation,
    polynomial_mutation,
)
from qdax.core.emitters.standard_emitters import MixingEmitter  # type: ignore[import-not-found]
from qdax.core.map_elites import MAPElites  # type: ignore[import-not-found]
from qdax.utils.metrics import default_qd_metrics  # type: ignore[import-not-found]

from benchmarks.peers import lenet
from benchmarks.peers.protocol import CHUNK, Clock, Report, read_task, to_bytes, versions, write_report


def emitter(variation: str, batch: int) -> Any:
    """QDax's emitter with its polynomial mutation (the paper's operator), or the one of its own examples."""
    if variation == "polynomial":
        mutate = functools.partial(
            polynomial_mutation, proportion_to_mutate=0.1, eta=15.0, minval=0.0, maxval=1.0
        )
        return MixingEmitter(mutate, None, variation_percentage=0.0, batch_size=batch)
    vary = functools.partial(isoline_variation, iso_sigma=0.005, line_sigma=0.05, minval=0.0, maxval=1.0)
    return MixingEmitter(None, vary, variation_percentage=1.0, batch_size=batch)


def scoring(weights: lenet.Weights, genotypes: jax.Array, key: jax.Array) -> Any:
    """Fitness `[B]`, descriptors `[B, 1]` and no extra scores."""
    del key
    shares = jax.nn.log_softmax(lenet.logits(weights, genotypes))
    return jnp.max(shares, axis=1), jnp.argmax(shares, axis=1)[:, None].astype(jnp.float32), {}


def main() -> None:
    """Compiles, warms up with one chunk, then times the chunks from the same start."""
    folder, task = read_task()
    weights = lenet.load(task.weights)
    emit = emitter(task.variation, task.batch)
    metrics = functools.partial(default_qd_metrics, qd_offset=0.0)
    centroids = jnp.arange(10.0)[:, None]

    def search(weights: lenet.Weights) -> Any:
        return MAPElites(functools.partial(scoring, weights), emit, metrics)

    def start(weights: lenet.Weights, key: jax.Array) -> Any:
        genotypes_key, start_key, run_key = jax.random.split(key, 3)
        genotypes = jax.random.uniform(genotypes_key, (task.batch, 784))
        repertoire, state, _ = search(weights).init(genotypes, centroids, start_key)
        return repertoire, state, run_key

    def chunk(weights: lenet.Weights, carry: Any) -> Any:
        return jax.lax.scan(search(weights).scan_update, carry, (), length=CHUNK)

    key = jax.random.key(task.seed)
    clock = Clock()
    begin = jax.jit(start).lower(weights, key).compile()
    advance = jax.jit(chunk).lower(weights, jax.eval_shape(start, weights, key)).compile()
    compile_seconds = clock.total()
    carry = begin(weights, key)
    jax.block_until_ready(advance(weights, carry))
    clock = Clock()
    for _ in range(task.generations // CHUNK):
        carry, _ = jax.block_until_ready(advance(weights, carry))
        clock.chunk_done()
    cpu_seconds = clock.cpu_seconds()
    repertoire = carry[0]
    cells = np.flatnonzero(np.isfinite(np.asarray(repertoire.fitnesses)[:, 0]))
    report = Report(
        evaluations=task.batch * CHUNK,
        seconds=clock.seconds,
        cpu_seconds=cpu_seconds,
        compile_seconds=compile_seconds,
        cells=cells.tolist(),
        device=jax.devices()[0].device_kind,
        versions=versions("qdax", "jax", "jaxlib", "numpy"),
    )
    write_report(folder, report, to_bytes(np.asarray(repertoire.genotypes)[cells]))


if __name__ == "__main__":
    main()
