"""How large the change of an 8-bit image is, in the units that people know."""

import numpy as np
import numpy.typing as npt


def peak_signal_to_noise(
    changed: npt.NDArray[np.uint8], originals: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float64]:
    """The peak signal-to-noise ratio of each image, in decibels; infinite where nothing has changed.

    From some 40 dB on a change is commonly not seen.

    Args:
      changed: `[N, H, W, K]`.
      originals: `[N, H, W, K]`.
    Returns:
      `[N]`.
    """
    error = np.mean((changed - originals.astype(np.float64)) ** 2, axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(255.0**2 / error)


def euclidean_length(
    changed: npt.NDArray[np.uint8], originals: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float64]:
    """The Euclidean length of the change of each image, in units of the range of values, `[N]`."""
    found: npt.NDArray[np.float64] = (
        np.sqrt(np.sum((changed - originals.astype(np.float64)) ** 2, axis=(1, 2, 3))) / 255.0
    )
    return found


def grey_levels(changed: npt.NDArray[np.uint8], originals: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The largest change of a value in each image, in grey levels of 255, `[N]`."""
    return np.max(np.abs(changed.astype(np.int64) - originals), axis=(1, 2, 3))


LENGTHS = {"l2": euclidean_length, "linf": lambda *images: grey_levels(*images) / 255.0}
"""The length of the change of 8-bit images, by the name of the norm."""
