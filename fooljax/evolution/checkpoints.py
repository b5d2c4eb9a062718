"""A search's checkpoints: what is saved, and how it is known again."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.engine.archive import empty
from fooljax.engine.genomes import check_genomes
from fooljax.engine.loop import EvolutionState
from fooljax.engine.placement import mesh_of_place, put
from fooljax.engine.types import Encoding
from fooljax.errors import InputError, shown
from fooljax.evolution.arguments import Plan
from fooljax.evolution.programs import Shapes, program_text
from fooljax.evolution.results import Metrics
from fooljax.identity import ANSWERS, SHARDING, check_identity, search_identity
from fooljax.processes import is_alone
from fooljax.storage.trees import digest_tree, load_arrays, load_tree

logger = logging.getLogger("fooljax")

SECONDS = ("seconds_search", "seconds_compile")


def identity_of(plan: Plan, shapes: Shapes) -> dict[str, Any]:
    """What a checkpoint must agree in with a search that goes on from it, and one process with the others.

    Nothing where there is neither.
    """
    if plan.store is None and is_alone():
        return {}
    host: dict[str, Any] = {"calls_python": True} if plan.host is not None else {}
    if plan.host is not None and plan.probed is not None:
        first = [part[0] for part in jax.tree.leaves(plan.probed.log_odds)]
        host[ANSWERS] = [np.clip(np.nan_to_num(odds), -40.0, 40.0).astype(float).tolist() for odds in first]
    return {
        "key": np.asarray(jax.random.key_data(plan.key)).tolist(),
        "init_size": plan.init_size,
        "init_genomes": digest_tree(plan.given[0]) if plan.given else None,
        SHARDING: "none" if mesh_of_place(plan.place) is None else "children",
        **search_identity(plan.search, plan.problem, program_text(plan, shapes)),
        **host,
    }


def load_checkpoint(
    path: Path, plan: Plan, shapes: Shapes, identity: Mapping[str, Any]
) -> tuple[EvolutionState, Metrics, dict[str, Any]]:
    """The state, the metrics `[R, T + 1]` and the facts of a checkpoint.

    Raises:
      InputError: it does not belong to this search, or is none of a search.
    """
    arrays, _, facts = load_arrays(path)
    if plan.assumed and facts.get("init_genomes") is not None:
        # The checkpoint holds all that came of the genomes that the search began with.
        identity = {name: fact for name, fact in identity.items() if not name.startswith("init_")}
    check_identity(path, facts, identity)
    state = _load_state(path, shapes.state, "state/first/fitness" not in arrays)
    metrics = _checked_metrics(path, arrays, shapes)
    spent = {name: facts.get(name) for name in SECONDS}
    if not all(isinstance(seconds, int | float) for seconds in spent.values()):
        raise InputError(f"{path}: expected the seconds spent, found {shown(spent)}")
    _check_archives(path, plan.search.encoding, state)
    return put(jax.tree.map(jnp.asarray, state), plan.place), metrics, facts


def _load_state(path: Path, shapes: EvolutionState, is_old: bool) -> EvolutionState:
    """The state; of a version before 0.2, which kept no first elites, none counts as fooled yet."""
    if not is_old:
        return load_tree(path, shapes, under="state")[0]
    logger.warning("%s: an older version of fooljax wrote it, without the elites fooled first", path)
    names = ("archive", "strategy", "key", "generation", "queries")
    parts, _ = load_tree(path, {name: getattr(shapes, name) for name in names}, under="state")
    runs, cells = shapes.archive.fitness.shape
    genome = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape[2:], leaf.dtype), shapes.archive.genomes
    )
    blank = empty(genome, cells, shapes.archive.parents.shape[2])
    first = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[None], (runs, *leaf.shape)), blank)
    return EvolutionState(first=first, **parts)


def _checked_metrics(path: Path, arrays: Mapping[str, npt.NDArray[Any]], shapes: Shapes) -> Metrics:
    expected = {**shapes.metrics, **shapes.own}
    # Versions before 0.2 kept no first elites, and did not count logits that are NaN.
    uncounted = {"nan"} if "state/first/fitness" not in arrays else set()
    kept = {name.removeprefix("metrics/") for name in arrays if name.startswith("metrics/")}
    if missing := set(expected) - kept - uncounted:
        raise InputError(f"{path}: expected metrics/{min(missing)}, found no such entry")
    found = {
        name: arrays[f"metrics/{name}"] if name in kept else np.zeros_like(arrays["metrics/generation"])
        for name in expected
    }
    runs = shapes.state.archive.fitness.shape[0]
    shape = (runs, max(1, found["generation"].size // runs))
    for name, rows in found.items():
        kind = np.dtype(np.float32 if name in shapes.own else expected[name].dtype)
        if rows.shape != shape or rows.dtype.kind != kind.kind:
            raise InputError(
                f"{path}: expected metrics/{name} {kind}{list(shape)}, found {rows.dtype}{list(rows.shape)}"
            )
    return found


def _check_archives(path: Path, encoding: Encoding, state: EvolutionState) -> None:
    for archive in (state.archive, state.first):
        genomes = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), archive.genomes)
        try:
            check_genomes(encoding, genomes)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
