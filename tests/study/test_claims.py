"""Claims are held against rows: what lies where it must, what reaches beyond, and what nobody measured."""

import dataclasses
import json
import math

import pytest

from fooljax.analysis.statistics import Interval
from fooljax.errors import InputError
from fooljax.report.claims_page import write_claims_page
from fooljax.study.claims import (
    AGREES,
    DIFFERS,
    MISSING,
    PARTLY,
    UNDECIDED,
    Check,
    Claim,
    answers,
    read_claims,
    rows_at,
)
from fooljax.study.findings import Finding, of_searches, point_estimate, share


def check(least=None, most=None, finding="share", rows="a/*.json", control=False):
    return Check("experiment", rows, finding, "the share", "some", least, most, control=control)


def claim(*checks):
    return Claim("one", 1, "It is so.", "90 %", "recalled, not verified", "Because.", checks)


def finding(estimate, low=math.nan, high=math.nan, budget=math.inf):
    return Finding(Interval(estimate, low, high), "as written", "of runs", budget)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (finding(0.5, 0.3, 0.7), AGREES),
        (finding(0.5, 0.1, 0.7), PARTLY),
        (finding(0.5, 0.3, 0.9), PARTLY),
        (finding(0.9, 0.3, 0.95), UNDECIDED),
        (finding(0.1, 0.0, 0.2), UNDECIDED),
        (finding(0.9, 0.1, 0.95), UNDECIDED),  # it spans all that is wanted
        (finding(0.1, 0.0, 0.9), UNDECIDED),
        (finding(0.9, 0.81, 0.95), DIFFERS),
        (finding(0.1, 0.0, 0.19), DIFFERS),
        (finding(math.inf, 0.5, math.inf), UNDECIDED),
        (finding(0.5), AGREES),
        (finding(0.5, 0.0, math.inf), AGREES),
        (finding(0.9, -math.inf, math.inf), DIFFERS),
        (finding(0.1), DIFFERS),
        (finding(math.inf), DIFFERS),
        (finding(math.inf, budget=0.5), MISSING),
        (None, MISSING),
    ],
)
def test_a_number_agrees_with_its_whole_interval(found, verdict):
    assert check(0.2, 0.8).verdict(found) == verdict


def test_an_end_may_belong_to_it_or_not():
    nought = finding(0.0, 0.0, 0.0)
    assert check(least=0.0).verdict(nought) == check(most=0.0).verdict(nought) == AGREES
    for ends in ({"above": 0.0}, {"below": 0.0}):
        assert dataclasses.replace(check(), **ends).verdict(nought) == DIFFERS


def held(tmp_path, *checks, rows=(0.5,), gives=lambda rows: {"share": finding(rows[0]["x"])}):
    (tmp_path / "a").mkdir(exist_ok=True)
    for number, value in enumerate(rows):
        (tmp_path / "a" / f"{number}.json").write_text(json.dumps({"x": value}))
    (answer,) = answers([claim(*checks)], [tmp_path], {"experiment": gives})
    return answer


def test_all_numbers_of_a_claim_must_agree(tmp_path):
    assert held(tmp_path, check(0.2), check(0.3)).verdict == AGREES
    assert held(tmp_path, check(0.2), check(0.9)).verdict == PARTLY
    assert held(tmp_path, check(0.8), check(0.9)).verdict == DIFFERS

    def gives(rows):
        return {"wide": finding(0.5, 0.0, 1.0), "share": finding(0.5)}

    assert held(tmp_path, check(0.8, finding="wide"), check(0.9), gives=gives).verdict == DIFFERS
    assert held(tmp_path, check(0.8, finding="wide"), check(0.2), gives=gives).verdict == PARTLY
    assert held(tmp_path, check(0.8, finding="wide"), check(finding="none"), gives=gives).verdict == UNDECIDED


def test_controls_do_not_decide(tmp_path):
    answer = held(tmp_path, check(0.2), check(0.9, control=True))
    assert answer.verdict == AGREES
    assert [one.said for one in answer.found] == [AGREES, "not as expected"]


