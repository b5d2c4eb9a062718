"""Datasets of arrays: they are copied, never change, and what is wrong with an array is one line."""

import numpy as np
import pytest
from data_samples import sample

from fooljax.data import from_arrays
from fooljax.errors import InputError


def test_arrays_are_copied_and_read_only():
    arrays = sample()
    data = from_arrays(**arrays)
    before, digest = data.train_images.copy(), data.digest
    arrays["train_images"][:] = 0
    assert np.array_equal(data.train_images, before)
    assert data.class_names == ("0", "1", "2")
    assert data.source
    for field in ("train_images", "train_labels", "test_images", "test_labels"):
        with pytest.raises(ValueError, match=r"read-only"):
            getattr(data, field)[0] = 1
    assert from_arrays(**arrays).digest != digest


def test_digest_sees_pixels_labels_order_and_shape_but_not_names():
    arrays = sample(shape=(4, 4, 1))
    digest = from_arrays(**arrays).digest
    assert from_arrays(**arrays, name="x", source="y", class_names=list("abc")).digest == digest
    shifted = arrays | {"train_labels": (arrays["train_labels"] + 1) % 3}
    pixel = arrays["train_images"].copy()
    pixel[0, 0, 0, 0] ^= 1
    reshaped = {key: value.reshape(-1, 2, 8, 1) if "im" in key else value for key, value in arrays.items()}
    reordered = {key: value[::-1] for key, value in arrays.items()}
    others = [
        from_arrays(**o).digest for o in (shifted, arrays | {"train_images": pixel}, reshaped, reordered)
    ]
    assert len({digest, *others}) == 5


def test_channel_axis_is_optional():
    arrays = sample()
    flat = {key: value[..., 0] if "images" in key else value for key, value in arrays.items()}
    assert from_arrays(**flat).digest == from_arrays(**arrays).digest


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_become_the_nearest_8_bit_value(dtype):
    arrays = sample(shape=(16, 16, 3))
    arrays["train_images"][0] = np.arange(768).reshape(16, 16, 3) % 256  # every value there is
    scaled = {k: (v / 255).astype(dtype) if "images" in k else v for k, v in arrays.items()}
    assert from_arrays(**scaled).digest == from_arrays(**arrays).digest


def image_with(value):
    images = np.full((12, 5, 4, 1), 0.5)
    images[3, 2, 1] = value
    return images


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"train_images": np.zeros((12, 20), np.uint8)}, r"^train_images: .*shape .*got \(12, 20\)"),
        ({"train_images": np.zeros((12, 5, 4, 2), np.uint8)}, r"^train_images: .*K 1 or 3"),
        ({"train_images": np.zeros((12, 1, 5, 4, 1), np.uint8)}, "^train_images: .*shape"),
        ({"train_images": [[1], [2, 3]]}, "^train_images: expected an array"),
        ({"train_images": np.zeros((0, 5, 4), np.uint8)}, "^train_images: .*at least one"),
        ({"test_images": np.zeros((6, 0, 4, 1), np.uint8)}, "^test_images: .*at least one"),
        ({"train_images": np.zeros((12, 5, 4), np.int64)}, "^train_images: .*uint8.*got dtype int64"),
        ({"train_images": np.zeros((12, 5, 4), bool)}, "^train_images: .*got dtype bool"),
        ({"train_images": np.zeros((12, 5, 4), complex)}, "^train_images: .*got dtype complex128"),
        ({"train_images": np.full((12, 5, 4), None)}, "^train_images: .*got dtype object"),
        ({"train_images": image_with(np.nan)}, "^train_images: .*got NaN"),
        ({"train_images": image_with(np.inf)}, r"^train_images: .*got \[0.5, inf\]"),
        ({"train_images": image_with(1.01)}, r"^train_images: .*got \[0.5, 1.01\]"),
        ({"train_images": image_with(-0.1)}, r"^train_images: .*got \[-0.1, 0.5\]"),
        ({"test_images": np.zeros((6, 4, 5), np.uint8)}, r"^test_images: .*\(5, 4, 1\).*got \(4, 5, 1\)"),
        ({"train_labels": np.zeros(11, int)}, r"^train_labels: expected shape \(12,\).*got \(11,\)"),
        ({"test_labels": np.zeros((6, 1), int)}, r"^test_labels: .*got \(6, 1\)"),
        ({"train_labels": np.zeros(12)}, "^train_labels: expected integers, got dtype float64"),
        ({"train_labels": np.zeros(12, bool)}, "^train_labels: expected integers, got dtype bool"),
        ({"test_labels": np.arange(-1, 5)}, r"^test_labels: .*got \[-1, 4\]"),
        ({"test_labels": np.full(6, 2**40)}, "^test_labels: .*65536"),
        ({"train_labels": np.full(12, 2**64 - 1, np.uint64)}, "^train_labels: .*65536"),
        ({"class_names": ["a", "b"]}, r"^train_labels: .*\[0, 2\), one per class name, got 2"),
        ({"class_names": ["a", "b", "c"], "test_labels": np.arange(6)}, "^test_labels: .*got 5"),
        ({"class_names": ["a", "b", "a"]}, "^class_names: .*'a' twice"),
        ({"class_names": ["a", "", "c"]}, "^class_names: .*non-empty"),
        ({"class_names": "abc"}, "^class_names: expected a sequence"),
        ({"class_names": [1, 2, 3]}, "^class_names: expected a sequence"),
        ({"class_names": ["one"]}, "^class_names: .*got 1"),
        ({"train_labels": np.zeros(12, int), "test_labels": np.zeros(6, int)}, "^class_names: .*got 1"),
        ({"name": ""}, "^name: "),
        ({"source": None}, "^source: "),
    ],
)
def test_bad_arrays_are_refused_by_name(changes, match):
    with pytest.raises(InputError, match=match) as caught:
        from_arrays(**sample() | changes)
    assert "\n" not in str(caught.value)
