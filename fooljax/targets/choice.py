"""What is known of a target before its network is loaded or trained."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fooljax.data.dataset import Dataset
from fooljax.data.imagenet import NUM_CLASSES as IMAGENET_CLASSES
from fooljax.data.imagenet_subset import SUBSET_100
from fooljax.engine.types import Target
from fooljax.errors import InputError, shown

Say = Callable[[str], None]
"""Takes a line for the user, of work that takes long."""
SUBSET = "subset100"
CLASSES_HELP = (
    "The classes that images are evolved for: all, or indices and ranges with commas between them, as "
    f"0,5,151-268. 0-999:10 is every tenth. {SUBSET} is a fixed choice of 100 of ImageNet's classes."
)


class TargetChoice(NamedTuple):
    """A target that was chosen by its settings, and what a run and its page say of it.

    Attributes:
      image_shape: `(H, W, K)` of the images that the network takes.
      source: a line on where the network, its weights or its data are from.
      facts: what `summary.json` says of it.
      notes: sentences for the reader of the page.
      load: `load(say)` gives the target; it may read files or train a network.
      cells: indices of the classes that images are evolved for; None for all.
      group: the group of related classes that a class belongs to; "" where there are none.
      views: the same network looking at images in other ways, by name, made from the target; they score the
        saved images too.
      second: `second(say)` gives a second network for the same classes, trained independently, which scores
        the saved images too; None where there is none.
      clean: `clean()` gives labelled images of the same classes, by which judges are calibrated; None where
        there are none at hand.
      judges: `judges(second, data)` gives the judges that the images are shown to by default, by name, out of
        that second network and these images; none where they would cost much, or are not known.
    """

    image_shape: tuple[int, int, int]
    source: str
    facts: Mapping[str, Any]
    notes: tuple[str, ...]
    load: Callable[[Say], Target]
    cells: tuple[int, ...] | None = None
    group: Callable[[int], str] = lambda _: ""
    views: Callable[[Target], Mapping[str, Target]] = lambda _: {}
    second: Callable[[Say], Target | None] = lambda _: None
    clean: Callable[[], Dataset | None] = lambda: None
    judges: Callable[[Target | None, Dataset], Mapping[str, Target]] = lambda *_: {}


def read_classes(text: str, num_classes: int) -> tuple[int, ...] | None:
    """Reads indices, ranges and ranges with a step, with commas between them.

    Args:
      text: as "0,5,151-268" or "0-999:10"; or "all"; or "subset100", see `fooljax.data.imagenet_subset`.
      num_classes: how many classes there are.
    Returns:
      The indices in the order of the text; None for "all".
    Raises:
      InputError: the text is of another form, names a class twice or one that does not exist, or means
        ImageNet's classes where there are not 1,000.
    """
    if text == "all":
        return None
    if text == SUBSET:
        if num_classes != IMAGENET_CLASSES:
            raise InputError(
                f"classes: {SUBSET} is of ImageNet's {IMAGENET_CLASSES:,} classes, got a network that has "
                f"{num_classes:,}"
            )
        return SUBSET_100
    cells: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9})(?::([1-9][0-9]{0,8}))?)?", part)
        if not found:
            raise InputError(
                f"classes: expected all, {SUBSET}, or indices and ranges as 0,5,151-268, "
                f"got {shown(repr(part), 40)}"
            )
        first, last = int(found[1]), int(found[2] or found[1])
        if not first <= last < num_classes:
            raise InputError(f"classes: expected classes from 0 to {num_classes - 1}, rising, got {part}")
        cells += range(first, last + 1, int(found[3] or 1))
    if len(set(cells)) < len(cells):
        raise InputError(f"classes: expected each class once, got one twice in {text}")
    return tuple(cells)
