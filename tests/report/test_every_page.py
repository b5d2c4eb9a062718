"""Every kind of page in a browser: wide and narrow, by keyboard, without scripts, its pictures in words."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from browser import NEEDS_BROWSER
from browser import Page as Tab
from made_audit import write

from experiments.paper import CHAPTERS, PUBLISHED, answers_from
from fooljax.audits.record import read_audit
from fooljax.cli import ascend, evolve
from fooljax.labelling.images import Asked
from fooljax.labelling.task import LabelTask
from fooljax.report import ClassImage, save_png, write_classes
from fooljax.report.audit_page import write_audit_page
from fooljax.report.claims_page import write_claims_page
from fooljax.report.label_page import write_label_page

pytestmark = [NEEDS_BROWSER, pytest.mark.slow]
GALLERY = Path(__file__).parents[2] / "docs/results/artists/gallery.html"
WIDTHS = (400, 800, 1400)


def run(folder):
    words = [
        "--target",
        "lenet",
        "--encoding",
        "cppn",
        "--generations",
        "10",
        "--runs",
        "2",
        "--judges",
        "knn",
    ]
    assert evolve.main([*words, "--outdir", str(folder)]) == 0


def ascent(folder):
    words = ["--target", "lenet", "--methods", "adam", "--iterations", "3"]
    assert ascend.main([*words, "--outdir", str(folder)]) == 0


def classes(folder):
    (folder / "elites").mkdir(parents=True)
    rng = np.random.default_rng(0)
    entries = []
    for index in range(60):
        file = f"elites/{index}.png"
        save_png(rng.integers(0, 256, (24, 24, 3), np.uint8), folder / file)
        entries.append(ClassImage(0, index, f"a class with a long name {index}", "birds", 1.0, file))
    write_classes(folder / "index.html", "A network", "index.html", entries)


def label(folder):
    folder.mkdir()
    image = Asked(np.zeros((8, 8, 1), np.uint8), "noise", "noise", 0, None, None)
    write_label_page(folder / "index.html", LabelTask((image,), tuple("0123456789"), ("",) * 10, 0))


def artists(folder):
    folder.mkdir()
    shutil.copyfile(GALLERY, folder / "index.html")


def claims(folder):
    folder.mkdir()
    write_claims_page(folder / "index.html", answers_from([PUBLISHED]), CHAPTERS, ["tables/table.md"])


def audit(folder):
    other = read_audit(write(folder.with_name("other"), name="another network with a long name"))
    write_audit_page(folder, read_audit(write(folder, classes=50)), [other])


PAGES = {one.__name__: one for one in (run, ascent, classes, label, artists, claims, audit)}


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    page = Tab(tmp_path_factory.mktemp("downloads"))
    yield page
    page.close()


@pytest.fixture(scope="module", params=PAGES)
def page(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages") / request.param
    PAGES[request.param](folder)
    return folder / "index.html"


def shown(tab, page, width, scheme="light"):
    tab.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    tab.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    tab.open(page)
    return tab


OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
WITHOUT_WORDS = """[...document.querySelectorAll('img, [role=img], canvas')]
  .filter(one => !(one.alt || one.getAttribute('aria-label') || one.closest('[aria-hidden], button')))
  .map(one => one.outerHTML.slice(0, 120))"""
NOT_REACHED = """[...document.querySelectorAll('body *')]
  .filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth
    && ['auto', 'scroll'].includes(getComputedStyle(one).overflowX))
  .filter(one => one.tabIndex < 0)
  .map(one => one.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_screen(tab, page, width):
    assert shown(tab, page, width).run(OVERFLOW) == 0
    assert not tab.errors


def test_every_picture_has_words(tab, page):
    assert shown(tab, page, 800).run(WITHOUT_WORDS) == []


def test_what_scrolls_sideways_is_reached_by_the_keyboard(tab, page):
    assert shown(tab, page, 400).run(NOT_REACHED) == []


def test_the_keyboard_begins_with_a_way_past_the_navigation(tab, page):
    shown(tab, page, 800)
    tab.press("Tab")
    assert tab.run("document.activeElement.className") == "skip"
    tab.press("Enter")
    assert tab.run("document.activeElement.id") == "main"


def test_without_scripts_the_page_says_what_it_is(tab, page):
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        shown(tab, page, 800)
        document = tab.send("DOM.getDocument", depth=-1)["root"]["nodeId"]
        main = tab.send("DOM.querySelector", nodeId=document, selector="main")["nodeId"]
        assert len(tab.send("DOM.getOuterHTML", nodeId=main)["outerHTML"]) > 500
    finally:
        tab.send("Emulation.setScriptExecutionDisabled", value=False)


def test_the_dark_is_dark(tab, page):
    background = "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)[0]"
    assert shown(tab, page, 800).run(background) > 200
    assert shown(tab, page, 800, "dark").run(background) < 60
