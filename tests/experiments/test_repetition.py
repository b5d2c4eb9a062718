"""Copies are found, removed and tabulated; of noise there is nothing to say."""

import made_sets
import numpy as np
import pytest

from experiments import repetition
from fooljax import study
from fooljax.analysis.copies_removed import CHANGES, GROUND, WITHOUT_TWIN, changes, remove_one_by_one
from fooljax.analysis.repetition import find_repetition
from fooljax.report import repetition as report
from fooljax.study import measured_sets


@pytest.fixture
def rows(tmp_path, monkeypatch):
    monkeypatch.setattr(measured_sets, "measured", made_sets.measured)
    few = "cppn_paper,uniform_noise"
    config = repetition.Config(networks="lenet-0,lenet-1", runs=1, draws=1, generators=few)
    return study.run(repetition.STUDY, config, tmp_path / "out", say=lambda line: None)


def test_stripes_repeat_and_noise_does_not(rows, tmp_path):
    by_generator = study.group_by(rows, "generator")
    for row in by_generator["cppn_paper",]:
        assert row["repeating"] == len(row["effects"]) >= 8
        for one in row["effects"]:
            assert one["copies"] >= 4
        example = row["example"]
        assert len(example["log_odds"]) == len(example["copies"]) + 1
    assert all(row["repeating"] == 0 for row in by_generator["uniform_noise",])
    text = (tmp_path / "out" / "table.md").read_text()
    assert "| evolved images drawn by the paper's CPPNs, by its MAP-Elites | 20 of 20 |" in text
    assert "one copy removed" in text
    assert "half of the copies alone" in text
    for name in ("examples.png", "copies.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")


def test_every_change_is_told_in_words():
    assert {*CHANGES, *WITHOUT_TWIN} == set(report.WORDS)
    assert set(report.EFFECTS_OF) <= {*repetition.GENERATORS, *repetition.ASKED_FOR}


def test_changes_are_of_equal_area_and_pairs():
    image = made_sets.stripes(0)[0]
    found = find_repetition(image)
    made = changes(image, found, np.random.default_rng(0))
    ground = made[GROUND]
    assert len(np.unique(ground)) == 1
    area = found.size[0] * found.size[1]
    for prefix in ("", "random_"):
        assert np.sum(made[f"{prefix}removed_one"] != image) <= area
        assert np.sum(made[f"{prefix}alone_half"] != ground) <= len(found.copies) // 2 * area
    assert np.array_equal(made["removed_all"], remove_one_by_one(image, found.copies, found.size)[-1])


def test_a_change_is_measured_from_the_image_or_from_the_ground_over_all_images_of_a_network():
    first = {"before": 5.0, GROUND: -2.0, "removed_one": 4.0, "random_removed_one": 4.5, "removed_all": 1.0}
    second = {"before": 3.0, GROUND: 0.0, "removed_one": 0.0, "random_removed_one": 1.0, "removed_all": 0.0}
    alone = {"before": 9.0, "removed_one": 9.0, "removed_all": 9.0, GROUND: 1.0, "alone_all": 4.0}
    rows = [
        {"network": "a", "effects": [first]},
        {"network": "a", "effects": [second, alone]},
        {"network": "b", "effects": [first]},
        {"network": "c", "effects": []},
    ]
    assert report.change(rows, "removed_one") == [[-2.0], [-1.0]]
    assert report.change(rows, "random_removed_one") == [[-1.25], [-0.5]]
    assert report.change(rows, "removed_one", "random_removed_one") == [[-0.75], [-0.5]]
    assert report.change(rows, "removed_all") == [[-7.0 / 3], [-4.0]]
    assert report.change(rows, "alone_all") == [[3.0]]


@pytest.mark.slow  # it evolves images by CPPNs
def test_the_small_size_needs_nothing_but_the_package(tmp_path):
    assert repetition.main(["--size", "smoke", "--outdir", str(tmp_path / "out"), "--quiet"]) == 0
    assert "### Repeated elements" in (tmp_path / "out" / "table.md").read_text()
