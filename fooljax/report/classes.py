"""A page for many classes: every elite as a thumbnail, to be searched, sorted and looked at by group.

One HTML file that loads nothing. All thumbnails are one image, so that a thousand of them cost a browser as
much as one; a short script, the only one that the page lets run, filters and sorts. Without scripts all are
shown in the order of the classes.
"""

import base64
import hashlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
import numpy.typing as npt
from PIL import Image

from fooljax.errors import InputError
from fooljax.report.figures import format_confidence
from fooljax.report.page import link
from fooljax.storage import write_bytes

THUMBNAIL = 96
"""Pixels of a thumbnail's side, shown at that size."""
COLUMNS = 32
QUALITY = 80

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
  const group = field("group").value;
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
for (const id of ["search", "group", "sort"]) field(id).addEventListener("input", update);
update();
"""


@dataclass(frozen=True)
class Entry:
    """One elite.

    Attributes:
      run: the run's index.
      class_index: from 0.
      class_name: as a person calls the class.
      group: of related classes; "" where there are no groups.
      log_odds: scored from the saved file; -inf marks an empty cell.
      image: `[H, W, K]` uint8, of any size.
      file_name: the image's path relative to the page.
    """

    run: int
    class_index: int
    class_name: str
    group: str
    log_odds: float
    image: npt.NDArray[np.uint8]
    file_name: str


@dataclass(frozen=True)
class Group:
    """A row of the table of groups: images, their median log-odds, and shares at 90, 99 and 99.99 %."""

    name: str
    count: int
    median: float
    shares: tuple[float, float, float]


def write_classes(path: Path | str, title: str, home: str, entries: Sequence[Entry]) -> None:
    """Writes the page; equal arguments give equal bytes, and the file is whole or the old one.

    Args:
      path: of the HTML file.
      title: what was fooled and how.
      home: file name of the run's page, relative to this one.
      entries: in the order of display before sorting.
    Raises:
      InputError: there is no entry, or a file name is not a relative path below the page.
      FaultError: the file cannot be written.
    """
    if not entries:
        raise InputError("entries: expected one or more, got none")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fooljax.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    html = environment.get_template("classes.html").render(
        title=title,
        home=link(home),
        script=SCRIPT,
        digest=base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode(),
        sprite=_sprite([entry.image for entry in entries]),
        side=THUMBNAIL,
        items=[_item(place, entry) for place, entry in enumerate(entries)],
        groups=_groups(entries),
        runs=len({entry.run for entry in entries}),
        format_confidence=format_confidence,
    )
    write_bytes(Path(path), html.encode("utf-8", "replace"))


def _item(place: int, entry: Entry) -> dict[str, object]:
    # A number that JavaScript can sort: it knows no -inf in text.
    odds = entry.log_odds if entry.log_odds > -math.inf else -1e9
    filled = entry.log_odds > -math.inf
    return {
        "entry": entry,
        "odds": f"{odds:.4f}",
        "left": -(place % COLUMNS) * THUMBNAIL,
        "top": -(place // COLUMNS) * THUMBNAIL,
        "link": link(entry.file_name) if filled else "",
    }


def _sprite(images: Sequence[npt.NDArray[np.uint8]]) -> str:
    """All thumbnails side by side, as a data address."""
    rows = -(-len(images) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * THUMBNAIL, rows * THUMBNAIL), "white")
    for place, image in enumerate(images):
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("RGB")
        smaller = max(picture.size) > THUMBNAIL
        how = Image.Resampling.LANCZOS if smaller else Image.Resampling.NEAREST
        picture = picture.resize((THUMBNAIL, THUMBNAIL), how)
        sheet.paste(picture, (place % COLUMNS * THUMBNAIL, place // COLUMNS * THUMBNAIL))
    stream = io.BytesIO()
    sheet.save(stream, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def _groups(entries: Sequence[Entry]) -> list[Group]:
    """The groups in the order in which they come, with their figures."""
    odds: dict[str, list[float]] = {}
    for entry in entries:
        if entry.group:
            odds.setdefault(entry.group, []).append(entry.log_odds)
    levels = [math.log(p / (1 - p)) for p in (0.9, 0.99, 0.9999)]
    return [
        Group(
            name,
            len(values),
            float(np.median(values)),
            tuple(float(np.mean(np.asarray(values) >= level)) for level in levels),  # type: ignore[arg-type]
        )
        for name, values in odds.items()
    ]
