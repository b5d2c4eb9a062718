"""The plan of a search that Python begins: of values, or of names."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from fooljax.checks import check_counts, check_switches
from fooljax.engine.objective import LOG_ODDS, Objective, check_objective
from fooljax.engine.types import Encoding, Strategy, Target, as_target
from fooljax.errors import InputError, shown
from fooljax.evolution.arguments import (
    checked_indices,
    checked_key,
    checked_level,
    checked_strategy,
)
from fooljax.probe import count_cells, logits_of_two
from fooljax.runs import words
from fooljax.runs.encoding_kinds import ENCODING_KINDS, find_encoding
from fooljax.runs.plan import RunPlan, config_of
from fooljax.storage.trees import digest_tree
from fooljax.targets.choice import TargetChoice
from fooljax.targets.registry import find_target


def plan_from_values(
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
    """The plan of a call of `fooljax.evolve`, which says what the arguments are.

    Raises:
      InputError: an argument is not what was expected.
    """
    check_objective(objective)
    check_counts(generations=(generations, 0), runs=(runs, 1))
    if init_size is not None:
        check_counts(init_size=(init_size, 1))
    check_switches(lineage=lineage, check_target=check_target)
    checked_level(until, objective)
    network = _network(target)
    built = _encoding(encoding, network)
    choice = _choice(network, built, objective)
    if cells is not None:
        choice = choice._replace(cells=checked_indices(cells))
    found = checked_strategy(strategy, built)
    init_size = found.batch_size if init_size is None else int(init_size)
    until = None if until is None else float(until)
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
    return RunPlan(
        config=config_of(
            choice,
            built,
            words=(words.title(called, about), words.introduction(called, about)),
            settings=settings,
            strategy={"name": found.name, "settings": {"batch_size": found.batch_size}},
        ),
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
            f"class_names: expected {count} names, one for each value of the objective, got {len(names)}"
            if objective != LOG_ODDS
            else f"class_names: expected {count} names, as many as the network's logits, got {len(names)}"
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
