"""Heat maps of shares: no empty space, no rows without a share, and no number that is rounded up."""

import io

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from fooljax.report import heat_map
from fooljax.report.heat_map import heat_maps

NAMES = ["one", "two", "three"]


def drawn(panels, rows=NAMES):
    found = heat_maps(panels, rows, NAMES, down="made for", across="shown to", value="images of that name")
    return np.asarray(Image.open(io.BytesIO(found)).convert("L"))


@pytest.mark.parametrize("rows", [1, 3])
def test_there_is_no_empty_space_above_or_below(rows):
    picture = drawn({"evolved": np.full((rows, 3), 0.5)}, NAMES[:rows])
    (inked,) = np.nonzero((picture < 250).any(axis=1))
    assert inked[0] < 40
    assert len(picture) - inked[-1] < 40


def test_rows_without_a_share_are_left_out():
    few = np.full((3, 3), np.nan)
    few[1] = 0.5
    alone, among = drawn({"evolved": few[1:2]}, NAMES[1:2]), drawn({"evolved": few})
    np.testing.assert_array_equal(alone, among)


def test_shares_are_cut_as_in_tables(monkeypatch):
    monkeypatch.setattr(heat_map, "png_bytes", lambda figure, trimmed: figure)
    shares = np.array([[0.9999, 1.0, 0.619]])
    figure = heat_maps({"evolved": shares}, ["one"], NAMES, down="", across="", value="")
    assert [text.get_text() for text in figure.axes[0].texts] == ["99", "100", "61"]


def test_matrices_side_by_side_have_equal_cells_whatever_rows_they_lack(monkeypatch):
    monkeypatch.setattr(heat_map, "png_bytes", lambda figure, trimmed: figure)
    few = np.full((3, 3), np.nan)
    few[0] = 0.5
    panels = {"all": np.full((3, 3), 0.5), "few": few}
    figure = heat_maps(panels, NAMES, NAMES, down="made for", across="shown to", value="images")
    FigureCanvasAgg(figure).draw()
    corners = np.array([axes.transData.transform([(0, 0), (1, 1)]) for axes in figure.axes[:2]])
    sides = np.diff(corners, axis=1)
    np.testing.assert_allclose(sides[0], sides[1], rtol=1e-3)
    assert corners[0, 0, 1] == pytest.approx(corners[1, 0, 1])  # the first rows stand side by side
    assert [len(axes.texts) for axes in figure.axes[:2]] == [9, 3]
