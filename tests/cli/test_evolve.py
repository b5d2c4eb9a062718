"""`fooljax evolve`: any target with any encoding, of the user's own too; and `fooljax` itself."""

import json
import sys
from pathlib import Path

import pytest
from pages import one_line

import fooljax
from fooljax.cli import evolve, main
from fooljax.encodings import describe
from fooljax.runs.opened import open_folder
from fooljax.runs.recipe import compose_recipe

OWN = """
import fooljax
import toys


def network():
    return fooljax.as_target(
        toys.logits, toys.target().params, name="mine", image_shape=(6, 6, 1), class_names=tuple("abcd")
    )


def pixels(image_shape):
    return fooljax.encodings.direct(image_shape)._replace(name="pixels", settings=None)


def wrong(image_shape):
    return image_shape
"""
SHORT = ["--runs", "1", "--children", "8", "--generations", "2", "--quiet"]


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with a module of the user's, which the user stands in."""
    (tmp_path / "my_module.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("my_module", None)
    sys.path[:] = [entry for entry in sys.path if entry != str(tmp_path)]


def test_it_is_the_search_of_the_experiment(finished, settings, tmp_path):
    outdir = tmp_path / "run"
    flags = ["evolve", "--target", "lenet", "--encoding", "direct", *settings, "--quiet"]
    assert main.main([*flags, "--outdir", str(outdir)]) == 0
    for name in ("archive.npz", "metrics.csv", "elites.csv"):
        assert (outdir / name).read_bytes() == (finished / name).read_bytes(), name
    config = json.loads((outdir / "config.json").read_text())
    assert config["format"] == 2
    assert config["command"].startswith("fooljax evolve --target lenet --encoding direct --runs 2")
    assert config["experiment"] is None
    assert config["title"] == "Fooling a digit network, pixel by pixel"
    assert config["target"]["chosen_by"] == "lenet"
    # It goes on without saying again what it is.
    assert evolve.main(["--resume", str(outdir), "--generations", "31", "--quiet"]) == 0
    assert open_folder(outdir).settings["generations"] == 31


def test_a_network_and_an_encoding_of_ones_own(own, capsys):
    flags = ["--target", "my_module:network", "--encoding", "my_module:pixels"]
    assert evolve.main([*flags, *SHORT, "--outdir", "run"]) == 0
    page = (own / "run" / "index.html").read_text(encoding="utf-8")
    assert "Fooling the network “mine” with the encoding my_module:pixels" in page
    run = open_folder(own / "run", "my_module:pixels")
    assert run.class_names == ("a", "b", "c", "d")
    assert describe(run.encoding)["settings"] is None
    # Code that a folder names is run where the user names it again, and only there.
    sys.modules.pop("my_module")
    capsys.readouterr()
    for given, missing in (([], "target"), (flags[:2], "encoding")):
        assert evolve.main(["--resume", "run", *given, "--quiet"]) == 2
        line = one_line(capsys)
        assert line.startswith(f"error: --{missing}: the run in run uses what is not built in; if you trust")
    assert "my_module" not in sys.modules
    assert evolve.main(["--resume", "run", "--target", "lenet", *flags[2:], "--quiet"]) == 2
    assert "--target: the run in run was begun with my_module:network, got lenet" in one_line(capsys)
    assert evolve.main(["--resume", "run", *flags, "--generations", "3", "--quiet"]) == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--target", "lenett"], "--target: expected one of lenet, "),
        (["--target", "my_module:nothing"], "--target: expected a name in the module my_module"),
        (["--encoding", "pixel"], "--encoding: expected one of direct, cppn or MODULE:NAME, got 'pixel'"),
        (["--encoding", "my_module:wrong"], "--encoding: expected my_module:wrong to be a fooljax.Encoding"),
        (["--encoding", "my_module:OWN"], "--encoding: expected a name in the module my_module"),
        (["--strategy", "my_module:pixels"], "--strategy: expected my_module:pixels to be a function"),
        (["--generation", "3"], "unrecognized arguments: --generation 3; did you mean --generations or "),
        (["--runs", "0"], "--runs: expected 1 or more, got 0"),
        (["--max-nodes", "9"], "unrecognized arguments: --max-nodes 9"),
        (["--resume", "nowhere"], "--resume: nowhere: no such folder"),
    ],
)
def test_wrong_words_are_one_line_and_leave_nothing(flags, message, own, capsys):
    where = [] if "--resume" in flags else ["--outdir", "run"]
    assert evolve.main([*SHORT, *where, *flags]) == 2
    assert one_line(capsys).startswith(f"error: {message}")
    assert not (own / "run").exists()


def test_help_lists_targets_and_encodings_and_then_their_settings(capsys):
    with pytest.raises(SystemExit) as ended:
        evolve.main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for name in ("lenet", "efficientnet-lite0", "direct", "cppn", "MODULE:NAME"):
        assert name in text
    with pytest.raises(SystemExit):
        evolve.main(["--target", "lenet", "--encoding", "cppn", "--help"])
    text = capsys.readouterr().out
    for flag in ("--target NAME", "--encoding NAME", "--target-recipe", "--max-nodes", "--children"):
        assert flag in text


def test_what_suits_a_target_or_an_encoding_is_the_default():
    plain, drawn = (compose_recipe("lenet", name).config() for name in ("direct", "cppn"))
    assert (plain.runs, plain.children, plain.strategy) == (5, 200, "map_elites")
    assert (drawn.runs, drawn.children, drawn.strategy) == (5, 100, "focused")
    assert compose_recipe("efficientnet-lite0", "cppn").config().runs == 1


def test_the_program_says_its_commands_and_its_version(capsys):
    assert main.main([]) == main.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {command} " in text for command in main.COMMANDS)
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out == f"fooljax {fooljax.__version__}\n"
    assert main.main(["evolv"]) == 2
    assert one_line(capsys) == "error: unknown command evolv; did you mean evolve?"
    assert main.main(["\x1b[2J"]) == 2
    assert "expected one of evolve, " in one_line(capsys)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_help_that_cannot_be_written_is_one_line(capsys, monkeypatch):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stdout", full)
        assert main.main(["--help"]) == 1
        monkeypatch.undo()
    assert one_line(capsys) == "error: standard output: cannot be written: No space left on device"


def test_every_command_is_there(capsys):
    for command in main.COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main.main([command, "--help"])
        assert ended.value.code == 0, command
        assert "usage: fooljax" in capsys.readouterr().out or command == "strategies"
