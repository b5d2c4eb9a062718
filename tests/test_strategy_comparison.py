"""The comparison of strategies: what is counted, resumed and reported, on a small data set."""

import numpy as np
import pytest

from experiments import strategies, strategy_comparison
from experiments.strategy_comparison import ARMS, Arm, Comparison, Config, best_of, passes_to, run_arm, table
from fooljax import datasets
from fooljax.evolution import Evolution
from fooljax.report.budget import success_curves
from fooljax.storage import read_json


def row(name, target, passes, images=10, budget=1000):
    return {
        "name": name,
        "target_seed": target,
        "budget": budget,
        "passes_to_all": passes,
        "passes_to_median": passes and passes // 2,
        "images_at_9999": images,
        "images": 10,
    }


def test_passes_are_those_of_the_generation_that_did_it():
    metrics = {
        "queries": np.asarray([[10, 20, 30, 40]]),
        "median_log_odds": np.asarray([[0.0, 9.3, 9.4, 9.5]]),
        "min_log_odds": np.asarray([[0.0, 1.0, 9.0, 9.3]]),
    }
    evolution = Evolution(None, (0,), None, metrics, 3, True, 0.0, 0.0)
    assert passes_to(evolution, 0, 40) == {"passes_to_median": 20, "passes_to_all": 40, "passes": 40}
    assert passes_to(evolution, 0, 35) == {"passes_to_median": 20, "passes_to_all": None, "passes": 35}


def test_the_best_are_the_cheapest_and_censored_runs_cost_more():
    rows = [row("focused-scaled-40", 0, 300), row("focused-scaled-40", 0, 500)]
    rows += [row("focused-raw-40", 0, None, images=9), row("focused-raw-40", 0, 100)]
    rows += [row("map_elites-scaled-40", 0, None, images=2), row("map_elites-scaled-40", 0, 100)]
    rows += [row("random_search-raw-200", 0, 1), row("refined3-scaled-20", 0, 2)]
    names = [arm.name for arm in best_of(rows, "cppn", False, 3)]
    assert names == ["focused-scaled-40", "focused-raw-40", "map_elites-scaled-40"]
    assert [arm.name for arm in best_of(rows, "cppn", True, 3)] == ["refined3-scaled-20"]


def test_a_ratio_to_censored_runs_is_called_a_bound():
    rows = [row("map_elites-raw-200", target, None, images=8) for target in (0, 1)]
    rows += [row("focused-scaled-40", target, 100 + target) for target in (0, 1)]
    rows += [row("random_search-raw-200", target, None, images=0) for target in (0, 1)]
    first, paper, control = table(rows, "confirm").splitlines()[4:]
    assert "| focused | scaled | 40 |" in first
    assert "| <= 0.1 [0.1, 0.101] |" in first
    assert "map_elites (the paper)" in paper
    assert "> 1,000 [> 1,000, > 1,000]" in paper
    assert "| random_search | raw |" in control
    assert "| 0 of 2 | 0.0% | - |" in control


def test_every_arm_can_be_built_and_random_search_is_in_every_family():
    for arm in ARMS.values():
        encoding = strategy_comparison.ENCODINGS[arm.encoding]((28, 28, 1))
        strategy = strategy_comparison.strategies.build(arm.strategy, encoding, arm.children, arm.settings)
        assert strategy.batch_size == arm.children
    for family in strategy_comparison.FAMILIES:
        roles = {arm.role for arm in ARMS.values() if arm.family == family}
        assert roles == {"", "baseline", "control"}


def test_an_arm_is_run_saved_and_not_run_again(tmp_path, idx_folder, capsys):
    for name in ("rows", "images"):
        (tmp_path / name).mkdir()
    comparison = Comparison(Config(), tmp_path, datasets.load(f"idx:{idx_folder}"))
    arm = Arm("focused-direct-40", "direct", "direct", "focused", 40)
    run_arm(comparison, "screen", arm, 800, 2, 1)
    paths = sorted((tmp_path / "rows").iterdir())
    assert len(paths) == len(list((tmp_path / "images").glob("*.png"))) == 2
    rows = [read_json(path) for path in paths]
    for one in rows:
        assert one["passes"] <= 800
        reached = one["passes_to_all"] is not None
        assert reached == (one["images_at_9999"] == one["images"] == 4)
    before = [path.stat().st_mtime_ns for path in paths]
    capsys.readouterr()
    run_arm(comparison, "screen", arm, 800, 2, 1)
    assert [path.stat().st_mtime_ns for path in paths] == before
    assert capsys.readouterr().out == ""
    strategy_comparison.report(comparison)
    assert "focused" in (tmp_path / "table.md").read_text()


def test_curves_are_a_picture():
    series = {"one": ([[100.0, 300.0], [np.inf, 200.0]], 1000), "two": ([[np.inf], [np.inf]], 1000)}
    assert success_curves(series).startswith(b"\x89PNG")


def test_the_comparison_wants_a_folder(capsys):
    assert strategy_comparison.main([]) == 2
    assert capsys.readouterr().err.startswith("error: --outdir: expected a folder")


def test_the_listing_names_every_strategy_and_its_settings(capsys):
    assert strategies.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(strategies.STRATEGIES)
    assert lines[0].startswith("map_elites ")
    assert strategies.main(["focused"]) == 0
    assert "--set focus=0.5" in capsys.readouterr().out
    assert strategies.main(["luck"]) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize("name", list(ARMS))
def test_names_of_arms_are_safe_in_paths(name):
    assert not set(name) & set('/\\:*?"<>| ')
