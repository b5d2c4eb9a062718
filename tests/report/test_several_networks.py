"""Tables of evolution against several networks, from made rows whose answers are known."""

import numpy as np
import pytest

from fooljax.analysis.thresholds import Thresholds
from fooljax.analysis.transfer import network_answers
from fooljax.report.several_networks import findings, tables

LEVELS = {"0.9": 2.2, "0.9999": float(np.log(9999.0))}
THRESHOLDS = Thresholds(raw=LEVELS, scaled=LEVELS, temperature=1.0, fitted_on=0, taken_on=0)
NETWORKS = ("a", "b", "c")
CLASSES = np.arange(4)


def seen(count):
    """The first images of four fool the network."""
    odds = np.full((4, 4), -20.0)
    odds[CLASSES, CLASSES] = np.where(np.arange(4) < count, 12.0, -3.0)
    return network_answers(odds, CLASSES, THRESHOLDS)


def row(left_out, aim, run, counts):
    others = [name for name in NETWORKS if name != left_out]
    told = {"left_out": left_out, "others": others, "generator": "cppn", "aim": aim, "run": run}
    told |= {"budget": 800, "fool_theirs": [1.0 for _ in counts]}
    return {**told, "seen": [seen(count) for count in counts]}


ROWS = [
    row(left_out, aim, run, counts)
    for left_out in NETWORKS
    for aim, counts in {"log_odds": (1, 2), "least": (3,), "mean": (1,)}.items()
    for run in range(2)
]


def test_the_table_says_what_the_rows_say():
    lines = [line for line in tables(ROWS).splitlines() if line.startswith("| evolved")]
    one, least, mean = lines[:3]
    assert "A set had at most 800 network passes." in tables(ROWS).replace("\n", " ")
    assert "| one network | 100 % [" in one
    assert "| 37.5 % [" in one
    assert one.endswith("| - | - | - |")
    assert "| the least of 2 | " in least
    assert least.endswith("| 37.5 [37.5, 37.5] | 1.00 | 0.50 |")
    assert mean.endswith("| -12.5 [-12.5, -12.5] | -1.00 | 0.50 |")


def test_what_claims_are_held_against():
    found = findings(ROWS)
    assert found["cppn_least_more"].value.estimate == pytest.approx(0.375)
    assert found["cppn_mean_more"].value.estimate == pytest.approx(-0.125)
    assert found["cppn_least_more"].of == "6 runs on 3 networks"
    assert found["cppn_least_fools"].value.estimate == pytest.approx(0.75)
    assert found["cppn_log_odds_fools"].value.estimate == pytest.approx(0.375)
    assert found["cppn_mean_theirs"].value.estimate == 1.0
