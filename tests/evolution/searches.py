"""Searches of a small network that the tests of this room share."""

import jax
import numpy as np
from toys import ENCODING, STRATEGY, target

from fooljax.evolution import search
from fooljax.storage.trees import load_arrays, save_tree
from fooljax.strategies import STRATEGIES

KEY = jax.random.key(7)


CHECKED = [*[name for name in STRATEGIES if not name.startswith("evosax.")], "evosax.Sep_CMA_ES"]


def run(**changes):
    settings = {"key": KEY, "generations": 30, "runs": 2, **changes}
    return search(
        target(),
        ENCODING,
        changes.pop("strategy", STRATEGY),
        **{k: v for k, v in settings.items() if k != "strategy"},
    )


def assert_same(first, second):
    for a, b in zip(jax.tree.leaves(first.archive), jax.tree.leaves(second.archive), strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.metrics.keys() == second.metrics.keys()
    for name in first.metrics:
        np.testing.assert_array_equal(first.metrics[name], second.metrics[name])


def rewritten(path, change):
    arrays, kinds, facts = load_arrays(path)
    tree = {name: array for name, array in arrays.items() if change(name, facts)}
    for name in tree:
        if kinds[name].startswith("key"):
            tree[name] = jax.random.wrap_key_data(tree[name])
    save_tree(path, tree, facts)


def numpy_log_odds(pixels):
    """`[n, 4]` of images `[n, 36]`, without compiling anything for each `n`."""
    params = jax.tree.map(np.asarray, target().params)
    found = np.tanh(pixels @ params["in"]) @ params["out"]
    others = np.where(np.eye(4, dtype=bool), -np.inf, found[:, None])
    return found - np.logaddexp.reduce(others, axis=-1)


def given_genomes(count, seed=3):
    return jax.vmap(ENCODING.init)(jax.random.split(jax.random.key(seed), count))
