"""The page of a run: safe and readable whatever the names, and the same bytes from the same content."""

import dataclasses
import functools
import itertools
import math
import re
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from pages import Page, metrics

from fooljax.errors import InputError
from fooljax.report import (
    Elite,
    FooledAt,
    Number,
    RunPage,
    alternative_texts,
    curves,
    gallery,
    png_bytes,
    run_page,
    write_run_page,
)

HOSTILE = "<script>alert('x')</script>\" onerror='x' & </title></style> {{ 7 * 7 }} $x$"


@functools.cache
def report(text="plain"):
    """The content of a page, whose pictures are drawn once; not to be changed."""
    images = np.random.default_rng(4).integers(0, 256, (2, 3, 4, 4, 1), np.uint8)
    odds = np.asarray([[10.0, 20.0, -np.inf], [8.0, 12.0, 14.0]])
    return RunPage(
        title=text,
        introduction=[text, text],
        gallery_png=png_bytes(gallery(images, odds)),
        gallery_alt=alternative_texts.of_gallery(odds),
        curves_png=png_bytes(curves(metrics())),
        numbers=[Number(text, text, text)],
        fooled_at=[FooledAt(0, 10, None), FooledAt(1, 1020, 2000)],
        elites=[
            Elite(
                run,
                cell,
                f"{text} {cell}",
                odds[run, cell],
                png_bytes(images[run, cell]),
                f"elites/{run}_{cell}.png",
            )
            for run in range(2)
            for cell in range(3)
        ],
        notes=[text],
        settings={text: {text: text}},
        command=text,
    )


def written(tmp_path, given_report):
    write_run_page(tmp_path / "index.html", given_report)
    return (tmp_path / "index.html").read_text(encoding="utf-8")


def test_hostile_text_in_every_field_stays_text(tmp_path):
    hostile, plain = (Page(written(tmp_path, report(text))) for text in (HOSTILE, "plain"))
    # The same elements with the same attributes, whatever the text: nothing got out of its place.
    shape = [(tag, sorted(attributes)) for tag, attributes in plain.elements]
    assert [(tag, sorted(attributes)) for tag, attributes in hostile.elements] == shape
    assert "script" not in {tag for tag, _ in shape}
    assert not [name for _, names in shape for name in names if name.startswith("on")]
    # title, h1, 2 paragraphs, 3 of the number, 6 class names, a note, 3 settings, the command.
    assert "".join(hostile.text).count(HOSTILE) == 18
    assert sum(HOSTILE in image["alt"] for image in hostile.of("img")) == 5


@pytest.mark.parametrize(
    "name", ["javascript:alert(1)", "a b/ü#?.png", "elites/%2e.png", '"><img src=x>.png']
)
def test_links_lead_to_the_files_that_were_named(tmp_path, name):
    given_report = report()
    elite = dataclasses.replace(given_report.elites[0], file_name=name)
    html = Page(written(tmp_path, dataclasses.replace(given_report, elites=[elite])))
    (link,) = [a["href"] for a in html.of("a") if not a["href"].startswith("#")]
    address = urlsplit(link)
    assert address == ("", "", address.path, "", "")
    assert unquote(address.path) == name


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "//example.org/x.png", "../x.png", "a/../../x.png", "a\\b.png"]
)
def test_file_names_outside_the_page_s_folder_are_refused(tmp_path, name):
    given_report = report()
    elite = dataclasses.replace(given_report.elites[0], file_name=name)
    with pytest.raises(InputError, match="file_name"):
        write_run_page(tmp_path / "index.html", dataclasses.replace(given_report, elites=[elite]))
    assert not list(tmp_path.iterdir())


