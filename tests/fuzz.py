"""A campaign of damaged files against everything that reads a file.

`python tests/fuzz.py --cases 20000 --seed 0` damages valid files of every form, again and again, and reads
them. A reader may read what it finds, or raise `InputError` or `FaultError` in one printable line. Anything
else is a failure: another exception, more memory than four times the file (or 16 MiB), more than five
seconds, a crash. Each failure is printed with the command that repeats it. `READERS` lists all readers.
"""

import argparse
import json
import logging
import multiprocessing
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import tracemalloc
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import weight_files
from conftest import write_bars, write_idx
from damage import damaged
from PIL import Image

from fooljax.errors import FaultError, InputError

SECONDS = 5.0
HANGS_AFTER = 60
"""Seconds after which a case is interrupted."""
SMALL = 16 * 2**20
MOST_SHOWN = 1000
"""Characters of a message, a path among them."""


class Reader(NamedTuple):
    """Something that reads files of one form.

    Attributes:
      samples: writes valid files into a folder, and names those to damage.
      read: reads one of them. Where the form is a folder of files, it is given the damaged file in it.
    """

    samples: Callable[[Path], list[Path]]
    read: Callable[[Path], object]


class Failure(NamedTuple):
    """A damaged file that was not handled, and how it ended."""

    reader: str
    seed: int
    case: int
    what: str

    def __str__(self) -> str:
        again = f"python tests/fuzz.py --reader {self.reader} --seed {self.seed} --only {self.case}"
        return f"{again}\n    {self.what}"


def campaign(
    name: str, folder: Path, cases: range, seed: int, begin: Callable[[int], None] = lambda case: None
) -> Iterator[Failure]:
    """Reads damaged files of one reader; every case can be repeated alone.

    Args:
      name: in `READERS`.
      folder: where the files are; the damaged one is left there.
      cases: numbers of the cases.
      seed: of the campaign.
      begin: told of each case before it is read.
    """
    reader = READERS[name]
    samples = [(path, path.read_bytes()) for path in reader.samples(folder)]
    for path, _ in samples:
        reader.read(path)
    for case in cases:
        begin(case)
        chance = Random(f"{name}/{seed}/{case}")
        path, content = chance.choice(samples)
        path.write_bytes(changed := damaged(content, chance))
        if what := _fault(reader.read, path, len(changed)):
            yield Failure(name, seed, case, what)
        path.write_bytes(content)


def _fault(read: Callable[[Path], object], path: Path, size: int) -> str | None:
    """What is wrong with how a file is read, or None."""
    fault = None
    most = max(4 * size, SMALL)
    resident = _resident()
    tracemalloc.start()
    signal.signal(signal.SIGALRM, _hangs)
    signal.alarm(HANGS_AFTER)
    begun = time.process_time()
    try:
        read(path)
    except (InputError, FaultError) as error:
        if not str(error).isprintable() or len(str(error)) > MOST_SHOWN:
            fault = f"a message that is no printable line: {str(error)[:MOST_SHOWN]!r}"
    except BaseException as error:
        fault = "".join(traceback.format_exception_only(error)).strip()[:400]
        fault += " at " + "; ".join(
            f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[-3:]
        )
    finally:
        signal.alarm(0)
        seconds = time.process_time() - begun
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    if fault is None and seconds > SECONDS:
        fault = f"{seconds:.1f} seconds for {size:,} bytes"
    # What libraries allocate by themselves is seen in the process alone, which has a use of its own for some.
    if fault is None and (peak > most or _resident() - resident > 4 * most):
        fault = f"{peak:,} bytes of memory, the process {_resident() - resident:,}, for a file of {size:,}"
    return fault


def _resident() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class _Hangs(BaseException):
    pass


def _hangs(*_: object) -> None:
    raise _Hangs(f"still reading after {HANGS_AFTER} seconds")


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
    from fooljax.weights import read_weights

    return read_weights(path)


def _read_mean_image(path: Path) -> object:
    from fooljax.weights import read_mean_image

    return read_mean_image(path)


def _read_npz(path: Path) -> object:
    from fooljax.npz import read_npz

    return read_npz(path)


def _read_npy(path: Path) -> object:
    from fooljax.npz import read_npy

    return read_npy(path)


# Files that the package itself writes.


def _template() -> object:
    return {"a": np.zeros((3, 4), np.float32), "b": {"c": np.zeros(2, np.int32)}}


