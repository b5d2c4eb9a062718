"""The page of a search is made from its folder alone: when the run ends, and again by `fooljax report`."""

import json
import shutil
from pathlib import Path

import pytest
from pages import Page, one_line

from fooljax.cli import report

PUBLISHED = Path(__file__).parents[2] / "docs/results/imagenet_cppn_fine"
MADE = ("index.html", "gallery.png", "curves.png")


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of a finished run, in the current folder."""
    copy = tmp_path / "run"
    shutil.copytree(finished, copy)
    return copy


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def edited(folder, change):
    path = folder / "config.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def test_a_page_made_again_is_the_page_that_the_run_made(folder, finished, capsys):
    for name in MADE:
        (folder / name).unlink()
    assert report.main([str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder / 'index.html'}\n"
    assert contents(folder) == contents(finished)


def test_a_page_elsewhere_takes_its_images_along(folder, finished, tmp_path):
    output = tmp_path / "page"
    assert report.main([str(folder), "--output", str(output)]) == 0
    assert contents(folder) == contents(finished)
    made = contents(output)
    assert {name for name in made if "/" not in name} == set(MADE)
    assert made == {name: contents(folder)[name] for name in made}
    links = [a["href"] for a in Page(made["index.html"].decode()).of("a") if not a["href"].startswith("#")]
    assert links
    assert all((output / link).is_file() for link in links)


def test_images_that_were_not_kept_are_drawn_again(folder, finished, tmp_path, monkeypatch):
    for name in ("elites", "first", *MADE):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = contents(folder)
    monkeypatch.chdir(tmp_path)
    assert report.main([str(folder)]) == 0
    assert contents(folder) == before
    made, kept = contents(tmp_path / "runs" / "run-report"), contents(finished)
    images = {name for name in made if "/" in name}
    assert images == {name for name in kept if name.startswith(("elites/", "first/"))}
    assert {name: made[name] for name in images} == {name: kept[name] for name in images}
    assert made["gallery.png"] == kept["gallery.png"]
    assert b"drawn again from the genomes" in made["index.html"]
    # An earlier report is replaced.
    assert report.main([str(folder)]) == 0
    assert contents(tmp_path / "runs" / "run-report") == made


def test_a_folder_of_version_0_1_has_a_page(folder, finished):
    gone = ("encoding", "target", "data_is_used")

    def old(config):
        settings = {name: value for name, value in config["settings"].items() if name not in gone}
        return {"experiment": "mnist_direct", "settings": settings, "versions": config["versions"]}

    edited(folder, old)
    (folder / "index.html").unlink()
    assert report.main([str(folder)]) == 0
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert "Fooling a digit network, pixel by pixel" in html
    assert "python -m experiments.mnist_direct" in html
    images = [image["src"] for image in Page(html).of("img")]
    new = Page((finished / "index.html").read_text(encoding="utf-8"))
    assert images == [image["src"] for image in new.of("img")]


def test_the_second_network_stands_on_the_page(finished):
    html = (finished / "index.html").read_text(encoding="utf-8")
    assert "A second network agrees" in html
    assert "second network: " in html


def test_an_encoding_of_ones_own_must_be_named_where_images_are_missing(folder, tmp_path, capsys):
    own = {"name": "mine", "image_shape": [16, 16, 1], "settings": None}
    edited(folder, lambda config: {**config, "encoding": own})
    assert report.main([str(folder), "--output", str(tmp_path / "a")]) == 0
    shutil.rmtree(folder / "elites")
    assert report.main([str(folder), "--output", str(tmp_path / "b")]) == 2
    line = one_line(capsys)
    assert line.startswith("error: --encoding: ")
    assert "MODULE:NAME" in line


@pytest.mark.parametrize("name", ["notes.txt", "index.html"])
def test_nothing_but_an_earlier_report_is_replaced(folder, tmp_path, capsys, name):
    output = tmp_path / "full"
    output.mkdir()
    (output / name).write_text("mine")
    assert report.main([str(folder), "--output", str(output)]) == 2
    assert f"found {name} in" in one_line(capsys)
    assert contents(output) == {name: b"mine"}


def test_a_damaged_summary_is_one_line(folder, capsys):
    (folder / "summary.json").write_text('{"rescored": {"median_log_odds": 1}, "target_sha256": "x"}')
    assert report.main([str(folder)]) == 2
    assert "summary.json" in one_line(capsys)


def test_what_is_no_run_is_one_line(tmp_path, capsys):
    assert report.main([str(tmp_path)]) == 2
    assert "expected the folder of a run or an audit, found neither config.json nor" in one_line(capsys)
    assert report.main([""]) == 2
    assert "RUN: expected a path" in one_line(capsys)


def test_what_is_missing_is_told_with_how_many(folder, tmp_path, capsys):
    lines = (folder / "elites.csv").read_text().splitlines()
    (folder / "elites.csv").write_text("\n".join(lines[:-1]) + "\n")
    next((folder / "elites").glob("run00-*.png")).unlink()
    assert report.main([str(folder), "--output", str(tmp_path / "page")]) == 0
    told = capsys.readouterr().err
    assert "note: elites.csv lacks 1 of 8 images of the archive. 1 of " in told
    assert "Not all files of this run were kept." in (tmp_path / "page" / "index.html").read_text()


def test_a_summary_of_another_run_is_refused(folder, capsys):
    path = folder / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"target_sha256": "0" * 64}))
    assert report.main([str(folder)]) == 2
    assert "summary.json: expected target_sha256" in one_line(capsys)


@pytest.mark.slow
def test_a_published_archive_has_a_page_of_all_its_classes(tmp_path):
    before = contents(PUBLISHED)
    assert report.main([str(PUBLISHED), "--output", str(tmp_path / "page")]) == 0
    assert contents(PUBLISHED) == before
    made = contents(tmp_path / "page")
    classes = Page(made["classes.html"].decode())
    links = [a["href"] for a in classes.of("a") if a["href"].startswith("elites/")]
    assert len(links) == 1000
    assert set(links) <= set(made)
    assert len(made["classes.html"]) < 5e6
    assert len(made["index.html"]) < 8e6
    # No first images were kept, so none is said to be one.
    assert b"not fooled" not in made["index.html"]
