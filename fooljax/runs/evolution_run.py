"""The job that every fooling experiment does: search, save, read the saved images back, report.

An experiment gives its settings, its encoding and its words; all else is the same for each.
"""

import contextlib
import dataclasses
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from fooljax.runs.ancestry import Recorder
from fooljax.cli.command_line import parse
from fooljax.terminal import Interrupted
from fooljax.settings import check_used, config_from, in_words
from fooljax.runs.elites import best_of, first_fooled, save_and_judge, save_table
from fooljax.runs.begin_from import keep, with_initial
from fooljax.runs.recipe import Experiment, FoolingConfig, Job, prepare
from fooljax.runs.results import in_lines, summarise, write_figures_and_page
from fooljax.runs.folder import MetricsFile, RunFolder
from fooljax.terminal import Host, Signals, Terminal, progress_lines
from fooljax.engine.types import Target
from fooljax.errors import FaultError, InputError, shown
from fooljax.engine.batching import tile_size
from fooljax.evolution import Progress, search
from fooljax.storage.trees import read_json, save_tree, write_json
from fooljax.storage.cache import cache_folder


def main(experiment: Experiment, argv: Sequence[str] | None = None) -> None:
    """An experiment's command: reads the flags, runs, and ends by printing where the page is.

    Raises:
      InputError, FaultError, Interrupted: see `fooljax.cli.command_line.run_command`.
    """
    given, flags = parse(experiment.config, f"{experiment.title}. {experiment.introduction[0]}", argv)
    terminal = Terminal(flags.quiet)
    with Signals() as signals:
        host = Host(terminal, signals, flags.checkpoint_seconds)
        path = Path(
            flags.resume or flags.outdir or f"runs/{experiment.name}-{time.strftime('%Y%m%d-%H%M%S')}"
        )
        try:
            if flags.resume is not None:
                summary = resume(experiment, path, given, host)
            else:
                summary = run(experiment, experiment.config(**given), path, host)
        except Interrupted as told:
            if not (path / "config.json").exists():
                raise
            words = ["python", "-m", f"experiments.{experiment.name}", "--resume", str(path.absolute())]
            if "strategy" in given and _is_code(given["strategy"]):
                words += ["--strategy", given["strategy"]]
            raise Interrupted(told.signal_number, f"{told}; go on with: {shlex.join(words)}") from told
    for line in in_lines(summary):
        terminal.say(line)
    terminal.say(", ".join(f"{name} {seconds:.1f} s" for name, seconds in terminal.seconds.items()))
    terminal.say(f"page: {path / 'index.html'}")


def run(
    experiment: Experiment,
    config: FoolingConfig,
    outdir: Path,
    host: Host | None = None,
) -> dict[str, Any]:
    """Runs an experiment into a new or empty folder; returns what `summary.json` says.

    Raises:
      InputError: a setting, the data or the folder is not what was expected.
      FaultError: the disk or another part of the environment failed.
      Interrupted: a signal came; the run can be resumed.
    """
    host = host or Host()
    # Everything is checked before the folder is made, so that wrong input leaves nothing behind.
    check_used(config)
    job = with_initial(prepare(experiment, config, host.terminal))
    settings = dataclasses.asdict(config)
    with RunFolder.create(outdir, experiment.name, settings, lambda draft: keep(job, draft)) as folder:
        return _run_in(folder, job, host)


def resume(
    experiment: Experiment,
    path: Path,
    given: Mapping[str, Any],
    host: Host | None = None,
) -> dict[str, Any]:
    """Goes on with the run in a folder; `given` may raise `generations`, and must else agree with the run.

    A strategy that is not built in is code of its author's. A folder that came from elsewhere could name any,
    so `given` must name it too.

    Raises:
      InputError: as `run`; or `given` differs from the run's settings.
      FaultError: as `run`.
    """
    host = host or Host()
    with RunFolder.resume(path, experiment.name) as folder:
        config = config_from(experiment.config, folder.config["settings"], str(folder.path / "config.json"))
        for name, value in given.items():
            begun_with = getattr(config, name)
            if name == "generations":
                if value < begun_with:
                    raise InputError(f"generations: expected {begun_with} or more on resume, got {value}")
            elif value != begun_with:
                begun = shown(in_words(begun_with))
                raise InputError(
                    f"{name}: the run in {shown(path)} was begun with {begun}, got {in_words(value)}"
                )
        if _is_code(config.strategy) and "strategy" not in given:
            raise InputError(
                f"strategy: the run in {shown(path)} runs code that is not built in; if you trust it, add "
                f"--strategy {shlex.quote(shown(config.strategy))}"
            )
        config = dataclasses.replace(config, generations=given.get("generations", config.generations))
        job = with_initial(prepare(experiment, config, host.terminal), folder.path)
        if dataclasses.asdict(config) != folder.config["settings"]:
            folder.save_config(dataclasses.asdict(config))
        return _run_in(folder, job, host)


