"""Labelled images: what targets are trained and tested on."""

from fooljax.data.dataset import Dataset, from_arrays
from fooljax.data.loading import load

__all__ = ["Dataset", "from_arrays", "load"]
