"""What the adapter costs: the loop with evosax as emitters against evosax called by hand, interleaved.

    python -m benchmarks.evosax_adapter --json FILE

By hand: ten searches of an algorithm, one for each class, under `vmap` in one scan, with the same encoding,
network and archive; no scheduler, restarts, health checks, or tie-safe ranks, and genes are clipped.
"""

import argparse
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from evosax.algorithms import algorithms

from benchmarks.timing import interleaved, machine, spread, told
from fooljax.encodings import direct
from fooljax.engine.archive import empty, insert
from fooljax.engine.compiled import compile_advance, compile_start
from fooljax.engine.fitness import evaluate
from fooljax.engine.loop import Search
from fooljax.engine.types import Problem
from fooljax.storage.json_files import write_json
from fooljax.storage.outputs import file_of
from fooljax.strategies import evosax
from fooljax.targets.networks.lenet import LeNet
from fooljax.targets.networks.trainable import apply_of

CLASSES, POPULATION, GENERATIONS, STEP = 10, 20, 10, 0.05


def measure(algorithm: str, repeats: int) -> dict[str, Any]:
    """Ratios of seconds, adapter over by hand, for one algorithm."""
    encoding, apply = direct((28, 28, 1)), apply_of("lenet", CLASSES)
    cells = tuple(range(CLASSES))
    params = LeNet().init(jax.random.key(0), jnp.zeros((1, 28, 28, 1)))
    problem = Problem(params, (), apply, cells)
    strategy = evosax(encoding, batch_size=CLASSES * POPULATION, algorithm=algorithm, scheduler="equal")
    search = Search(encoding, strategy)
    keys = jax.random.split(jax.random.key(1), 1)
    state, _ = compile_start(search, strategy.batch_size, problem, keys)(problem, keys)
    program = compile_advance(search, GENERATIONS, problem, state)

    inner = algorithms[algorithm](POPULATION, solution=jnp.zeros(784), metrics_fn=lambda *_: {})
    settings = inner.default_params

    def begin(key: jax.Array) -> Any:
        means = jnp.full((CLASSES, 784), 0.5 / STEP)
        states = jax.vmap(inner.init, (0, 0, None))(jax.random.split(key, CLASSES), means, settings)
        states = jax.tree.map(lambda leaf: jnp.asarray(leaf).astype(jnp.asarray(leaf).dtype), states)
        return states, empty(jax.eval_shape(encoding.init, key), CLASSES, 1)

    def step(carry: Any, key: jax.Array) -> tuple[Any, Any]:
        states, archive = carry
        ask_key, tell_key = jax.random.split(key)
        asked, states = jax.vmap(inner.ask, (0, 0, None))(
            jax.random.split(ask_key, CLASSES), states, settings
        )
        genomes = jnp.clip(asked.reshape(-1, 784) * STEP, 0.0, 1.0)
        odds = evaluate(encoding, problem, genomes)
        own = -jnp.diagonal(odds.reshape(CLASSES, POPULATION, CLASSES), axis1=0, axis2=2).T
        states, _ = jax.vmap(inner.tell, (0, 0, 0, 0, None))(
            jax.random.split(tell_key, CLASSES), asked, own, states, settings
        )
        ids, parents = jnp.arange(len(genomes)), jnp.full((len(genomes), 1), -1, jnp.int32)
        archive, _ = insert(archive, genomes, odds, ids, parents, jnp.int32(0))
        return (states, archive), archive.fitness

    hand = jax.jit(lambda carry, keys: jax.lax.scan(step, carry, keys), donate_argnums=0)
    carry = begin(jax.random.key(2))
    steps = jax.random.split(jax.random.key(3), GENERATIONS)

    def by_hand() -> Any:
        nonlocal carry
        carry, fitness = hand(carry, steps)
        return fitness

    def adapted() -> Any:
        nonlocal state
        state, metrics = program(problem, state)
        return metrics

    for _ in range(3):
        by_hand(), adapted()
    seconds = interleaved({"adapter": adapted, "by_hand": by_hand}, repeats)
    evaluations = GENERATIONS * strategy.batch_size
    return {
        "algorithm": algorithm,
        "adapter_over_by_hand": spread(np.asarray(seconds["adapter"]) / np.asarray(seconds["by_hand"])),
        "adapter_evaluations_per_second": evaluations / float(np.median(seconds["adapter"])),
        "by_hand_evaluations_per_second": evaluations / float(np.median(seconds["by_hand"])),
        "repeats": repeats,
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="What the evosax adapter costs.")
    parser.add_argument("--json", type=file_of("a JSON object"), default=None, metavar="FILE")
    parser.add_argument("--repeats", type=int, default=21)
    flags = parser.parse_args()
    results = [measure(name, flags.repeats) for name in ("Sep_CMA_ES", "SNES", "Open_ES")]
    for result in results:
        ratio = result["adapter_over_by_hand"]
        print(
            f"{result['algorithm']}: {told(ratio, 3)} times by hand, "
            f"{result['adapter_evaluations_per_second']:,.0f} evaluations/s"
        )
    if flags.json:
        write_json(flags.json, {"machine": machine(), "results": results})


if __name__ == "__main__":
    main()
