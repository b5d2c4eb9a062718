"""What judges say of a run: when it ends, and again from its folder alone."""

import csv
import json
import shutil

import numpy as np
import pytest
from pages import Page, html_of, one_line

from experiments import mnist_direct
from fooljax.cli import report
from fooljax.errors import InputError
from fooljax.runs import judging
from fooljax.runs.judge_names import names_of
from fooljax.runs.opened import open_folder
from fooljax.runs.panel_table import FILE, read_panel_rows, save_panel_rows
from fooljax.runs.summary import in_lines


def panel_of(folder):
    return json.loads((folder / "summary.json").read_text())["panel"]


def without_panel(folder):
    """The folder as an older version left it."""
    summary = json.loads((folder / "summary.json").read_text())
    del summary["panel"]
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    (folder / FILE).unlink()


def test_a_run_tells_what_judges_say_of_its_images(finished):
    panel = panel_of(finished)
    assert list(panel["judges"]) == ["lenet-1", "knn"]
    assert panel["judges"]["lenet-1"]["same_family"]
    assert not panel["judges"]["knn"]["same_family"]
    assert panel["clean_images"]["held_out_from_all_networks"]
    assert panel["features_of"] == "lenet-1"
    best = panel["sets"]["elites"]
    assert best["images"] == 8
    assert best["no_judge_agrees"] + best["every_judge_agrees"] <= best["fooled"]
    assert set(best["after"]) == {"grey_level", "shift", "jpeg", "blur"}


def test_the_controls_are_told_apart(finished):
    sets = panel_of(finished)["sets"]
    clean = sets["clean"]
    assert clean["no_judge_agrees"] == 0
    for judge in clean["judges"].values():
        assert judge["agrees"] >= 0.8 * clean["images"]
    for kind in ("uniform_noise", "gaussian_noise"):
        for judge in sets[kind]["judges"].values():
            assert judge["agrees"] <= 0.1 * sets[kind]["images"]
        assert sets[kind]["distances"]["pixels"]["median_percentile"] == 100.0


def test_the_table_has_each_image_and_adds_up_to_the_summary(finished):
    record = open_folder(finished)
    rows = record.panel_rows
    for kind, kept in (("elites", record.elites), ("first", record.first_rows)):
        own = [row for row in rows if row.kind == kind]
        assert [(row.run, row.class_index, row.log_odds) for row in own] == [
            (row.run, row.class_index, row.log_odds) for row in kept
        ]
        told = record.summary["panel"]["sets"].get(kind, {"no_judge_agrees": 0, "judges": {}})
        assert sum(row.fools for row in own) == told["no_judge_agrees"]
        for name, judge in told["judges"].items():
            assert sum(row.judges[name].agrees for row in own) == judge["agrees"]
            named = sum(row.judges[name].class_index == row.class_index for row in own)
            assert named == judge["names_the_class"]


def test_the_second_network_is_the_judge_that_has_its_name(finished):
    record = open_folder(finished)
    for row, judged in zip(record.elites, record.panel_rows, strict=False):
        says = judged.judges["lenet-1"]
        assert (says.class_index, says.confidence) == (row.second.class_index, row.second.confidence)


def test_a_report_judges_the_folder_alone_and_finds_the_same(copied, finished, capsys):
    without_panel(copied)
    assert report.main([str(copied)]) == 0
    assert "Is it recognisable?" not in (copied / "index.html").read_text()
    assert report.main([str(copied), "--judges", "auto"]) == 0
    for name in ("summary.json", FILE, "index.html"):
        assert (copied / name).read_bytes() == (finished / name).read_bytes()
    # Judges that were named take the place of the others.
    assert report.main([str(copied), "--judges", "knn", "--output", str(copied)]) == 0
    assert list(panel_of(copied)["judges"]) == ["knn"]
    assert panel_of(copied)["features_of"] is None
    assert set(open_folder(copied).panel_rows[0].distances) == {"pixels"}
    capsys.readouterr()


def test_the_page_says_which_judges_were_found_in_a_folder(copied, capsys):
    assert "No judge was named" not in (copied / "index.html").read_text()
    summary = json.loads((copied / "summary.json").read_text())
    summary["panel"]["found_in_folder"] = ["squeezenet", "tiny-darknet"]
    (copied / "summary.json").write_text(json.dumps(summary))
    assert report.main([str(copied)]) == 0
    html = " ".join((copied / "index.html").read_text().split())
    assert "is another than that of the network: squeezenet and tiny-darknet." in html
    capsys.readouterr()


