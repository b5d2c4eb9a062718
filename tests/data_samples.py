"""Small labelled images in each of the forms that are read."""

import gzip
import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image

EMBEDDED_DIGEST = "f059d113d2507fc5faee578579766dc9b423a900c9e4840fc6a1f63e8caf193c"
FASHION_DIGEST = "44fe9ff4ef7e6b31bef7d9c8e1347cab17eb9f5f4d994a6d1aa8be512b359036"
FASHION = Path("/usr/share/datasets/fashion-mnist")  # where Debian's dataset-fashion-mnist puts it
IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def sample(n=12, m=6, shape=(5, 4, 1), classes=3):
    """Keyword arguments of a small valid `from_arrays`."""
    rng = np.random.default_rng(0)
    return {
        "train_images": rng.integers(0, 256, (n, *shape), np.uint8),
        "train_labels": np.arange(n) % classes,
        "test_images": rng.integers(0, 256, (m, *shape), np.uint8),
        "test_labels": np.arange(m) % classes,
    }


def idx(array):
    array = np.asarray(array, np.uint8)
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(folder, arrays, *, zipped=False, dotted=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(IDX_NAMES, arrays, strict=True):
        name = name.replace("-idx", ".idx") if dotted else name
        content = idx(array)
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)


def write_bars(folder):
    """A data set of 16 x 16 images that LeNet learns in a second: the class is the place of a bright bar."""
    rng = np.random.default_rng(0)
    arrays = []
    for count in (320, 160):
        labels = np.arange(count) % 4
        images = rng.integers(0, 90, (count, 16, 16), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, 3 * label : 3 * label + 3] += 150
        arrays += [images, labels]
    write_idx(folder, arrays)


def idx_sample(n=6, m=4, height=3, width=2):
    rng = np.random.default_rng(1)
    return [
        rng.integers(0, 256, (n, height, width), np.uint8),
        np.arange(n) % 3,
        rng.integers(0, 256, (m, height, width), np.uint8),
        np.arange(m) % 3,
    ]


def make_builder(root, arrays, *, name="mnist", version="3.0.1", splits=("train", "test"), features=None):
    """A TFDS builder that writes `arrays` as TFDS itself writes any dataset, without TensorFlow."""
    import tensorflow_datasets as tfds

    shape = arrays["train_images"].shape[1:]
    features = features or {
        "image": tfds.features.Image(shape=shape),
        "label": tfds.features.ClassLabel(names=["zero", "one", "two"]),
        "id": tfds.features.Text(),  # as CIFAR-10 has it: more than is asked for does no harm
    }

    class Made(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version(version)
        url_infos = {}  # nothing to download  # noqa: RUF012

        def _info(self):
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager):
            sources = ("train", "test")
            return {split: self._generate_examples(of) for split, of in zip(splits, sources, strict=False)}

        def _generate_examples(self, split):
            pairs = zip(arrays[f"{split}_images"], arrays[f"{split}_labels"], strict=True)
            for index, (image, label) in enumerate(pairs):
                png = io.BytesIO()
                Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(png, "png")
                png.seek(0)
                example = {"image": png, "label": int(label), "id": str(index)}
                yield index, {key: value for key, value in example.items() if key in features}

    Made.name = name
    return Made(data_dir=str(root), file_format="array_record")


def make_copy(root, arrays, **kwargs):
    builder = make_builder(root, arrays, **kwargs)
    builder.download_and_prepare()
    return Path(builder.data_dir)
