"""`fooljax perturb`: what is no photograph or no class is told in one line, before a network is asked."""

import re

import numpy as np
import pytest
from PIL import Image

import fooljax
from fooljax.cli import perturb
from fooljax.targets import imagenet


def linear(weights, images):
    return images.reshape(len(images), -1) @ weights


@pytest.fixture
def small(monkeypatch):
    """A network of two classes in the place of one for ImageNet."""
    weights = np.random.default_rng(0).normal(size=(8 * 8 * 3, 2)).astype(np.float32)
    target = fooljax.as_target(
        linear, weights, image_shape=(8, 8, 3), class_names=("bus", "ostrich"), name="small"
    )
    monkeypatch.setattr(imagenet, "load", lambda *_, **__: target)
    return target


@pytest.fixture
def photograph(tmp_path, small):
    """One that the network takes for a bus."""
    for seed in range(20):
        pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        if fooljax.score(small, pixels[None])[0].argmax() == 0:
            break
    Image.fromarray(pixels).save(tmp_path / "bus.png")
    return tmp_path / "bus.png"


def test_a_bus_becomes_an_ostrich_in_the_file(photograph, small, tmp_path, capsys):
    output = tmp_path / "out.png"
    assert perturb.main([str(photograph), "--to", "Ostrich", "--output", str(output)]) == 0
    pixels = np.asarray(Image.open(output))
    assert fooljax.score(small, pixels[None])[0, 1] >= fooljax.to_log_odds(0.9999)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("before: bus (0)")
    assert lines[1].startswith("after:  ostrich (1), ≥ 99.99 %") or "99.99" in lines[1]
    before = np.asarray(Image.open(photograph)).astype(int)
    assert f"at most {np.abs(pixels - before).max()} of 255 grey levels" in lines[2]


def test_what_is_wrong_is_one_line(photograph, tmp_path, capsys):
    text = tmp_path / "letter.jpg"
    text.write_text("Dear reader")
    before = photograph.read_bytes()
    for words, message in (
        ([str(text), "--to", "ostrich"], r"letter\.jpg: expected an image, found something else"),
        ([str(tmp_path / "none.jpg"), "--to", "ostrich"], r"none\.jpg"),
        ([str(photograph), "--to", "emu"], r"--to: expected a class of small, got emu"),
        ([str(photograph), "--to", "7"], r"--to: expected a class index from 0 to 1"),
        ([str(photograph)], r"--to"),
        ([str(photograph), "--to", "ostrich", "--output", str(tmp_path / "a.jpg")], r"--output: .*\.png"),
        ([str(photograph), "--to", "ostrich", "--output", str(photograph)], r"--output: .*another file"),
        ([str(photograph), "--to", "ostrich", "--method", "lbfgs", "--norm", "linf"], r"--norm: expected l2"),
    ):
        assert perturb.main(words) in (1, 2)
        error = capsys.readouterr().err
        assert re.fullmatch(r"error: .*\n", error), error
        assert re.search(message, error), error
    assert {path.name for path in tmp_path.iterdir()} == {"letter.jpg", "bus.png"}
    assert photograph.read_bytes() == before