def _trees(folder: Path) -> list[Path]:
    from fooljax.storage import save_tree

    save_tree(folder / "tree.npz", _template(), {"generation": 3, "name": "x", "list": [1, 2]})
    return [folder / "tree.npz"]


def _read_tree(path: Path) -> object:
    from fooljax.storage import load_arrays, load_tree

    load_arrays(path)
    return load_tree(path, _template())


def _jsons(folder: Path) -> list[Path]:
    content = {"a": 1, "b": [1.5, None, True], "c": {"text": "x\u00e9", "deep": [[[[0]]]]}}
    (folder / "a.json").write_text(json.dumps(content))
    return [folder / "a.json"]


def _read_json(path: Path) -> object:
    from fooljax.storage import read_json

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
        write_idx(folder / f"{split}-images-idx3-ubyte", images)
        write_idx(folder / f"{split}-labels-idx1-ubyte", labels)
    (folder / "class_names.txt").write_text("one\ntwo\nthree\n")
    return sorted(folder.iterdir())


def _read_idx(path: Path) -> object:
    from fooljax import datasets

    return datasets.load(f"idx:{path.parent}")


def _photographs(folder: Path) -> list[Path]:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8))
    paths = [folder / f"a.{ending}" for ending in ("png", "jpg", "bmp", "webp")]
    for path in paths:
        image.save(path)
    return paths


def _read_photograph(path: Path) -> object:
    from experiments.validate import read_photograph

    return read_photograph(path, 16)


# Run folders.


def _run_folder(folder: Path) -> list[Path]:
    """A finished run, made here unless there is one."""
    run = folder / "run"
    if not run.exists():
        from experiments import mnist_direct

        data = folder / "data"
        data.mkdir()
        write_bars(data)
        flags = ["--runs", "1", "--children", "8", "--generations", "2", "--lineage", "--quiet"]
        assert mnist_direct.main([*flags, "--data", f"idx:{data}", "--outdir", str(run)]) == 0
    names = ("archive.npz", "config.json", "target.json", "lineage.npz", "summary.json", "metrics.csv")
    return [run / name for name in names]


def _read_run(path: Path) -> object:
    from experiments import compare_runs
    from experiments.ancestry import load_ancestry
    from experiments.finished_run import open_run
    from experiments.init_from import elites

    compare_runs.read(path.parent)
    run = open_run(path.parent)
    return elites(run), load_ancestry(path.parent, run.encoding)


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
    "photograph": Reader(_photographs, _read_photograph),
    "run-folder": Reader(_run_folder, _read_run),
}


# The long form.


def _in_child(name: str, folder: Path, cases: range, seed: int, current: object, failures: object) -> None:
    logging.disable()

    def begin(case: int) -> None:
        current.value = case

    for failure in campaign(name, folder, cases, seed, begin):
        failures.put(failure)
    failures.put(None)


def _apart(name: str, folder: Path, cases: range, seed: int) -> Iterator[Failure]:
    """As `campaign`, in a process of its own, which may crash."""
    context = multiprocessing.get_context("spawn")
    current, failures = context.Value("q", -1), context.Queue()
    child = context.Process(target=_in_child, args=(name, folder, cases, seed, current, failures))
    child.start()
    while True:
        try:
            failure = failures.get(timeout=1.0)
        except Exception:
            if child.is_alive():
                continue
            yield Failure(name, seed, current.value, f"the process ended with status {child.exitcode}")
            break
        if failure is None:
            break
        yield failure
    child.join()


def main() -> int:
    """The command; its exit status is 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000, help="damaged files for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", choices=READERS, action="append", help="all by default")
    parser.add_argument("--only", type=int, metavar="CASE", help="a single case, whose file is kept")
    flags = parser.parse_args()
    cases = range(flags.cases) if flags.only is None else range(flags.only, flags.only + 1)
    kinds: dict[tuple[str, str], int] = {}
    for name in flags.reader or READERS:
        folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
        begun = time.perf_counter()
        for failure in _apart(name, folder, cases, flags.seed):
            kind = (name, failure.what.split(":")[0] + failure.what.rpartition(" at ")[2])
            kinds[kind] = kinds.get(kind, 0) + 1
            if kinds[kind] <= 2:
                print(failure, flush=True)
        failed = sum(count for (reader, _), count in kinds.items() if reader == name)
        print(f"{name}: {failed} of {len(cases):,} failed, {time.perf_counter() - begun:.0f} s", flush=True)
        if flags.only is None:
            shutil.rmtree(folder)
        else:
            print(f"its files are in {folder}")
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