def test_what_has_no_row_was_not_measured(tmp_path):
    assert held(tmp_path, check(0.2), rows=()).verdict == MISSING
    assert held(tmp_path, check(0.2, finding="another")).verdict == MISSING
    assert held(tmp_path, check(0.2), check(0.2, rows="b/*.json")).verdict == PARTLY


def test_rows_are_of_the_first_folder_that_has_any(tmp_path):
    for folder, value in (("mine", 0.9), ("published", 0.1)):
        (tmp_path / folder / "a").mkdir(parents=True)
        (tmp_path / folder / "a" / "0.json").write_text(json.dumps({"x": value}))
    gives = {"experiment": lambda rows: {"share": finding(rows[0]["x"])}}
    folders = [tmp_path / "none", tmp_path / "mine", tmp_path / "published"]
    (answer,) = answers([claim(check(0.5))], folders, gives)
    assert answer.found[0].finding.value.estimate == 0.9


def test_rows_are_files_lines_and_finished_runs(tmp_path):
    (tmp_path / "run1").mkdir()
    (tmp_path / "run1" / "summary.json").write_text('{"x": 1}')
    (tmp_path / "run2").mkdir()  # not finished
    (tmp_path / "row.json").write_text('{"x": 2}')
    (tmp_path / "rows.jsonl").write_text('{"x": 3}\n{"x": 4}\n')
    assert [row["x"] for row in rows_at(tmp_path, "r*")] == [2, 3, 4, 1]


def test_of_one_network_there_is_no_interval():
    assert math.isnan(share([[0.5]], "one").value.low)
    assert share([[0.5], [0.7]], "two").value.low > 0.0
    assert math.isnan(point_estimate(3.0).high)


def summary(digest, generations, shares):
    return {
        "experiment": "made",
        "target_sha256": digest,
        "runs": 2,
        "generations": 100,
        "settings": {},
        "generations_to_all_9999": generations,
        "generations_to_median_9999": [5, 5],
        "rescored": {
            "images": 20,
            "images_at_9999": sum(shares),
            "images_at_9999_of_each_run": shares,
            "median_confidence_of_each_run": [0.99, 0.99],
            "min_confidence_of_each_run": [0.5, 0.5],
            "median_log_odds": 0.0,
            "shares": {"0.99": 0.5},
        },
    }


def test_what_searches_found():
    found = of_searches([summary("a", [50, 60], [10, 8]), summary("b", [70, None], [10, 10])])
    assert found["share_9999"].value.estimate == pytest.approx(0.95)
    assert found["share_99"].value.estimate == 0.5
    assert found["median_confidence"].value.estimate == 0.5
    assert found["generation_of_all"].value.estimate == 60
    assert found["generation_of_all"].of == "4 runs on 2 networks"
    never = of_searches([summary("a", [None, None], [1, 1])])["generation_of_all"]
    assert check(most=200.0).verdict(never) == MISSING
    assert check(most=90.0).verdict(never) == DIFFERS


def test_a_file_that_holds_no_claims_is_refused(tmp_path):
    path = tmp_path / "claims.json"
    for content in ({}, {"paper": {}, "claims": [{"name": "x"}]}, {"paper": {}, "claims": [{"paper": "x"}]}):
        path.write_text(json.dumps(content))
        with pytest.raises(InputError, match="expected claims"):
            read_claims(path)


def test_the_page_says_what_was_found_and_what_was_not(tmp_path):
    answer = held(tmp_path, check(0.2), check(0.2, finding="another"))
    write_claims_page(tmp_path / "index.html", [answer], {1: "first"}, ["a b/table.md"], "smoke")
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    for part in (
        "It is so.",
        "recalled, not verified",
        "as written",
        "experiment has no such row",
        "a%20b/table.md",
    ):
        assert part in text
    assert "are no results" in text
    write_claims_page(tmp_path / "index.html", [answer], {1: "first"})
    assert "are no results" not in (tmp_path / "index.html").read_text(encoding="utf-8")
