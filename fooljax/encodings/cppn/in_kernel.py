"""Functions of nodes in the form that a GPU's kernel can hold.

A kernel's compiler, Triton, knows fewer operations than XLA. It cannot round to the nearest whole number, as
the sine and the exponential do; that is written in other operations here. A function that needs an operation
outside `KNOWN` cannot be in a kernel.
"""

import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Literal

from fooljax.encodings.cppn.functions import Function, lookup

KNOWN = (
    " abs acos acosh add add_any and asin asinh atan atan2 atanh bitcast_convert_type broadcast_in_dim cbrt"
    " ceil clamp convert_element_type cos cosh div eq exp exp2 expm1 floor ge gt integer_pow is_finite le log"
    " log1p logistic lt max min mul ne neg not or pow rem rsqrt select_n shift_left shift_right_arithmetic"
    " shift_right_logical sign sin sinh sqrt square stop_gradient sub tan tanh xor "
)
"""Names of JAX's operations that a function may use, besides rounding to even."""
SOME = jax.ShapeDtypeStruct((128,), jnp.float32)
"""What functions are tried with."""
INSIDE = {"jit": "jaxpr", "custom_jvp_call": "call_jaxpr"}
"""Operations that hold a function of their own, and under what name."""


def without_rounding(function: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """A function of the same values, in which rounding is written in other operations."""

    def rewritten(*arguments: jax.Array) -> jax.Array:
        result: jax.Array = _evaluate(jax.make_jaxpr(function)(*arguments), *arguments)[0]
        return result

    return rewritten


def written(
    functions: Sequence[Callable[..., jax.Array]], interpret: bool
) -> tuple[Callable[..., jax.Array], ...]:
    """Functions as a kernel takes them: without rounding, unless the kernel is interpreted."""
    return tuple(functions) if interpret else tuple(map(without_rounding, functions))


def all_fit(function_names: Sequence[str], slopes: bool = False) -> bool:
    """Whether all functions of these names can be in a kernel, and this version of JAX has its compiler.

    Args:
      function_names: names out of `functions.FUNCTIONS`.
      slopes: whether their derivatives must be in it, too.
    """
    if importlib.util.find_spec("jax.experimental.pallas.triton") is None:
        return False
    return all(fits(function) and (not slopes or slope_fits(function)) for function in lookup(function_names))


@cache
def fits(function: Function) -> bool:
    """Whether a function can be in a kernel: all of its operations are known and go element by element."""
    return _fits(jax.make_jaxpr(function)(SOME), SOME.shape)


@cache
def slope_fits(function: Function) -> bool:
    """Whether the derivative of a function can be in a kernel."""
    return _fits(jax.make_jaxpr(slope_at(function))(SOME, SOME), SOME.shape)


def slope_at(function: Function) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """The derivative of a function at its argument, times the one with respect to its value."""

    def slope(p: jax.Array, slope: jax.Array) -> jax.Array:
        result: jax.Array = jax.vjp(function, p)[1](slope)[0]
        return result

    return slope


def _fits(traced: Any, shape: tuple[int, ...]) -> bool:
    def known(equation: Any) -> bool:
        name, results = equation.primitive.name, [variable.aval for variable in equation.outvars]
        if name in INSIDE:
            return _fits(equation.params[INSIDE[name]], shape)
        if name == "round":
            to_even = equation.params["rounding_method"] is lax.RoundingMethod.TO_NEAREST_EVEN
            return to_even and results[0].dtype == jnp.float32
        return f" {name} " in KNOWN and all(result.shape in ((), shape) for result in results)

    return not traced.consts and all(known(equation) for equation in traced.jaxpr.eqns)


def _evaluate(traced: Any, *arguments: Any) -> list[Any]:
    """The results of a traced function, whose roundings are written anew."""
    values = dict(zip(traced.jaxpr.invars, arguments, strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else values[atom]

    for equation in traced.jaxpr.eqns:
        operands, name = [read(atom) for atom in equation.invars], equation.primitive.name
        if name in INSIDE:
            results = _evaluate(equation.params[INSIDE[name]], *operands)
        elif name == "round":
            results = [_round(*operands)]
        else:
            results = [equation.primitive.bind(*operands, **equation.params)]
        values |= dict(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in traced.jaxpr.outvars]


def _round(x: jax.Array) -> jax.Array:
    """The nearest whole number, of two equally near the even one: floats from 2^23 on have no fraction."""
    size = lax.abs(x)
    whole = jnp.where(size < 2.0**23, (size + 2.0**23) - 2.0**23, size)
    return jnp.where(x < 0.0, -whole, whole)
