"""The layers that networks are made of, in the form that each platform is fast at."""

from fooljax.targets.networks.kernels.convolution import convolve
from fooljax.targets.networks.kernels.pooled_convolution import conv_pool
from fooljax.targets.networks.kernels.pooling import max_pool
from fooljax.targets.networks.kernels.products import add_bias, add_bias_to_maps, product
from fooljax.targets.networks.kernels.same_convolutions import convolve_few, depthwise, pointwise

__all__ = [
    "add_bias",
    "add_bias_to_maps",
    "conv_pool",
    "convolve",
    "convolve_few",
    "depthwise",
    "max_pool",
    "pointwise",
    "product",
]
