"""The host driver: check, compile, run in chunks, save.

On a CPU the same key gives the same archive, bit for bit, under any chunking, and however often a search is
stopped and resumed. docs/guide/precision.md says what holds on a GPU.
"""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import numpy as np

from fooljax.engine.objective import LOG_ODDS, Objective
from fooljax.engine.placement import Devices
from fooljax.engine.types import Encoding, Genome, Strategy, Target
from fooljax.errors import FaultError, InputError
from fooljax.evolution.arguments import (
    CHECKPOINT_SECONDS,
    CHUNK,
    checked_functions,
    planned,
)
from fooljax.evolution.checkpoints import identity_of
from fooljax.evolution.journal import Journal
from fooljax.evolution.programs import prepare, shapes_of
from fooljax.evolution.results import Evolution, Progress, Replacements
from fooljax.own_settings import with_own_settings
from fooljax.processes import Lost, agree, any_of, is_alone

logger = logging.getLogger("fooljax")

IN_WORDS = {
    "coordinates_sha256": "the encoding's coordinates",
    "params_sha256": "the network's parameters",
    "program_sha256": "the program of a generation",
}
"""What messages call the facts in which processes may differ."""


@with_own_settings
def search(
    target: Target | Callable[[jax.Array], jax.Array],
    encoding: Encoding,
    strategy: Strategy | str | None = None,
    *,
    key: jax.Array | int,
    generations: int,
    runs: int = 1,
    cells: Sequence[int] | None = None,
    objective: Objective = LOG_ODDS,
    init_size: int | None = None,
    init_genomes: Genome | None = None,
    until: float | None = None,
    chunk: int = CHUNK,
    checkpoints: Path | str | None = None,
    resume: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    devices: Devices | None = None,
    check_target: bool = True,
    on_chunk: Callable[[Progress], None] | None = None,
    on_replacements: Callable[[Replacements], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Evolution:
    """Evolves one image for each class and run that the target names with confidence.

    Args:
      target: a `Target`, or any JAX callable `images [B, H, W, K] -> logits [B, C]`.
      encoding: genome to image.
      strategy: proposes genomes: a `Strategy`, or the name of one in `fooljax.strategies.STRATEGIES`, with
        its default settings. MAP-Elites with 200 children by default.
      key: a PRNG key, or a seed for one. Run r uses `fold_in(key, r)`, so run r is the same however many runs
        there are.
      generations: how many after the first genomes, 0 or more.
      runs: `R`, independent runs side by side, 1 or more.
      cells: the cells to evolve for, all by default: indices of classes or, with another objective, of the
        columns of its values.
      objective: what is maximised, see `fooljax.objectives`.
      init_size: random genomes to begin with; the strategy's `batch_size` by default.
      init_genomes: genomes to begin with instead, the same in every run: leaves `[N, ...]`. Generation 0
        evaluates them, `N` queries a run, and all that goes by generations (schedules, ids, births) counts
        from there.
      until: a confidence in (0, 1). The search stops when every cell of every run has reached it, which is
        looked for every `CHUNK` generations, so that the end does not depend on `chunk`.
      chunk: generations per compiled call.
      checkpoints: a folder for checkpoints; none are written where None.
      resume: goes on from the newest whole checkpoint in that folder, or begins anew if there is none. All
        that decides the results must be as it was; only `init_genomes` need not be given again.
      checkpoint_seconds: at least so long between checkpoints. One is always written at the end.
      devices: devices that share the work: how many of JAX's, "all", or a list of them. Each varies, draws
        and shows the target a part of the children. By default there is one, that of the target's parameters.
        On CPUs every number gives the same archive, bit for bit. It is another one than that of the default,
        since the target is then shown fewer images at a time, which changes the last digits of log-odds.
        A search may go on from its checkpoints on another number of devices.
      check_target: shows the target some images first, see `fooljax.probe`. With False a target passes whose
        answers are random or depend on the batch, for studies of just that.
      on_chunk: called with the progress after each chunk, and once after generation 0.
      on_replacements: called with each chunk's replacements. Chunks are then shorter, so that a chunk's
        replacements stay bounded.
      stop: called before each chunk; True saves a checkpoint and ends the call with `completed=False`.
    Returns:
      Archives, metrics and the strategy's state.
    Raises:
      InputError: an argument is not what was expected, the target cannot be trusted (see `fooljax.probe`) or
        its logits are NaN for most of the first images, or a checkpoint does not belong to this search.
      FaultError: a checkpoint cannot be written.
    """
    checked_functions(on_chunk=on_chunk, on_replacements=on_replacements, stop=stop)
    plan = planned(
        target,
        encoding,
        strategy,
        key=key,
        generations=generations,
        runs=runs,
        cells=cells,
        objective=objective,
        init_size=init_size,
        init_genomes=init_genomes,
        until=until,
        chunk=chunk,
        checkpoints=checkpoints,
        resume=resume,
        checkpoint_seconds=checkpoint_seconds,
        check_target=check_target,
        record=on_replacements is not None,
        devices=devices,
    )
    clock = time.perf_counter()
    shapes = shapes_of(plan)
    # XLA compiles while Python writes the text of the program for the identity. Several processes compile
    # together, so all of them must know first that the search begins.
    if is_alone() and not (plan.resume and plan.store is not None and plan.store.paths()):
        prepare(plan, shapes)
    identity = identity_of(plan, shapes)
    facts = {
        "generations": generations,
        "until": until,
        "chunk": plan.chunk,
        "devices": len(plan.place.device_set),
        **{IN_WORDS.get(name, name): fact for name, fact in identity.items()},
    }
    agree("search", facts)
    journal = Journal(plan, identity, on_chunk, on_replacements)
    journal.spent["seconds_compile"] = time.perf_counter() - clock
    if not journal.load(shapes):
        journal.begin(shapes)
    try:
        completed = _run(journal, stop)
    except (KeyboardInterrupt, Exception) as error:  # of the caller's functions, or of whoever waits
        if isinstance(error, Lost) or not isinstance(error, InputError | FaultError):
            journal.save_if_whole()
        raise
    journal.save()
    return _result(journal, completed)


def _run(journal: Journal, stop: Callable[[], bool] | None) -> bool:
    """Does the generations that are left, chunk by chunk; False where `stop` ended it."""
    plan = journal.plan
    while (done := journal.generation) < plan.generations:
        if any_of("chunk", stop is not None and stop()):
            return False
        looked_for = plan.threshold is not None and done % CHUNK == 0
        if looked_for and np.all(journal.history[-1]["min_log_odds"][:, -1] >= plan.threshold):
            break
        journal.advance(plan.next_chunk(done))
        journal.save_after(plan.checkpoint_seconds)
    return True


def _result(journal: Journal, completed: bool) -> Evolution:
    plan, metrics, state = journal.plan, journal.metrics(), jax.device_get(journal.state)
    if nan := int(np.sum(metrics["nan"])):
        shares = nan / max(1, int(np.sum(metrics["queries"][:, -1])))
        logger.warning("target: its logits were NaN for %d images (%.2g %%)", nan, 100.0 * shares)
    return Evolution(
        encoding=plan.search.encoding,
        cells=plan.problem.cells,
        objective=plan.problem.objective,
        archive=state.archive,
        first=state.first,
        strategy_state=state.strategy,
        metrics=metrics,
        generations=journal.generation,
        completed=completed,
        **journal.spent,
    )
