"""Every kind of page in a browser: wide and narrow, by keyboard, without scripts, its pictures in words."""

import pytest
from browser import NEEDS_BROWSER
from browser import Page as Tab
from made_pages import KEPT, MADE

from fooljax.cli import ascend, evolve

pytestmark = [NEEDS_BROWSER, pytest.mark.slow]
WIDTHS = (400, 800, 1400)


def judged_run(path):
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
    assert evolve.main([*words, "--outdir", str(path.parent)]) == 0


def judged_ascent(path):
    words = ["--target", "lenet", "--methods", "adam", "--iterations", "3"]
    assert ascend.main([*words, "--outdir", str(path.parent)]) == 0


SEARCHED = {one.__name__: one for one in (judged_run, judged_ascent)}
"""Pages that a command makes, with what judges say; the others are of made-up content, or kept."""


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    page = Tab(tmp_path_factory.mktemp("downloads"))
    yield page
    page.close()


@pytest.fixture(scope="module", params=[*SEARCHED, *MADE, *KEPT])
def page(request, tmp_path_factory):
    if request.param in KEPT:
        return KEPT[request.param]
    path = tmp_path_factory.mktemp("pages") / request.param / "index.html"
    if request.param in MADE:
        path.parent.mkdir()
    (SEARCHED | MADE)[request.param](path)
    return path


def shown(tab, page, width, scheme="light"):
    tab.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    tab.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    tab.open(page)
    return tab


OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
LOADED = """performance.getEntriesByType('resource').map(one => one.name)
  .filter(name => !/^(data|file|blob):/.test(name))"""
WITHOUT_WORDS = """[...document.querySelectorAll('img, [role=img], canvas')]
  .filter(one => !(one.alt || one.getAttribute('aria-label') || one.closest('[aria-hidden], button')))
  .map(one => one.outerHTML.slice(0, 120))"""
NOT_REACHED = """[...document.querySelectorAll('body *')]
  .filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth
    && ['auto', 'scroll'].includes(getComputedStyle(one).overflowX))
  .filter(one => one.tabIndex < 0)
  .map(one => one.outerHTML.slice(0, 120))"""
CONTROLS = """(() => {
  const kinds = 'a[href], button:not(:disabled), input, select, textarea, summary, [tabindex="0"]';
  window.controls = [...document.querySelectorAll(kinds)].filter(one => one.checkVisibility());
  window.reached = new Set();
  document.activeElement.blur();
  return controls.length;
})()"""
FOCUSED = """(() => {
  const one = document.activeElement, style = getComputedStyle(one.closest('.file') || one);
  reached.add(one);
  const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 1;
  return seen ? '' : one.outerHTML.slice(0, 120);
})()"""
LEFT = "controls.filter(one => !reached.has(one)).map(one => one.outerHTML.slice(0, 120))"
FAINT = """(() => {
  const parts = colour => [...colour.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const linear = value => (value /= 255) <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const ground = one => {
    for (; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour[3] > .5) return colour;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT), found = [];
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !one.checkVisibility() || one.closest(':disabled')) continue;
    const style = getComputedStyle(one), two = [light(parts(style.color)), light(ground(one))];
    const contrast = (Math.max(...two) + .05) / (Math.min(...two) + .05);
    if (contrast < 4.5 || parseFloat(style.fontSize) < 11) found.push([one.outerHTML.slice(0, 80), contrast]);
  }
  return found;
})()"""
MOST_CONTROLS = 250
"""Of a page with more links, so many are walked through."""


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_screen(tab, page, width):
    tab.errors.clear()
    assert shown(tab, page, width).run(OVERFLOW) == 0
    tab.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert tab.run(OVERFLOW) == 0
    assert tab.run(LOADED) == []
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


def test_every_control_is_reached_by_the_keyboard_and_is_seen_to_be(tab, page):
    count = shown(tab, page, 800).run(CONTROLS)
    assert count > 1
    for _ in range(min(count, MOST_CONTROLS)):
        tab.press("Tab")
        assert tab.run(FOCUSED) == ""
    if count <= MOST_CONTROLS:
        assert tab.run(LEFT) == []


def test_what_is_folded_is_opened_by_the_keyboard(tab, page):
    for key in ("Enter", " "):
        shown(tab, page, 800)
        for place in range(tab.run("document.querySelectorAll('main summary').length")):
            one = f"document.querySelectorAll('main summary')[{place}]"
            if tab.run(f"{one}.checkVisibility() && ({one}.focus(), true)"):
                tab.press(key)
                assert tab.run(f"{one}.parentElement.open")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_are_large_enough_and_stand_out(tab, page, scheme):
    assert shown(tab, page, 800, scheme).run(FAINT) == []


def test_on_paper_nothing_is_cut_off(tab, page):
    shown(tab, page, 720)  # the width of a sheet without its margins
    tab.send("Emulation.setEmulatedMedia", media="print")
    try:
        tab.run("dispatchEvent(new Event('beforeprint'))")
        assert tab.run(OVERFLOW) == 0
    finally:
        tab.send("Emulation.setEmulatedMedia", media="")


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
