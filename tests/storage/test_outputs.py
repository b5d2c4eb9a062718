"""Files and folders that a command is told to write: what is somebody's stays."""

import os
from pathlib import Path

import numpy as np
import pytest

from experiments import mnist_direct
from fooljax.cli import compare as compare_runs
from fooljax.cli import poster
from fooljax.cli.command_line import parse
from fooljax.errors import FaultError, InputError
from fooljax.report import png_bytes
from fooljax.runs.folder import MARK, RunFolder, is_finished
from fooljax.storage.cache import cache_folder
from fooljax.storage.locks import LOCK
from fooljax.storage.outputs import KINDS, as_folder, check_output, expanded, file_of
from fooljax.terminal import Interrupted

PNG = png_bytes(np.zeros((4, 4, 1)))


def strangers(folder):
    """What may stand at a name; each must be there afterwards as before."""
    (folder / "text.png").write_text("precious")
    (folder / "empty.png").touch()
    (folder / "list.json").write_text("[1]")
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    (folder / "device.png").symlink_to("/dev/null")
    (folder / "link.png").symlink_to(folder / "text.png")
    (folder / "round.png").symlink_to(folder / "round.png")
    return sorted(folder.iterdir())


def look(paths):
    return [(path, path.lstat().st_mode, path.read_text() if path.is_file() else "") for path in paths]


def test_the_home_folder_may_be_written_as_in_the_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FOOLJAX_CACHE", "~/cache")
    _, flags = parse(mnist_direct.EXPERIMENT.config, "", ["--outdir", "~/run"])
    assert Path(flags.outdir) == as_folder("outdir", "~/run") == tmp_path / "run"
    assert cache_folder() == tmp_path / "cache"
    assert file_of("a PNG picture")("~/a.png") == tmp_path / "a.png"
    with pytest.raises(InputError, match=r"^--output: expected a folder, got ~nobody-here/a \("):
        expanded("--output", "~nobody-here/a")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_another_kind_is_replaced(kind, tmp_path):
    paths = strangers(tmp_path)
    before = look(paths)
    for path in [*paths, Path("/dev/null"), Path("/dev/stdout"), Path("/"), Path(), Path("..")]:
        with pytest.raises((InputError, FaultError), match=r"^--x: "):
            check_output(path, "--x", kind)
    assert look(paths) == before
    assert Path("/dev/null").is_char_device()


def test_a_picture_may_take_the_place_of_a_picture_and_figures_that_of_figures(tmp_path):
    picture, figures, link = tmp_path / "a.png", tmp_path / "a.json", tmp_path / "link.png"
    assert check_output(picture, "--x") == picture
    picture.write_bytes(PNG)
    figures.write_text("{}")
    link.symlink_to(picture)
    assert check_output(picture, "--x") == check_output(link, "--x") == picture
    assert check_output(figures, "--x", "a JSON object") == figures
    with pytest.raises(InputError):
        check_output(picture, "--x", "a JSON object")
    with pytest.raises(InputError, match=r"^--x: expected a file in a folder that exists, found no .*none$"):
        check_output(tmp_path / "none" / "a.png", "--x")


def test_commands_ask_before_they_work(tmp_path, finished, capsys):
    (tmp_path / "mine.png").write_text("precious")
    for command in (
        [compare_runs, str(tmp_path / "no_run")],
        [poster, str(tmp_path / "no_run"), "--cell", "0"],
    ):
        for path in (tmp_path / "mine.png", "/dev/null"):
            module, *words = command
            assert module.main([*words, "--output", str(path)]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith("error: --output: expected ")
    assert (tmp_path / "mine.png").read_text() == "precious"


def test_benchmarks_ask_too(tmp_path):
    import argparse

    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--json", type=file_of("a JSON object"))
    with pytest.raises(argparse.ArgumentError, match="expected a new file, or a JSON object to replace"):
        parser.parse_args(["--json", "/dev/null"])
    assert parser.parse_args(["--json", str(tmp_path / "a.json")]).json == tmp_path / "a.json"
    files = Path(__file__).parents[2].glob("benchmarks/**/*.py")
    outputs = [line for file in files for line in file.read_text().splitlines() if '"--json", type' in line]
    assert len(outputs) > 5
    assert all("file_of(" in line for line in outputs)


def begin(path, **settings):
    return RunFolder.create(path, {"format": 2, "experiment": "mnist_direct", "settings": settings})


def fail_in(run, error, *files):
    assert (run.path / "config.json").exists()
    for name in files:
        (run.path / name).write_text("worth keeping")
    with pytest.raises(type(error)), run:
        raise error


@pytest.mark.parametrize("litter", [".DS_Store", "Thumbs.db", "desktop.ini", "lost+found", LOCK])
def test_a_folder_that_people_call_empty_is_filled_in_place(litter, tmp_path, monkeypatch):
    """Not replaced: a mounted disk, or the folder that a shell stands in, cannot be."""
    folder = tmp_path / "disk"
    folder.mkdir()
    (folder / litter).mkdir() if litter == "lost+found" else (folder / litter).touch()
    there = folder.stat().st_ino
    link = tmp_path / "link"
    link.symlink_to(folder)
    monkeypatch.chdir(folder)
    for path in (Path(), link, folder):
        fail_in(begin(path, seed=1), FaultError("the disk is gone"))
        assert {found.name for found in folder.iterdir()} - {LOCK} == {litter} - {LOCK}
    with begin(Path(), seed=1) as run:
        assert run.path == folder
    assert folder.stat().st_ino == there
    assert link.is_symlink()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        *((path, r"^outdir: /.*expected a") for path in ("/", "..", "/etc")),
        ("/dev/null", r"^outdir: expected a folder, found a file at /dev/null$"),
    ],
)
def test_places_that_are_no_new_folder(path, message, tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    with pytest.raises((InputError, FaultError), match=message):
        begin(Path(path))
    assert [found.name for found in tmp_path.rglob("*")] == ["inner"]


def test_the_lock_of_another_program_is_not_emptied(tmp_path):
    (tmp_path / LOCK).write_text("precious")
    with pytest.raises(InputError, match=r"expected no .lock of others in it, found one$"):
        begin(tmp_path)
    assert (tmp_path / LOCK).read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("error", [InputError, FaultError, AssertionError, MemoryError, RuntimeError])
def test_a_folder_with_nothing_in_it_but_a_failure_does_not_block_its_name(error, tmp_path):
    fail_in(begin(tmp_path / "r"), error())
    assert not (tmp_path / "r").exists()
    fail_in(begin(tmp_path / "r"), error(), "metrics.csv")
    assert (tmp_path / "r" / "config.json").exists()


def test_a_run_that_was_told_to_stop_keeps_its_folder(tmp_path):
    fail_in(begin(tmp_path / "r"), Interrupted(2, "interrupted"))
    assert (tmp_path / "r" / "config.json").exists()


def test_a_run_is_finished_from_its_mark_to_its_next_change(tmp_path):
    with begin(tmp_path / "r") as run:
        assert not is_finished(run.path)
        run.finish({"experiment": "mnist_direct"})
        assert is_finished(run.path)
        run.begin_changes()
        run.begin_changes()
        assert not is_finished(run.path)
        (run.path / MARK).mkdir()
        assert not is_finished(run.path)
