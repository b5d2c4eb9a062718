"""Rows as data frames and as files: the same values come back, and no spreadsheet computes them."""

import csv
import io
import sys

import numpy as np
import pytest
from pages import one_line

import fooljax
from fooljax.cli import tabulate
from fooljax.errors import FaultError
from fooljax.storage.csv_files import text_of
from fooljax.storage.data_frames import as_csv, as_parquet, flat_columns
from fooljax.study import rows_to_pandas

ROWS = [
    {"settings": {"name": "=1+1", "seed": 1, "until": 0.5}, "odds": [1.0, 2.5], "share": 0.25},
    {"settings": {"name": "b;c", "seed": "auto", "until": None}, "odds": [], "share": 1.0, "more": "x"},
]


def test_entries_of_entries_become_columns():
    columns = flat_columns(ROWS)
    assert list(columns) == ["settings.name", "settings.seed", "settings.until", "odds", "share", "more"]
    assert columns["settings.seed"] == ["1", "auto"]
    assert columns["settings.until"] == [0.5, None]
    assert columns["more"] == [None, "x"]


def test_a_csv_file_gives_the_values_back():
    text = as_csv(ROWS).decode()
    assert "\n'=1+1," in text
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert [text_of(row["settings.name"]) for row in (first, second)] == ["=1+1", "b;c"]
    assert (float(first["share"]), first["odds"], second["settings.until"]) == (0.25, "[1.0, 2.5]", "")


def test_a_parquet_file_gives_the_values_back():
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.read_parquet(io.BytesIO(as_parquet(ROWS)))
    assert list(frame["settings.name"]) == ["=1+1", "b;c"]
    assert [list(odds) for odds in frame["odds"]] == [[1.0, 2.5], []]
    assert frame["settings.until"].isna().tolist() == [False, True]
    assert frame["share"].dtype == np.float64


def test_rows_of_a_study_are_a_data_frame():
    pytest.importorskip("pandas")
    frame = rows_to_pandas(ROWS)
    assert frame.shape == (2, 6)
    assert frame["odds"][0] == [1.0, 2.5]


def test_a_run_is_a_data_frame_of_its_images(finished):
    pytest.importorskip("pandas")
    result = fooljax.open_run(finished)
    frame = result.to_pandas()
    assert len(frame) == np.isfinite(result.scores).sum()
    row = frame[(frame["run"] == 1) & (frame["class"] == 2)].iloc[0]
    assert row["log_odds"] == row["score"] == result.log_odds[1, 2]
    assert row["confidence"] == result.confidence[1, 2]
    assert row["class_name"] == result.class_names[2]
    assert row["generation"] == result.archive.births[1, 2]
    numbers = ["run", "class", "generation", "passes"]
    assert all(frame[name].dtype == np.int64 for name in numbers)
    assert all(frame[name].dtype == np.float64 for name in ("score", "log_odds", "confidence"))


def test_metrics_are_a_data_frame_of_generations(finished):
    pytest.importorskip("pandas")
    result = fooljax.open_run(finished)
    frame = result.metrics_to_pandas()
    assert len(frame) == 2 * (result.generations + 1)
    assert frame["run"].tolist() == sorted(frame["run"])
    of_run = frame[frame["run"] == 1]
    assert np.array_equal(of_run["median_log_odds"], result.metrics["median_log_odds"][1])
    assert frame["generation"].dtype == frame["queries"].dtype == np.int64


def test_without_pandas_there_is_one_clear_line(finished, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(FaultError, match=r"^frames: expected the package pandas, got none; .*\[frames\]"):
        fooljax.open_run(finished).to_pandas()


def test_tabulate_writes_the_rows_of_its_table(finished, tmp_path, capsys):
    assert tabulate.main([str(finished), "--csv", str(tmp_path / "rows.csv")]) == 0
    with open(tmp_path / "rows.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["settings.seed"] for row in rows] == ["0", "0"]
    assert all(0.0 <= float(row["share_of_images"]) <= 1.0 for row in rows)
    capsys.readouterr()
    (tmp_path / "mine.parquet").write_text("my notes\n")
    assert tabulate.main([str(finished), "--parquet", str(tmp_path / "mine.parquet")]) == 2
    assert "--parquet: expected a new file, or a table as Parquet to replace" in one_line(capsys)
    assert (tmp_path / "mine.parquet").read_text() == "my notes\n"


def test_tabulate_writes_them_as_parquet(finished, tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    for _ in range(2):  # its own file may be replaced
        assert tabulate.main([str(finished), "--parquet", str(tmp_path / "rows.parquet")]) == 0
    assert pandas.read_parquet(tmp_path / "rows.parquet")["settings.seed"].tolist() == [0, 0]
