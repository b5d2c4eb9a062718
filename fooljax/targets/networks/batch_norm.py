"""A convolution and the batch norm after it as one convolution: what a network does once it is trained."""

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError
from fooljax.targets.weights import NamedTensors

Weights = npt.NDArray[np.float32]


def fold(
    kernel: Weights, scale: Weights, shift: Weights, mean: Weights, variance: Weights, epsilon: float
) -> tuple[Weights, Weights]:
    """The kernel `[kh, kw, I, O]` and the bias `[O]` of both.

    Args:
      kernel: of the convolution, `[kh, kw, I, O]`; it has no bias of its own.
      scale: `[O]`, of batch norm, also called gamma.
      shift: `[O]`, of batch norm, also called beta.
      mean: `[O]`, its running mean.
      variance: `[O]`, its running variance.
      epsilon: is added to the variance.
    """
    gain = scale / np.sqrt(variance.astype(np.float64) + epsilon)
    folded = kernel.astype(np.float64) * gain
    return np.ascontiguousarray(folded, np.float32), (shift - mean * gain).astype(np.float32)


def folded_of_pytorch(
    tensors: NamedTensors, source: str, norm: str, shape: tuple[int, ...], epsilon: float
) -> tuple[Weights, Weights]:
    """`fold` of the tensors of two layers in a PyTorch file.

    Args:
      tensors: of the file; what is missing is noted there.
      source: name of the convolution.
      norm: name of the batch norm.
      shape: `(O, I, kh, kw)` of the convolution's kernel in the file.
      epsilon: of the batch norm.
    """
    kernel = tensors.take(f"{source}.weight", shape).transpose(2, 3, 1, 0)
    parts = ("weight", "bias", "running_mean", "running_var")
    scale, shift, mean, variance = (tensors.take(f"{norm}.{part}", shape[:1]) for part in parts)
    check_variance(variance, tensors.source, f"{norm}.running_var")
    return fold(kernel, scale, shift, mean, variance, epsilon)


def check_variance(variance: Weights, source: str, name: str) -> None:
    """Makes sure that variances can be ones.

    Raises:
      InputError: one of them is negative.
    """
    if np.any(variance < 0):
        raise InputError(f"{source}: expected variances, which are not negative, in {name}")
