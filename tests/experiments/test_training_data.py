"""Tables and findings from made rows, in which networks from more digits are harder to fool."""

import re

import numpy as np
import pytest

from experiments import training_data
from fooljax import study
from fooljax.errors import InputError
from fooljax.report import training_data as report
from fooljax.study.trainings import Training

LEVELS = ("0.9", "0.99", "0.999", "0.9999", "clean_median", "tpr_95", "tpr_99")


def rows_of(generator, training, odds, passes):
    of = {
        **{"network": training.name, "architecture": training.network, "training": training.kind},
        **{"learnt": training.images, "steps": training.steps, "seed": training.seed},
    }
    shares = {kind: dict.fromkeys(LEVELS, 0.5) for kind in ("raw", "scaled")}
    yield {
        **{"kind": "network", **of, "clean_accuracy": 0.97, "clean_log_odds": 5.0, "clean_rejected": None},
        "thresholds": {"temperature": 1.1},
    }
    yield {
        **{"kind": "attack", **of, "generator": generator, "run": 0, "budget": 5000, "passes": 5000},
        **{"log_odds": [odds] * 10, "scaled_log_odds": [odds / 2] * 10, "shares": shares},
        **{"passes_to_median": passes, "passes_to_all": None},
    }


@pytest.fixture(scope="module")
def rows():
    """Ten times as many digits cost 4 nats; shifted digits cost 3 more."""
    rng, found = np.random.default_rng(0), []
    for seed in range(5):
        for size in (250, 1000, 4000):
            odds = 20.0 - 4.0 * np.log10(size) + 0.1 * rng.normal()
            made = rows_of(
                "direct", Training("mlp", "plain", size, 10, seed), odds, None if odds < 6 else 900
            )
            found += made
        found += rows_of("direct", Training("mlp", "shifted", 1000, 10, seed), 5.0 + 0.1 * rng.normal(), None)
    return found


def test_the_trend_is_found(rows):
    found = training_data.findings(rows)
    slope = found["size_slope_direct"]
    assert slope.value.estimate == pytest.approx(-4.0, abs=0.2)
    assert slope.value.high < 0.0
    assert slope.of == "15 runs on 15 networks"
    assert found["size_rho_direct"].value.high < -0.8
    assert found["size_passes_rho_direct"].value.estimate > 0.5
    assert found["shifted_a12_direct"].value.estimate == 0.0
    assert found["shifted_a12_direct"].of == "10 runs on 10 networks"


def test_tables_are_of_the_rows_alone_in_any_order(rows):
    text = training_data.STUDY.tables(rows)
    assert "| 250, plain | 5 |" in text
    assert "| 4,000, plain |" in text
    assert "| 250, plain | overcome | overcome | - |" in text
    assert "| 1,000, shifted by up to 2 pixels | not tested: plateau, budget" in text
    assert re.search(r"\| shifted by up to 2 pixels \| evolved images, one gene a pixel \| -[23]\.", text)
    assert training_data.STUDY.tables(rows[::-1]) == text
    assert "interval for further networks that are trained alike." in text
    for picture in report.figures(rows).values():
        assert picture.startswith(b"\x89PNG")
    assert set(report.figures(rows)) == {"sizes.png", "trainings.png"}


def test_networks_by_depth_have_a_trend_of_their_own(rows):
    given = []
    for depth in (20, 32, 44, 56):
        for row in rows[:2]:
            more = {"network": f"resnet{depth}", "architecture": "given", "depth": depth}
            told = {name: value for name, value in row.items() if name not in ("training", "learnt", "seed")}
            given.append(told | more | {"log_odds": [30.0 - depth / 4.0] * 10})
    given = [row for row in given if row["kind"] in ("network", "attack")]
    assert training_data.findings(given)["size_rho_direct"].value.estimate == -1.0
    text = training_data.STUDY.tables(given)
    assert "| resnet20 |" in text
    assert "trained alike" not in text
    assert set(report.figures(given)) == {"depth.png"}


def test_the_trend_ranks_the_mean_of_runs_that_the_table_shows():
    """By medians, the log-odds would fall from depth to depth; by means, two depths change places."""
    runs = {20: (9.0, 9.0, 9.0), 32: (8.0, 8.0, 2.0), 44: (7.0, 7.0, 7.0), 56: (1.0, 1.0, 1.0)}
    given = [
        {"kind": "attack", "architecture": "given", "network": f"resnet{depth}", "depth": depth, "run": run}
        | {"generator": "gradient", "log_odds": [odds], "scaled_log_odds": [odds], "passes_to_median": None}
        for depth, of in runs.items()
        for run, odds in enumerate(of)
    ]
    assert training_data.findings(given)["size_rho_gradient"].value.estimate == pytest.approx(-0.8)


def test_settings_that_name_nothing_are_one_line():
    config = training_data.Config(sizes="250,many")
    with pytest.raises(InputError, match=r"^--sizes: expected numbers .*, got 250,many"):
        list(training_data.tasks(config, []))
    with pytest.raises(InputError, match=r"^--sizes: expected numbers .*, got 250,-5"):
        list(training_data.tasks(training_data.Config(sizes="250,-5"), []))
    with pytest.raises(InputError, match=r"^--trainings: expected some of plain, few, .* got big"):
        list(training_data.tasks(training_data.Config(trainings="big"), []))


def test_tasks_are_all_combinations():
    names = [task.name for task in training_data.tasks(training_data.Config(), [])]
    points = 5 + 4
    assert len(names) == len(set(names)) == points * 5 * (1 + len(training_data.GENERATORS))
    assert "network,mlp.plain.60000.1000.4" in names
    assert "mlp.rejecting.4000.1000.0,cppn,run=0" in names


@pytest.mark.slow  # it trains and evolves
def test_the_small_size_needs_nothing_but_the_package(tmp_path):
    assert training_data.main(["--size", "smoke", "--outdir", str(tmp_path / "out"), "--quiet"]) == 0
    rows = study.read_rows(tmp_path / "out" / "rows.jsonl")
    assert (tmp_path / "out" / "table.md").read_text() == training_data.STUDY.tables(rows)
