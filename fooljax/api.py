"""`fooljax.evolve`: a search from Python, in memory or with the whole folder of a run."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from fooljax import encodings, strategies
from fooljax.engine.objective import LOG_ODDS, Objective
from fooljax.engine.precision import in_float32
from fooljax.engine.types import Encoding, Strategy, Target, as_target
from fooljax.errors import InputError, shown
from fooljax.evolution import CHECKPOINT_SECONDS, Evolution, Progress, search
from fooljax.evolution.arguments import checked_key
from fooljax.probe import count_cells, logits_of_two
from fooljax.report import evolution_page
from fooljax.result import Result, result_of
from fooljax.runs import evolution_run, words
from fooljax.runs.encoding_kinds import ENCODING_KINDS, find_encoding
from fooljax.runs.folder import FORMAT, MetricsFile, RunFolder
from fooljax.runs.opened import open_folder
from fooljax.runs.plan import RunPlan
from fooljax.settings import in_words
from fooljax.storage.trees import digest_tree
from fooljax.strategies import map_elites
from fooljax.targets.choice import TargetChoice
from fooljax.targets.registry import find_target
from fooljax.terminal import Host

CHILDREN = 200
"""Images of a generation, where the strategy is given by its name. Source: the authors' code."""


@in_float32
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
      check_target: shows the network some images first, see `fooljax.probe`.
      on_chunk: called with the progress after each chunk of generations.
      stop: called before each chunk; True ends the call with `completed=False`.
    Returns:
      Images, confidences and metrics. With `outdir` it is what `open_run(outdir)` gives, and the state of the
      strategy.
    Raises:
      InputError: an argument is not what was expected, or `outdir` is not the folder of this search.
      FaultError: a file cannot be written.
    """
    plan = _plan(
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
    if outdir is None:
        return _in_memory(plan, resume, on_chunk, stop)
    if not isinstance(outdir, Path | str) or not str(outdir) or "\0" in str(outdir):
        raise InputError(f"outdir: expected a folder, got {shown(repr(outdir))}")
    host = Host(checkpoint_seconds=checkpoint_seconds, on_chunk=on_chunk, stop=stop)
    return _in_folder(plan, Path(outdir), resume, host)


def _in_memory(
    plan: RunPlan,
    resume: bool,
    on_chunk: Callable[[Progress], None] | None,
    stop: Callable[[], bool] | None,
) -> Result:
    for name, value in (("resume", resume), ("lineage", plan.lineage)):
        if value:
            raise InputError(f"outdir: expected a folder, since {name} is True, got none")
    target = plan.choice.load(lambda _: None)
    evolution = search(
        target,
        plan.encoding,
        plan.strategy,
        key=plan.key,
        generations=plan.generations,
        runs=plan.runs,
        cells=plan.choice.cells,
        objective=plan.objective,
        init_size=plan.init_size,
        until=plan.until,
        check_target=plan.check_target,
        on_chunk=on_chunk,
        stop=stop,
    )

    def write(folder: Path) -> None:
        with RunFolder.create(folder, plan.config) as opened:
            evolution_run.check_same_target(opened, target)
            MetricsFile(opened.path / "metrics.csv").write(evolution.metrics)
            evolution_run.save_results(opened, plan, target, evolution, evolution_page.write, Host())

    return _result(plan, target, evolution, None, write)


def _in_folder(plan: RunPlan, outdir: Path, resume: bool, host: Host) -> Result:
    if not isinstance(resume, bool):
        raise InputError(f"resume: expected True or False, got {shown(repr(resume))}")
    if resume and (outdir / "config.json").exists():
        with RunFolder.resume(outdir, None) as folder:
            _check_settings(folder, plan)
            summary, target, evolution = evolution_run.go_on(plan, folder, evolution_page.write, host)
    else:
        summary, target, evolution = evolution_run.begin(plan, outdir, evolution_page.write, host)
    if summary is None:
        return _result(plan, target, evolution, outdir, None)
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


def _check_settings(folder: RunFolder, plan: RunPlan) -> None:
    """Makes sure that a run is gone on with by the call that began it."""
    if folder.config.get("command") is not None:
        raise InputError(
            f"outdir: the run in {shown(folder.path)} was begun by a command; go on with it by "
            f"{shown(folder.config['command'])} --resume"
        )
    for part in ("encoding", "strategy", "target"):
        if folder.config.get(part) != plan.config[part]:
            raise InputError(f"{part}: the run in {shown(folder.path)} was begun with another one")
    found = folder.config["settings"]
    for name, value in plan.settings.items():
        if name == "generations":
            evolution_run.check_generations(value, found.get(name, 0))
        elif found.get(name) != value:
            begun = shown(in_words(found.get(name)))
            raise InputError(f"{name}: the run in {shown(folder.path)} was begun with {begun}, got {value}")


def _plan(
    target: Target | Callable[..., Any] | str,
    encoding: Encoding | str,
    strategy: Strategy | str | None,
    *,
    key: jax.Array | int,
    generations: int,
    runs: int,
    cells: Sequence[int] | None,
    objective: Objective,
    init_size: int | None,
    until: float | None,
    lineage: bool,
    check_target: bool,
) -> RunPlan:
    if not isinstance(objective, Objective):
        raise InputError(f"objective: expected an Objective, got {shown(repr(objective))}")
    for name, value, least in (("generations", generations, 0), ("runs", runs, 1)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise InputError(f"{name}: expected a whole number, {least} or more, got {shown(repr(value))}")
    network = _network(target)
    built = _encoding(encoding, network)
    choice = _choice(network, built, objective)
    if cells is not None:
        choice = choice._replace(cells=tuple(np.asarray(cells).tolist()))
    found = _strategy(strategy, built)
    init_size = found.batch_size if init_size is None else init_size
    key = checked_key(key)
    called = words.own_network(shown(choice.facts.get("network", "")))
    kind = encoding if isinstance(encoding, str) and encoding in ENCODING_KINDS else built.name
    about = ENCODING_KINDS[kind].words if kind in ENCODING_KINDS else words.own_encoding(shown(built.name))
    settings = {
        "key": np.asarray(jax.random.key_data(key)).tolist(),
        "runs": int(runs),
        "generations": int(generations),
        "cells": None if choice.cells is None else list(choice.cells),
        "objective": objective.name,
        "init_size": init_size,
        "until": until,
        "lineage": lineage,
        "check_target": check_target,
    }
    config = {
        "format": FORMAT,
        "command": None,
        "control_command": None,
        "experiment": None,
        "title": words.title(called, about),
        "introduction": list(words.introduction(called, about)),
        "notes": list(choice.notes),
        "settings": settings,
        "encoding": {**encodings.describe(built), "chosen_by": None},
        "strategy": {"name": found.name, "settings": {"batch_size": found.batch_size}},
        "target": {"chosen_by": None, "facts": dict(choice.facts)},
    }
    return RunPlan(
        config=config,
        choice=choice,
        encoding=built,
        strategy=found,
        key=key,
        runs=int(runs),
        generations=int(generations),
        init_size=init_size,
        until=until,
        lineage=lineage,
        objective=objective,
        check_target=check_target,
    )


def _network(target: Target | Callable[..., Any] | str) -> TargetChoice | Target:
    if isinstance(target, str):
        known = find_target(target)
        return known.choose(known.settings())
    return as_target(target)


def _encoding(encoding: Encoding | str, network: TargetChoice | Target) -> Encoding:
    shape = network.image_shape
    if isinstance(encoding, str):
        kind = find_encoding(encoding)
        if shape is None:
            raise InputError(
                "target: expected one that says the shape of its images, since the encoding is given by its "
                "name, as fooljax.as_target(model, image_shape=(28, 28, 1))"
            )
        return kind.build(kind.settings(), tuple(shape))  # type: ignore[arg-type]
    if not isinstance(encoding, Encoding):
        raise InputError(f"encoding: expected an Encoding or the name of one, got {shown(repr(encoding))}")
    if shape is not None and tuple(shape) != tuple(encoding.image_shape):
        raise InputError(
            f"encoding: expected images {list(shape)}, as the target takes, got {list(encoding.image_shape)}"
        )
    return encoding


def _choice(network: TargetChoice | Target, encoding: Encoding, objective: Objective) -> TargetChoice:
    if isinstance(network, TargetChoice):
        return network
    count = count_cells(logits_of_two(network, encoding.image_shape), objective)
    names = tuple(map(str, network.class_names or range(count)))
    if len(names) != count:
        raise InputError(
            f"target: expected {count} class names, one for each cell of the archive, got {len(names)}"
        )
    named = replace(
        network,
        image_shape=encoding.image_shape,
        class_names=names,
        provenance={"params_sha256": digest_tree(jax.device_get(network.params)), **network.provenance},
    )
    return TargetChoice(
        image_shape=encoding.image_shape,
        source=f"network: {shown(named.name)}",
        facts={"network": named.name},
        notes=(f"The network is the user's own, {shown(named.name)}.",),
        load=lambda _: named,
    )


def _strategy(strategy: Strategy | str | None, encoding: Encoding) -> Strategy:
    if strategy is None:
        return map_elites(encoding)
    if isinstance(strategy, str):
        return strategies.build(strategy, encoding, CHILDREN, {})
    if not isinstance(strategy, Strategy):
        raise InputError(f"strategy: expected a Strategy or the name of one, got {shown(repr(strategy))}")
    return strategy
