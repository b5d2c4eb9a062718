"""The gallery of a search: what fooled a network, and what another network takes it for."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from fooljax.engine.log_odds import format_confidence
from fooljax.report.canvas import Line
from fooljax.report.fonts import label
from fooljax.report.grid import gallery

MUTED = "#666666"
WARNING = "#b34700"
FIRST = (
    "Each image was evolved until a neural network was sure, at 99.99 %, that it shows the class above its "
    "column, and it is shown as it was at that moment. The network's confidence stands below it."
)
BEST = (
    "Each image was evolved for the class above its column, and it is the best that the search found. The "
    "network's confidence stands below it."
)
NOT_FOOLED = "Where 99.99 % was not reached, the best image is shown and marked as not fooled."
SECOND = (
    "In grey stands what a second network, trained independently for the same classes, takes the image for, "
    "with its confidence."
)


class NamedAs(NamedTuple):
    """What a network takes an image for.

    Attributes:
      class_index: from 0.
      class_name: as a person calls the class.
      log_odds: of that class.
    """

    class_index: int
    class_name: str
    log_odds: float

    @property
    def confidence(self) -> str:
        """Cut off, as all confidences are."""
        return format_confidence(self.log_odds)


def fooling_gallery(
    images: npt.ArrayLike,
    log_odds: npt.ArrayLike,
    class_names: Sequence[str],
    *,
    fooled: npt.ArrayLike | None,
    seconds: Sequence[Sequence[NamedAs | None]] | None = None,
) -> Figure:
    """Draws a gallery that says in words what it shows.

    Args:
      images: see `gallery`.
      log_odds: see `gallery`.
      class_names: see `gallery`.
      fooled: `[R, C]` bool, whether the image is the first that fooled the network; the others are marked.
        None where no first images were kept, so that all are the best ones.
      seconds: by run and class, None where there is no image; None as a whole where there is no second
        network.
    Returns:
      A figure of matplotlib.
    Raises:
      InputError: see `gallery`.
    """
    filled = np.asarray(log_odds, np.float64) > -np.inf
    marked = np.zeros_like(filled) if fooled is None else filled & ~np.asarray(fooled, bool)
    below: list[list[list[Line]]] = [[[] for _ in row] for row in filled]
    for run, column in np.argwhere(filled).tolist():
        lines = below[run][column]
        if seconds and (second := seconds[run][column]):
            lines.append(Line(f"2nd: {label(second.class_name, second.class_index)}", MUTED))
            lines.append(Line(second.confidence, MUTED))
        if marked[run, column]:
            lines.append(Line("not fooled", WARNING))
    none_fooled = fooled is None or not np.any(filled & ~marked)
    notes = [BEST if none_fooled else FIRST]
    notes += [NOT_FOOLED] * bool(np.any(marked)) + [SECOND] * (seconds is not None)
    return gallery(images, log_odds, class_names, below=below, notes=notes)
