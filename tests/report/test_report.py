"""The report: honest labels, exact pixels, and a page that is safe and readable whatever the names."""

import dataclasses
import itertools
import math
import os
import re
import subprocess
import sys
from decimal import Decimal, localcontext
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import Page, decode, texts
from PIL import Image

from fooljax.engine.log_odds import NO_VALUE
from fooljax.errors import FaultError, InputError
from fooljax.report import (
    Elite,
    Number,
    Reached,
    Report,
    curves,
    format_confidence,
    gallery,
    page,
    png_bytes,
    save_png,
    strip,
    write_page,
)

HOSTILE = "<script>alert('x')</script>\" onerror='x' & </title></style> {{ 7 * 7 }} $x$"


def true_percent(log_odds):
    with localcontext() as context:
        context.prec = 800
        return 100 / (1 + (-Decimal(log_odds)).exp())


@settings(deadline=None)  # cores are shared
@given(st.floats(-700, 700) | st.floats(8, 15) | st.floats(-1e-9, 1e-9))
def test_confidence_never_says_more_than_is_true(log_odds):
    text = format_confidence(log_odds)
    value = Decimal(re.search(r"[\d.]+", text).group())
    if text.startswith("<"):
        assert true_percent(log_odds) < value
    else:
        assert value <= true_percent(log_odds)
        # ... nor much less, except where it says "or more".
        assert true_percent(log_odds) < value + Decimal("0.01") or text.startswith("≥")


@pytest.mark.parametrize(
    ("log_odds", "text"),
    [
        (math.log(0.99989 / 0.00011), "99.98 %"),
        (math.log(9999), "99.99 %"),
        (math.nextafter(math.log(9999), 0), "99.98 %"),
        (math.log(99999), "99.999 %"),
        (14.0, "≥ 99.9999 %"),
        (math.inf, "≥ 99.9999 %"),
        (1e308, "≥ 99.9999 %"),
        (0, "50.00 %"),
        (-1e308, "< 0.01 %"),
        (-math.inf, NO_VALUE),
        (math.nan, NO_VALUE),
        (None, NO_VALUE),
    ],
)
def test_confidence_at_the_edges(log_odds, text):
    assert format_confidence(log_odds) == text


