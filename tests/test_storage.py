"""Files are whole or absent, damage is found, nothing outside is executed."""

import json
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooljax.errors import FaultError, InputError
from fooljax.storage import Checkpoints, load_arrays, load_tree, read_json, save_tree, write_bytes, write_json

TREE = {
    "key": jax.random.key(3),
    "keys": jax.random.split(jax.random.key(0, impl="rbg"), 4),
    "half": jnp.arange(5, dtype=jnp.bfloat16),
    "bytes": np.arange(6, dtype=np.uint8).reshape(2, 3),
    "flags": (np.array([True, False]), np.float32(1.5)),
    "count": jnp.int32(7),
}


def template(tree):
    return jax.eval_shape(lambda: jax.tree.map(jnp.asarray, tree))


def test_round_trip_keeps_every_leaf_bit_for_bit(tmp_path):
    path = tmp_path / "tree.npz"
    save_tree(path, TREE, {"note": "x"})
    loaded, facts = load_tree(path, template(TREE))
    assert facts == {"note": "x"}
    assert jax.tree.structure(loaded) == jax.tree.structure(TREE)
    for before, after in zip(jax.tree.leaves(TREE), jax.tree.leaves(loaded), strict=True):
        assert before.dtype == after.dtype
        if jnp.issubdtype(before.dtype, jax.dtypes.prng_key):
            before, after = jax.random.key_data(before), jax.random.key_data(after)
        assert before.shape == after.shape
        assert np.asarray(before).tobytes() == np.asarray(after).tobytes()


def test_equal_content_gives_equal_bytes(tmp_path):
    save_tree(tmp_path / "a.npz", TREE)
    save_tree(tmp_path / "b.npz", TREE)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_flipped_byte_is_found_or_harmless(tmp_path_factory, data):
    """A damaged file is refused in one line, or (bytes that zip never reads) gives exactly what was saved."""
    path = tmp_path_factory.mktemp("flip") / "tree.npz"
    content = {"a": np.arange(40, dtype=np.float32), "b": np.int32(3)}
    save_tree(path, content, {"n": 1})
    raw = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(raw))
    try:
        loaded, facts = load_tree(path, content)
    except InputError as error:
        message = str(error)
    else:
        message = ""
        np.testing.assert_array_equal(loaded["a"], content["a"])
        assert loaded["b"] == 3
        assert facts == {"n": 1}
    assert "\n" not in message
    assert not message or str(path) in message


@settings(deadline=None, max_examples=30)
@given(kept=st.floats(0, 0.999))
def test_any_truncation_is_found(tmp_path_factory, kept):
    path = tmp_path_factory.mktemp("cut") / "tree.npz"
    save_tree(path, {"a": np.arange(100)})
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * kept)])
    with pytest.raises(InputError, match="damaged"):
        load_arrays(path)


def test_a_pickle_inside_is_not_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").write_text, ("x",))

    path = tmp_path / "bomb.npz"
    np.savez(path, __header__=np.array([Bomb()], dtype=object))
    assert b"write_text" in path.read_bytes()
    with pytest.raises(InputError, match="damaged, or not a fooljax file"):
        load_arrays(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"a": np.zeros(3, np.float32)}, r"expected a float32\[3\], found float32\[2\]"),
        ({"a": np.zeros(2, np.int32)}, r"expected a int32\[2\], found float32\[2\]"),
        ({"b": np.zeros(2, np.float32)}, r"expected b float32\[2\], found no such entry"),
        ({}, "unexpected entries a"),
        ({"a": jax.random.key(0)}, r"expected a key<fry>\[\], found float32\[2\]"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, other, message):
    save_tree(tmp_path / "t.npz", {"a": np.zeros(2, np.float32)})
    with pytest.raises(InputError, match=message):
        load_tree(tmp_path / "t.npz", other)


def test_another_schema_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("fooljax.storage.SCHEMA", 99)
    save_tree(tmp_path / "t.npz", {})
    monkeypatch.undo()
    with pytest.raises(InputError, match="expected file schema 1, found 99"):
        load_arrays(tmp_path / "t.npz")


def test_a_failing_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "f"
    write_bytes(path, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FaultError, match=r"^cannot write .*f: No space left on device$"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_json(tmp_path):
    write_json(tmp_path / "j", {"a": [1, None]})
    assert read_json(tmp_path / "j") == {"a": [1, None]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "j", {"a": float("nan")})
    assert json.loads((tmp_path / "j").read_text()) == {"a": [1, None]}
    (tmp_path / "j").write_text("{")
    with pytest.raises(InputError, match="expected JSON"):
        read_json(tmp_path / "j")
    (tmp_path / "j").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="expected JSON"):
        read_json(tmp_path / "j")
    (tmp_path / "j").write_text("[]")
    with pytest.raises(InputError, match="expected a JSON object, found list"):
        read_json(tmp_path / "j")
    with pytest.raises(InputError, match=r"cannot read .*: No such file"):
        read_json(tmp_path / "none")


def test_two_checkpoints_are_kept_and_a_damaged_one_passed_over(tmp_path, caplog):
    store = Checkpoints(tmp_path / "c")
    assert store.latest() is None
    for generation in (1, 2, 30):
        store.save(generation, {"g": np.int32(generation)}, {})
    assert [path.name for path in store.paths()] == ["generation-000000030.npz", "generation-000000002.npz"]
    assert store.latest() == store.paths()[0]
    store.paths()[0].write_bytes(b"PK")
    with caplog.at_level(logging.WARNING):
        assert store.latest() == store.paths()[1]
    assert "generation-000000030.npz: damaged" in caplog.text
    store.paths()[1].write_bytes(b"")
    assert store.latest() is None
