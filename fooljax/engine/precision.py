"""All arithmetic is in float32, whatever the user's setting of `jax_enable_x64`; and how exact products are.

Archives, checkpoints and published numbers are float32; with 64-bit types switched on, every number that JAX
makes of a Python number would be a float64 and change them, or refuse to meet a float32.

Accelerators multiply float32 matrices with fewer digits unless they are asked not to: recent GPUs of NVIDIA
round the factors to TF32, which has 10 bits of mantissa instead of 23, and TPUs to bfloat16, which has 7. So
there are two rules. A search uses the precision that JAX is set to (`jax_default_matmul_precision`), which is
the fastest by default: it asks for many images, and only compares them. What is published is computed in full
precision: the scores of saved images, and gradient ascents. On a CPU the two are the same.
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

FULL = "highest"
"""JAX's name for products of float32 that are not rounded to fewer digits."""
FEW_KERNELS = {"xla_gpu_enable_triton_gemm": False}
"""Options of `jax.jit` for products in full precision on a GPU. By default XLA compiles and times very many
kernels for each, which takes longer than all else of a run's report. With these it takes NVIDIA's library."""


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


def in_full_precision(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """The same function, traced so that its matrix products and convolutions are those of float32 everywhere.

    Operations that were given a precision of their own keep it.
    """

    @functools.wraps(function)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        with jax.default_matmul_precision(FULL):
            return function(*args, **kwargs)

    return run


def precision_of_search() -> str | None:
    """The precision that JAX is set to multiply with, such as "highest"; None is the device's default."""
    found: str | None = jax.config.values["jax_default_matmul_precision"]
    return found


def _without_x64() -> Any:
    # Newer releases of JAX have the first, older ones the second.
    older: Any = jax.experimental
    return jax.enable_x64(False) if hasattr(jax, "enable_x64") else older.disable_x64()
