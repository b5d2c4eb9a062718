"""Every kind of page in its source: pictures in words, heads in order, tables and fields with names."""

import re
from itertools import pairwise

import pytest
from made_pages import KEPT, MADE
from pages import Page

SLOW = ("audit_of_many_classes", "claims")
"""Those of which another page is the like."""


class Source(Page):
    """The elements of a page, its title, and the fields that stand inside a label."""

    def __init__(self, html):
        self.labelled, self.title, self._open = [], "", []
        super().__init__(html)

    def handle_starttag(self, tag, attributes):
        super().handle_starttag(tag, attributes)
        if "label" in self._open:
            self.labelled.append(dict(attributes).get("id"))
        self._open += [tag] if tag in ("label", "title") else []

    def handle_endtag(self, tag):
        if tag in self._open:
            self._open.remove(tag)

    def handle_data(self, data):
        super().handle_data(data)
        self.title += data if "title" in self._open else ""


@pytest.fixture(scope="module", params=[*(name for name in MADE if name not in SLOW), *KEPT])
def source(request, tmp_path_factory):
    if request.param in KEPT:
        return Source(KEPT[request.param].read_text("utf-8"))
    path = tmp_path_factory.mktemp("pages") / request.param / "index.html"
    path.parent.mkdir()
    MADE[request.param](path)
    return Source(path.read_text("utf-8"))


def test_a_page_says_its_language_its_title_and_that_it_fits_narrow_screens(source):
    assert [one["lang"] for one in source.of("html")] == ["en"]
    assert len(source.title.split()) > 1
    assert any("width=device-width" in one.get("content", "") for one in source.of("meta"))


def test_every_picture_is_in_words(source):
    for image in source.of("img"):
        assert len(image["alt"].split()) >= 3, image["alt"]
    for drawn in [one for _, one in source.elements if one.get("role") == "img"]:
        assert len(drawn["aria-label"].split()) >= 3
    framed = [one.get("aria-label", "") for one in source.of("button") if "hung" in one.get("class", "")]
    assert all(len(words.split()) >= 3 for words in framed)


def test_heads_are_in_order(source):
    levels = [int(tag[1]) for tag, _ in source.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_names_inside_a_page_are_its_own_and_lead_somewhere(source):
    ids = [one["id"] for _, one in source.elements if "id" in one]
    assert len(ids) == len(set(ids))
    links = [one["href"][1:] for one in source.of("a") if one.get("href", "").startswith("#")]
    named = [
        one[key]
        for _, one in source.elements
        for key in ("aria-labelledby", "aria-controls", "for")
        if key in one
    ]
    assert {*links, *named} <= set(ids)
    assert "main" in links


def test_tables_and_fields_have_names(source):
    assert len(source.of("table")) == len(source.of("caption"))
    assert all(one.get("scope") in ("row", "col") for one in source.of("th"))
    told = {*source.labelled, *(one.get("for") for one in source.of("label"))}
    for field in source.of("input", "select", "textarea"):
        assert field.get("id") in told or field.get("aria-label")


def test_what_is_scrolled_sideways_is_reached_by_the_keyboard_and_named(source):
    scrolled = [one for _, one in source.elements if one.get("class") in ("wide", "sheet")]
    assert all(one["tabindex"] == "0" and one["aria-label"] for one in scrolled)


def test_nothing_is_loaded(source):
    loading = [
        one.get("src", one.get("href", "")) for one in source.of("img", "link", "script", "iframe", "source")
    ]
    assert all(address.startswith("data:") for address in loading if address)
