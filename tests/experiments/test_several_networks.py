"""Evolution against several networks: what is planned, and the smallest size whole."""

import json

import pytest

from experiments import several_networks
from fooljax.errors import InputError


def test_each_network_is_left_out_once_and_seen_by_nobody():
    tasks = list(several_networks.tasks(several_networks.Config(runs=2), []))
    assert len(tasks) == 5 * 3 * 3 * 2
    for task in tasks:
        assert task.settings["left_out"] not in task.settings["others"]
        assert not any(task.settings["left_out"] in name.split("+") for name in task.networks[1:])
    joint = {name for task in tasks for name in task.networks if "+" in name}
    assert len(joint) == 5


def test_two_networks_are_too_few():
    with pytest.raises(InputError, match="networks: expected three different ones or more, got a,b"):
        list(several_networks.tasks(several_networks.Config(networks="a,b"), []))


@pytest.mark.slow
def test_the_smallest_size_runs(tmp_path):
    assert several_networks.main(["--size", "smoke", "--outdir", str(tmp_path / "several"), "--quiet"]) == 0
    rows = [json.loads(line) for line in (tmp_path / "several" / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == 3 * 3 * 2
    for row in rows:
        assert len(row["seen"]) == (2 if row["aim"] == "log_odds" else 1)
        assert all(passes <= row["budget"] for passes in row["passes"])
