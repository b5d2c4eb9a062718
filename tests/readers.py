"""Everything that reads a file, and valid files for it, which `tests/fuzz.py` damages.

Samples are some kilobytes large, so that a damage is likely to hit something that matters.
"""

import functools
import gzip
import hashlib
import io
import json
import tempfile
from argparse import Namespace
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import people
import weight_files
from data_samples import idx
from PIL import Image
from weight_files import field


class Reader(NamedTuple):
    """Something that reads files of one form.

    Attributes:
      samples: writes valid files into a folder, and names those to damage.
      read: reads one of them. Where the form is a folder of files, it is given the damaged file in it.
    """

    samples: Callable[[Path], list[Path]]
    read: Callable[[Path], object]


# Weights and mean images.


def _pytorch(folder: Path) -> list[Path]:
    arrays = {**weight_files.EXPECTED, "large": np.random.default_rng(0).random((20, 50), np.float32)}
    numbers = {str(index): weight_files.base_bytes(array) for index, array in enumerate(arrays.values())}
    sizes = {str(index): array.size for index, array in enumerate(arrays.values())}
    beside = {
        "epoch": 3,
        "args": Namespace(lr=0.1),
        "when": datetime(2020, 1, 1),
        "best": np.float64(0.5),
        "optimizer": {"state": {0: {"step": 1}}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]},
    }
    old, new = weight_files.state(arrays), weight_files.state(arrays, old=False)
    return [
        weight_files.zipped(folder / "zip.pth", new, numbers),
        weight_files.zipped(folder / "checkpoint.pth.tar", {"state_dict": new, **beside}, numbers),
        weight_files.streamed(folder / "older.pth", old, numbers, sizes),
        weight_files.streamed(folder / "older.pth.tar", {"model": old, **beside}, numbers, sizes),
    ]


def _npz(folder: Path) -> list[Path]:
    arrays = {
        "a": np.arange(60, dtype=np.float32).reshape(3, 4, 5),
        "b/c": np.arange(7) > 3,
        "d": np.float16(1),
    }
    np.savez(folder / "stored.npz", **arrays)
    np.savez_compressed(folder / "packed.npz", **arrays)
    return [folder / "stored.npz", folder / "packed.npz"]


def _npy(folder: Path) -> list[Path]:
    np.save(folder / "rows.npy", np.arange(60.0).reshape(3, 20))
    np.save(folder / "columns.npy", np.asfortranarray(np.arange(60, dtype=">i2").reshape(3, 20)))
    return [folder / "rows.npy", folder / "columns.npy"]


def _safetensors(folder: Path) -> list[Path]:
    path = folder / "a.safetensors"
    path.write_bytes(weight_files.safetensors(weight_files.EXPECTED))
    return [path]


def _caffemodels(folder: Path) -> list[Path]:
    paths = []
    for old in (False, True):
        for packed in (False, True):
            paths.append(folder / f"old{old}-packed{packed}.caffemodel")
            paths[-1].write_bytes(weight_files.caffemodel(old=old, packed=packed))
    return paths


def _mean_images(folder: Path) -> list[Path]:
    image = np.random.default_rng(0).uniform(0, 255, (3, 8, 8)).astype(np.float32)
    np.save(folder / "mean.npy", image.astype(np.float64))
    (folder / "mean.binaryproto").write_bytes(weight_files.blob(image, legacy=True))
    return [folder / "mean.npy", folder / "mean.binaryproto"]


def _read_weights(path: Path) -> object:
    from fooljax.targets.weights import read_weights

    return read_weights(path)


def _read_mean_image(path: Path) -> object:
    from fooljax.targets.weights import read_mean_image

    return read_mean_image(path)


def _read_npz(path: Path) -> object:
    from fooljax.storage.npz import read_npz

    return read_npz(path)


def _read_npy(path: Path) -> object:
    from fooljax.storage.npz import read_npy

    return read_npy(path)


# Files that the package itself writes.


def _template() -> object:
    return {"a": np.zeros((3, 4), np.float32), "b": {"c": np.zeros(2, np.int32)}}


def _trees(folder: Path) -> list[Path]:
    from fooljax.storage.trees import save_tree

    save_tree(folder / "tree.npz", _template(), {"generation": 3, "name": "x", "list": [1, 2]})
    return [folder / "tree.npz"]


def _read_tree(path: Path) -> object:
    from fooljax.storage.trees import load_arrays, load_tree

    load_arrays(path)
    return load_tree(path, _template())


