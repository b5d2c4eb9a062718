"""Folders of IDX files: they are read as they were written, and damaged ones get one clear line."""

import gzip
import os
import struct
import tracemalloc

import numpy as np
import pytest
from data_samples import FASHION, FASHION_DIGEST, IDX_NAMES, idx, idx_sample, write_idx
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from fooljax.data import from_arrays, load
from fooljax.data.idx import _read_idx
from fooljax.errors import InputError

IMAGES, LABELS = IDX_NAMES[0], IDX_NAMES[1]
GOOD = idx(idx_sample()[0])
HEADER = struct.pack(">I", 0x803)


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
    assert "the lowest label is 1" in record.getMessage()
    caplog.clear()
    write_idx(tmp_path, arrays)
    load(f"idx:{tmp_path}")
    assert not caplog.records


def test_a_pipe_as_data_is_refused_at_once(tmp_path):
    write_idx(tmp_path, idx_sample())
    for name in (IDX_NAMES[0], "class_names.txt"):
        (tmp_path / name).unlink(missing_ok=True)
        os.mkfifo(tmp_path / name)
        with pytest.raises(InputError):
            load(f"idx:{tmp_path}")
        (tmp_path / name).unlink()
        write_idx(tmp_path, idx_sample())


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
            _read_idx(path, 3)
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
