"""Labelled images in NumPy's files: whole data sets, single files that are split, and what is refused."""

import zipfile

import numpy as np
import pytest
from data_samples import sample
from refusals import refused

from fooljax.data import from_arrays, load
from fooljax.errors import InputError

ARRAYS = sample(15, 6, (5, 4, 3))
NAMES = np.array(["cat", "dog", "b\u00e4r"])


def halves(folder, names=(NAMES, NAMES), **changes):
    arrays = {**ARRAYS, **changes}
    for half, of_half in zip(("train", "test"), names, strict=True):
        named = {} if of_half is None else {"class_names": of_half}
        np.savez(
            folder / f"{half}.npz", images=arrays[f"{half}_images"], labels=arrays[f"{half}_labels"], **named
        )


@pytest.mark.parametrize("names", [(NAMES, NAMES), (NAMES, None), (None, NAMES), (None, None)])
def test_a_folder_of_two_files(tmp_path, names):
    halves(tmp_path, names)
    data = load(f"npz:{tmp_path}")
    assert data.digest == from_arrays(**ARRAYS).digest
    assert data.class_names == (tuple(NAMES) if any(one is not None for one in names) else ("0", "1", "2"))
    assert data.source == f"Arrays in {tmp_path}."


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_single_file_is_split_by_class(tmp_path, save):
    images, labels = np.arange(11 * 6, dtype=np.uint8).reshape(11, 2, 3), np.array([1] * 6 + [0] * 5)
    save(
        tmp_path / "a.npz",
        images=images,
        labels=labels.astype(">i8"),
        class_names=np.array(["x", "y"], ">U5"),
    )
    data = load(f"npz:{tmp_path / 'a.npz'}")
    np.testing.assert_array_equal(data.test_images, images[[4, 10], :, :, None])  # the fifth of either class
    np.testing.assert_array_equal(data.train_labels, [1] * 5 + [0] * 4)
    assert data.class_names == ("x", "y")
    assert data.source.endswith("a.npz; of each class, every 5th image tests.")


def test_files_of_keras_are_read_as_they_are_split(tmp_path):
    x_train, y_train, x_test, y_test = ARRAYS.values()
    np.savez(tmp_path / "mnist.npz", x_test=x_test, x_train=x_train, y_train=y_train, y_test=y_test)
    assert load(f"npz:{tmp_path / 'mnist.npz'}").digest == from_arrays(**ARRAYS).digest


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"images": np.zeros((9, 2, 2), np.uint8)}, "expected the arrays images and labels, found no labels"),
        ({"x_train": np.zeros(3)}, "expected the arrays x_train and .* found no y_train"),
        ({}, "found no images among none"),
        ({"images": np.zeros((9, 2, 2), np.uint8), "labels": np.zeros(8, int)}, "labels: expected 9 whole"),
        ({"images": np.zeros((9, 2, 2), np.uint8), "labels": np.zeros(9)}, "labels: expected 9 .* float64"),
        ({"images": np.zeros((9, 2, 2), np.uint8), "labels": np.full(9, "a")}, "labels: expected 9 .* <U1"),
        ({"images": np.zeros((4, 2, 2), np.uint8), "labels": np.arange(4)}, "a class with 5 images or more"),
        ({"images": np.zeros((9, 2), np.uint8), "labels": np.zeros(9, int)}, "train_images: expected shape"),
        ({"images": np.zeros((9, 2, 2), np.int16), "labels": np.zeros(9, int)}, "expected uint8 or floats"),
        ({"images": np.zeros((9, 2, 2), np.uint8), "labels": np.full(9, -1)}, "expected labels in"),
        ({"images": np.zeros((9, 2, 2), object), "labels": np.zeros(9, int)}, "Python objects"),
    ],
)
def test_arrays_that_are_no_data_set(tmp_path, arrays, told):
    np.savez(tmp_path / "a.npz", **arrays)
    line = refused(tmp_path / "a.npz", told, lambda path: load(f"npz:{path}"))
    assert line.startswith(str(tmp_path / "a.npz"))


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (np.array([["a"]]), "expected a row of text as class_names"),
        (np.arange(3), "expected a row of text as class_names"),
        (np.array(["a", "a", "b"]), "different names"),
        (np.array(["a", "b"]), "expected labels in"),
        (np.array([0xD800, 0x110000], np.uint32).view("<U1"), "found text that has no such characters"),
    ],
)
def test_class_names_that_are_none(tmp_path, names, told):
    halves(tmp_path, (names, None))
    with pytest.raises(InputError, match=told) as caught:
        load(f"npz:{tmp_path}")
    assert str(caught.value).startswith(str(tmp_path))
    assert str(caught.value).isprintable()


def test_halves_that_do_not_fit(tmp_path):
    halves(tmp_path, (NAMES, NAMES[::-1]))
    with pytest.raises(InputError, match="expected one list of class_names in both files, got two"):
        load(f"npz:{tmp_path}")
    halves(tmp_path, test_images=np.zeros((6, 5, 4, 1), np.uint8))
    with pytest.raises(InputError, match=r"test_images: expected images of shape \(5, 4, 3\)"):
        load(f"npz:{tmp_path}")
    (tmp_path / "test.npz").unlink()
    with pytest.raises(InputError, match=r"cannot read .*test\.npz: No such file"):
        load(f"npz:{tmp_path}")
    with pytest.raises(InputError, match=r"^data: expected npz:PATH with an existing file or folder, got "):
        load(f"npz:{tmp_path}/nowhere")


def test_a_small_file_does_not_unpack_to_much(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", bytes(2**26 + 1))
    refused(tmp_path / "a.npz", "where .* are the most", lambda path: load(f"npz:{path}"))
