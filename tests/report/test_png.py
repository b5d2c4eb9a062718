"""PNG files: the same bytes from the same pictures, and no file is ever half written."""

import os
import subprocess
import sys

import numpy as np
import pytest
from pages import metrics
from PIL import Image

from fooljax.errors import FaultError
from fooljax.report import curves, gallery, save_png


def test_saved_pngs_are_deterministic_and_hold_no_software_version(tmp_path):
    images = np.random.default_rng(2).random((2, 2, 4, 4, 3))
    for make in (lambda: gallery(images, np.ones((2, 2))), lambda: curves(metrics()), lambda: images[0, 0]):
        save_png(make(), tmp_path / "a.png")
        save_png(make(), tmp_path / "b.png")
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
        assert b"atplotlib" not in (tmp_path / "a.png").read_bytes()


@pytest.mark.parametrize("channels", [1, 3])
def test_saved_images_come_back_pixel_by_pixel(tmp_path, channels):
    image = np.random.default_rng(3).integers(0, 256, (5, 4, channels), np.uint8)
    for saved in (image, image / 255.0, (image / 255.0).astype(np.float32)):
        save_png(saved, tmp_path / "image.png")
        assert np.array_equal(np.asarray(Image.open(tmp_path / "image.png")).reshape(image.shape), image)


def test_a_failing_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "index.html"
    path.write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FaultError, match="No space left"):
        save_png(np.zeros((2, 2)), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_importing_the_report_needs_no_display():
    code = "import sys, fooljax.report; print({'matplotlib.pyplot', 'tkinter'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
