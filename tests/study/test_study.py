"""A study does each task once, whatever happens in between, and mixes no rows that do not belong together."""

import dataclasses
import functools
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import filelock
import jax
import numpy as np
import pytest
import toy_study
import toys
from PIL import Image
from toy_study import APART, STUDY, Config

from fooljax import study
from fooljax.cli.study import run_study
from fooljax.engine.types import Target
from fooljax.errors import FaultError, InputError
from fooljax.study import running
from fooljax.study.image_sets import ImageSettings
from fooljax.study.images import images_of, sheet_of
from fooljax.study.study import network_digest
from fooljax.study.task import digest_of


def quiet(folder, config=None, changed=STUDY):
    return study.run(changed, config or Config(), folder, say=lambda line: None)


def without_seconds(rows):
    """Rows without what differs whenever they are measured."""
    return [{name: row[name] for name in row if name not in ("wall_seconds", "sha256")} for row in rows]


def test_every_task_gives_a_row_and_the_rows_a_table(tmp_path):
    said = []
    rows = study.run(STUDY, Config(rounds=2), tmp_path / "s", say=said.append, command="make it")
    assert [(row["round"], row["seed"]) for row in rows] == [(r, s) for r in range(2) for s in range(3)]
    assert all(row["same"] for row in rows)
    assert study.read_rows(tmp_path / "s" / "rows.jsonl") == rows
    assert (tmp_path / "s" / "table.md").read_text().count("\n") == 7
    assert (tmp_path / "s" / "curve.png").exists()
    assert json.loads((tmp_path / "s" / "config.json").read_text())["command"] == "make it"
    assert [line.split(",")[0] for line in said] == ["1 of 1: round=0"] * 1 + ["1 of 1: round=1"]
    assert "seed=0 and 2 more" in said[0]


def test_rows_of_another_generator_of_random_bits_are_refused(tmp_path):
    rows = quiet(tmp_path / "usual")
    assert "jax_default_prng_impl" not in rows[0]["versions"]
    message = "expected a row with version jax_default_prng_impl "
    with jax.default_prng_impl("rbg"):
        quiet(tmp_path / "other")
        with pytest.raises(InputError, match=f"{message}rbg, found None"):
            quiet(tmp_path / "usual")
    with pytest.raises(InputError, match=f"{message}None, found rbg"):
        quiet(tmp_path / "other")


