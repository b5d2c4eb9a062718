"""What a loop keeps of each turn comes back as it went in, to the bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.engine import packing
from fooljax.engine.packing import pack

TREE = {
    "flags": np.asarray([[True, False, True]]),
    "numbers": np.asarray([-(2**31), -1, 0, 2**31 - 1], np.int32),
    "words": np.asarray([0, 2**32 - 1], np.uint32),
    "bits": np.asarray([0x80000000, 0x7FC00001, 0xFF800000, 0x00000001], np.uint32).view(np.float32),
    "one": np.float32(-0.0),
    "levels": np.asarray([0, 255], np.uint8),
    "halves": np.asarray([1.5], np.float16),
    "none": (np.zeros((0, 3), np.float32), {}),
    "nothing": None,
}


def assert_same(found, expected):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.parametrize("most", [packing.MOST, 2, -1], ids=["usual", "small ones alone", "none packed"])
def test_a_packed_tree_is_the_same_again(monkeypatch, most):
    monkeypatch.setattr(packing, "MOST", most)
    packed = jax.jit(lambda tree: pack(tree))(TREE)
    assert_same(packed.unpacked(), TREE)
    assert_same(jax.device_get(packed).unpacked(), TREE)


def test_a_loop_keeps_one_array_for_many_small_ones():
    def turn(carry, _):
        return carry + 1, pack({"a": carry, "b": carry.astype(jnp.float32) / 4.0, "c": carry % 2 == 0})

    _, packed = jax.jit(lambda: jax.lax.scan(turn, jnp.arange(4), length=3))()
    assert [leaf.shape for leaf in jax.tree.leaves(packed)] == [(3, 12)]
    rows = np.arange(3)[:, None] + np.arange(4, dtype=np.int32)
    expected = {
        "a": rows.astype(np.int32),
        "b": rows.astype(np.float32) / np.float32(4.0),
        "c": rows % 2 == 0,
    }
    assert_same(jax.device_get(packed).unpacked(), expected)
