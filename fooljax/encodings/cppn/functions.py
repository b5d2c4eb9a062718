"""The functions of CPPN nodes, by name.

Sine, sigmoid, Gaussian and linear are those of the authors' code (Nguyen et al. 2015); `tanh5` takes the
place of the sine in the follow-up's "no sine" set (Nguyen et al. 2015, "Innovation Engines"); the others are
ours. Each maps every finite float32 into [-1, 1], and never to NaN.

A function of your own is one line: `FUNCTIONS["ramp"] = lambda p: ...`, from an array to an array of the same
shape, element by element; sets are tuples of names.

Sine, cosine and exponential are polynomials after range reduction: XLA's own sine is scalar on CPU, some 15
times slower, and its exponential twice as slow. Largest errors against float64, in float32 arithmetic: sine
and cosine 1e-6 for |p| <= 3000 (one connection of the paper's reaches 2550), the others 3e-7.
"""

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import lax

from fooljax.errors import InputError

Function = Callable[[jax.Array], jax.Array]

# Least-maximum fits on [-3.143, 3.143] (odd and even powers) and [-1/2, 1/2]: errors 1.0e-7, 1.1e-8, 7.6e-8.
_SINE = (
    0.9999996018375756,
    -0.16666552955225356,
    0.008332404402282669,
    -0.0001980865676448312,
    2.6997289246689926e-06,
    -2.0362423358566417e-08,
)
_COSINE = (
    0.9999999890407889,
    -0.49999989128635275,
    0.04166648943660353,
    -0.0013887804124811825,
    2.476988556318182e-05,
    -2.7078974047800575e-07,
    1.7244649042069682e-09,
)
_HALF_EXP2 = tuple(
    0.5 * coefficient
    for coefficient in (
        1.0000000754907756,
        0.6931472254056977,
        0.240221073685562,
        0.05550297302596137,
        0.00967603666526351,
        0.0013410003799685893,
    )
)
# 2 pi in two parts: the first has 8 bits, so that its product with a whole number below 2^16 is exact.
_TURN_HIGH = 6.28125
_TURN_LOW = 2.0 * math.pi - _TURN_HIGH
_LOG2_E = math.log2(math.e)
# Where the whole number of turns is rounded the wrong way an angle is beyond pi, by 0.0002 at |p| = 3000: the
# fits hold up to here.
_LARGEST_ANGLE = 3.143
# The exponents within which 2^t is a normal number.
_LOWEST, _HIGHEST = -126.0, 126.0


def _horner(coefficients: Sequence[float], x: jax.Array) -> jax.Array:
    """`sum(c * x**i)`."""
    total = x * coefficients[-1] + coefficients[-2]
    for coefficient in reversed(coefficients[:-2]):
        total = total * x + coefficient
    return total


def _within_turn(p: jax.Array) -> jax.Array:
    """`p` less whole turns; for huge `p`, where float32 cannot tell the angle, some angle."""
    turns = lax.round(p * (0.5 / math.pi), lax.RoundingMethod.TO_NEAREST_EVEN)
    return lax.clamp(-_LARGEST_ANGLE, (p - turns * _TURN_HIGH) - turns * _TURN_LOW, _LARGEST_ANGLE)


def _exp2(t: jax.Array) -> jax.Array:
    """`2 ** t` for `t` in [-126, 126]; relative error below 3e-7."""
    whole = lax.round(t, lax.RoundingMethod.TO_NEAREST_EVEN)
    # Adding 1.5 * 2^23 leaves the rounded number in the low bits: a conversion to integers would cost more,
    # since XLA guards it against overflow and NaN. With the exponent's bias of 127 added a half would go to
    # the odd number instead of the even one, so 128 is added, and the polynomial is half of 2^t.
    bits = lax.bitcast_convert_type(t + (1.5 * 2**23 + 128.0), jnp.int32)
    return _horner(_HALF_EXP2, t - whole) * lax.bitcast_convert_type(bits << 23, jnp.float32)


def sine(p: jax.Array) -> jax.Array:
    """sin(p)."""
    angle = _within_turn(p)
    return angle * _horner(_SINE, angle * angle)


def cosine(p: jax.Array) -> jax.Array:
    """cos(p)."""
    angle = _within_turn(p)
    return _horner(_COSINE, angle * angle)


def sigmoid(p: jax.Array) -> jax.Array:
    """2 / (1 + e^-p) - 1, in [-1, 1]."""
    return 2.0 / (1.0 + _exp2(lax.clamp(_LOWEST, p * -_LOG2_E, _HIGHEST))) - 1.0


def gaussian(p: jax.Array) -> jax.Array:
    """exp(-p^2), in [0, 1]."""
    return _exp2(lax.max(p * p * -_LOG2_E, jnp.full_like(p, _LOWEST)))


def linear(p: jax.Array) -> jax.Array:
    """clip(p, -3, 3) / 3."""
    return lax.clamp(-3.0, p, 3.0) * (1.0 / 3.0)


FUNCTIONS: dict[str, Function] = {
    "sine": sine,
    "sigmoid": sigmoid,
    "gaussian": gaussian,
    "linear": linear,
    "tanh5": lambda p: sigmoid(10.0 * p),
    "abs": lambda p: lax.min(lax.abs(p), jnp.full_like(p, 3.0)) * (1.0 / 3.0),
    "cos": cosine,
    "tanh": lambda p: sigmoid(2.0 * p),
    "relu": lambda p: lax.clamp(0.0, p, 3.0) * (1.0 / 3.0),
    "step": lambda p: (p > 0.0).astype(p.dtype),
    "square": lambda p: lax.min(p * p, jnp.full_like(p, 9.0)) * (1.0 / 9.0),
}
"""Name to function of the weighted sum; abs, relu and square are linear's bounded to |p| <= 3."""

FUNCTION_SETS: dict[str, tuple[str, ...]] = {
    "paper": ("sine", "sigmoid", "gaussian", "linear"),
    "no_sine": ("tanh5", "sigmoid", "gaussian", "linear"),
    "wide": (
        "sine",
        "sigmoid",
        "gaussian",
        "linear",
        "abs",
        "cos",
        "tanh",
        "relu",
        "step",
        "square",
    ),
}
"""Sets by name: "paper"; "no_sine", the follow-up's; "wide", ours."""


def names_of(functions: str | tuple[str, ...]) -> tuple[str, ...]:
    """The names in a set, given by its own name or as they are.

    Raises:
      InputError: no such set.
    """
    if isinstance(functions, str):
        if functions not in FUNCTION_SETS:
            raise InputError(f"functions: expected one of {', '.join(FUNCTION_SETS)}, got {functions}")
        return FUNCTION_SETS[functions]
    return functions


def lookup(names: Sequence[str]) -> tuple[Function, ...]:
    """The functions of these names, in order; a genome's function `i` is the i-th.

    Raises:
      InputError: no name, or one that is not in `FUNCTIONS`.
    """
    if not names:
        raise InputError("functions: expected at least one name")
    for name in names:
        if name not in FUNCTIONS:
            raise InputError(f"functions: expected names out of {', '.join(FUNCTIONS)}; got {name!r}")
    return tuple(FUNCTIONS[name] for name in names)
