"""Reading of weight files: arrays by name, nothing executed, no memory beyond what the file holds."""

from fooljax.weights.caffe import read_caffemodel, read_mean_image
from fooljax.weights.files import ENDINGS, read_weights
from fooljax.weights.naming import Naming
from fooljax.weights.pytorch import read_pytorch

__all__ = ["ENDINGS", "Naming", "read_caffemodel", "read_mean_image", "read_pytorch", "read_weights"]
