"""Photographs of classes as arrays: the first of each class, damaged ones passed over and counted."""

import numpy as np
import pytest
from PIL import Image

from fooljax.data.imagenet import synsets
from fooljax.data.labelled_photographs import first_photographs
from fooljax.errors import InputError


@pytest.fixture
def folder(tmp_path):
    """Two photographs for each of three classes; the level of red says which class."""
    for index in (3, 7, 500):
        inner = tmp_path / synsets()[index]
        inner.mkdir()
        for number in range(2):
            Image.new("RGB", (12, 9), (index % 256, number, 0)).save(inner / f"{number}.png")
    return tmp_path


def test_the_first_of_each_class_is_taken(folder):
    found = first_photographs(folder, 8)
    assert found.images.shape == (3, 8, 8, 3)
    assert found.images.dtype == np.uint8
    assert found.labels.tolist() == [3, 7, 500]
    assert found.images[:, 0, 0].tolist() == [[3, 0, 0], [7, 0, 0], [244, 0, 0]]
    assert found.passed_over == 0


def test_more_of_a_class_and_some_classes_only(folder):
    assert first_photographs(folder, 8, per_class=9).labels.tolist() == [3, 3, 7, 7, 500, 500]
    assert first_photographs(folder, 8, classes={7, 8}).labels.tolist() == [7]
    with pytest.raises(InputError, match=r"^--imagefolder: expected images of the classes asked for"):
        first_photographs(folder, 8, classes={8})


def test_damaged_photographs_are_passed_over_and_counted(folder, caplog):
    paths = [next((folder / synsets()[index]).glob("0.png")) for index in (3, 7, 500)]
    paths[1].write_bytes(b"no image")
    found = first_photographs(folder, 8)
    assert (found.labels.tolist(), found.passed_over) == ([3, 500], 1)
    assert [record.getMessage() for record in caplog.records if str(paths[1]) in record.getMessage()]
    for path in paths:
        path.write_bytes(b"no image")
    with pytest.raises(InputError, match=r"^--imagefolder: no image could be read; the last: .*0\.png"):
        first_photographs(folder, 8)
