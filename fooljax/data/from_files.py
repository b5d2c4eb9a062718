"""What the readers of data files share: a name for the data set, and errors that name the file."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from fooljax.errors import InputError
from fooljax.storage.reading import name_of

MAX_BYTES = 2**31
"""Of the images of a data set, unpacked: far above MNIST's 47 MB, below what a wrong file may claim."""


def name_after(kind: str, path: Path) -> str:
    """A short name of a data set: how it is read, and the name of its file or folder, as "idx-mnist"."""
    return f"{kind}-{re.sub(r'[^A-Za-z0-9_.-]+', '-', path.resolve().name)}"


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Puts the file's name before what is wrong with its content."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{name_of(path)}: {error}") from error
