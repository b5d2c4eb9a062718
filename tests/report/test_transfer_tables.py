"""Tables and figures of transfer, from made rows whose answers are known."""

import numpy as np
import pytest

from fooljax.analysis.thresholds import Thresholds
from fooljax.analysis.transfer import OTHER, SAME, SEED, network_answers
from fooljax.report import transfer_rows
from fooljax.report.transfer import findings, tables
from fooljax.report.transfer_alike import named_alike
from fooljax.report.transfer_figures import figures

NETWORKS = ("lenet-0", "lenet-1", "mlp-0")
LEVELS = {"0.9": 2.2, "0.9999": float(np.log(9999.0))}
THRESHOLDS = Thresholds(raw=LEVELS, scaled=LEVELS, temperature=1.0, fitted_on=0, taken_on=0)
CLASSES = np.arange(4)


def row(source, generator, run, rates, passes=2000, own=12.0, networks=NETWORKS):
    """A set of four images; of each target the given share of them has the same name, and surely."""
    seen = {}
    for target, rate in zip(networks, rates, strict=True):
        odds = np.full((4, 4), -20.0)
        odds[CLASSES, CLASSES] = np.where(np.arange(4) < 4 * rate, own, -20.0)
        odds[CLASSES, (CLASSES + 1) % 4] = np.where(np.arange(4) < 4 * rate, -20.0, 3.0)
        seen[target] = network_answers(odds, CLASSES, THRESHOLDS)
    told = {"kind": "images", "network": source, "generator": generator, "budget": passes, "run": run}
    told |= {"passes": passes}
    return {**told, "targets": list(networks), "aims": [0, 1, 2, 3], "log_odds": [own] * 4, "seen": seen}


def clean(network):
    facts = {"kind": "clean", "target": network, "clean_accuracy": 0.99, "clean": "idx:x"}
    return {**facts, "networks": {network: "0123456789"}, "thresholds": THRESHOLDS.row()}


ROWS = [clean(network) for network in NETWORKS] + [
    row(source, generator, run, rates if source == "lenet-0" else (rates[1], rates[0], rates[2]))
    for source in ("lenet-0", "lenet-1")
    for generator, rates in {"cppn": (1.0, 0.75, 0.25), "gradient": (1.0, 0.25, 0.25)}.items()
    for run in range(2)
]


def lines(text, head):
    return [
        line for line in text.split(f"### {head}")[1].split("###")[0].splitlines() if line.startswith("|")
    ]


def test_the_tables_say_what_the_rows_say():
    text = tables(ROWS)
    _, _, cppn, gradient = lines(text, f"Shown to {SEED}")
    assert "| evolved CPPNs, 2,000 passes | 75.0 % [" in cppn
    assert "| gradient ascent, 2,000 passes | 25.0 % [" in gradient
    _, _, cppn, gradient = lines(text, "Shown to the network mlp-0")
    assert "| 25.0 % [" in cppn
    assert "A unit is a network that images were made for (lenet-0, lenet-1), each with 2 runs." in " ".join(
        text.split()
    )
    assert "mlp-0 (01234567, 99.00 % of clean images right)" in text
    assert OTHER not in text


def test_the_test_says_which_kind_is_more_specific():
    # Over the other LeNet; no images were made for the MLP.
    _, _, passes, confidence, first = lines(tables(ROWS), "Are gradient images more network-specific")
    assert "| equal passes, 2,000 | 12.0, 12.0 | 50.0 [50.0, 50.0] | 1.00 | 1 |" in passes
    assert "| equal confidence | equal | 50.0 [50.0, 50.0] | 1.00 | 1 |" in confidence
    assert "| named first | 12.0, 12.0 | 50.0 [50.0, 50.0] | 1.00 | 1 |" in first


def test_where_nothing_transfers_nothing_is_tested():
    own = {"lenet-0": (1.0, 0.0, 0.0), "lenet-1": (0.0, 1.0, 0.0)}
    rows = [
        row(source, generator, run, rates)
        for source, rates in own.items()
        for generator in ("cppn", "gradient")
        for run in range(2)
    ]
    text = tables([*map(clean, NETWORKS), *rows])
    for line in lines(text, "Are gradient images more network-specific")[2:]:
        assert line.endswith("| no difference | - | - |")


