"""Weight files: what is read; and that nothing in a file is executed, believed or given all the memory."""

import os
import pickle
import pickletools
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from weight_files import (
    EXPECTED,
    Call,
    Global,
    numbers,
    pickled,
    sizes,
    state,
    streamed,
    tensor,
    zipped,
)

from fooljax.errors import InputError
from fooljax.targets.weights import read_mean_image, read_weights


def same(found):
    assert set(found) == set(EXPECTED)
    for name, array in EXPECTED.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_the_zip_form(tmp_path):
    same(read_weights(zipped(tmp_path / "a.pth", state(EXPECTED, old=False), numbers())))


def test_the_older_form(tmp_path):
    same(read_weights(streamed(tmp_path / "a.pt", state(EXPECTED), numbers(), sizes())))


def test_a_state_dictionary_within_a_checkpoint(tmp_path):
    content = {"epoch": 3, "state_dict": state(EXPECTED, old=False), "best": 0.7}
    same(read_weights(zipped(tmp_path / "a.pth", content, numbers())))


def test_an_ordered_dictionary_with_attributes(tmp_path):
    """As PyTorch writes it: the version hangs on the dictionary."""
    base = pickled(Call(Global("collections", "OrderedDict")))[:-1]
    key = pickled("layer.weight")[2:-1]
    value = pickled(tensor("0", EXPECTED["layer.weight"], old=False))[2:-1]
    attributes = pickled({"_metadata": {"": {"version": 1}}})[2:-1]
    # Each part numbers its memo from 0, which only overwrites: nothing is fetched from it across parts.
    content = base + b"(" + key + value + b"u" + attributes + b"b."
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", content)
        archive.writestr("x/data/0", numbers()["0"])
    np.testing.assert_array_equal(read_weights(path)["layer.weight"], EXPECTED["layer.weight"])


class Bomb:
    def __reduce__(self):
        import os

        return os.mkdir, ("was-executed",)


HOSTILE = {
    "a call": pickle.dumps({"a": Bomb()}, protocol=2),
    "a call, newest protocol": pickle.dumps({"a": Bomb()}, protocol=5),
    "eval": b"\x80\x02c__builtin__\neval\nX\x06\x00\x00\x001 + 41\x85R.",
    "a class made anew": b"\x80\x02cos\nsystem\n)\x81.",
    "an instance": b"(S'true'\nios\nsystem\n.",
    "an object": b"(cos\nsystem\nS'true'\no.",
    "state set on another thing": b"\x80\x02cos\nenviron\n}b.",
    "a call hidden in arguments": pickled(
        {"a": Call(Global("torch._utils", "_rebuild_tensor_v2"), Call(Global("os", "getcwd")), 0, (1,), (1,))}
    ),
    "an extension": b"\x80\x02\x82\x01.",
    "a buffer from outside": b"\x80\x05\x97.",
    "a reference by name": b"Psomething\n.",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", ["zip", "stream"])
def test_hostile_pickles_are_refused_and_not_executed(tmp_path, monkeypatch, name, form):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.pth"
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model/data.pkl", HOSTILE[name])
    else:
        head = [pickled(0x1950A86A20F9469CFC6C), pickled(1001), pickled({"little_endian": True})]
        path.write_bytes(b"".join(head) + HOSTILE[name] + pickled([]))
    with pytest.raises(InputError, match="expected a PyTorch file"):
        read_weights(path)
    assert not (tmp_path / "was-executed").exists()


def test_the_hostile_pickles_are_pickles():
    """Otherwise the test above would test nothing but damage."""
    for content in HOSTILE.values():
        assert [opcode.name for opcode, _, _ in pickletools.genops(content)][-1] == "STOP"


WEIGHT = EXPECTED["layer.weight"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"shape": (1000, 1000, 1000), "strides": (0, 0, 0)}, "larger than its storage"),
        ({"shape": (3, 4), "strides": (4, 100)}, "larger than its storage"),
        ({"offset": 5}, "larger than its storage"),
        ({"shape": (-3, 4)}, "a shape that none has"),
        ({"offset": -1}, "a shape that none has|a tensor of shape"),
        ({"strides": (1,)}, "a shape that none has|a tensor of shape"),
        ({"shape": (1,) * 40, "strides": (1,) * 40}, "a shape that none has|a tensor of shape"),
        ({"size": 2**60}, "shorter than it says"),
        ({"kind": "Quantized"}, "a storage of kind torch.QuantizedStorage"),
    ],
)
@pytest.mark.parametrize("form", ["zip", "stream"])
def test_a_tensor_that_its_file_does_not_hold(tmp_path, wrong, told, form):
    content = {"a": tensor("0", WEIGHT, old=form == "stream", **wrong)}
    if form == "zip":
        path = zipped(tmp_path / "a.pth", content, {"0": WEIGHT.tobytes()})
    else:
        path = streamed(tmp_path / "a.pth", content, {"0": WEIGHT.tobytes()}, {"0": 12})
    with pytest.raises(InputError, match=told) as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)


