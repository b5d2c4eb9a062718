"""The figure of `experiments.generative`: what fools each classifier, side by side."""

from base64 import b64decode
from collections.abc import Mapping, Sequence

import numpy as np

from fooljax.report.generative import kind_of, kinds_of, thresholded, title_of
from fooljax.report.grid import gallery
from fooljax.report.png import png_bytes
from fooljax.study import Row
from fooljax.study.images import images_of


def _kind(row: Row) -> str:
    return kind_of(row["network"])


def figures(rows: Sequence[Row]) -> Mapping[str, bytes]:
    """`direct.png` and `cppn.png`: the images of the first run against the first network of each kind."""
    pictures = {}
    for generator in ("direct", "cppn"):
        shown = [row for row in rows if row.get("generator") == generator and "png" in row]
        of = [next(iter(some)) for some in kinds_of(shown).values()]
        if not of:
            continue
        images = np.stack([images_of(b64decode(row["png"]), tuple(row["shape"])) for row in of])
        figure = gallery(
            images,
            np.asarray([row["log_odds"] for row in of]),
            row_names=[f"{title_of(kind)}, {thresholded(kind)}" for kind in map(_kind, of)],
            scale=3,
        )
        pictures[f"{generator}.png"] = png_bytes(figure)
    return pictures