def test_names_that_random_drawings_share_are_told_beside_those_of_a_finished_search():
    """The MLP gives one of four evolved images the class it is for, and all random ones the LeNet's name."""
    sure = [{**clean(name), "thresholds": {"raw": {"tpr_95": 2.0}}} for name in NETWORKS]
    shown = [
        row("lenet-0", "archive", 0, (1.0, 0.0, 0.25)),
        row("lenet-0", "random_cppn", 0, (0.0, 0.0, 0.0)),
    ]
    found = named_alike([*sure, *shown])
    assert found["archive_named_alike"].of == "1 of 4 images"
    assert found["random_cppn_named_alike"].of == "4 of 4 images"
    assert found["archive_beyond_random"].value.estimate == -0.75
    unsure = [{**one, "thresholds": {"raw": {"tpr_95": 5.0}}} for one in sure]
    assert named_alike([*unsure, *shown])["random_cppn_named_alike"].of == "0 of 4 images"
    assert named_alike(ROWS) == {}


def test_what_claims_are_held_against():
    found = findings(ROWS)
    assert found["cppn_same_9999"].value.estimate == 0.75
    assert found["gradient_same_9999"].value.estimate == 0.25
    assert found["cppn_same_9999_mlp-0"].value.estimate == 0.25
    assert found["cppn_named_first_mlp-0"].value.estimate == 0.25
    assert found["cppn_own_only"].value.estimate == 0.25  # the last of four fools the network alone
    assert found["cppn_less_gradient"].value.estimate == pytest.approx(0.5)
    assert "direct_less_gradient" not in found
    assert found["cppn_named_first_beyond_gradient"].value[0] == 0.5
    assert found["cppn_named_first_beyond_gradient"].of == "2 networks"


def test_evolved_images_are_held_against_random_search():
    """Of four drawings of random search another LeNet names one first, and of four evolved ones two."""
    drawn = [
        row("lenet-0", kind, 0, (1.0, rate, 0.0))
        for kind, rate in (("cppn", 0.5), ("random_search_cppn", 0.25))
    ]
    found = findings([*map(clean, NETWORKS), *drawn])
    assert found["cppn_named_first_beyond_search"].value.estimate == 0.25
    assert found["cppn_named_first_beyond_search"].of == "one network"


def test_relatives_are_told_apart_from_strangers():
    networks = ("efficientnet-lite0", "efficientnet-lite1", "squeezenet")
    rates = ((1.0, 0.75, 0.25), (0.5, 1.0, 0.0), (0.0, 0.0, 1.0))
    rows = [row(name, "cppn", 0, some, networks=networks) for name, some in zip(networks, rates, strict=True)]
    found = findings(rows)
    assert found["cppn_named_first_relatives"].value[0] == 0.625  # 75 % and 50 %
    assert found["cppn_named_first_strangers"].value[0] == 0.125  # of the images of the EfficientNets alone
    assert found["cppn_named_first_strangers"].of == "2 runs on 2 networks"
    assert "cppn_named_first_relatives" not in findings(ROWS)  # between two LeNets there are no strangers


def test_networks_of_one_architecture_are_the_units():
    assert transfer_rows.independent_sources([{"network": name} for name in NETWORKS]) == [
        "lenet-0",
        "lenet-1",
    ]
    resnets = ["resnet20", "resnet32"]
    rows = [{"network": name, "targets": resnets} for name in resnets]
    assert transfer_rows.independent_sources(rows) == resnets
    assert list(transfer_rows.network_pairs(rows)) == [SAME, OTHER]


def test_figures_are_pictures():
    pictures = figures(ROWS)
    assert set(pictures) == {"matrix.png", "curve.png"}
    assert all(picture.startswith(b"\x89PNG") for picture in pictures.values())
    assert figures(ROWS[:3]) == {}
    assert tables(ROWS[:3]) == "No images yet.\n"


@pytest.mark.parametrize("order", [slice(None, None, -1), slice(3, None)])
def test_the_order_of_rows_changes_no_number(order):
    def numbers(rows):
        return sorted(line for line in tables(rows).splitlines() if line.startswith("| evolved"))

    assert numbers(ROWS[order]) == numbers(ROWS)
