"""The gradient experiment: files that hold what the summary says, and one line for whatever is wrong."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from experiments import mnist_gradient
from fooljax import data as datasets
from fooljax.engine.log_odds import confidence
from fooljax.errors import InputError
from fooljax.report import Number, png_bytes
from fooljax.report.comparison import ComparisonPage, Method, climbs, write_comparison
from fooljax.runs import ascent_results
from fooljax.runs import ascent_run as climbing
from fooljax.storage.trees import load_arrays, save_tree
from fooljax.targets import lenet
from fooljax.terminal import Interrupted

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
    target = lenet(datasets.load(config["data"]))
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
        "ascents.npz", "checkpoints", "config.json", "curves.png", "gallery.png", "images", "index.html",
        "summary.json", "target.json",
    }  # fmt: skip
    page = (folder / "index.html").read_text()
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    command = "python -m experiments.mnist_gradient --starts 2 --iterations 12 --optimiser-iterations 15"
    assert command in page
    for name in METHODS:
        assert f"<h3>{name}</h3>" in page
    assert page.count("data:image/png") == 2 + len(METHODS)


@pytest.mark.optimised
def test_same_command_same_images(flags, folder, tmp_path, capsys):
    outdir = tmp_path / "again"
    assert mnist_gradient.main([*flags, "--outdir", str(outdir)]) == 0
    for path in folder.rglob("*.png"):
        assert (outdir / path.relative_to(folder)).read_bytes() == path.read_bytes()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"run folder: {outdir}"
    assert any(line.startswith("adam: 15 iterations in ") for line in lines)
    assert lines[-1] == f"page: {outdir / 'index.html'}"


def test_an_image_that_changed_on_disk_fails_the_run(flags, tmp_path, capsys, monkeypatch):
    genuine = ascent_results.read_image

    def spoilt(path):
        pixels = genuine(path)
        return 255 - pixels if path.name.startswith("start01-class002") else pixels

    monkeypatch.setattr(ascent_results, "read_image", spoilt)
    assert mnist_gradient.main([*flags, "--quiet", "--outdir", str(tmp_path / "r")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "start01-class002" in line
    assert "when read back" in line
    assert not (tmp_path / "r" / "summary.json").exists()


def everything(folder):
    """What a run leaves, without what tells how long it took."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    timed = {"summary.json", *(f"{name}.npz" for name in METHODS)}
    return {path.relative_to(folder): path.read_bytes() for path in files if path.name not in timed}


def untimed(folder):
    summary = json.loads((folder / "summary.json").read_text())
    for facts in summary["methods"].values():
        del facts["seconds_with_compile"]
    return summary


@pytest.fixture
def broken_off(flags, tmp_path, monkeypatch):
    """The folder of a run that ended after two of its methods, and the methods climbed from then on."""
    genuine, calls = climbing.ascend_images, []

    def ends(*args, **kwargs):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(args[3])
        return genuine(*args, **kwargs)

    monkeypatch.setattr(climbing, "ascend_images", ends)
    assert mnist_gradient.main([*flags, "--quiet", "--outdir", str(tmp_path / "r")]) == 130
    calls.clear()

    def counted(*args, **kwargs):
        calls.append(args[3])
        return genuine(*args, **kwargs)

    monkeypatch.setattr(climbing, "ascend_images", counted)
    return tmp_path / "r", calls


@pytest.mark.optimised
def test_a_run_that_was_broken_off_goes_on_to_the_same_end(broken_off, folder, capsys):
    outdir, calls = broken_off
    assert not (outdir / "summary.json").exists()
    # As a kill leaves it: half of a folder of images.
    (outdir / "images.tmp" / "start").mkdir(parents=True)
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet"]) == 0
    assert len(calls) == 4
    assert everything(outdir) == everything(folder)
    assert untimed(outdir) == untimed(folder)
    # A finished one is written again, the same, without a climb.
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet"]) == 0
    assert len(calls) == 4
    assert everything(outdir) == everything(folder)
    assert "Traceback" not in capsys.readouterr().err


def test_a_damaged_climb_is_climbed_again(broken_off, folder, caplog):
    outdir, calls = broken_off
    path = outdir / "checkpoints" / "unregularised.npz"
    path.write_bytes(path.read_bytes()[:-100])
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet"]) == 0
    assert len(calls) == 5
    assert "unregularised.npz" in caplog.text
    assert everything(outdir) == everything(folder)


@pytest.mark.parametrize("seconds", [None, "3", -1.0])
def test_a_climb_without_its_seconds_is_refused(seconds, broken_off, capsys):
    outdir, _ = broken_off
    path = outdir / "checkpoints" / "unregularised.npz"
    arrays, _, facts = load_arrays(path)
    facts.pop("seconds")
    save_tree(path, arrays, facts if seconds is None else {**facts, "seconds": seconds})
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet"]) == 2
    assert f"unregularised.npz: expected the seconds spent, found {seconds}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "flags_again", "message"),
    [
        ({}, ["--starts", "3"], "--starts: the run in"),
        ({"seed": 1}, [], "unregularised.npz: "),
        ({"iterations": 13}, [], "unregularised.npz: "),
        ({"target_seed": 1}, [], "another target"),
    ],
)
def test_what_was_begun_by_something_else_is_refused(broken_off, change, flags_again, message, capsys):
    outdir, calls = broken_off
    config = json.loads((outdir / "config.json").read_text())
    config["settings"] |= change
    (outdir / "config.json").write_text(json.dumps(config))
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet", *flags_again]) == 2
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert message in line
    assert calls == []
    assert (outdir / "checkpoints" / "unregularised.npz").exists()


