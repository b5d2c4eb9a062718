"""The comparison of strategies: what is counted, resumed and reported, on a small data set."""

from types import SimpleNamespace

import filelock
import numpy as np
import pytest

from experiments import strategy_comparison
from experiments.strategy_comparison import ARMS, Arm, Comparison, Config, best_of, passes_to, run_arm, table
from fooljax import data as datasets
from fooljax.cli import strategies
from fooljax.engine.types import Target
from fooljax.errors import InputError
from fooljax.report.budget import success_curves
from fooljax.storage.trees import read_json, write_json


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
    evolution = SimpleNamespace(metrics=metrics)
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
    first, paper, control, *_ = table(rows, "confirm").splitlines()[4:]
    assert "| focused | scaled | 40 |" in first
    assert "| at most 0.10 [0.094, 0.11] |" in first
    assert "map_elites (the paper)" in paper
    assert "| > 1,000 | > 1,000 |" in paper
    assert "| random_search | raw |" in control
    assert "| 0 of 2 | 0 % | - |" in control


def test_the_order_of_rows_changes_no_table():
    generator = np.random.default_rng(0)
    rows = [row("map_elites-raw-200", target, int(generator.integers(100, 900))) for target in (0, 1, 2) * 4]
    rows += [row("focused-scaled-40", target, int(generator.integers(10, 90))) for target in (0, 1, 2) * 4]
    expected = table(rows, "confirm")
    for _ in range(3):
        assert table([rows[place] for place in generator.permutation(len(rows))], "confirm") == expected


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
    assert rows[0]["target_sha256"][:8] in (tmp_path / "table.md").read_text()
    for name, value in (
        ("jax", None),
        ("digest", "0" * 64),
        ("target_sha256", "1" * 64),
        ("passes_to_all", 10**9),
        ("images", 0),
        ("images", "4"),
        ("images_at_9999", 0.5),
        ("target_seed", "0"),
        ("budget", 801),
    ):
        write_json(paths[0], {**rows[0], name: value})
        if name == "jax":  # told, and not what decides
            run_arm(comparison, "screen", arm, 800, 2, 1)
            continue
        with pytest.raises(InputError, match=r"target=0,seed=0.json: expected a row of this comparison"):
            run_arm(comparison, "screen", arm, 800, 2, 1)
    write_json(paths[0], rows[0])
    with pytest.raises(InputError, match="found one of other settings or versions"):
        Comparison(Config(final_runs=3), tmp_path, comparison.dataset).rows("screen")
    paths[0].rename(paths[0].with_name("screen,focused-direct-40,target=0,seed=7.json"))
    with pytest.raises(InputError, match=r"seed=7.json: expected a row of this comparison"):
        comparison.rows("screen")


def test_a_row_against_another_network_of_the_same_seed_is_refused(tmp_path, idx_folder):
    (tmp_path / "rows").mkdir()
    comparison = Comparison(Config(), tmp_path, datasets.load(f"idx:{idx_folder}"))
    ours = {"params_sha256": "ours-and-no-other"}
    comparison.targets[0] = Target((), None, "toy", (8, 8, 1), ("a", "b"), 0.5, provenance=ours)
    arm, theirs = ARMS["focused-direct-40"], "9892cfe5" * 8
    path = comparison.row_path("screen", arm, 0, 0)
    facts = {"stage": "screen", "name": arm.name, "target_seed": 0, "target_sha256": theirs, "seed": 0}
    facts |= {"passes_to_median": None, "passes_to_all": None, "images_at_9999": 0, "images": 10}
    write_json(path, {**facts, "budget": 800, "digest": comparison.digest("screen", arm, theirs, 0, 800)})
    with pytest.raises(
        InputError, match="expected a row against the network ours-and, found one against 9892"
    ):
        run_arm(comparison, "screen", arm, 800, 1, 1)


def test_a_folder_is_gone_on_with_only_by_its_own_comparison(tmp_path, idx_folder, capsys, monkeypatch):
    monkeypatch.setattr(strategy_comparison, "compare", lambda comparison: None)
    monkeypatch.setattr(strategy_comparison, "keep_compiled_programs", lambda: None)
    command = ["--outdir", str(tmp_path / "c"), "--data", f"idx:{idx_folder}"]
    assert strategy_comparison.main(command) == 0
    assert strategy_comparison.main([*command, "--family", "cppn"]) == 0
    capsys.readouterr()
    assert strategy_comparison.main([*command, "--final-runs", "4"]) == 2
    error = capsys.readouterr().err
    assert "config.json: expected final_runs 4, that of this comparison, found 10" in error
    assert error.count("\n") == 1
    with filelock.FileLock(tmp_path / "c" / ".lock"):
        assert strategy_comparison.main(command) == 2
    assert "another process is at work in this comparison" in capsys.readouterr().err
    (tmp_path / "c" / "config.json").unlink()
    (tmp_path / "c" / "rows" / "screen,x,target=0,seed=0.json").write_text("{}")
    assert strategy_comparison.main(command) == 2
    assert "expected the settings of the rows that are there" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert strategy_comparison.main(["--outdir", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


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
