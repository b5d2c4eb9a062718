"""Flags that are wrong are told in one line, and `--help` says where numbers are from."""

import argparse

import pytest
from pages import one_line

from experiments import (
    cifar_cppn,
    cifar_direct,
    imagenet_cppn,
    imagenet_direct,
    imagenet_gradient,
    mnist_cppn,
    mnist_direct,
    mnist_gradient,
)
from fooljax.cli.size_flag import add_size
from fooljax.settings import check_used, config_from

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
    (["--resume", "/nowhere"], "--resume: /nowhere: no such folder"),
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


def test_help_names_the_papers_constants_and_their_source(capsys):
    with pytest.raises(SystemExit) as ended:
        mnist_direct.main(["--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert (
        "--mutation-rate X Share of the values of an image that change in a child, in the first generations. "
        "The default is from the paper, section 2.2. (default: 0.1; 0 to 1)"
    ) in text
    assert "The authors' code has 200" in text


def test_a_size_stands_for_settings_and_a_flag_of_its_own_decides(tmp_path, capsys, monkeypatch):
    begun = []
    monkeypatch.setattr("fooljax.runs.evolution_run.run", lambda recipe, settings, *_: begun.append(settings))
    monkeypatch.setattr("fooljax.cli.evolve.in_lines", lambda _: [])
    flags = ["--size", "paper", "--children", "50", "--outdir", str(tmp_path / "r")]
    assert imagenet_cppn.main(flags) == 0
    (settings,) = begun
    assert (settings.strategy, settings.generations, settings.children) == ("map_elites", 5000, 50)
    assert (settings.until, settings.functions, settings.crops) == (None, "paper", 1)
    capsys.readouterr()
    assert imagenet_cppn.main(["--size", "paper", "--resume", str(tmp_path)]) == 2
    assert "--size: not together with --resume" in one_line(capsys)


@pytest.mark.parametrize("experiment", [mnist_gradient, imagenet_gradient])
def test_a_size_of_gradient_ascent_stands_for_settings(experiment, tmp_path, capsys, monkeypatch):
    begun = []
    monkeypatch.setattr(
        "fooljax.cli.ascend.plan_of_ascent", lambda recipe, settings, _: begun.append(settings)
    )
    monkeypatch.setattr("fooljax.cli.ascend.begin", lambda *_: None)
    assert experiment.main(["--size", "smoke", "--iterations", "3", "--outdir", str(tmp_path / "r")]) == 0
    (settings,) = begun
    assert (settings.starts, settings.iterations, settings.optimiser_iterations) == (1, 3, 20)
    capsys.readouterr()
    assert experiment.main(["--size", "smoke", "--resume", str(tmp_path)]) == 2
    assert "--size: not together with --resume" in one_line(capsys)


def test_a_size_without_settings_stands_for_the_defaults():
    parser = argparse.ArgumentParser()
    add_size({"smoke": {"runs": 1}, "paper": {}}, parser)
    assert "smoke: --runs 1. paper: the defaults." in " ".join(parser.format_help().split())


SEARCHES = (mnist_direct, mnist_cppn, cifar_direct, cifar_cppn, imagenet_direct, imagenet_cppn)


@pytest.mark.parametrize("experiment", [*SEARCHES, mnist_gradient, imagenet_gradient])
def test_sizes_are_of_settings_that_there_are(experiment):
    recipe = experiment.EXPERIMENT
    assert ({"smoke", "paper"} if experiment in SEARCHES else {"smoke"}) <= set(recipe.sizes)
    for settings in recipe.sizes.values():
        check_used(config_from(recipe.config, settings, "size"), settings)
