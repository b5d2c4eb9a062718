"""Two kinds of runs have folders: searches and gradient ascents. Which kind a folder is of."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fooljax.errors import InputError, shown
from fooljax.storage.json_files import read_json

ASCENT = "ascent"
"""Stands as `kind` in the `config.json` of a gradient ascent."""
OLD_ASCENTS = ("mnist_gradient", "imagenet_gradient")
"""The experiments of version 0.1 that were gradient ascents."""


def is_ascent(config: Mapping[str, Any]) -> bool:
    """Whether a `config.json` is that of a gradient ascent."""
    return config.get("kind") == ASCENT or (
        "format" not in config and config.get("experiment") in OLD_ASCENTS
    )


def is_ascent_folder(path: Path | str) -> bool:
    """Whether a folder is that of a gradient ascent, as far as its `config.json` says."""
    file = Path(path) / "config.json"
    return file.exists() and is_ascent(read_json(file))


def check_is_of_command(config: Mapping[str, Any], source: str, run: str, function: str) -> None:
    """Makes sure that a run was not begun by Python, where alone it can be gone on with.

    Args:
      config: content of the run's `config.json`.
      source: the path of that file.
      run: what was expected, as "a run".
      function: of fooljax, which goes on with it.
    Raises:
      InputError: it was.
    """
    if "command" in config and config["command"] is None and not config.get("experiment"):
        folder = shown(repr(str(Path(source).parent)))
        raise InputError(
            f"{source}: expected {run} that a command began, found one of Python; go on with it there by "
            f"fooljax.{function}(..., outdir={folder}, resume=True)"
        )


def check_is_search(config: Mapping[str, Any], path: Path | str) -> None:
    """Makes sure that a run is no gradient ascent, which has no genomes.

    Args:
      config: content of the run's `config.json`.
      path: names the run in the message.
    Raises:
      InputError: it is one.
    """
    if is_ascent(config):
        raise InputError(f"{shown(path)}: expected a search, found a gradient ascent")
