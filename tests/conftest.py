import os
import struct

# Toy programs are compiled far more often than run: without LLVM's dear passes it takes half the time.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import jax
import numpy as np
import pytest


@pytest.fixture(autouse=True, scope="session")
def _strict():
    jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    """No test reads or writes the user's cache; a target is trained once for all."""
    patch = pytest.MonkeyPatch()
    patch.setenv("FOOLJAX_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


def write_idx(path, array):
    path.write_bytes(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


def write_bars(folder):
    """A data set of 16 x 16 images that LeNet learns in a second: the class is the place of a bright bar."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 320), ("t10k", 160)):
        labels = (np.arange(count) % 4).astype(np.uint8)
        images = rng.integers(0, 90, (count, 16, 16), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, 3 * label : 3 * label + 3] += 150
        write_idx(folder / f"{split}-images-idx3-ubyte", images)
        write_idx(folder / f"{split}-labels-idx1-ubyte", labels)


@pytest.fixture(scope="session")
def idx_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bars")
    write_bars(folder)
    return folder


@pytest.fixture
def settings(idx_folder):
    return [
        "--data", f"idx:{idx_folder}", "--runs", "2", "--children", "16", "--generations", "30", "--lineage",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def finished(tmp_path_factory, idx_folder):
    """A finished run's folder; not to be changed."""
    outdir = tmp_path_factory.mktemp("runs") / "finished"
    flags = [
        "--data",
        f"idx:{idx_folder}",
        "--runs",
        "2",
        "--children",
        "16",
        "--generations",
        "30",
        "--lineage",
        "--quiet",
    ]
    from experiments import mnist_direct

    assert mnist_direct.main([*flags, "--outdir", str(outdir)]) == 0
    return outdir
