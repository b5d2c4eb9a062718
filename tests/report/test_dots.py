"""Figures of dots are PNG files that show what they are given, and equal inputs give equal bytes."""

import io

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image

from fooljax.report.dots import columns, scatter, strips


def test_strips_leave_out_what_is_infinite_and_are_the_same_each_time():
    groups = {"one": [1.0, 2.0, np.inf], "none": [], "never": [np.inf, np.inf]}
    first = strips(groups, value="passes", log_scale=True)
    assert first == strips(groups, value="passes", log_scale=True)
    assert Image.open(io.BytesIO(first)).width > 1000


def test_a_scatter_of_log_odds_is_drawn():
    picture = scatter({"a": ([1.0], [2.0]), "b": ([], [])}, across="x", up="y", log_odds=True)
    assert Image.open(io.BytesIO(picture)).format == "PNG"


def test_a_kind_has_one_colour_in_all_columns():
    groups = {"pixels": {"plain": [1.0, 2.0]}, "CPPNs": {"plain": [3.0], "careful": [-3.0]}}
    first = columns(groups, value="log-odds")
    assert first == columns(groups, value="log-odds")
    with Image.open(io.BytesIO(first)) as picture:
        colours = np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)
    faded = [255 * (0.6 * np.array(to_rgb(f"C{number}")) + 0.4) for number in range(3)]
    found = [bool((np.abs(colours - one).max(axis=1) < 2).any()) for one in faded]
    assert found == [True, True, False]
