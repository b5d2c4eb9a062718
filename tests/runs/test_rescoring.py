"""What a run says of its arithmetic, and its images scored again, as on another machine."""

import csv
import json

import numpy as np
import pytest
from pages import one_line

from fooljax import open_run
from fooljax.cli import report
from fooljax.runs import scored
from fooljax.runs.arithmetic import in_words
from fooljax.scoring import score

H100 = {"device": "gpu: NVIDIA H100 80GB HBM3", "precision": {"search": "TF32", "scores": "float32"}}


def edit_summary(folder, **entries):
    path = folder / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def edit_scores(folder, change):
    """Changes the log-odds in `elites.csv`, and the confidences with them."""
    path = folder / "elites.csv"
    with open(path, newline="") as file:
        names, *rows = list(csv.reader(file))
    sure, odds = names.index("confidence"), names.index("log_odds")
    for row in rows:
        row[odds] = str(change(float(row[odds])))
        row[sure] = str(scored.cut_off(float(row[odds])))
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([names, *rows])


def test_a_run_tells_its_arithmetic(finished):
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["precision"]["scores"] == "float32"
    sentence = "The network computed in float32, both in the search and when the saved images were scored."
    if summary["device"].startswith("cpu"):
        assert in_words(summary, "the search") == [sentence]
        assert sentence in (finished / "index.html").read_text()
    assert in_words({}, "the search") == []  # folders of earlier versions do not say it


def test_a_run_of_a_gpu_opens_and_its_page_tells_both_precisions(copied):
    edit_summary(copied, **H100)
    assert open_run(copied).success().shape == (2,)
    assert report.main([str(copied)]) == 0
    page = " ".join((copied / "index.html").read_text().split())
    assert "In the search the network multiplied numbers that were rounded to TF32, which keeps 10" in page
    assert "The saved images were scored in full float32 precision." in page


def test_images_of_a_gpu_are_scored_again(copied, capsys):
    edit_summary(copied, **H100)
    edit_scores(copied, lambda odds: odds * 1.0005)
    assert report.main([str(copied), "--rescore"]) == 0
    assert "scored again: all 8 images have the log-odds of elites.csv" in capsys.readouterr().out
    edit_scores(copied, lambda odds: odds + 0.25)
    assert report.main([str(copied), "--rescore"]) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith("scored again: 8 of 8 images have other log-odds than in elites.csv, by up to 0.2")
    assert f"they were scored on {H100['device']} then, and on " in told


def test_a_run_without_its_images_cannot_be_scored_again(copied, capsys):
    for path in (copied / "elites").glob("*.png"):
        path.unlink()
    assert report.main([str(copied), "--rescore"]) == 2
    assert "rescore: " in (line := one_line(capsys))
    assert "expected images to score, found none" in line


def test_the_search_may_be_less_exact_than_the_scores_but_files_must_be_what_it_found(
    settings, tmp_path, monkeypatch, capsys
):
    """As on a GPU: scores in full precision are a little apart from those of the search."""
    from experiments import mnist_direct

    def apart(target, images, *, full_precision=True, **others):
        return score(target, images, **others) + np.float32(0.02 if full_precision else 0.0)

    monkeypatch.setattr(scored, "score", apart)
    flags = [*settings, "--generations", "3", "--quiet"]
    assert mnist_direct.main([*flags, "--outdir", str(tmp_path / "a")]) == 0
    summary = json.loads((tmp_path / "a" / "summary.json").read_text())
    difference = summary["rescored"]["median_log_odds"] - summary["median_log_odds"]
    assert difference == pytest.approx(0.02, abs=0.002)
    monkeypatch.setattr(scored, "score", lambda *given, **others: apart(*given, **others) + np.float32(0.5))
    assert mnist_direct.main([*flags, "--outdir", str(tmp_path / "b")]) == 1
    assert "when read back" in one_line(capsys)
