"""Groups of related classes of ImageNet, for tables and pages; ours, along the order of the synsets.

Source for dogs (151-268) and domestic cats (281-285): Nguyen et al. 2015, whose figure 7 tells them apart;
all other borders were read from the classes' names.
"""

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
"""Name -> first and last index of each range; every class is in exactly one."""


def group_of(index: int) -> str:
    """The group of a class."""
    return next(
        name for name, ranges in GROUPS.items() if any(first <= index <= last for first, last in ranges)
    )
