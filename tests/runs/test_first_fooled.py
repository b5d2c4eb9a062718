"""The first images that fooled a network, beside the best, and what a second network takes both for."""

import csv
import dataclasses
import json
import re

import jax.numpy as jnp
import numpy as np
import pytest
from pages import Page, decode, texts
from PIL import Image
from recipes import choice_of, recipe, resume, run

from fooljax.encodings import direct
from fooljax.engine.log_odds import confidence, to_log_odds
from fooljax.engine.types import Target
from fooljax.errors import InputError
from fooljax.report import NamedAs, evolution_page, fooling_gallery, png_bytes
from fooljax.report.canvas import MIN_SHEET
from fooljax.runs.elites import claimed
from fooljax.runs.search_settings import SearchSettings
from fooljax.runs.summary import confidence_below_1, in_lines
from fooljax.storage.csv_files import text_of
from fooljax.storage.trees import load_arrays

SHAPE = (8, 8, 1)
NAMES = ("zero", "one", "two", "=three")
FOOLED = np.log(9999)


def linear(params, images):
    return images.reshape(images.shape[0], -1) @ params


def network(seed):
    weights = np.random.default_rng(seed).normal(0.0, 0.9, (64, 4)).astype(np.float32)
    # The last class is one that no image of 64 pixels reaches.
    weights[:, 3] = 0.1 * weights[:, 3] - 1.0
    facts = {"params_sha256": f"{seed}" * 8}
    return Target(jnp.asarray(weights), linear, f"linear {seed}", SHAPE, NAMES, None, "softmax", facts)


def experiment(second=None, target=None):
    return recipe("lines", lambda _: choice_of(target or network(0), second), direct)


