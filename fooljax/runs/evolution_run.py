"""A search that has a folder: search, save, read the saved images back, score them, and make a page."""

import contextlib
import dataclasses
import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from fooljax.analysis.panel import check_judges
from fooljax.engine.batching import tile_size
from fooljax.engine.types import Target, check_channels
from fooljax.errors import FaultError, InputError, shown
from fooljax.evolution import Evolution, Progress
from fooljax.processes import agree, from_writer, is_writer
from fooljax.runs.ancestry import Recorder
from fooljax.runs.begin_from import keep, with_initial
from fooljax.runs.elites import best_of, first_fooled
from fooljax.runs.folder import MetricsFile, RunFolder
from fooljax.runs.judge_names import named_judges
from fooljax.runs.judging import save_panel
from fooljax.runs.opened import open_unfinished
from fooljax.runs.plan import RunPlan, plan_of
from fooljax.runs.recipe import Recipe
from fooljax.runs.record import RunRecord
from fooljax.runs.scored import save_and_score, save_table
from fooljax.runs.searching import Outcome, followed, load_target, searched, send_initial
from fooljax.runs.summary import summarise
from fooljax.settings import check_used, config_from, in_words
from fooljax.storage.cache import cache_folder
from fooljax.storage.json_files import plain, read_json, write_json
from fooljax.storage.trees import save_tree
from fooljax.targets.registry import is_from_outside
from fooljax.terminal import Host, progress_lines

MakePage = Callable[[RunRecord], object]
"""Makes the figures and the page of a run from its folder: `fooljax.report.evolution_page.write`."""


def run(
    recipe: Recipe, settings: Any, outdir: Path, make_page: MakePage, host: Host | None = None
) -> dict[str, Any]:
    """Does a search in a new or empty folder.

    Args:
      recipe: the kind of search.
      settings: of the recipe's `config`.
      outdir: the folder.
      make_page: makes the page.
      host: where the search runs; nothing is printed by default.
    Returns:
      What `summary.json` says.
    Raises:
      InputError: a setting, the data or the folder is not what was expected.
      FaultError: the disk or another part of the environment failed.
      Interrupted: a signal came; the run can be resumed.
    """
    host = host or Host()
    check_used(settings)
    summary, _, _ = begin(plan_of(recipe, settings, host.terminal), outdir, make_page, host)
    assert summary is not None
    return summary


def resume(
    recipe: Recipe, path: Path, given: Mapping[str, Any], make_page: MakePage, host: Host | None = None
) -> dict[str, Any]:
    """Goes on with the run in a folder.

    A strategy or data set that does not come with fooljax is code of its author's. A folder that came from
    elsewhere could name any, so `given` must name it too.

    Args:
      recipe: the kind of search.
      path: the folder.
      given: settings that the user gave. `generations` may be raised; the others must be as in the run.
      make_page: makes the page.
      host: see `run`.
    Raises:
      InputError: as `run`; or `given` differs from the run's settings.
      FaultError: as `run`.
    """
    host = host or Host()
    with opened(path, recipe.experiment) as (folder, config):
        settings = config_from(recipe.config, config["settings"], str(path.absolute() / "config.json"))
        for name, value in given.items():
            begun_with = getattr(settings, name)
            if name == "generations":
                check_generations(value, begun_with)
            elif value != begun_with:
                begun = shown(in_words(begun_with))
                raise InputError(
                    f"{name}: the run in {shown(path)} was begun with {begun}, got {in_words(value)}"
                )
        check_named(path, settings, given, ("strategy", "data", "judges"))
        generations = given.get("generations", settings.generations)
        plan = plan_of(recipe, dataclasses.replace(settings, generations=generations), host.terminal)
        summary, _, _ = go_on(plan, folder, make_page, host)
        assert summary is not None
        return summary


def check_named(path: Path, settings: Any, given: Mapping[str, Any], names: Sequence[str]) -> None:
    """Code and files that do not come with fooljax are used only where the user names them again.

    Args:
      path: of the run.
      settings: of the run.
      given: settings that the user gave, by name.
      names: of the settings that may name such.
    Raises:
      InputError: a setting of the run names what `given` does not.
    """
    for name in names:
        value = getattr(settings, name, "")
        if any(map(is_from_outside, value.split(","))) and name not in given:
            raise InputError(
                f"{name}: the run in {shown(path)} uses what is not built in; if you trust it, add "
                f"--{name} {shlex.quote(shown(value))}"
            )


def check_generations(given: int, begun_with: int) -> None:
    """A run that is resumed may go on longer, not shorter.

    Raises:
      InputError: `given` is less than the run was begun with.
    """
    if given < begun_with:
        raise InputError(f"generations: expected {begun_with} or more on resume, got {given}")


@contextlib.contextmanager
def opened(path: Path, experiment: str | None) -> Iterator[tuple[RunFolder | None, dict[str, Any]]]:
    """The folder of a run that was begun before, and its `config.json`; see `RunFolder.resume`.

    Where several processes do the search, the others have no folder, but learn what is in this file.
    """
    if not is_writer():
        yield None, from_writer("config", dict)
        return
    with RunFolder.resume(path, experiment) as folder:
        yield folder, from_writer("config", lambda: folder.config)


