"""Tables hold numbers as numbers, and text that no spreadsheet computes and every reader gets back."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooljax.runs.folder import MetricsFile
from fooljax.storage.csv_files import csv_text, text_of

FORMULAS = [
    '=HYPERLINK("http://example.org","x")', "+1+1", "-1+1", "@SUM(A1)", "-", "\t=1+1", "\r=1+1", " =1+1",
    "\u00a0=1+1", "\uff1d1+1", "a;=1+1", "a\n=1+1", "=cmd|' /C calc'!A0", "'=1", "a\t=1",
]  # fmt: skip
PLAIN = ["goldfish, Carassius auratus", "7", "", "猫", 'a "b" c', "a-b", "a=b", "ж"]


def cells(text):
    (row,) = csv.reader(io.StringIO(csv_text([[text]])))
    return row


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula_wherever_commas_or_semicolons_part_them(text):
    written = csv_text([[text, 1]])
    assert written.count("\n") == 1
    for delimiter in ",;\t":
        for quotes in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for row in csv.reader(io.StringIO(written), delimiter=delimiter, quoting=quotes):
                for cell in row:
                    assert not cell.strip().strip('"').startswith(("=", "+", "-", "@", "\uff1d")), row
    assert text_of(cells(text)[0]) == text


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_is_as_it_was(text):
    assert cells(text) == ([text] if text else cells(""))


@given(st.text())
def test_every_text_comes_back(text):
    found = cells(text)
    assert text_of(found[0] if found else "") == text
    assert all(one.isprintable() for cell in found for one in cell)


def test_numbers_are_numbers():
    values = [np.float32(-7.5), -3, np.int32(4), 1e-12, float("nan"), -np.inf, True]
    assert csv_text([values]) == "-7.5,-3,4,1e-12,nan,-inf,1\n"
    floats = np.random.default_rng(0).normal(size=50).astype(np.float32)
    read = next(csv.reader(io.StringIO(csv_text([floats]))))
    np.testing.assert_array_equal(np.array([float(cell) for cell in read], np.float32), floats)


def test_metrics_of_a_strategy_are_named_as_text(tmp_path):
    file = MetricsFile(tmp_path / "metrics.csv")
    file.write({"generation": np.array([[0, 1]]), "=1+1/x": np.array([[0.5, -1.5]])})
    file.add({"generation": np.array([[2]]), "=1+1/x": np.array([[0.25]])})
    file.add({"generation": np.array([[3]]), "=1+1/x": np.array([[0.25]])})
    assert (tmp_path / "metrics.csv").read_text() == "run,generation,'=1+1/x\n0,2,0.25\n0,3,0.25\n"
