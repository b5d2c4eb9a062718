"""The transfer experiment: what is planned, and the smallest size whole."""

import json
import re

import pytest

from experiments import transfer
from fooljax.report.transfer_rows import with_largest_budget


def test_every_set_is_shown_to_every_target():
    config = transfer.Config(**transfer.SIZES["paper"])
    tasks = list(transfer.tasks(config, []))
    assert [task.settings["target"] for task in tasks if task.settings["kind"] == "clean"] == [
        *(f"lenet-{seed}" for seed in range(5)),
        *("mlp-0", "alexnet-small-0", "knn"),
    ]
    images = [task for task in tasks if task.settings["kind"] == "images"]
    assert len(images) == 7 * 5 * (2 * 3 + 3 + 5 + 1)
    assert all(set(task.networks) == {*transfer.SOURCES["mnist"], "knn"} for task in images)
    assert len({task.together for task in images}) == 7 * (2 * 3 + 3 + 5 + 1)


@pytest.mark.parametrize("data_set", ["cifar10", "imagenet"])
def test_black_boxes_are_targets_alone(data_set):
    tasks = list(transfer.tasks(transfer.Config(data_set=data_set, runs=1), []))
    sources = {task.settings["network"] for task in tasks if task.settings["kind"] == "images"}
    assert sources == set(transfer.SOURCES[data_set])
    assert not any(name.startswith("mobilenet") for name in sources)


def test_kinds_of_images_are_chosen_and_photographs_are_clean_images():
    few = transfer.Config(
        data_set="imagenet", runs=1, generators="cppn,clean", fewer_passes="none", imagefolder="photographs"
    )
    tasks = list(transfer.tasks(few, []))
    assert {task.settings.get("generator") for task in tasks} == {None, "cppn", "clean"}
    assert {task.settings["clean"] for task in tasks} == {"photographs"}


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ("lenet-0,lenet-0", "different names with commas between, got lenet-0 twice"),
        ("lenet-0,", "different names with commas between, got lenet-0,"),
        ("lenet-0,a/b", r"names of letters, digits and _\.=\+-, got a/b"),
        ("lenet-0,lenet-9", "one of lenet-0, .*, got lenet-9; did you mean lenet-.*"),
    ],
)
def test_wrong_targets_are_told_before_any_work(targets, told, tmp_path, capsys):
    outdir = tmp_path / "out"
    assert transfer.main(["--targets", targets, "--outdir", str(outdir)]) == 2
    assert re.fullmatch(f"error: --targets: expected {told}\n", capsys.readouterr().err)
    assert not outdir.exists()


def test_of_each_kind_of_image_the_largest_budget_counts():
    rows = [{"generator": name, "budget": passes} for name, passes in (("a", 1), ("a", 2), ("b", 1))]
    assert with_largest_budget(rows) == rows[1:]


@pytest.mark.slow  # CPPNs compile for long
def test_the_smallest_size_runs_and_goes_on(tmp_path):
    command = ["--size", "smoke", "--outdir", str(tmp_path / "transfer"), "--quiet"]
    assert transfer.main(command) == 0
    rows = [json.loads(line) for line in (tmp_path / "transfer" / "rows.jsonl").read_text().splitlines()]
    for row in (row for row in rows if row["kind"] == "images"):
        # What the set says of its own network, and what the saved images say when they are scored again.
        assert row["log_odds"] == pytest.approx(row["seen"][row["network"]]["own"], abs=1e-2)
        assert row["passes"] <= row["budget"]
    before = {path: path.read_bytes() for path in (tmp_path / "transfer" / "rows").iterdir()}
    assert transfer.main(command) == 0
    assert before == {path: path.read_bytes() for path in (tmp_path / "transfer" / "rows").iterdir()}
