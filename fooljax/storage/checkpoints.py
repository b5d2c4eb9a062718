"""The checkpoints of a run: numbered tree files, of which the newest two are kept."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fooljax.errors import FaultError, InputError
from fooljax.storage.files import remove_abandoned
from fooljax.storage.trees import load_arrays, save_tree

KEPT_CHECKPOINTS = 2
logger = logging.getLogger("fooljax")


class Checkpoints:
    """The numbered checkpoints of one run in a folder; the newest two are kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, generation: int, tree: Any, header: Mapping[str, Any]) -> None:
        """Saves a checkpoint, then removes those older than the newest two.

        Raises:
          FaultError: the disk is full or read-only; older checkpoints are left as they are.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FaultError(f"cannot make {self.folder}: {error.strerror}") from error
        remove_abandoned(self.folder)
        save_tree(self.folder / f"generation-{generation:09d}.npz", tree, header)
        for old in self.paths()[KEPT_CHECKPOINTS:]:
            old.unlink(missing_ok=True)

    def paths(self) -> list[Path]:
        """The checkpoints there are, newest first."""
        found = [
            path for path in self.folder.glob("*.npz") if re.fullmatch(r"generation-\d{9}\.npz", path.name)
        ]
        return sorted(found, reverse=True)

    def latest(self) -> Path | None:
        """The newest checkpoint that is whole, or None; says so where a damaged one is passed over."""
        paths = self.paths()
        for path in paths:
            try:
                load_arrays(path)
            except InputError as error:
                then = (
                    "the search begins again" if path == paths[-1] else "falling back to an older checkpoint"
                )
                logger.warning("%s; %s", error, then)
                continue
            return path
        return None
