"""The experiment on retraining: its stages, and tables and figures of made rows with known answers."""

import base64
import dataclasses
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from experiments.retraining import SIZES, STUDY, Config, chain_settings
from fooljax.errors import InputError
from fooljax.report.retraining import findings, tables, trend
from fooljax.report.retraining_figures import figures
from fooljax.study import rows as study_rows
from fooljax.study.images import sheet_of

RATES = {"0.01": 0.5, "0.05": 0.25}
MET = {
    "taken": 0.25,
    "fooled": 0.5,
    "passed": {"fooling class": RATES, "confidence": RATES},
    "sure": {"fooling class": RATES, "confidence": RATES},
}
SYMPTOMS = {"zero_gradients": 0.0, "probabilities": False}


def made_rows(rounds=6, starts=3):
    """Chains against which evolution reaches 12 nats at first, and one nat less each round."""
    found = []
    sheet = base64.b64encode(sheet_of(np.zeros((10, 4, 4, 1), np.uint8))).decode()
    for number in range(1, rounds + 1):
        for start in range(starts):
            told = {
                "network": f"lenet-{start}",
                "seed": 0,
                "number": number,
                "how": chain_settings(Config()).facts,
            }
            odds = 13.0 - number + 0.01 * start
            found.append(
                {
                    **told,
                    "kind": "round",
                    "fooling_images": 0 if number == 1 else 1200 + 200 * (number - 2),
                    "digits": 60_000,
                    "accuracy": 0.99,
                    "accuracy_of_ten": 0.99,
                    "clean_rejected": 0.001,
                    "levels": {"levels": {name: RATES for name in MET["passed"]}},
                    "log_odds": [[odds] * 10] * 2,
                    "reached": [[400] * 5 + [0] * 5] * 2,
                    "new": MET,
                    "random": MET,
                    "old": [{"taken": [1.0, 0.9], "fooling": [0.0, 0.05]}] * (number - 1),
                    "sheet": sheet,
                    "sheet_shape": [10, 4, 4, 1],
                }
            )
    for number, odds in ((1, 15.0), (rounds, 4.0)):
        for generator in ("cppn", "uniform_noise"):
            for start in range(starts):
                told = {
                    "network": f"lenet-{start}",
                    "seed": 0,
                    "number": number,
                    "how": chain_settings(Config()).facts,
                }
                found.append(
                    {
                        **told,
                        "kind": "attack",
                        "generator": generator,
                        "budget": 20_000,
                        "log_odds": [odds if generator == "cppn" else -5.0] * 10,
                        "passes_of_classes": [900] * 10 if generator == "cppn" else None,
                        "passes_to_median": 900 if generator == "cppn" and number == 1 else None,
                        "new": MET,
                        "symptoms": SYMPTOMS,
                    }
                )
    return found


def line(text, begin, after=""):
    part = text[text.index(after) :]
    return [
        cell.strip() for one in part.splitlines() if one.startswith(begin) for cell in one.split("|")[1:-1]
    ]


def test_the_papers_sizes_come_out():
    """60,000 digits, and 19,000 images in the class that DNN 15 has learnt: 24 % of its set."""
    paper = Config(**SIZES["paper"])
    rows = made_rows(15, 1)
    for row in rows:
        row["how"] = chain_settings(paper).facts
        if row["kind"] == "round" and row["number"] > 1:
            row["fooling_images"] = paper.first_images + paper.more_images * (row["number"] - 2)
    cells = line(tables(rows), "| DNN 15 ")[:5]
    assert cells == ["DNN 15", "1", "60,000", "19,000", "24.0 %"]


def test_the_published_size_gives_the_class_the_papers_share():
    cells = line(tables(made_rows(15)), "| DNN 15 ")[:5]
    assert cells == ["DNN 15", "3", "60,000", "3,800", "24.0 %"]


