"""`fooljax.evolve`: a search from Python, in memory or with the whole folder of a run."""

import logging
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax

from fooljax.checks import check_switches
from fooljax.engine.objective import LOG_ODDS, Objective
from fooljax.engine.placement import Devices, mesh_of
from fooljax.engine.types import Encoding, Strategy, Target, check_channels
from fooljax.errors import InputError, shown
from fooljax.evolution import CHECKPOINT_SECONDS, Evolution, Progress
from fooljax.evolution.arguments import check_seconds
from fooljax.own_settings import with_own_settings
from fooljax.processes import from_writer, is_writer, together
from fooljax.report import evolution_page
from fooljax.result import Result, result_of
from fooljax.runs import evolution_run
from fooljax.runs.folder import MetricsFile, RunFolder
from fooljax.runs.opened import open_folder
from fooljax.runs.plan import RunPlan
from fooljax.runs.python_plan import plan_from_values
from fooljax.runs.searching import search_of
from fooljax.settings import in_words
from fooljax.storage.outputs import as_folder
from fooljax.terminal import Host, Interrupted, Signals
from fooljax.trackers.tracker import closed

logger = logging.getLogger("fooljax")


@with_own_settings
@together()
def evolve(
    target: Target | Callable[..., Any] | str,
    encoding: Encoding | str,
    strategy: Strategy | str | None = None,
    *,
    key: jax.Array | int,
    generations: int,
    runs: int = 1,
    outdir: Path | str | None = None,
    resume: bool = False,
    cells: Sequence[int] | None = None,
    objective: Objective = LOG_ODDS,
    init_size: int | None = None,
    until: float | None = None,
    lineage: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    devices: Devices | None = None,
    check_target: bool = True,
    on_chunk: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Result:
    """Evolves one image for each class and run that a network names with confidence.

    Args:
      target: the network: a `Target`, any JAX callable `images [B, H, W, K] -> logits [B, C]`, what
        `host_target` gives, the name of one in `fooljax.targets.TARGETS`, or MODULE:NAME.
      encoding: what an image is made of: an `Encoding`, "direct", "cppn", or MODULE:NAME.
      strategy: proposes images: a `Strategy`, the name of one in `fooljax.strategies.STRATEGIES`, or
        MODULE:BUILDER. MAP-Elites with 200 children by default.
      key: a PRNG key, or a seed for one. Run r is the same however many runs there are.
      generations: how many after the first images, 0 or more.
      runs: `R`, independent runs side by side, 1 or more.
      outdir: a new or empty folder for the whole run with its page; None keeps the search in memory.
      resume: goes on with the run in `outdir`, which may be killed at any moment, or begins it where there is
        none. The arguments must be those that it was begun with; `generations` may be more.
      cells: indices of the classes to evolve for; all by default.
      objective: what is maximised; the log-odds of the class by default.
      init_size: random images to begin with; as many as a generation has by default.
      until: a confidence in (0, 1) at which the search stops, when every cell of every run has reached it.
      lineage: records every image that took the place of another, in `outdir`.
      checkpoint_seconds: at least so long between checkpoints, in `outdir`.
      devices: devices that share the work: how many of JAX's, "all", or a list of them; by default one does
        all. Every number gives the same archive on CPUs, see `fooljax.evolution.search`. A run may be resumed
        on another number of them.
      check_target: shows the network some images first, see `fooljax.probe`.
      on_chunk: called with the progress after each chunk of generations; one of `fooljax.trackers`, or any
        function.
      stop: called before each chunk; True ends the call with `completed=False`.
    Returns:
      Images, confidences and metrics. With `outdir` it is what `open_run(outdir)` gives, and the state of the
      strategy.
    Raises:
      InputError: an argument is not what was expected, or `outdir` is not the folder of this search.
      FaultError: a file cannot be written.
      KeyboardInterrupt: the user interrupted it; `outdir` keeps all whole chunks until then.
    """
    check_seconds(checkpoint_seconds)
    if devices is not None:
        mesh_of(devices)
    folder = None if outdir is None else as_folder("outdir", outdir)
    plan = plan_from_values(
        target,
        encoding,
        strategy,
        key=key,
        generations=generations,
        runs=runs,
        cells=cells,
        objective=objective,
        init_size=init_size,
        until=until,
        lineage=lineage,
        check_target=check_target,
    )
    host = Host(checkpoint_seconds=checkpoint_seconds, devices=devices, on_chunk=on_chunk, stop=stop)
    with closed(on_chunk):
        return _in_memory(plan, resume, host) if folder is None else _in_folder(plan, folder, resume, host)


def _in_memory(plan: RunPlan, resume: bool, host: Host) -> Result:
    for name, value in (("resume", resume), ("lineage", plan.lineage)):
        if value:
            raise InputError(f"outdir: expected a folder, since {name} is True, got none")
    target = plan.choice.load(lambda _: None)
    evolution = search_of(plan, target, devices=host.devices, on_chunk=host.on_chunk, stop=host.stop)

    def write(folder: Path) -> None:
        check_channels(plan.encoding.image_shape)
        with RunFolder.create(folder, plan.config) as opened:
            evolution_run.check_same_target(opened, target)
            MetricsFile(opened.path / "metrics.csv").write(evolution.metrics)
            evolution_run.save_results(opened, plan, target, evolution, evolution_page.write, Host())

    return _result(plan, target, evolution, None, write)


def _in_folder(plan: RunPlan, outdir: Path, resume: bool, host: Host) -> Result:
    check_switches(resume=resume)
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return _searched(plan, outdir, resume, host)
    try:
        # An interrupt waits for the end of a chunk, whose state is then saved.
        with Signals([signal.SIGINT]) as signals:
            return _searched(plan, outdir, resume, replace(host, signals=signals))
    except Interrupted as stopped:
        raise KeyboardInterrupt(str(stopped)) from None


def _searched(plan: RunPlan, outdir: Path, resume: bool, host: Host) -> Result:
    begun = from_writer("begun", (outdir / "config.json").exists)
    if resume and not begun and is_writer():
        logger.warning("outdir: no run in %s yet, so a new one begins", shown(outdir))
    if resume and begun:
        with evolution_run.opened(outdir, None) as (folder, config):
            _check_settings(outdir.absolute(), config, plan)
            summary, target, evolution = evolution_run.go_on(plan, folder, evolution_page.write, host)
    else:
        summary, target, evolution = evolution_run.begin(plan, outdir, evolution_page.write, host)
    if summary is None or not is_writer():
        return _result(plan, target, evolution, outdir if is_writer() else None, None)
    return result_of(open_folder(outdir, plan.encoding), evolution.strategy_state)


def _result(
    plan: RunPlan,
    target: Target,
    evolution: Evolution,
    folder: Path | None,
    write: Callable[[Path], object] | None,
) -> Result:
    return Result(
        cells=evolution.cells,
        class_names=target.class_names,
        archive=evolution.archive,
        metrics=evolution.metrics,
        generations=evolution.generations,
        completed=evolution.completed,
        strategy_state=evolution.strategy_state,
        folder=folder,
        objective=plan.objective.name,
        scores=evolution.log_odds,
        is_log_odds=plan.objective.is_log_odds,
        draw=lambda kind: evolution.images() if kind == "elites" else evolution.first_images(),
        write=write,
    )


def _check_settings(folder: Path, config: Mapping[str, Any], plan: RunPlan) -> None:
    """Makes sure that a run is gone on with by the call that began it."""
    if config.get("command") is not None:
        raise InputError(
            f"outdir: the run in {shown(folder)} was begun by a command; go on with it by "
            f"{shown(config['command'])} --resume"
        )
    for part in ("encoding", "strategy", "target"):
        if config.get(part) != plan.config[part]:
            raise InputError(f"{part}: the run in {shown(folder)} was begun with another one")
    found = config["settings"]
    for name, value in plan.settings.items():
        if name == "generations":
            evolution_run.check_generations(value, found.get(name, 0))
        elif name == "key" and found.get(name) != value:
            raise InputError(f"key: the run in {shown(folder)} was begun with another key")
        elif found.get(name) != value:
            begun = shown(in_words(found.get(name)))
            raise InputError(f"{name}: the run in {shown(folder)} was begun with {begun}, got {value}")
