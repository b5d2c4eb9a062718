"""Sweeps over settings, and the table made of them."""

import json
from types import SimpleNamespace

import pytest

from experiments import sweep, tabulate


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

    def run(command, check):
        words = command[3:]
        calls.append(words)
        folder = tmp_path / "s" / next(w for w in words if "seed=" in w).split("/")[-1]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text("{}")
        if len(calls) == 2:
            return SimpleNamespace(returncode=130)
        (folder / "summary.json").write_text("{}")
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(sweep.subprocess, "run", run)
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
        (["mnist_direct", "--outdir", "x", "--vary", "seed"], "--vary: expected SETTING=VALUE,VALUE"),
        (["mnist_direct", "--outdir", "x", "--vary", "seed=1", "--vary", "seed=2"], "got seed twice"),
    ],
)
def test_wrong_flags_are_one_line(words, message, capsys):
    assert sweep.main(words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
