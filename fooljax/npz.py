"""Reads `.npz` files of plain arrays."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.errors import InputError, shown
from fooljax.reading import name_of, open_regular


def read_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a `.npz` file by name.

    Raises:
      InputError: the file is missing or damaged.
    """
    with open_regular(path) as stream:
        try:
            with np.load(stream, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except Exception as error:
            raise InputError(f"{name_of(path)}: damaged, or not an .npz ({shown(error)})") from error
