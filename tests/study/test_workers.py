"""Work that other processes do gives what one process gives, whichever of them die."""

import dataclasses
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import toy_study
from toy_study import APART, Config

from fooljax import study
from fooljax.errors import FaultError, InputError
from fooljax.study.parts import Part
from fooljax.study.workers import start_workers

OWN = re.compile(rb'"(device|sha256)": "[^"]*"|"wall_seconds": [0-9.]+')
distributed = pytest.importorskip("distributed")
dask_workers = pytest.importorskip("fooljax.study.dask_workers")


def quiet(folder, changed=APART, **told):
    return study.run(changed, Config(), folder, say=lambda line: None, **told)


def measured_by(measure):
    return dataclasses.replace(APART, measure=measure)


def files(folder):
    """The content of all files, without the device and the seconds of rows, and their checksum."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): OWN.sub(b"", path.read_bytes()) for path in paths}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    quiet(folder)
    return files(folder)


@pytest.fixture(scope="module")
def scheduler():
    """A running cluster of two workers, which gives a part up when two have died with it."""
    import dask

    settings = {**dask_workers.SETTINGS, "distributed.scheduler.allowed-failures": 1}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
    ):
        yield cluster.scheduler_address


def test_one_of_two_local_workers_dies_and_nothing_is_missing(tmp_path, alone, monkeypatch):
    monkeypatch.setenv("TOY_FOLDER", str(tmp_path))
    said = []
    changed = measured_by(toy_study.dying_once)
    study.run(changed, Config(), tmp_path / "s", say=said.append, workers=2)
    assert (tmp_path / "died").exists()
    assert files(tmp_path / "s") == alone
    rows = study.read_rows(tmp_path / "s" / "rows.jsonl")
    assert {row["device"].rpartition(", ")[2] for row in rows} == {"1 thread"}
    assert [line for line in said if "seed=" not in line] == [
        "a worker is gone; what it had begun is done again"
    ]
    assert sorted(line.split(" ")[0] for line in said if "seed=" in line) == ["1", "2", "3"]


def test_a_running_cluster_gives_the_same_rows_and_what_is_there_is_left_alone(tmp_path, alone, scheduler):
    quiet(tmp_path, scheduler=scheduler)
    assert files(tmp_path) == alone
    kept, missing = (tmp_path / "rows" / f"round=0,seed={seed}.json" for seed in (0, 1))
    missing.unlink()
    before = kept.stat().st_mtime_ns
    quiet(tmp_path, scheduler=scheduler)
    assert files(tmp_path) == alone
    assert kept.stat().st_mtime_ns == before


def test_what_cannot_travel_is_told_in_one_line(tmp_path, scheduler):
    lock = threading.Lock()

    def measure(workspace, tasks):
        with lock:
            yield from toy_study.measure(workspace, tasks)

    with pytest.raises(
        InputError, match=r"^scheduler: network zero cannot be sent to a worker \(.*lock"
    ) as caught:
        quiet(tmp_path, measured_by(measure), scheduler=scheduler)
    assert str(caught.value).isprintable()


def test_a_task_that_is_refused_ends_the_study_and_keeps_rows(tmp_path, scheduler, alone):
    with pytest.raises(InputError, match=r"^seed: expected none of 2$"):
        quiet(tmp_path, measured_by(toy_study.refused), scheduler=scheduler)
    quiet(tmp_path, scheduler=scheduler)
    assert files(tmp_path) == alone


def test_a_fault_of_the_studys_own_keeps_its_kind(tmp_path, scheduler):
    with pytest.raises(KeyError, match="own code"):
        quiet(tmp_path, measured_by(toy_study.broken), scheduler=scheduler)


def test_workers_of_other_versions_are_refused_before_anything_is_measured(tmp_path, scheduler, monkeypatch):
    monkeypatch.setattr("fooljax.study.task.__version__", "9.9")
    with pytest.raises(InputError, match=r"^worker tcp://[0-9.:]+: expected fooljax 9.9, as here, found 0"):
        quiet(tmp_path / "s", scheduler=scheduler)
    assert not (tmp_path / "s").exists()


def test_a_part_learns_that_nobody_waits_any_more(tmp_path, scheduler):
    mark, said = tmp_path / "mark", []
    parts = [Part(do.__name__, do, (str(mark),)) for do in (toy_study.waiting, toy_study.failing)]
    with distributed.Client(scheduler) as client:
        client.wait_for_workers(2, timeout=30)  # or the part that fails stands behind the one that waits
    with start_workers(None, scheduler, said.append) as each:
        with pytest.raises(InputError, match="failed"):
            list(each(parts))
        assert eventually(lambda: not mark.exists())
        assert eventually(lambda: said == ["it fails"])


def test_a_task_with_which_every_worker_dies_is_given_up(tmp_path, scheduler):
    with pytest.raises(
        FaultError, match=r"^round=0,seed=1: given up after 2 workers died with it;"
    ) as caught:
        quiet(tmp_path, measured_by(toy_study.deadly), scheduler=scheduler)
    assert str(caught.value).isprintable()


def eventually(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.mark.parametrize(
    ("told", "kind", "message"),
    [
        ({"workers": 0}, InputError, "workers: expected a whole number from 1 to 1024, got 0"),
        ({"workers": "two"}, InputError, "workers: expected a whole number from 1 to 1024, got two"),
        ({"workers": 2000}, InputError, "workers: expected a whole number from 1 to 1024, got 2000"),
        (
            {"workers": 1, "scheduler": "tcp://127.0.0.1:9"},
            InputError,
            "workers: not together with scheduler",
        ),
        (
            {"scheduler": "nonsense"},
            InputError,
            "scheduler: expected an address as tcp://10.0.0.5:8786, got 'non",
        ),
        ({"scheduler": ""}, InputError, "scheduler: expected an address as tcp://10.0.0.5:8786, got ''"),
        (
            {"scheduler": "tcp://127.0.0.1:9"},
            FaultError,
            "scheduler: no Dask scheduler answers at tcp://127.0.0.1:9",
        ),
    ],
)
def test_wrong_workers_are_told_in_one_line_and_nothing_is_begun(tmp_path, monkeypatch, told, kind, message):
    monkeypatch.setattr(dask_workers, "CONNECT_SECONDS", 0.3)
    with pytest.raises(kind) as caught:
        quiet(tmp_path / "s", **told)
    assert str(caught.value).startswith(message)
    assert str(caught.value).isprintable()
    assert not (tmp_path / "s").exists()


def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "fooljax.study.dask_workers")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        FaultError, match=r"^workers: expected the packages .* pip install 'fooljax\[cluster\]'"
    ):
        quiet(tmp_path / "s", workers=2)


def test_gpus_are_dealt_to_workers():
    def cards(workers, *names):
        found = [dask_workers.environment(number, workers, names) for number in range(workers)]
        return [one.get("CUDA_VISIBLE_DEVICES") for one in found], [len(one) for one in found]

    assert cards(2) == ([None, None], [3, 3])
    assert cards(2, "0", "1", "2") == (["0", "1"], [4, 4])
    # Two on one must not each take most of its memory.
    assert cards(3, "4", "7") == (["4", "7", "4"], [5, 5, 5])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_process_that_began_them(tmp_path, alone, number):
    """Ctrl-C goes to all processes of a terminal."""
    (tmp_path / "pids").mkdir()
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TOY_FOLDER": str(tmp_path / "pids"),
    }  # fmt: skip
    program = [sys.executable, str(Path(toy_study.__file__)), str(tmp_path / "s"), "60", "2"]
    process = subprocess.Popen(
        program, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    pids = tmp_path / "pids"
    assert eventually(lambda: len(list(pids.iterdir())) == 2, 120.0)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert eventually(lambda: not any(Path("/proc", path.name).exists() for path in pids.iterdir()))
