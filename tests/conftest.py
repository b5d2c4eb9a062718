import os

# Toy programs are compiled far more often than run: without LLVM's dear passes it takes half the time.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import jax
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
