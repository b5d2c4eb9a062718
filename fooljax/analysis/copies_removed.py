"""What happens to an image when copies of its repeated element go, or come: the images to be scored.

Every change has a twin that is made with windows of the same size and number at random places, so that a
figure is the difference between a copy and any other piece of the image.
"""

from collections.abc import Sequence

import numpy as np

from fooljax.analysis.repetition import Repetition
from fooljax.analysis.windows import Image, Places, isolate_windows, pasted, random_windows, remove_windows

CHANGES = ("removed_one", "removed_half", "alone_one", "alone_half", "added_one", "added_many")
"""Changes that have a twin, called `random_` and the name.

In `removed` windows are filled from their surroundings. In `alone` windows stand on a ground of one colour,
the image's median. In `added` a window is pasted where no copy is: one of it, or
as many as there is room for.
"""
WITHOUT_TWIN = ("removed_but_one", "removed_all", "alone_all")
"""Random windows that do not overlap leave no room for as many as there are copies in a lattice."""
GROUND = "alone_none"
"""The ground of one colour, which changes called `alone` are measured from."""
FILLING_TRIES = 20


def changes(image: Image, found: Repetition, rng: np.random.Generator) -> dict[str, Image]:
    """One draw of every change: which copies, and which random windows.

    Args:
      image: `[H, W, K]` uint8.
      found: its repeated element.
      rng: draws.
    Returns:
      The changed images by name. Where random windows of so many find no room, the change and its twin are
      left out; `added` is left out where no copy fits between those that are there.
    """
    order = [found.copies[place] for place in rng.permutation(len(found.copies))]
    half = len(order) // 2
    made = {
        "removed_but_one": remove_windows(image, order[:-1], found.size),
        "removed_all": remove_windows(image, order, found.size),
        "alone_all": isolate_windows(image, order, found.size),
        GROUND: isolate_windows(image, [], found.size),
    }
    for name, count in (("one", 1), ("half", half)):
        others = windows_at_random(image, found, count, rng)
        if len(others) == count:
            for change, do in (("removed", remove_windows), ("alone", isolate_windows)):
                made[f"{change}_{name}"] = do(image, order[:count], found.size)
                made[f"random_{change}_{name}"] = do(image, others, found.size)
    room = random_windows(rng, image.shape, found.size, len(order), found.copies)
    (other,) = random_windows(rng, image.shape, found.size, 1)
    for name, places in (("one", room[:1]), ("many", room)):
        if places:
            made[f"added_{name}"] = pasted(image, order[0], places, found.size)
            made[f"random_added_{name}"] = pasted(image, other, places, found.size)
    return made


def windows_at_random(image: Image, found: Repetition, count: int, rng: np.random.Generator) -> Places:
    """Random windows of the element's size that do not overlap; fewer where so many find no room."""
    best: Sequence[tuple[int, int]] = []
    for _ in range(FILLING_TRIES):
        best = max(best, random_windows(rng, image.shape, found.size, count), key=len)
        if len(best) == count:
            break
    return best


def remove_one_by_one(image: Image, places: Places, size: tuple[int, int]) -> list[Image]:
    """The image, then without the first window, then without the first two, and so on."""
    return [remove_windows(image, places[:count], size) for count in range(len(places) + 1)]
