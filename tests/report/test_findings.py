"""The numbers of the second chapter, from made rows whose answers are known."""

import math

import numpy as np
import pytest

from fooljax.data.imagenet import NUM_CLASSES, group_of
from fooljax.report.findings import of_class_difficulty, of_feature_size, of_repetition, of_run_diversity


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
    found = of_repetition([*rows, {**rows[0], "generator": "clean", "repeating": 0, "effects": []}])
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
    found = of_feature_size(rows)
    assert set(found) == {"cppn_pieces", "cppn_alone"}
    assert 0.25 < found["cppn_pieces"].value.estimate < 0.5
    assert 0.5 < found["cppn_alone"].value.estimate < 1.0
    assert "%" in found["cppn_alone"].written
    beyond = [{**row, "kept": {**kept, "shuffled": [0.1, 0.2, 0.3]}} for row in rows]
    assert of_feature_size(beyond)["cppn_pieces"].written == "> 50 %"


def test_runs_are_held_against_clean_images():
    def row(network, images, closer, **more):
        space = {"closer": closer, "closer_apart": closer}
        return {"network": network, "images": images, "runs": 5, "features": space, **more}

    shares = {"shares": {"raw": {"0.999": 0.8}}}
    rows = [
        one
        for network in ("lenet-0", "lenet-1", "lenet-2")
        for one in (
            row(network, "clean", 0.9),
            row(network, "cppn", 0.6, shared_related=[0.2, None, 0.4], **shares),
        )
    ]
    found = of_run_diversity(rows)
    assert found["cppn_less"].value.estimate == pytest.approx(-0.3)
    assert found["cppn_999"].value.estimate == pytest.approx(0.8)
    assert 0.2 < found["cppn_related"].value.estimate < 0.4
    assert "direct_less" not in found


def archive(odds, passes):
    return {"kind": "archive", "network": "lite", "passes_in_all": passes, "log_odds": odds}


def test_dogs_are_held_against_other_animals_in_the_strongest_archive():
    odds = [-5.0 if group_of(index) == "dogs" else 5.0 for index in range(NUM_CLASSES)]
    near = [10.0 if group_of(index) == "dogs" else index / 1e6 for index in range(NUM_CLASSES)]
    clean = {"kind": "clean", "network": "lite", "near": near}
    found = of_class_difficulty([archive([0.0] * NUM_CLASSES, 1), archive(odds, 2), clean])
    assert found["dogs"].value.estimate == 0.0
    assert found["dogs"].value.high < 0.5
    assert found["cats"].value.estimate == pytest.approx(0.5)
    assert found["near"].value.estimate < 0.0
    assert "near" not in of_class_difficulty([archive(odds, 2)])


def test_without_rows_of_their_kind_there_are_no_numbers():
    assert of_class_difficulty([{"kind": "search"}]) == {}
    assert of_run_diversity([{"images": "clean", "network": "a", "features": {"closer_apart": 0.9}}]) == {}
    assert of_repetition([{"generator": "direct"}]) == {}
    assert of_feature_size([{"generator": "gradient"}]) == {}


def test_of_one_network_no_interval_is_told():
    rows = [{"network": "a", "generator": "cppn_paper", "images": 10, "repeating": 4, "effects": []}]
    assert math.isnan(of_repetition(rows)["repeating"].value.low)
    assert np.isfinite(of_repetition(rows)["repeating"].value.estimate)