def test_tables_say_what_the_rows_say():
    text = tables(made_rows())
    new = line(text, "| DNN 3 ", "### New images against each network")[:6]
    assert new[1].startswith("99.99 % [")
    assert new[2].startswith("100 % [")
    assert new[3].startswith("400 [")
    assert new[4].startswith("25.0 % [")
    assert line(text, "| DNN 6 ", "### New images against each network")[2].startswith("0 % [")
    old = line(text, "| DNN 6 ", "### Old images")
    assert [cell.partition(" [")[0] for cell in old[1:5]] == ["100 %", "90.0 %", "5.0 %", "95.0 %"]
    matched = line(text, "| DNN 1 ", "### Equal rejection")[:5]
    assert matched[1:3] == ["-", "-"]  # it has no such class
    assert matched[3].startswith("50.0 %")
    assert "| -1.00 [-1.00, -1.00] |" in text.replace("-0.99", "-1.00").replace(
        "[-1.00, -1.00]", "[-1.00, -1.00]"
    )


def test_what_holds_is_not_called_so_without_the_signs_of_a_weak_attack():
    text = tables(made_rows())
    strength = text[text.index("| network | attacks |") :]
    assert "| DNN 1 | overcome |" in strength
    assert "evolved CPPNs alone" in strength
    assert "| DNN 6 | weak attack: fewer than 5 runs" in strength


def test_a_chain_that_gets_harder_every_round_has_a_trend_of_minus_one():
    rounds = [row for row in made_rows() if row["kind"] == "round"]
    assert trend(rounds, lambda row: row["log_odds"][0][0]) == [[-1.0]] * 3
    assert trend(rounds, lambda row: 1.0) == []  # nothing changes: no order to speak of
    assert trend([row for row in rounds if row["number"] < 4], lambda row: row["number"]) == []  # too few


def test_findings_are_of_the_last_network_that_all_chains_have():
    rows = [row for row in made_rows() if (row["network"], row["number"]) != ("lenet-2", 6)]
    found = findings(rows)
    assert found["last"].value.estimate == 5
    assert found["short_first_share"].value.estimate == found["cppn_first"].value.estimate == 1.0
    assert found["short_last_share"].value.estimate == found["cppn_last"].value.estimate == 0.0
    assert (
        found["last_share"] == found["cppn_last"]
    )  # of the longer search: a short one shows no defence to hold
    assert "last_share" not in findings([row for row in rows if row["number"] == 1])
    assert found["old_taken"].value.estimate == pytest.approx(0.9)
    assert found["trend"].value.estimate < -0.99
    assert found["first_confidence"].written.startswith("99.999")
    assert findings([]) == {}


def test_findings_have_the_worst_chain_and_the_first_network_with_the_class():
    rows = made_rows()
    worst = [
        {**row, "accuracy": 0.9, "clean_rejected": 0.25}
        if (row["kind"], row["network"], row["number"]) == ("round", "lenet-1", 6)
        else row
        for row in rows
    ]
    found = findings(worst)
    assert (found["accuracy_least"].written, found["rejected_most"].written) == ("90.00 %", "25.00 %")
    assert found["accuracy"].value.estimate == pytest.approx(0.96)
    strict = [
        {**row, "kind": "attack", "generator": "cppn", "number": number, "rejects": "0.05", "log_odds": odds}
        for row in rows
        if row["kind"] == "attack" and row["number"] == 6 and row["generator"] == "cppn"
        for number, odds in ((2, [12.0] * 5 + [1.0] * 5), (6, [1.0] * 10))
    ]
    found = findings([*rows, *strict])
    assert found["rejects_0.05_begun"].value.estimate == pytest.approx(0.5)
    assert found["rejects_0.05"].value.estimate == 0.0
    assert "rejects_0.05_begun" not in findings([*rows, *(row for row in strict if row["number"] == 6)])


