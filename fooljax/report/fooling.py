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
NOTES = (
    "Each image was evolved until a neural network was sure, at 99.99 %, that it shows the class above its "
    "column, and it is shown as it was at that moment. The network's confidence stands below it.",
    "Where that was not reached, the best image is shown and marked as not fooled.",
    "In grey stands what a second network, trained independently for the same classes, takes the image for, "
    "with its confidence.",
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
    fooled: npt.ArrayLike,
    seconds: Sequence[Sequence[NamedAs | None]] | None = None,
) -> Figure:
    """Draws a gallery that says in words what it shows.

    Args:
      images: see `gallery`.
      log_odds: see `gallery`.
      class_names: see `gallery`.
      fooled: `[R, C]` bool, whether the image fooled the network; the others are marked.
      seconds: by run and class, None where there is no image; None as a whole where there is no second
        network.
    Raises:
      InputError: see `gallery`.
    """
    filled, fooled = np.asarray(log_odds, np.float64) > -np.inf, np.asarray(fooled, bool)
    marked = bool(np.any(filled & ~fooled))
    below: list[list[list[Line]]] = [[[] for _ in row] for row in filled]
    for run, column in np.argwhere(filled).tolist():
        lines = below[run][column]
        if seconds and (second := seconds[run][column]):
            lines.append(Line(f"2nd: {label(second.class_name, second.class_index)}", MUTED))
            lines.append(Line(second.confidence, MUTED))
        if not fooled[run, column]:
            lines.append(Line("not fooled", WARNING))
    notes = [NOTES[0]] + [NOTES[1]] * marked + [NOTES[2]] * (seconds is not None)
    return gallery(images, log_odds, class_names, below=below, notes=notes)
