"""Evolution against several networks: what is planned, and the smallest size whole."""

import dataclasses
import json

import pytest

from experiments import several_networks
from fooljax.errors import InputError
from fooljax.study import run
from fooljax.targets.collection import NETWORKS_OF
from tests import toys


def test_each_network_is_left_out_once_and_seen_by_nobody():
    tasks = list(several_networks.tasks(several_networks.Config(runs=2), []))
    assert len(tasks) == 5 * 3 * 3 * 2
    for task in tasks:
        assert task.settings["left_out"] not in task.settings["others"]
        assert not any(task.settings["left_out"] in name.split("+") for name in task.networks[1:])
    joint = {name for task in tasks for name in task.networks if "+" in name}
    assert len(joint) == 5


@pytest.mark.parametrize(
    ("told", "clean"),
    [
        ({"data_set": "mnist", "imagefolder": "photographs"}, "embedded"),
        ({"data_set": "cifar10"}, None),
        ({"data_set": "cifar10", "data": "npz:cifar10"}, "npz:cifar10"),
        ({"data_set": "imagenet"}, None),
        ({"data_set": "imagenet", "imagefolder": "photographs"}, "photographs"),
    ],
)
def test_networks_and_clean_images_are_those_of_the_data_set(told, clean):
    tasks = list(several_networks.tasks(several_networks.Config(**told, classes="0,2"), []))
    assert {task.settings["left_out"] for task in tasks} < set(NETWORKS_OF[told["data_set"]])
    assert {task.settings["clean"] for task in tasks} == {clean}
    assert {task.settings["classes"] for task in tasks} == {"0,2"}


@pytest.mark.parametrize("networks", ["a,b", "a+b,c,d"])
def test_what_is_not_three_networks_is_refused(networks):
    with pytest.raises(InputError, match="networks: expected three different ones or more, got a"):
        list(several_networks.tasks(several_networks.Config(networks=networks), []))


def test_networks_of_another_data_set_are_refused():
    config = several_networks.Config(networks="lenet-0,lenet-1,lenet-2", data_set="cifar10")
    with pytest.raises(InputError, match=r"^--networks: expected networks of cifar10, got lenet-0$"):
        list(several_networks.tasks(config, []))


def test_images_that_no_search_makes_are_refused():
    with pytest.raises(InputError, match=r"--generators: expected some of direct, cppn, .*, got gradient"):
        list(several_networks.tasks(several_networks.Config(generators="gradient"), []))


def test_networks_of_any_size_fool_some_classes_only(tmp_path, monkeypatch):
    """Small networks whose images are not digits, and of which no clean images are known."""
    monkeypatch.setattr(several_networks, "AIMS", ("log_odds", "least"))  # a third program compiles as long

    def network(config, name, say):
        parts = [
            dataclasses.replace(
                toys.target("abc".index(part)), image_shape=(6, 6, 1), class_names=tuple("wxyz")
            )
            for part in name.split("+")
        ]
        return parts[0] if len(parts) == 1 else several_networks.joint_target(*parts)

    config = several_networks.Config(
        networks="a,b,c", data_set="cifar10", generators="direct", classes="1,3", runs=1, passes=250
    )
    own = dataclasses.replace(several_networks.STUDY, network=network)
    rows = run(own, config, tmp_path / "several", say=lambda line: None)
    assert len(rows) == 3 * 2
    for row in rows:
        assert all(len(seen["own"]) == 2 for seen in row["seen"])
        # Seven generations or, where an image costs two passes, three: all but the first by evolution.
        assert row["passes"] == ([240, 240] if row["aim"] == "log_odds" else [240])
    assert "| evolved pixels | the least of 2 |" in (tmp_path / "several" / "table.md").read_text()


@pytest.mark.slow
def test_the_smallest_size_runs(tmp_path):
    assert several_networks.main(["--size", "smoke", "--outdir", str(tmp_path / "several"), "--quiet"]) == 0
    rows = [json.loads(line) for line in (tmp_path / "several" / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == 3 * 3 * 2
    for row in rows:
        assert len(row["seen"]) == (2 if row["aim"] == "log_odds" else 1)
        assert all(passes <= row["budget"] for passes in row["passes"])
