"""The folder in which fooljax keeps what it can make again: trained networks and compiled programs."""

import os
from pathlib import Path

from fooljax.errors import FaultError, shown
from fooljax.storage.outputs import expanded


def cache_folder() -> Path:
    """Where fooljax keeps what it can make again: `$FOOLJAX_CACHE`, or `~/.cache/fooljax`.

    Returns:
      The folder, which may not be there yet.
    Raises:
      FaultError: neither is named, and this user has no home folder.
      InputError: `$FOOLJAX_CACHE` begins with `~`, and there is no such home.
    """
    if chosen := os.environ.get("FOOLJAX_CACHE"):
        return expanded("FOOLJAX_CACHE", chosen)
    if caches := os.environ.get("XDG_CACHE_HOME"):
        return Path(caches) / "fooljax"
    try:
        return Path.home() / ".cache" / "fooljax"
    except RuntimeError as error:
        raise FaultError(
            f"FOOLJAX_CACHE: expected a folder for trained networks, got none and no home ({shown(error)})"
        ) from error
