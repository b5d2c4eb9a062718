"""Names of modules: what one imports is what one gets, and what is public is there without being imported."""

import importlib
import pickle
import pkgutil
import subprocess
import sys

import pytest

import fooljax

NAMES = [module.name for module in pkgutil.walk_packages(fooljax.__path__, "fooljax.")]
EXTRAS = {"fooljax.study.dask_workers": "distributed"}
"""Modules that need an extra, and a package of it."""


def test_there_are_modules():
    assert "fooljax.encodings.cppn.functions" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_no_function_stands_in_the_place_of_a_module(name):
    """Else `import a.b as c` gives the function, and `import a.b.c` ends in an ImportError."""
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])
    module = importlib.import_module(name)
    parent, _, last = name.rpartition(".")
    assert getattr(importlib.import_module(parent), last) is module


def test_the_encodings_of_drawings_are_a_package_and_a_function():
    import fooljax.encodings.cppn.functions as functions

    assert functions.FUNCTION_SETS
    assert fooljax.encodings.cppn((8, 8, 1), max_nodes=10).image_shape == (8, 8, 1)
    # In another process it is the same one.
    assert pickle.loads(pickle.dumps(fooljax.encodings.cppn)) is fooljax.encodings.cppn


def test_public_functions_have_their_names():
    from fooljax import encodings, gradient, report, strategies, targets

    for package, names in (
        (encodings, ("cppn", "direct", "fixed_cppn")),
        (gradient, ("optimiser", "progress")),
        (report, ("strip",)),
        (strategies, ("emitters", "focused", "map_elites", "random_search", "rank_ea", "refined")),
        (targets, ("trained", "lenet")),
    ):
        for name in names:
            assert callable(getattr(package, name)), name


def test_public_modules_are_there_after_import_fooljax():
    """In a program of its own, where no test has imported them."""
    program = (
        "import sys, fooljax\n"
        "assert 'matplotlib' not in sys.modules and 'fooljax.data.dataset' not in sys.modules\n"
        "assert set(fooljax.__all__) <= set(dir(fooljax))\n"
        "for name in fooljax.__all__: getattr(fooljax, name)\n"
        "assert 'scipy.stats' not in sys.modules  # most of a second, and no search needs it\n"
        "print(fooljax.data.load, fooljax.testing.check_encoding)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="module 'fooljax' has no attribute 'nothing'"):
        _ = fooljax.nothing
