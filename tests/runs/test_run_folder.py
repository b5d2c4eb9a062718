"""The folder of a run: what is in it, when it is whole, and what a folder of others is spared."""

import csv
import io
import json
import re
from importlib.metadata import PackageNotFoundError

import jax
import numpy as np
import pytest
import rich.console
from pages import one_line
from PIL import Image

import fooljax
from experiments import mnist_direct
from fooljax.engine.log_odds import confidence
from fooljax.errors import InputError
from fooljax.evolution import Progress
from fooljax.runs import folder as run_folder
from fooljax.runs.opened import open_folder
from fooljax.terminal import Terminal, progress_lines


def test_a_run_folder_is_complete(finished):
    names = {path.name for path in finished.iterdir()} - {".lock"}
    assert names == {
        "archive.npz", "checkpoints", "config.json", "curves.png", "elites", "elites.csv", "first",
        "first.csv", "first.npz", "gallery.png", "index.html", "lineage.npz", "metrics.csv", "panel.csv",
        "summary.json", "target.json",
    }  # fmt: skip
    rows = list(csv.DictReader((finished / "metrics.csv").open()))
    assert len(rows) == 2 * 31
    assert [row["generation"] for row in rows[:4]] == ["0", "0", "1", "1"]
    assert rows[-1]["queries"] == str(16 * 31)
    config = json.loads((finished / "config.json").read_text())
    assert config["settings"]["children"] == 16
    assert config["versions"]["jax"]


def test_the_summary_is_taken_from_the_saved_images(finished):
    """Scored here by other code: the PNG files, the cached target, plain log-odds."""
    from fooljax import data as datasets
    from fooljax.targets import lenet

    config = json.loads((finished / "config.json").read_text())["settings"]
    target = lenet(datasets.load(config["data"]))
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["clean_accuracy"] == target.clean_accuracy > 0.9
    odds = np.full((2, 4), np.nan)
    for path in (finished / "elites").iterdir():
        run, index = int(path.name[3:5]), int(path.name.split("class")[1][:3])
        pixels = np.asarray(Image.open(path))
        assert pixels.shape == (16, 16)
        logits = np.asarray(target.apply(target.params, pixels[None, ..., None] / np.float32(255)))[0]
        others = np.delete(logits.astype(np.float64), index)
        odds[run, index] = logits[index] - np.log(np.exp(others - others.max()).sum()) - others.max()
        claimed = float(path.stem.rsplit("-", 1)[1])
        assert claimed <= confidence(odds[run, index]) + 1e-6
        assert claimed == pytest.approx(confidence(odds[run, index]), abs=3e-6)
    middle = float(np.median(np.median(odds, axis=1)))
    assert summary["rescored"]["median_log_odds"] == pytest.approx(middle, abs=1e-4)
    assert summary["rescored"]["min_log_odds"] == pytest.approx(odds.min(), abs=1e-4)
    table = list(csv.DictReader((finished / "elites.csv").open()))
    assert [(int(row["run"]), int(row["class"])) for row in table] == list(np.ndindex(2, 4))
    np.testing.assert_allclose([float(row["log_odds"]) for row in table], odds.ravel(), atol=1e-4)
    for row in table:
        assert (finished / row["file"]).is_file()
        assert float(row["confidence"]) == pytest.approx(confidence(float(row["log_odds"])))
        assert 0 <= int(row["query"]) < 16 * (int(row["generation"]) + 1)
    assert summary["rescored"]["median_confidence"] == pytest.approx(confidence(middle), abs=1e-6)
    assert summary["median_confidence"] == pytest.approx(summary["rescored"]["median_confidence"], abs=1e-6)
    assert summary["evaluations"] == 2 * 16 * 31
    metrics = np.genfromtxt(finished / "metrics.csv", delimiter=",", names=True)
    for run in (0, 1):
        rows = metrics[metrics["run"] == run]
        reached = np.flatnonzero(rows["min_log_odds"] >= np.log(9999))
        expected = int(reached[0]) if len(reached) else None
        assert summary["generations_to_all_9999"][run] == expected
        assert rows["median_confidence"][-1] > rows["median_confidence"][0]
    assert jax.devices()[0].platform in summary["device"]


def test_an_image_that_changed_on_disk_fails_the_run(settings, tmp_path, capsys, monkeypatch):
    from fooljax.runs import elites

    genuine = elites.save_elites

    def spoilt(folder, *rest):
        paths = genuine(folder, *rest)
        pixels = np.array(Image.open(paths[1][2]))
        Image.fromarray(255 - pixels).save(paths[1][2])
        return paths

    monkeypatch.setattr("fooljax.runs.scored.save_elites", spoilt)
    assert mnist_direct.main([*settings, "--quiet", "--outdir", str(tmp_path / "r")]) == 1
    line = one_line(capsys)
    assert "run01-class002" in line
    assert "when read back" in line
    assert not (tmp_path / "r" / "summary.json").exists()


