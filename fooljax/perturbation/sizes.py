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


def grey_levels(changed: npt.NDArray[np.uint8], originals: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The largest change of a value in each image, in grey levels of 255, `[N]`."""
    return np.max(np.abs(changed.astype(np.int64) - originals), axis=(1, 2, 3))
