"""A page for many classes: every elite as a thumbnail, to be searched, sorted and looked at by group.

The HTML files load nothing, and each has at most `MOST` images. All thumbnails of a file are one image, so
that a thousand of them cost a browser as much as one. A short script, the only one that the page lets run,
filters and sorts; without scripts all images are shown in the order of the classes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fooljax.engine.log_odds import to_log_odds
from fooljax.errors import InputError
from fooljax.report.alternative_texts import written
from fooljax.report.pictures import link
from fooljax.report.templates import write_html
from fooljax.report.thumbnails import THUMBNAIL, position, sheet

MOST = 5000
"""Thumbnails of one file: 46 megapixels. JPEG ends at 65,535 rows, which 22,000 thumbnails would exceed."""

SCRIPT = """
const list = document.getElementById("list"), items = [...list.children];
const field = id => document.getElementById(id), shown = field("shown");
const by = {
  index: (a, b) => a.dataset.index - b.dataset.index,
  high: (a, b) => b.dataset.odds - a.dataset.odds,
  low: (a, b) => a.dataset.odds - b.dataset.odds,
  name: (a, b) => a.dataset.name.localeCompare(b.dataset.name),
};
function update() {
  const words = field("search").value.toLowerCase().split(/\\s+/).filter(Boolean);
  const group = field("group")?.value;
  let count = 0;
  for (const item of items) {
    const text = item.dataset.name.toLowerCase() + " " + item.dataset.class;
    item.hidden = !(words.every(word => text.includes(word)) && (!group || item.dataset.group === group));
    count += !item.hidden;
  }
  list.append(...items.sort(by[field("sort").value]));
  shown.textContent = count.toLocaleString("en") + " of " + items.length.toLocaleString("en") + " images";
}
field("controls").hidden = false;
for (const id of ["search", "group", "sort"]) field(id)?.addEventListener("input", update);
update();
"""


@dataclass(frozen=True)
class ClassImage:
    """The best image of one class in one run.

    Attributes:
      run: the run's index.
      class_index: from 0.
      class_name: as a person calls the class.
      group: of related classes; "" where there are no groups.
      log_odds: scored from the saved file; -inf marks an empty cell.
      file_name: path of the image, of any size, relative to the page; it is read for its thumbnail.
    """

    run: int
    class_index: int
    class_name: str
    group: str
    log_odds: float
    file_name: str


@dataclass(frozen=True)
class Group:
    """A row of the table of groups: images, their median log-odds, and shares at 90, 99 and 99.99 %."""

    name: str
    count: int
    median: float
    shares: tuple[float, float, float]


def write_classes(
    path: Path | str, title: str, home: str, images: Sequence[ClassImage], objective: str = ""
) -> None:
    """Writes the page; equal arguments give equal bytes, and each file is whole or the old one.

    Args:
      path: of the HTML file. More images than `MOST` go on in files beside it, `classes-2.html` and so on.
      title: what was fooled and how.
      home: file name of the run's page, relative to this one.
      images: in the order of display before sorting.
      objective: name of what was maximised, where that is no log-odds.
    Raises:
      InputError: there is no image, or a file name is not a relative path below the page, or no image.
      FaultError: a file cannot be written.
    """
    path = Path(path)
    if not images:
        raise InputError("images: expected one or more, got none")
    parts = [images[start : start + MOST] for start in range(0, len(images), MOST)]
    names = [path.name, *(f"{path.stem}-{number}{path.suffix}" for number in range(2, len(parts) + 1))]
    runs = len({image.run for image in images})
    pages = [
        (link(name), f"{_place(part[0], runs)} to {_place(part[-1], runs)}")
        for name, part in zip(names, parts, strict=True)
    ]
    for number, (name, part) in enumerate(zip(names, parts, strict=True)):
        write_html(
            path.with_name(name),
            "classes.html",
            page={"title": title},
            home=link(home),
            script=SCRIPT,
            sprite=sheet(path.parent, [each.file_name if _is_filled(each) else "" for each in part]),
            side=THUMBNAIL,
            items=[_item(place, image) for place, image in enumerate(part)],
            groups=_groups(images),
            objective=objective,
            written=written(objective),
            runs=runs,
            pages=pages if len(pages) > 1 else [],
            number=number,
        )


def _place(image: ClassImage, runs: int) -> str:
    return f"run {image.run}, class {image.class_index:,}" if runs > 1 else f"class {image.class_index:,}"


def _item(place: int, image: ClassImage) -> dict[str, object]:
    # A number that JavaScript can sort: it knows no -inf in text.
    filled, (left, top) = _is_filled(image), position(place)
    return {
        "image": image,
        "odds": f"{image.log_odds if filled else -1e9:.4f}",
        "left": left,
        "top": top,
        "link": link(image.file_name) if filled else "",
    }


def _is_filled(image: ClassImage) -> bool:
    return image.log_odds > -math.inf


def _groups(images: Sequence[ClassImage]) -> list[Group]:
    """The groups in the order in which they come, with their numbers."""
    odds: dict[str, list[float]] = {}
    for image in images:
        if image.group:
            odds.setdefault(image.group, []).append(image.log_odds)
    levels = [to_log_odds(p) for p in (0.9, 0.99, 0.9999)]
    return [
        Group(
            name,
            len(values),
            float(np.median(values)),
            tuple(float(np.mean(np.asarray(values) >= level)) for level in levels),  # type: ignore[arg-type]
        )
        for name, values in odds.items()
    ]