CONFIG = SearchSettings(runs=2, generations=120, children=16, until=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    outdir = tmp_path_factory.mktemp("first") / "run"
    run(experiment(network(1)), CONFIG, outdir)
    return outdir


@pytest.fixture(scope="module")
def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def scored(path, seed):
    """By other code: log-odds of every class, in float64."""
    pixels = np.asarray(Image.open(path), np.float64).ravel() / 255.0
    logits = pixels @ np.asarray(network(seed).params, np.float64)
    others = [np.delete(logits, index) for index in range(4)]
    return np.array([logit - np.logaddexp.reduce(rest) for logit, rest in zip(logits, others, strict=True)])


def test_the_first_image_of_each_class_that_fooled_the_network_is_kept(folder, summary):
    first, best = (rows_of(folder / f"{name}.csv") for name in ("first", "elites"))
    assert first[0].keys() == best[0].keys()
    assert len(best) == 8
    assert 4 <= len(first) < 8
    by_cell = {(row["run"], row["class"]): row for row in best}
    for row in first:
        odds = scored(folder / row["file"], 0)[int(row["class"])]
        assert odds == pytest.approx(float(row["log_odds"]), abs=1e-4)
        assert odds >= FOOLED - 1e-3
        # In one step it is not far above, and the best was born later, unless it is the same image.
        later = by_cell[row["run"], row["class"]]
        assert int(row["query"]) <= int(later["query"])
        assert float(row["log_odds"]) <= float(later["log_odds"])
        same = (folder / row["file"]).read_bytes() == (folder / later["file"]).read_bytes()
        assert same == (row["query"] == later["query"])
        assert float(row["file"][:-4].rsplit("-", 1)[1]) <= confidence(odds) + 1e-6
    assert sum(row["query"] != by_cell[row["run"], row["class"]]["query"] for row in first) >= 4
    # The course of the search tells the same: a class fooled in generation g has its image from there.
    metrics = np.genfromtxt(folder / "metrics.csv", delimiter=",", names=True)
    for index in (0, 1):
        shares = metrics["share_9999"][metrics["run"] == index]
        born = np.array([int(row["generation"]) for row in first if row["run"] == str(index)])
        np.testing.assert_allclose(
            shares, [np.mean([*(born <= g), False]) for g in range(len(shares))], atol=1e-6
        )
    told = summary["first_fooled"]
    assert (told["images"], told["of"], told["images_at_9999"]) == (len(first), 8, len(first))
    assert told["median_log_odds"] == pytest.approx(np.median([float(row["log_odds"]) for row in first]))
    for name, column in (("generations", "generation"), ("queries", "query")):
        values = [int(row[column]) for row in first]
        assert told[name] == {"least": min(values), "median": np.median(values), "most": max(values)}
    arrays, _, facts = load_arrays(folder / "first.npz")
    assert facts == load_arrays(folder / "archive.npz")[2]
    assert int(np.sum(np.isfinite(arrays["fitness"]))) == len(first)


def test_the_verdict_of_a_second_network_is_that_of_the_files(folder, summary):
    told = summary["second_network"]
    assert (told["name"], told["sha256"]) == ("linear 1", "11111111")
    for name, key in (("first", "first_fooled"), ("elites", "best")):
        rows = rows_of(folder / f"{name}.csv")
        alike = []
        for row in rows:
            odds = scored(folder / row["file"], 1)
            assert int(row["second_class"]) == np.argmax(odds)
            assert row["second_class_name"].removeprefix("'") == NAMES[np.argmax(odds)]
            assert float(row["second_confidence"]) <= confidence(odds.max()) + 1e-6
            assert float(row["second_confidence"]) == pytest.approx(confidence(odds.max()), abs=1e-4)
            alike += [odds.max()] if np.argmax(odds) == int(row["class"]) else []
        assert told[key]["images"] == len(rows)
        assert told[key]["named_alike"] == len(alike) == sum(told[key]["named_alike_of_each_run"])
        for level, count in told[key]["named_alike_with"].items():
            assert count == np.sum(np.array(alike) >= to_log_odds(float(level)))
    assert told["first_fooled"]["named_alike"] < told["first_fooled"]["images"]


def test_the_page_shows_the_first_and_the_best_and_what_the_second_network_says(folder, summary):
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    text = " ".join("".join(Page(html).text).split())
    first = rows_of(folder / "first.csv")
    assert text.count("first at 99.99 %") + text.count("first and best") == len(first)
    assert text.count("best; not fooled") == 8 - len(first)
    assert text.count("second network: ") == text.count("first at 99.99 %") + 8
    assert f"Classes fooled {len(first)} of 8" in text
    assert f"A second network agrees {summary['second_network']['first_fooled']['named_alike']} of " in text
    links = [a["href"] for a in Page(html).of("a") if not a["href"].startswith("#")]
    assert links
    assert all((folder / link.replace("%3D", "=")).is_file() for link in links)
    # The gallery holds the first images, pixel by pixel.
    drawn = decode((folder / "gallery.png").read_bytes())
    for row in first:
        image = np.asarray(Image.open(folder / row["file"]))
        assert contains(drawn, image)


def contains(sheet, image):
    scale = 168 // 8
    tile = image.repeat(scale, 0).repeat(scale, 1)
    rows, columns = (sheet.shape[axis] - tile.shape[axis] + 1 for axis in (0, 1))
    corners = np.argwhere(np.all(sheet[:rows, :columns] == tile[0, 0], axis=-1))
    size = len(tile)
    return any(np.array_equal(sheet[y : y + size, x : x + size, 0], tile) for y, x in corners)


def test_without_a_second_network_it_is_not_measured(folder, tmp_path):
    outdir = tmp_path / "run"
    summary = run(experiment(), dataclasses.replace(CONFIG, runs=1, generations=2), outdir)
    assert summary["second_network"] == "not measured"
    text = " ".join("".join(Page((outdir / "index.html").read_text(encoding="utf-8")).text).split())
    assert "A second network agrees not measured" in text
    assert "second network: " not in text
    for name in ("elites", "first"):
        table = (outdir / f"{name}.csv").read_text()
        assert table.splitlines()[0].endswith(",second_class,second_class_name,second_confidence")
    assert all(row["second_class"] == "" for row in rows_of(outdir / "elites.csv"))
    assert summary["first_fooled"]["of"] == 4
    assert len(in_lines(summary)) == 2
    one = {**summary["first_fooled"], "images": 1, "generations": {"median": 1200.0}}
    assert in_lines({**summary, "first_fooled": one})[0] == "fooled: 1 of 4 classes, in generation 1,200"
    assert in_lines({**summary, "first_fooled": {**one, "images": 2}})[0] == (
        "fooled: 2 of 4 classes, half of them by generation 1,200"
    )


def test_a_run_that_fools_nothing_has_a_whole_folder(tmp_path):
    outdir = tmp_path / "run"
    summary = run(experiment(network(1)), dataclasses.replace(CONFIG, runs=1, generations=0), outdir)
    assert summary["first_fooled"]["images"] == 0
    assert summary["first_fooled"]["median_log_odds"] is None
    assert list((outdir / "first").iterdir()) == []
    assert rows_of(outdir / "first.csv") == []
    assert in_lines(summary)[0] == "fooled: 0 of 4 classes"


def test_a_second_network_of_other_classes_is_one_line(tmp_path):
    other = dataclasses.replace(network(1), class_names=("a", "b", "c", "d"))
    with pytest.raises(InputError, match=r"^second network: expected the 4 classes of linear 0, got"):
        run(experiment(other), dataclasses.replace(CONFIG, generations=0), tmp_path / "run")


def test_the_summary_is_written_last(tmp_path, monkeypatch):
    """A run that ends between the search and the page is not taken for finished, and goes on."""
    outdir = tmp_path / "run"
    config = dataclasses.replace(CONFIG, runs=1, generations=3)
    genuine = evolution_page.write_run_page

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(evolution_page, "write_run_page", full)
    with pytest.raises(OSError, match="No space"):
        run(experiment(), config, outdir)
    assert not (outdir / "summary.json").exists()
    monkeypatch.setattr(evolution_page, "write_run_page", genuine)
    resume(experiment(), outdir, {})
    assert (outdir / "summary.json").exists()
    # Gone on with after it was finished, and broken off: it is not finished any more.
    monkeypatch.setattr(evolution_page, "write_run_page", full)
    with pytest.raises(OSError, match="No space"):
        resume(experiment(), outdir, {"generations": 5})
    assert not (outdir / "summary.json").exists()


@pytest.mark.parametrize("odds", [9.2104, 13.0, 20.0, 40.0, 700.0, -3.0, np.float32(16.7)])
def test_no_confidence_is_written_rounded_up(odds):
    assert float(claimed(odds)) <= confidence(odds)
    assert float(claimed(odds)) < 1.0
    assert confidence_below_1(odds) < 1.0
    summary = {
        "first_fooled": {"images": 0, "of": 1},
        "rescored": {"median_log_odds": odds, "min_log_odds": odds},
        "second_network": "not measured",
    }
    assert "100" not in in_lines(summary)[1]
    assert "1.0" not in in_lines(summary)[1]


def test_the_gallery_marks_what_did_not_fool_and_explains_itself():
    images = np.random.default_rng(0).integers(0, 256, (1, 3, 4, 4, 1), np.uint8)
    seconds = [[NamedAs(1, "b", 3.0), NamedAs(2, "c", 20.0), None]]
    odds = [[9.5, 2.0, -np.inf]]
    figure = fooling_gallery(images, odds, ["a", "b", "c"], fooled=[[True, False, False]], seconds=seconds)
    words = texts(figure)
    assert words.count("not fooled") == 1
    assert [word for word in words if word.startswith("2nd: ")] == ["2nd: b", "2nd: c"]
    assert words.count("95.25 %") == words.count("≥ 99.9999 %") == 1
    everything = " ".join(words)
    for said in ("at 99.99 %", "marked as not fooled", "trained independently"):
        assert said in everything
    assert decode(png_bytes(figure)).shape[1] >= MIN_SHEET
    assert all(0 < x < 1 and 0 < y < 1 for x, y in (text.get_position() for text in figure.texts))
    plain = " ".join(texts(fooling_gallery(images, [[9.5, 9.6, 9.7]], ["a", "b", "c"], fooled=[[True] * 3])))
    assert "not fooled" not in plain
    assert "second network" not in plain
    assert not re.search("2nd", plain)


def test_images_without_a_number_are_counted_and_told(tmp_path):
    target = network(0)

    def holes(params, images):
        bright = jnp.mean(images, axis=(1, 2, 3)) > 0.53
        return jnp.where(bright[:, None], jnp.nan, linear(params, images))

    nan = experiment(target=dataclasses.replace(target, apply=holes))
    outdir = tmp_path / "run"
    summary = run(nan, dataclasses.replace(CONFIG, runs=1, generations=20), outdir)
    counted = np.genfromtxt(outdir / "metrics.csv", delimiter=",", names=True)["nan"]
    assert 0 < summary["nan_images"] == np.sum(counted)
    assert summary["nan_share"] == summary["nan_images"] / (16 * 21)
    text = " ".join("".join(Page((outdir / "index.html").read_text(encoding="utf-8")).text).split())
    assert f"gave no number (NaN) for {summary['nan_images']} of 336 images" in text


def test_names_from_outside_are_shown_and_never_obeyed(tmp_path):
    names = ("=1+1", "\x1b[2J\x00", "\u202e</li>\ud800", "猫; @SUM")
    named = dataclasses.replace(network(0), class_names=names)
    hostile = experiment(named, named)
    outdir = tmp_path / "run"
    run(hostile, dataclasses.replace(CONFIG, runs=1, generations=2), outdir)
    html = (outdir / "index.html").read_text(encoding="utf-8")
    assert all(one.isprintable() or one == "\n" for one in html)
    assert r"class \x1b[2J\x00" in html
    rows = rows_of(outdir / "elites.csv")
    assert [text_of(row["class_name"]) for row in rows] == list(names)
    assert all(
        not row[name].startswith(("=", "+", "-", "@")) for row in rows for name in row if "name" in name
    )
    assert all(path.name.isascii() for path in (outdir / "elites").iterdir())
