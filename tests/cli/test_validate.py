"""`fooljax validate`: what it counts, and what it says of folders that hold nothing to count."""

import json
import os

import jax
import numpy as np
import pytest
from data_samples import make_copy, sample
from PIL import Image

from fooljax.cli import validate
from fooljax.data.image_folders import find_images
from fooljax.data.photographs import read_photograph
from fooljax.engine.types import Target
from fooljax.targets import imagenet

SIZE, CLASSES = 16, 20


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A network that is drawn at random stands for those of ImageNet."""
    weights = jax.random.normal(jax.random.key(0), (SIZE * SIZE * 3, CLASSES))
    names = tuple(f"class {index}" for index in range(CLASSES))
    target = Target(
        weights,
        lambda params, images: images.reshape(len(images), -1) @ params,
        "small",
        (SIZE, SIZE, 3),
        names,
        provenance={"weights": "small.pth"},
    )
    monkeypatch.setattr(imagenet, "load", lambda *_, **__: target)
    monkeypatch.setattr(validate, "synsets", lambda: tuple(f"n{index:08d}" for index in range(CLASSES)))


@pytest.fixture
def imagefolder(tmp_path):
    random = np.random.default_rng(0)
    for name, count in (("n00000002", 3), ("0", 2), ("n00000009", 0)):
        (tmp_path / "val" / name).mkdir(parents=True)
        for index in range(count):
            pixels = random.integers(0, 256, (20, 30, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "val" / name / f"{index}.JPEG", quality=95)
    return tmp_path / "val"


def test_validation_counts(imagefolder, tmp_path, monkeypatch, capsys):
    file = tmp_path / "figures.json"
    assert validate.main(["--imagefolder", str(imagefolder), "--json", str(file)]) == 0
    figures = json.loads(file.read_text())
    target = imagenet.load("small")
    right = []
    for path, index in find_images(imagefolder, validate.synsets()):
        pixels = read_photograph(path, SIZE)
        found = np.asarray(target.apply(target.params, pixels[None].astype(np.float32) / 255.0))[0]
        right.append([index == found.argmax(), index in np.argsort(-found)[:5]])
    assert figures["images"] == 5
    assert figures["top1"]["share"] == np.mean(right, axis=0)[0]
    assert figures["top5"]["share"] == np.mean(right, axis=0)[1]
    assert "5 images" in capsys.readouterr().out


def test_a_copy_that_tensorflow_datasets_prepared_is_measured_too(tmp_path):
    import tensorflow_datasets as tfds

    features = {
        "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
        "label": tfds.features.ClassLabel(names=["n00000009", "n00000002"]),
        "id": tfds.features.Text(),
    }
    arrays, file = sample(n=2, m=5, shape=(20, 30, 3), classes=2), tmp_path / "figures.json"
    make_copy(tmp_path, arrays, name="made", splits=("train", "validation"), features=features)
    assert validate.main(["--imagefolder", str(tmp_path / "made"), "--json", str(file)]) == 0
    assert json.loads(file.read_text())["images"] == 5


@pytest.mark.parametrize("case", ["no folder", "unknown class", "empty", "no image"])
def test_folders_that_cannot_be_validated(case, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(validate, "synsets", lambda: ("n00000000", "n00000001"))
    folder = tmp_path / "val"
    if case != "no folder":
        (folder / ("n77777777" if case == "unknown class" else "n00000000")).mkdir(parents=True)
    if case == "no image":
        (folder / "n00000000" / "a.jpg").write_bytes(b"no image at all")
    assert validate.main(["--imagefolder", str(folder)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_images_that_cannot_be_read_are_passed_over(imagefolder, tmp_path, monkeypatch, capsys, caplog):
    file = tmp_path / "figures.json"
    assert validate.main(["--imagefolder", str(imagefolder), "--json", str(file)]) == 0
    before = json.loads(file.read_text())
    inner = imagefolder / "n00000002"
    whole = (inner / "0.JPEG").read_bytes()
    (inner / "00.JPEG").write_bytes(whole[: len(whole) // 2])
    (inner / "7\x1b[2J.JPEG").write_bytes(b"")
    os.mkfifo(inner / "8.JPEG")
    (inner / "9.JPEG").mkdir()
    file.unlink()
    capsys.readouterr()
    assert validate.main(["--imagefolder", str(imagefolder), "--json", str(file)]) == 0
    after = json.loads(file.read_text())
    assert after.pop("passed_over") == 4
    assert before.pop("passed_over") == 0
    assert after == before
    assert "5 images (4 passed over): " in capsys.readouterr().out
    told = [record.getMessage() for record in caplog.records]
    assert [name in line for name, line in zip(("00.JPEG", "7", "8.JPEG", "9.JPEG"), told, strict=True)]
    assert all(line.startswith("passed over: ") and line.isprintable() for line in told)
