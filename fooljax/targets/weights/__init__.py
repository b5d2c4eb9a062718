"""Reading of weight files: arrays by name, nothing executed, no memory beyond what the file holds."""

from fooljax.targets.weights.caffe import read_mean_image
from fooljax.targets.weights.files import read_weights
from fooljax.targets.weights.named_tensors import NamedTensors

__all__ = ["NamedTensors", "read_mean_image", "read_weights"]
