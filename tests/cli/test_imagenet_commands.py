"""The ImageNet commands, with a small network in the place of the real one but in one test."""

import csv
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from experiments import imagenet_cppn, imagenet_direct, imagenet_gradient
from fooljax.engine.types import Target
from fooljax.targets import imagenet, imagenet_choice

SIZE, CLASSES = 12, 300


def logits(params, images):
    flat = images.reshape(images.shape[0], -1) - 0.4
    return jnp.tanh(flat @ params["in"]) @ params["out"]


def halved(params, images):
    return 0.5 * logits(params, images)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A network of 300 classes for images of 12 x 12 pixels."""
    first, second = jax.random.split(jax.random.key(0))
    params = {
        "in": jax.random.normal(first, (SIZE * SIZE * 3, 24)),
        "out": 2.0 * jax.random.normal(second, (24, CLASSES)),
        "mean": jnp.full(3, 100.0),
    }
    names = tuple(f"class {index}" for index in range(CLASSES))
    facts = {"weights": "small.pth", "params_sha256": "0" * 64}
    target = Target(params, logits, "small", (SIZE, SIZE, 3), names, None, "softmax of a toy", facts)
    how = imagenet.Crops(SIZE, SIZE)
    monkeypatch.setattr(imagenet, "load", lambda *_, **__: target)
    monkeypatch.setattr(imagenet, "with_crops", lambda name, target, crops: Target(params, halved))
    monkeypatch.setattr(imagenet, "crops_of", lambda name, crops=1: how)
    monkeypatch.setattr(imagenet_choice, "NUM_CLASSES", CLASSES)


@pytest.mark.parametrize("module", [pytest.param(imagenet_cppn, marks=pytest.mark.slow), imagenet_direct])
def test_a_run_of_many_classes(module, tmp_path, capsys):
    flags = ["--generations", "3", "--children", "8", "--outdir", str(tmp_path / "run")]
    assert module.main(flags) == 0
    out = capsys.readouterr().out
    assert "confidence is the softmax of a toy" in out
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["confidence"] == "softmax of a toy"
    assert summary["clean_accuracy"] is None
    assert summary["evaluations"] == 4 * 8
    assert summary["rescored"]["images"] == CLASSES
    assert summary["by_group"]["dogs"]["classes"] == 268 - 151 + 1
    table = list(csv.DictReader((tmp_path / "run" / "elites.csv").open()))
    assert [row["group"] for row in table][150:152] == ["other mammals", "dogs"]
    judged = summary["also_judged"]["ten crops"]
    for column, median in (("log_odds", summary["rescored"]), ("log_odds_ten_crops", judged)):
        found = float(np.median([float(row[column]) for row in table]))
        assert found == pytest.approx(median["median_log_odds"], abs=1e-6)
    assert judged["median_log_odds"] != summary["rescored"]["median_log_odds"]
    page = (tmp_path / "run" / "index.html").read_text()
    assert 'href="classes.html"' in page
    assert "Accuracy on real images" not in page
    assert "Median confidence, ten crops" in page
    classes = (tmp_path / "run" / "classes.html").read_text()
    assert classes.count("<li data-index=") == CLASSES
    assert len(list((tmp_path / "run" / "elites").glob("*.png"))) == CLASSES
    genomes = len(list((tmp_path / "run" / "elites").glob("*.json")))
    assert genomes == (CLASSES if module is imagenet_cppn else 0)
    with Image.open(next((tmp_path / "run" / "elites").glob("*.png"))) as image:
        assert image.size == (SIZE, SIZE)
        assert image.mode == "RGB"


@pytest.mark.parametrize("module", [pytest.param(imagenet_cppn, marks=pytest.mark.slow), imagenet_direct])
def test_some_classes(module, tmp_path):
    flags = ["--generations", "1", "--children", "4", "--classes", "7,100-104:2", "--quiet"]
    assert module.main([*flags, "--outdir", str(tmp_path / "run")]) == 0
    names = sorted(path.name[:14] for path in (tmp_path / "run" / "elites").glob("*.png"))
    assert names == [f"run00-class{index:03d}" for index in (7, 100, 102, 104)]
    genomes = len(list((tmp_path / "run" / "elites").glob("*.json")))
    assert genomes == (4 if module is imagenet_cppn else 0)
    assert not (tmp_path / "run" / "classes.html").exists()


def test_gradient_ascent(tmp_path, capsys):
    flags = ["--classes", "5,9,200", "--starts", "2", "--methods", "adam,seed_169", "--iterations", "4"]
    flags += ["--optimiser-iterations", "30", "--outdir", str(tmp_path / "run")]
    assert imagenet_gradient.main(flags) == 0
    assert "adam: 30 iterations" in capsys.readouterr().out
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert list(summary["methods"]) == ["seed_169", "adam"] or list(summary["methods"]) == [
        "adam",
        "seed_169",
    ]
    adam = summary["methods"]["adam"]
    assert adam["rescored"]["images"] == 6
    assert adam["rescored"]["median_log_odds"] > summary["control"]["start images, 8 bits"]["median_log_odds"]
    images = sorted((tmp_path / "run" / "images" / "adam").glob("*.png"))
    assert [path.name[:16] for path in images] == [
        f"start{start:02d}-class{index:03d}"[:16] for start in (0, 1) for index in (5, 9, 200)
    ]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--classes", "5-3"], "--classes: expected classes from 0 to 299, rising, got 5-3"),
        (["--target", "resnet"], "--target"),
        (["--children", "0"], "--children"),
    ],
)
def test_wrong_flags_leave_nothing(flags, told, tmp_path, capsys):
    assert imagenet_cppn.main([*flags, "--outdir", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_unknown_methods(tmp_path, capsys):
    assert imagenet_gradient.main(["--methods", "adam,sgd", "--outdir", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err.startswith("error: --methods: expected all, or each once of")
    assert not (tmp_path / "run").exists()
