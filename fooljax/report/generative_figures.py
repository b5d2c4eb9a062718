"""The figure of `experiments.generative`: what fools each classifier, side by side."""

from base64 import b64decode
from collections.abc import Mapping, Sequence

import numpy as np

from fooljax.report.generative import REJECTING, kind_of, rows_by_kind, title_of
from fooljax.report.grid import gallery
from fooljax.report.png import png_bytes
from fooljax.study import Row, numbers
from fooljax.study.attacks import FRESH
from fooljax.study.images import images_of


def _row_name(kind: str) -> str:
    rate = kind.partition(REJECTING)[2]
    return f"{title_of(kind)}, {numbers.percent(float(rate), 0)} rejected" if rate else title_of(kind)


def figures(rows: Sequence[Row]) -> Mapping[str, bytes]:
    """`direct.png`, `cppn.png`, `gradient.png`: the images of a run against a network of each kind."""
    pictures = {}
    for generator in FRESH:
        shown = [row for row in rows if row.get("generator") == generator and "png" in row]
        group = [some[0] for some in rows_by_kind(shown).values()]
        if not group:
            continue
        images = np.stack([images_of(b64decode(row["png"]), tuple(row["shape"])) for row in group])
        figure = gallery(
            images,
            np.asarray([row["log_odds"] for row in group]),
            row_names=[_row_name(kind_of(row["network"])) for row in group],
            scale=3,
        )
        pictures[f"{generator}.png"] = png_bytes(figure)
    return pictures
