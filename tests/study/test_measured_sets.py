"""Tasks name what is measured, and not where it lies; tables say what made the images and what it saw."""

import dataclasses
import shutil

import numpy as np
import pytest
from toy_study import STUDY

from fooljax.errors import InputError
from fooljax.settings import option
from fooljax.study import Workspace, measured_sets
from fooljax.study.generators import GENERATORS
from fooljax.study.measured_sets import CLEAN, NAMES, SetSettings, sets_table, sort_rows
from fooljax.study.tables import values_by_network


def planned(generators, budgets=None, **settings):
    return list(measured_sets.tasks(SetSettings(**settings), generators, budgets))


def test_there_is_a_task_for_each_generator_network_and_run():
    found = planned(
        ["cppn", "cppn_paper"], {"cppn_paper": 900}, networks="lenet-0,lenet-2", runs=2, passes=500
    )
    assert [task.name for task in found[:3]] == [
        "lenet-0,cppn,run=0",
        "lenet-0,cppn,run=1",
        "lenet-2,cppn,run=0",
    ]
    assert {task.settings["generator"]: task.settings["budget"] for task in found} == {
        "cppn": 500,
        "cppn_paper": 900,
    }
    assert len({task.together for task in found}) == 4


def test_a_task_says_what_the_data_are_and_not_where_they_lie(idx_folder, tmp_path):
    other = shutil.copytree(idx_folder, tmp_path / "deeper" / idx_folder.name)
    first, second = (
        planned([CLEAN], networks="lenet-0", runs=1, data=f"idx:{folder}")[0]
        for folder in (idx_folder, other)
    )
    assert first.settings == second.settings
    assert str(idx_folder) not in str(first.settings)
    assert first.settings["data_sha256"] == measured_sets.dataset_of(f"idx:{idx_folder}").digest


@pytest.mark.parametrize("names", ["lenet-0,", "lenet-0,lenet-0", ""])
def test_a_network_that_is_missing_or_there_twice_is_one_line(names):
    with pytest.raises(InputError, match=r"^--networks: expected different names with commas between"):
        planned(["cppn"], networks=names)


def test_a_network_whose_name_fits_no_file_is_told_by_the_flag():
    with pytest.raises(
        InputError, match=r"^--networks: expected names of networks that fooljax knows, got mi"
    ):
        planned(["cppn"], networks="lenet-0,mine:network")


@dataclasses.dataclass(frozen=True)
class WithJudges(SetSettings):
    """Settings of which two name networks."""

    judges: str = option("knn", "Networks that are asked.")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"judges": "knn,lemet-1"}, "judges"),
        ({"networks": "lenet-0,lemet-1"}, "networks"),
        ({}, "network"),  # of none of them, as one that a study names itself
    ],
)
def test_a_network_that_there_is_not_is_told_by_the_setting_that_names_it(settings, told):
    study = dataclasses.replace(STUDY, network=measured_sets.network)
    with pytest.raises(InputError, match=rf"^{told}: expected one of lenet-0, .*, got lemet-1; did you mean"):
        Workspace(study, WithJudges(**settings), print).network("lemet-1")


@pytest.mark.parametrize(("wrong", "got"), [("mlp-0,knn", "mlp-0,knn; did you mean"), ("", "an empty name$")])
def test_a_list_where_one_network_is_wanted_is_told_by_its_setting(wrong, got):
    study = dataclasses.replace(STUDY, network=measured_sets.network)
    with pytest.raises(InputError, match=rf"^judges: expected one of lenet-0, .*, got {got}"):
        Workspace(study, WithJudges(judges=wrong), print).network(wrong)


def row(generator, network, run, odds=(9.5, 9.0)):
    return {"generator": generator, "network": network, "run": run, "passes": 700, "log_odds": list(odds)}


def test_rows_come_in_one_order_however_they_were_read():
    rows = [row(CLEAN, "a", 0), row("cppn", "b", 0), row("cppn", "a", 1), row("cppn", "a", 0)]
    assert sort_rows(rows) == [rows[3], rows[2], rows[1], rows[0]]


def test_the_table_of_sets_says_what_was_seen_and_how_strong_it_was():
    rows = [
        row(name, network, 0) for name in ("cppn", "random_search_cppn", "random_cppn") for network in "ab"
    ]
    lines = sets_table(rows).splitlines()[2:]
    assert [line.split(" | ")[1] for line in lines] == ["logits", "logits", "nothing"]
    assert all("| 2 runs on 2 networks | 700 |" in line for line in lines)
    assert all(line.endswith("| 2 of 4 |") for line in lines)
    assert lines[0].startswith(f"| {NAMES['cppn']} |")


def test_rows_without_a_value_take_no_part_unless_something_stands_for_it():
    rows = [{"network": "b", "x": 1.0}, {"network": "a", "x": None}, {"network": "a", "x": 3.0}]
    assert values_by_network(rows, lambda one: one["x"]) == [[3.0], [1.0]]
    assert values_by_network(rows, "x") == [[3.0], [1.0]]
    assert values_by_network(rows, "x", missing=np.inf) == [[np.inf, 3.0], [1.0]]


@pytest.mark.parametrize("wrong", ["", "cppn,", "cppn,cppn", "cppn,wavelets"])
def test_generators_are_named_once_each(wrong):
    known = (*GENERATORS, CLEAN)
    assert measured_sets.parse_choices("clean,cppn", known) == ["clean", "cppn"]
    with pytest.raises(InputError, match=r"^--generators: expected some of .*clean, got"):
        measured_sets.parse_choices(wrong, known)


@pytest.mark.parametrize("text", ["", "x", "1,,2", "0", "-1", "1.5", "\u0661", "2,2", "9" * 5000])
def test_numbers_with_commas_are_whole_different_and_above_0(text):
    with pytest.raises(InputError, match=r"^--some: expected .*numbers"):
        measured_sets.parse_numbers(text, "--some")
    assert measured_sets.parse_numbers("400,20", "--some") == [400, 20]


def test_numbers_may_have_a_least_one():
    assert measured_sets.parse_numbers("400,401", "--some", least=400) == [400, 401]
    with pytest.raises(
        InputError, match=r"^--some: expected numbers from 400 on, with commas between, got 399"
    ):
        measured_sets.parse_numbers("399", "--some", least=400)


@pytest.mark.parametrize(
    ("name", "classes"),
    [("lenet-0", "10"), ("mixture-0", "10"), ("resnet20", "subset100"), ("squeezenet", "0,1000")],
)
def test_classes_that_a_network_has_not_are_told_before_it_is_loaded(name, classes):
    config = SetSettings(networks=name, classes=classes, weights="no-such-folder")
    with pytest.raises(InputError, match=r"^classes: "):
        measured_sets.check_network(config, name)
    measured_sets.check_network(dataclasses.replace(config, classes="0,9"), name)
