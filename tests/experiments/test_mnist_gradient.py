"""The gradient experiment: files that hold what the summary says, and one line for whatever is wrong."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from experiments import mnist_gradient
from fooljax import data
from fooljax.engine.log_odds import confidence
from fooljax.targets import lenet

METHODS = ["unregularised", "seed_169", "seed_188", "seed_360", "adam", "adam_smooth"]


@pytest.fixture(scope="module")
def flags(idx_folder):
    return [
        "--data", f"idx:{idx_folder}", "--starts", "2", "--iterations", "12", "--optimiser-iterations", "15",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def folder(flags, tmp_path_factory):
    outdir = tmp_path_factory.mktemp("gradient") / "run"
    assert mnist_gradient.main([*flags, "--quiet", "--outdir", str(outdir)]) == 0
    return outdir


def log_odds_of(target, path, index):
    """By other code: the PNG file, plain log-odds."""
    pixels = np.asarray(Image.open(path))
    assert pixels.shape == (16, 16)
    logits = np.asarray(target.apply(target.params, pixels[None, ..., None] / np.float32(255)), np.float64)[0]
    others = np.delete(logits, index)
    return logits[index] - np.log(np.exp(others - others.max()).sum()) - others.max()


def test_the_summary_is_taken_from_the_saved_images(folder):
    config = json.loads((folder / "config.json").read_text())["settings"]
    summary = json.loads((folder / "summary.json").read_text())
    target = lenet(data.load(config["data"]))
    assert summary["clean_accuracy"] == target.clean_accuracy > 0.9
    assert list(summary["methods"]) == METHODS
    starts = sorted((folder / "images" / "start").iterdir())
    control = np.array([[log_odds_of(target, path, index) for index in range(4)] for path in starts])
    told = summary["control"]["start images, 8 bits"]
    assert control.shape == (2, 4)
    assert told["median_log_odds"] == pytest.approx(np.median(np.median(control, axis=1)), abs=1e-4)
    for name, facts in summary["methods"].items():
        odds = np.full((2, 4), np.nan)
        for path in (folder / "images" / name).iterdir():
            start, index = int(path.name[5:7]), int(path.name.split("class")[1][:3])
            odds[start, index] = log_odds_of(target, path, index)
            claimed = float(path.stem.rsplit("-", 1)[1])
            assert confidence(odds[start, index]) - 3e-6 <= claimed <= confidence(odds[start, index]) + 1e-7
        rescored = facts["rescored"]
        assert rescored["median_log_odds"] == pytest.approx(np.median(np.median(odds, axis=1)), abs=1e-4)
        assert rescored["min_log_odds"] == pytest.approx(odds.min(), abs=1e-4)
        assert rescored["images_at_9999"] == np.sum(odds >= np.log(9999))
        assert facts["before_rounding"]["median_log_odds"] != rescored["median_log_odds"]
        assert np.median(odds) > np.median(control)
        assert facts["passes"] == 8 * 2 * facts["iterations"]
    assert summary["evaluations"] == 8 * 2 * (4 * 12 + 2 * 15)
    assert summary["methods"]["adam"]["rescored"]["images_top1"] == 8


def test_a_run_folder_is_complete_and_its_page_whole(folder):
    assert {path.name for path in folder.iterdir()} - {".lock"} == {
        "ascents.npz", "checkpoints", "config.json", "curves.png", "gallery.png", "images", "images.csv",
        "index.html", "panel.csv", "summary.json", "target.json",
    }  # fmt: skip
    page = (folder / "index.html").read_text()
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    command = "python -m experiments.mnist_gradient --starts 2 --iterations 12 --optimiser-iterations 15"
    assert command in page
    for name in METHODS:
        assert f"<h3>{name}</h3>" in page
    assert page.count("data:image/png") == 2 + len(METHODS)


def test_same_command_same_images(flags, folder, tmp_path, capsys):
    outdir = tmp_path / "again"
    assert mnist_gradient.main([*flags, "--outdir", str(outdir)]) == 0
    for path in folder.rglob("*.png"):
        assert (outdir / path.relative_to(folder)).read_bytes() == path.read_bytes()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"run folder: {outdir}"
    assert any(line.startswith("adam: 15 iterations in ") for line in lines)
    assert lines[-1] == f"page: {outdir / 'index.html'}"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (["--starts", "0"], "--starts: expected a number from 1 to 100, got 0"),
        (["--start-mode", "white"], "--start-mode: expected one of mean_plus, randu, zero, got white"),
        (["--learning-rate", "nan"], "--learning-rate: expected 0 or more, got nan"),
        (["--total-variation", "inf"], "--total-variation: expected a finite number, got inf"),
        (["--methods", "adam,adam"], "--methods: expected all, or each once of unregularised"),
        (["--resume", "x"], "--resume: x: no such folder"),
        (["--data", "idx:/nowhere"], "/nowhere"),
    ],
)
def test_bad_flags_are_one_line_and_leave_nothing(bad, message, flags, tmp_path, capsys):
    where = [] if "--resume" in bad else ["--outdir", str(tmp_path / "r")]
    assert mnist_gradient.main([*flags, "--quiet", *where, *bad]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_the_mean_image_is_what_noise_is_added_to(flags, idx_folder, tmp_path):
    outdir = tmp_path / "r"
    more = ["--mean", "training", "--methods", "unregularised"]
    assert mnist_gradient.main([*flags, *more, "--quiet", "--outdir", str(outdir)]) == 0
    mean = np.mean(data.load(f"idx:{idx_folder}").train_images, axis=0)[..., 0]
    pixels = np.asarray(Image.open(outdir / "images" / "start" / "start00.png"), np.float64)
    assert np.std(pixels - mean) == pytest.approx(1.0, rel=0.15)


def test_more_images_than_the_memory_holds_are_refused(idx_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("fooljax.runs.memory.machine_bytes", lambda: 2**20)
    words = ["--data", f"idx:{idx_folder}", "--outdir", str(tmp_path / "run"), "--starts", "100"]
    assert mnist_gradient.main(words) == 2
    assert (
        "--starts: expected fewer, got 100: the 400 images that are changed side by side would take at least"
        in (capsys.readouterr().err)
    )
    assert not (tmp_path / "run").exists()
