"""Opening files of any origin: regular ones only, so that nothing read here can block or never end.

A pipe without a writer would make a program wait for ever, and some devices never come to an end.
"""

import os
import stat
from pathlib import Path
from typing import IO

from fooljax.errors import InputError, shown

_NO_WAITING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: Path) -> IO[bytes]:
    """Opens a regular file (or a link to one) for reading, without ever waiting.

    Raises:
      InputError: there is no such file, it may not be read, or it is a folder, a pipe, a socket or a device.
    """
    try:
        descriptor = os.open(path, _NO_WAITING)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else None
        raise InputError(f"cannot read {name_of(path)}: {reason or shown(error)}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        found = "a folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "a pipe or a device"
        os.close(descriptor)
        raise InputError(f"cannot read {name_of(path)}: expected a file, found {found}")
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, most: int) -> bytes:
    """The bytes of a regular file.

    Args:
      path: of the file.
      most: bytes that it may have.
    Raises:
      InputError: as `open_regular`, or it is longer, or the disk fails.
    """
    with open_regular(path) as file:
        try:
            content = file.read(min(most, os.fstat(file.fileno()).st_size) + 1)
        except OSError as error:
            raise InputError(f"cannot read {name_of(path)}: {error.strerror or error}") from error
    if len(content) > most:
        raise InputError(f"{name_of(path)}: expected at most {most:,} bytes, found more")
    return content


def name_of(path: Path) -> str:
    """A path as a message shows it: whole, without what a terminal would obey."""
    return shown(path, most=4096)
