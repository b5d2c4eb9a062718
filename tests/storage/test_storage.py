"""Files are whole or absent, damage is found, nothing outside is executed."""

import json
import logging
import os
import stat
import subprocess
import sys
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooljax.errors import FaultError, InputError
from fooljax.storage.checkpoints import Checkpoints
from fooljax.storage.files import remove_abandoned, write_bytes
from fooljax.storage.json_files import read_json, write_json
from fooljax.storage.reading import open_regular, read_regular
from fooljax.storage.trees import HEADER, load_arrays, load_tree, save_tree

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
    with pytest.raises(InputError, match=r"tree\.npz: expected an \.npz file"):
        load_arrays(path)


def test_a_pickle_inside_is_not_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").write_text, ("x",))

    path = tmp_path / "bomb.npz"
    np.savez(path, __header__=np.array([Bomb()], dtype=object))
    assert b"write_text" in path.read_bytes()
    with pytest.raises(InputError, match=r"bomb\.npz: "):
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
    monkeypatch.setattr("fooljax.storage.trees.SCHEMA", 99)
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
    assert "generation-000000030.npz: expected an .npz file" in caplog.text
    assert "falling back to an older checkpoint" in caplog.text
    store.paths()[1].write_bytes(b"")
    caplog.clear()
    assert store.latest() is None
    assert caplog.text.count("falling back to an older checkpoint") == 1
    assert caplog.text.count("the search begins again") == 1


def rewritten(path, header=lambda facts: facts, **arrays):
    """A tree file whose header or arrays are others, the checksum that of the arrays that are there."""
    with np.load(path) as file:
        content = {name: file[name] for name in file.files if name != HEADER}
        facts = json.loads(file[HEADER].tobytes())
    content |= arrays
    facts = header(facts)
    if not isinstance(facts, np.ndarray):
        text = facts if isinstance(facts, bytes) else json.dumps(facts).encode()
        facts = np.frombuffer(text, np.uint8)
    np.savez(path, **{HEADER: facts}, **content)


@pytest.mark.parametrize(
    "header",
    [
        lambda facts: b"",
        lambda facts: b"[1]",
        lambda facts: b"7",
        lambda facts: b"\xff\xfe{",
        lambda facts: b"[" * 100_000,
        lambda facts: b"[" * 500 + b"]" * 500,
        lambda facts: b"{" + b"9" * 5000,
        lambda facts: np.zeros((2, 3, 4)),
        lambda facts: np.array(7),
        lambda facts: facts | {"schema": 10**30},
        lambda facts: facts | {"schema": "\ud800"},
        lambda facts: facts | {"leaves": None},
        lambda facts: facts | {"leaves": ["a", "k"]},
        lambda facts: facts | {"leaves": {"a": "float32"}},
        lambda facts: facts | {"facts": None},
        lambda facts: facts | {"facts": []},
        lambda facts: facts | {"sha256": None},
        lambda facts: {name: value for name, value in facts.items() if name != "leaves"},
        lambda facts: {name: value for name, value in facts.items() if name != "sha256"},
        *(
            lambda facts, name=name, kind=kind: facts | {"leaves": facts["leaves"] | {name: kind}}
            for name, kind in (
                ("a", "float33"),
                ("a", "object"),
                ("a", "int32"),
                ("a", "float64"),
                ("a", "f4,f4"),
                ("a", "(2"),
                ("a", "f" * 10**5),
                ("a", "void4"),
                ("a", None),
                ("a", 7),
                ("a", ["float32"]),
                ("a", "key<fry>"),
                ("a", "key<threefry2x32>"),
                ("k", "key<none>"),
                ("k", "key<rbg>"),
                ("k", "key<>"),
                ("k", "bfloat16"),
            )
        ),
    ],
)
def test_any_header_that_is_none_is_one_line_and_falls_back(tmp_path, header, caplog):
    store = Checkpoints(tmp_path)
    for generation in (1, 2):
        store.save(generation, {"a": np.zeros(6, np.float32), "k": jax.random.key(0)}, {})
    newest, older = store.paths()
    rewritten(newest, header)
    with pytest.raises(InputError, match=r"generation-000000002\.npz: ") as caught:
        load_arrays(newest)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(newest)) + 400
    assert store.latest() == older
    assert "falling back" in caplog.text


def test_a_key_of_the_wrong_rank_does_not_restore(tmp_path):
    save_tree(tmp_path / "t.npz", {"k": jax.random.key(0)})
    for data in (np.zeros(3, np.uint32), np.uint32(1), np.zeros((2, 2, 5), np.uint32), np.zeros(2)):
        rewritten(tmp_path / "t.npz", k=data)
        from fooljax.storage.trees import _digest

        rewritten(tmp_path / "t.npz", lambda facts, data=data: facts | {"sha256": _digest({"k": data})})
        with pytest.raises(InputError, match=r"t\.npz: damaged \(k: "):
            load_arrays(tmp_path / "t.npz")


