"""A run that is gone on with: the same to the byte, checked against what it was begun with."""

import json
import os
from pathlib import Path

import pytest
from kill_and_resume import content, kill_and_resume
from pages import one_line

from experiments import mnist_direct
from fooljax.errors import FaultError


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
    ("name", "spoil", "message"),
    [
        ("target.json", lambda path: path.write_text("{"), "target.json: expected JSON"),
        ("metrics.csv", Path.mkdir, "metrics.csv: expected a file that can be replaced"),
        ("archive.npz", lambda path: os.mkfifo(path), "archive.npz: expected a file that can be replaced"),
        ("first.csv", Path.mkdir, "first.csv: expected a file that can be replaced"),
        ("lineage.npz", Path.mkdir, "lineage.npz: expected a file that can be replaced"),
        ("large", Path.touch, "large: expected a folder, found none"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="makes a pipe")
def test_a_refused_resume_leaves_a_finished_run_as_it_was(name, spoil, message, copied, capsys):
    (copied / name).unlink(missing_ok=True)
    spoil(copied / name)
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    assert mnist_direct.main(["--resume", str(copied), "--generations", "40", "--quiet"]) == 2
    assert message in one_line(capsys)
    assert before == {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}


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


@pytest.mark.slow  # a minute; tests/test_api.py kills a quick run
def test_killed_and_resumed_runs_end_the_same(settings, tmp_path):
    lines = kill_and_resume(tmp_path, 1, [*settings, "--generations", "300"], seed=1)
    assert len(lines) == 1
    assert all("same end" in line for line in lines)
