"""`fooljax.evolve` and `fooljax.open_run`: in memory, in a folder, killed, saved and opened again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import toys

import fooljax
from fooljax.cli import compare, poster
from fooljax.cli import evolve as cli_evolve
from fooljax.engine.objective import Objective
from fooljax.errors import InputError

NAMES = ("cat", "dog", "=cow", "\u4f8b")
TARGET = fooljax.as_target(toys.logits, toys.target().params, name="my network", class_names=NAMES)
SEARCH = {"key": 3, "generations": 12, "runs": 2}


@pytest.fixture(scope="module")
def in_memory():
    return fooljax.evolve(TARGET, toys.ENCODING, toys.STRATEGY, **SEARCH)


@pytest.fixture(scope="module")
def in_folder(tmp_path_factory):
    outdir = tmp_path_factory.mktemp("api") / "run"
    return fooljax.evolve(TARGET, toys.ENCODING, toys.STRATEGY, **SEARCH, outdir=outdir, lineage=True)


def test_a_search_in_memory_gives_images_and_what_the_network_says(in_memory):
    assert in_memory.images.shape == (2, 4, 6, 6, 1)
    assert in_memory.first_images.shape == (2, 4, 6, 6, 1)
    assert in_memory.cells == (0, 1, 2, 3)
    assert in_memory.class_names == NAMES
    assert (in_memory.generations, in_memory.completed, in_memory.folder) == (12, True, None)
    assert in_memory.strategy_state is not None
    scored = fooljax.score(TARGET, in_memory.images.reshape(8, 6, 6, 1)).reshape(2, 4, 4)
    own = np.diagonal(scored, axis1=1, axis2=2)
    np.testing.assert_allclose(in_memory.log_odds, own, atol=1e-4)
    np.testing.assert_allclose(in_memory.confidence, 1.0 / (1.0 + np.exp(-own)), atol=1e-4)
    level = float(np.median(in_memory.confidence))
    np.testing.assert_array_equal(in_memory.success(level), np.mean(in_memory.confidence >= level, axis=1))
    with pytest.raises(InputError, match=r"level: expected a confidence inside \(0, 1\), got 99"):
        in_memory.success(99)


def test_with_a_folder_it_is_the_same_search_and_a_whole_run(in_memory, in_folder):
    np.testing.assert_array_equal(in_folder.images, in_memory.images)
    np.testing.assert_allclose(in_folder.log_odds, in_memory.log_odds, atol=1e-3)
    assert in_folder.strategy_state is not None
    folder = in_folder.folder
    for name in ("index.html", "gallery.png", "summary.json", "elites.csv", "first.csv", "lineage.npz"):
        assert (folder / name).is_file(), name
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "Fooling the network “my network”, pixel by pixel" in page
    assert "=cow" in page
    config = json.loads((folder / "config.json").read_text())
    assert config["command"] is None
    assert config["settings"]["generations"] == 12


def test_a_folder_gives_the_result_back(in_folder):
    opened = fooljax.open_run(in_folder.folder)
    np.testing.assert_array_equal(opened.images, in_folder.images)
    np.testing.assert_array_equal(opened.log_odds, in_folder.log_odds)
    assert opened.class_names == NAMES
    assert opened.generations == 12
    assert opened.strategy_state is None
    np.testing.assert_array_equal(opened.metrics["queries"], in_folder.metrics["queries"])
    with pytest.raises(InputError, match=r"it stands in .* already; copy that folder"):
        opened.save(in_folder.folder / "copy")


def test_a_search_in_memory_can_be_saved_and_commands_take_it(in_memory, tmp_path, capsys):
    folder = in_memory.save(tmp_path / "saved")
    opened = fooljax.open_run(folder)
    np.testing.assert_array_equal(opened.images, in_memory.images)
    assert (folder / "index.html").is_file()
    assert compare.main([str(folder), str(folder), "--names", "a,b"]) == 0
    assert poster.main([str(folder), "--cell", "0"]) == 2
    assert "have one size; expected a run with images of CPPNs" in capsys.readouterr().err
    with pytest.raises(InputError, match="expected a new or empty folder"):
        in_memory.save(folder)


def test_an_encoding_of_ones_own_any_shape_and_a_poster(tmp_path, capsys):
    target = fooljax.as_target(lambda images: images.reshape(len(images), -1)[:, :5], name="five")
    encoding = toys.waves((20, 30, 3))
    outdir = tmp_path / "run"
    result = fooljax.evolve(target, encoding, key=0, generations=2, outdir=outdir)
    assert result.images.shape == (1, 5, 20, 30, 3)
    assert result.class_names == ("0", "1", "2", "3", "4")
    flags = ["--cell", "2", "--size", "60x40", "--output", str(tmp_path / "p.png")]
    assert poster.main([str(outdir), *flags]) == 2
    assert "give it as MODULE:NAME" in capsys.readouterr().err
    assert poster.main([str(outdir), *flags, "--encoding", "toys:waves"]) == 0
    np.testing.assert_array_equal(fooljax.open_run(outdir).images, result.images)


PROGRAM = """
import sys
import toys, fooljax
fooljax.evolve(
    toys.target(), toys.ENCODING, toys.STRATEGY, key=0, generations=int(sys.argv[2]), outdir=sys.argv[1],
    resume=True, checkpoint_seconds=0.0,
)
"""


def test_a_call_that_is_killed_goes_on_by_the_same_call(tmp_path):
    outdir = tmp_path / "run"
    paths = [str(Path(__file__).parent), str(Path(fooljax.__file__).parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", PROGRAM, str(outdir), "100000"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    until = time.monotonic() + 120
    while not list(outdir.glob("checkpoints/*.npz")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    assert list(outdir.glob("checkpoints/*.npz")), errors
    with pytest.raises(InputError, match=r"found no archive\.npz in it"):
        fooljax.open_run(outdir)
    # As many generations as are done, at least; a run that is resumed is never shortened.
    for name in ("config.json",):
        config = json.loads((outdir / name).read_text())
        config["settings"]["generations"] = 1
        (outdir / name).write_text(json.dumps(config))
    done = max(int(path.stem.rsplit("-")[-1]) for path in outdir.glob("checkpoints/*.npz"))
    arguments = {"key": 0, "outdir": outdir, "resume": True, "generations": done + 10}
    result = fooljax.evolve(toys.target(), toys.ENCODING, toys.STRATEGY, **arguments)
    whole = fooljax.evolve(toys.target(), toys.ENCODING, toys.STRATEGY, key=0, generations=done + 10)
    np.testing.assert_array_equal(result.images, whole.images)
    np.testing.assert_array_equal(result.archive.ids, whole.archive.ids)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generations": 11}, "generations: expected 12 or more on resume, got 11"),
        ({"runs": 3}, "runs: the run in .* was begun with 2, got 3"),
        ({"key": 4}, "key: the run in .* was begun with another key$"),
        ({"until": 0.5}, "until: the run in .* was begun with off, got 0.5"),
        ({"encoding": fooljax.encodings.direct((6, 6, 1), eta=9.0)}, "encoding: .* begun with another one"),
        ({"strategy": "focused"}, "strategy: .* begun with another one"),
    ],
)
def test_another_call_does_not_go_on_with_a_run(changes, message, in_folder):
    arguments = {"encoding": toys.ENCODING, "strategy": toys.STRATEGY, **SEARCH, "lineage": True, **changes}
    with pytest.raises(InputError, match=message):
        fooljax.evolve(TARGET, **arguments, outdir=in_folder.folder, resume=True)
    assert fooljax.open_run(in_folder.folder).generations == 12


def test_a_run_of_a_command_is_not_gone_on_with_from_python(finished):
    with pytest.raises(InputError, match="expected a run of no experiment, found one of mnist_direct"):
        fooljax.evolve(TARGET, toys.ENCODING, **SEARCH, outdir=finished, resume=True)


def test_a_command_says_how_a_run_of_python_is_gone_on_with(in_folder, capsys):
    assert cli_evolve.main(["--resume", str(in_folder.folder)]) == 2
    words = (
        f"found one of Python; go on with it there by fooljax.evolve(..., outdir={str(in_folder.folder)!r}, "
    )
    assert f"{words}resume=True)" in capsys.readouterr().err


def test_a_folder_in_use_is_named_as_the_argument(in_folder):
    with pytest.raises(InputError, match=r"^outdir: .*: expected a new or empty folder, found"):
        fooljax.evolve(TARGET, toys.ENCODING, toys.STRATEGY, **SEARCH, outdir=in_folder.folder)


@pytest.mark.parametrize("by_signal", [True, False])
def test_an_interrupted_call_keeps_what_was_done(by_signal, tmp_path, caplog):
    arguments = {"key": 0, "generations": 40, "outdir": tmp_path / "run", "resume": True}

    def interrupt(progress):
        if progress.generation == 20:
            if not by_signal:
                raise KeyboardInterrupt
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fooljax.evolve(toys.target(), toys.ENCODING, **arguments, on_chunk=interrupt)
    assert f"outdir: no run in {tmp_path / 'run'} yet, so a new one begins" in caplog.text
    kept = [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()]
    assert kept == ["generation-000000020.npz"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": 3}, "target: expected a JAX callable or a Target, got int"),
        ({"target": "lenett"}, "target: expected one of lenet"),
        ({"encoding": "pixels"}, "encoding: expected one of direct, cppn or MODULE:NAME, got 'pixels'"),
        ({"encoding": "direct"}, "target: expected one that says the shape of its images"),
        ({"encoding": 3}, "encoding: expected an Encoding or the name of one, got 3"),
        ({"strategy": 3}, "strategy: expected a Strategy or the name of one, got 3"),
        ({"runs": 0}, "runs: expected a whole number, 1 or more, got 0"),
        (
            {"objective": "x"},
            "objective: expected a fooljax.Objective, as .*, got 'x'",
        ),
        ({"resume": True}, "outdir: expected a folder, since resume is True, got none"),
        ({"lineage": True}, "outdir: expected a folder, since lineage is True, got none"),
        ({"outdir": ""}, "outdir: expected a folder, got ''"),
        ({"checkpoint_seconds": "a"}, "checkpoint_seconds: expected 0 or more, got 'a'"),
        ({"outdir": 3}, "outdir: expected a folder, got 3"),
        ({"cells": 3}, "cells: expected a list of class indices, got 3"),
        ({"cells": 1.5}, "cells: expected a list of class indices, got 1.5"),
        ({"cells": True}, "cells: expected a list of class indices, got True"),
        ({"cells": object()}, "cells: expected a list of class indices, got <object"),
        ({"cells": [[1], [1, 2]]}, r"cells: expected a list of class indices, got \[\[1\], \[1, 2\]\]"),
        ({"cells": {1: 2}}, "cells: expected a list of class indices, got {1: 2}"),
        ({"cells": b"3"}, "cells: expected a list of class indices, got b'3'"),
        ({"cells": [9]}, r"cells: expected different .*indices in \[0, 3\], got \[9\]"),
    ],
)
def test_wrong_arguments_are_one_line(changes, message):
    arguments = {"target": TARGET, "encoding": toys.ENCODING, **SEARCH, **changes}
    with pytest.raises(InputError, match=message) as caught:
        fooljax.evolve(**arguments)
    assert "\n" not in str(caught.value)


def test_a_target_that_says_another_shape_is_refused():
    target = fooljax.as_target(toys.logits, toys.target().params, image_shape=(8, 8, 1))
    with pytest.raises(InputError, match=r"encoding: expected images \[8, 8, 1\], as the target takes"):
        fooljax.evolve(target, toys.ENCODING, **SEARCH)


def test_names_build_what_they_name():
    result = fooljax.evolve("lenet", "direct", "random_search", key=0, generations=0, cells=[3, 7])
    assert result.images.shape == (1, 2, 28, 28, 1)
    assert result.cells == (3, 7)


def test_a_search_can_be_stopped_and_gone_on_with(tmp_path):
    arguments = {"key": 0, "generations": 40, "outdir": tmp_path / "run"}
    seen = []
    stopped = fooljax.evolve(
        toys.target(), toys.ENCODING, **arguments, on_chunk=seen.append, stop=lambda: len(seen) > 1
    )
    assert not stopped.completed
    assert stopped.generations == 10
    with pytest.raises(InputError, match="stopped before its end"):
        fooljax.evolve(toys.target(), toys.ENCODING, key=0, generations=9, stop=lambda: True).save(
            tmp_path / "no"
        )
    whole = fooljax.evolve(toys.target(), toys.ENCODING, **arguments, resume=True)
    assert whole.completed
    assert whole.generations == 40


BRIGHTEST = Objective("brightness", lambda logits: logits * 2.0)


def test_another_objective_is_named_and_told_in_values(tmp_path):
    outdir = tmp_path / "run"
    result = fooljax.evolve(TARGET, toys.ENCODING, key=0, generations=3, objective=BRIGHTEST, outdir=outdir)
    assert result.objective == "brightness"
    np.testing.assert_allclose(
        result.scores[0],
        np.diagonal(2.0 * np.asarray(toys.logits(TARGET.params, result.images[0] / np.float32(255.0)))),
        rtol=1e-4,
    )
    with pytest.raises(InputError, match="the search maximised brightness, which is no log-odds"):
        _ = result.confidence
    assert fooljax.open_run(outdir).objective == "brightness"
    summary = json.loads((outdir / "summary.json").read_text())
    assert summary["objective"] == "brightness"
    assert summary["rescored"]["median_fitness"] == pytest.approx(np.median(result.scores))
    page = (outdir / "index.html").read_text(encoding="utf-8")
    assert "brightness" in page


def test_whatever_a_network_says_of_itself_is_written_and_read_again(tmp_path):
    facts = {"share": np.float32(0.5), "many": np.arange(3), "none": float("nan"), "inner": {"a": (1, 2**70)}}
    target = fooljax.as_target(
        toys.logits,
        toys.target().params,
        name="x\ud800\x1b[2J",
        class_names=("a\nb", "\ud800", "<b>", ""),
        clean_accuracy=np.float64(0.5),
        provenance=facts,
    )
    outdir = tmp_path / "run"
    result = fooljax.evolve(target, toys.ENCODING, toys.STRATEGY, key=0, generations=1, outdir=outdir)
    assert result.class_names[2] == "<b>"
    kept = json.loads((outdir / "target.json").read_text())
    assert (kept["share"], kept["inner"]["a"][0], kept["clean_accuracy"]) == (0.5, 1, 0.5)
    page = (outdir / "index.html").read_text(encoding="utf-8")
    assert "<b>" not in page.replace("&lt;b&gt;", "")
    assert "\x1b" not in page