def test_no_flipped_bit_of_a_checkpoint_hides_the_older_one(tmp_path):
    """Every bit of the file; what is found is either the newest, as it was saved, or the older one."""
    store = Checkpoints(tmp_path)
    tree = {"k": jax.random.key(0), "a": np.arange(3, dtype=np.float32)}
    for generation in (1, 2):
        store.save(generation, tree, {"note": "x"})
    newest, older = store.paths()
    whole = newest.read_bytes()
    for bit in range(0, 8 * len(whole), 5):
        raw = bytearray(whole)
        raw[bit // 8] ^= 1 << bit % 8
        newest.write_bytes(raw)
        found = store.latest()
        assert found in (newest, older), bit
        if found == newest:
            loaded, facts = load_tree(newest, template(tree))
            assert facts == {"note": "x"}
            np.testing.assert_array_equal(loaded["a"], tree["a"])


def test_a_file_of_ours_never_becomes_more_than_it_is(tmp_path):
    save_tree(tmp_path / "t.npz", {"a": np.zeros(2**23, np.uint8)})
    with np.load(tmp_path / "t.npz") as file:
        np.savez_compressed(tmp_path / "t.npz", **file)
    assert (tmp_path / "t.npz").stat().st_size < 10_000
    with pytest.raises(InputError, match=r"8,388,... bytes packed into"):
        load_arrays(tmp_path / "t.npz")


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"9" * 400 + b"}",
        b'{"a": 1e999}',
        b'{"a": NaN}',
        b'{"a": [1, -Infinity]}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": 1}\x00',
        b"\xff\xfe{\x00}\x00",
        b"",
        b"null",
    ],
)
def test_json_of_no_use_is_one_line(tmp_path, text):
    (tmp_path / "j").write_bytes(text)
    with pytest.raises(InputError, match=r"j: expected (a )?JSON") as caught:
        read_json(tmp_path / "j")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(tmp_path)) + 300


def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    for path in (*map(tmp_path.joinpath, ("pipe", "folder", "loop", "none", "a\0b")), "/dev/zero"):
        for read in (open_regular, lambda path: read_regular(path, 9), read_json, load_arrays):
            with pytest.raises(InputError, match=r"^cannot read "):
                read(path)
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "file").write_bytes(b"{}")
    assert read_json(tmp_path / "link") == {}
    with pytest.raises(InputError, match="expected at most 1 bytes, found more"):
        read_regular(tmp_path / "file", 1)


def test_a_name_is_shown_without_what_a_terminal_obeys(tmp_path):
    with pytest.raises(InputError) as caught:
        read_json(tmp_path / "a\x1b[2Jb\n.json")
    assert str(caught.value).isprintable()


def test_what_a_killed_write_left_is_removed_by_the_next(tmp_path):
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal, sys\nfrom pathlib import Path\nfrom fooljax.storage import write_bytes\n"
            "os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
            "write_bytes(Path(sys.argv[1]), b'new')",
            str(tmp_path / "archive.npz"),
        ],
        check=False,
    )
    assert killed.returncode < 0
    (litter,) = tmp_path.iterdir()
    assert litter.name.startswith(".archive.npz.")
    for name in (".other.npz.123.tmp", ".archive.npz.mine.tmp", "archive.npz.1.tmp"):
        (tmp_path / name).write_bytes(b"")
    write_bytes(tmp_path / "archive.npz", b"next")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"archive.npz", ".other.npz.123.tmp", ".archive.npz.mine.tmp", "archive.npz.1.tmp"}


def test_what_a_living_process_writes_is_left_alone(tmp_path):
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom fooljax.storage import write_bytes\n"
        "os.fsync = lambda file: print(flush=True) or sys.stdin.readline()\n"
        "write_bytes(Path(sys.argv[1]), b'theirs')"
    )
    path = tmp_path / "inner" / "f"
    path.parent.mkdir()
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    other.stdout.readline()
    for number in (1, 99999999):
        (path.parent / f".f.{number}.tmp").write_bytes(b"")
    remove_abandoned(tmp_path)
    assert [found.name for found in path.parent.iterdir()] == [f".f.{other.pid}.tmp"]
    write_bytes(path, b"ours")
    other.communicate(b"\n", timeout=60)
    assert other.returncode == 0
    assert path.read_bytes() == b"theirs"
    assert [found.name for found in path.parent.iterdir()] == ["f"]


def test_threads_that_write_one_file_leave_one_of_theirs(tmp_path):
    contents = [bytes([number]) * 1000 for number in range(8)]
    threads = [threading.Thread(target=write_bytes, args=(tmp_path / "f", content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "f").read_bytes() in contents
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_store_removes_what_a_killed_save_left(tmp_path):
    (tmp_path / ".generation-000000007.npz.77.tmp").write_bytes(b"half")
    store = Checkpoints(tmp_path)
    store.save(9, {"a": np.zeros(2)}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["generation-000000009.npz"]


def test_only_files_are_replaced_and_links_stay(tmp_path):
    (tmp_path / "there").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_bytes() == b"new"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "to_pipe").symlink_to(tmp_path / "pipe")
    for name in ("pipe", "folder", "to_pipe"):
        with pytest.raises(InputError, match="expected a new file, or one to replace, found neither"):
            write_bytes(tmp_path / name, b"new")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
