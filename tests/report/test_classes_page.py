"""The page for many classes: every elite is on it, names are shown and never obeyed, one script may run."""

import base64
import hashlib
import io
import re

import numpy as np
import pytest
from pages import html_of
from PIL import Image

from fooljax.data.imagenet import GROUPS, group_of
from fooljax.errors import InputError
from fooljax.report import classes_page, save_png
from fooljax.report.classes_page import SCRIPT, ClassImage, write_classes
from fooljax.report.thumbnails import COLUMNS, THUMBNAIL

NASTY = "</script><script>alert(1)</script>"


def entry(index, *, name="cat", group="pets", odds=2.0):
    return ClassImage(0, index, name, group, odds, f"elites/{index}.png")


def page(tmp_path, entries, level=0, side=8):
    """Writes the images and the page; the page's text."""
    (tmp_path / "elites").mkdir(exist_ok=True)
    for each in entries:
        if each.log_odds > -np.inf:
            image = np.full((side, side, 3), level * each.class_index, np.uint8)
            save_png(image, tmp_path / each.file_name)
    write_classes(tmp_path / "classes.html", "Title", "index.html", entries)
    return html_of(tmp_path / "classes.html")


def test_every_elite_is_there_with_its_confidence(tmp_path):
    text = page(tmp_path, [entry(index, name=f"class {index}", odds=float(index)) for index in range(40)])
    items = re.findall(r'<li data-index="(\d+)".*?data-odds="([^"]*)">', text)
    assert [(int(place), float(odds)) for place, odds in items] == [(i, float(i)) for i in range(40)]
    assert text.count('href="elites/') == 40
    assert "99.99 %" in text


def test_thumbnails_stand_where_the_page_looks_for_them(tmp_path):
    text = page(tmp_path, [entry(index) for index in range(40)], level=6, side=200)
    sheet = re.search(r'url\("data:image/jpeg;base64,([^"]*)"\)', text)
    with Image.open(io.BytesIO(base64.b64decode(sheet[1]))) as image:
        pixels = np.asarray(image).astype(int)
    assert pixels.shape == (2 * THUMBNAIL, COLUMNS * THUMBNAIL, 3)
    places = re.findall(r"background-position: (-?\d+)px (-?\d+)px", text)
    for index, (left, top) in enumerate(places):
        middle = pixels[THUMBNAIL // 2 - int(top), THUMBNAIL // 2 - int(left)]
        np.testing.assert_allclose(middle, 6 * index, atol=4)


def test_only_the_one_script_may_run(tmp_path):
    text = page(tmp_path, [entry(0, name=NASTY, group=NASTY)])
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert scripts == [SCRIPT]
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in text
    )


def test_groups_with_their_medians(tmp_path):
    entries = [entry(0, odds=0.0), entry(1, odds=10.0), entry(2, odds=3.0), entry(3, group="wild", odds=-9.0)]
    text = page(tmp_path, entries)
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(\d+)</td><td>(.*?)</td><td>(.*?)</td>', text)
    assert rows == [("pets", "3", "95.25 %", "66.6 %"), ("wild", "1", "0.01 %", "0.0 %")]


def test_an_empty_cell_has_no_image_and_no_link(tmp_path):
    text = page(tmp_path, [entry(0, odds=-np.inf), entry(1)])
    assert text.count('class="empty"') == 1
    assert "elites/0.png" not in text


def test_equal_elites_give_equal_bytes(tmp_path):
    entries = [entry(index) for index in range(3)]
    assert page(tmp_path, entries) == page(tmp_path, entries)


def test_wrong_arguments(tmp_path):
    with pytest.raises(InputError, match=r"^images: "):
        page(tmp_path, [])
    with pytest.raises(InputError, match=r"^file_name: "):
        write_classes(tmp_path / "c.html", "t", "i.html", [ClassImage(0, 0, "a", "", 1.0, "../a.png")])
    (tmp_path / "b.png").write_bytes(b"no image")
    for missing in ("a.png", "b.png"):
        with pytest.raises(InputError, match=rf"{missing}: expected a PNG file \("):
            write_classes(tmp_path / "c.html", "t", "i.html", [ClassImage(0, 0, "a", "", 1.0, missing)])
    assert not (tmp_path / "c.html").exists()


def test_more_classes_than_one_sheet_holds_go_on_in_further_pages(tmp_path, monkeypatch):
    monkeypatch.setattr(classes_page, "MOST", 15)
    entries = [entry(index, odds=float(index)) for index in range(40)]
    first = page(tmp_path, entries, level=6)
    files = ["classes.html", "classes-2.html", "classes-3.html"]
    assert sorted(path.name for path in tmp_path.glob("*.html")) == sorted(files)
    found = []
    for file in files:
        text = (tmp_path / file).read_text(encoding="utf-8")
        found += re.findall(r'data-class="(\d+)"', text)
        links = re.findall(r'<a href="(classes[^"]*)">(.*?)</a>', text)
        assert [name for name, _ in links] == [other for other in files if other != file]
        # The table of groups is of all images, on every page.
        assert '<th scope="row">pets</th><td>40</td>' in text
    assert found == [str(index) for index in range(40)]
    assert "class 15 to class 29</a>" in first
    assert '<strong aria-current="page">class 0 to class 14</strong>' in first


def test_no_sheet_is_larger_than_jpeg_allows():
    assert -(-classes_page.MOST // COLUMNS) * THUMBNAIL <= 65_535


def test_what_a_terminal_or_a_reader_would_obey_is_written_out(tmp_path):
    text = page(tmp_path, [entry(0, name="a\x1b[2Jb\x00\u202ec\ud800")])
    assert text.count(r"a\x1b[2Jb\x00\u202ec\ud800") == 3
    assert all(one.isprintable() or one == "\n" for one in text)


def test_every_class_of_imagenet_is_in_one_group():
    members = [
        index for ranges in GROUPS.values() for first, last in ranges for index in range(first, last + 1)
    ]
    assert sorted(members) == list(range(1000))
    assert group_of(151) == group_of(268) == "dogs"
    assert group_of(281) == group_of(285) == "domestic cats"
