"""The comparison of strategies: what is planned, chosen, counted and told, on a small data set."""

import numpy as np
import pytest

from experiments import strategy_comparison
from experiments.strategy_comparison import ARMS, ENCODINGS, STUDY, Config, best_of, table, tasks
from fooljax import strategies, study
from fooljax.report.budget import success_curves


def row(name, target, passes, images=10, budget=1000):
    return {
        "stage": "confirm",
        "name": name,
        "target_seed": target,
        "target_sha256": f"{target}" * 64,
        "budget": budget,
        "passes_to_all": passes,
        "passes_to_median": passes and passes // 2,
        "images_at_9999": images,
        "images": 10,
    }


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
        encoding = ENCODINGS[arm.encoding]((28, 28, 1))
        strategy = strategies.build(arm.strategy, encoding, arm.children, arm.settings)
        assert strategy.batch_size == arm.children
    for family in strategy_comparison.FAMILIES:
        roles = {arm.role for arm in ARMS.values() if arm.family == family}
        assert roles == {"", "baseline", "control"}


def test_a_stage_is_planned_when_the_one_before_it_is_done():
    config = Config(family="direct", targets=1, final_runs=2)
    screen = list(tasks(config, []))
    assert {task.settings["stage"] for task in screen} == {"screen"}
    arms = [arm for arm in ARMS.values() if arm.family == "direct"]
    assert len(screen) == 2 * len(arms)
    rows = [{**row(arm.name, 0, 100 + n), "stage": "screen"} for n, arm in enumerate(arms)]
    finals = list(tasks(config, rows))[len(screen) :]
    assert {task.settings["name"] for task in finals} >= {
        arm.name for arm in best_of(rows, "direct", True, 1)
    }
    assert len({task.together for task in finals}) == 3
    rows += [{**row(task.settings["name"], 0, 100), "stage": "finals"} for task in finals]
    confirm = list(tasks(config, rows))[len(screen) + len(finals) :]
    assert {task.settings["target_seed"] for task in confirm} == {100}
    assert {task.settings["role"] for task in confirm} == {"", "baseline", "control"}
    assert {task.settings["budget"] for task in confirm} == {config.final_passes, config.baseline_passes}


@pytest.mark.slow  # it trains a network; tests/study has the parts
def test_an_arm_is_run_saved_and_told(tmp_path, idx_folder, monkeypatch):
    arm = ARMS["focused-direct-40"]
    monkeypatch.setattr(strategy_comparison, "ARMS", {arm.name: arm})
    config = Config(data=f"idx:{idx_folder}", family="direct", screen_passes=800, targets=1)
    alone = {**vars(STUDY), "tasks": lambda config, rows: tasks(config, [])}
    rows = study.run(study.Study(**alone), config, tmp_path, say=lambda line: None)
    assert len(rows) == len(list((tmp_path / "images").glob("*.png"))) == 2
    for one in rows:
        assert one["passes"] <= 800
        assert (one["passes_to_all"] is not None) == (one["images_at_9999"] == one["images"] == 4)
        assert one["target_sha256"] == one["networks"]["0"]
    text = (tmp_path / "table.md").read_text()
    assert "| focused | direct | 40 | - | 1 x 2 |" in text
    assert f"Networks: {rows[0]['target_sha256'][:8]} (seed 0)." in text


def test_curves_are_a_picture():
    series = {"one": ([[100.0, 300.0], [np.inf, 200.0]], 1000), "two": ([[np.inf], [np.inf]], 1000)}
    assert success_curves(series).startswith(b"\x89PNG")
    rows = [row("focused-direct-40", 0, 100), row("focused-raw-40", 0, None)]
    assert set(strategy_comparison.figures(rows)) == {"curves-confirm-cppn.png", "curves-confirm-direct.png"}


def test_the_comparison_wants_a_folder(capsys):
    assert strategy_comparison.main([]) == 2
    assert capsys.readouterr().err.startswith("error: --outdir: expected a folder")


@pytest.mark.parametrize("name", list(ARMS))
def test_names_of_arms_are_safe_in_paths(name):
    assert not set(name) & set('/\\:*?"<>| ')


def test_its_help_names_the_command_and_says_that_a_folder_may_be_gone_on_with(capsys):
    with pytest.raises(SystemExit):
        strategy_comparison.main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith("usage: python -m experiments.strategy_comparison ")
    assert "The folder of the study: new, empty, or of this study to go on with." in text
    assert "Rows that are there are kept, and the table is of those that the settings ask for." in text
