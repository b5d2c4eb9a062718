"""Takes tensors by name and shape, and reports in one line all that does not fit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown

MOST_NAMED = 3
"""Tensors of each kind that a message names; the others are counted."""


class NamedTensors:
    """The tensors of a file, from which a network takes those that it knows.

    What is missing or misshapen is noted, and `finish` reports it, so that one message names everything.
    """

    def __init__(self, tensors: Mapping[str, npt.NDArray[Any]], source: str) -> None:
        self.tensors = tensors
        self.source = source
        self._taken: set[str] = set()
        self._missing: list[str] = []
        self._misshapen: list[str] = []

    def take(self, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """The tensor of this name as float32; zeros, and a note, where it is missing or misshapen."""
        self._taken.add(name)
        if name not in self.tensors:
            self._missing.append(name)
        elif self.tensors[name].shape != shape:
            found = list(self.tensors[name].shape)
            self._misshapen.append(f"{name} (expected {list(shape)}, got {found})")
        else:
            return np.ascontiguousarray(self.tensors[name], np.float32)
        return np.zeros(shape, np.float32)

    def finish(self, ignored: tuple[str, ...] = ()) -> None:
        """Makes sure that all tensors fitted, none was left over, and all numbers are finite.

        Args:
          ignored: endings of names that may be left over.
        Raises:
          InputError: a tensor is missing, left over or misshapen, or holds NaN or infinity.
        """
        extra = [name for name in self.tensors if name not in self._taken and not name.endswith(ignored)]
        kinds = (("missing", self._missing), ("unexpected", extra), ("misshapen", self._misshapen))
        misfits = [f"{kind} {_some(names)}" for kind, names in kinds if names]
        if misfits:
            raise InputError(f"{self.source}: its tensors do not fit this network: {'; '.join(misfits)}")
        for name in self._taken:
            if not np.all(np.isfinite(self.tensors[name])):
                raise InputError(
                    f"{self.source}: expected finite numbers, found NaN or infinity in {shown(name, 60)}"
                )


def _some(names: list[str]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join(shown(name, 120) for name in names[:MOST_NAMED]) + (
        f" and {rest} more" if rest > 0 else ""
    )
