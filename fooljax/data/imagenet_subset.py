"""A fixed choice of 100 classes of ImageNet, for experiments that would take too long with all 1,000.

The rule: each group of classes has the share that `SHARES` says. Its named classes come first (`NAMED`); the
others are spread evenly over the rest of the group, in the order of the synsets. Dogs, cats and lizards have
more classes than their numbers would give them, because the paper speaks of them: dogs and cats are hard to
fool, and the images of related classes look alike (Nguyen et al. 2015, figures 7 and 8).
"""

from fooljax.data.imagenet import GROUPS

NAMED = (
    *(
        38,
        40,
        42,
        44,
        46,
        48,
    ),  # six lizards, from banded gecko to Komodo dragon
    *(15, 84, 87, 145),  # American robin, peafowl, African grey parrot, king penguin
    *(79, 293, 327, 363, 387),  # centipede, cheetah, starfish, armadillo, red panda
    *(429, 546, 565),  # baseball, electric guitar, freight car
    *(761, 779, 897),  # remote control, school bus, washing machine
    *(955, 971),  # jackfruit, bubble
)
"""Classes that are in the subset by name: those of well-known fooling images, and six lizards."""

SHARES: dict[str, int] = {
    "fish": 3,
    "birds": 6,
    "amphibians and reptiles": 10,
    "insects, spiders and their kin": 5,
    "sea animals without a spine": 3,
    "dogs": 20,
    "wolves and foxes": 4,
    "domestic cats": 5,
    "wild cats": 4,
    "other mammals": 6,
    "things": 26,
    "food": 4,
    "landscapes": 2,
    "people": 1,
    "plants and fungi": 1,
}
"""How many classes of each group of `fooljax.data.imagenet.GROUPS` are in the subset."""


def _chosen(group: str) -> list[int]:
    classes = [index for first, last in GROUPS[group] for index in range(first, last + 1)]
    named = [index for index in classes if index in NAMED]
    rest = [index for index in classes if index not in NAMED]
    wanted = SHARES[group] - len(named)
    # The middles of `wanted` equal parts of the rest.
    return named + [rest[(2 * part + 1) * len(rest) // (2 * wanted)] for part in range(wanted)]


SUBSET_100: tuple[int, ...] = tuple(sorted(index for group in GROUPS for index in _chosen(group)))
"""The 100 classes, by their index among the 1,000, rising."""
