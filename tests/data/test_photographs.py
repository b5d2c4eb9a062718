"""Photographs are read as people see them, and a small file takes little memory whatever it claims."""

import contextlib
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from fooljax.data import photographs
from fooljax.errors import InputError


def test_photographs_are_cut_from_the_middle(tmp_path):
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(photographs.read_photograph(tmp_path / "a.png", 10), 255)


def test_large_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(photographs, "MAX_PIXELS", 100)
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="at most 64 megapixels"):
        photographs.read_photograph(tmp_path / "a.png", 10)


def test_what_is_no_image_is_refused_without_python_words(tmp_path):
    (tmp_path / "a.jpg").write_text("no image")
    with pytest.raises(InputError, match=r"a\.jpg: expected an image, found something else$"):
        photographs.read_photograph(tmp_path / "a.jpg", 10)


def test_no_memory_is_taken_for_bytes_that_are_only_claimed(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    struct.pack_into(">I", content, content.index(b"IDAT") - 4, 2**29)
    (tmp_path / "a.png").write_bytes(content)
    tracemalloc.start()
    with contextlib.suppress(InputError):
        photographs.read_photograph(tmp_path / "a.png", 10)
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
        pixels = np.asarray(photographs._in_colour(image))
    np.testing.assert_allclose(pixels[0].astype(int), expected, atol=2 if ending != ".png" else 0)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_numbers_without_a_known_range_are_no_photograph(mode, tmp_path):
    Image.new(mode, (4, 4), 70_000).save(tmp_path / "a.jpg", format="TIFF")
    with pytest.raises(InputError, match=f"a.jpg: expected 8 or 16 bits a channel, got .* mode {mode}"):
        photographs.read_photograph(tmp_path / "a.jpg", 4)


def test_a_photograph_is_turned_as_it_says(tmp_path):
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:, :5] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise: the left side is the upper one
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(photographs.read_photograph(tmp_path / "a.png", 10), pixels.swapaxes(0, 1))


def bomb(width, height):
    """A small PNG that claims a size; it has the first row, or what 64 MiB hold of it."""

    def chunk(name, content):
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    head = chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0))
    first_row = zlib.compress(bytes(min(width, 2**26) + 1))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", first_row) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(1, 2**26), (2**26, 1), (8192, 8192), (2**16, 100), (2**31 - 1, 2**31 - 1)])
def test_a_photograph_takes_no_more_memory_than_its_file_tells(size, tmp_path):
    (tmp_path / "a.png").write_bytes(bomb(*size))
    tracemalloc.start()
    with pytest.raises(InputError, match=r"a\.png: expected "):
        photographs.read_photograph(tmp_path / "a.png", 256)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**22


def test_long_photographs_are_refused_before_they_are_scaled(tmp_path):
    Image.new("RGB", (1, 2**11)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="expected sides that are nearer to each other, got 1 x 2048"):
        photographs.read_photograph(tmp_path / "a.png", 256)


def test_an_image_that_is_hardly_more_than_its_header_is_refused(tmp_path):
    Image.new("L", (5000, 5000)).save(tmp_path / "flat.png")
    with pytest.raises(InputError, match=r"expected a photograph, got 5000 x 5000 pixels in [0-9,]+ bytes"):
        photographs.read_photograph(tmp_path / "flat.png", 8)
