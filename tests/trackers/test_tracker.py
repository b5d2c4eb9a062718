"""Trackers: each generation is told once, after a resume too, and none of their failures ends a search."""

import logging
import sys

import numpy as np
import pytest
import toys

import fooljax
from fooljax.errors import FaultError, InputError
from fooljax.evolution import Progress
from fooljax.trackers.tracker import Tracker, is_same, rows_of


def metrics(first, count, runs=1):
    generations = np.tile(np.arange(first, first + count), (runs, 1))
    return {"generation": generations, "mean": 0.5 * generations + np.arange(runs)[:, None]}


def progress(first, count, of=10, runs=1):
    return Progress(first + count - 1, of, metrics(first, count, runs), 0, 0.0)


class Record:
    """A record that is a list of rows."""

    def __init__(self):
        self.rows, self.ended = [], 0

    def write(self, rows):
        self.rows += rows

    def close(self):
        self.ended += 1

    @property
    def steps(self):
        return [step for step, _ in self.rows]


class Remembered(Tracker):
    """A tracker that keeps its records."""

    def __init__(self):
        super().__init__("remembered")
        self.records = []

    def open(self, first):
        self.records.append(Record())
        return self.records[-1]


class Failing(Tracker):
    def __init__(self):
        super().__init__("failing")

    def open(self, first):
        raise OSError("the disk is full\nand much more")


def test_a_row_has_the_finite_metrics_of_a_generation():
    found = metrics(3, 2)
    found["own"] = np.asarray([[np.nan, -np.inf]])
    assert list(rows_of(found)) == [(3, {"mean": 1.5}), (4, {"mean": 2.0})]
    assert next(iter(rows_of(metrics(3, 1, runs=2)))) == (3, {"mean/run0": 1.5, "mean/run1": 2.5})


def test_a_record_ends_with_the_last_generation_and_a_new_search_begins_another():
    tracker = Remembered()
    for first, count in ((0, 1), (1, 5), (6, 5)):
        tracker(progress(first, count))
    assert tracker.records[0].steps == list(range(11))
    assert tracker.records[0].ended == 1
    tracker(progress(0, 1))
    assert len(tracker.records) == 2


def test_a_failure_is_one_line_and_nothing_more_is_told(caplog):
    tracker = Failing()
    with caplog.at_level(logging.WARNING):
        for first in range(3):
            tracker(progress(first, 1))
    assert caplog.messages == ["failing: OSError: the disk is full; the search goes on without it"]


def test_searches_are_told_apart_by_generation_0():
    assert is_same({"a": 1.0, "b": 2.0}, {"a": 1.0 + 1e-8, "c": 3.0})
    assert not is_same({"a": 1.0}, {"a": 1.001})
    assert not is_same({}, {"a": 1.0})


def test_a_search_is_the_same_with_a_tracker_and_with_one_that_fails():
    def search(tracker):
        arguments = (toys.target(), toys.ENCODING, toys.STRATEGY)
        return fooljax.evolve(*arguments, key=0, generations=30, on_chunk=tracker)

    tracker = Remembered()
    expected, told, failed = search(None), search(tracker), search(Failing())
    (record,) = tracker.records
    assert record.steps == list(range(31))
    assert record.ended == 1
    for one in (told, failed):
        assert one.completed
        assert np.array_equal(one.scores, expected.scores)
        assert np.array_equal(one.archive.genomes, expected.archive.genomes)


def test_a_record_is_ended_where_the_search_is_stopped():
    tracker = Remembered()
    arguments = (toys.target(), toys.ENCODING, toys.STRATEGY)
    stopped = fooljax.evolve(*arguments, key=0, generations=30, on_chunk=tracker, stop=lambda: True)
    assert not stopped.completed
    assert tracker.records[0].ended == 1


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow"])
def test_a_missing_package_is_one_clear_line(name, monkeypatch):
    package = {"tensorboard": "tensorboardX"}.get(name, name)
    for module in (package, "tensorboardX.event_file_writer"):
        monkeypatch.setitem(sys.modules, module, None)
    arguments = {"tensorboard": ("logs",), "mlflow": ("experiment",)}.get(name, ())
    with pytest.raises(FaultError, match=rf"^{name}: expected the package {package}, got none; .*\[{name}\]"):
        getattr(fooljax.trackers, name)(*arguments)


def test_a_resume_of_the_caller_s_own_is_refused():
    with pytest.raises(InputError, match=r"^resume: "):
        fooljax.trackers.wandb(resume="must")
