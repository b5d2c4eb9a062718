"""The numbers of the second chapter, from made rows whose answers are known."""

import math

import numpy as np
import pytest

from fooljax.report import feature_size, repetition


def effect(before, removed, twin, added, other):
    return {
        "before": before,
        "removed_half": removed,
        "random_removed_half": twin,
        "added_many": added,
        "random_added_many": other,
    }


def test_copies_are_held_against_random_windows():
    rows = [
        {
            "network": f"lenet-{network}",
            "generator": "cppn_paper",
            "images": 10,
            "repeating": 4,
            "effects": [effect(10.0, 4.0, 8.0, 13.0, 11.0)],
        }
        for network in range(3)
    ]
    found = repetition.findings([*rows, {**rows[0], "generator": "clean", "repeating": 0, "effects": []}])
    values = {name: one.value.estimate for name, one in found.items()}
    assert values == {
        "repeating": pytest.approx(0.4),
        "clean_repeating": 0.0,
        "removed_half": -6.0,
        "removed_half_beyond": -4.0,
        "added_many": 3.0,
        "added_many_beyond": 2.0,
    }
    assert found["removed_half"].of == "3 runs on 3 networks"


def test_sizes_are_shares_of_the_side():
    kept = {"shuffled": [0.1, 0.4, 0.6], "alone": [0.1, 0.4, 0.6]}
    sizes = {"pieces": [3, 7, 14], "windows": [7, 14, 25]}
    rows = [{"network": f"lenet-{n}", "generator": "cppn", "kept": kept, "sizes": sizes} for n in range(3)]
    found = feature_size.findings(rows)
    assert set(found) == {"cppn_pieces", "cppn_alone"}
    assert 0.25 < found["cppn_pieces"].value.estimate < 0.5
    assert 0.5 < found["cppn_alone"].value.estimate < 1.0
    assert "%" in found["cppn_alone"].written
    beyond = [{**row, "kept": {**kept, "shuffled": [0.1, 0.2, 0.3]}} for row in rows]
    assert feature_size.findings(beyond)["cppn_pieces"].written == "> 50 %"


def test_without_rows_of_their_kind_there_are_no_numbers():
    assert repetition.findings([{"generator": "direct"}]) == {}
    assert feature_size.findings([{"generator": "gradient"}]) == {}


def test_of_one_network_no_interval_is_told():
    rows = [{"network": "a", "generator": "cppn_paper", "images": 10, "repeating": 4, "effects": []}]
    assert math.isnan(repetition.findings(rows)["repeating"].value.low)
    assert np.isfinite(repetition.findings(rows)["repeating"].value.estimate)
