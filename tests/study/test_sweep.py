"""Sweeps over settings, and the table made of them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import filelock
import numpy as np
import pytest

from fooljax.cli import sweep, swept_run, tabulate
from fooljax.errors import InputError
from fooljax.study.combinations import combinations, folder_name
from fooljax.study.parts import PartContext
from fooljax.terminal import Interrupted, Signals

RESULTS = Path(__file__).parents[2] / "docs" / "results"


def summary(folder, sha, recipe, median, every, counts, **settings):
    folder.mkdir(parents=True)
    rescored = {
        "images": 10 * len(counts),
        "images_at_9999_of_each_run": counts,
        "median_confidence_of_each_run": [0.99999] * len(counts),
        "min_confidence_of_each_run": [0.9999 if count == 10 else 0.99 for count in counts],
    }
    content = {
        "experiment": "mnist_cppn",
        "settings": {"target_recipe": recipe, "seed": 0, "children": 200, **settings},
        "target": f"LeNet ({recipe} recipe)",
        "target_sha256": sha,
        "runs": len(counts),
        "generations": 200,
        "generations_to_median_9999": median,
        "generations_to_all_9999": every,
        "genomes": {"cppn/share_full": {"end": 0.0, "mean": 0.0}},
        "rescored": rescored,
    }
    (folder / "summary.json").write_text(json.dumps(content))


def cells_of(text):
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]] for row in text.splitlines() if row.startswith("|")
    ]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def test_a_table_has_a_line_for_each_setting_compared(tmp_path, capsys):
    summary(tmp_path / "a", "1" * 64, "paper", [20, 30], [150, None], [10, 9], children=100)
    summary(tmp_path / "b", "2" * 64, "paper", [25, 35], [None, None], [8, 9], children=100, seed=1)
    summary(tmp_path / "c", "3" * 64, "strong", [40, 40], [190, 190], [10, 10])
    assert tabulate.main([str(tmp_path)]) == 0
    text = capsys.readouterr().out
    paper, strong = cells_of(text)
    assert (paper["target"], strong["target"]) == ("LeNet (paper recipe)", "LeNet (strong recipe)")
    assert (paper["children"], strong["children"]) == ("100", "200")
    assert (paper["networks"], strong["networks"]) == ("A", "B")
    assert "A: 11111111 22222222; B: 33333333." in text
    assert "A unit is a run on an independently trained network" in text
    assert paper["networks x runs"] == "2 x 2"
    assert paper["runs with median >= 99.99 % at the end"] == "4 of 4"
    middle, low, high = (float(part.strip("[],")) for part in paper["generation of the median"].split())
    assert (middle, low < 20, high > 35) == (25, True, True)
    assert paper["generation of all classes"] == "> 200; 1 of 4 runs"
    assert paper["images >= 99.99 %"].startswith("90.0 % [")
    assert strong["generation of all classes"] == "190 [190, 190]; 2 of 2 runs"
    assert strong["images >= 99.99 %"].startswith("100 % [")
    assert strong["lowest"] == "99.99 %"


def test_the_order_of_summaries_and_runs_changes_no_figure(tmp_path, capsys):
    summary(tmp_path / "1", "1" * 64, "paper", [20, 30, 50], [150, None, 120], [10, 9, 10])
    summary(tmp_path / "2", "2" * 64, "paper", [25, 35, 10], [None, 90, 60], [8, 10, 10])
    tabulate.main([str(tmp_path)])
    first = cells_of(capsys.readouterr().out)
    summary(tmp_path / "x1", "2" * 64, "paper", [10, 25, 35], [60, None, 90], [10, 8, 10])
    summary(tmp_path / "x2", "1" * 64, "paper", [50, 30, 20], [120, None, 150], [10, 9, 10])
    tabulate.main([str(tmp_path / name) for name in ("x1", "x2")])
    assert cells_of(capsys.readouterr().out) == first


def test_the_published_folders_are_read(capsys):
    for folder in ("mnist_direct", "mnist_cppn", "storage"):
        assert tabulate.main([str(RESULTS / folder)]) == 0
        rows = cells_of(capsys.readouterr().out)
        assert len(rows) > 1
        assert any(row["networks x runs"].startswith("5 x ") for row in rows)
    assert tabulate.main([str(RESULTS / "mnist_direct" / "random-search-target0.json")]) == 0
    (control,) = cells_of(capsys.readouterr().out)
    assert control["images >= 99.99 %"].startswith("0 % ")


def test_tables_of_something_else_are_refused(tmp_path, capsys):
    assert tabulate.main([str(tmp_path)]) == 2
    assert "expected a folder with a summary.json" in capsys.readouterr().err
    summary(tmp_path / "whole", "1", "paper", [20], [150], [10])
    whole = json.loads((tmp_path / "whole" / "summary.json").read_text())
    for damage in (
        {"rescored": None},
        {"settings": [1]},
        {"runs": None},
        {"runs": 0},
        {"runs": "x\x1b[31m"},
        {"target_sha256": None, "generations_to_all_9999": 5},
        {"generations_to_all_9999": ["NaN"]},
        {"generations_to_median_9999": []},
        {"generations": []},
        {"generations": 1e999},
        {"rescored": {**whole["rescored"], "images": 0}},
        {"rescored": {**whole["rescored"], "images_at_9999_of_each_run": [11]}},
        {"rescored": {**whole["rescored"], "min_confidence_of_each_run": ["a"]}},
        {"rescored": {**whole["rescored"], "min_confidence_of_each_run": [2.0]}},
    ):
        (tmp_path / "whole" / "summary.json").write_text(json.dumps({**whole, **damage}))
        assert tabulate.main([str(tmp_path)]) == 2, damage
        error = capsys.readouterr().err
        assert "summary.json: expected" in error
        assert error.count("\n") == 1
        assert "\x1b" not in error


def test_combinations_and_their_folders():
    made = combinations(["seed+target_seed=0,1", "coordinates=raw,scaled"])
    assert made[1] == {"seed": "0", "target-seed": "0", "coordinates": "scaled"}
    assert len(made) == 4
    assert folder_name(made[1]) == "seed=0,target-seed=0,coordinates=scaled"
    assert "/" not in folder_name({"data": "idx:/data/../x"})


def test_a_sweep_runs_goes_on_and_leaves_what_is_done(tmp_path, monkeypatch, capsys):
    calls = []

    def run(command, where, wanted):
        words = command[4:]
        calls.append(words)
        folder = tmp_path / "s" / next(w for w in words if "seed=" in w).split("/")[-1]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text("{}")
        if len(calls) == 2:
            return 130
        (folder / "summary.json").write_text("{}")
        return 0

    monkeypatch.setattr(swept_run, "run_to_its_end", run)
    command = ["mnist_direct", "--outdir", str(tmp_path / "s"), "--vary", "seed=0,1,2", "--", "--runs", "3"]
    assert sweep.main(command) == 1
    assert "the run ended with status 130" in capsys.readouterr().err
    assert sweep.main(command) == 0
    assert [call[1] for call in calls] == ["0", "1", "1", "2"]
    assert [("--resume" in call, "--outdir" in call) for call in calls] == [
        (False, True),
        (False, True),
        (True, False),
        (False, True),
    ]
    assert calls[0][2:4] == ["--runs", "3"]
    with filelock.FileLock(tmp_path / "s" / ".lock"):
        assert sweep.main(command) == 2
    assert "another process is at work in this sweep" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["nothing", "--outdir", "x"],
            "EXPERIMENT: expected evolve, ascend or a file of the folder experiments, got 'nothing'",
        ),
        (["sweep", "--outdir", "x"], "EXPERIMENT: sweep is not an experiment with one run"),
        (["mnist_direct"], "--outdir"),
        (["mnist_direct", "--outdir", "x", "--", "--outdir", "y"], "--outdir: expected it before the --"),
        (["mnist_direct", "--outdir", "x", "--vary", "seed"], "--vary: expected SETTING=VALUE,VALUE"),
        (
            ["mnist_direct", "--outdir", "x", "--workers", "0"],
            "--workers: expected a whole number from 1 to 1024",
        ),
        (
            ["mnist_direct", "--outdir", "x", "--workers", "9" * 5000],
            "--workers: expected a whole number from 1",
        ),
        (
            ["mnist_direct", "--outdir", "x", "--workers", "2", "--scheduler", "h:1"],
            "--workers: not together with scheduler, whose cluster has workers of its own",
        ),
        (["mnist_direct", "--outdir", "x", "--vary", "seed=1", "--vary", "seed=2"], "got seed twice"),
    ],
)
def test_wrong_flags_are_one_line(words, message, capsys):
    assert sweep.main(words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_every_combination_has_a_folder_of_its_own():
    values = [
        "idx:/a/b",
        "idx:/a_b",
        "idx:/a b",
        "idx:/\u00e4b",
        "x" * 300 + "1",
        "x" * 300 + "2",
        "idx__a_b",
    ]
    names = [folder_name({"data": value}) for value in values]
    assert len(set(names)) == len(names)
    assert all(len(name) < 255 and "/" not in name and name.isascii() for name in names)
    assert folder_name({"data": values[0]}) == names[0]
    with pytest.raises(InputError, match=r"^--vary: expected each value once, got seed=1,2,1$"):
        combinations(["seed=1,2,1"])
    with pytest.raises(
        InputError, match=r"^--vary: expected at most 10,000 combinations, got 10,000,000,000$"
    ):
        combinations([f"s{axis}=0,1,2,3,4,5,6,7,8,9" for axis in range(10)])


@pytest.mark.parametrize(
    ("command", "words"),
    [("evolve", ["--encoding", "cppn", "--runs", "3"]), ("ascend", ["--target", "lenet"])],
)
def test_commands_of_the_package_are_swept_too(tmp_path, monkeypatch, capsys, command, words):
    calls = []
    monkeypatch.setattr(swept_run, "run_to_its_end", lambda words, *_: calls.append(words[3:]) or 0)
    given = [command, "--outdir", str(tmp_path / "s"), "--vary", "seed=0,1", "--", *words]
    assert sweep.main(given) == 0
    assert [call[:2] for call in calls] == [["fooljax.cli.main", command]] * 2
    assert [call[2:4] for call in calls] == [["--seed", "0"], ["--seed", "1"]]
    assert calls[0][4:] == [*words, "--outdir", str(tmp_path / "s" / "seed=0"), "--quiet"]
    assert sweep.main([*given, "--colour", "red"]) == 2
    assert "--colour" in capsys.readouterr().err


def test_runs_of_one_command_are_told_apart_by_what_draws_the_images(tmp_path, capsys):
    for encoding in ("direct", "cppn"):
        summary(tmp_path / encoding, "1" * 64, "paper", [20], [150], [10])
        file = tmp_path / encoding / "summary.json"
        whole = {**json.loads(file.read_text()), "experiment": None, "encoding": encoding}
        file.write_text(json.dumps(whole))
    assert tabulate.main([str(tmp_path)]) == 0
    assert [row["encoding"] for row in cells_of(capsys.readouterr().out)] == ["cppn", "direct"]


def test_a_folder_with_another_run_is_not_taken_for_a_finished_one(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "seed=0"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"settings": {"seed": 0, "runs": 2}}))
    (folder / "summary.json").write_text("{}")
    monkeypatch.setattr(swept_run, "run_to_its_end", lambda *_: pytest.fail("nothing is to be run"))
    command = ["mnist_direct", "--outdir", str(tmp_path), "--vary", "seed=0", "--", "--runs"]
    assert sweep.main([*command, "2"]) == 0
    assert sweep.main([*command, "3"]) == 2
    assert "seed=0: expected a run with runs 3, found 2" in capsys.readouterr().err


def test_wrong_values_are_told_before_the_first_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(swept_run, "run_to_its_end", lambda *_: pytest.fail("nothing is to be run"))
    assert sweep.main(["mnist_direct", "--outdir", str(tmp_path), "--vary", "seed=0,x"]) == 2
    assert "--seed: expected a whole number, got x" in capsys.readouterr().err


def test_a_scheduler_that_is_none_makes_no_folder(tmp_path, capsys):
    pytest.importorskip("distributed")
    command = ["evolve", "--outdir", str(tmp_path / "s"), "--scheduler", "nonsense", "--vary", "seed=0"]
    assert sweep.main(command) == 2
    assert capsys.readouterr().err.startswith("error: --scheduler: expected an address as ")
    assert not (tmp_path / "s").exists()


def test_a_sweep_that_is_interrupted_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise Interrupted(signal.SIGINT, "interrupted")

    monkeypatch.setattr(swept_run, "run_to_its_end", interrupted)
    assert sweep.main(["evolve", "--outdir", str(tmp_path / "s"), "--vary", "seed=0"]) == 130
    assert capsys.readouterr().err == "interrupted; give the same command again to go on\n"


def test_what_a_run_says_of_an_error_is_an_error_of_the_sweep(capsys):
    for line in ("evolve --seed 0", "note: slow", "error: no device"):
        sweep._say(line)
    assert capsys.readouterr() == ("evolve --seed 0\n", "note: slow\nerror: no device\n")


def test_a_signal_is_passed_on_and_the_run_waited_for(tmp_path):
    """The run takes a while to save; the sweep ends after it."""
    slow = (
        "import pathlib, signal, sys, time\n"
        "def save(*_): time.sleep(0.6); pathlib.Path(sys.argv[1]).write_text('saved'); sys.exit(7)\n"
        "signal.signal(signal.SIGTERM, save)\n"
        "signal.alarm(30)\n"
        "pathlib.Path(sys.argv[2]).touch()\n"
        "time.sleep(30)"
    )

    def tell():
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=tell).start()
    command = [sys.executable, "-c", slow, str(tmp_path / "saved"), str(tmp_path / "begun")]
    with pytest.raises(Interrupted), Signals():
        swept_run.run_to_its_end(command, str(tmp_path), lambda: True)
    assert (tmp_path / "saved").read_text() == "saved"


@pytest.fixture
def tended(tmp_path):
    """Begins a program that ends with its input."""

    def begin(text, *words):
        (tmp_path / "some_program.py").write_text(text)
        command = [sys.executable, "-m", "fooljax.cli.tended", "some_program", *words]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=pipe, stdout=pipe, text=True)

    return begin


def test_a_run_of_a_sweep_is_the_program_that_was_asked_for(tended):
    process = tended("import sys; print(__name__, sys.argv[1:]); sys.exit(7)", "--seed", "1")
    assert process.stdout.read() == "__main__ ['--seed', '1']\n"
    assert process.wait(60) == 7
    process.stdin.close()


def test_a_run_of_a_sweep_ends_with_the_process_that_began_it(tended):
    process = tended("import time; print('begun', flush=True); time.sleep(600)")
    assert process.stdout.readline() == "begun\n"
    process.stdin.close()  # as the system does when that process is killed
    assert process.wait(60) == 128 + signal.SIGHUP
    process.stdout.close()


def test_a_folder_that_a_worker_does_not_see_is_named(tmp_path):
    run = swept_run.SweptRun("evolve", ("fooljax.cli.main", "evolve"), "s/seed=0", str(tmp_path))
    with pytest.raises(
        InputError, match=r"^--outdir: expected a folder that all workers see, found none at "
    ):
        list(swept_run.do(PartContext(print), run))


@pytest.mark.slow
def test_a_sweep_by_two_workers_of_which_one_is_killed_is_that_of_one_process(tmp_path, idx_folder):
    pytest.importorskip("distributed")
    flags = ["--vary", "seed=0,1", "--", "--data", f"idx:{idx_folder}", "--runs", "1"]
    flags += [
        "--children",
        "8",
        "--generations",
        "1000",
        "--strategy",
        "random_search",
        "--checkpoint-seconds",
        "0",
    ]
    killed = []

    def kill():
        while not killed:
            for path in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    words = (path / "cmdline").read_bytes().split(b"\0")
                    folder = tmp_path / "by-two" / "seed=0"
                    if (
                        b"fooljax.cli.tended" in words
                        and bytes(folder) in words
                        and (folder / "metrics.csv").exists()
                    ):
                        killed.append(int((path / "stat").read_text().rsplit(")")[-1].split()[1]))
                        os.kill(killed[0], signal.SIGKILL)
            time.sleep(0.05)

    thread = threading.Thread(target=kill)
    thread.start()
    assert sweep.main(["mnist_direct", "--outdir", str(tmp_path / "by-two"), "--workers", "2", *flags]) == 0
    thread.join(60)
    assert killed
    assert sweep.main(["mnist_direct", "--outdir", str(tmp_path / "by-one"), *flags]) == 0
    for seed in (0, 1):
        one, two = (np.load(tmp_path / by / f"seed={seed}" / "archive.npz") for by in ("by-one", "by-two"))
        assert one.files == two.files
        assert all(np.array_equal(one[name], two[name]) for name in one.files)
