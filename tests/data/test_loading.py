"""The texts that name a dataset."""

import sys

import pytest
from data_samples import EMBEDDED_DIGEST

from fooljax.data import load
from fooljax.errors import InputError


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("", "^data: expected auto, embedded, idx:DIR, npz:PATH, .* or MODULE:NAME, got ''"),
        ("mnist", "^data: expected auto.*got 'mnist'"),
        ("embedded:x", "^data: expected auto"),
        ("auto:", "^data: expected auto"),
        ("idx", "^data: expected auto"),
        ("idx:", "^data: expected auto"),
        *[(f"{kind}:", "^data: expected auto") for kind in ("npz", "cifar10", "folder")],
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


@pytest.mark.parametrize("kind", ["idx", "npz", "cifar10", "folder"])
def test_a_name_that_no_file_can_have(kind):
    with pytest.raises(InputError, match=r"^data: cannot read a+.*: File name too long$"):
        load(f"{kind}:{'a' * 300}")


@pytest.mark.parametrize("folder", ["a" * 5000, ("/" + "a" * 199) * 20 + "/" + "a" * 90])
def test_a_folder_of_copies_that_no_disk_can_have(folder, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", folder)
    assert load("auto").digest == EMBEDDED_DIGEST
    for spec in ("tfds", "tfds:mnist"):
        with pytest.raises(InputError, match=r"^data: cannot read /?a+.*: File name too long$"):
            load(spec)


@pytest.mark.parametrize("spec", ["embedded", "idx:."])
def test_data_dir_is_for_tfds_only(spec, tmp_path):
    with pytest.raises(InputError, match=r"^data_dir: "):
        load(spec, data_dir=tmp_path)


@pytest.mark.parametrize(
    "spec", ["idx:~no-such-user", "npz:~no-such-user", "folder:8:~no-such-user", "tfds", "tfds:mnist", "auto"]
)
def test_a_folder_of_nobody(spec, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", "~no-such-user/tfds")
    if spec == "auto":
        assert load(spec).digest == EMBEDDED_DIGEST
        return
    with pytest.raises(InputError, match=r"^data: expected a folder, got ~no-such-user"):
        load(spec)


MODULE = """
import numpy as np
from fooljax.data import from_arrays

images = np.arange(4 * 3 * 5 * 1).reshape(4, 3, 5, 1).astype(np.uint8)
mine = from_arrays(images, [0, 1, 0, 1], images, [0, 1, 0, 1], class_names=["cat", "dog"], name="mine")
number = 3

def make():
    return mine

def makes_nothing():
    pass

def wants(folder):
    return mine

def wrong():
    return from_arrays(images, [0, 1, 0], images, [0, 1, 0, 1])
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """A module in the current folder, as a user of the installed command has it; its name."""
    name = f"own_data_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    return name


@pytest.mark.parametrize("value", ["mine", "make"])
def test_a_dataset_of_the_users(own_module, value):
    data = load(f"{own_module}:{value}")
    assert (data.name, data.class_names, data.image_shape) == ("mine", ("cat", "dog"), (3, 5, 1))


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ("number", "to be a fooljax.data.Dataset, or a function .* that returns one, got .* type int$"),
        ("makes_nothing", "to return a fooljax.data.Dataset, got None$"),
        ("wants", "got a function that needs arguments$"),
        ("wrong", r"says: train_labels: expected shape \(4,\)"),
        ("missing", "expected a name in the module .*, got missing$"),
    ],
)
def test_what_is_no_dataset_of_the_users(own_module, value, match):
    with pytest.raises(InputError, match=f"^data: .*{match}"):
        load(f"{own_module}:{value}")
