"""Numbers and switches that a caller gives, checked: one line says what was expected and what came."""

from typing import Any, TypeGuard

import numpy as np

from fooljax.errors import InputError, shown
from fooljax.settings import MOST


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is a whole number; True and False are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def whole_numbers(values: Any) -> tuple[int, ...]:
    """A list or an array of whole numbers as a tuple; () where it is anything else, or empty."""
    try:
        found = np.asarray(values)
    except ValueError:  # lists of different lengths
        return ()
    return tuple(found.tolist()) if found.ndim == 1 and np.issubdtype(found.dtype, np.integer) else ()


def check_counts(**counts: tuple[Any, int]) -> None:
    """Makes sure that each is a whole number, not less than its least value and at most `MOST`.

    Args:
      **counts: by the name of the argument, what was given and the least value.
    Raises:
      InputError: one is not.
    """
    for name, (value, least) in counts.items():
        if not is_whole(value) or value < least:
            raise InputError(f"{name}: expected a whole number, {least} or more, got {shown(repr(value))}")
        if value > MOST:
            raise InputError(f"{name}: expected at most {MOST:,}, got {shown(repr(value))}")


def check_switches(**switches: Any) -> None:
    """Makes sure that each is True or False.

    Raises:
      InputError: one is not.
    """
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise InputError(f"{name}: expected True or False, got {shown(repr(value))}")


def is_number(value: object) -> bool:
    """Whether it is a real number; True and False are none."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.complexfloating)


def check_within(**numbers: tuple[Any, float, float]) -> None:
    """Makes sure that each is a number of a closed range.

    Args:
      **numbers: by the name of the argument, what was given and the ends of the range.
    Raises:
      InputError: one is not.
    """
    for name, (value, low, high) in numbers.items():
        if not is_number(value) or not low <= value <= high:
            came = value if is_number(value) else shown(repr(value))
            raise InputError(f"{name}: expected a number in [{low:g}, {high:g}], got {came}")


def check_positive(**numbers: Any) -> None:
    """Makes sure that each is a number above 0, and finite.

    Raises:
      InputError: one is not.
    """
    for name, value in numbers.items():
        if not is_number(value) or not 0.0 < value < np.inf:
            came = value if is_number(value) else shown(repr(value))
            raise InputError(f"{name}: expected a positive number, got {came}")
