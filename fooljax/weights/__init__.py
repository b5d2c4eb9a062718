"""Reading of weight files: arrays by name, nothing executed, no memory beyond what the file holds."""

from fooljax.weights.caffe import read_mean_image
from fooljax.weights.files import read_weights
from fooljax.weights.naming import Naming

__all__ = ["Naming", "read_mean_image", "read_weights"]
