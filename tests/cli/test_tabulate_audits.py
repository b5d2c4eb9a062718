"""`fooljax tabulate` of audits: a leaderboard as a table, and its file."""

import pytest
from made_audit import write
from pages import one_line

from fooljax.cli import export, report, tabulate


@pytest.fixture
def folder(tmp_path):
    for name in ("one", "two"):
        write(tmp_path / "audits" / name, name=name)
    return tmp_path


def test_all_audits_below_a_folder_are_lines(folder, capsys):
    path = folder / "leaderboard.csv"
    assert tabulate.main([str(folder / "audits"), "--csv", str(path)]) == 0
    told = capsys.readouterr().out
    assert told.count("| 28 x 28 x 1 |") == 2
    assert "Do not compare networks with other budgets" in told
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    assert head.startswith("network,from,params_sha256,classes,image_shape")
    assert len(rows) == 12
    assert tabulate.main([str(folder / "audits"), "--csv", str(path)]) == 0


def test_what_is_no_leaderboard_is_not_replaced(folder, capsys):
    path = folder / "letter.txt"
    path.write_text("Dear all", encoding="utf-8")
    assert tabulate.main([str(folder / "audits"), "--csv", str(path)]) == 2
    assert one_line(capsys).startswith("error: --csv: ")
    assert path.read_text(encoding="utf-8") == "Dear all"


def test_a_folder_without_audits_and_runs_has_no_table(tmp_path, capsys):
    assert tabulate.main([str(tmp_path), "--csv", str(tmp_path / "x.csv")]) == 2
    assert "expected a folder with a summary.json or an audit.json, found none" in one_line(capsys)
    assert not (tmp_path / "x.csv").exists()


def test_commands_for_runs_tell_an_audit_from_nothing(folder, capsys):
    (folder / "empty").mkdir()
    to = ["--to", "hub", "--output", str(folder / "out")]
    for main, words, told in (
        (export.main, [str(folder / "audits/one"), *to], "RUN: expected the folder of a run, got the audit "),
        (export.main, [str(folder / "nowhere"), *to], "expected a run folder, found nothing there"),
        (report.main, [str(folder / "nowhere")], "expected a run folder, found nothing there"),
        (
            report.main,
            [str(folder / "empty")],
            "found neither config.json nor audit.json in it",
        ),
    ):
        assert main(words) == 2
        assert told in one_line(capsys)


def test_a_damaged_audit_is_one_line(folder, capsys):
    (folder / "audits/one/audit.json").write_text("{", encoding="utf-8")
    assert tabulate.main([str(folder)]) == 2
    assert "one/audit.json: expected JSON" in one_line(capsys)
