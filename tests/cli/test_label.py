"""`fooljax label`: what it writes, what it refuses in one line, and what it never overwrites."""

import json

import pytest
from pages import one_line

from fooljax.cli import label

FEW = ["--evolved", "3", "--clean", "3", "--noise", "2", "--least-confidence", "0.001"]


@pytest.fixture(scope="module")
def study(finished, idx_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    words = [str(finished), "--data", f"idx:{idx_folder}", *FEW, "--output", str(folder)]
    assert label.main(words) == 0
    return folder


def test_it_writes_a_page_and_its_key(study):
    assert sorted(path.name for path in study.iterdir()) == ["label-key.json", "label.html"]
    key = json.loads((study / "label-key.json").read_text(encoding="utf-8"))
    kinds = [entry["kind"] for entry in key["images"].values()]
    assert sorted(kinds) == ["clean"] * 3 + ["evolved"] * 3 + ["noise"] * 2


def answered(study, tmp_path, **change):
    key = json.loads((study / "label-key.json").read_text(encoding="utf-8"))
    answers = [
        {"image": name, "answer": entry["class_index"] if entry["kind"] == "clean" else "nothing"}
        for name, entry in key["images"].items()
    ]
    content = {"kind": "fooljax label answers", "task": key["task"], "answers": answers} | change
    (tmp_path / "answers.json").write_text(json.dumps(content), encoding="utf-8")
    return str(tmp_path / "answers.json")


def test_it_prints_and_writes_what_was_answered(study, tmp_path, capsys):
    words = ["--score", answered(study, tmp_path), "--key", str(study / "label-key.json")]
    assert label.main([*words, "--json", str(tmp_path / "rates.json")]) == 0
    assert "| evolved images | 3 |" in capsys.readouterr().out
    figures = json.loads((tmp_path / "rates.json").read_text(encoding="utf-8"))
    (evolved, clean, noise) = figures["rates"][:3]
    assert (evolved["kind"], clean["kind"], noise["kind"]) == ("evolved", "clean", "noise")
    assert evolved["outcomes"]["nothing"]["estimate"] == clean["outcomes"]["its class"]["estimate"] == 1.0
    assert figures["labellers"][0]["failed"] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "RUN: expected folders of finished runs, or --score with answers, got none"),
        (["RUN"], "--data, --imagefolder: expected one of them"),
        (["RUN", "--imagefolder", ".", *FEW], "--imagefolder: expected runs of square images in colour"),
        (
            ["RUN", "--imagefolder", "COPY"],
            "--imagefolder: expected a folder of photographs for each class, got",
        ),
        (["RUN", "RUN", "--data", "DATA"], "RUN: expected different folders"),
        (["nowhere", "--data", "DATA"], "nowhere: expected a run folder"),
        (
            ["RUN", "--data", "embedded", *FEW],
            "--data: expected classes that the network|RUN: expected images of one shape",
        ),
        (
            ["RUN", "--data", "DATA", "--least-confidence", "0.999999"],
            "--least-confidence: expected one that some",
        ),
        (["RUN", "--data", "DATA", "--noise", "0"], "--noise: expected 1 or more, got 0"),
        (["RUN", "--data", "DATA", "--key", "KEY"], "--key: expected --score with it"),
        (["--score", "KEY"], "--key: expected the label-key.json of the task"),
        (["--score", "KEY", "--key", "KEY"], "expected answers that the page saved"),
        (["--score", "KEY", "--key", "missing.json"], "missing.json"),
        (["--score", "KEY", "--key", "KEY", "--seed", "3"], "--seed: not together with --score"),
        (["--score", "KEY", "--key", "KEY", "--json", "KEY"], "--json: expected another file than those"),
        (["--score", "KEY", "--key", "RUN"], "expected a file"),
        (["RUN", "--data", "DATA", *FEW, "--output", "KEY"], "--output: expected a folder, found a file"),
    ],
)
def test_what_is_wrong_is_one_line(
    words, message, study, finished, idx_folder, capsys, tmp_path, tmp_path_factory, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    places = {"RUN": str(finished), "DATA": f"idx:{idx_folder}", "KEY": str(study / "label-key.json")}
    if "COPY" in words:
        copy = tmp_path_factory.mktemp("imagenet2012")
        (copy / "5.1.0").mkdir()
        (copy / "5.1.0" / "dataset_info.json").write_text("{}")
        places["COPY"] = str(copy)
    assert label.main([places.get(word, word) for word in words]) == 2
    line = one_line(capsys)
    assert any(part in line for part in message.split("|")), line
    assert not list(tmp_path.iterdir())


def test_a_page_whose_key_was_put_away_is_not_replaced(study, finished, idx_folder, tmp_path, capsys):
    (tmp_path / "label.html").write_text("mine")
    words = [str(finished), "--data", f"idx:{idx_folder}", *FEW, "--output", str(tmp_path)]
    assert label.main(words) == 2
    assert "expected no label.html without its label-key.json" in one_line(capsys)
    assert (tmp_path / "label.html").read_text() == "mine"


def test_another_task_does_not_take_the_place_of_the_first(study, finished, idx_folder, capsys):
    before = {path.name: path.read_bytes() for path in study.iterdir()}
    words = [str(finished), "--data", f"idx:{idx_folder}", *FEW, "--seed", "1", "--output", str(study)]
    assert label.main(words) == 2
    assert "is the key of another task" in one_line(capsys)
    assert {path.name: path.read_bytes() for path in study.iterdir()} == before