def test_without_a_device_no_folder_is_made(tmp_path, monkeypatch):
    def none_found():
        raise RuntimeError("no device")

    monkeypatch.setattr(running, "own_device", none_found)
    with pytest.raises(RuntimeError, match="no device"):
        quiet(tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_row_that_is_there_is_not_measured_again(tmp_path):
    first = quiet(tmp_path)
    calls = []
    lazy = dataclasses.replace(STUDY, measure=lambda workspace, tasks: calls.append(tasks))
    assert quiet(tmp_path, changed=lazy) == first
    assert not calls
    (tmp_path / "rows" / "round=0,seed=1.json").unlink()
    before = (tmp_path / "rows" / "round=0,seed=0.json").stat().st_mtime_ns
    assert without_seconds(quiet(tmp_path)) == without_seconds(first)
    assert (tmp_path / "rows" / "round=0,seed=0.json").stat().st_mtime_ns == before


def test_a_row_says_how_long_it_took_and_is_still_known_where_it_does_not(tmp_path):
    """Rows of earlier versions have no seconds, and are rows of the same study."""
    (row,) = quiet(tmp_path, Config(seeds=1, seconds=0.2))
    assert 0.2 <= row["wall_seconds"] < 60
    path = tmp_path / "rows" / "round=0,seed=0.json"
    older = {name: value for name, value in row.items() if name not in ("wall_seconds", "sha256")}
    path.write_text(json.dumps({**older, "sha256": digest_of(older)}))
    lazy = dataclasses.replace(STUDY, measure=lambda workspace, tasks: pytest.fail("nothing is to be done"))
    (found,) = quiet(tmp_path, Config(seeds=1, seconds=0.2), lazy)
    assert without_seconds([found]) == without_seconds([row])
    assert "wall_seconds" not in found


def test_rows_that_the_settings_do_not_ask_for_are_kept_and_told(tmp_path):
    said = []
    study.run(STUDY, Config(rounds=2), tmp_path, say=said.append)
    assert not any("other settings" in line for line in said)
    rows = study.run(STUDY, Config(rounds=1), tmp_path, say=said.append)
    assert said[-1] == f"3 rows of other settings stay in {tmp_path}; the table is without them"
    assert len(rows) == 3
    assert len(list((tmp_path / "rows").iterdir())) == 6


def test_settings_that_leave_nothing_to_measure_are_refused(tmp_path):
    nothing = dataclasses.replace(STUDY, tasks=lambda config, rows: [])
    with pytest.raises(InputError, match=r"^settings: expected some that leave toy something to measure"):
        study.run(nothing, Config(), tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_study_that_is_killed_goes_on_where_it_was(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    program = [sys.executable, str(Path(toy_study.__file__)), str(tmp_path / "s"), "0.4"]
    process = subprocess.Popen(program, env=environment, stdout=subprocess.DEVNULL)
    first = tmp_path / "s" / "rows" / "round=0,seed=0.json"
    while not first.exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "s" / "rows.jsonl").exists()
    before = first.read_bytes()
    rows = quiet(tmp_path / "s", Config(seconds=0.4))
    assert first.read_bytes() == before
    whole = quiet(tmp_path / "whole", Config(seconds=0.4))
    assert [row["bright"] for row in rows] == [row["bright"] for row in whole]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (Config(seconds=0.01), "expected a row with seconds 0.01, found 0.0; take another --outdir"),
        (Config(seeds=2), "expected a row with together ['round=0,seed=0', 'round=0,seed=1'], found"),
    ],
)
def test_a_row_of_other_settings_is_refused(tmp_path, config, told):
    quiet(tmp_path)
    with pytest.raises(InputError) as caught:
        quiet(tmp_path, config)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    settings = json.loads((tmp_path / "config.json").read_text())["settings"]
    assert settings == dataclasses.asdict(Config())  # as before: what was refused was not begun


def refusing(*given):
    raise InputError("expected another")


@pytest.mark.parametrize("part", ["tasks", "network"])
def test_what_is_refused_leaves_no_settings(tmp_path, part):
    """Neither in a new folder, nor instead of those of the study that is there."""
    refused = dataclasses.replace(STUDY, **{part: refusing})
    with pytest.raises(InputError, match="expected another"):
        quiet(tmp_path / "s", changed=refused)
    assert not (tmp_path / "s" / "config.json").exists()
    assert (tmp_path / "s").exists() == (part == "network")
    quiet(tmp_path / "s", Config(seeds=2))
    with pytest.raises(InputError, match="expected another"):
        quiet(tmp_path / "s", Config(seeds=2, rounds=2), refused)
    settings = json.loads((tmp_path / "s" / "config.json").read_text())["settings"]
    assert settings == dataclasses.asdict(Config(seeds=2))


def test_rows_of_a_later_round_are_checked_before_settings_are_saved(tmp_path):
    quiet(tmp_path, Config(rounds=2))
    row = tmp_path / "rows" / "round=1,seed=2.json"
    row.write_text("{}")
    with pytest.raises(InputError, match=r"seed=2.json"):
        quiet(tmp_path, Config(rounds=3))
    settings = json.loads((tmp_path / "config.json").read_text())["settings"]
    assert settings == dataclasses.asdict(Config(rounds=2))


class Killed(BaseException):
    """Ends a study in its midst, as a signal does."""


def killed(*given):
    raise Killed


