"""Files and folders that are whole or absent: each is made under a temporary name, and renamed.

What a killed process left under a temporary name, the next one removes.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from fooljax.errors import FaultError, InputError
from fooljax.storage.reading import name_of, open_regular

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_TEMPORARY = re.compile(r"\.(.+)\.[0-9]+\.tmp", re.DOTALL)


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file so that it is, at any moment, the old one or the new one.

    Where the path is a symbolic link, the file that it names is written, and the link stays.

    Args:
      path: of the file.
      content: all of it.
    Raises:
      InputError: there is a device, a pipe or a folder.
      FaultError: the disk is full or read-only, or the folder is missing.
    """
    with contextlib.suppress(OSError):
        path = Path(os.path.realpath(path)) if path.is_symlink() else path
    if os.path.lexists(path) and not path.is_file():
        raise InputError(f"{name_of(path)}: expected a new file, or one to replace, found neither")
    remove_abandoned(path.parent, path.name)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with _open_locked(temporary) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if os.name == "posix":  # where an open file can be renamed: the lock is held until it is in place
                os.replace(temporary, path)
        if os.name != "posix":
            os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FaultError(f"cannot write {name_of(path)}: {error.strerror or error}") from error


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yields an empty folder under a temporary name, which gets its own name at the end, or goes again.

    Args:
      path: of the folder, where there is none.
    Raises:
      OSError: it cannot be made. Where another process was faster, its folder stays as it is.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.mkdir(parents=True)
        yield draft
        draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def remove_abandoned(folder: Path, name: str | None = None) -> None:
    """Removes temporary files that a killed process left; never one that a living process writes.

    A process holds a lock on the file that it writes, which ends with it, however it ends.

    Args:
      folder: where to look; the folders inside it too, where no name is given.
      name: of the file whose temporary ones are meant; of any file by default.
    """
    if fcntl is None:
        return
    for inner, _, files in os.walk(folder):
        for found in files:
            match = _TEMPORARY.fullmatch(found)
            if match and name in (None, match[1]):
                path = Path(inner, found)
                with contextlib.suppress(OSError, InputError), open_regular(path) as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
        if name is not None:
            break


def _open_locked(path: Path) -> IO[bytes]:
    """Opens a file to write, empty, locked against `remove_abandoned`."""
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b")
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks: nothing is removed there either
                fcntl.flock(file, fcntl.LOCK_EX)
        # Before the lock was had, the file may have been removed, or renamed by another thread.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                file.truncate()
                return file
        file.close()


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
