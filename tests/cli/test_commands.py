"""What a user of the command meets: the run folder, resuming, and one line for whatever is wrong."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import jax
import numpy as np
import pytest
import rich.console
from kill_and_resume import content, kill_and_resume
from pages import one_line
from PIL import Image

import fooljax
from experiments import mnist_cppn, mnist_direct
from fooljax.cli.command_line import run_command
from fooljax.engine.log_odds import confidence
from fooljax.errors import FaultError, InputError
from fooljax.evolution import Progress
from fooljax.runs.opened import open_folder
from fooljax.terminal import Interrupted, Terminal, progress_lines


def test_a_run_folder_is_complete(finished):
    names = {path.name for path in finished.iterdir()} - {".lock"}
    assert names == {
        "archive.npz", "checkpoints", "config.json", "curves.png", "elites", "elites.csv", "first",
        "first.csv", "first.npz", "gallery.png", "index.html", "lineage.npz", "metrics.csv", "summary.json",
        "target.json",
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


def test_same_command_same_bytes_and_resume_extends(settings, finished, tmp_path, capsys):
    outdir = tmp_path / "short"
    short = [*settings, "--generations", "20", "--quiet"]
    assert mnist_direct.main([*short, "--outdir", str(outdir)]) == 0
    assert mnist_direct.main(["--resume", str(outdir), "--generations", "30", "--quiet"]) == 0
    assert content(outdir) == content(finished)
    # A finished run resumed is made again from its checkpoint, the same.
    assert mnist_direct.main(["--resume", str(outdir), "--quiet"]) == 0
    assert content(outdir) == content(finished)
    assert capsys.readouterr().err == ""


def test_rows_after_the_checkpoint_are_cut_off(settings, finished, tmp_path):
    outdir = tmp_path / "r"
    assert mnist_direct.main([*settings, "--generations", "20", "--quiet", "--outdir", str(outdir)]) == 0
    with open(outdir / "metrics.csv", "a") as file:
        file.write("0,21,1,1,1,1\ngarbage")
    assert mnist_direct.main(["--resume", str(outdir), "--generations", "30", "--quiet"]) == 0
    assert (outdir / "metrics.csv").read_bytes() == (finished / "metrics.csv").read_bytes()


def test_progress_in_plain_lines_and_where_the_page_is(settings, tmp_path, capsys):
    assert mnist_direct.main([*settings, "--outdir", str(tmp_path / "r")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"run folder: {tmp_path / 'r'}"
    assert any(line.startswith("generation 0/30  median ") for line in lines)
    assert any(line.startswith("generation 30/30  median ") for line in lines)
    assert lines[-1] == f"page: {tmp_path / 'r' / 'index.html'}"
    assert (tmp_path / "r" / "index.html").exists()


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


BAD_FLAGS = [
    (["--runs", "0"], "--runs: expected 1 or more, got 0"),
    (["--runs", "two"], "--runs: expected a whole number, got two"),
    (["--generations", "-5"], "--generations: expected 0 or more, got -5"),
    (["--children", "1.5"], "--children: expected a whole number, got 1.5"),
    (["--seed", "-1"], "--seed: expected a number from 0 to"),
    (["--mutation-rate", "nan"], "--mutation-rate: expected a number from 0 to 1, got nan"),
    (["--mutation-rate", "0.0001"], "--rate-floor: expected a number in [0, 0.0001], got 0.0015625"),
    (["--eta", "0"], "--eta: expected a positive number, got 0.0"),
    (["--until", "1"], "--until: expected a confidence inside (0, 1), got 1.0"),
    (["--target-recipe", "best"], "--target-recipe: expected one of auto, shipped, paper"),
    (["--strategy", "magic"], "--strategy: expected one of map_elites, "),
    (["--data", "cifar"], "--data: expected"),
    (["--data", "idx:/nowhere"], "/nowhere"),
    (["--generation", "5"], "unrecognized arguments: --generation 5"),
    (["extra"], "unrecognized arguments: extra"),
    (
        ["--checkpoint-seconds", "soon"],
        "--checkpoint-seconds: expected a number of seconds, 0 or more, got soon",
    ),
    (["--resume", "/nowhere"], "--resume /nowhere: no such folder"),
    (["--generations", "999999999"], "generations: expected at most"),
]


@pytest.mark.parametrize(("flags", "message"), BAD_FLAGS, ids=[" ".join(flags) for flags, _ in BAD_FLAGS])
def test_bad_flags_are_one_line_and_leave_nothing(flags, message, settings, tmp_path, capsys):
    outdir = tmp_path / "r"
    where = [] if "--resume" in flags else ["--outdir", str(outdir)]
    assert mnist_direct.main([*settings, "--quiet", *where, *flags]) == 2
    line = one_line(capsys)
    assert line.startswith("error: ")
    assert message in line
    assert not outdir.exists()


def test_a_foreign_outdir_is_refused_and_untouched(settings, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("precious")
    assert mnist_direct.main([*settings, "--outdir", str(tmp_path)]) == 2
    assert f"--outdir {tmp_path}: expected a new or empty folder, found mine.txt in it" in one_line(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert mnist_direct.main([*settings, "--outdir", str(tmp_path / "mine.txt")]) == 2
    assert "expected a folder, found a file" in one_line(capsys)
    assert mnist_direct.main(["--resume", str(tmp_path)]) == 2
    assert "expected a run folder, found no config.json in it" in one_line(capsys)
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_an_empty_outdir_is_taken(settings, tmp_path):
    outdir = tmp_path / "empty"
    outdir.mkdir()
    assert mnist_direct.main([*settings, "--generations", "0", "--quiet", "--outdir", str(outdir)]) == 0
    assert (outdir / "index.html").exists()


def test_a_run_may_begin_with_the_elites_of_another(settings, finished, tmp_path):
    outdir = tmp_path / "further"
    flags = ["--init-from", str(finished), "--generations", "10", "--seed", "5", "--quiet"]
    assert mnist_direct.main([*settings, *flags, "--outdir", str(outdir)]) == 0
    before, after = (json.loads((path / "summary.json").read_text()) for path in (finished, outdir))
    with np.load(finished / "archive.npz") as archive:
        best = archive["fitness"].max(axis=0)
        elites = sum(len(np.unique(ids)) for ids in archive["ids"])
    assert after["generation_0"]["min_log_odds"] == pytest.approx(best.min(), abs=1e-4)
    assert after["median_log_odds"] > np.median(best)
    assert after["evaluations"] == 2 * (elites + 10 * 16)
    assert after["evaluations_before"] == before["evaluations"] == 2 * 16 * 31
    page = (outdir / "index.html").read_text()
    assert "Before this search" in page
    assert "had cost 992 before" in page
    assert "Control: random images" not in page
    # Chains of runs add up.
    assert mnist_direct.main(["--resume", str(outdir), "--generations", "12", "--quiet"]) == 0
    last = tmp_path / "last"
    assert mnist_direct.main([*settings, "--init-from", str(outdir), "--quiet", "--outdir", str(last)]) == 0
    third = json.loads((last / "summary.json").read_text())
    assert third["evaluations_before"] == 992 + 2 * (elites + 12 * 16)


def test_a_run_goes_on_when_what_it_began_with_is_gone(settings, copied, tmp_path, capsys):
    outdir = tmp_path / "further"
    flags = ["--init-from", str(copied), "--generations", "10", "--quiet", "--outdir", str(outdir)]
    assert mnist_direct.main([*settings, *flags]) == 0
    shutil.rmtree(copied)
    # What a later version adds as a setting, an older config lacks.
    config = json.loads((outdir / "config.json").read_text())
    del config["settings"]["rate_floor"]
    (outdir / "config.json").write_text(json.dumps(config))
    assert mnist_direct.main(["--resume", str(outdir), "--generations", "12", "--quiet"]) == 0
    assert json.loads((outdir / "summary.json").read_text())["evaluations_before"] == 992
    shutil.rmtree(outdir / "checkpoints")
    before = (outdir / "archive.npz").read_bytes()
    assert mnist_direct.main(["--resume", str(outdir), "--quiet"]) == 0
    assert (outdir / "archive.npz").read_bytes() == before
    assert capsys.readouterr().err == ""


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


def command(*words, **variables):
    """Runs `mnist_direct` as a user does; gives its status and its two streams."""
    environment = {**os.environ, **variables}
    words = [sys.executable, "-m", "experiments.mnist_direct", *words]
    done = subprocess.run(words, capture_output=True, env=environment, check=False, timeout=300)
    return done.returncode, done.stdout.decode("ascii", "replace"), done.stderr.decode("utf-8")


def test_a_platform_that_is_not_there_is_one_line_and_blocks_nothing(settings, tmp_path):
    outdir = tmp_path / "r"
    status, _, errors = command(*settings, "--outdir", str(outdir), JAX_PLATFORMS="cuda")
    assert (status, len(errors.splitlines())) == (1, 1), errors
    assert errors.startswith("error: JAX_PLATFORMS=cuda: expected a device that JAX can use, found none (")
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_without_letters_and_a_reader_that_has_gone(settings, tmp_path):
    """The run folder's name cannot be printed, and `head -1` ends before the run does."""
    outdir = tmp_path / "\u4f8b\u0436"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LANG": "C", "PYTHONUNBUFFERED": "1"}
    words = [sys.executable, "-m", "experiments.mnist_direct", *settings, "--outdir", str(outdir)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    assert process.stdout.readline().decode("ascii").rstrip().endswith("\\u4f8b\\u0436")
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(300) == 0
    assert (outdir / "summary.json").exists()


def test_signals_while_compiling_end_in_a_line(settings, tmp_path, monkeypatch):
    """A signal that falls into a compilation made the process crash at its end."""
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "0")
    for pause in (0.3, 0.6, 0.9):
        outdir = tmp_path / f"r{pause}"
        process = start(*settings, "--runs", "3", "--outdir", str(outdir))
        try:
            wait_for(process, "target: ")
            time.sleep(pause)
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 130, errors
        assert len(errors.splitlines()) == 1
        assert (outdir / "config.json").exists()