@pytest.mark.parametrize("part", ["network", "measure"])
def test_a_new_study_that_is_killed_at_once_has_its_settings(tmp_path, part):
    with pytest.raises(Killed):
        quiet(tmp_path / "s", Config(seeds=2), dataclasses.replace(STUDY, **{part: killed}))
    assert run_study(STUDY, ["--resume", str(tmp_path / "s"), "--quiet"]) == 0
    assert len(study.read_rows(tmp_path / "s" / "rows.jsonl")) == 2


def test_settings_are_saved_before_the_first_row_of_them_is_measured(tmp_path):
    """A study that is killed goes on with the settings that were given last."""
    quiet(tmp_path / "s", Config(seeds=1), APART)
    with pytest.raises(Killed):
        quiet(tmp_path / "s", Config(seeds=2), dataclasses.replace(APART, measure=killed))
    assert run_study(APART, ["--resume", str(tmp_path / "s"), "--quiet"]) == 0
    assert len(study.read_rows(tmp_path / "s" / "rows.jsonl")) == 2


def test_rows_that_are_there_are_read_before_anything_is_measured(tmp_path):
    quiet(tmp_path)
    (tmp_path / "rows" / "round=0,seed=0.json").unlink()
    row = tmp_path / "rows" / "round=0,seed=2.json"
    row.write_text(row.read_text().replace('"round": 0', '"round": 5'))
    lazy = dataclasses.replace(STUDY, measure=lambda workspace, tasks: pytest.fail("nothing is to be done"))
    with pytest.raises(
        InputError, match=r"seed=2.json: expected a row of a study, found one that is damaged"
    ):
        quiet(tmp_path, changed=lazy)


def test_a_row_of_another_network_or_version_is_refused(tmp_path, monkeypatch):
    quiet(tmp_path)
    other = dataclasses.replace(
        STUDY, network=lambda *_: dataclasses.replace(toys.target(1), image_shape=(6, 6, 1))
    )
    with pytest.raises(InputError, match=r"expected a row with network zero [0-9a-f]+, found [0-9a-f]+;"):
        quiet(tmp_path, changed=other)
    monkeypatch.setattr("fooljax.study.task.__version__", "9.9")
    with pytest.raises(InputError, match=r"expected a row with version fooljax 9.9, found 0"):
        quiet(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        {"bright": 0.0},
        {"digest": "0" * 64},
        {"sha256": None},
        {"seed": 1},
        {"networks": 5},
        {"versions": []},
        {"device": "\x1b[31m"},
        {"wall_seconds": 0.5},
    ],
)
def test_a_damaged_row_is_refused(tmp_path, damage):
    quiet(tmp_path)
    path = tmp_path / "rows" / "round=0,seed=0.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **damage}))
    with pytest.raises(InputError, match="expected a row of a study, found one that is damaged") as caught:
        quiet(tmp_path)
    assert str(caught.value).isprintable()


def test_a_row_under_another_name_is_refused(tmp_path):
    quiet(tmp_path)
    row = tmp_path / "rows" / "round=0,seed=0.json"
    row.rename(row.with_name("round=0,seed=1.json"))
    with pytest.raises(InputError, match=r"seed=1.json: expected a row with seed 1, found 0"):
        quiet(tmp_path)


def test_only_one_process_is_at_work(tmp_path):
    quiet(tmp_path)
    with filelock.FileLock(tmp_path / ".lock"), pytest.raises(InputError, match="another process is at work"):
        quiet(tmp_path)
    quiet(tmp_path)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(
        InputError, match="expected a new or empty folder or one of the study toy, found letter"
    ):
        quiet(tmp_path)
    quiet(tmp_path / "s")
    with pytest.raises(InputError, match="expected the study other, found 'toy'"):
        quiet(tmp_path / "s", changed=dataclasses.replace(STUDY, name="other"))
    with pytest.raises(InputError, match=r"^--outdir: expected a folder, found a file at .*letter\.txt$"):
        quiet(tmp_path / "letter.txt")
    with pytest.raises(FaultError, match="cannot be made"):
        quiet(tmp_path / "letter.txt" / "inside")
    assert {path.name for path in tmp_path.iterdir()} == {"letter.txt", "s"}


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("../x", {}, "name: expected letters"),
        ("a b", {}, "name: expected letters"),
        ("a", {"digest": 1}, "settings: expected none of task, digest"),
        ("a", {"x": np.float32(1)}, "settings: expected what JSON can hold"),
        ("a", {"x": float("nan")}, "settings: expected what JSON can hold"),
    ],
)
def test_a_task_is_ready_for_a_file(name, settings, told):
    with pytest.raises(InputError, match=told):
        study.Task(name, settings)


