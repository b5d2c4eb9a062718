"""Retraining of networks for CIFAR-10 and ImageNet: what is planned, tables of made rows, a small run."""

import json

import pytest

from experiments import retraining_large
from fooljax.errors import InputError
from fooljax.report.retraining_large import figures, findings, tables

SETTINGS = {"networks": "resnet20", "data": "embedded", "runs": 4, "chains": 2, "rounds": 2}
CLEAN = {
    "clean_images": 300,
    "accuracy": 0.8,
    "accuracy_before": 0.9,
    "agreement": 0.85,
    "zero_gradients": 0.0,
}
CLEAN |= {"probabilities": False}
SHARES = {part: dict.fromkeys(("0.9", "0.9999"), 0.5) for part in ("raw", "scaled")}


def planned(**more):
    return list(retraining_large.tasks(retraining_large.Config(**(SETTINGS | more)), []))


def test_all_chains_meet_cppns_and_some_meet_the_others():
    tasks = planned(others=1)
    made = [task.settings for task in tasks if task.settings["kind"] == "attack"]
    assert {(one["round"], one["rate"]) for one in made} == {(0, None), (1, 1), (1, 5), (2, 1), (2, 5)}
    cppns = [one for one in made if one["generator"] == "cppn"]
    assert [one["chain"] for one in cppns if one["round"] == 0] == [0, 1, 2, 3]
    assert len([one for one in cppns if one["round"] == 1]) == 2 * 2
    assert {one["chain"] for one in made if one["generator"] == "gradient"} == {0}
    assert {one["rate"] for one in made if one["generator"] == "direct"} == {None, 1}
    assert len({task.name for task in tasks}) == len(tasks)


def test_evolution_from_old_images_meets_the_network_before_and_after():
    made = [task.settings for task in planned(others=1, generators="goes_on", rates="1")]
    assert [one["round"] for one in made if one["kind"] == "attack"] == [0, 1, 2]


def test_only_rows_of_networks_with_a_new_last_block_say_what_was_trained():
    """Rows of a network itself and of other parts are those that were published before."""
    assert not any("part" in task.settings for part in ("head", "all") for task in planned(part=part))
    for task in planned(part="block"):
        assert task.settings.get("part") == ("block" if task.settings["round"] else None)


@pytest.mark.parametrize("part", ["head", "block", "all"])
@pytest.mark.parametrize("name", ["knn", "squeezenet", "alexnet-small-0", "mobilenet-v2"])
def test_networks_without_a_layer_to_retrain_are_told_before_any_work(part, name, tmp_path, capsys):
    command = ["--size", "smoke", "--part", part, "--networks", f"lenet-0,{name}"]
    assert retraining_large.main([*command, "--outdir", str(tmp_path / "out")]) == 2
    told = (
        "error: --networks: expected networks whose last layer can be retrained, with names that begin with "
    )
    line = capsys.readouterr().err
    assert line.startswith(told)
    assert line.endswith(f", got {name}\n")
    assert not (tmp_path / "out").exists()


def test_a_chain_more_than_there_are_sets():
    with pytest.raises(InputError, match=r"--chains: expected at most 4, the --runs, got 5"):
        planned(chains=5)


def row(kind, count, chain=0, **more):
    state = {"network": "net", "round": count, "chain": chain, "rate": 1 if count else None}
    return {"kind": kind, **state, "rejected": 0.25 if count else None, **more}


def attack(count, chain, odds):
    told = {"generator": "cppn", "passes": 400, "budget": 400, "log_odds": odds, "shares": SHARES}
    return row("attack", count, chain, fooled=sum(one >= 9.3 for one in odds) / len(odds), **told)


ROWS = [
    *(row("clean", count, **CLEAN) for count in (0, 1)),
    row("clean", 1, 1, **(CLEAN | {"agreement": 0.75})),
    *(attack(0, chain, [8.0 + chain, 9.5, 10.0]) for chain in range(4)),
    *(attack(1, chain, [-3.0 - chain, -2.0 - chain, 1.0]) for chain in range(3)),
    *(
        row("shown", 1, chain, generator="old", images_shown=8, fooled=0.0, log_odds=[-1.0] * 8)
        for chain in range(2)
    ),
]


def test_findings_of_made_rows():
    found = findings(ROWS)
    assert found["net_before"].value.estimate == 9.75  # between 9.5 and 10, the middle two of four sets
    assert found["net_after"].value.estimate == -3.0
    assert found["net_greater"].value.estimate == 0.0
    assert found["net_old_taken"].value.estimate == 0.25
    assert found["net_old_taken"].of == "16 images"
    assert found["net_agreement"].value.estimate == 0.8  # the mean over both chains, as in the table
    assert found["net_agreement"].of == "300 images, 2 retrained networks"


@pytest.mark.parametrize("rows", [ROWS, ROWS[::-1]])
def test_tables_of_made_rows_in_any_order(rows):
    text = tables(rows)
    assert "| net | no | - | evolved images drawn by CPPNs | 4 | 400 | 9.8 |" in text
    assert (
        "| net | 1 x | 1 % | evolved images drawn by CPPNs | 3 | 400 | -3.0 | 4.74 % | 0 % | 25.0 % |" in text
    )
    assert "0.057" in text  # of 35 arrangements, the two most extreme ones
    assert "| net | 1 x | 1 % | 2 | 300 | 80.0 % | 90.0 % | 80.0 % | 25.0 % |" in text
    assert "trained alike" not in text
    assert list(figures(rows)) == ["net.png"]


def test_tables_say_where_the_last_block_was_trained():
    assert "ast block" not in tables(ROWS)
    text = tables([{**row, "part": "block"} if row["round"] else row for row in ROWS])
    assert "| net | no |" in text
    assert "| net | 1 x, last block | 1 % | evolved images drawn by CPPNs | 3 |" in text
    assert "**Last block**: only the last block" in text


def test_without_new_attacks_nothing_is_said_of_their_strength():
    """Where nothing but evolution that goes on from old images met the network."""
    going_on = [{**row, "generator": "goes_on"} for row in ROWS if row["kind"] == "attack"]
    assert "overcome? | evolved CPPNs alone |" in (
        text := tables([*going_on, *(row for row in ROWS if row["kind"] == "clean")])
    )
    assert "| - | - |\n" in text.partition("overcome?")[2].partition("### Clean")[0]


def test_no_rows():
    assert tables([]) == "No rows yet.\n"
    assert figures([]) == {}
    assert findings([]) == {}


@pytest.mark.slow
def test_the_smallest_size_runs(tmp_path):
    assert retraining_large.main(["--size", "smoke", "--outdir", str(tmp_path / "r"), "--quiet"]) == 0
    rows = [json.loads(line) for line in (tmp_path / "r" / "rows.jsonl").read_text().splitlines()]
    retrained = [one for one in rows if one["kind"] == "clean" and one["round"]]
    assert all(one["agreement"] > 0.9 for one in retrained)
    assert all(one["rejected"] < 0.12 for one in retrained)
    assert "evolved CPPNs against the network before" in (tmp_path / "r" / "table.md").read_text()
