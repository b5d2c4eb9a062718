"""Changes that nobody sees: rows of a small run, tables and findings by hand, and Foolbox beside ours."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments import hidden
from fooljax import study
from fooljax.errors import InputError
from fooljax.report import hidden as report
from fooljax.report.data_titles import data_title
from fooljax.study.perturbed_images import other_classes

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "hidden"


def row(network="lenet-0", kind="l2_9999", run=0, **more):
    """Two images: one hidden, the other changed too much to be."""
    told = {"network": network, "kind": kind, "run": run, "data": "idx-mnist", "images": 2, "found": 2}
    told |= {"length": [0.5, 2.0], "log_odds": [9.5, 9.5], "decibels": [45.0, 20.0], "grey_levels": [3, 90]}
    told |= {"exact_found": 2, "exact_length": [0.4, 1.9], "survive_rounding": 1, "passes": 400}
    seen = {name: {"clean": [0, 2], "uniform": [0, 2], "gaussian": [0, 2]} for name in ("lenet-0", "lenet-1")}
    for name, found in seen.items():
        found["changed"] = [2, 0] if name == network else [1, 1]
    return told | {"seen": seen} | more


def test_findings_by_hand():
    rows = [row(kind=kind) for kind in ("l2", "l2_9999")]
    found = report.findings(rows)
    assert found["digits_hidden"].value.estimate == 0.5
    assert found["digits_undone"].value.estimate == 0.5
    assert found["digits_noise"].value.estimate == 0.0
    assert found["digits_misnamed_elsewhere"].value.estimate == 0.5
    assert found["digits_aimed_elsewhere"].value.estimate == 0.5
    assert found["digits_misnamed_beyond"].value.estimate == 0.5


def test_images_below_the_confidence_or_without_a_change_are_not_hidden():
    unsure = row(log_odds=[9.0, 9.0])
    assert report.findings([unsure])["digits_hidden"].value.estimate == 0.0
    never = row(length=[None, None], found=0, decibels=[None, None])
    assert report.findings([never])["digits_hidden"].value.estimate == 0.0


def test_tables_say_what_rows_say_for_each_network_that_was_shown():
    text = report.tables([row(kind="l2"), row("lenet-1", "l2")])
    assert "| digits | PGD, smallest Euclidean length | 2 x 1 | 4 of 4 |" in text
    assert "| itself | 100 % [" in text
    assert "| another lenet | 50.0 % [" in text
    assert "only a" not in text


def test_intervals_over_several_architectures_are_called_a_guide():
    photographs = [row(f"resnet{depth}", data="npz-cifar10") for depth in (20, 32)]
    text = report.tables([row("lenet-0"), row("lenet-1"), *photographs])
    assert " The networks of CIFAR-10 are a fixed set of different architectures" in text


def test_a_kind_that_is_none_is_one_line():
    with pytest.raises(InputError, match=r"^--kinds: expected some of l2, l2_9999, linf, lbfgs, got l2,l3$"):
        list(hidden.tasks(hidden.Config(kinds="l2,l3"), []))


def test_nothing_measured_is_nothing_found():
    assert report.findings([]) == {}
    assert report.figures([]) == {}


def test_a_class_aimed_at_is_never_the_image_s_own():
    labels = np.arange(10).repeat(50)
    aims = other_classes(labels, 10, seed=0)
    assert np.all(aims != labels)
    assert set(aims.tolist()) == set(range(10))


@pytest.mark.slow  # gradients of a LeNet are compiled three times
def test_the_small_size_needs_nothing_but_the_package(tmp_path):
    assert hidden.main(["--size", "smoke", "--outdir", str(tmp_path), "--quiet"]) == 0
    rows = study.read_rows(tmp_path / "rows.jsonl")
    for one in rows:
        if one["kind"] != "example":
            assert one["seen"][one["network"]]["changed"][0] == one["found"]
            assert one["seen"][one["network"]]["clean"][1] == one["images"]
    assert (tmp_path / "examples-lenet-0.png").read_bytes().startswith(b"\x89PNG")


def test_published_tables_are_made_of_their_rows():
    paths = sorted((RESULTS / "rows").glob("*.json"))
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    text = report.tables(rows)
    for name, some in report.data_sets(rows).items():
        sure = [one for one in some if one["kind"] == "l2_9999"]
        found = f"| {sum(one['found'] for one in sure)} of {sum(one['images'] for one in sure)} |"
        assert any(line.startswith(f"| {data_title(name)} |") and found in line for line in text.splitlines())


def test_the_share_that_foolbox_fools_within_a_limit_is_near_ours():
    told = json.loads((RESULTS / "foolbox.json").read_text(encoding="utf-8"))
    for norm in told["norms"].values():
        for seeds, own in zip(zip(*norm["foolbox"], strict=True), norm["fooljax"], strict=True):
            spread = 2.0 / told["images"] + max(seeds) - min(seeds)
            assert own >= min(seeds) - spread, "a weaker search than Foolbox's"
            assert own <= max(seeds) + 0.2, "a change that Foolbox finds impossible is suspect"