def test_nothing_is_loaded_and_nothing_runs(tmp_path):
    html = written(tmp_path, report())
    elements = Page(html)
    loading = [
        a.get("src", a.get("href", "")) for a in elements.of("img", "link", "source", "iframe", "object")
    ]
    assert len(loading) == 8
    assert all(source.startswith("data:") for source in loading)
    assert not re.search(r"url\(|@import", html)
    assert not elements.of("script", "iframe", "object", "form")
    policy = next(
        a["content"] for a in elements.of("meta") if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'")


def test_every_image_has_an_alternative_text_of_its_own(tmp_path):
    alternatives = [image["alt"] for image in Page(written(tmp_path, report())).of("img")]
    assert len(alternatives) == len(set(alternatives)) == 7
    assert all(len(text.split()) > 5 for text in alternatives)
    assert "2 runs by 3 classes" in alternatives[0]
    assert "99.96 % at the lowest" in alternatives[0]
    assert "median class reached 99.99 % in 2 of 2 runs, at generations 10 to 1020" in alternatives[1]
    assert "worst class reached 99.99 % in 1 of 2 runs, at generation 2000" in alternatives[1]


def test_structure_serves_a_screen_reader(tmp_path):
    html = Page(written(tmp_path, report()))
    levels = [int(tag[1]) for tag, _ in html.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    assert html.of("html") == [{"lang": "en"}]
    assert len(html.of("title")) == len(html.of("main")) == 1
    assert any(meta.get("name") == "viewport" for meta in html.of("meta"))
    assert len(html.of("table")) == len(html.of("caption")) == 3
    assert all(cell.get("scope") in ("row", "col") for cell in html.of("th"))
    ids = [attributes["id"] for _, attributes in html.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    inside = [a["href"][1:] for a in html.of("a") if a["href"].startswith("#")]
    assert inside[0] == "main"
    assert set(inside) <= set(ids)


def luminance(colour):
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_has_contrast_in_light_and_dark(tmp_path):
    html = written(tmp_path, report())
    schemes = [
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", html, re.S)
    ]
    assert len(schemes) == 2
    assert schemes[0].keys() == schemes[1].keys()
    for scheme in schemes:
        for front in ("ink", "muted", "link"):
            for back in ("paper", "panel"):
                dark, light = sorted([luminance(scheme[front]), luminance(scheme[back])])
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, back)


def test_an_empty_cell_has_no_image_and_no_link(tmp_path):
    given_report = report()
    empty = dataclasses.replace(given_report.elites[0], log_odds=math.nan, png=b"")
    html = Page(written(tmp_path, dataclasses.replace(given_report, elites=[empty])))
    assert len(html.of("img")) == 2
    assert not [a for a in html.of("a") if not a["href"].startswith("#")]
    assert "no image" in "".join(html.text)


def with_large_drawings(given_report):
    png = png_bytes(np.zeros((40, 30, 3)))
    return dataclasses.replace(
        given_report,
        sizes=["net/hidden_nodes", "net/connections", f"net/{HOSTILE}"],
        elites=[
            dataclasses.replace(
                elite, large_png=png, large_file_name=f"large/{n}.png", genome_file_name=f"{n}.json"
            )
            for n, elite in enumerate(given_report.elites)
        ],
    )


def test_large_drawings_stand_beside_the_scored_images(tmp_path):
    html = Page(written(tmp_path, with_large_drawings(report())))
    large = [image for image in html.of("img") if image.get("class") == "large"]
    assert [(image["width"], image["height"]) for image in large] == [("30", "40")] * 5
    alternatives = [image["alt"] for image in html.of("img")]
    assert len(alternatives) == len(set(alternatives)) == 12
    assert "hidden nodes, connections and <script>" in alternatives[1]
    assert "script" not in {tag for tag, _ in html.elements}
    links = [a["href"] for a in html.of("a") if not a["href"].startswith("#")]
    assert links[:3] == ["elites/0_0.png", "0.json", "large/0.png"]
    assert len(links) == 3 * 5
    for tag in ("ul", "figure", "details"):
        assert html.of(tag)


@pytest.mark.parametrize("field", ["large_file_name", "genome_file_name"])
@pytest.mark.parametrize("name", ["/etc/passwd", "../x.json", "a\\b.png"])
def test_all_files_of_an_elite_are_below_the_page(tmp_path, field, name):
    given_report = with_large_drawings(report())
    elite = dataclasses.replace(given_report.elites[0], **{field: name})
    with pytest.raises(InputError, match="file_name"):
        write_run_page(tmp_path / "index.html", dataclasses.replace(given_report, elites=[elite]))


def test_a_page_shows_a_bounded_number_of_elites_and_says_so(tmp_path):
    given_report = report()
    many = [dataclasses.replace(given_report.elites[0], class_index=index) for index in range(1000)]
    html = Page(written(tmp_path, dataclasses.replace(given_report, elites=many)))
    assert len(html.of("img")) == 2 + run_page.MAX_ELITES
    assert "Show the first 200 of 1000 images" in "".join(html.text)


def test_a_bare_report_is_a_whole_page(tmp_path):
    nothing = {name: [] for name in ("introduction", "numbers", "fooled_at", "elites", "notes")}
    bare = dataclasses.replace(report(), **nothing, settings={})
    html = Page(written(tmp_path, bare))
    assert len(html.of("img")) == 2
    assert all(image["alt"] for image in html.of("img"))
    ids = {attributes["id"] for _, attributes in html.elements if "id" in attributes}
    assert {a["href"][1:] for a in html.of("a")} <= ids


def test_bytes_that_are_no_png_are_refused(tmp_path):
    with pytest.raises(InputError, match="curves_png"):
        write_run_page(tmp_path / "index.html", dataclasses.replace(report(), curves_png=b"<svg onload='x'>"))


def test_pages_are_deterministic_and_take_any_string(tmp_path):
    again = report.__wrapped__("a\udcff")
    assert again is not report("a\udcff")
    assert written(tmp_path, report("a\udcff")) == written(tmp_path, again)


def test_a_command_in_a_note_wraps_at_its_blanks_alone(tmp_path):
    command = "fooljax evolve --target lenet --strategy 'a b'"
    given = dataclasses.replace(report(), notes=["one", "The control:"], control_command=command)
    html = written(tmp_path, given)
    (block,) = re.findall(r"The control:\s*<pre class=\"wrapped\"><code>(.*)</code></pre></li>", html)
    assert re.sub(r"<[^>]+>", "", block).replace("&#39;", "'") == command
    assert '<span class="nowrap">--strategy</span>' in block


@pytest.mark.parametrize("wraps", [False, True])
def test_blocks_of_columns_are_told_where_there_are_such(tmp_path, wraps):
    html = written(tmp_path, dataclasses.replace(report(), gallery_wraps=wraps))
    assert ("The classes stand in several blocks" in html) == wraps
    assert ("<figcaption>One column for each class, one row" in html) == (not wraps)