def test_the_summary_is_written_last(flags, folder, tmp_path, monkeypatch):
    genuine = ascent_results.write_comparison

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ascent_results, "write_comparison", full)
    outdir = tmp_path / "r"
    assert mnist_gradient.main([*flags, "--quiet", "--outdir", str(outdir)]) == 1
    assert not (outdir / "summary.json").exists()
    monkeypatch.setattr(ascent_results, "write_comparison", genuine)
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet"]) == 0
    assert everything(outdir) == everything(folder)


def test_being_told_to_stop_says_how_to_go_on(flags, tmp_path, capsys, monkeypatch):
    def told(*_, **__):
        raise Interrupted(15, "interrupted")

    monkeypatch.setattr(climbing, "ascend_images", told)
    assert mnist_gradient.main([*flags, "--quiet", "--outdir", str(tmp_path / "r")]) == 143
    command = f"python -m experiments.mnist_gradient --resume {tmp_path / 'r'}"
    assert f"0 of 6 methods are done; go on with: {command}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (["--starts", "0"], "--starts: expected a number from 1 to 100, got 0"),
        (["--start-mode", "white"], "--start-mode: expected one of mean_plus, randu, zero, got white"),
        (["--learning-rate", "nan"], "--learning-rate: expected 0 or more, got nan"),
        (["--total-variation", "inf"], "--total-variation: expected a finite number, got inf"),
        (["--resume", "x"], "--resume x: no such folder"),
        (["--data", "idx:/nowhere"], "/nowhere"),
    ],
)
def test_bad_flags_are_one_line_and_leave_nothing(bad, message, flags, tmp_path, capsys):
    where = [] if "--resume" in bad else ["--outdir", str(tmp_path / "r")]
    assert mnist_gradient.main([*flags, "--quiet", *where, *bad]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_the_mean_image_is_what_noise_is_added_to(flags, idx_folder, tmp_path, monkeypatch):
    genuine = climbing.methods
    monkeypatch.setattr(climbing, "methods", lambda config: genuine(config)[:1])
    outdir = tmp_path / "r"
    assert mnist_gradient.main([*flags, "--mean", "training", "--quiet", "--outdir", str(outdir)]) == 0
    mean = np.mean(datasets.load(f"idx:{idx_folder}").train_images, axis=0)[..., 0]
    pixels = np.asarray(Image.open(outdir / "images" / "start" / "start00.png"), np.float64)
    assert np.std(pixels - mean) == pytest.approx(1.0, rel=0.15)


def comparison(**changes):
    png = png_bytes(np.zeros((4, 4, 1)))
    report = ComparisonPage(
        title="<b>t</b>", introduction=["i"], gallery_png=png, gallery_alt="a", gallery_caption="c",
        columns=["x"],
        table_caption="t", methods=[Method("<i>m</i>", "e", ["1"], png, "a")], curves_png=png, curves_alt="a",
        curves_caption="c", numbers=[Number("l", "v", "e")], notes=["n"], settings={"g": {"s": "v"}},
        command="&",
    )  # fmt: skip
    return ComparisonPage(**{**vars(report), **changes})


def test_a_comparison_shows_names_and_obeys_none(tmp_path):
    write_comparison(tmp_path / "p.html", comparison())
    page = (tmp_path / "p.html").read_text()
    assert "&lt;b&gt;t&lt;/b&gt;" in page
    assert "<i>m</i>" not in page
    assert "--paper:" in page  # the style of the other page
    assert "{#" not in page
    with pytest.raises(InputError, match="methods: expected 2 values of <i>m</i>, got 1"):
        write_comparison(tmp_path / "q.html", comparison(columns=["x", "y"]))
    with pytest.raises(InputError, match="gallery_png: expected the bytes of a PNG file"):
        write_comparison(tmp_path / "q.html", comparison(gallery_png=b"x"))


def test_climbs_draw_medians_and_lowest():
    odds = np.array([[-2.0, 0.0, 1.0], [4.0, 1.0, 9.0], [8.0, 5.0, 30.0]])
    axes = climbs({"$a_b$": (np.arange(3), odds)}).axes[0]
    middle, lowest = axes.lines[:2]
    np.testing.assert_array_equal(middle.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(middle.get_ydata(), [0, 4, 8])
    np.testing.assert_array_equal(lowest.get_ydata(), [-2, 1, 5])
    for wrong in ({}, {"a": (np.arange(2), odds)}):
        with pytest.raises(InputError, match=r"^histories: expected"):
            climbs(wrong)


def test_more_images_than_the_memory_holds_are_refused(idx_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("fooljax.runs.memory.machine_bytes", lambda: 2**20)
    words = ["--data", f"idx:{idx_folder}", "--outdir", str(tmp_path / "run"), "--starts", "100"]
    assert mnist_gradient.main(words) == 2
    assert (
        "--starts: expected fewer, got 100: the 400 images that climb side by side would take at least"
        in (capsys.readouterr().err)
    )
    assert not (tmp_path / "run").exists()