def places(picture, tile):
    """Top left corners at which a picture holds exactly the pixels of a tile."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, tile.shape)[:, :, 0]
    # Most windows fail at the first pixel already.
    candidates = np.argwhere(np.all(windows[:, :, 0, 0] == tile[0, 0], axis=-1))
    return [(y, x) for y, x in candidates if np.array_equal(windows[y, x], tile)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("as_floats", [False, True])
def test_gallery_shows_every_pixel_of_every_image_in_its_place(channels, as_floats):
    runs, classes, scale = 2, 3, 7
    images = np.random.default_rng(0).integers(0, 256, (runs, classes, 5, 4, channels), np.uint8)
    given_images = images / 255.0 if as_floats else images
    drawn = decode(png_bytes(gallery(given_images, np.zeros((runs, classes)), scale=scale)))
    tiles = np.broadcast_to(images, (*images.shape[:4], 3)).repeat(scale, axis=2).repeat(scale, axis=3)
    found = [[places(drawn, tile) for tile in row] for row in tiles]
    assert all(len(corners) == 1 for row in found for corners in row)
    corners = np.asarray(found)[:, :, 0]
    assert len(set(corners[:, :, 0].ravel())) == runs
    assert np.all(np.diff(corners[:, :, 0], axis=0) > 0)
    assert len(set(corners[:, :, 1].ravel())) == classes
    assert np.all(np.diff(corners[:, :, 1], axis=1) > 0)


@pytest.mark.parametrize("empty", [-np.inf, np.nan, None])
def test_gallery_draws_an_empty_cell_as_a_dash_whatever_its_image(empty):
    images = np.full((1, 2, 4, 4, 1), 0.5)
    images[0, 1] = np.nan
    figure = gallery(images, [[10.0, empty]], ["seen", "empty"])
    png_bytes(figure)
    assert texts(figure).count(NO_VALUE) == 1
    assert texts(figure).count("99.99 %") == 1


def test_gallery_of_one_run_equals_its_rank_five_form():
    images = np.random.default_rng(1).random((3, 4, 4, 1))
    assert png_bytes(gallery(images, [1, 2, 3])) == png_bytes(gallery(images[None], [[1, 2, 3]]))


def test_gallery_wraps_many_classes_into_blocks_that_hold_them_all():
    names = [f"class {index}" for index in range(45)]
    figure = gallery(np.zeros((45, 2, 2, 1)), np.zeros(45), names)
    heads = [text for text in figure.texts if text.get_text() in names]
    assert len(heads) == 45
    assert len({round(text.get_position()[0], 6) for text in heads}) <= 20
    assert all(0 < x < 1 and 0 < y < 1 for x, y in (text.get_position() for text in figure.texts))


def test_names_are_never_formulas():
    png_bytes(gallery(np.zeros((1, 2, 2, 1)), [0], [r"$\frac{$"]))


@pytest.mark.parametrize(
    "arguments",
    [
        {"images": np.zeros((2, 2, 1))},
        {"images": np.zeros((1, 2, 2, 2))},
        {"images": np.full((1, 2, 2, 1), 1.5)},
        {"images": np.full((1, 2, 2, 1), np.nan)},
        {"images": np.zeros((1, 2, 2, 1), np.int32)},
        {"images": np.zeros((1, 2, 2, 1)), "log_odds": [1, 2]},
        {"images": np.zeros((1, 2, 2, 1)), "class_names": ["a", "b"]},
        {"images": np.zeros((1, 2, 2, 1)), "row_names": []},
        {"images": np.zeros((1, 2, 2, 1)), "scale": 0},
        {"images": np.zeros((1001, 2, 2, 1))},
    ],
)
def test_gallery_refuses_what_it_cannot_draw(arguments):
    with pytest.raises(InputError):
        gallery(**arguments)


def metrics(runs=3, generations=60):
    rng = np.random.default_rng(0)
    rising = np.cumsum(rng.random((runs, generations + 1)), axis=1) - 5
    return {
        "generation": np.arange(generations + 1),
        "median_log_odds": rising,
        "min_log_odds": rising - 4,
        "replacements": rng.integers(0, 30, rising.shape),
    }


def test_curves_leave_gaps_where_values_are_not_finite():
    given_metrics = metrics()
    given_metrics["min_log_odds"][:, :10] = -np.inf
    upper = curves(given_metrics).axes[0]
    dashed = [line for line in upper.lines if line.get_linestyle() == "--"]
    assert len(dashed) == 4
    for line in dashed:
        assert np.all(np.isnan(line.get_ydata()[:10]))
        assert np.all(np.isfinite(line.get_ydata()[10:]))


def test_curves_show_the_median_over_runs_and_the_line_of_99_99_percent():
    upper = curves(metrics()).axes[0]
    medians = np.median(metrics()["median_log_odds"], axis=0)
    thick = [line for line in upper.lines if line.get_linewidth() == 2 and line.get_linestyle() == "-"]
    assert len(thick) == 1
    assert np.array_equal(thick[0].get_ydata(), medians)
    assert any(np.allclose(line.get_ydata(), math.log(9999)) for line in upper.lines)


@pytest.mark.parametrize("generations", [0, 1, 60])
@pytest.mark.parametrize("value", [None, -np.inf])
def test_curves_of_any_length_can_be_drawn(generations, value):
    given_metrics = metrics(runs=1, generations=generations)
    if value is not None:
        given_metrics["median_log_odds"][:] = given_metrics["min_log_odds"][:] = value
    assert decode(png_bytes(curves(given_metrics, title="$a$"))).shape[1] == 1800


def test_curves_refuse_missing_or_misshapen_metrics():
    with pytest.raises(InputError, match="min_log_odds"):
        curves({name: value for name, value in metrics().items() if name != "min_log_odds"})
    with pytest.raises(InputError, match="T \\+ 1"):
        curves(metrics() | {"replacements": np.zeros((3, 4))})


def sizes(runs=3, generations=60):
    rng = np.random.default_rng(5)
    return {
        name: np.cumsum(rng.random((runs, generations + 1)), axis=1) for name in ("net/nodes", "net/$x$_y")
    }


def test_curves_show_what_the_genomes_count_on_an_axis_of_its_own():
    assert len(curves(metrics()).axes) == 2
    figure = curves(metrics() | sizes(), sizes=list(sizes()))
    panel = figure.axes[2]
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["nodes", "$x$ y"]
    thick = [line.get_ydata() for line in panel.lines if line.get_linewidth() == 2]
    for drawn, values in zip(thick, sizes().values(), strict=True):
        np.testing.assert_array_equal(drawn, np.median(values, axis=0))
    assert panel.get_ylim()[0] == 0
    assert decode(png_bytes(figure)).shape[0] > decode(png_bytes(curves(metrics()))).shape[0]
    with pytest.raises(InputError, match="missing net/nodes"):
        curves(metrics(), sizes=["net/nodes"])
    with pytest.raises(InputError, match="T \\+ 1"):
        curves(metrics() | sizes(generations=5), sizes=["net/nodes"])


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_sizes_that_are_zero_or_unknown_can_be_drawn(value):
    flat = {"net/nodes": np.full((3, 61), value)}
    png_bytes(curves(metrics() | flat, sizes=["net/nodes"]))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [1, 8, 19])
def test_a_strip_shows_every_pixel_in_the_order_of_reading(count, channels):
    images = np.random.default_rng(6).integers(0, 256, (count, 7, 5, channels), np.uint8)
    figure = strip(images, [[f"first {i}", r"$\frac{$"] for i in range(count)], ["some words " * 40, ""])
    drawn = decode(png_bytes(figure))
    tiles = np.broadcast_to(images, (*images.shape[:3], 3)).repeat(24, axis=1).repeat(24, axis=2)
    corners = [places(drawn, tile) for tile in tiles]
    assert all(len(found) == 1 for found in corners)
    in_order = [found[0] for found in corners]
    assert in_order == sorted(in_order)
    assert len({y for y, _ in in_order}) == -(-count // 8)
    assert all(0 <= x < 1 and 0 < y < 1 for x, y in (text.get_position() for text in figure.texts))
    assert texts(figure).count("first 0") == 1


@pytest.mark.parametrize(
    ("images", "captions"),
    [
        (np.zeros((2, 2, 1)), [[""]] * 2),
        (np.zeros((0, 2, 2, 1)), []),
        (np.zeros((2, 2, 2, 2)), [[""]] * 2),
        (np.full((1, 2, 2, 1), 2.0), [[""]]),
        (np.zeros((2, 2, 2, 1)), [[""]]),
        (np.zeros((201, 2, 2, 1)), [[""]] * 201),
    ],
)
def test_a_strip_refuses_what_it_cannot_draw(images, captions):
    with pytest.raises(InputError):
        strip(images, captions)


def test_saved_pngs_are_deterministic_and_hold_no_software_version(tmp_path):
    images = np.random.default_rng(2).random((2, 2, 4, 4, 3))
    for make in (lambda: gallery(images, np.ones((2, 2))), lambda: curves(metrics()), lambda: images[0, 0]):
        save_png(make(), tmp_path / "a.png")
        save_png(make(), tmp_path / "b.png")
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
        assert b"atplotlib" not in (tmp_path / "a.png").read_bytes()


@pytest.mark.parametrize("channels", [1, 3])
def test_saved_images_come_back_pixel_by_pixel(tmp_path, channels):
    image = np.random.default_rng(3).integers(0, 256, (5, 4, channels), np.uint8)
    for saved in (image, image / 255.0, (image / 255.0).astype(np.float32)):
        save_png(saved, tmp_path / "image.png")
        assert np.array_equal(np.asarray(Image.open(tmp_path / "image.png")).reshape(image.shape), image)


def report(text="plain"):
    images = np.random.default_rng(4).integers(0, 256, (2, 3, 4, 4, 1), np.uint8)
    odds = np.asarray([[10.0, 20.0, -np.inf], [8.0, 12.0, 14.0]])
    return Report(
        title=text,
        intro=[text, text],
        gallery_png=png_bytes(gallery(images, odds)),
        curves_png=png_bytes(curves(metrics())),
        numbers=[Number(text, text, text)],
        reached=[Reached(0, 10, None), Reached(1, 1020, 2000)],
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
    write_page(tmp_path / "index.html", given_report)
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
        write_page(tmp_path / "index.html", dataclasses.replace(given_report, elites=[elite]))
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
        write_page(tmp_path / "index.html", dataclasses.replace(given_report, elites=[elite]))


def test_a_page_shows_a_bounded_number_of_elites_and_says_so(tmp_path):
    given_report = report()
    many = [dataclasses.replace(given_report.elites[0], class_index=index) for index in range(1000)]
    html = Page(written(tmp_path, dataclasses.replace(given_report, elites=many)))
    assert len(html.of("img")) == 2 + page.MAX_ELITES
    assert "Show the first 200 of 1000 images" in "".join(html.text)


def test_a_bare_report_is_a_whole_page(tmp_path):
    bare = dataclasses.replace(report(), intro=[], numbers=[], reached=[], elites=[], notes=[], settings={})
    html = Page(written(tmp_path, bare))
    assert len(html.of("img")) == 2
    assert all(image["alt"] for image in html.of("img"))
    ids = {attributes["id"] for _, attributes in html.elements if "id" in attributes}
    assert {a["href"][1:] for a in html.of("a")} <= ids


def test_bytes_that_are_no_png_are_refused(tmp_path):
    with pytest.raises(InputError, match="curves_png"):
        write_page(tmp_path / "index.html", dataclasses.replace(report(), curves_png=b"<svg onload='x'>"))


def test_pages_are_deterministic_and_take_any_string(tmp_path):
    assert written(tmp_path, report("a\udcff")) == written(tmp_path, report("a\udcff"))


def test_a_failing_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "index.html"
    path.write_bytes(b"old")
    given_report = report()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for write in (lambda: write_page(path, given_report), lambda: save_png(np.zeros((2, 2)), path)):
        with pytest.raises(FaultError, match="No space left"):
            write()
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]


def test_importing_the_report_needs_no_display():
    code = "import sys, fooljax.report; print({'matplotlib.pyplot', 'tkinter'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
