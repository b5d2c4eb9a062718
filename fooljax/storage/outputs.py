"""Files that a user names for a command to write: none is replaced but by one of its kind.

A device, a pipe, a folder or somebody's text keeps standing at its name; a picture may take the place of a
picture, and figures that of figures. What is asked is told before any work is done.
"""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

from fooljax.errors import FaultError, InputError, shown


def _is_picture(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(8) == b"\x89PNG\r\n\x1a\n"


def _is_json(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except (ValueError, RecursionError):
        return False


def _is_csv(path: Path) -> bool:
    with open(path, "rb") as file:
        head = file.readline(1 << 16)
    return b"," in head and b"\0" not in head and head.endswith(b"\n")


def _is_parquet(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"PAR1"


KINDS: dict[str, Callable[[Path], bool]] = {
    "a PNG picture": _is_picture,
    "a JSON object": _is_json,
    "a table as CSV": _is_csv,
    "a table as Parquet": _is_parquet,
}
"""What commands write, and whether a plain file is one."""


def check_output(path: Path, name: str, kind: str = "a PNG picture") -> Path:
    """Makes sure that a file can be written and takes the place of none but one of its kind.

    Args:
      path: of the file.
      name: of the flag, for errors.
      kind: out of `KINDS`: what will be written.
    Returns:
      Where to write: the file that a symbolic link names, so that the link stays.
    Raises:
      InputError: there is a device, pipe, folder or file of another kind, or its folder is missing.
      FaultError: its folder cannot be written to.
    """
    try:
        place = Path(os.path.realpath(path))
        if os.path.lexists(place) or path.exists():
            if not place.is_file() or not KINDS[kind](place):
                raise InputError(
                    f"{name}: expected a new file, or {kind} to replace; {shown(path)} is neither"
                )
        elif path.name in ("", ".", "..") or str(path).endswith(os.sep):
            raise InputError(f"{name}: expected the name of a file, got {shown(path)}")
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise FaultError(f"{name}: {shown(path)} cannot be read: {shown(error)}") from error
    if not place.parent.is_dir():
        raise InputError(f"{name}: expected a file in a folder that exists, found no {shown(place.parent)}")
    if not os.access(place.parent, os.W_OK | os.X_OK):
        raise FaultError(f"{name}: cannot write into a folder {shown(place.parent)}")
    return place


def file_of(kind: str) -> Callable[[str], Path]:
    """The `type` of an argument of `argparse`, which tells what is wrong in a line of its own."""

    def read(text: str) -> Path:
        try:
            return check_output(expanded(shown(text), text), shown(text), kind)
        except (InputError, FaultError) as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def expanded(name: str, path: str | os.PathLike[str]) -> Path:
    """A path with the home folder in place of a `~` that it begins with, as the shell has it.

    Args:
      name: of the argument, for errors.
      path: what was given.
    Raises:
      InputError: this user has no home, or there is no such user.
    """
    try:
        return Path(path).expanduser()
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{name}: expected a folder, got {shown(path)} ({shown(error)})") from error


def as_folder(name: str, value: object) -> Path:
    """A folder that an argument names, which need not be there yet; a leading `~` is the user's home.

    Args:
      name: of the argument, for errors.
      value: what was given.
    Raises:
      InputError: it is no path, there is no such home, or a file stands there.
    """
    if not isinstance(value, Path | str) or not str(value) or "\0" in str(value):
        raise InputError(f"{name}: expected a folder, got {shown(repr(value))}")
    path = expanded(name, value)
    if os.path.lexists(path) and not path.is_dir():
        raise InputError(f"{name}: expected a folder, found a file at {shown(path)}")
    return path
