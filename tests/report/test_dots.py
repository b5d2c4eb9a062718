"""Figures of dots are PNG files that show what they are given, and equal inputs give equal bytes."""

import io

import numpy as np
from PIL import Image

from fooljax.report.dots import scatter, strips


def test_strips_leave_out_what_is_infinite_and_are_the_same_each_time():
    groups = {"one": [1.0, 2.0, np.inf], "none": [], "never": [np.inf, np.inf]}
    first = strips(groups, value="passes", log_scale=True)
    assert first == strips(groups, value="passes", log_scale=True)
    assert Image.open(io.BytesIO(first)).width > 1000


def test_a_scatter_of_log_odds_is_drawn():
    picture = scatter({"a": ([1.0], [2.0]), "b": ([], [])}, across="x", up="y", log_odds=True)
    assert Image.open(io.BytesIO(picture)).format == "PNG"
