"""`fooljax ascend`: a network by its name or the user's own, whose code runs only where it is named again."""

import json

import pytest

from fooljax.cli import ascend

MODULE = """
import jax.numpy as jnp
import fooljax

def logits(images):
    return images.mean((1, 2)) @ jnp.asarray([[9.0, -9.0, 0.0], [0.0, 9.0, -9.0], [0.0, 0.0, 1.0]])

mine = fooljax.as_target(logits, image_shape=(6, 5, 3), class_names=("a", "b", "c"), name="colours")
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "colours_of_a_test.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return "colours_of_a_test:mine"


def test_a_users_own_network_from_a_module(module, tmp_path, capsys):
    words = ["--target", module, "--starts", "1", "--methods", "adam", "--optimiser-iterations", "3"]
    assert ascend.main([*words, "--outdir", "run"]) == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["title"] == "Gradient ascent on the network “colours”"
    assert config["command"] == " ".join(["fooljax ascend", *words])
    capsys.readouterr()
    # A folder alone runs no code of its author's.
    assert ascend.main(["--resume", "run"]) == 2
    assert f"if you trust it, add --target {module}" in capsys.readouterr().err
    assert ascend.main(["--resume", "run", "--target", "other:mine"]) == 2
    assert f"target: the run in run was begun with {module}, got other:mine" in capsys.readouterr().err
    assert ascend.main(["--resume", "run", "--target", module, "--quiet"]) == 0


def test_help_lists_networks_and_methods(capsys):
    with pytest.raises(SystemExit):
        ascend.main(["--help"])
    told = capsys.readouterr().out
    assert "lenet" in told
    assert "adam_smooth" in told
    with pytest.raises(SystemExit):
        ascend.main(["--target", "efficientnet-lite0", "--help"])
    told = capsys.readouterr().out
    assert told.startswith("usage: fooljax ascend")
    assert "--crops" in told
    assert "--total-variation" in told


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "lenett"], "target: expected one of lenet"),
        (["--target", "nothing_here:mine"], "target: "),
        (["--methods", "sgd"], "--methods: expected all, or each once of"),
        (["--resume", "nowhere"], "--resume: nowhere: no such folder"),
    ],
)
def test_wrong_words_are_one_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert ascend.main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert list(tmp_path.iterdir()) == []
