"""What is logged of each generation: counts, and how good the elites are."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from fooljax.engine.archive import Archive
from fooljax.engine.log_odds import SHARES
from fooljax.engine.objective import Objective
from fooljax.engine.types import Encoding


def describe_elites(encoding: Encoding, objective: Objective, archive: Archive) -> dict[str, jax.Array]:
    """Scalars by name: median, mean, least and greatest fitness over all cells, and the encoding's measures.

    Where the objective's values are log-odds, fitness is given twice, as `confidence` and as `log_odds`, and
    beside it the shares of cells at 90, 99 and 99.99 % or more. Any other objective's is given as `fitness`.
    An empty cell counts as -inf, or as a confidence of 0. Measures are means over the occupied cells.
    """
    fitness = archive.fitness
    # Not jnp.median, which is NaN where -inf (an empty cell) is among the values.
    ordered = jnp.sort(fitness)
    middle = ordered[jnp.asarray([(fitness.size - 1) // 2, fitness.size // 2])]
    scales: dict[str, Callable[[jax.Array], jax.Array]] = {"fitness": jnp.asarray}
    if objective.is_log_odds:
        scales = {"confidence": jax.nn.sigmoid, "log_odds": jnp.asarray}
    metrics = {}
    for name, scale in scales.items():
        metrics[f"median_{name}"] = jnp.mean(scale(middle))
        metrics[f"mean_{name}"] = jnp.mean(scale(fitness))
        metrics[f"min_{name}"] = scale(ordered[0])
        metrics[f"max_{name}"] = scale(ordered[-1])
    for name, threshold in (SHARES if objective.is_log_odds else {}).items():
        metrics[name] = jnp.mean(fitness >= threshold, dtype=jnp.float32)
    occupied = archive.occupied
    for name, values in jax.vmap(encoding.measure)(archive.genomes).items():
        total = jnp.sum(jnp.where(occupied, values, 0), dtype=jnp.float32)
        metrics[f"{encoding.name}/{name}"] = total / jnp.maximum(jnp.sum(occupied), 1)
    return metrics
