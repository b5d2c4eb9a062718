"""The trackers' own packages: what they hold after a search that was stopped and gone on with."""

import itertools
import struct

import numpy as np
import pytest
import toys

import fooljax
from fooljax import trackers

GENERATIONS = 60
RUN = 'Anna\'s "50 %" of\\'
"""A name that is hard to ask MLflow for."""


@pytest.fixture
def search(tmp_path):
    """Does a search of two runs in a folder."""

    def begin(tracker, **more):
        settings = {"key": 0, "generations": GENERATIONS, "runs": 2, "outdir": tmp_path / "run"}
        settings |= {"on_chunk": tracker, "checkpoint_seconds": 0.0}
        return fooljax.evolve(toys.target(), toys.ENCODING, toys.STRATEGY, **(settings | more))

    return begin


@pytest.fixture
def twice(search):
    """Stops a search after some chunks, and goes on with it; each time with a new tracker."""

    def whole(make):
        calls = itertools.count()
        assert not search(make(), stop=lambda: next(calls) >= 2).completed
        return search(make(), resume=True)

    return whole


def float32(values):
    return np.asarray(values, np.float32)


def test_tensorboard_has_each_generation_once(twice, tmp_path, caplog):
    pytest.importorskip("tensorboardX")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    result = twice(lambda: trackers.tensorboard(tmp_path / "logs"))
    assert len(list((tmp_path / "logs").iterdir())) == 2
    read = accumulator.EventAccumulator(str(tmp_path / "logs"), size_guidance={"scalars": 0})
    read.Reload()
    for run in (0, 1):
        scalars = read.Scalars(f"median_log_odds/run{run}")
        assert [one.step for one in scalars] == list(range(GENERATIONS + 1))
        values = float32([one.value for one in scalars])
        assert np.array_equal(values, float32(result.metrics["median_log_odds"][run]))
    assert not caplog.records


def test_tensorboard_goes_on_behind_an_event_that_was_cut_off(search, tmp_path):
    pytest.importorskip("tensorboardX")
    from fooljax.trackers.event_files import _events

    search(trackers.tensorboard(tmp_path / "logs"))
    (file,) = (tmp_path / "logs").iterdir()
    file.write_bytes(file.read_bytes()[:-5])
    search(trackers.tensorboard(tmp_path / "logs"), resume=True, generations=GENERATIONS + 20)
    files = sorted((tmp_path / "logs").iterdir())
    steps = [event.step for event in _events(files) if len(event.summary.value)]
    assert steps == list(range(GENERATIONS + 21))


def test_a_folder_of_tensorboard_takes_no_second_search(search, tmp_path, caplog):
    pytest.importorskip("tensorboardX")
    search(trackers.tensorboard(tmp_path / "logs"))
    before = {path: path.read_bytes() for path in (tmp_path / "logs").iterdir()}
    other = trackers.tensorboard(tmp_path / "logs")
    assert search(other, key=1, outdir=tmp_path / "other").completed
    assert "expected a new folder or that of this search" in caplog.messages[-1]
    assert {path: path.read_bytes() for path in (tmp_path / "logs").iterdir()} == before


def test_mlflow_has_each_generation_once(twice, search, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    place = f"sqlite:///{tmp_path}/mlflow.db"
    result = twice(lambda: trackers.mlflow("digits", RUN, tracking_uri=place))
    client = mlflow.MlflowClient(tracking_uri=place)
    experiment = client.get_experiment_by_name("digits").experiment_id
    (run,) = client.search_runs([experiment])
    assert (run.info.run_name, run.info.status) == (RUN, "FINISHED")
    history = client.get_metric_history(run.info.run_id, "median_log_odds/run1")
    history.sort(key=lambda one: one.step)
    assert [one.step for one in history] == list(range(GENERATIONS + 1))
    assert np.allclose([one.value for one in history], result.metrics["median_log_odds"][1])
    other = trackers.mlflow("digits", RUN, tracking_uri=place)
    search(other, key=1, outdir=tmp_path / "other")
    assert len(client.search_runs([experiment])) == 2


def logged(file):
    """The steps of a file of Weights & Biases: blocks of 32 KiB, with parts of records in them."""
    from wandb.proto import wandb_internal_pb2

    content, place, part, steps = file.read_bytes(), 7, b"", []
    while place + 7 <= len(content):
        if (left := -place % 32768) and left < 7:
            place += left
        length, kind = struct.unpack_from("<HB", content, place + 4)
        part += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # the whole of a record, or its last part
            record = wandb_internal_pb2.Record.FromString(part)
            steps += [record.history.step.num] if record.HasField("history") else []
            part = b""
    return steps


def test_each_file_of_wandb_without_a_server_holds_the_search_from_its_beginning(
    twice, tmp_path, monkeypatch
):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    twice(lambda: trackers.wandb(project="digits", id="one", dir=str(tmp_path), mode="offline"))
    files = sorted(tmp_path.glob("wandb/offline-run-*-one/*.wandb"))
    steps = [logged(file) for file in files]
    assert steps[-1] == list(range(GENERATIONS + 1))
    assert all(one == list(range(len(one))) for one in steps)
