"""Convolutions with channels last, for loops on a CPU, whatever layout a network was written in.

XLA's CPU backend has fast convolutions for images `[B, H, W, K]` with kernels `[h, w, K, O]` only. It brings
others into that form where they stand at the top of a program, but not inside the body of a loop or a branch
(its pass `ConvCanonicalization` walks the entry computation alone), and a search is all one loop. There
PyTorch's layout, `[B, K, H, W]`, costs 2 to 60 times as much, and so does the gradient of any convolution,
whose kernel has inputs and outputs exchanged. So the same is done here first, in the traced program: each
such convolution becomes one with channels last between transpositions.
"""

from collections.abc import Callable
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, jaxpr_as_fun
from jax.extend.core.primitives import conv_general_dilated_p

from fooljax.engine.placement import by_platform

Axes = tuple[int, ...]


def channels_last(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, with its convolutions in the form that a CPU is fast at; elsewhere they stay as they are.

    That holds for convolutions of any rank, groups and dilations, also inside `jit`, loops, branches,
    checkpoints and functions with derivatives of their own. Results are those that XLA gives outside loops.
    Where there is nothing to rewrite the program is the same. A function that takes gradients should be
    rewritten from outside: a derivative taken of the result would meet convolutions that are new.

    Args:
      function: of pytrees of arrays, pure.
    """

    def run(*arguments: Any) -> Any:
        traced, result = jax.make_jaxpr(function, return_shape=True)(*arguments)
        rewritten = traced.replace(jaxpr=_rewritten(traced.jaxpr))
        leaves = jaxpr_as_fun(rewritten)(*jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(result), leaves)

    return run


def _rewritten(jaxpr: Jaxpr) -> Jaxpr:
    """The program with convolutions rewritten; itself where it has none to rewrite."""
    equations = [_rewritten_equation(equation) for equation in jaxpr.eqns]
    same = all(new is old for new, old in zip(equations, jaxpr.eqns, strict=True))
    return jaxpr if same else jaxpr.replace(eqns=equations)


def _rewritten_equation(equation: JaxprEqn) -> JaxprEqn:
    if equation.primitive is conv_general_dilated_p:
        return equation if _is_left(equation.params) else _as_channels_last(equation)
    params = {name: _rewritten_inside(value) for name, value in equation.params.items()}
    same = all(params[name] is value for name, value in equation.params.items())
    return equation if same else equation.replace(params=params)


def _rewritten_inside(value: Any) -> Any:
    """A parameter of an operation: a program, several, or anything else."""
    if isinstance(value, ClosedJaxpr):
        inner = _rewritten(value.jaxpr)
        return value if inner is value.jaxpr else value.replace(jaxpr=inner)
    if isinstance(value, Jaxpr):
        return _rewritten(value)
    if type(value) is tuple:
        parts = tuple(_rewritten_inside(part) for part in value)
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts
    return value


def _is_left(params: dict[str, Any]) -> bool:
    """Whether a convolution stays as it is."""
    images, kernel, results = _orders(params)
    as_it_stands = tuple(range(len(images)))
    if not images == results == as_it_stands:
        return False
    # The gradient of a convolution with strides, whose channels are last, stays as well, though it could be
    # faster: EfficientNet has one, and its published ascents are repeated bit for bit only if it does.
    return kernel == as_it_stands or any(step > 1 for step in params["lhs_dilation"])


def _orders(params: dict[str, Any]) -> tuple[Axes, Axes, Axes]:
    """The axes of images, kernel and result in the order that is fast."""
    (batch, channels, *space), (features, inputs, *window), (first, last, *between) = params[
        "dimension_numbers"
    ]
    return (batch, *space, channels), (*window, inputs, features), (first, *between, last)


def _as_channels_last(equation: JaxprEqn) -> JaxprEqn:
    """The same operation on the same variables, as a call."""
    params = equation.params
    of_images, of_kernel, of_result = _orders(params)
    rank = len(of_images)
    outside, window = (0, rank - 1, *range(1, rank - 1)), (rank - 1, rank - 2, *range(rank - 2))
    numbers = jax.lax.ConvDimensionNumbers(outside, window, outside)
    back = sorted(range(rank), key=of_result.__getitem__)

    def as_it_was(images: jax.Array, kernel: jax.Array) -> jax.Array:
        result: jax.Array = conv_general_dilated_p.bind(images, kernel, **params)
        return result

    def on_cpu(images: jax.Array, kernel: jax.Array) -> jax.Array:
        images, kernel = images.transpose(of_images), kernel.transpose(of_kernel)
        result: jax.Array = conv_general_dilated_p.bind(
            images, kernel, **{**params, "dimension_numbers": numbers}
        )
        return result.transpose(back)

    def call(images: jax.Array, kernel: jax.Array) -> jax.Array:
        result: jax.Array = by_platform(on_cpu, as_it_was, images, kernel)
        return result

    operands = (variable.aval for variable in equation.invars)
    (step,) = jax.make_jaxpr(jax.jit(call))(*operands).eqns
    return step.replace(invars=equation.invars, outvars=equation.outvars, source_info=equation.source_info)
