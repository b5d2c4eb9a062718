"""What a checkpoint must agree in with the search that goes on from it.

A search that is resumed with another network, encoding, strategy or source of random bits would go on without
complaint and return log-odds that were never measured. So a checkpoint says what it was made by: in words,
where there are words, and by a digest of the program of one generation, in which every setting of an encoding
and a strategy and every line of a network's code is, also of those that a user has written.
"""

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jaxlib.version

from fooljax.engine.types import Encoding, Params, Problem, Strategy
from fooljax.errors import InputError, shown
from fooljax.storage.trees import digest_tree

TOLD = ("device", "jaxlib")
"""May differ: results can then differ in the last digits, which is said."""

logger = logging.getLogger("fooljax")


def search_identity(
    encoding: Encoding, strategy: Strategy, problem: Problem, lowered: jax.stages.Lowered
) -> dict[str, Any]:
    """What decides a search's results, in JSON-ready facts.

    Args:
      encoding: of the genomes.
      strategy: that proposes them.
      problem: the target's parameters, the encoding's coordinates and the cells.
      lowered: the program of one generation of one run.
    """
    return {
        "cells": list(problem.cells),
        "encoding": encoding.name,
        "strategy": strategy.name,
        "batch_size": strategy.batch_size,
        "jax_threefry_partitionable": bool(jax.config.values["jax_threefry_partitionable"]),
        "coordinates_sha256": digest_tree(jax.device_get(problem.coordinates)),
        **program_identity("program", problem.params, lowered),
    }


def program_identity(name: str, params: Params, lowered: jax.stages.Lowered) -> dict[str, Any]:
    """What decides the results of any program that asks a network, in JSON-ready facts.

    Args:
      name: "program" of a search, "climb" of an ascent; the digest is kept under it.
      params: the network's parameters.
      lowered: the program.
    """
    program = lowered.as_text()
    return {
        "jax": jax.__version__,
        "params_sha256": digest_tree(jax.device_get(params)),
        f"{name}_sha256": hashlib.sha256(program.encode()).hexdigest(),
        "calls_python": "python" in program and "callback" in program,
        "jaxlib": jaxlib.version.__version__,
        "device": f"{jax.devices()[0].platform}: {jax.devices()[0].device_kind}",
    }


WORDS = {
    "params_sha256": "the target's parameters are others than those that the run was begun with",
    "coordinates_sha256": "the encoding's coordinates are others than those that the run was begun with",
    "images_sha256": "the images that are climbed from, or their classes, are others than those that the run "
    "was begun with",
    "program_sha256": "the program of a generation is another than the one that the run was begun with: the "
    "settings of the encoding or the strategy, the network's code, or the version of fooljax differ",
    "climb_sha256": "the climb is another than the one that the run was begun with: the settings of the "
    "method, the network's code, or the version of fooljax differ",
}
"""What is said where digests, which tell a reader nothing, differ."""


def check_identity(path: Path, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Makes sure that a checkpoint belongs to a search.

    Args:
      path: of the checkpoint, for the message.
      found: the facts that it holds.
      expected: the search's, as `search_identity` gives them, and others.
    Raises:
      InputError: something that decides results differs.
    """
    if expected.get("calls_python"):
        logger.warning("%s: the program calls Python, and what is called there cannot be compared", path)
    unknown = []
    for name, value in expected.items():
        if name not in found:
            unknown.append(name)
        elif found[name] != value and name in TOLD:
            logger.warning("%s: begun with %s %s, goes on with %s", path, name, shown(found[name]), value)
        elif found[name] != value:
            raise InputError(
                f"{path}: {WORDS[name]}"
                if name in WORDS
                else f"{path}: expected a checkpoint with {name} {value}, found {shown(found[name])}"
            )
    if unknown:
        logger.warning(
            "%s: an older version of fooljax wrote it, without %s, so these were not compared",
            path,
            ", ".join(unknown),
        )
