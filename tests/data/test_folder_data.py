"""Folders of images as labelled data: which images, in which order, at which size, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from fooljax.data import folder_data, load
from fooljax.errors import InputError


def painted(path, colour, size=(6, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def test_each_class_has_a_folder_and_its_fifth_image_tests(tmp_path, caplog):
    for place, name in enumerate(("ox", "Bee", "ant")):
        for number in range(6):
            painted(tmp_path / name / f"{number}.png", (10 * place, number, 0))
    (tmp_path / "ox" / "notes.txt").write_text("no image")
    (tmp_path / "ox" / "7.gif").touch()
    (tmp_path / "loose.png").write_bytes(b"")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "ox" / "._0.png").write_bytes(b"of another system")
    data = load(f"folder:8:{tmp_path}")
    assert data.class_names == ("Bee", "ant", "ox")  # as Python sorts, which torchvision does, too
    assert data.image_shape == (8, 8, 3)
    assert data.test_images[:, 0, 0].tolist() == [[10, 4, 0], [20, 4, 0], [0, 4, 0]]
    assert data.train_images[:5, 0, 0, 1].tolist() == [0, 1, 2, 3, 5]
    assert data.test_labels.tolist() == [0, 1, 2]
    assert "scaled to 8 x 8; of each class every 5th image tests." in data.source
    assert [record.getMessage().endswith("7.gif)") for record in caplog.records] == [True]


@pytest.mark.parametrize("tests", ["test", "val"])
def test_folders_of_train_and_test_say_which_images_test(tmp_path, tests):
    for half, colour in (("train", 1), (tests, 2)):
        for name in ("a", "b"):
            painted(tmp_path / half / name / "0.png", (colour, 0, 0))
    data = load(f"folder:{tmp_path}")
    assert data.image_shape == (32, 32, 3)
    assert data.train_images[..., 0].max() == 1
    assert data.test_images[..., 0].min() == 2
    painted(tmp_path / tests / "c" / "0.png", (0, 0, 0))
    with pytest.raises(InputError, match="c: expected a class of train, found another"):
        load(f"folder:{tmp_path}")


def test_the_middle_is_taken_and_grey_images_have_one_channel(tmp_path):
    pixels = np.zeros((4, 12, 3), np.uint8)
    pixels[:, 4:8] = 255
    for number in range(5):
        for name in ("a", "b"):
            painted(tmp_path / name / f"{number}.png", (0, 0, 0))
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    data = load(f"folder:4:{tmp_path}")
    assert data.image_shape == (4, 4, 1)
    assert data.train_images.min() == 255


def test_what_is_no_folder_of_images(tmp_path, monkeypatch):
    def refused(told, spec=f"folder:4:{tmp_path}"):
        with pytest.raises(InputError, match=told) as caught:
            load(spec)
        assert "\n" not in str(caught.value)

    refused("expected a folder for each class, found none")
    refused("^data: expected images of 1 to 1,024 pixels a side, got 0", f"folder:0:{tmp_path}")
    refused("^data: expected folder:DIR with an existing folder", f"folder:{tmp_path}/nowhere")
    for number in range(5):
        painted(tmp_path / "a" / f"{number}.png", (0, 0, 0))
    (tmp_path / "b").mkdir()
    refused(r"b: expected images \(.jpg, .* of a class, found none")
    (tmp_path / "b" / "0.jpg").write_bytes(b"\xff\xd8 no more than this")
    refused("0.jpg: expected an image, found something else")
    monkeypatch.setattr(folder_data, "MAX_BYTES", 99)
    refused("^data: expected at most 99 bytes of images, got 6 of 4 x 4")
