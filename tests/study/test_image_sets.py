"""Sets of fooling images: made once, kept whole, given back as the file holds them, refused if another's."""

import dataclasses
import functools

import numpy as np
import pytest
import toys

from fooljax import scoring, study
from fooljax.errors import InputError
from fooljax.joint_targets import joint_target
from fooljax.study import ImageSets, SetSpec, generators
from fooljax.study.generators import GENERATORS

TARGET = dataclasses.replace(toys.target(0), image_shape=(6, 6, 1))
SPEC = SetSpec("toy", "direct", passes=80)
PASSES = {"direct": 80, "gradient": 400, "uniform_noise": 0, "gaussian_noise": 0}


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = ImageSets(tmp_path_factory.mktemp("images"))
    folder.get_many([dataclasses.replace(SPEC, run=run) for run in range(2)], TARGET)
    return folder


@pytest.mark.parametrize("generator", ["direct", "gradient", "uniform_noise", "gaussian_noise"])
def test_there_is_an_image_for_each_class_with_the_log_odds_of_its_file(sets, generator):
    found = sets.get(dataclasses.replace(SPEC, generator=generator, passes=PASSES[generator]), TARGET)
    assert found.images.shape == (4, 6, 6, 1)
    assert found.images.dtype == np.uint8
    assert found.classes.tolist() == [0, 1, 2, 3]
    odds = scoring.score(TARGET, found.images)
    assert np.array_equal(found.log_odds, odds[range(4), range(4)])
    assert found.passes == PASSES[generator]


def test_a_set_is_read_and_not_made_again(sets, monkeypatch):
    before = sets.get(SPEC, TARGET)
    monkeypatch.setattr("fooljax.study.image_sets.GENERATORS", {})
    monkeypatch.setattr("fooljax.study.image_sets.network_digest", None)  # its digest is known
    after = sets.get(SPEC, TARGET)
    assert after.digest == before.digest
    assert np.array_equal(after.images, before.images)
    assert after.passes <= 80


def test_a_run_is_the_same_however_many_are_made(sets, tmp_path):
    second = dataclasses.replace(SPEC, run=1)
    alone = ImageSets(tmp_path).get(second, TARGET)
    assert alone.digest == sets.get(second, TARGET).digest != sets.get(SPEC, TARGET).digest


def test_networks_have_runs_of_their_own(sets):
    noise = functools.partial(SetSpec, generator="uniform_noise")
    one, other = (sets.get(noise(name), TARGET) for name in ("toy", "toy-2"))
    assert not np.array_equal(one.images, other.images)


def test_some_classes_alone(sets):
    noise = functools.partial(SetSpec, "toy", "uniform_noise")
    assert sets.get(noise(cells=(3, 1)), TARGET).classes.tolist() == [3, 1]
    with pytest.raises(InputError, match="cells: expected classes below 4, got 9"):
        sets.get(noise(cells=(9,)), TARGET)


def test_a_set_of_another_network_is_refused(sets):
    other = dataclasses.replace(toys.target(1), image_shape=(6, 6, 1))
    with pytest.raises(InputError, match=r"direct-80-run0\.npz: expected images made for network"):
        sets.get(SPEC, other)


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "renamed"])
def test_a_damaged_or_foreign_file_is_one_line(sets, tmp_path, damage):
    path = ImageSets(tmp_path).path(SPEC)
    path.parent.mkdir()
    whole = sets.path(SPEC if damage != "renamed" else dataclasses.replace(SPEC, run=1)).read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    path.write_bytes({"cut": whole[:-9], "flipped": flipped, "text": b"dear", "renamed": whole}[damage])
    with pytest.raises(InputError, match=r"direct-80-run0\.npz") as caught:
        ImageSets(tmp_path).get(SPEC, TARGET)
    assert "\n" not in str(caught.value)
    assert ("delete this file" in str(caught.value)) == (damage != "renamed")
    assert path.exists()


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"network": "../x"}, "network: expected a name"),
        ({"generator": "cpn"}, "generator: expected one of .*; did you mean cppn?"),
        ({"run": -1}, "run: expected"),
        ({"cells": (1, 1)}, "cells: expected different class indices"),
        ({"objective": "least"}, "objective: expected log_odds or pass for one network, .* got least for 1"),
        ({"network": "a+b"}, "objective: expected log_odds or pass for one network, .* got log_odds for 2"),
        ({"network": "a+b", "objective": "mean", "generator": "gradient"}, "generator: expected one of"),
        ({"objective": "pass", "generator": "gradient"}, "generator: expected one of .* for pass"),
    ],
)
def test_a_spec_is_checked(told, message):
    with pytest.raises(InputError, match=message):
        SetSpec(**{"network": "toy", "generator": "direct", **told})


@pytest.mark.parametrize(("objective", "over"), [("least", np.min), ("mean", np.mean)])
def test_a_set_for_several_networks_counts_the_passes_of_each(tmp_path, objective, over):
    parts = [dataclasses.replace(toys.target(seed), image_shape=(6, 6, 1)) for seed in (0, 1)]
    spec = SetSpec("toy-0+toy-1", "direct", passes=250, objective=objective)
    found = ImageSets(tmp_path).get(spec, joint_target(*parts, class_names=list("abcd")))
    assert found.passes == 240  # three generations of forty children, each shown to two networks
    each = [scoring.score(part, found.images)[range(4), range(4)] for part in parts]
    np.testing.assert_allclose(found.log_odds, over(each, axis=0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("generator", ["direct", "gradient"])
def test_too_few_passes_are_refused(sets, generator):
    with pytest.raises(InputError, match="passes: expected"):
        sets.get(dataclasses.replace(SPEC, generator=generator, passes=7), TARGET)


@pytest.mark.slow  # CPPNs compile for long; test_generators_are_explained is quick
@pytest.mark.parametrize(("random", "evolved"), generators.VARIED_LIKE.items())
def test_random_cppns_are_varied_as_often_as_evolved_ones(tmp_path, random, evolved):
    sets = ImageSets(tmp_path)
    encoding = generators.CPPNS[evolved]((6, 6, 1))
    evolved, random = (
        sets.get(SetSpec("toy", generator, passes=600), TARGET) for generator in (evolved, random)
    )
    assert [len(line) - 1 for line in evolved.ancestry] == list(evolved.mutations) == list(random.mutations)
    assert max(evolved.mutations) > 0
    assert all(line == tuple(sorted(line, reverse=True)) for line in evolved.ancestry)
    for found in (evolved, random):
        assert np.array_equal(generators.draw(encoding, found.genomes), found.images)
    assert np.mean(evolved.log_odds) > np.mean(random.log_odds)


def test_generators_are_explained():
    assert generators.EXPLANATIONS.keys() == GENERATORS.keys()


def test_a_study_shares_a_folder_beside_its_own(tmp_path):
    @dataclasses.dataclass(frozen=True)
    class Config(study.ImageSettings):
        pass

    def measure(workspace, tasks):
        yield {"images_are_in": workspace.config.images}

    one = study.Study(
        "one", "A study.", Config, lambda config, rows: [study.Task("a", {})], None, measure, lambda rows: ""
    )
    (row,) = study.run(one, Config(), tmp_path / "one", say=lambda line: None)
    assert row["images_are_in"] == str(tmp_path / "images")
    (row,) = study.run(one, Config(images="x"), tmp_path / "two", say=lambda line: None)
    assert row["images_are_in"] == "x"
