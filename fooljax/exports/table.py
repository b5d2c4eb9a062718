"""The table of a data set: a row for each image."""

import json
from collections.abc import Sequence
from typing import Any

from fooljax.exports.examples import Example

COLUMNS = {
    "file_name": "the picture, relative to the folder of this table",
    "label": "index of the class that the image was made for",
    "class_name": "name of that class",
    "log_odds": "natural log-odds of that class under the network that was fooled, of this very file",
    "confidence": "the same as a probability, cut off after nine digits",
    "objective": "what the run maximised; log-odds of the class by default",
    "score": "the value of that objective, of this very file",
    "source": "the run folder that the image is from",
    "run": "index of the run in that folder; of a gradient ascent, of the start image",
    "seed": "of the random numbers of that folder",
    "method": "of a gradient ascent; empty for a search",
    "encoding": "what the image is made of",
    "network": "the network that was fooled",
    "passes": "network passes that the run had spent when it found the image; a gradient counts as two",
    "judges": "networks that had no part in making the image and were asked what they see",
    "judges_agree": "how many of them see the class too",
    "genome": "the genome of the image, where its encoding writes one",
}
"""What each column holds; what is not known is empty (null in JSON)."""


def row_of(example: Example, file_name: str, genome: str | None) -> dict[str, Any]:
    """The row of an image.

    Args:
      example: the image.
      file_name: of its picture, as readers of the table find it.
      genome: of its genome likewise; None where there is none.
    """
    known = {**example._asdict(), "file_name": file_name, "genome": genome}
    return {name: known[name] for name in COLUMNS}


def as_lines(rows: Sequence[dict[str, Any]]) -> bytes:
    """Rows as lines of JSON."""
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()
