"""What the page of a run says of its judges: plain values, which `panel.html` writes down."""

from dataclasses import dataclass

from fooljax.runs.panel_table import PanelRow

CHANGES = {
    "grey_level": "±1 grey level",
    "shift": "shift by a pixel",
    "jpeg": "JPEG",
    "blur": "blur",
}
"""The small changes as tables call them."""


@dataclass(frozen=True)
class JudgeLine:
    """A judge in the table of judges.

    Attributes:
      name: as a command names it.
      title: what it is.
      relative: whether it is of the family of the network that was fooled.
      right: share of clean images that it names rightly; "" where none were at hand.
      threshold: the confidence from which its naming a class counts; "" where any does.
      recognised: share of clean images that it names rightly with so much confidence; "" as before.
      noise: share of noise images of which it is as sure as of 95 % of clean images.
      refused: why it does not count; "" where it does.
    """

    name: str
    title: str
    relative: bool
    right: str
    threshold: str
    recognised: str
    noise: str
    refused: str


@dataclass(frozen=True)
class SetLine:
    """A set of images in the tables: texts, in the order of the columns.

    Attributes:
      name: of the set.
      verdicts: how many images there are, fool the network, have each judge's agreement, have none's, have
        none's but of relatives.
      changes: percentiles of the distances, and how many fooling images are left after each change.
    """

    name: str
    verdicts: tuple[str, ...]
    changes: tuple[str, ...]


@dataclass(frozen=True)
class ImageLine:
    """An image in the table of images.

    Attributes:
      row: what the panel found.
      link: to its file.
      left, top: of its thumbnail.
      confidence: of the network that was fooled.
      percentiles: of its distances.
      left_after: confidence after each change.
    """

    row: PanelRow
    link: str
    left: int
    top: int
    confidence: str
    percentiles: tuple[str, ...]
    left_after: tuple[str, ...]


@dataclass(frozen=True)
class PanelSection:
    """The section of the page.

    Attributes:
      judges: all of them.
      counted: names of those that were not refused.
      has_relatives: whether some but not all of these are of the network's family.
      spaces: what distances are measured in, in words; empty where there were no clean images.
      changes: the small changes, in words.
      sets: the tables of sets.
      clean: a sentence on the clean images; "" where there were none.
      chosen: a sentence on how judges were chosen; "" where they were named.
      images: the best images one by one; none where there are too many.
      sprite: their thumbnails, as an address.
    """

    judges: tuple[JudgeLine, ...]
    counted: tuple[str, ...]
    has_relatives: bool
    spaces: tuple[str, ...]
    changes: tuple[str, ...]
    sets: tuple[SetLine, ...]
    clean: str
    chosen: str
    images: tuple[ImageLine, ...]
    sprite: str
