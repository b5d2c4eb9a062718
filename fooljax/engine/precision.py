"""All arithmetic is in float32, whatever the user's setting of `jax_enable_x64`.

Archives, checkpoints and published figures are float32; with 64-bit types switched on, every number that JAX
makes of a Python number would be a float64 and change them, or refuse to meet a float32.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

Given = ParamSpec("Given")
Result = TypeVar("Result")
Tree = TypeVar("Tree")


def in_float32(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """The same function, run with 64-bit types switched off."""

    @functools.wraps(function)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        if not jax.config.values["jax_enable_x64"]:
            return function(*args, **kwargs)
        with _without_x64():
            return function(*args, **kwargs)

    return run


def as_float32(tree: Tree) -> Tree:
    """The same pytree with its float64 leaves as float32; all others are the same objects."""

    def single(leaf: Any) -> Any:
        wide = getattr(leaf, "dtype", None) == np.float64
        return jnp.asarray(np.asarray(leaf, np.float32)) if wide else leaf

    return jax.tree.map(single, tree)


def _without_x64() -> Any:
    # Newer releases of JAX have the first, older ones the second.
    older: Any = jax.experimental
    return jax.enable_x64(False) if hasattr(jax, "enable_x64") else older.disable_x64()
