"""The search of a run, in the process that has the run's folder and in those that only compute with it."""

import logging
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax

from fooljax.engine.types import Target
from fooljax.evolution import Evolution, search
from fooljax.processes import after_writer, file_of_writer, from_writer, gathered, is_writer
from fooljax.runs.begin_from import FILE, read_initial
from fooljax.runs.plan import RunPlan
from fooljax.storage.trees import load_tree, save_tree
from fooljax.terminal import Host, Interrupted

logger = logging.getLogger("fooljax")

Outcome = tuple[dict[str, Any] | None, Target, Evolution]
"""What `summary.json` says (None where the search was ended early), the network, and what the search gave."""


def load_target(plan: RunPlan, say: Callable[[str], None]) -> Target:
    """The network: each process loads it, or trains it, process 0 before the others.

    Networks that machines train for themselves may differ in the last digits; then that of process 0 counts.
    """
    target = after_writer("target", lambda: plan.choice.load(say))
    digest = target.provenance.get("params_sha256")
    if "recipe" not in target.provenance or len(set(gathered("digest", digest))) == 1:
        return target
    logger.warning("the processes trained networks that differ; all of them take that of process 0")
    with tempfile.TemporaryDirectory(prefix="fooljax-") as folder:
        own = Path(folder) / "params.npz"
        if is_writer():
            save_tree(own, jax.device_get(target.params), {})
        with file_of_writer("params", own) as path:
            assert path is not None
            params = load_tree(path, target.params)[0]
    first = from_writer("provenance", lambda: digest)
    return replace(target, params=params, provenance={**target.provenance, "params_sha256": first})


def search_of(plan: RunPlan, target: Target, **driving: Any) -> Evolution:
    """Does the search of a plan.

    Args:
      plan: what is searched, and how.
      target: the plan's network, loaded.
      **driving: checkpoints, and functions that are called meanwhile; see `fooljax.evolution.search`.
    """
    return search(
        target,
        plan.encoding,
        plan.strategy,
        key=plan.key,
        generations=plan.generations,
        runs=plan.runs,
        cells=plan.choice.cells,
        objective=plan.objective,
        init_size=None if plan.initial else plan.init_size,
        init_genomes=plan.initial.genomes if plan.initial else None,
        until=plan.until,
        check_target=plan.check_target,
        **driving,
    )


def searched(plan: RunPlan, target: Target, host: Host, **driving: Any) -> Evolution:
    """Does the search of a run, which the signals of its host end after a chunk; see `search_of`.

    Raises:
      Interrupted: a signal came to this process or another one.
    """
    signals = host.signals

    def stop() -> bool:
        return bool(signals.received) or (host.stop is not None and host.stop())

    with signals.defer():
        evolution = search_of(plan, target, devices=host.devices, stop=stop, **driving)
    signals.received = max(gathered("signals", signals.received))
    if not evolution.completed and signals.received:
        reached = f"{evolution.generations:,} of {plan.generations:,}"
        raise Interrupted(signals.received, f"stopped at generation {reached}")
    return evolution


def followed(plan: RunPlan, host: Host) -> Outcome:
    """The search of a run whose folder another process has; see `evolution_run.begin`."""
    with file_of_writer("initial", None) as path:
        if path is not None:
            plan = replace(plan, initial=read_initial(path, plan.encoding))
    target = load_target(plan, host.terminal.say)
    recorded = (lambda _: None) if plan.lineage else None
    evolution = searched(plan, target, host, on_chunk=host.on_chunk, on_replacements=recorded)
    summary = from_writer("summary", dict) if evolution.completed else None
    return summary, target, evolution


def send_initial(plan: RunPlan, folder: Path) -> None:
    """Gives the other processes what the search begins with, out of the run's folder."""
    with file_of_writer("initial", folder / FILE if plan.initial else None):
        pass
