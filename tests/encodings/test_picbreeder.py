"""Picbreeder's networks: pictures that are known by hand, and files that are not as they should be."""

import colorsys
from pathlib import Path

import numpy as np
import pytest

from fooljax.encodings import picbreeder
from fooljax.errors import InputError

MADE = Path(__file__).parents[2] / "experiments" / "made_genomes"
SIDE = 17


def planes(height, width):
    """x, y and the distance, pixel by pixel."""
    x = np.array([[2 * column / (width - 1) - 1 for column in range(width)] for _ in range(height)])
    y = np.array([[2 * row / (height - 1) - 1 for _ in range(width)] for row in range(height)])
    return x, y, 1.4 * np.sqrt(x**2 + y**2)


def gaussian(p):
    return 2 * np.exp(-(p**2)) - 1


def sigmoid(p):
    return 2 / (1 + np.exp(-p)) - 1


def drawn(name, height=SIDE, width=SIDE):
    return picbreeder.draw_genome(picbreeder.read_genome(MADE / f"{name}.xml"), height, width)


def test_a_ring_is_what_its_formula_says():
    _, _, d = planes(SIDE, SIDE)
    expected = np.rint(255 * np.minimum(np.abs(gaussian(3 * d - 2.25)), 1)).astype(np.uint8)
    assert np.array_equal(drawn("ring")[..., 0], expected)


def test_stripes_read_nodes_in_any_order_and_one_root():
    x, y, _ = planes(SIDE, 30)
    ink = sigmoid(2.5 * np.cos(3 * np.sin(3 * x + 1.5 * y)) - 0.5)
    expected = np.rint(255 * np.minimum(np.abs(ink), 1))
    found = drawn("stripes", SIDE, 30)
    assert found.shape == (SIDE, 30, 1)
    assert np.abs(found[..., 0] - expected).max() <= 1


def test_colour_and_an_output_that_feeds_another():
    x, y, d = planes(SIDE, SIDE)
    inner = gaussian(2 * x)
    brightness = gaussian(0.75 * d + 0.5 * inner)
    hue, saturation = np.sin(0.25 * y - 0.5 * brightness), sigmoid(inner + 2)
    found = drawn("fruit")
    assert found.shape == (SIDE, SIDE, 3)
    for row in range(SIDE):
        for column in range(SIDE):
            h, s, v = (plane[row, column] for plane in (hue, saturation, brightness))
            rgb = colorsys.hsv_to_rgb((h + 1) % 1, min(max(s, 0), 1), min(abs(v), 1))
            assert np.abs(found[row, column] - 255 * np.array(rgb)).max() <= 1.0


def test_three_times_the_pixels_are_the_same_picture():
    small, large = drawn("fruit", SIDE, SIDE), drawn("fruit", 3 * SIDE - 2, 3 * SIDE - 2)
    assert np.abs(large[::3, ::3].astype(int) - small).max() <= 1


def test_one_pixel_is_the_centre():
    assert drawn("ring", 1, 1)[0, 0, 0] == round(255 * abs(gaussian(-2.25)))


def text_of(name="ring"):
    return (MADE / f"{name}.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("3.0</weight>", "three</weight>", "expected finite numbers as weights, found 'three'"),
        ("3.0</weight>", "inf</weight>", "expected finite numbers as weights, found 'inf'"),
        ("<weight>3.0</weight>", "", "expected finite numbers as weights, found ''"),
        ("gaussian(x)", "tan(x)", "expected activations out of .*, found tan"),
        ('label="d"', 'label="e"', "expected the inputs x, y, d, bias, found x, y, e, bias"),
        ('label="ink"', 'label="hue"', "expected the outputs ink, or hue, .*, found hue"),
        ('label="d"', 'label="x"', "expected one node x, found two"),
        ('<marking branch="1" id="3"/>', '<marking branch="1"/>', "branch and id in the marking of a node"),
        ('<marking branch="1" id="3"/>', '<marking branch="1" id="2"/>', "found branch 1 id 2 twice"),
        ('<source branch="1" id="3"/>', '<source branch="1" id="9"/>', "one with branch 1 id 9"),
        ('<source branch="1" id="3"/>', '<source branch="1" id="4"/>', "without circles"),
        ('<target branch="1" id="4"/>', '<target branch="1" id="0"/>', "one with branch 1 id 0"),
        ("<genome", "<other", "expected XML of Picbreeder, found mismatched tag"),
        ("</data>", "", "expected XML of Picbreeder, found"),
        ("<data", "<!DOCTYPE data [<!ENTITY a 'b'>]><data", "expected XML of Picbreeder, found"),
        (text_of(), "", "expected one genome, found 0"),
        ("ink", "\x1b[31m", "expected XML of Picbreeder, found"),
    ],
)
def test_a_damaged_file_is_told_in_one_line(tmp_path, old, new, message):
    text = text_of()
    assert old in text
    (tmp_path / "a.xml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message) as told:
        picbreeder.read_genome(tmp_path / "a.xml")
    assert str(told.value).startswith(f"{tmp_path / 'a.xml'}: ")
    assert "\n" not in str(told.value)


def test_a_file_that_is_no_text_or_too_long(tmp_path):
    (tmp_path / "a.xml").write_bytes(text_of().encode("utf-16"))
    with pytest.raises(InputError, match="expected XML in UTF-8"):
        picbreeder.read_genome(tmp_path / "a.xml")
    (tmp_path / "a.xml").write_bytes(b" " * (picbreeder.MAX_BYTES + 1))
    with pytest.raises(InputError, match="expected at most 1,048,576 bytes"):
        picbreeder.read_genome(tmp_path / "a.xml")
    with pytest.raises(InputError, match="cannot read"):
        picbreeder.read_genome(tmp_path / "none.xml")


def test_too_many_nodes(tmp_path):
    node = '<node type="hidden"><marking branch="2" id="{}"/><activation>sin(x)</activation></node>'
    more = "".join(node.format(number) for number in range(picbreeder.MAX_NODES))
    (tmp_path / "a.xml").write_text(text_of().replace("</nodes>", f"{more}</nodes>"), encoding="utf-8")
    with pytest.raises(InputError, match="expected at most 500 nodes, found 505"):
        picbreeder.read_genome(tmp_path / "a.xml")


def test_numbers_that_overflow_still_give_a_picture(tmp_path):
    text = text_of("fruit").replace(">2.0</weight>", ">1e308</weight>")
    text = text.replace("gaussian(x)", "identity(x)")
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    genome = picbreeder.read_genome(tmp_path / "a.xml")
    assert picbreeder.draw_genome(genome, 5, 5).shape == (5, 5, 3)


def test_a_side_that_is_not_positive():
    with pytest.raises(InputError, match="height: expected a whole number"):
        drawn("ring", 0, 5)