def begin(plan: RunPlan, outdir: Path, make_page: MakePage, host: Host) -> Outcome:
    """Begins a run; everything was checked before, so that wrong input leaves no folder behind.

    Returns:
      What `summary.json` says (None where `host.stop` ended the search early), the network, and what the
      search gave.
    """
    check_channels(plan.encoding.image_shape)
    keep_compiled_programs()
    agree("settings", plan.settings)
    if not is_writer():
        return followed(plan, host)
    plan = with_initial(plan)
    with RunFolder.create(outdir, plan.config, lambda draft: keep(plan, draft)) as folder:
        return _run_in(folder, plan, make_page, host)


def go_on(plan: RunPlan, folder: RunFolder | None, make_page: MakePage, host: Host) -> Outcome:
    """Goes on with the run of an open folder, which is None where another process has it; see `begin`."""
    keep_compiled_programs()
    agree("settings", plan.settings)
    if folder is None:
        return followed(plan, host)
    plan = with_initial(plan, folder.path)
    return _run_in(folder, plan, make_page, host)


def _run_in(folder: RunFolder, plan: RunPlan, make_page: MakePage, host: Host) -> Outcome:
    terminal = host.terminal
    terminal.say(f"run folder: {folder.path}")
    terminal.say(plan.choice.source)
    send_initial(plan, folder.path)
    with terminal.stage("target"):
        target = load_target(plan, terminal.say)
        check_same_target(folder, target)
        judges = named_judges(plan.judges, plan.choice, terminal.say)
        check_judges(target, judges)
    metrics_file = MetricsFile(folder.path / "metrics.csv")
    recorder = Recorder(folder.path, plan.encoding) if plan.lineage else None
    with progress_lines(terminal) as show:

        def on_chunk(progress: Progress) -> None:
            # All that can be refused has been by now, also a checkpoint of another search.
            folder.save_config(plan.config)
            folder.begin_changes()
            metrics_file.add(progress.metrics)
            if recorder:
                recorder.chunk_done(progress.generation)
            show(progress)
            if host.on_chunk:
                host.on_chunk(progress)

        evolution = searched(
            plan,
            target,
            host,
            on_chunk=on_chunk,
            checkpoints=folder.checkpoints,
            resume=folder.resumed,
            checkpoint_seconds=host.checkpoint_seconds,
            on_replacements=recorder.take if recorder else None,
        )
    if not evolution.completed:
        return None, target, evolution
    terminal.seconds["compile"] = evolution.seconds_compile
    terminal.seconds["search"] = evolution.seconds_search
    with terminal.stage("report"):
        metrics_file.write(evolution.metrics)
        if recorder:
            recorder.finish(evolution.generations)
        summary = save_results(folder, plan, target, evolution, make_page, host, judges)
    return from_writer("summary", lambda: summary), target, evolution


def save_results(
    folder: RunFolder,
    plan: RunPlan,
    target: Target,
    evolution: Evolution,
    make_page: MakePage,
    host: Host,
    judges: Mapping[str, Target] | None = None,
) -> dict[str, Any]:
    """Writes what a finished search leaves: archives, images, tables, the page and, last, the summary.

    Args:
      folder: of the run.
      plan: what was done.
      target: the network that was fooled.
      evolution: what came of it.
      make_page: makes the page.
      host: what is said, and to whom.
      judges: that were named, by name; those that cost little where none were.
    Returns:
      What `summary.json` says.
    Raises:
      InputError: the second network knows other classes.
      FaultError: a file cannot be written, or a saved image is not what the search found.
    """
    facts = {"cells": list(evolution.cells), "image_shape": list(plan.encoding.image_shape)}
    save_tree(folder.path / "archive.npz", evolution.archive, facts)
    save_tree(folder.path / "first.npz", evolution.first, facts)
    others, second = plan.choice.views(target), plan.choice.second(host.terminal.say)
    tile = tile_size(plan.init_size)
    best, first = (
        save_and_score(folder.path / name, kept, target, plan.objective, others, second, tile)
        for name, kept in (("elites", best_of(evolution)), ("first", first_fooled(evolution)))
    )
    for name, scored in (("elites", best), ("first", first)):
        save_table(folder.path / f"{name}.csv", scored, target, plan.choice.group)
    summary: dict[str, Any] = plain(summarise(plan, target, evolution, best, first, second))
    record = open_unfinished(folder.path, plan.encoding, summary)
    summary["panel"] = save_panel(record, plan.choice, plan.judges, target, judges or {}, second)
    make_page(record)
    folder.finish(summary)
    return summary


def check_same_target(folder: RunFolder, target: Target) -> None:
    """Writes which network a run is against into `target.json`; a resumed run must meet the same one.

    Raises:
      InputError: the run was begun against a network of other parameters.
    """
    path = folder.path / "target.json"
    facts = {
        "name": target.name,
        "clean_accuracy": target.clean_accuracy,
        "class_names": target.class_names,
        # Sorted: a network from the cache may list its facts in another order than a new one.
        **dict(sorted(target.provenance.items())),
        "confidence": target.confidence,
    }
    if folder.resumed and path.exists():
        begun_with = read_json(path).get("params_sha256")
        if begun_with != target.provenance["params_sha256"]:
            raise InputError(f"{path}: the run was begun against another target (parameters differ)")
    write_json(path, plain(facts))


def keep_compiled_programs() -> None:
    """Programs compiled once are kept on disk, unless the user has chosen a place, or there is none."""
    if jax.config.values["jax_compilation_cache_dir"] is None:
        with contextlib.suppress(FaultError, OSError):
            folder = cache_folder() / "compiled"
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK | os.X_OK):
                jax.config.update("jax_compilation_cache_dir", str(folder))
                jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
