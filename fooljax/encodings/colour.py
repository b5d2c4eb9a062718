"""From a CPPN's outputs to an image.

The authors' code makes a byte of an output by truncating 255 times it towards zero, then taking the absolute
value: a change of sign is a fold, not a clip. In colour the three bytes are hue, lightness and saturation of
an 8-bit OpenCV image (the paper says HSV, the code HLS), whose unit of hue is 2 degrees: hue goes round the
circle at 180, and 1.42 times round over the 256 values.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from fooljax.errors import InputError

DEGREES_PER_UNIT = 2.0
"""Of an 8-bit hue. Source: OpenCV's 8-bit HLS and HSV."""

Channels = tuple[jax.Array, ...]


class Colour(NamedTuple):
    """How outputs become channels.

    Attributes:
      num_outputs: `K`, outputs a genome needs.
      num_channels: `K'`, channels of the image.
      convert: from `K` arrays of folded levels in [0, 1] (multiples of 1/255) to `K'` arrays in [0, 1].
    """

    num_outputs: int
    num_channels: int
    convert: Callable[..., Channels]


def fold(output: jax.Array, truncate: bool = True) -> jax.Array:
    """`abs(trunc(255 * output)) / 255`, at most 1.

    Args:
      output: any shape, in [-1, 1].
      truncate: False leaves the levels continuous, `abs(output)`: a derivative needs it.
    """
    level = lax.min(lax.abs(output) * 255.0, jnp.full_like(output, 255.0))
    return (lax.floor(level) if truncate else level) * (1.0 / 255.0)


def hls_to_rgb(hue: jax.Array, lightness: jax.Array, saturation: jax.Array) -> Channels:
    """HLS to RGB without branches.

    Args:
      hue: in turns, any real number of 0 or more; 1 is 0 again.
      lightness: in [0, 1].
      saturation: in [0, 1].
    Returns:
      Red, green and blue in [0, 1].
    """
    reach = saturation * jnp.minimum(lightness, 1.0 - lightness)

    def channel(offset: float) -> jax.Array:
        k = _modulo(hue * 12.0 + offset, 12.0)
        return lightness - reach * jnp.maximum(jnp.minimum(jnp.minimum(k - 3.0, 9.0 - k), 1.0), -1.0)

    return channel(0.0), channel(8.0), channel(4.0)


def hsv_to_rgb(hue: jax.Array, saturation: jax.Array, value: jax.Array) -> Channels:
    """HSV to RGB without branches; arguments and result as in `hls_to_rgb`."""

    def channel(offset: float) -> jax.Array:
        k = _modulo(hue * 6.0 + offset, 6.0)
        return value - value * saturation * jnp.maximum(jnp.minimum(jnp.minimum(k, 4.0 - k), 1.0), 0.0)

    return channel(5.0), channel(3.0), channel(1.0)


def _modulo(x: jax.Array, period: float) -> jax.Array:
    return x - period * lax.floor(x * (1.0 / period))


def _turns(level: jax.Array) -> jax.Array:
    """An 8-bit hue as OpenCV reads it, in turns."""
    return level * (255.0 * DEGREES_PER_UNIT / 360.0)


COLOURS: dict[str, Colour] = {
    "grey": Colour(1, 1, lambda level: (level,)),
    "hls": Colour(3, 3, lambda hue, lightness, saturation: hls_to_rgb(_turns(hue), lightness, saturation)),
    "hsv": Colour(3, 3, lambda hue, saturation, value: hsv_to_rgb(_turns(hue), saturation, value)),
    "rgb": Colour(3, 3, lambda red, green, blue: (red, green, blue)),
}
"""Name to conversion: "grey"; "hls" as in the authors' code; "hsv" as in the paper; "rgb"."""


def lookup(name: str) -> Colour:
    """The conversion of this name.

    Raises:
      InputError: it is not in `COLOURS`.
    """
    if name not in COLOURS:
        raise InputError(f"colour: expected one of {', '.join(COLOURS)}; got {name!r}")
    return COLOURS[name]


def fitting(image_shape: tuple[int, int, int], name: str | None) -> str:
    """The name of a conversion for an image: the one asked for, or the first that fits.

    Raises:
      InputError: the image has neither 1 nor 3 channels, or the conversion asked for does not fit.
    """
    channels = image_shape[2]
    names = [known for known, colour in COLOURS.items() if colour.num_channels == channels]
    if not names:
        raise InputError(f"image_shape: expected 1 or 3 channels, got {channels}")
    if name is not None and name not in names:
        raise InputError(f"colour: expected one of {', '.join(names)} for {channels} channels, got {name}")
    return name or names[0]


def to_channels(outputs: Sequence[jax.Array], colour: Colour, truncate: bool = True) -> Channels:
    """Channels of arrays of outputs, of any shape.

    Args:
      outputs: `K` arrays in [-1, 1].
      colour: the conversion.
      truncate: as in `fold`.
    Returns:
      `K'` arrays in [0, 1].
    """
    return colour.convert(*(fold(output, truncate) for output in outputs))


def to_image(outputs: jax.Array, name: str, truncate: bool = True) -> jax.Array:
    """An image of outputs `[K, H, W]` in [-1, 1]: `[H, W, K']` in [0, 1].

    Raises:
      InputError: no such conversion, or another number of outputs than it needs.
    """
    colour = lookup(name)
    if outputs.ndim != 3 or outputs.shape[0] != colour.num_outputs:
        raise InputError(f"outputs: expected [{colour.num_outputs}, H, W], got {list(outputs.shape)}")
    return jnp.stack(to_channels(tuple(outputs), colour, truncate), axis=-1)
