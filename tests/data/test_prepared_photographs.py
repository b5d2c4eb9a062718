"""Photographs out of a copy of ImageNet that TensorFlow Datasets prepared: no more is read than is wanted."""

import shutil

import numpy as np
import pytest
from data_samples import make_copy

from fooljax.data import prepared_photographs
from fooljax.data.imagenet import synsets
from fooljax.data.labelled_photographs import first_photographs
from fooljax.errors import InputError

CLASSES = (7, 3, 500)
"""Of ImageNet's, in the order in which the copy has them."""
COUNT = 30


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A copy of photographs of many sizes; the level of red says which class, and green is for validation."""
    import tensorflow_datasets as tfds

    labels = np.arange(COUNT) % 3
    photographs = [np.zeros((9 + index, 40 - index, 3), np.uint8) for index in range(COUNT)]
    for photograph, label in zip(photographs, labels, strict=True):
        photograph[:] = (CLASSES[label] % 256, 200, 0)
    features = {
        "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
        "label": tfds.features.ClassLabel(names=[synsets()[index] for index in CLASSES]),
        "id": tfds.features.Text(),
    }
    arrays = {
        "train_images": np.zeros((3, 9, 9, 3), np.uint8),
        "train_labels": np.arange(3),
        "test_images": photographs,
        "test_labels": labels,
    }
    of_imagenet = {"name": "imagenet2012", "version": "5.1.0", "splits": ("train", "validation")}
    return make_copy(tmp_path_factory.mktemp("tfds"), arrays, features=features, **of_imagenet)


@pytest.fixture
def copy(made, tmp_path):
    """One that may be damaged."""
    shutil.copytree(made.parent, tmp_path / "imagenet2012")
    return tmp_path / "imagenet2012" / made.name


def rewrite(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_photographs_of_all_sizes_have_the_class_of_their_synset(made):
    found = first_photographs(made, 8, per_class=COUNT)
    assert found.images.shape == (COUNT, 8, 8, 3)
    assert sorted(found.labels.tolist()) == sorted(10 * CLASSES)
    assert found.images[:, 0, 0].tolist() == [[label % 256, 200, 0] for label in found.labels]


def test_no_more_is_read_than_is_wanted(made, monkeypatch):
    read, real = [], prepared_photographs.example

    def noted(record):
        read.append(real(record)[1])
        return real(record)

    monkeypatch.setattr(prepared_photographs, "example", noted)
    found = first_photographs(made, 8, per_class=2, classes={3, 7})
    assert sorted(found.labels.tolist()) == [3, 3, 7, 7]
    assert min(read.count(0), read.count(1)) == 2  # the class that was found last
    assert read[-1] in (0, 1)
    assert len(read) < COUNT


def test_the_newest_of_several_versions_is_taken(copy):
    older = copy.with_name("5.0.9")
    shutil.copytree(copy, older)
    (older / "features.json").unlink()
    rewrite(older / "dataset_info.json", '"validation"', '"nothing"')
    assert prepared_photographs.copy_in(copy.parent) == copy
    assert len(first_photographs(copy.parent, 8).labels) == 3
    assert prepared_photographs.copy_in(copy.parent.parent) is None


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (
            lambda copy: rewrite(copy / "dataset_info.json", '"array_record"', '"tfrecord"'),
            r"^--imagefolder: expected a copy in array_record format in .*, got tfrecord; tfds build --file_",
        ),
        (
            lambda copy: rewrite(copy / "dataset_info.json", '"validation"', '"test"'),
            r"^--imagefolder: expected the split validation in .*5\.1\.0, got none$",
        ),
        (
            lambda copy: rewrite(copy / "dataset_info.json", '"name": "imagenet2012"', '"name": "../x"'),
            r"dataset_info.json: expected the name of a data set, got \.\./x$",
        ),
        (lambda copy: (copy / "dataset_info.json").write_text("[]"), "dataset_info.json: expected a JSON"),
        (
            lambda copy: rewrite(copy / "label.labels.txt", synsets()[3], "tiger"),
            r"label.labels.txt: expected the synsets of classes, got tiger$",
        ),
        (lambda copy: (copy / "label.labels.txt").unlink(), "expected the synsets of classes, got none$"),
        (
            lambda copy: (copy / "label.labels.txt").write_text(f"{synsets()[7]}\n"),
            r"record \d+: expected a label from 0 to 0, got [12]$",
        ),
        (lambda copy: next(copy.glob("*-validation*")).write_bytes(b"x" * 70000), "a sound array_record"),
        (lambda copy: rewrite(copy / "dataset_info.json", f'"{COUNT}"', '"31"'), "expected 31 records, got"),
    ],
)
def test_copies_that_cannot_be_used(copy, damage, match):
    damage(copy)
    with pytest.raises(InputError, match=match) as told:
        first_photographs(copy, 8, per_class=COUNT)
    assert "\n" not in str(told.value)
