import gc
import os
import shutil
import signal
import sys
import threading
from importlib.metadata import version
from pathlib import Path

# Toy programs are compiled far more often than run: without LLVM's dear passes it takes half the time.
# `make unit` sets this to 0 for what is marked `optimised`.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

# What the tests of one room share lies beside them.
sys.path += [str(room) for room in Path(__file__).parent.iterdir() if room.is_dir()]

import jax
import pytest
from data_samples import write_bars

from fooljax.environment import ask_for_determinism
from fooljax.storage.files import write_bytes

BARS_NETWORKS = Path(__file__).parent / "golden" / "bars"
"""What `trained` keeps of the data of `idx_folder`: the recipe "paper", seeds 0 and 1."""

# On an accelerator, as with `JAX_PLATFORMS=cuda make test`: what the tests say of formulas they say of exact
# products, and what they say of equal bits of repeatable kernels. It holds for the processes they start, too.
if os.environ.get("JAX_PLATFORMS", "cpu").partition(",")[0] not in ("", "cpu"):
    jax.config.update("jax_default_matmul_precision", "highest")
    os.environ["JAX_DEFAULT_MATMUL_PRECISION"] = "highest"
    ask_for_determinism()

# With the older code for fusions, compiling takes a third less, and with a program in one piece a tenth less.
# A jaxlib that does not know a flag ends the process, and only 0.10 knows these.
QUICK = ("--xla_cpu_use_fusion_emitters=false", "--xla_cpu_parallel_codegen_split_count=1")
if os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] != "0" and version("jaxlib").startswith("0.10."):
    flags = os.environ.get("XLA_FLAGS", "").split()
    os.environ["XLA_FLAGS"] = " ".join([*(flag for flag in flags if flag not in QUICK), *QUICK])

# Tracing makes so many objects that Python would look for garbage several times a second.
gc.set_threshold(100_000, 20, 100)

# A shell that starts the tests in the background has them ignore Ctrl-C, which some tests are about.
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    and threading.current_thread() is threading.main_thread()
):
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _strict():
    jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    """No test reads or writes the user's cache; a target is trained, and its programs compiled, once for all.

    Also for all processes among which the tests are shared out. Networks of `idx_folder` are there already;
    `fooljax.targets.trained` trains one again where its file is not of today's recipe.
    """
    patch = pytest.MonkeyPatch()
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    patch.setenv("FOOLJAX_CACHE", str(base / "cache"))
    for network in BARS_NETWORKS.iterdir():
        kept = base / "cache" / "targets" / network.name
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(kept, network.read_bytes())
    yield
    patch.undo()


@pytest.fixture(scope="session")
def idx_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bars", numbered=False)  # the data set, and so its network, is named so
    write_bars(folder)
    return folder


@pytest.fixture
def settings(idx_folder):
    # No judges: they take longer than such a search. `finished` has some.
    return [
        "--data", f"idx:{idx_folder}", "--runs", "2", "--children", "16", "--generations", "30", "--lineage",
        "--judges", "none",
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


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the finished run's folder, which may be changed."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))
