"""Files of safetensors: they agree with their own library, and headers are not believed."""

import struct

import numpy as np
import pytest
from refusals import refused, written
from weight_files import safetensors

from fooljax.targets.weights import read_weights

pytestmark = pytest.mark.usefixtures("no_hanging")


ONE = {"a": np.arange(6, dtype=np.float32).reshape(2, 3)}


def test_safetensors_agree_with_their_own_library(tmp_path):
    save_file = pytest.importorskip("safetensors.numpy").save_file
    kinds = ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?")
    arrays = {kind: np.arange(6).astype(kind).reshape(1, 2, 3) for kind in kinds} | {
        "none": np.zeros((0, 2), "f4")
    }
    save_file(arrays, tmp_path / "a.safetensors", {"note": "x"})
    found = read_weights(tmp_path / "a.safetensors")
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize(
    "kind", ["F8_E4M3", "F8_E5M2", "F4", "F6_E2M3", "C64", "x\x1b[31m" + "y" * 5000, None]
)
def test_kinds_of_number_that_are_not_known(tmp_path, kind):
    content = safetensors(ONE, kinds={"a": kind})
    refused(written(tmp_path / "a.safetensors", content), "found (numbers of kind|no tensor under a)")


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"a": 1},
        {"a": {"dtype": "F32", "shape": [2, 3]}},
        {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 12]}},
        {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]}},
        {"a": {"dtype": "F32", "shape": [-2, -3], "data_offsets": [0, 24]}},
        {"a": {"dtype": "F32", "shape": [2.0, 3], "data_offsets": [0, 24]}},
        {"a": {"dtype": "F32", "shape": [True, 6], "data_offsets": [0, 24]}},
        {"a": {"dtype": "F32", "shape": [0, 2**63], "data_offsets": [0, 0]}},
        {"a": {"dtype": "F32", "shape": [1] * 1000, "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [10**400], "data_offsets": [0, 24]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}},
        {name: {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]} for name in "ab"},
    ],
)
def test_headers_that_are_not_true(tmp_path, header):
    content = safetensors(ONE, header=header)
    refused(written(tmp_path / "a.safetensors", content), "expected (a .safetensors file|weights as)")


def test_headers_that_take_more_memory_than_bytes(tmp_path):
    for text in (b'{"a":[' + b"{}," * 2**19, b'{"a":' + b"[" * 2**17, b"{" + b'"a":' * 9):
        head = struct.pack("<Q", len(text))
        refused(written(tmp_path / "a.safetensors", head + text), "expected a .safetensors file, found")
