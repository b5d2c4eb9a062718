"""Functions that JAX traces when it writes a program in which they are, and not before.

Where a program has several forms, one for each platform, JAX traces all of them, though it writes one. To
trace the forms of a CPPN for other platforms takes longer than to trace that for a CPU.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir


@dataclass(frozen=True)
class _Flat:
    """A function of pytrees as one of arrays. Equal ones are one to JAX."""

    function: Callable[..., Any]
    structure: Any

    def __call__(self, *leaves: jax.Array) -> list[jax.Array]:
        return jax.tree.leaves(self.function(*jax.tree.unflatten(self.structure, leaves)))


def later(function: Callable[..., Any], like: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, traced only in programs in which it is.

    Args:
      function: pure, of pytrees of arrays.
      like: a function whose results have the same structure, shapes and types; it is traced at once.
    Returns:
      The function. Under `jax.vmap` and `jax.jvp` it is traced at once.
    """

    def call(*arguments: Any) -> Any:
        leaves, structure = jax.tree.flatten(arguments)
        shapes, form = jax.tree.flatten(jax.eval_shape(like, *arguments))
        results = _later.bind(*leaves, flat=_Flat(function, structure), shapes=tuple(shapes))
        return jax.tree.unflatten(form, results)

    return call


_later = Primitive("later")
_later.multiple_results = True


@_later.def_impl
def _run(*leaves: jax.Array, flat: _Flat, shapes: Any) -> list[jax.Array]:
    del shapes
    return jax.jit(flat)(*leaves)


@_later.def_abstract_eval
def _shapes(*leaves: Any, flat: _Flat, shapes: Any) -> list[Any]:
    del leaves, flat
    return [jax.core.ShapedArray(one.shape, one.dtype, one.weak_type) for one in shapes]


def _batch(leaves: Sequence[jax.Array], axes: Sequence[int | None], *, flat: _Flat, shapes: Any) -> Any:
    del shapes
    results = jax.vmap(flat, tuple(axes))(*leaves)
    return results, [0] * len(results)


def _derive(
    leaves: Sequence[jax.Array], tangents: Sequence[Any], *, flat: _Flat, shapes: Any
) -> tuple[Any, Any]:
    del shapes
    return jax.jvp(flat, tuple(leaves), tuple(map(ad.instantiate_zeros, tangents)))


batching.primitive_batchers[_later] = _batch
ad.primitive_jvps[_later] = _derive
mlir.register_lowering(_later, mlir.lower_fun(lambda *leaves, flat, shapes: flat(*leaves), True))
