"""The ImageNet commands, with a small network in the place of the real one but in one test."""

import contextlib
import csv
import json
import os
import struct
import tracemalloc
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from experiments import imagenet_cppn, imagenet_direct, imagenet_gradient
from fooljax.cli import validate
from fooljax.engine.types import Target
from fooljax.errors import InputError
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
    how = imagenet.Preprocessing(SIZE, SIZE)
    monkeypatch.setattr(imagenet, "load", lambda *_, **__: target)
    monkeypatch.setattr(imagenet, "with_crops", lambda name, target, crops: Target(params, halved))
    monkeypatch.setattr(imagenet, "preprocessing", lambda name, crops=1: how)
    monkeypatch.setattr(imagenet_choice, "NUM_CLASSES", CLASSES)


@pytest.mark.parametrize("module", [imagenet_cppn, imagenet_direct])
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
    assert "What the network is worth" not in page
    assert "Median confidence, ten crops" in page
    classes = (tmp_path / "run" / "classes.html").read_text()
    assert classes.count("<li data-index=") == CLASSES
    assert len(list((tmp_path / "run" / "elites").glob("*.png"))) == CLASSES
    genomes = len(list((tmp_path / "run" / "elites").glob("*.json")))
    assert genomes == (CLASSES if module is imagenet_cppn else 0)
    with Image.open(next((tmp_path / "run" / "elites").glob("*.png"))) as image:
        assert image.size == (SIZE, SIZE)
        assert image.mode == "RGB"


def test_some_classes(tmp_path):
    flags = ["--generations", "1", "--children", "4", "--classes", "7,100-104:2", "--quiet"]
    assert imagenet_cppn.main([*flags, "--outdir", str(tmp_path / "run")]) == 0
    names = sorted(path.name[:14] for path in (tmp_path / "run" / "elites").glob("*.png"))
    assert names == [f"run00-class{index:03d}" for index in (7, 100, 102, 104)]
    assert len(list((tmp_path / "run" / "elites").glob("*.json"))) == 4
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
    monkeypatch.setattr(validate, "synsets", lambda: tuple(f"n{index:08d}" for index in range(CLASSES)))
    file = tmp_path / "figures.json"
    assert validate.main(["--imagefolder", str(imagefolder), "--json", str(file)]) == 0
    figures = json.loads(file.read_text())
    target = imagenet.load("small")
    right = []
    for path, index in validate.find_images(imagefolder, validate.synsets()):
        pixels = validate.read_photograph(path, SIZE)
        found = np.asarray(target.apply(target.params, pixels[None].astype(np.float32) / 255.0))[0]
        right.append([index == found.argmax(), index in np.argsort(-found)[:5]])
    assert figures["images"] == 5
    assert figures["top1"]["share"] == np.mean(right, axis=0)[0]
    assert figures["top5"]["share"] == np.mean(right, axis=0)[1]
    assert "5 images" in capsys.readouterr().out


def test_photographs_are_cut_from_the_middle(tmp_path):
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(validate.read_photograph(tmp_path / "a.png", 10), 255)


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


def test_large_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(validate, "MAX_PIXELS", 100)
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="at most 64 megapixels"):
        validate.read_photograph(tmp_path / "a.png", 10)


