"""Which class a user means: by its number, as in the names of files, or by its name."""

import difflib
from collections.abc import Sequence
from typing import Any

from fooljax.errors import InputError, shown
from fooljax.runs.record import RunRecord
from fooljax.settings import REQUIRED, option

NEAREST = 3
"""Classes that a message names, at most, where none has the name that was given."""


def cell_option() -> Any:
    """The setting that says which class is meant."""
    text = 'The class whose image to draw: its number, as in names of files, or its name, as "goldfish".'
    return option(REQUIRED, text, kind=str)


def find_class(record: RunRecord, text: str) -> int:
    """The index of a class of a run.

    Args:
      record: the run.
      text: its number from 0, or its name, in which capitals do not matter.
    Raises:
      InputError: no class of the run has this name, or several have.
    """
    if text.isascii() and text.isdecimal():
        return int(text[:18])
    names = {index: record.class_names[index] for index in record.cells}
    found = [index for index, name in names.items() if _plain(name) == _plain(text)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"cell: expected one class, got {shown(text)}, the name of {_either(found)}")
    near = _near(_plain(text), names)
    nearest = "; nearest: " + ", ".join(f"{shown(names[index])} ({index})" for index in near) if near else ""
    raise InputError(f"cell: expected a class of {record.path}, got {shown(text)}{nearest}")


def _near(text: str, names: dict[int, str]) -> list[int]:
    """Classes whose names have the text in them, or else look like it."""
    plain = {index: _plain(name) for index, name in names.items()}
    within = [index for index, name in plain.items() if text and text in name]
    alike = difflib.get_close_matches(text, plain.values(), NEAREST, 0.5)
    alike_indices = [index for name in alike for index, other in plain.items() if other == name]
    shortest_first = sorted(within, key=lambda index: len(names[index]))
    return list(dict.fromkeys([*shortest_first, *alike_indices]))[:NEAREST]


def _either(indices: Sequence[int]) -> str:
    return f"the classes {', '.join(map(str, indices[:-1]))} and {indices[-1]}; give its number"


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
