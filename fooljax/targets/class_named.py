"""Which class a user means: by its number or by its name."""

import difflib
from collections.abc import Mapping, Sequence

from fooljax.errors import InputError, shown

NEAREST = 3
"""Classes that a message names, at most, where none has the name that was given."""


def class_index(text: str, names: Mapping[int, str], *, argument: str, whose: str) -> int:
    """The index of a class.

    Args:
      text: its number from 0, or its name, in which capitals do not matter.
      names: of the classes that there are, by index.
      argument: that the text was given as, for errors.
      whose: the classes are, for errors.
    Returns:
      The index; of a number the number itself, whether there is such a class or not.
    Raises:
      InputError: no class has this name, or several have.
    """
    if text.isascii() and text.isdecimal():
        return int(text[:18])
    found = [index for index, name in names.items() if _plain(name) == _plain(text)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{argument}: expected one class, got {shown(text)}, the name of {_either(found)}")
    near = _near(_plain(text), names)
    nearest = "; nearest: " + ", ".join(f"{shown(names[index])} ({index})" for index in near) if near else ""
    raise InputError(f"{argument}: expected a class of {whose}, got {shown(text)}{nearest}")


def _near(text: str, names: Mapping[int, str]) -> list[int]:
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
