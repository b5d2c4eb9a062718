"""CIFAR-10's own binary files: every pixel at its place; the pickled version is never opened."""

import numpy as np
import pytest
from refusals import refused

from fooljax.data import cifar10, load
from fooljax.errors import InputError

FILES = (*cifar10.TRAIN_FILES, cifar10.TEST_FILE)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Six files of four images each, whose pixels say where they are."""
    monkeypatch.setattr(cifar10, "IMAGES", 4)
    for number, name in enumerate(FILES):
        (tmp_path / name).write_bytes(b"".join(record(number, image) for image in range(4)))
    return tmp_path


def record(number, image):
    channels = np.arange(3)[:, None, None] * 50
    plane = np.arange(32)[:, None] + 2 * np.arange(32) + 10 * image + number
    return bytes([(4 * number + image) % 10]) + (channels + plane).astype(np.uint8).tobytes()


def test_pixels_and_classes_are_where_they_belong(folder):
    data = load(f"cifar10:{folder}")
    assert data.train_images.shape == (20, 32, 32, 3)
    assert data.train_labels.tolist() == [index % 10 for index in range(20)]
    assert data.test_labels.tolist() == [0, 1, 2, 3]
    number, image, row, column, channel = 2, 3, 31, 7, 1
    expected = 50 * channel + row + 2 * column + 10 * image + number
    assert data.train_images[4 * number + image, row, column, channel] == expected
    assert data.test_images[1, 0, 0, 2] == 100 + 10 + 5
    assert (data.name, data.class_names[0], data.class_names[9]) == ("cifar10", "airplane", "truck")


def test_the_pickled_version_is_refused(tmp_path):
    inner = tmp_path / "outer" / "cifar-10-batches-py"
    inner.mkdir(parents=True)
    for folder in (tmp_path, inner):
        (folder / "data_batch_1").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    for path in (tmp_path, tmp_path / "outer"):
        with pytest.raises(InputError, match=r"binary version .*, found the one for Python .* pickles"):
            load(f"cifar10:{path}")


def test_the_folder_above_will_do(folder):
    inner = folder / "cifar-10-batches-bin"
    inner.mkdir()
    for name in FILES:
        (folder / name).rename(inner / name)
    assert load(f"cifar10:{folder}").digest == load(f"cifar10:{inner}").digest


def test_folders_without_the_files(folder):
    (folder / "data_batch_3.bin").unlink()
    with pytest.raises(InputError, match=r"^data: expected data_batch_3\.bin of CIFAR-10's binary"):
        load(f"cifar10:{folder}")
    with pytest.raises(InputError, match=r"^data: expected cifar10:DIR with an existing folder"):
        load(f"cifar10:{folder}/nowhere")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda content: content[:-1], "expected 12,292 bytes, 4 images, got 12,291"),
        (lambda content: content + b"\0", "expected at most 12,292 bytes"),
        (lambda content: b"", "got 0"),
        (lambda content: b"\x0a" + content[1:], "expected classes from 0 to 9, got 10"),
    ],
)
def test_damaged_files(folder, damage, told):
    path = folder / "data_batch_2.bin"
    path.write_bytes(damage(path.read_bytes()))
    line = refused(path, told, lambda path: load(f"cifar10:{path.parent}"))
    assert line.startswith(str(path))