def test_no_memory_is_taken_for_bytes_that_are_only_claimed(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    struct.pack_into(">I", content, content.index(b"IDAT") - 4, 2**29)
    (tmp_path / "a.png").write_bytes(content)
    tracemalloc.start()
    with contextlib.suppress(InputError):
        validate.read_photograph(tmp_path / "a.png", 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


def grey16(path):
    Image.fromarray(np.array([[0, 257, 32896, 65535]], np.uint16)).save(path)


def saved(mode, colour):
    return lambda path: Image.new(mode, (4, 1), colour).save(path)


def palette(path):
    image = Image.new("P", (4, 1), 1)
    image.putpalette([9, 9, 9, 200, 100, 50])
    image.save(path)


def clear_palette(path):
    image = Image.new("P", (4, 1), 1)
    image.putpalette([9, 9, 9, 200, 100, 50])
    image.save(path, transparency=1)


@pytest.mark.parametrize(
    ("save", "ending", "expected"),
    [
        (grey16, ".png", [[0] * 3, [1] * 3, [128] * 3, [255] * 3]),
        (saved("L", 77), ".png", [[77] * 3] * 4),
        (saved("1", 1), ".png", [[255] * 3] * 4),
        (palette, ".png", [[200, 100, 50]] * 4),
        (clear_palette, ".png", [[255, 255, 255]] * 4),
        (saved("RGBA", (10, 20, 30, 255)), ".png", [[10, 20, 30]] * 4),
        (saved("RGBA", (10, 20, 30, 0)), ".png", [[255, 255, 255]] * 4),
        (saved("RGBA", (0, 0, 0, 128)), ".webp", [[127, 127, 127]] * 4),
        (saved("LA", (40, 255)), ".png", [[40] * 3] * 4),
        (saved("LA", (40, 0)), ".png", [[255] * 3] * 4),
        (saved("CMYK", (0, 0, 0, 0)), ".jpg", [[255] * 3] * 4),
        (saved("CMYK", (0, 0, 0, 255)), ".jpg", [[0] * 3] * 4),
    ],
)
def test_photographs_of_every_kind_are_read_as_they_look(save, ending, expected, tmp_path):
    path = tmp_path / f"a{ending}"
    save(path)
    with Image.open(path) as image:
        pixels = np.asarray(validate._in_colour(image))
    np.testing.assert_allclose(pixels[0].astype(int), expected, atol=2 if ending != ".png" else 0)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_numbers_without_a_known_range_are_no_photograph(mode, tmp_path):
    Image.new(mode, (4, 4), 70_000).save(tmp_path / "a.jpg", format="TIFF")
    with pytest.raises(InputError, match=f"a.jpg: expected 8 or 16 bits a channel, got .* mode {mode}"):
        validate.read_photograph(tmp_path / "a.jpg", 4)


def test_a_photograph_is_turned_as_it_says(tmp_path):
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:, :5] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise: the left side is the upper one
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(validate.read_photograph(tmp_path / "a.png", 10), pixels.swapaxes(0, 1))


def bomb(width, height):
    """A PNG of a hundred bytes that claims a size."""

    def chunk(name, content):
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    head = chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(width + 1))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(1, 2**26), (2**26, 1), (8192, 8192), (2**16, 100), (2**31 - 1, 2**31 - 1)])
def test_a_photograph_takes_no_more_memory_than_its_file_tells(size, tmp_path):
    (tmp_path / "a.png").write_bytes(bomb(*size))
    tracemalloc.start()
    with pytest.raises(InputError, match=r"a\.png: expected "):
        validate.read_photograph(tmp_path / "a.png", 256)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**22


def test_long_photographs_are_refused_before_they_are_scaled(tmp_path):
    Image.new("RGB", (1, 2**11)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="expected sides that are nearer to each other, got 1 x 2048"):
        validate.read_photograph(tmp_path / "a.png", 256)


def test_images_that_cannot_be_read_are_passed_over(imagefolder, tmp_path, monkeypatch, capsys, caplog):
    monkeypatch.setattr(validate, "synsets", lambda: tuple(f"n{index:08d}" for index in range(CLASSES)))
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


@pytest.mark.parametrize(
    ("names", "told"),
    [(("1", "2", "3"), "numbered 1 to 3"), (("0", "1"), None), (("2", "5"), None), (("1",), None)],
)
def test_folders_numbered_from_1_are_told(names, told, tmp_path, caplog):
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").touch()
    assert len(validate.find_images(tmp_path, [f"n{index:08d}" for index in range(9)])) == len(names)
    assert [told in record.getMessage() for record in caplog.records] == ([True] if told else [])


def test_all_folders_numbered_from_1_are_refused(tmp_path):
    for name in range(1, 10):
        (tmp_path / str(name)).mkdir()
    with pytest.raises(InputError, match="expected folders 0 to 8, found 1 to 9; rename them, each one less"):
        validate.find_images(tmp_path, [f"n{index:08d}" for index in range(9)])
    (tmp_path / ("9" * 200)).mkdir()
    with pytest.raises(InputError, match="expected folders named as"):
        validate.find_images(tmp_path, [f"n{index:08d}" for index in range(9)])


def test_an_image_that_is_hardly_more_than_its_header_is_refused(tmp_path):
    Image.new("L", (5000, 5000)).save(tmp_path / "flat.png")
    with pytest.raises(InputError, match=r"expected a photograph, got 5000 x 5000 pixels in [0-9,]+ bytes"):
        validate.read_photograph(tmp_path / "flat.png", 8)
