"""The network of a run, had again long after: what the user must give, and what a file alone never may."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fooljax.errors import InputError, shown
from fooljax.importing import is_import_name
from fooljax.targets.choice import TargetChoice
from fooljax.targets.registry import find_target, is_from_outside


def given_choice(given: str, settings: Mapping[str, Any], source: str) -> TargetChoice:
    """The network that the user gives for a run. What the run's settings say of such a network holds.

    Args:
      given: its name, MODULE:NAME or its file.
      settings: of the run.
      source: names their file in errors.
    Raises:
      InputError: it cannot be had, or a setting is not one of its own.
    """
    known = find_target(given)
    return known.choose(known.settings_from(settings, source))


def check_built_in(path: Path, target_name: str, settings: Mapping[str, Any]) -> None:
    """Makes sure that loading the network of a run again runs no code of its owner.

    Args:
      path: of the run.
      target_name: of the network, as the run has it.
      settings: of the run.
    Raises:
      InputError: the network, or the data that it was trained on, does not come with fooljax.
    """
    if is_from_outside(target_name):
        raise InputError(
            f"target: the run in {shown(path)} is against a network that is not built in; if you trust it, "
            f"add --target {shown(target_name)}"
        )
    if is_import_name(str(settings.get("data", ""))):
        raise InputError(f"data: the network of {shown(path)} was trained on data that is not built in")
