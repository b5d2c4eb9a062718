"""The confidence in clean images that pages give for comparison is that of the same networks, from rows."""

import numpy as np
import pytest

from docs import clean_levels, rows
from fooljax.errors import InputError
from fooljax.study import numbers

LENETS = {f"lenet-{seed}": rows.row(f"transfer/rows/clean,lenet-{seed}.json") for seed in range(5)}


def test_levels_go_from_the_least_to_the_most_confident_network():
    of = {name: row["thresholds"]["raw"]["tpr_95"] for name, row in LENETS.items()}
    text = clean_levels.clean_levels([row["networks"][name] for name, row in LENETS.items()])
    ends = [numbers.confidence(end(of.values())) for end in (min, max)]
    assert f"95 % get {ends[0]} to {ends[1]}, and" in text
    assert clean_levels.clean_levels([LENETS["lenet-0"]["networks"]["lenet-0"]]).count(" to ") == 0


def test_temperature_scaling_is_told_of_clean_images_and_of_images_that_were_made_for_the_network():
    digests = [row["networks"][name] for name, row in LENETS.items()]
    text = clean_levels.after_scaling(digests, "direct")
    assert clean_levels.clean_levels(digests, "scaled") in text
    assert clean_levels.clean_levels(digests) not in text
    made = [
        row["seen"][row["network"]]["same"]["scaled"]["0.9999"]
        for row in rows.study_rows("transfer", "")
        if row.get("generator") == "direct" and row["budget"] == 20_000 and row["network"] in LENETS
    ]
    assert f" {numbers.percent(np.mean(made))} [" in text.partition(" before scaling and")[2]
    assert clean_levels.after_scaling(["abc"], "direct") == ""


def test_a_network_that_was_not_asked_has_no_levels(monkeypatch):
    assert clean_levels.clean_levels(["abc"]) == ""
    row = {"network": "own", "networks": {"own": "abc"}, "generator": "cppn", "log_odds": [1.0]}
    monkeypatch.setattr(clean_levels, "study_rows", lambda name, of: [row])
    with pytest.raises(InputError, match=r"^network: expected one whose thresholds .* got abc$"):
        clean_levels.beside_clean("repetition", {"digits": ""})


def test_each_image_is_held_against_the_levels_of_its_own_network():
    table = clean_levels.beside_clean("repetition", {"digits": ""})
    made = [row for row in rows.study_rows("repetition", "") if row["generator"] == "cppn_paper"]
    reached = sum(
        np.sum(np.asarray(row["log_odds"]) >= LENETS[row["network"]]["thresholds"]["raw"]["clean_median"])
        for row in made
    )
    images = sum(len(row["log_odds"]) for row in made)
    (line,) = [line for line in table.splitlines() if "the paper's CPPNs, by its MAP-Elites" in line]
    assert line.split(" | ")[2] == f"{reached} of {images}"
