"""Caffe's files of weights and mean images: what is read, and what damaged ones are told."""

import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from refusals import refused, written
from weight_files import BLOBS, blob, caffemodel, field, varint

from fooljax.errors import InputError
from fooljax.targets.weights import read_mean_image, read_weights

pytestmark = pytest.mark.usefixtures("no_hanging")


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_caffemodels(tmp_path, old, packed):
    path = tmp_path / "a.caffemodel"
    path.write_bytes(caffemodel(old=old, packed=packed))
    found = read_weights(path)
    assert set(found) == set(BLOBS)
    for name, array in BLOBS.items():
        np.testing.assert_array_equal(found[name], array)


def test_a_caffemodel_that_is_cut_off_or_changed(tmp_path):
    whole, path = caffemodel(), tmp_path / "a.caffemodel"
    random = np.random.default_rng(0)
    for length in range(8, len(whole) - 30, 11):
        path.write_bytes(whole[:length])
        with suppress(InputError):
            # A file may end between two layers; then what is there is whole.
            assert set(read_weights(path)) <= set(BLOBS)
    for _ in range(300):
        changed = bytearray(whole)
        changed[random.integers(len(whole))] = random.integers(256)
        path.write_bytes(bytes(changed))
        with suppress(InputError):
            read_weights(path)


def test_a_blob_that_claims_more_than_there_is(tmp_path):
    huge = field(7, field(1, varint(2**40))) + field(5, bytes(16))
    path = tmp_path / "a.caffemodel"
    path.write_bytes(field(100, field(1, b"conv1") + field(7, huge)))
    with pytest.raises(InputError, match="with 4 numbers"):
        read_weights(path)


def test_mean_images(tmp_path):
    image, path = np.random.default_rng(0).random((3, 6, 5), np.float32), tmp_path / "mean.binaryproto"
    path.write_bytes(blob(image, legacy=True))
    np.testing.assert_array_equal(read_mean_image(path), image.transpose(1, 2, 0))
    path.write_bytes(blob(image[:2], legacy=True))
    with pytest.raises(InputError, match="3 channels"):
        read_mean_image(path)


def layer(content):
    return field(100, field(1, b"conv1") + field(7, content))


@pytest.mark.parametrize(
    "dims",
    [
        (0, 2**63),
        (2**62, 2**62, 0),
        (2**64 - 1, 0),
        (2**32, 2**32),
        (1,) * 40,
        (0,) * 40,
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_dimensions_that_no_array_has(tmp_path, dims, packed):
    inner = field(1, b"".join(map(varint, dims))) if packed else b"".join(field(1, size) for size in dims)
    content = field(7, inner)
    refused(written(tmp_path / "a.caffemodel", layer(content)), "expected a .caffemodel, found a blob of")
    refused(written(tmp_path / "a.binaryproto", content), "expected a mean image", read_mean_image)


def test_fields_that_take_more_memory_than_bytes(tmp_path):
    for many in (field(9, 0), field(9, b""), field(5, b""), field(7, b"")):
        content = field(100, field(1, b"conv1") + many * 2**17)
        refused(written(tmp_path / "a.caffemodel", content), "expected a .caffemodel")
    refused(written(tmp_path / "a.caffemodel", field(100, field(9, 0) * 2**19)), "more than 300,000 fields")


def test_numbers_one_by_one_take_no_more_memory_than_bytes(tmp_path):
    array = np.arange(200_000, dtype=np.float32)
    path = written(tmp_path / "a.caffemodel", layer(blob(array, packed=False)))
    tracemalloc.start()
    found = read_weights(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(found["conv1.weight"], array)
    assert peak <= 4 * path.stat().st_size


def test_layers_of_one_name(tmp_path):
    one = layer(blob(np.ones(3, np.float32)))
    refused(written(tmp_path / "a.caffemodel", one + one), "two layers of the name conv1")


def test_a_mean_image_as_numpy_writes_it(tmp_path):
    """As Caffe's ilsvrc_2012_mean.npy: float64, blue first, channels first."""
    image = np.random.default_rng(0).uniform(0, 255, (3, 256, 256))
    np.save(tmp_path / "ilsvrc_2012_mean.npy", image)
    found = read_mean_image(tmp_path / "ilsvrc_2012_mean.npy")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, image.transpose(1, 2, 0).astype(np.float32))


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (np.zeros((256, 256, 3)), "3 channels"),
        (np.zeros(3), "3 channels"),
        (np.zeros((3, 0, 8)), "3 channels"),
        (np.zeros((3, 2000, 10)), "at most 768 pixels a side"),
        (np.full((3, 8, 8), np.nan), "levels from 0 to 255"),
        (np.full((3, 8, 8), -104.0), "levels from 0 to 255"),
        (np.full((3, 8, 8), np.inf), "levels from 0 to 255"),
        (np.full((3, 8, 8), 1j), "complex numbers"),
        (np.full((3, 8, 8), "x"), "text"),
    ],
)
def test_mean_images_that_are_none(tmp_path, image, told):
    np.save(tmp_path / "mean.npy", image)
    refused(tmp_path / "mean.npy", told, read_mean_image)
