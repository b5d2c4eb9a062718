"""One search of several processes: the archive of one, one writer, and an end for all when one is gone."""

import os
import signal

import jax
import loopback
import numpy as np
import pytest
import toys
from loopback import SEARCH, begin, ends, run

import fooljax
from fooljax.cli.main import main
from fooljax.storage.trees import load_tree
from fooljax.strategies import map_elites

SETTINGS = (*SEARCH, "--generations", "60", "--until", "off", "--lineage")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The folder of the same run, made by one process."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "network.py").write_text(loopback.NETWORK)
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(str(folder))
    assert main(["evolve", *SETTINGS, "--quiet", "--devices", "1", "--outdir", str(folder / "run")]) == 0
    patch.undo()
    return folder / "run"


def assert_same(found, expected):
    """The same archives and ancestors, bit for bit."""
    for name in ("archive.npz", "first.npz", "lineage.npz"):
        one, other = np.load(found / name), np.load(expected / name)
        assert one.files == other.files
        assert [key for key in one.files if one[key].tobytes() != other[key].tobytes()] == []
    for name in ("metrics.csv", "elites.csv"):
        assert (found / name).read_bytes() == (expected / name).read_bytes()


def assert_others_are_silent(folder, found):
    """Process 0 alone writes and speaks."""
    for index, (_, output, errors) in enumerate(found[1:], 1):
        assert (output, errors) == ("", "")
        assert list((folder / str(index)).iterdir()) == []


def test_killed_and_resumed_two_processes_give_the_archive_of_one(tmp_path):
    """The second sees no file of the first: not the folder, the checkpoints nor the settings."""
    network = toys.target().replace(image_shape=(6, 6, 1))
    strategy = map_elites(toys.ENCODING, batch_size=16)
    alone = fooljax.evolve(network, "direct", strategy, key=0, generations=60, runs=2, devices=1)

    where = {index: ("--num-processes", "2", "--process-id", str(index)) for index in range(2)}
    settings = (*SETTINGS, "--outdir", "run", "--checkpoint-seconds", "0")
    found = run(tmp_path, 2, *settings, dying=1, flags_of=where)
    assert [status for status, _, _ in found] == [1, -signal.SIGKILL]
    (line,) = found[0][2].splitlines()
    assert line.startswith("error: process 1 (of 0 to 1) is gone; go on with: fooljax evolve --resume ")
    assert line.endswith(
        " --distributed --num-processes 2 --process-id 0 --devices all "
        "(likewise in the other processes, each with its own --process-id)"
    )
    assert_others_are_silent(tmp_path, found)
    assert not (tmp_path / "0" / "run" / "summary.json").exists()

    resume = ("--target", "network:target", "--resume", "run")
    found = run(tmp_path, 2, *resume)
    assert [(status, errors) for status, _, errors in found] == [(0, ""), (0, "")]
    assert "page: run/index.html" in found[0][1]
    assert_others_are_silent(tmp_path, found)
    kept, _ = load_tree(tmp_path / "0" / "run" / "archive.npz", alone.archive)
    equal = jax.tree.map(lambda one, other: one.tobytes() == other.tobytes(), kept, alone.archive)
    assert all(jax.tree.leaves(equal))


@pytest.mark.slow
@pytest.mark.parametrize("dying", [0, 2])
def test_whichever_of_three_is_gone(alone, tmp_path, dying):
    found = run(tmp_path, 3, *SETTINGS, "--outdir", "run", "--checkpoint-seconds", "0", dying=dying)
    assert [status for status, _, _ in found] == [-9 if index == dying else 1 for index in range(3)]
    said = f"error: process {dying} (of 0 to 2)"
    for index, (_, _, errors) in enumerate(found):
        # Without process 0 nobody can speak for the others.
        lines = 1 if index != dying and 0 in (index, dying) else 0
        assert len(errors.splitlines()) == lines, errors
        assert all(line.startswith(said) for line in errors.splitlines())
    found = run(tmp_path, 3, "--target", "network:target", "--resume", "run")
    assert [status for status, _, _ in found] == [0, 0, 0]
    assert_others_are_silent(tmp_path, found)
    assert_same(tmp_path / "0" / "run", alone)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags_of", "told"),
    [
        (
            {1: ("--seed", "1")},
            "--seed: expected the same on all processes, got 0 on process 0 and 1 on process 1",
        ),
        ({0: ("--seed", "x"), 1: ("--seed", "x")}, "--seed: expected a whole number, got x"),
        ({1: ("--seed", "x")}, "--seed: expected a whole number, got x (process 1)"),
        ({1: ("--target", "network:none")}, "(process 1)"),
        ({0: ("--outdir", "..")}, "--outdir: "),
        (
            {1: ("--devices", "2"), 0: ("--devices", "1")},
            "--devices: expected all, or some of each of the 2 processes",
        ),
    ],
)
def test_wrong_input_on_any_process_is_one_line_and_ends_all(tmp_path, flags_of, told):
    found = run(tmp_path, 2, *SETTINGS, flags_of=flags_of)
    assert [status for status, _, _ in found] == [2, 2]
    (line,) = found[0][2].splitlines()
    assert line.startswith("error: ")
    assert told in line
    assert_others_are_silent(tmp_path, found)
    assert [path.name for path in (tmp_path / "0").rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_ctrl_c_in_one_process_saves_the_run_and_ends_all(alone, tmp_path):
    endless = [flag if flag != "60" else "1000000" for flag in SETTINGS]
    processes = begin(tmp_path, 2, *endless, "--outdir", "run", "--checkpoint-seconds", "1000")
    for line in processes[0].stdout:
        if line.startswith("generation 0/"):
            break
    os.kill(processes[1].pid, signal.SIGINT)
    found = ends(processes)
    assert [status for status, _, _ in found] == [130, 130]
    (line,) = found[0][2].splitlines()
    assert line.startswith("stopped at generation ")
    assert found[1][1:] == ("", "")
    assert list((tmp_path / "0" / "run" / "checkpoints").iterdir())


@pytest.mark.slow
def test_networks_that_differ_are_refused_but_those_that_machines_trained_are_replaced(tmp_path):
    found = run(tmp_path, 2, *SETTINGS, "--target", "network:own", "--outdir", "refused")
    assert [status for status, _, _ in found] == [2, 2]
    (line,) = found[0][2].splitlines()
    assert line.startswith("error: the network's parameters: expected the same on all processes, got ")

    found = run(tmp_path, 2, *SETTINGS, "--target", "network:own_trained", "--outdir", "first")
    assert [status for status, _, _ in found] == [0, 0]
    (line,) = found[0][2].splitlines()
    assert line == "note: the processes trained networks that differ; all of them take that of process 0"
    settings = (*SETTINGS, "--target", "network:own_trained", "--outdir", "second", "--init-from", "first")
    found = run(tmp_path, 2, *settings)
    assert [status for status, _, _ in found] == [0, 0]
    assert_others_are_silent(tmp_path, found)