def test_progress_in_plain_lines_and_where_the_page_is(settings, tmp_path, capsys):
    assert mnist_direct.main([*settings, "--outdir", str(tmp_path / "r")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"run folder: {tmp_path / 'r'}"
    assert any(line.startswith("generation 0/30  median ") for line in lines)
    assert any(line.startswith("generation 30/30  median ") for line in lines)
    assert lines[-1] == f"page: {tmp_path / 'r' / 'index.html'}"
    assert (tmp_path / "r" / "index.html").exists()


def test_progress_tells_no_speed_and_no_time_left_before_they_are_known():
    """Neither is known at the first images; the first chunks compile, which says nothing of the others."""
    console = rich.console.Console(file=io.StringIO(), width=120)
    terminal = Terminal()
    terminal.console = console
    odds = {"median_log_odds": np.array([[2.0]]), "min_log_odds": np.array([[0.0]])}
    with pytest.MonkeyPatch.context() as patch, progress_lines(terminal) as show:
        patch.setattr("fooljax.terminal.PLAIN_SECONDS", 0.0)
        for done in range(5):
            show(Progress(10 * done, 50, odds, 32, 100.0 * done))
    lines = console.file.getvalue().splitlines()
    assert ["evaluations/s" in line for line in lines] == [False, True, True, True, True]
    assert [" s left" in line for line in lines] == [False, False, False, True, True]


def test_progress_on_a_terminal_is_a_live_bar():
    console = rich.console.Console(file=io.StringIO(), force_terminal=True, width=120)
    terminal = Terminal()
    terminal.console = console
    odds = {"median_log_odds": np.array([[2.0], [4.0]]), "min_log_odds": np.array([[0.0], [-1.0]])}
    with progress_lines(terminal) as show:
        show(Progress(0, 30, odds, 32, 0.0))
        show(Progress(10, 30, odds, 352, 1234.5))
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", console.file.getvalue())
    assert "compiling" in text
    assert re.search(r"generation\s+10/30 .* median 95.25 %  lowest 26.89 %  1,234 evaluations/s", text)


def test_a_foreign_outdir_is_refused_and_untouched(settings, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("precious")
    assert mnist_direct.main([*settings, "--outdir", str(tmp_path)]) == 2
    assert f"--outdir: {tmp_path}: expected a new or empty folder, found mine.txt in it" in one_line(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert mnist_direct.main([*settings, "--outdir", str(tmp_path / "mine.txt")]) == 2
    assert "--outdir: expected a folder, found a file at " in one_line(capsys)
    assert mnist_direct.main(["--resume", str(tmp_path)]) == 2
    assert "expected a run folder, found no config.json in it" in one_line(capsys)
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_an_empty_outdir_is_taken(settings, tmp_path):
    outdir = tmp_path / "empty"
    outdir.mkdir()
    assert mnist_direct.main([*settings, "--generations", "0", "--quiet", "--outdir", str(outdir)]) == 0
    assert (outdir / "index.html").exists()


@pytest.mark.parametrize("step", ["runs.evolution_run.save_and_score", "report.evolution_page.write"])
def test_the_summary_is_written_last_and_goes_before_changes(step, settings, copied, monkeypatch, capsys):
    """A run that fails on its way to the page is not taken for a finished one."""

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"fooljax.{step}", fail)
    assert mnist_direct.main(["--resume", str(copied), "--generations", "31", "--quiet"]) == 1
    assert one_line(capsys) == "error: a file or stream: No space left on device"
    assert not (copied / "summary.json").exists()
    with pytest.raises(InputError, match=r"expected a finished run, found no summary.json in it"):
        open_folder(copied)
    monkeypatch.undo()
    assert mnist_direct.main(["--resume", str(copied), "--quiet"]) == 0
    assert open_folder(copied).settings["generations"] == 31


def test_a_full_disk_names_the_folder_that_it_cannot_fill(copied, monkeypatch, capsys):
    """What the system says of a full disk names no file."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    assert mnist_direct.main(["--resume", str(copied), "--quiet"]) == 1
    assert one_line(capsys) == f"error: cannot write {copied / 'elites'}: No space left on device"


def test_versions_ask_no_package_for_our_own(monkeypatch):
    def version(name):
        if name in ("fooljax", "pillow"):
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(run_folder, "version", version)
    assert run_folder.versions()["fooljax"] == fooljax.__version__
    assert run_folder.versions()["pillow"] == "unknown"


def test_an_unusual_generator_of_random_bits_stands_beside_the_versions():
    usual = run_folder.versions()
    with jax.default_prng_impl("rbg"):
        assert run_folder.versions() == {**usual, "jax_default_prng_impl": "rbg"}
