"""Sweeps over settings, and the table made of them."""

import json
import os
import signal
import sys
import threading
import time

import pytest

from experiments import sweep, tabulate
from experiments.command_line import Interrupted
from fooljax.errors import InputError


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
        "target_sha256": sha,
        "runs": len(counts),
        "generations": 200,
        "generations_to_median_9999": median,
        "generations_to_all_9999": every,
        "genomes": {"cppn/share_full": {"end": 0.0, "mean": 0.0}},
        "rescored": rescored,
    }
    (folder / "summary.json").write_text(json.dumps(content))


def test_a_table_has_a_line_for_each_setting_compared(tmp_path, capsys):
    summary(tmp_path / "a", "1", "paper", [20, 30], [150, None], [10, 9])
    summary(tmp_path / "b", "2", "paper", [25, 35], [None, None], [8, 9], seed=1)
    summary(tmp_path / "c", "3", "strong", [40, 40], [190, 190], [10, 10])
    assert tabulate.main([str(tmp_path)]) == 0
    head, rule, paper, strong = capsys.readouterr().out.splitlines()
    cells = [cell.strip() for cell in head.split("|")[1:-1]]
    assert cells[0] == "target recipe"
    assert set(rule) <= set("|- ")
    paper, strong = ([cell.strip() for cell in row.split("|")[1:-1]] for row in (paper, strong))
    assert paper[:4] == ["paper", "2 x 2", "4 of 4", "25 [20, 35]"]
    assert paper[4] == "> 200 [150, > 200]; 1 of 4 runs"
    assert paper[5].startswith("90.0% [8")
    assert strong[4:] == ["190 [190, 190]; 2 of 2 runs", "100.0% [100.0%, 100.0%]", "99.99 %"]


def test_tables_of_something_else_are_refused(tmp_path, capsys):
    assert tabulate.main([str(tmp_path)]) == 2
    assert "expected a folder with a summary.json" in capsys.readouterr().err
    (tmp_path / "summary.json").write_text("{}")
    assert tabulate.main([str(tmp_path)]) == 2
    assert "found no settings in it" in capsys.readouterr().err


def test_combinations_and_their_folders():
    made = sweep.combinations(["seed+target_seed=0,1", "coordinates=raw,scaled"])
    assert made[1] == {"seed": "0", "target-seed": "0", "coordinates": "scaled"}
    assert len(made) == 4
    assert sweep.folder_name(made[1]) == "seed=0,target-seed=0,coordinates=scaled"
    assert "/" not in sweep.folder_name({"data": "idx:/tmp/../x"})


def test_a_sweep_runs_goes_on_and_leaves_what_is_done(tmp_path, monkeypatch, capsys):
    calls = []

    def run(command):
        words = command[3:]
        calls.append(words)
        folder = tmp_path / "s" / next(w for w in words if "seed=" in w).split("/")[-1]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text("{}")
        if len(calls) == 2:
            return 130
        (folder / "summary.json").write_text("{}")
        return 0

    monkeypatch.setattr(sweep, "_run", run)
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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["nothing", "--outdir", "x"],
            "EXPERIMENT: expected a file of the folder experiments, got 'nothing'",
        ),
        (["sweep", "--outdir", "x"], "EXPERIMENT: sweep is not an experiment"),
        (["mnist_direct"], "--outdir"),
        (["mnist_direct", "--outdir", "x", "--", "--outdir", "y"], "--outdir: expected it before the --"),
        (["mnist_direct", "--outdir", "x", "--vary", "seed"], "--vary: expected SETTING=VALUE,VALUE"),
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
    names = [sweep.folder_name({"data": value}) for value in values]
    assert len(set(names)) == len(names)
    assert all(len(name) < 255 and "/" not in name and name.isascii() for name in names)
    assert sweep.folder_name({"data": values[0]}) == names[0]
    with pytest.raises(InputError, match=r"^--vary: expected each value once, got seed=1,2,1$"):
        sweep.combinations(["seed=1,2,1"])
    with pytest.raises(
        InputError, match=r"^--vary: expected at most 10,000 combinations, got 10,000,000,000$"
    ):
        sweep.combinations([f"s{axis}=0,1,2,3,4,5,6,7,8,9" for axis in range(10)])


def test_a_folder_with_another_run_is_not_taken_for_a_finished_one(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "seed=0"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"settings": {"seed": 0, "runs": 2}}))
    (folder / "summary.json").write_text("{}")
    monkeypatch.setattr(sweep, "_run", lambda command: pytest.fail("nothing is to be run"))
    command = ["mnist_direct", "--outdir", str(tmp_path), "--vary", "seed=0", "--", "--runs"]
    assert sweep.main([*command, "2"]) == 0
    assert sweep.main([*command, "3"]) == 2
    assert "seed=0: expected a run with runs 3, found 2" in capsys.readouterr().err


def test_wrong_values_are_told_before_the_first_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sweep, "_run", lambda command: pytest.fail("nothing is to be run"))
    assert sweep.main(["mnist_direct", "--outdir", str(tmp_path), "--vary", "seed=0,x"]) == 2
    assert "--seed: expected a whole number, got x" in capsys.readouterr().err


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
    with pytest.raises(Interrupted):
        sweep._run([sys.executable, "-c", slow, str(tmp_path / "saved"), str(tmp_path / "begun")])
    assert (tmp_path / "saved").read_text() == "saved"
