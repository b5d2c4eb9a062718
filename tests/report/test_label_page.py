"""The page on which people name images: what it holds and what it must not, and its use in a browser."""

import base64
import hashlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from browser import NEEDS_BROWSER, opened
from PIL import Image

from fooljax.cli import label
from fooljax.labelling.images import Asked
from fooljax.labelling.task import LabelTask, write_key
from fooljax.report.label_page import MOST_BUTTONS, write_label_page

NASTY = "</script><script>alert(1)</script>"
DIGITS = tuple("0123456789")


def task(class_names=DIGITS, count=12, shape=(8, 8, 1)):
    rng = np.random.default_rng(0)
    kinds = ["evolved", "clean", "noise"] * (count // 3)
    images = tuple(
        Asked(
            rng.integers(0, 256, shape, np.uint8),
            kind,
            f"source of {kind}",
            0,
            None if kind == "noise" else place % len(class_names),
            9.5 if kind == "evolved" else None,
        )
        for place, kind in enumerate(kinds)
    )
    return LabelTask(images, tuple(class_names), ("",) * len(class_names), 0)


def text_of(tmp_path, of):
    write_label_page(tmp_path / "label.html", of)
    return (tmp_path / "label.html").read_text(encoding="utf-8")


def content_of(text):
    return json.loads(re.search(r'<script type="application/json" id="task">(.*?)</script>', text)[1])


def test_every_image_is_there_pixel_for_pixel(tmp_path):
    of = task()
    for told, image in zip(content_of(text_of(tmp_path, of))["images"], of.images, strict=True):
        png = base64.b64decode(told["source"].removeprefix("data:image/png;base64,"))
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png)))[..., None], image.pixels)


def test_what_the_images_are_is_not_in_the_page(tmp_path):
    text = re.sub(r"data:image/png;base64,[^\"]*", "", text_of(tmp_path, task()))
    for word in ("evolved", "clean", "noise", "source of", "9.5", "log_odds", "run"):
        assert not re.search(rf"\b{word}\b", text), word


def test_one_script_may_run_and_nothing_is_loaded(tmp_path):
    text = text_of(tmp_path, task((NASTY, "cat")))
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert len(scripts) == 1
    assert f"script-src 'sha256-{digest}'" in text
    assert content_of(text)["classes"][0] == NASTY
    assert not re.search(r"(?:src|href)=\"https?:", text)


def test_equal_tasks_give_equal_bytes(tmp_path):
    assert text_of(tmp_path, task()) == text_of(tmp_path, task())


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (DIGITS, list(DIGITS)),
        (("cat", "dog"), ["1", "2"]),
        (("a", "b"), ["1", "2"]),
        ([f"class {number}" for number in range(MOST_BUTTONS + 1)], []),
    ],
)
def test_few_classes_have_a_key_each(tmp_path, names, keys):
    assert content_of(text_of(tmp_path, task(names)))["keys"] == keys


@NEEDS_BROWSER
def test_by_keyboard_from_the_first_image_to_the_table(tmp_path, capsys):
    """Ten images, back and another answer, a page that was closed, the download, and its rates."""
    of = task()
    write_key(of, tmp_path / "label-key.json")
    write_label_page(tmp_path / "label.html", of)
    chosen = [str(image.class_index) if image.kind == "clean" else "n" for image in of.images]
    with opened(tmp_path / "label.html", tmp_path) as page:
        page.run("document.getElementById('labeller').focus()")
        page.type("Ada")
        page.press("Enter")
        for number, key in enumerate(chosen[:10]):
            assert page.run("document.activeElement.textContent") == f"Image {number + 1} of 12"
            assert (
                page.run("document.getElementById('image').alt")
                == f"Image {number + 1}, which you are asked to name"
            )
            page.answer("e" if number == 3 else key)
        for _ in range(7):
            page.press("b")
        assert page.run("document.activeElement.textContent") == "Image 4 of 12"
        assert page.run("document.getElementById('else').getAttribute('aria-pressed')") == "true"
        page.answer(chosen[3])
        page.open(tmp_path / "label.html")
        assert page.run("document.getElementById('begin').textContent") == "Go on (10 of 12 answered)"
        page.run("document.getElementById('begin').focus()")
        page.press("Enter")
        for _ in range(6):
            page.press("ArrowRight")
        for key in chosen[10:]:
            page.answer(key)
        assert page.run("document.activeElement.textContent") == "You have answered all 12 images"
        page.press("Tab")
        page.press("Enter")
        while page.wait_for("Browser.downloadProgress")["state"] != "completed":
            pass
        assert not page.errors
    answers = json.loads((tmp_path / "answers-Ada.json").read_text(encoding="utf-8"))
    assert [one["image"] for one in answers["answers"]] == list(of.names)
    assert [str(one["answer"])[0] for one in answers["answers"]] == chosen
    assert (
        label.main(["--score", str(tmp_path / "answers-Ada.json"), "--key", str(tmp_path / "label-key.json")])
        == 0
    )
    said = capsys.readouterr().out
    assert "| Ada | 12 | 100 %" in said
    assert "| passed |" in said


@NEEDS_BROWSER
def test_many_classes_are_searched_on_a_narrow_screen(tmp_path):
    names = [f"kind {chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(300)]
    write_label_page(tmp_path / "label.html", task(names, shape=(24, 24, 3)))
    with opened(tmp_path / "label.html", tmp_path, width=360, height=740, touch=True) as page:
        page.run("document.getElementById('begin').click()")
        page.run("new Promise(done => setTimeout(done, 220))")
        assert page.run("document.activeElement.id") == "search"
        assert page.run("document.getElementById('found').children.length") == 300
        page.type("kind cd")
        assert page.run("document.getElementById('found').textContent") == "kind cd"
        page.answer("Enter")
        page.type("kind b")
        page.press("ArrowDown")
        page.press("ArrowDown")
        assert page.run("document.querySelector('[aria-selected=true]').textContent") == "kind bb"
        page.answer("Enter")
        # Letters that are keys elsewhere are letters here.
        page.press("n")
        assert page.run("document.getElementById('search').value") == "n"
        assert page.run("document.getElementById('where').textContent") == "Image 3 of 12"
        kept = json.loads(page.run("localStorage.getItem(localStorage.key(0))"))
        assert [one["answer"] for one in kept["answers"].values()] == [
            names.index("kind cd"),
            names.index("kind bb"),
        ]
        # Nothing is wider than the screen, all that is touched is large enough, and pixels are whole.
        assert page.run("document.documentElement.scrollWidth") <= 360
        heights = page.run(
            "[...document.querySelectorAll('button')].map(one => one.offsetHeight).filter(Boolean)"
        )
        assert heights
        assert min(heights) >= 44
        assert page.run("document.getElementById('image').offsetWidth") == 24 * 12
        assert page.run("getComputedStyle(document.getElementById('image')).imageRendering") == "pixelated"
        assert not page.errors


def test_the_script_is_part_of_the_package():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert '"fooljax.report" = ["*.html", "*.js"]' in text
