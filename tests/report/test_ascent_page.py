"""The page of a gradient ascent is made from its folder, and shows names without obeying them."""

import numpy as np
import pytest

from fooljax.errors import InputError
from fooljax.report import png_bytes
from fooljax.report.ascent_curves import ascent_curves
from fooljax.report.ascent_html import AscentPage, MethodSection, write_ascent_html
from fooljax.report.content import Number


def page(**changes):
    png = png_bytes(np.zeros((4, 4, 1)))
    whole = AscentPage(
        title="<b>t</b>", introduction=["i"], gallery_png=png, gallery_alt="a", gallery_caption="c",
        columns=["x"], table_caption="t", methods=[MethodSection("<i>m</i>", "e", ["1"], png, "a")],
        curves_png=png, curves_alt="a", curves_caption="c", numbers=[Number("l", "v", "e")], notes=["n"],
        settings={"g": {"s": "v"}}, command="&",
    )  # fmt: skip
    return AscentPage(**{**vars(whole), **changes})


def test_the_page_shows_names_and_obeys_none(tmp_path):
    write_ascent_html(tmp_path / "p.html", page())
    text = (tmp_path / "p.html").read_text()
    assert "&lt;b&gt;t&lt;/b&gt;" in text
    assert "<i>m</i>" not in text
    assert "--paper:" in text  # the style of every page
    assert "{#" not in text
    with pytest.raises(InputError, match="methods: expected 2 values of <i>m</i>, got 1"):
        write_ascent_html(tmp_path / "q.html", page(columns=["x", "y"]))
    with pytest.raises(InputError, match="gallery_png: expected the bytes of a PNG file"):
        write_ascent_html(tmp_path / "q.html", page(gallery_png=b"x"))


def test_curves_draw_medians_and_lowest():
    odds = np.array([[-2.0, 0.0, 1.0], [4.0, 1.0, 9.0], [8.0, 5.0, 30.0]])
    axes = ascent_curves({"$a_b$": odds}).axes[0]
    middle, lowest = axes.lines[:2]
    np.testing.assert_array_equal(middle.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(middle.get_ydata(), [0, 4, 8])
    np.testing.assert_array_equal(lowest.get_ydata(), [-2, 1, 5])
    for wrong in ({}, {"a": odds[0]}):
        with pytest.raises(InputError, match=r"^histories: expected"):
            ascent_curves(wrong)
