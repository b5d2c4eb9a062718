"""`fooljax export`: the pictures as the runs saved them, the same bytes each time, all of it or nothing."""

import csv
import json
import re
import shutil
import tarfile

import numpy as np
import pytest
from pages import one_line
from PIL import Image

import fooljax
from fooljax.cli import export
from fooljax.exports.writing import FORMATS

COUNT = 2 * 4 + 2 * 2
"""Two runs of four classes, and two start images of two."""


def files_of(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def rows_of(folder):
    """The rows of a data set for the hub, by the name of their picture."""
    lines = (folder / "test" / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["file_name"]: row for row in map(json.loads, lines)}


def pictures_of(folder):
    """The content of every picture of a data set."""
    pictures = [content for name, content in files_of(folder).items() if name.endswith(".png")]
    for shard in sorted(folder.glob("*.tar")):
        with tarfile.open(shard) as tar:
            pictures += [tar.extractfile(one).read() for one in tar if one.name.endswith(".png")]
    return sorted(pictures)


@pytest.mark.parametrize("reader", FORMATS)
def test_every_picture_is_that_of_its_run_byte_for_byte(reader, exported, search, ascent):
    saved = [*search.glob("elites/*.png"), *ascent.glob("images/unregularised/*.png")]
    assert len(saved) == COUNT
    assert pictures_of(exported(reader)) == sorted(path.read_bytes() for path in saved)


@pytest.mark.parametrize("reader", FORMATS)
def test_the_same_runs_give_the_same_bytes(reader, exported, tmp_path):
    first = files_of(exported(reader))
    shutil.move(tmp_path / "set", tmp_path / "before")
    assert files_of(exported(reader)) == first


def test_a_row_tells_what_the_run_knows_of_its_image(exported, search, ascent):
    folder = exported("hub")
    result, climbed = fooljax.open_run(search), fooljax.open_run(ascent)
    rows = rows_of(folder)
    assert len(rows) == COUNT
    name = result.class_names[2]
    row = rows[f"digits-twice-run01-class002-{name}.png"]
    assert (row["label"], row["class_name"], row["run"], row["seed"]) == (2, name, 1, 0)
    assert (row["source"], row["encoding"], row["method"]) == ("digits-twice", "direct", None)
    assert row["log_odds"] == row["score"] == pytest.approx(float(result.log_odds[1, 2]))
    assert row["passes"] == int(result.archive.ids[1, 2]) + 1
    picture = np.asarray(Image.open(folder / "test" / row["file_name"]))
    assert np.array_equal(picture, result.images[1, 2, ..., 0])
    assert "run01-class002" in json.loads((folder / row["genome"]).read_text())["of"]
    row = rows[f"ascent-unregularised-start01-class003-{result.class_names[3]}.png"]
    assert (row["label"], row["run"], row["seed"], row["method"]) == (3, 1, 3, "unregularised")
    assert row["log_odds"] == pytest.approx(float(climbed.log_odds[1, 1]))
    assert row["passes"] * climbed.log_odds.size == climbed.queries
    assert row["genome"] is None


def test_the_paper_s_own_folders_hold_a_run_each(exported):
    folder = exported("pytorch-ood")
    runs = sorted(path.name for path in (folder / "10-runs-x-1000-cppns").iterdir())
    assert runs == ["run_0", "run_1", "run_2", "run_3"]
    counts = [len(list((folder / f"10-runs-x-1000-cppns/{run}/map_gen_5000").glob("*.png"))) for run in runs]
    assert counts == [4, 4, 2, 2]
    with open(folder / "metadata.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all((folder / row["file_name"]).is_file() for row in rows)


def test_each_line_of_openood_s_list_is_a_path_and_the_label_of_no_class(exported):
    folder = exported("openood", name="odd name")
    lines = next(folder.glob("data/benchmark_imglist/*/test_odd-name.txt")).read_text().splitlines()
    assert len(lines) == COUNT
    for line in lines:
        path, label = line.split(" ", 1)
        assert (folder / "data" / "images_classic" / path).is_file()
        assert label == "-1"
    config = next(folder.glob("configs/datasets/*/*.yml")).read_text()
    assert "datasets: [odd-name]" in config


def test_a_tar_file_tells_no_owner_and_no_date(exported):
    with tarfile.open(exported("webdataset") / "set-000000.tar") as tar:
        members = tar.getmembers()
    assert {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in members} == {(0, 0, "", "", 0)}
    assert [one.name for one in members] == sorted(one.name for one in members)


def test_the_card_begins_with_yaml_and_says_where_the_images_are_from(exported):
    text = (exported("hub", "--licence", "cc0-1.0") / "README.md").read_text(encoding="utf-8")
    front = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)[1]
    assert 'license: "cc0-1.0"' in front
    assert "- split: test" in front
    for part in ("digits-twice", "network passes", "judge", f"{COUNT} images", "99.99 %"):
        assert part.lower() in text.lower(), part


def test_only_sure_images_are_written_where_that_is_asked(exported, search, ascent):
    odds = np.concatenate([np.ravel(fooljax.open_run(one).log_odds) for one in (search, ascent)])
    least = float(fooljax.confidence(np.sort(odds)[-3] - 1e-6))
    rows = rows_of(exported("hub", "--least-confidence", f"{least:.12f}"))
    assert len(rows) == 3


def test_a_run_twice_is_two_sources(search, tmp_path):
    words = [str(search), str(search), "--to", "hub", "--output", str(tmp_path / "set")]
    assert export.main(words) == 0
    assert {row["source"] for row in rows_of(tmp_path / "set").values()} == {"digits-twice", "digits-twice-2"}


def renamed(run, copy, names):
    """A copy of a run whose network knows classes of other names."""
    shutil.copytree(run, copy)
    target = json.loads((copy / "target.json").read_text())
    (copy / "target.json").write_text(json.dumps(target | {"class_names": names}))
    return copy


def refused(words, capsys):
    assert export.main([str(word) for word in words]) == 2
    return one_line(capsys)


def test_what_is_wrong_is_one_line_and_nothing_is_written(search, tmp_path, capsys):
    output = tmp_path / "set"
    to = ["--to", "hub", "--output", output]
    (tmp_path / "there").mkdir()
    other = renamed(search, tmp_path / "other", [f"class {index}" for index in range(4)])
    for words, message in (
        (to, "RUN"),
        ([search, "--to", "kaggle", "--output", output], "--to: expected one of pytorch-ood, openood"),
        ([search, "--to", "hub"], "--output"),
        ([search, "--to", "hub", "--output", tmp_path / "there"], "--output: expected a new folder"),
        ([tmp_path / "there", *to], "expected a run folder, found no config.json"),
        ([search, other, *to], "RUN: expected runs whose networks know the same classes"),
        ([search, *to, "--licence", "mine: all"], "--licence: expected an identifier as cc0-1.0"),
        ([search, *to, "--least-confidence", "1"], "--least-confidence: expected a number from 1e-06"),
        ([search, *to, "--least-confidence", "0.999999"], "--least-confidence: expected one that some image"),
    ):
        assert message in refused(words, capsys), words
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "there"]
    assert not list((tmp_path / "there").iterdir())


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: next(run.glob("elites/*.png")).unlink(), "expected the saved images of the run"),
        (lambda run: cut(next(run.glob("elites/*class003*.png"))), "expected a PNG file"),
        (lambda run: cut(next(run.glob("elites/*class003*.json"))), "expected a genome"),
        (lambda run: cut(run / "archive.npz"), "archive.npz"),
        (lambda run: (run / "summary.json").unlink(), "expected a finished run"),
        (lambda run: (run / "elites.csv").write_text("run,class\n0,0\n"), "expected a table of saved images"),
        (
            lambda run: (run / "elites.csv").write_text(
                (run / "elites.csv").read_text().replace("elites/run00", "../elites/run00", 1)
            ),
            "expected the name of a file in the run's folder",
        ),
    ],
)
def test_a_damaged_run_is_one_line_and_leaves_nothing(damage, message, search, tmp_path, capsys):
    run = shutil.copytree(search, tmp_path / "run")
    damage(run)
    assert message in refused([run, "--to", "hub", "--output", tmp_path / "set"], capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_names_from_outside_stay_names_of_files(search, tmp_path):
    names = ["../../up", "a|b\n# c", "=1+1", "\u202eright"]
    run = renamed(search, tmp_path / "run", names)
    for reader in FORMATS:
        output = tmp_path / f"..{reader}"
        assert export.main([str(run), "--to", reader, "--output", str(output)]) == 0
        for name in files_of(output):
            assert re.fullmatch(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", name), name
    assert {path.name for path in tmp_path.iterdir()} == {"run", *(f"..{one}" for one in FORMATS)}


def test_an_ascent_is_a_data_frame_of_its_images(ascent):
    pytest.importorskip("pandas")
    result = fooljax.open_run(ascent)
    frame = result.to_pandas()
    assert len(frame) == result.log_odds.size
    row = frame[(frame["start"] == 1) & (frame["class"] == 3)].iloc[0]
    assert (row["method"], row["class_name"]) == ("unregularised", result.class_names[3])
    assert row["log_odds"] == result.log_odds[1, 1]
