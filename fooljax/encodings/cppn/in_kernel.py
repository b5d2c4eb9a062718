"""Functions of nodes in the form that a GPU's kernel can hold.

A kernel's compiler, Triton, knows fewer operations than XLA. It cannot round to the nearest whole number, as
the sine and the exponential do; that is written in other operations here. A function that needs an operation
outside `KNOWN` cannot be in a kernel.
"""

import importlib.util
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Literal

from fooljax.encodings.cppn.functions import Function, lookup

KNOWN = (
    " abs acos acosh add and asin asinh atan atan2 atanh bitcast_convert_type broadcast_in_dim cbrt ceil"
    " clamp convert_element_type cos cosh div eq exp exp2 expm1 floor ge gt integer_pow is_finite le log"
    " log1p logistic lt max min mul ne neg not or pow rem rsqrt select_n shift_left"
    " shift_right_arithmetic shift_right_logical sign sin sinh sqrt square stop_gradient sub tan tanh xor "
)
"""Names of JAX's operations that a function may use, besides rounding to even."""
INSIDE = {"jit": "jaxpr", "custom_jvp_call": "call_jaxpr"}
"""Operations that hold a function of their own, and under what name."""


def without_rounding(function: Function) -> Function:
    """A function of the same values, in which rounding is written in other operations."""

    def rewritten(p: jax.Array) -> jax.Array:
        result: jax.Array = _evaluate(jax.make_jaxpr(function)(p), p)[0]
        return result

    return rewritten


def all_fit(function_names: Sequence[str]) -> bool:
    """Whether all functions of these names can be in a kernel, and this version of JAX has its compiler."""
    has_compiler = importlib.util.find_spec("jax.experimental.pallas.triton") is not None
    return has_compiler and all(fits(function) for function in lookup(function_names))


def fits(function: Function) -> bool:
    """Whether a function can be in a kernel: all of its operations are known and go element by element."""
    sums = jax.ShapeDtypeStruct((128,), jnp.float32)
    return _fits(jax.make_jaxpr(function)(sums), sums.shape)


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
