"""The images that a gradient ascent starts from. Source: the authors' `find_fooling_image.py`."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown
from fooljax.own_settings import with_own_settings

START_MODES = ("mean_plus", "randu", "zero")
"""In the authors' words: normal noise of one level around the mean; uniform noise; the mean itself."""


@with_own_settings
def start_images(
    key: jax.Array,
    count: int,
    image_shape: tuple[int, int, int],
    *,
    mode: str = "mean_plus",
    mean: npt.ArrayLike | None = None,
    scale: float = 255.0,
) -> jax.Array:
    """Draws start images.

    Args:
      key: a PRNG key.
      count: `B`.
      image_shape: `(H, W, K)`.
      mode: "mean_plus", the mean plus N(0, 1 / scale); "randu", uniform in [0, 1]; or "zero", the mean.
      mean: broadcast to `[H, W, K]`, in [0, 1]; black where None.
      scale: the pixel value that stands for 1 where the noise of "mean_plus" has a standard deviation of 1.
    Returns:
      `[B, H, W, K]` in [0, 1]. The authors clip only when they first show an image to the network; here the
      start is clipped itself, which matters to the recorded distance from it alone.
    Raises:
      InputError: an argument is not as above.
    """
    if mode not in START_MODES:
        raise InputError(f"mode: expected one of {', '.join(START_MODES)}, got {mode}")
    if count < 1:
        raise InputError(f"count: expected 1 or more, got {count}")
    if not 0.0 < scale < math.inf:
        raise InputError(f"scale: expected a number above 0, got {scale}")
    shape = (count, *image_shape)
    middle = jnp.broadcast_to(as_mean(mean, image_shape)[None], shape)
    if mode == "randu":
        return jax.random.uniform(key, shape)
    return middle if mode == "zero" else jnp.clip(middle + jax.random.normal(key, shape) / scale, 0.0, 1.0)


def as_mean(mean: npt.ArrayLike | None, image_shape: tuple[int, int, int]) -> jax.Array:
    """A mean image, `[H, W, K]`, of anything that broadcasts to it; zeros of None.

    Raises:
      InputError: it does not broadcast, or a value is outside [0, 1].
    """
    try:
        array = np.asarray(0.0 if mean is None else mean, np.float32)
    except (TypeError, ValueError):
        raise InputError(f"mean: expected numbers in [0, 1], got {shown(repr(mean))}") from None
    try:
        whole = np.broadcast_to(array, image_shape)
    except ValueError:
        raise InputError(
            f"mean: expected a shape that broadcasts to {list(image_shape)}, got {list(array.shape)}"
        ) from None
    if not np.all((whole >= 0.0) & (whole <= 1.0)):
        raise InputError("mean: expected values in [0, 1], got some outside of it")
    return jnp.asarray(whole)
