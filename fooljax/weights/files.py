"""Reads a weights file of any known form; what the file is, is told by its ending."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError
from fooljax.weights.caffe import read_caffemodel
from fooljax.weights.pytorch import read_pytorch

ENDINGS = (".pth", ".pt", ".safetensors", ".npz", ".caffemodel")


def read_weights(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a file by name.

    Args:
      path: a PyTorch file (.pth, .pt), .safetensors, .npz, or .caffemodel.
    Raises:
      InputError: there is no such file, its ending is unknown, it is damaged, or it holds more than tensors.
    """
    if not path.is_file():
        raise InputError(f"weights: expected a file, found none at {path}")
    match path.suffix.lower():
        case ".pth" | ".pt":
            return read_pytorch(path)
        case ".caffemodel":
            return read_caffemodel(path)
        case ".npz":
            return _read_npz(path)
        case ".safetensors":
            return _read_safetensors(path)
    raise InputError(f"weights: expected a file that ends in {', '.join(ENDINGS)}, got {path}")


def _read_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            claimed = sum(entry.file_size for entry in archive.infolist())
        # Weights hardly compress: a file that says otherwise would fill the memory.
        if claimed > 20 * size:
            raise InputError(f"{path}: expected weights, found {claimed:,} bytes packed into {size:,}")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (ValueError, OSError, zipfile.BadZipFile, EOFError, KeyError) as error:
        reason = str(error).splitlines()[:1] or ["damaged"]
        raise InputError(f"{path}: expected a .npz of plain arrays, found otherwise ({reason[0]})") from error


def _read_safetensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    except ImportError:
        raise InputError(
            f"{path}: reading .safetensors wants its library; pip install 'fooljax[imagenet]' brings it"
        ) from None
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: expected a .safetensors file, found a damaged one ({error})") from error
