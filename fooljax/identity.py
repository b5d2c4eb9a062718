"""What a checkpoint must agree in with the search that goes on from it.

A search that is resumed with another network, encoding, strategy or source of random bits would go on without
complaint and return log-odds that were never measured. So a checkpoint says what it was made by: in words,
where there are words, and by a digest of the program of one generation. Every setting of an encoding and a
strategy and every line of a network's code is in that program, also where a user has written them.
"""

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jaxlib.version
import numpy as np

from fooljax import __version__
from fooljax.engine.loop import Search
from fooljax.engine.objective import LOG_ODDS
from fooljax.engine.placement import device_in_words
from fooljax.engine.precision import precision_of_search
from fooljax.engine.types import Params, Problem
from fooljax.errors import InputError, shown
from fooljax.storage.trees import digest_tree

SHARDING = "sharding"
"""Whether the children of a search are dealt to devices: "children", or "none"."""
MAY_DIFFER = ("device", "jaxlib", SHARDING)
"""Results can then differ in the last digits, which is said."""
PROGRAMS = ("program_sha256", "climb_sha256")
"""Digests of programs. They are comparable only where one version of fooljax wrote both for one platform."""

ANSWERS = "log_odds_of_a_probe"
"""What a target that is asked on the host says of an image: its code cannot be compared."""

GENERATOR, USUAL_GENERATOR = "jax_default_prng_impl", "threefry2x32"
"""JAX's setting for what draws random bits of a seed, and its default."""

logger = logging.getLogger("fooljax")


def random_source() -> dict[str, Any]:
    """The settings of JAX that decide what a seed means."""
    partitionable = bool(jax.config.values["jax_threefry_partitionable"])
    return {"jax_threefry_partitionable": partitionable, **unusual_generator()}


def unusual_generator() -> dict[str, str]:
    """What draws random bits of a seed, where it is not the usual generator, and nothing where it is.

    So what older versions wrote stays valid.
    """
    generator = str(jax.config.values[GENERATOR])
    return {} if generator == USUAL_GENERATOR else {GENERATOR: generator}


def search_identity(search: Search, problem: Problem, program: str) -> dict[str, Any]:
    """What decides a search's results, in JSON-ready facts.

    Args:
      search: encoding and strategy.
      problem: the target's parameters, the encoding's coordinates, the cells and the objective.
      program: the text of the program of one generation of one run.
    """
    return {
        "cells": list(problem.cells),
        "encoding": search.encoding.name,
        "objective": problem.objective.name,
        "strategy": search.strategy.name,
        "batch_size": search.strategy.batch_size,
        **random_source(),
        "coordinates_sha256": digest_tree(jax.device_get(problem.coordinates)),
        **program_identity("program", problem.params, program),
    }


def program_identity(name: str, params: Params, program: str) -> dict[str, Any]:
    """What decides the results of any program that asks a network, in JSON-ready facts.

    Args:
      name: "program" of a search, "climb" of an ascent; the digest is kept under it.
      params: the network's parameters.
      program: the program's text.
    """
    return {
        "fooljax": __version__,
        "jax": jax.__version__,
        "jax_default_matmul_precision": precision_of_search(),
        "params_sha256": digest_tree(jax.device_get(params)),
        f"{name}_sha256": hashlib.sha256(program.encode()).hexdigest(),
        "calls_python": "python" in program and "callback" in program,
        "jaxlib": jaxlib.version.__version__,
        "device": device_in_words(),
    }


def _alike(found: Any, expected: Any) -> bool:
    """Whether log-odds are the same but for rounding."""
    try:
        ours, theirs = np.asarray(expected, np.float64), np.asarray(found, np.float64)
    except (TypeError, ValueError):
        return False
    return ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=0.02, atol=0.1, equal_nan=True)


def _platform(facts: Mapping[str, Any]) -> str:
    """As "gpu", out of "gpu: NVIDIA H100 80GB HBM3"."""
    return shown(str(facts.get("device", "")).partition(":")[0])


ONCE = {
    "objective": LOG_ODDS.name,
    SHARDING: "none",
    "jax_default_matmul_precision": None,
    GENERATOR: USUAL_GENERATOR,
}
"""Facts that checkpoints of older versions lack, since there was nothing else."""
WORDS = {
    ANSWERS: "the target's function gives other logits than the one that the run was begun with",
    "params_sha256": "the target's parameters are not those that the run was begun with",
    "coordinates_sha256": "the encoding's coordinates are not those that the run was begun with",
    "images_sha256": "the images that the ascent starts from, or their classes, are not those that the run "
    "was begun with",
    "program_sha256": "the program of a generation is not the one that the run was begun with: the settings "
    "of the encoding or the strategy, the objective, or the network's code differ",
    "climb_sha256": "the program of an ascent is not the one that the run was begun with: the settings of "
    "the method or the network's code differ",
}
"""What is said where digests, which tell a reader nothing, differ."""


def check_identity(path: Path, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Makes sure that a checkpoint belongs to a search.

    Digests of programs are not compared with those that another version of fooljax wrote, since any change
    of its code changes them; everything else is. On another platform a program is another one, too, and its
    scores are rounded otherwise, so a run goes on only on the platform that it was begun on.

    Args:
      path: of the checkpoint, for the message.
      found: the facts that it holds.
      expected: the search's, as `search_identity` gives them, and others.
    Raises:
      InputError: something that decides results differs.
    """
    if expected.get("calls_python") and ANSWERS not in expected:
        logger.warning("%s: the program calls Python, and what is called there cannot be compared", path)
    found = {**ONCE, **found}
    expected = {GENERATOR: USUAL_GENERATOR, **expected}
    version, other = expected.get("fooljax"), found.get("fooljax")
    unknown = []
    for name, value in expected.items():
        if name == "fooljax" or (name in found and found[name] == value):
            continue
        if name == ANSWERS and (name not in found or _alike(found[name], value)):
            continue  # not kept, where the network was not shown any images
        if name not in found:
            unknown.append(name)
        elif name in MAY_DIFFER:
            logger.warning("%s: begun with %s %s, goes on with %s", path, name, shown(found[name]), value)
        elif name in PROGRAMS and _platform(found) != _platform(expected):
            raise InputError(
                f"{path}: expected a run that was begun on the same platform, {_platform(expected)}, since "
                f"another one has another program; this run was begun on {_platform(found)}"
            )
        elif name in PROGRAMS and other != version:
            writer = "an older version of fooljax" if other is None else f"fooljax {shown(other)}"
            logger.warning(
                "%s: %s wrote it, whose programs cannot be compared with those of %s; all else was compared",
                path,
                writer,
                version,
            )
        elif name in WORDS:
            raise InputError(f"{path}: {WORDS[name]}")
        else:
            raise InputError(f"{path}: expected a checkpoint with {name} {value}, found {shown(found[name])}")
    if unknown:
        logger.warning(
            "%s: written by an older version of fooljax, without %s, so these were not compared",
            path,
            ", ".join(unknown),
        )