def test_ctrl_c_while_a_command_loads_is_one_line(tmp_path):
    (tmp_path / "jax.py").write_text("raise KeyboardInterrupt")
    status, _, errors = command("--help", PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '.')}")
    assert status in (130, -2)
    assert errors == "interrupted\n"


def test_ctrl_c_while_a_library_is_being_initialised_is_one_line(tmp_path):
    """Libraries turn the exception into one of their own; the signal must not become one."""
    (tmp_path / "jax.py").write_text(
        "import os, signal\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    sum(range(10**6))\n"
        "except KeyboardInterrupt:\n    raise ImportError('Encountered an error while initializing')\n"
    )
    status, _, errors = command("--help", PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '.')}")
    assert (status, errors) == (130, "interrupted\n")


def test_a_missing_package_is_one_line_and_fooljax_need_not_be_installed(tmp_path):
    (tmp_path / "jax.py").write_text("raise ModuleNotFoundError('no', name='nobodys_package')")
    status, _, errors = command("--help", PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '.')}")
    assert status == 1
    assert errors.startswith("error: the package nobodys_package is missing; ")
    assert len(errors.splitlines()) == 1


def test_versions_ask_no_package_for_our_own(monkeypatch):
    from fooljax.runs import folder as run_folder

    def version(name):
        if name in ("fooljax", "pillow"):
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(run_folder, "version", version)
    assert run_folder.versions()["fooljax"] == fooljax.__version__
    assert run_folder.versions()["pillow"] == "unknown"


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (MemoryError("2 GiB"), 1, "error: out of memory: 2 GiB"),
        (jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 9 bytes"), 1, "error: out of memory: RESOURCE_EX"),
        (OSError(28, "No space left on device"), 1, "error: a file or stream: No space left on device"),
        (InputError("a\x1b[31m\u202eb\nc"), 2, "error: a\\x1b[31m\\u202eb c"),
        (FaultError("x" * 10**6), 1, "error: xxx"),
        (Interrupted(15, "told\x07"), 143, "told\\x07"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_whatever_ends_a_command_is_one_printable_line(error, status, line, capsys):
    def fail():
        raise error

    assert run_command(fail, mnist_direct.EXPERIMENT.config) == status
    told = one_line(capsys)
    assert told.startswith(line)
    assert told.isprintable()
    assert len(told) < 5000


def test_a_bug_keeps_its_traceback():
    def fail():
        raise AssertionError("a bug")

    with pytest.raises(AssertionError, match="a bug"):
        run_command(fail, mnist_direct.EXPERIMENT.config)


def test_without_a_home_the_cache_is_where_it_was_told(monkeypatch, tmp_path):
    from fooljax.storage.cache import cache_folder

    def none():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    monkeypatch.setenv("FOOLJAX_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("FOOLJAX_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "fooljax"
    monkeypatch.delenv("XDG_CACHE_HOME")
    with pytest.raises(FaultError, match=r"^FOOLJAX_CACHE: expected a folder"):
        cache_folder()


def test_a_terminal_obeys_no_name(capsys):
    Terminal().say("a  \x1b[2Jb")
    assert capsys.readouterr().out == "a  \\x1b[2Jb\n"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (None, "", "expected a run folder, found no config.json in it"),
        ("archive.npz", None, "expected a finished run, found no archive.npz in it"),
        ("summary.json", None, "expected a finished run, found no summary.json in it"),
        ("summary.json", "{}", "summary.json: expected an entry rescored, found none"),
        (
            "summary.json",
            '{"rescored": {}, "target_sha256": "", "evaluations": "some"}',
            "expected numbers of evaluations, found none",
        ),
    ],
)
def test_only_finished_runs_can_be_begun_from(file, content, message, settings, copied, tmp_path, capsys):
    earlier = copied if file else tmp_path / "none"
    if content is not None and file:
        (copied / file).write_text(content)
    elif file:
        (copied / file).unlink()
    outdir = tmp_path / "further"
    assert (
        mnist_direct.main([*settings, "--init-from", str(earlier), "--outdir", str(outdir), "--quiet"]) == 2
    )
    line = one_line(capsys)
    assert line.startswith("error: --init-from: ")
    assert message in line
    assert not outdir.exists()


@pytest.mark.parametrize(
    ("module", "flags", "message"),
    [
        (
            mnist_direct,
            ["--storage", "uint8"],
            "would be other images with these settings; there: storage float32",
        ),
        (mnist_cppn, [], "would be other images with these settings; there: "),
        (mnist_direct, ["--data", "embedded"], "expected images [28, 28, 1], those of"),
    ],
)
def test_genomes_must_mean_the_same_images(module, flags, message, settings, finished, tmp_path, capsys):
    outdir = tmp_path / "further"
    command = [*settings, *flags, "--init-from", str(finished), "--outdir", str(outdir), "--quiet"]
    assert module.main(command) == 2
    assert message in one_line(capsys)
    assert not outdir.exists()


@pytest.fixture
def copied(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "copy"))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--children", "17"], "--children: the run in {} was begun with 16, got 17"),
        (["--seed", "1"], "--seed: the run in {} was begun with 0, got 1"),
        (["--generations", "29"], "--generations: expected 30 or more on resume, got 29"),
        (["--outdir", "x"], "--outdir: not together with --resume"),
    ],
)
def test_a_resume_whose_settings_differ_is_refused(flags, message, copied, capsys):
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    assert mnist_direct.main(["--resume", str(copied), *flags]) == 2
    assert message.format(copied) in one_line(capsys)
    assert before == {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("config.json", "{", "config.json: expected JSON"),
        ("config.json", '{"experiment": "other"}', "expected a run of mnist_direct, found one of other"),
        ("config.json", '{"experiment": "mnist_direct"}', "expected an entry settings, found none"),
        ("config.json", '{"experiment": "mnist_direct", "settings": {"x": 1}}', "json: unknown setting x"),
        ("target.json", '{"params_sha256": "0"}', "the run was begun against another target"),
    ],
)
def test_damaged_run_files_are_named(file, text, message, copied, capsys):
    (copied / file).write_text(text)
    assert mnist_direct.main(["--resume", str(copied), "--quiet"]) == 2
    assert message in one_line(capsys)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("children", "16", "children: expected a whole number, got '16'"),
        ("children", True, "children: expected a whole number, got True"),
        ("eta", -1.0, "eta: expected 0 or more, got -1.0"),
        ("strategy", "x", "strategy: expected one of"),
    ],
)
def test_edited_settings_are_checked_like_flags(name, value, message, copied, capsys):
    path = copied / "config.json"
    config = json.loads(path.read_text())
    config["settings"][name] = value
    path.write_text(json.dumps(config))
    assert mnist_direct.main(["--resume", str(copied), "--quiet"]) == 2
    assert message in one_line(capsys)


