"""The experiments on CIFAR-10: images in colour, evolved for a small network in place of a ResNet."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from experiments import cifar_cppn, cifar_direct
from fooljax.cli import report
from fooljax.data.cifar10 import CLASS_NAMES
from fooljax.engine.types import Target
from fooljax.targets import cifar10

SHAPE = (32, 32, 3)


def logits(params, images):
    return images.reshape(images.shape[0], -1) @ params["out"]


@pytest.fixture
def small(monkeypatch):
    """A network that names an image by its colours and where they lie."""
    out = jax.random.normal(jax.random.key(0), (32 * 32 * 3, 10)) / 10.0
    facts = {"weights": "small.th", "params_sha256": "0" * 64}
    target = Target({"out": out}, logits, "small", SHAPE, CLASS_NAMES, None, "softmax of a toy", facts)
    monkeypatch.setattr(cifar10, "load", lambda *_, **__: target)
    return target


def data_that_it_names(path, target, share):
    """Ten images, of which the network names a share as they are labelled."""
    images = np.random.default_rng(0).integers(0, 256, (50, *SHAPE), np.uint8)
    labels = np.argmax(logits(target.params, jnp.asarray(images / 255.0, jnp.float32)), axis=1)
    shown = np.arange(10) < 10 * share
    tests = np.where(shown, labels[:10], (labels[:10] + 1) % 10)
    names = np.array(CLASS_NAMES)
    np.savez(path / "train.npz", images=images, labels=np.arange(50) % 10, class_names=names)
    np.savez(path / "test.npz", images=images[:10], labels=tests)


@pytest.mark.parametrize("module", [pytest.param(cifar_cppn, marks=pytest.mark.slow), cifar_direct])
def test_a_run_in_colour_whose_network_is_tested(module, small, tmp_path, capsys):
    data_that_it_names(tmp_path, small, 0.7)
    run = tmp_path / "run"
    flags = ["--size", "smoke", "--data", f"npz:{tmp_path}", "--outdir", str(run)]
    assert module.main(flags) == 0
    assert "names 70.00% of 10 held-out images" in capsys.readouterr().out
    summary = json.loads((run / "summary.json").read_text())
    assert summary["clean_accuracy"] == pytest.approx(0.7)
    assert (summary["dataset"], summary["experiment"]) == ("cifar10", module.EXPERIMENT.experiment)
    assert summary["rescored"]["images"] == 10
    assert summary["rescored"]["median_log_odds"] > summary["generation_0"]["median_log_odds"] + 0.5
    with Image.open(next((run / "elites").glob("*class008*.png"))) as image:
        assert (image.size, image.mode) == ((32, 32), "RGB")
    assert "airplane" in (run / "index.html").read_text()
    assert report.main([str(run), "--output", str(tmp_path / "again")]) == 0  # from the folder alone
    assert module.main(["--resume", str(run)]) == 0


def test_what_the_network_cannot_be_tested_on(small, tmp_path, capsys):
    assert cifar_direct.main(["--data", "embedded", "--outdir", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --data: expected images of (32, 32, 3) and 10 classes for small, got")
    assert error.count("\n") == 1
    assert cifar_direct.main(["--data", f"cifar10:{tmp_path}", "--outdir", str(tmp_path / "run")]) == 2
    assert "expected data_batch_1.bin" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_without_weights_a_line_says_where_they_are(tmp_path, capsys):
    assert cifar_cppn.main(["--outdir", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --weights: expected a file with the weights of resnet20, ")
    assert "https://github.com/akamaster/pytorch_resnet_cifar10" in error
