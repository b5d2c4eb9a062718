"""`fooljax compare`: runs at as many passes."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fooljax.cli import compare
from fooljax.report import budget, confidence_axis

ROW = "run,generation,median_log_odds,queries\n"


@pytest.fixture
def folder(tmp_path):
    def make(name, rows, target="0" * 64, odds=1.0):
        path = tmp_path / name
        path.mkdir(parents=True)
        lines = [f"{run},{index},{value},{passes}\n" for index, (run, passes, value) in enumerate(rows)]
        (path / "metrics.csv").write_text(ROW + "".join(lines))
        rescored = {"median_log_odds": odds, "shares": {"0.5": 0.25, "0.9": 0.125}}
        (path / "summary.json").write_text(json.dumps({"target_sha256": target, "rescored": rescored}))
        return str(path)

    return make


def test_each_run_is_read_where_the_shortest_ends(folder, tmp_path, capsys):
    long = folder("long", [(0, 10, -3.0), (0, 20, -2.0), (0, 30, 4.0)])
    short = folder("short", [(0, 5, -3.0), (1, 5, -1.0), (0, 25, 0.0), (1, 25, 2.0)], odds=0.0)
    picture = tmp_path / "curves.png"
    assert compare.main([long, short, "--names", "first,second", "--output", str(picture)]) == 0
    lines = [line.split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert lines[0][1] == "median at 25 passes"
    # At 25 passes the first run stands where 20 have brought it.
    assert [line[1] for line in lines[2:4]] == ["11.92 %", "73.10 %"]
    assert lines[2][2:5] == ["30", "73.10 %", "25.0 %"]
    assert lines[3][3:7] == ["50.00 %", "25.0 %", "12.5 %", "-"]
    assert lines[-1] == [f"curves: {picture}"]
    with Image.open(picture) as image:
        assert np.asarray(image).std() > 0


def test_passes_may_be_given(folder, capsys):
    run = folder("run", [(0, 10, -3.0), (0, 20, 0.0)])
    assert compare.main([run, "--passes", "12"]) == 0
    assert "4.74 %" in capsys.readouterr().out.splitlines()[2]


def test_passes_before_a_run_are_counted(folder, capsys):
    run = folder("run", [(0, 10, -3.0), (0, 20, 0.0)])
    path = Path(run, "summary.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "evaluations_before": 100}))
    assert compare.main([run, "--passes", "112"]) == 0
    assert capsys.readouterr().out.splitlines()[2].split(" | ")[1:3] == ["4.74 %", "120"]
    path.write_text(json.dumps({**json.loads(path.read_text()), "evaluations_before": "many"}))
    assert compare.main([run]) == 2
    assert "expected a number evaluations_before, found 'many'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--passes", "9"], "passes: expected 10 to 20, those of run, got 9"),
        (["--passes", "21"], "passes: expected 10 to 20"),
        (["--names", "a,b"], "names: expected 1 different ones, got a, b"),
    ],
)
def test_wrong_flags(folder, flags, told, capsys):
    assert compare.main([folder("run", [(0, 10, -3.0), (0, 20, 0.0)]), *flags]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_folders_that_do_not_fit(folder, tmp_path, capsys):
    rows = [(0, 10, -3.0)]
    first, other = folder("first", rows), folder("other", rows, target="1" * 64)
    assert compare.main([first, other]) == 2
    assert "expected runs against one target" in capsys.readouterr().err
    assert compare.main([str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err
    (tmp_path / "other" / "metrics.csv").write_text("a,b\n1,2\n")
    assert compare.main([other]) == 2
    assert "expected the metrics of a run" in capsys.readouterr().err


GOOD = ROW + "0,0,-3.0,10\n0,1,-2.0,20\n"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("metrics.csv", ROW),
        ("metrics.csv", ""),
        ("metrics.csv", GOOD + "x" * 200_000 + ",1,2,3\n"),
        ("metrics.csv", GOOD + "0,2\n"),
        ("metrics.csv", GOOD.replace("20", "inf")),
        ("metrics.csv", GOOD.replace("20", "9" * 400)),
        ("metrics.csv", GOOD.replace("20", "9" * 5000)),
        ("metrics.csv", GOOD.replace("20", "-1")),
        ("metrics.csv", GOOD.replace("20", "10")),
        ("metrics.csv", GOOD.replace("-2.0", "nan")),
        ("metrics.csv", GOOD.replace("0,1", "7,1")),
        ("metrics.csv", GOOD.replace("0,1", "99999999999,1")),
        ("metrics.csv", GOOD.replace("0,1", "-1,1")),
        ("metrics.csv", GOOD + "\x00"),
        ("metrics.csv", "\ud800"),
        ("summary.json", "{}"),
        ("summary.json", '{"rescored": {}}'),
        ("summary.json", '{"rescored": {"median_log_odds": 1.0, "shares": [1]}, "target_sha256": "0"}'),
        (
            "summary.json",
            '{"rescored": {"median_log_odds": 1.0, "shares": {"0.5": "x"}}, "target_sha256": "0"}',
        ),
        ("summary.json", '{"rescored": {"median_log_odds": 1e999}, "target_sha256": "0"}'),
        ("summary.json", '{"rescored": {"median_log_odds": 1.0}}'),
        ("summary.json", '{"rescored": {"median_log_odds": 1.0}, "target_sha256": ["0"]}'),
        (
            "summary.json",
            '{"rescored": {"median_log_odds": 1}, "target_sha256": "", "evaluations_before": 1e16}',
        ),
    ],
)
def test_damaged_figures_are_one_line(folder, file, content, capsys):
    run = folder("run", [(0, 10, -3.0), (0, 20, 0.0)])
    Path(run, file).write_bytes(content.encode("utf-8", "surrogatepass"))
    assert compare.main([run]) == 2
    error = capsys.readouterr().err
    assert f"{file}: expected " in error
    assert error.count("\n") == 1
    assert len(error) < len(run) + 400


def test_a_pipe_in_a_run_folder_is_refused_at_once(folder, capsys):
    run = folder("run", [(0, 10, -3.0), (0, 20, 0.0)])
    for file in ("summary.json", "metrics.csv"):
        Path(run, file).unlink()
        os.mkfifo(Path(run, file))
        assert compare.main([run]) == 2
        assert "expected a file, found a pipe" in capsys.readouterr().err
        Path(run, file).unlink()
        Path(run, file).write_text('{"rescored": {"median_log_odds": 1}, "target_sha256": "0"}')


def test_names_are_shown_and_not_obeyed(folder, capsys):
    assert compare.main([folder("run", [(0, 10, -3.0)]), "--names", "a\x1b[2J"]) == 0
    assert "a\\x1b[2J" in capsys.readouterr().out
    assert compare.main([folder("other", [(0, 10, -3.0)]), "--passes", "0"]) == 2
    assert "passes: expected 10 to 10, those of other, got 0" in capsys.readouterr().err


def test_a_picture_of_very_high_log_odds_keeps_its_ticks_apart(monkeypatch):
    drawn = []
    monkeypatch.setattr(budget, "_finished", lambda figure: drawn.append(figure) or b"")
    budget.median_curves({"a": ([10, 20, 30], [[-70.0, 2.0, 75.0]])})
    (axes,) = drawn[0].axes
    (right,) = axes.child_axes
    low, high = axes.get_ylim()
    assert low < -70.0
    assert high > 75.0
    places = sorted(right.get_yticks())
    assert len(places) > 3
    assert min(np.diff(places)) > confidence_axis.CROWDED * (high - low)


def test_what_is_no_finished_search_is_told_as_elsewhere(folder, tmp_path, capsys):
    run = folder("run", [(0, 10, -3.0)])
    for argv, told in (
        ([str(tmp_path)], f"{tmp_path}: expected a run folder, found no config.json in it"),
        ([run, run], f"RUN: expected different folders without --names, got {run} twice"),
        (
            [run, folder("x/run", [(0, 10, -3.0)])],
            "got run, run (names of the folders; give others by --names)",
        ),
    ):
        assert compare.main(argv) == 2
        assert told in capsys.readouterr().err
    Path(run, "config.json").write_text('{"kind": "ascent"}')
    assert compare.main([run]) == 2
    assert "expected a search, found a gradient ascent" in capsys.readouterr().err