def test_damaged_checkpoints_start_over_with_a_notice(copied, finished, caplog):
    for path in copied.glob("checkpoints/*.npz"):
        path.write_bytes(b"not a checkpoint")
    assert mnist_direct.main(["--resume", str(copied), "--quiet"]) == 0
    assert "generation-000000030.npz: expected an .npz file" in caplog.text
    assert content(copied) == content(finished)


def test_a_full_disk_is_one_line_and_keeps_the_older_checkpoint(settings, tmp_path, capsys, monkeypatch):
    from fooljax.storage import trees as storage

    genuine = storage.write_bytes
    outdir = tmp_path / "r"

    def full(path, written):
        if path.name == "generation-000000020.npz":
            raise FaultError(f"cannot write {path}: No space left on device")
        genuine(path, written)

    monkeypatch.setattr(storage, "write_bytes", full)
    flags = [*settings, "--quiet", "--outdir", str(outdir), "--checkpoint-seconds", "0"]
    assert mnist_direct.main(flags) == 1
    assert "No space left on device" in one_line(capsys)
    assert [path.name for path in outdir.glob("checkpoints/*")] == ["generation-000000010.npz"]
    monkeypatch.undo()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_a_read_only_disk_is_one_line(settings, tmp_path, capsys):
    tmp_path.chmod(0o500)
    assert mnist_direct.main([*settings, "--quiet", "--outdir", str(tmp_path / "r")]) == 1
    assert "cannot be made: Permission denied" in one_line(capsys)