def _is_code(strategy: str) -> bool:
    """Whether a strategy is `MODULE:BUILDER`, which runs that module's code."""
    return ":" in strategy


def _run_in(folder: RunFolder, job: Job, host: Host) -> dict[str, Any]:
    config, terminal, signals = job.config, host.terminal, host.signals
    terminal.say(f"run folder: {folder.path}")
    terminal.say(job.subject.source)
    keep_compiled_programs()
    with terminal.stage("target"):
        target = job.subject.load(terminal.say)
        check_same_target(folder, target)
    metrics_file = MetricsFile(folder.path / "metrics.csv")
    recorder = Recorder(folder.path, job.encoding) if config.lineage else None
    with signals.defer(), progress_lines(terminal) as show:

        def on_chunk(progress: Progress) -> None:
            folder.begin_changes()
            metrics_file.add(progress.metrics)
            if recorder:
                recorder.chunk_done(progress.generation)
            show(progress)

        evolution = search(
            target,
            job.encoding,
            job.strategy,
            key=jax.random.key(config.seed),
            generations=config.generations,
            runs=config.runs,
            cells=job.subject.cells,
            init_size=None if job.initial else config.children,
            init_genomes=job.initial.genomes if job.initial else None,
            until=config.until,
            checkpoints=folder.checkpoints,
            resume=folder.resumed,
            checkpoint_seconds=host.checkpoint_seconds,
            on_chunk=on_chunk,
            on_replacements=recorder.take if recorder else None,
            stop=lambda: bool(signals.received),
        )
    if not evolution.completed:
        reached = f"{evolution.generations:,} of {config.generations:,}"
        raise Interrupted(signals.received, f"stopped at generation {reached}")
    terminal.seconds["compile"] = evolution.seconds_compile
    terminal.seconds["search"] = evolution.seconds_search
    with terminal.stage("report"):
        metrics_file.write(evolution.metrics)
        if recorder:
            recorder.finish(evolution.generations)
        facts = {"cells": list(evolution.cells), "image_shape": list(job.encoding.image_shape)}
        save_tree(folder.path / "archive.npz", evolution.archive, facts)
        save_tree(folder.path / "first.npz", evolution.first, facts)
        others, second = job.subject.judges(target), job.subject.second(terminal.say)
        tile = tile_size(config.children)
        best, first = (
            save_and_judge(folder.path / name, kept, target, others, second, tile)
            for name, kept in (("elites", best_of(evolution)), ("first", first_fooled(evolution)))
        )
        for name, judged in (("elites", best), ("first", first)):
            save_table(folder.path / f"{name}.csv", judged, target, job.subject.group)
        summary = summarise(job, target, evolution, best, first, second)
        write_figures_and_page(folder.path, job, target, evolution, best, first, summary)
        folder.finish(summary)
    return summary


def check_same_target(folder: RunFolder, target: Target) -> None:
    """Notes which target a run is against; a resumed run must meet the same one."""
    path = folder.path / "target.json"
    facts = {
        "name": target.name,
        "clean_accuracy": target.clean_accuracy,
        "class_names": list(target.class_names),
        # Sorted: a network from the cache may tell its facts in another order than a new one.
        **dict(sorted(target.provenance.items())),
    }
    if folder.resumed and path.exists():
        begun_with = read_json(path).get("params_sha256")
        if begun_with != target.provenance["params_sha256"]:
            raise InputError(f"{path}: the run was begun against another target (parameters differ)")
    write_json(path, facts)


def keep_compiled_programs() -> None:
    """Programs compiled once are kept on disk, unless the user has chosen a place, or there is none."""
    if jax.config.values["jax_compilation_cache_dir"] is None:
        with contextlib.suppress(FaultError, OSError):
            folder = cache_folder() / "compiled"
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK | os.X_OK):
                jax.config.update("jax_compilation_cache_dir", str(folder))
                jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