def _jsons(folder: Path) -> list[Path]:
    content = {"a": 1, "b": [1.5, None, True], "c": {"text": "x\u00e9", "deep": [[[[0]]]]}}
    (folder / "a.json").write_text(json.dumps(content))
    return [folder / "a.json"]


def _read_json(path: Path) -> object:
    from fooljax.storage.json_files import read_json

    return read_json(path)


def _genomes(folder: Path) -> list[Path]:
    import jax

    from fooljax.encodings import cppn

    encoding = cppn((8, 8, 1))
    (folder / "a.json").write_text(encoding.to_json(encoding.init(jax.random.key(0))))
    return [folder / "a.json"]


def _read_genome(path: Path) -> object:
    import fooljax

    return fooljax.from_json(path.read_bytes())


# Data and pictures of the user.


def _idx(folder: Path) -> list[Path]:
    labels = np.arange(12, dtype=np.uint8) % 3
    images = np.random.default_rng(0).integers(0, 256, (12, 5, 4), np.uint8)
    for split in ("train", "t10k"):
        (folder / f"{split}-images-idx3-ubyte").write_bytes(idx(images))
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(idx(labels))
    for plain in folder.glob("t10k-*"):
        plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    (folder / "class_names.txt").write_text("one\ntwo\nthree\n")
    return sorted(folder.iterdir())


def _read_idx(path: Path) -> object:
    from fooljax import data as datasets

    return datasets.load(f"idx:{path.parent}")


def _npz_data(folder: Path) -> list[Path]:
    images = np.random.default_rng(0).integers(0, 256, (12, 5, 4), np.uint8)
    for half in ("train", "test"):
        names = np.array(["one", "two", "three"])
        np.savez_compressed(
            folder / f"{half}.npz", images=images, labels=np.arange(12) % 3, class_names=names
        )
    return sorted(folder.iterdir())


def _read_npz_data(path: Path) -> object:
    from fooljax import data as datasets

    return datasets.load(f"npz:{path.parent}")


def _folder_data(folder: Path) -> list[Path]:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8))
    for name in ("a", "b"):
        (folder / name).mkdir()
        for number in range(5):
            image.save(folder / name / f"{number}.png")
    return sorted(folder.glob("*/*"))


def _read_folder_data(path: Path) -> object:
    from fooljax import data as datasets

    return datasets.load(f"folder:16:{path.parents[1]}")


# Numbers of the fields of a `tf.train.Example`: `fooljax.data.prepared_copies` says what they mean.
def _example(pixels: np.ndarray, label: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    values = {b"image": field(1, field(1, stream.getvalue())), b"label": field(3, field(1, bytes([label])))}
    return field(1, b"".join(field(1, field(1, key) + field(2, value)) for key, value in values.items()))


def _write_records(path: Path, records: list[bytes]) -> None:
    from array_record.python.array_record_module import ArrayRecordWriter

    path.unlink(missing_ok=True)
    writer = ArrayRecordWriter(str(path), "group_size:1")
    for record in records:
        writer.write(record)
    writer.close()


def _copy(folder: Path) -> list[Path]:
    """A copy of four images, as TensorFlow Datasets prepares them."""
    copy = folder / "mnist" / "3.0.1"
    copy.mkdir(parents=True)
    image = {"shape": {"dimensions": ["5", "4", "1"]}, "dtype": "uint8", "encodingFormat": "png"}
    inner = {"image": {"image": image}, "label": {"classLabel": {"numClasses": "3"}}}
    (copy / "features.json").write_text(json.dumps({"featuresDict": {"features": inner}}))
    template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    splits = [
        {"name": split, "shardLengths": ["3"], "numBytes": "300", "filepathTemplate": template}
        for split in ("train", "test")
    ]
    facts = {"name": "mnist", "version": "3.0.1", "fileFormat": "array_record", "splits": splits}
    (copy / "dataset_info.json").write_text(json.dumps(facts))
    (copy / "label.labels.txt").write_text("one\ntwo\nthree\n")
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 4), np.uint8)
    for split in ("train", "test"):
        records = [_example(pixels, label) for label, pixels in enumerate(images)]
        _write_records(copy / f"mnist-{split}.array_record-00000-of-00001", records)
    return sorted(copy.iterdir())


def _read_copy(path: Path) -> object:
    from fooljax import data as datasets

    return datasets.load("tfds", data_dir=path.parents[2])


def _record(folder: Path) -> list[Path]:
    """A record alone: its file has checksums, which a damage of the file seldom comes past."""
    _copy(folder)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4), np.uint8)
    (folder / "record").write_bytes(_example(pixels, 2))
    return [folder / "record"]