def test_rows_in_any_order_give_the_same_table_and_figures():
    rows = made_rows(3)
    assert tables(rows[::-1]) == tables(rows)
    drawn = figures(rows[::-1])
    assert drawn == figures(rows)
    assert set(drawn) == {"rounds.png", "images.png"}
    strict = [{**row, "rejects": "0.05", "log_odds": [1.0] * 10} for row in rows if row["kind"] == "attack"]
    assert figures([*rows, *strict]) == drawn  # another network, in a sense: it has a line of the table
    assert "rejects 5 % of clean digits" in tables([*rows, *strict])
    assert all(content.startswith(b"\x89PNG") for content in drawn.values())
    assert tables([]) == "No round is done yet.\n"
    assert figures([]) == {}


def test_images_of_attacks_are_drawn_where_rows_have_them():
    rows = made_rows()
    assert "attacks.png" not in figures(rows)
    sheet = {name: rows[0][name] for name in ("sheet", "sheet_shape")}
    drawn = [row | sheet if row["kind"] == "attack" and row["generator"] == "cppn" else row for row in rows]
    assert figures(drawn)["attacks.png"].startswith(b"\x89PNG")


def test_a_stage_waits_for_the_one_before_it_in_every_chain():
    config = Config(rounds=3, seeds=2, attacked="2", generators="gradient", rejects="0.05")
    planned = [task.name for task in STUDY.tasks(config, [])]
    assert planned == [f"round,lenet-{start}-seed0,01" for start in range(3)]
    rows = [{"task": name} for name in planned]
    assert STUDY.tasks(config, rows[:2]) is not None
    assert [task.name for task in STUDY.tasks(config, rows[:2])] == planned
    later = [task for task in STUDY.tasks(config, rows) if task.name not in planned]
    assert [task.name for task in later[3:]] == [
        f"attack,lenet-{start}-seed0,02,{met}"
        for met in ("gradient", "cppn,rejects=0.05")
        for start in range(3)
    ]
    assert later[0].networks == ("lenet-0-seed0-dnn2",)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"attacked": "1,x"}, r"^--attacked: expected numbers from 1 on, with commas between, got 1,x"),
        ({"attacked": "0"}, r"^--attacked: expected numbers"),
        ({"attacked": "1,99"}, r"^--attacked: expected numbers up to 15, the --rounds, got 99"),
        ({"generators": "cppn,magic"}, r"^--generators: expected some of direct, cppn, .*, got magic"),
        ({"end_generators": "noise"}, r"^--end-generators: expected some of direct, .*, got noise"),
        ({"rejects": "0.5"}, r"^--rejects: expected some of 0.01, 0.05, got 0.5"),
        ({"networks": "lenet-0,lenet-0"}, r"^--networks: expected different names"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings, told):
    with pytest.raises(InputError, match=told):
        list(STUDY.tasks(Config(**settings), []))


def test_sizes_name_settings():
    names = {field.name for field in dataclasses.fields(Config)}
    assert all(set(size) <= names for size in SIZES.values())


@pytest.mark.slow
def test_a_study_that_is_killed_goes_on_to_the_same_rows(tmp_path):
    """Killed in the first search, and in what comes after it."""
    command = [sys.executable, "-m", "experiments.retraining", "--size", "smoke", "--attacked", "none"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def begun(folder):
        words = [*command, "--outdir", str(tmp_path / folder / "study")]
        return subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL)

    assert begun("whole").wait() == 0
    kept = tmp_path / "killed" / "images" / "retraining" / "lenet-0-seed0"
    for awaited in ("round1.npz", "dnn2.npz"):
        process = begun("killed")
        while not (kept / awaited).exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert begun("killed").wait() == 0
    whole, again = (
        study_rows.read_rows(tmp_path / name / "study" / "rows.jsonl") for name in ("whole", "killed")
    )
    own = ("wall_seconds", "sha256")
    whole, again = (
        [{name: row[name] for name in row if name not in own} for row in rows] for rows in (whole, again)
    )
    assert whole == again
    assert [row["number"] for row in whole] == [1, 2]
    assert whole[1]["old"][0]["taken"][0] > 0.3
