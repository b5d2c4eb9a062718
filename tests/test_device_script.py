"""The script that checks a card: one failing check stops no other, and what was done is kept."""

import json
import subprocess
import sys

import pytest

from benchmarks.device import __main__ as command
from benchmarks.device.report import Found, LeftOutError, Report, Wanted
from fooljax.errors import InputError

ASKED = {"size": "card", "only": ""}


def broken():
    raise ValueError("no such kernel\nand more")


def test_a_check_that_fails_stops_no_other_and_the_file_is_written_after_each(tmp_path, capsys):
    path = tmp_path / "card.json"
    report = Report(path, budget=1000.0, facts={"device": "none"}, asked=ASKED)
    report.check("one", lambda: Found("fine", {"value": 2.0}, (Wanted("value", 2.0, least=3.0, aim=4.0),)))
    assert json.loads(path.read_text())["ok"] == 1
    report.check("two", broken)
    report.check("three", lambda: Found("fine", {}))
    found = json.loads(path.read_text())
    assert (found["ok"], found["failed"], found["left out"]) == (2, 1, 0)
    assert found["checks"]["two"]["error"] == "ValueError: no such kernel"
    assert "broken" in found["checks"]["two"]["trace"]
    wanted = found["checks"]["one"]["wanted"]
    assert wanted == [{"what": "value", "found": 2.0, "least": 3.0, "most": None, "aim": 4.0, "met": False}]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("fine; value 2, must be at least 3, aim 4: MISSED")
    assert lines[1].startswith("[failed] two (")
    assert len(lines) == 3


def test_nothing_is_begun_when_the_budget_is_spent(tmp_path):
    report = Report(tmp_path / "card.json", budget=0.0, facts={}, asked=ASKED)
    report.check("one", broken)
    assert report.entries["one"]["status"] == "left out"


def test_a_check_with_nothing_to_measure_is_left_out(tmp_path, capsys):
    def one_device():
        raise LeftOutError("there is one device")

    report = Report(tmp_path / "card.json", budget=1000.0, facts={}, asked=ASKED)
    report.check("several devices", one_device)
    assert report.entries["several devices"]["status"] == "left out"
    assert capsys.readouterr().out == "[left out] several devices (0.0 s): there is one device\n"


def test_a_file_says_whether_it_is_finished_and_only_the_same_flags_replace_it(tmp_path):
    path = tmp_path / "card.json"
    report = Report(path, budget=1000.0, facts={}, asked=ASKED)
    report.check("one", lambda: Found("fine", {}))
    assert json.loads(path.read_text())["finished"] is False
    report.finish()
    whole = path.read_text()
    assert json.loads(whole)["finished"] is True
    with pytest.raises(InputError, match=r"^--json: expected a new file, or one that the same --size"):
        Report(path, budget=1000.0, facts={}, asked={**ASKED, "only": "repeats"})
    assert path.read_text() == whole
    Report(path, budget=1000.0, facts={}, asked=ASKED)
    assert json.loads(path.read_text())["checks"] == {}


def test_a_word_that_is_in_no_name_is_told_with_the_names(tmp_path, capsys, monkeypatch):
    path = tmp_path / "card.json"
    monkeypatch.setattr(sys, "argv", ["device", "--only", "nonsense", "--json", str(path)])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    errors = capsys.readouterr().err
    assert errors.startswith("usage: python -m benchmarks.device ")
    assert "; memory; got nonsense" in errors.splitlines()[-1]
    assert not path.exists()


@pytest.mark.parametrize(
    ("wanted", "met"),
    [
        (Wanted("x", 1.0, least=1.0), True),
        (Wanted("x", 1.0, most=0.5), False),
        (Wanted("x", float("nan"), least=0.0), False),
    ],
)
def test_a_bound_is_met_or_not(wanted, met):
    assert wanted.met is met


@pytest.mark.slow
def test_all_checks_work_in_small_on_a_cpu(tmp_path):
    path = tmp_path / "card.json"
    words = ["-m", "benchmarks.device", "--size", "smoke", "--budget", "3000", "--json", str(path)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr
    found = json.loads(path.read_text())
    assert found["finished"]
    assert {name for name, entry in found["checks"].items() if entry["status"] == "failed"} == set()
    assert {name for name, entry in found["checks"].items() if entry["status"] == "left out"} <= {
        "several devices"
    }
    same = found["checks"]["repeats itself without flags"]["figures"]["same"]
    assert all(same.values()), same
