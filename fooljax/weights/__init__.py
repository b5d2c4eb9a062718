"""Reading of weight files: arrays by name, nothing executed, no memory beyond what the file holds."""

from fooljax.weights.naming import Naming
from fooljax.weights.pytorch import read_pytorch

__all__ = ["Naming", "read_pytorch"]
