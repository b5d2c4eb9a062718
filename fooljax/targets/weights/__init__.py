"""Reading of weight files: arrays by name, nothing executed, no memory beyond what the file holds."""

from fooljax.targets.weights.caffe import read_mean_image
from fooljax.targets.weights.files import read_weights
from fooljax.targets.weights.naming import Naming

__all__ = ["Naming", "read_mean_image", "read_weights"]