def start(*flags):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environment.pop("JAX_DISABLE_MOST_OPTIMIZATIONS", None)
    words = [sys.executable, "-m", "experiments.mnist_direct", *flags]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(process, beginning):
    for line in process.stdout:
        if line.startswith(beginning):
            return line
    raise AssertionError(f"ended before {beginning!r}: {process.stderr.read()}")


def test_signals_save_and_say_how_to_go_on_and_a_lock_keeps_others_out(settings, tmp_path, capsys):
    outdir = tmp_path / "r"
    process = start(
        *settings, "--generations", "1000000", "--outdir", str(outdir), "--checkpoint-seconds", "1000"
    )
    try:
        wait_for(process, "generation 0/")
        assert mnist_direct.main(["--resume", str(outdir)]) == 2
        assert "another process is at work in this run folder" in one_line(capsys)
        time.sleep(1.0)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGTERM
    assert errors.startswith("stopped at generation ")
    assert f"go on with: python -m experiments.mnist_direct --resume {outdir}" in errors
    assert len(errors.splitlines()) == 1
    assert list(outdir.glob("checkpoints/*.npz"))
    assert not (outdir / "summary.json").exists()


def test_killed_and_resumed_runs_end_the_same(settings, tmp_path):
    lines = kill_and_resume(tmp_path, 2, [*settings, "--generations", "400"], seed=1)
    assert len(lines) == 2
    assert all("same end" in line for line in lines)


def test_help_names_the_papers_constants_and_their_source(capsys):
    with pytest.raises(SystemExit) as ended:
        mnist_direct.main(["--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert (
        "--mutation-rate X Share of the values of an image that change in a child, in the first generations. "
        "Paper, section 2.2. (0 to 1; default: 0.1)"
    ) in text
    assert "The authors' code: 200" in text


@pytest.mark.parametrize(
    "setting", ["JAX_DISABLE_JIT=1", "JAX_DEBUG_INFS=1", "JAX_NUMPY_DTYPE_PROMOTION=strict"]
)
def test_settings_of_jax_that_no_search_can_have_are_told_and_left(setting, tmp_path):
    name, value = setting.split("=")
    words = (
        "--runs",
        "1",
        "--generations",
        "1",
        "--children",
        "4",
        "--quiet",
        "--outdir",
        str(tmp_path / "run"),
    )
    status, _, errors = command(*words, **{name: value})
    assert status == 0, errors
    assert errors.startswith(f"note: {name.lower()} is ")
    assert (tmp_path / "run" / "index.html").exists()