def _read_record(path: Path) -> object:
    copy = path.parent / "mnist" / "3.0.1"
    record = path.read_bytes()
    _write_records(copy / "mnist-test.array_record-00000-of-00001", [record] * 3)
    return _read_copy(copy / "features.json")


def _photographs(folder: Path) -> list[Path]:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8))
    paths = [folder / f"a.{ending}" for ending in ("png", "jpg", "bmp", "webp")]
    for path in paths:
        image.save(path)
    return paths


def _read_photograph(path: Path) -> object:
    from fooljax.data.photographs import read_photograph

    return read_photograph(path, 16)


def _outputs(folder: Path) -> list[Path]:
    (folder / "a.json").write_text(json.dumps({"a": [1, 2]}))
    Image.new("L", (4, 4)).save(folder / "a.png")
    return sorted(folder.iterdir())


def _read_output(path: Path) -> object:
    """Somebody's file that is asked to be replaced is looked at first."""
    from fooljax.storage.outputs import KINDS, check_output

    kind = {".json": "a JSON object", ".png": "a PNG picture"}[path.suffix]
    assert kind in KINDS
    return check_output(path, "--output", kind)


# What comes with the package.


def _shipped(folder: Path) -> list[Path]:
    """As what is installed, of a network of some numbers."""
    import flax.linen as nn
    import jax

    from fooljax.storage.trees import digest_tree, save_tree
    from fooljax.targets import shipped

    params = nn.Dense(2).init(jax.random.key(0), np.zeros((1, 4, 4, 3)))
    weights = folder / "weights.npz"
    save_tree(weights, params, {"seed": 0})
    card = json.loads((shipped.FOLDER / "card.json").read_bytes())
    entry = {"file": weights.name, "sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    entry |= {"seed": 0, "accuracy": 0.99, "params_sha256": digest_tree(params)}
    card |= {"image_shape": [4, 4, 3], "class_names": ["0", "1"], "weights": [entry]}
    (folder / "card.json").write_text(json.dumps(card))
    return [folder / "card.json", weights]


def _read_shipped(path: Path) -> object:
    import flax.linen as nn

    from fooljax.targets import shipped
    from fooljax.targets.networks.trainable import NETWORKS, apply_of

    folder, network = shipped.FOLDER, NETWORKS["lenet"]

    def install(folder: Path, network: Any) -> None:
        shipped.FOLDER, NETWORKS["lenet"] = folder, network
        shipped.shipped_facts.cache_clear()
        apply_of.cache_clear()

    install(path.parent, ("LeNet", nn.Dense))
    try:
        return shipped.pretrained()
    finally:
        install(folder, network)


# Runs, finished and not.


def _run_folder(folder: Path) -> list[Path]:
    from experiments import mnist_direct
    from fooljax.runs import begin_from as init_from
    from fooljax.runs.opened import open_folder
    from fooljax.storage.trees import save_tree

    run = folder / "run"
    flags = ["--runs", "1", "--children", "8", "--generations", "2", "--lineage", "--quiet"]
    assert mnist_direct.main([*flags, "--outdir", str(run)]) == 0
    genomes = init_from.elites_of(open_folder(run))
    save_tree(run / init_from.FILE, genomes, {"evaluations": 3, "genomes": len(genomes)})
    tables = ("config.json", "target.json", "summary.json", "metrics.csv", "elites.csv", "first.csv")
    return [run / name for name in ("archive.npz", "first.npz", "initial.npz", "lineage.npz", *tables)]


def _read_run(path: Path) -> object:
    from experiments import mnist_direct
    from fooljax.runs import begin_from as init_from
    from fooljax.runs.folder import RunFolder
    from fooljax.runs.opened import open_folder
    from fooljax.settings import config_from
    from fooljax.storage.trees import load_arrays
    from fooljax.study import run_comparison, summaries, summary_table
    from fooljax.study.combinations import check_same_run

    run = path.parent
    if path.name in ("config.json", "target.json"):
        folder = RunFolder.resume(run, "mnist_direct")
        folder.close(keep=True)
        check_same_run(run, {"children": folder.config["settings"].get("children")})
        config_from(mnist_direct.EXPERIMENT.config, folder.config["settings"], "config.json")
    if path.name in ("summary.json", "metrics.csv"):
        run_comparison.comparison_table({"run": run_comparison.read(run)})
        summary_table.table([row for file in summaries.find([run]) for row in summaries.read(file)])
    opened = open_folder(run)
    if path.suffix == ".csv":
        _ = opened.metrics, opened.elites, opened.first_rows, opened.images()
    if path.name == "first.npz":
        load_arrays(path)
    if path.name == "lineage.npz":
        _ = opened.ancestry
    if path.name == "initial.npz":
        init_from.read_initial(path, opened.encoding)
    return init_from.elites_of(opened)


def _checkpoints(folder: Path) -> list[Path]:
    _search(folder)
    return sorted(folder.glob("*.npz"))


def _read_checkpoint(path: Path) -> object:
    """As a search that is resumed reads it."""
    from fooljax.evolution.checkpoints import load_checkpoint
    from fooljax.storage.checkpoints import Checkpoints

    loaded = load_checkpoint(path, *_what_is_resumed())
    assert Checkpoints(path.parent).latest() is not None
    return loaded


@functools.cache
def _what_is_resumed() -> tuple[Any, ...]:
    """What a search compares its checkpoint with: taken from one, since it takes long to find out."""
    from fooljax.evolution import journal

    asked = []

    def load(path: Path, *rest: Any) -> Any:
        asked.append(rest)
        return original(path, *rest)

    original, journal.load_checkpoint = journal.load_checkpoint, load
    try:
        with tempfile.TemporaryDirectory() as folder:
            _search(Path(folder))
            _search(Path(folder), resume=True)
    finally:
        journal.load_checkpoint = original
    return asked[0]


def _search(folder: Path, resume: bool = False) -> object:
    import toys

    from fooljax.evolution import search

    return search(
        toys.target(),
        toys.ENCODING,
        toys.STRATEGY,
        key=0,
        generations=0,
        checkpoints=folder,
        resume=resume,
        check_target=False,
    )


def _rows(folder: Path) -> list[Path]:
    """Rows of the toy study, and all of them in one file."""
    import toy_study

    from fooljax import study

    study.run(toy_study.STUDY, toy_study.Config(), folder, say=lambda line: None)
    return [*sorted((folder / "rows").iterdir()), folder / "rows.jsonl", folder / "config.json"]


def _read_rows(path: Path) -> object:
    import toy_study

    from fooljax import study

    if path.suffix == ".jsonl":
        return study.read_rows(path)
    folder = path.parents[1] if path.parent.name == "rows" else path.parent
    return study.run(toy_study.STUDY, toy_study.Config(), folder, say=lambda line: None)


def _label_files(folder: Path) -> list[Path]:
    from fooljax.labelling.task import write_key

    of = people.task(2, 2, 1)
    write_key(of, folder / "key.json")
    write_key(of, folder / "whole.json")
    (folder / "answers.json").write_text(json.dumps(people.saved(of, people.sober, "Ada")), encoding="utf-8")
    return [folder / "key.json", folder / "answers.json"]


def _read_label_file(path: Path) -> object:
    from fooljax.labelling.answers import read_all
    from fooljax.labelling.result_words import in_words
    from fooljax.labelling.results import measure
    from fooljax.labelling.task import read_key

    key = read_key(path if path.name == "key.json" else path.with_name("whole.json"))
    return in_words(measure(key, read_all([path.with_name("answers.json")], key)))


READERS = {
    "pytorch": Reader(_pytorch, _read_weights),
    "safetensors": Reader(_safetensors, _read_weights),
    "caffemodel": Reader(_caffemodels, _read_weights),
    "npz-weights": Reader(_npz, _read_weights),
    "npz": Reader(_npz, _read_npz),
    "npy": Reader(_npy, _read_npy),
    "mean-image": Reader(_mean_images, _read_mean_image),
    "tree": Reader(_trees, _read_tree),
    "json": Reader(_jsons, _read_json),
    "genome": Reader(_genomes, _read_genome),
    "idx": Reader(_idx, _read_idx),
    "npz-data": Reader(_npz_data, _read_npz_data),
    "folder-data": Reader(_folder_data, _read_folder_data),
    "photograph": Reader(_photographs, _read_photograph),
    "tfds-copy": Reader(_copy, _read_copy),
    "tfds-record": Reader(_record, _read_record),
    "output": Reader(_outputs, _read_output),
    "shipped": Reader(_shipped, _read_shipped),
    "run-folder": Reader(_run_folder, _read_run),
    "checkpoint": Reader(_checkpoints, _read_checkpoint),
    "rows": Reader(_rows, _read_rows),
    "label-files": Reader(_label_files, _read_label_file),
}