def test_compressed_numbers_are_refused(tmp_path):
    """A megabyte of zeros, a kilobyte packed: how a small file would fill a memory."""
    content = {"a": tensor("0", np.zeros(2**18, np.float32), old=False)}
    path = zipped(tmp_path / "a.pth", content, {"0": bytes(2**20)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="found compressed entries"):
        read_weights(path)


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {}, 3])
def test_a_file_without_tensors(tmp_path, content):
    with pytest.raises(InputError, match="expected a PyTorch file with weights, found"):
        read_weights(zipped(tmp_path / "a.pth", content, {}))


@pytest.mark.parametrize("form", ["zip", "stream"])
def test_a_file_that_is_cut_off_anywhere(tmp_path, form):
    path = tmp_path / "whole.pth"
    if form == "zip":
        zipped(path, state(EXPECTED, old=False), numbers())
    else:
        streamed(path, state(EXPECTED), numbers(), sizes())
    whole = path.read_bytes()
    cut = tmp_path / "cut.pth"
    for length in range(0, len(whole) - 1, 37):
        cut.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"expected (a PyTorch file|weights as PyTorch)"):
            read_weights(cut)


def test_bytes_changed_at_random_never_raise_anything_else(tmp_path):
    path = streamed(tmp_path / "a.pth", state(EXPECTED), numbers(), sizes())
    whole, random = path.read_bytes(), np.random.default_rng(0)
    for _ in range(300):
        changed = bytearray(whole)
        for place in random.integers(0, len(whole), 3):
            changed[place] = random.integers(256)
        path.write_bytes(bytes(changed))
        with suppress(InputError):
            read_weights(path)


def test_safetensors_and_npz(tmp_path):
    save_file = pytest.importorskip("safetensors.numpy").save_file
    arrays = {name: np.ascontiguousarray(array) for name, array in EXPECTED.items()}
    save_file(arrays, tmp_path / "a.safetensors")
    same(read_weights(tmp_path / "a.safetensors"))
    np.savez(tmp_path / "a.npz", **arrays)
    same(read_weights(tmp_path / "a.npz"))


@pytest.mark.parametrize("ending", [".safetensors", ".npz", ".caffemodel", ".pth"])
def test_files_that_are_something_else(tmp_path, ending):
    if ending == ".safetensors":
        pytest.importorskip("safetensors")
    path = tmp_path / f"a{ending}"
    for content in (b"", b"hello, this is a text", bytes(range(256)) * 4):
        path.write_bytes(content)
        with pytest.raises(InputError, match="expected weights as PyTorch") as caught:
            read_weights(path)
        assert "\n" not in str(caught.value)


def test_arrays_of_objects_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.asarray([Bomb()], object))
    with pytest.raises(InputError, match="plain arrays"):
        read_weights(tmp_path / "a.npz")
    assert not (tmp_path / "was-executed").exists()


def test_an_npz_that_would_fill_the_memory(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(10**7, np.float32))
    with pytest.raises(InputError, match="40,000,"):
        read_weights(tmp_path / "a.npz")


def test_files_that_are_not_there_or_not_known(tmp_path):
    with pytest.raises(InputError, match=r"^weights: expected a file, found none"):
        read_weights(tmp_path / "a.pth")
    (tmp_path / "a.h5").write_bytes(b"")
    with pytest.raises(InputError, match="found an empty file"):
        read_weights(tmp_path / "a.h5")


@pytest.mark.parametrize("read", [read_weights, read_mean_image])
def test_what_is_no_file_is_never_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, type(tmp_path)("/dev/zero")):
        with pytest.raises(InputError, match=f"cannot read {path}: expected a file, found"):
            read(path)