@pytest.mark.parametrize("figures", [{"seed": 1}, {"digest": 1}, {"x": float("inf")}, {"x": b""}])
def test_figures_are_ready_for_a_row(tmp_path, figures):
    wrong = dataclasses.replace(STUDY, measure=lambda workspace, tasks: [figures for _ in tasks])
    with pytest.raises(InputError, match="round=0,seed=0: expected measurements"):
        quiet(tmp_path, changed=wrong)
    assert not list((tmp_path / "rows").iterdir())


def test_two_tasks_of_one_name_are_refused(tmp_path):
    twice = dataclasses.replace(STUDY, tasks=lambda config, rows: [study.Task("a", {}), study.Task("a", {})])
    with pytest.raises(InputError, match="expected a name of its own for every task of toy"):
        quiet(tmp_path, changed=twice)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_images_come_back_from_the_file_as_they_were(channels):
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 4, channels), dtype=np.uint8)
    sheet = sheet_of(images)
    assert np.array_equal(images_of(sheet, images.shape), images)
    with Image.open(io.BytesIO(sheet)) as picture:
        assert picture.mode == ("RGB" if channels == 3 else "L")
    with pytest.raises(InputError, match="images: expected"):
        sheet_of(images.astype(np.float32))


def test_networks_are_told_apart_by_parameters_and_a_users_own_by_its_code_too():
    one, other = (dataclasses.replace(toys.target(seed), image_shape=(6, 6, 1)) for seed in (0, 1))
    assert network_digest("a", one) != network_digest("a", other)
    assert network_digest("a", one) == network_digest("a", dataclasses.replace(one, name="B"))
    turned = dataclasses.replace(one, apply=lambda params, images: -toys.logits(params, images))
    assert network_digest("a", one) != network_digest("a", turned)
    closed = [
        Target((), lambda params, images, of=of: toys.logits(of.params, images), image_shape=(6, 6, 1))
        for of in (one, other)
    ]
    assert network_digest("a", closed[0]) != network_digest("a", closed[1])
    with pytest.raises(InputError, match="network a: expected a target with its image_shape"):
        network_digest("a", toys.target())


def test_a_folder_of_images_without_a_name_is_refused(tmp_path):
    study_of_images = dataclasses.replace(STUDY, config=ImageSettings)
    with pytest.raises(InputError, match=r"^images: expected a folder, got ''"):
        study.run(study_of_images, ImageSettings(images=""), tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_size_stands_for_settings_of_a_study(tmp_path, capsys):
    sizes = {"smoke": {"seeds": 1, "rounds": 2}, "paper": {}}
    command = functools.partial(run_study, STUDY, sizes=sizes)
    assert command(["--size", "smoke", "--rounds", "1", "--outdir", str(tmp_path / "s"), "--quiet"]) == 0
    settings = json.loads((tmp_path / "s" / "config.json").read_text())["settings"]
    assert settings == dataclasses.asdict(Config(seeds=1, rounds=1))
    assert command(["--size", "smoke", "--resume", str(tmp_path / "s")]) == 2
    other = dataclasses.replace(STUDY, name="other")
    assert run_study(other, ["--resume", str(tmp_path / "s")]) == 2
    assert "expected the study other, found 'toy'" in capsys.readouterr().err
    assert run_study(STUDY, ["--size", "smoke"]) == 2  # a study without sizes has no such flag
    assert "unrecognized arguments: --size" in capsys.readouterr().err