def test_the_page_shows_the_judges_to_a_stranger(finished):
    html = " ".join(html_of(finished / "index.html").split())
    assert "An image counts as fooling when the network gives its class 99.99 % or more and no judge" in html
    page = Page(html)
    assert any(link["href"] == "#judges" for link in page.of("a"))
    assert html.count('class="thumb"') == 8
    for words in ("lenet-1* agrees", "knn agrees", "Control: uniform noise", "Still, after JPEG"):
        assert words in html


def test_none_asks_nobody(settings, tmp_path):
    assert (
        mnist_direct.main([*settings, "--generations", "2", "--quiet", "--outdir", str(tmp_path / "a")]) == 0
    )
    assert panel_of(tmp_path / "a") == "not measured"
    assert not (tmp_path / "a" / FILE).exists()
    assert "No judge was asked what it takes these images for." in (tmp_path / "a/index.html").read_text()


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        (
            {"fooled": 12, "no_judge_agrees": 9},
            "a judge agrees on 3 of the 12 best images that fool the network (judges: lenet-1, knn)",
        ),
        (
            {"fooled": 0, "no_judge_agrees": 0},
            "no best image fools the network, so judges can agree on none (judges: lenet-1, knn)",
        ),
    ],
)
def test_the_terminal_tells_it_in_a_line(counts, told, finished):
    summary = open_folder(finished).summary
    summary["panel"]["sets"]["elites"] |= counts
    assert [line for line in in_lines(summary) if "judge" in line] == [told]


def test_judges_that_fail_in_the_end_do_not_cost_the_run(settings, tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise InputError("judges: expected one that tells clean images from noise, but all do not")

    monkeypatch.setattr(judging, "judge_run", refuse)
    flags = [*settings, "--generations", "2", "--judges", "knn", "--quiet", "--outdir", str(tmp_path / "a")]
    assert mnist_direct.main(flags) == 0
    assert panel_of(tmp_path / "a") == "not measured"


@pytest.mark.parametrize("text", ["lenet-9", "lenet-1,", "auto,knn", "knn,knn", "", "vgg"])
def test_judges_that_there_are_not_end_a_run_before_it_begins(settings, tmp_path, capsys, text):
    outdir = tmp_path / "a"
    assert mnist_direct.main([*settings, "--judges", text, "--quiet", "--outdir", str(outdir)]) == 2
    assert one_line(capsys).startswith("error: --judges: ")
    assert not outdir.exists()


def test_a_report_refuses_what_is_no_judge_and_leaves_the_folder(copied, capsys):
    before = (copied / "summary.json").read_bytes()
    for text in ("lenet-9", "none", "efficientnet-lite9"):
        assert report.main([str(copied), "--judges", text]) == 2
        assert one_line(capsys).startswith("error: --judges: ")
    assert (copied / "summary.json").read_bytes() == before


def test_a_folder_of_weights_that_is_not_there_is_told(copied, tmp_path, capsys):
    assert report.main([str(copied), "--judges", "auto", "--weights", str(tmp_path / "none")]) == 2
    assert one_line(capsys).startswith("error: --weights: expected a folder, found none at ")


def test_a_judge_of_other_classes_is_refused(copied, capsys):
    """The shipped networks know ten classes, the run has four."""
    assert report.main([str(copied), "--judges", "lenet-1"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[-1].startswith("error: --judges: expected the 4 classes of LeNet (paper recipe), got the 10")


def test_names_are_read():
    assert names_of("auto") == ["auto"]
    assert names_of("a,b:c") == ["a", "b:c"]


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:1] + lines[1:2] * 2,
        lambda lines: [lines[0], lines[1].replace("elites", "other")],
        lambda lines: [lines[0], lines[1] + ",1"],
        lambda lines: [lines[0].replace("log_odds", "odds"), lines[1]],
        lambda lines: [lines[0], lines[1].replace("elites,0", "elites,7")],
        lambda lines: [],
    ],
)
def test_a_damaged_table_is_one_line(copied, capsys, change):
    lines = (copied / FILE).read_text().splitlines()
    (copied / FILE).write_text("\n".join(change(lines)) + "\n")
    assert report.main([str(copied)]) == 2
    assert FILE in one_line(capsys)


def test_a_table_is_read_as_it_was_written(finished, tmp_path):
    record = open_folder(finished)
    rows = record.panel_rows
    save_panel_rows(tmp_path / FILE, rows)
    assert (tmp_path / FILE).read_bytes() == (finished / FILE).read_bytes()
    with open(finished / FILE, newline="") as file:
        assert len(list(csv.reader(file))) == len(rows) + 1
    save_panel_rows(tmp_path / FILE, [])
    assert read_panel_rows(tmp_path / FILE, ("elites", "first"), record.runs, record.cells) == []
    assert all(np.isfinite(list(row.after.values())).all() for row in rows)
    shutil.rmtree(tmp_path)
