"""Folders of photographs: their names say the classes."""

import pytest

from fooljax.data.image_folders import find_images
from fooljax.errors import InputError


@pytest.mark.parametrize(
    ("names", "told"),
    [(("1", "2", "3"), "numbered 1 to 3"), (("0", "1"), None), (("2", "5"), None), (("1",), None)],
)
def test_folders_numbered_from_1_are_told(names, told, tmp_path, caplog):
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").touch()
    assert len(find_images(tmp_path, [f"n{index:08d}" for index in range(9)])) == len(names)
    assert [told in record.getMessage() for record in caplog.records] == ([True] if told else [])


def test_images_without_folders_say_their_class_themselves(tmp_path):
    names = [f"n{index:08d}" for index in range(9)]
    for name in ("n00000007_tench.JPEG", "n00000002_a_b.png", "n00000009_none.png", "n00000003.txt", "x.png"):
        (tmp_path / name).touch()
    found = find_images(tmp_path, names)
    assert [(path.name, index) for path, index in found] == [
        ("n00000002_a_b.png", 2),
        ("n00000007_tench.JPEG", 7),
    ]
    (tmp_path / "0").mkdir()  # with folders, these decide
    with pytest.raises(InputError, match=r"expected images in folders of classes, found none"):
        find_images(tmp_path, names)


def test_images_of_types_that_are_not_read_are_counted_in_a_notice(tmp_path, caplog):
    folder = tmp_path / "0"
    folder.mkdir()
    for name in ("a.png", "b.TIF", "c.gif", "d.ppm", "e.jfif", "notes.txt", ".f.gif"):
        (folder / name).touch()
    assert find_images(tmp_path, ["n00000000"]) == [(folder / "a.png", 0)]
    (record,) = caplog.records
    assert record.getMessage() == (
        "--imagefolder: images passed over, since only .jpg, .jpeg, .png, .bmp, .webp are read: 4 "
        f"({folder / 'b.TIF'}, {folder / 'c.gif'}, {folder / 'd.ppm'} and 1 more)"
    )


def test_what_is_no_folder_is_told(tmp_path):
    (tmp_path / "file").touch()
    for name, found in (("file", "a file"), ("nowhere", "none")):
        with pytest.raises(
            InputError, match=rf"^--imagefolder: expected a folder, found {found} at .*{name}"
        ):
            find_images(tmp_path / name, ["n00000000"])


def test_all_folders_numbered_from_1_are_refused(tmp_path):
    for name in range(1, 10):
        (tmp_path / str(name)).mkdir()
    with pytest.raises(InputError, match="expected folders 0 to 8, found 1 to 9; rename them, each one less"):
        find_images(tmp_path, [f"n{index:08d}" for index in range(9)])
    (tmp_path / ("9" * 200)).mkdir()
    with pytest.raises(InputError, match="expected folders named as"):
        find_images(tmp_path, [f"n{index:08d}" for index in range(9)])
