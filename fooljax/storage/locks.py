"""A folder in which only one process works at a time; the lock is let go however the process ends."""

import os
import stat
from pathlib import Path

import filelock

from fooljax.errors import FaultError, InputError, shown

LOCK = ".lock"
"""The file that is locked. It is empty, and stays when the lock is let go."""


def lock_folder(path: Path, kind: str) -> filelock.BaseFileLock:
    """Locks a folder, without waiting.

    Args:
      path: of the folder.
      kind: what the folder is to people, as "run folder".
    Returns:
      The lock, which is held; `release` lets it go.
    Raises:
      InputError: another process holds it, or the lock's file is not ours.
      FaultError: nothing can be written there.
    """
    file = path / LOCK
    lock = filelock.FileLock(file, timeout=0)
    try:
        # To lock it empties it.
        if os.path.lexists(file) and not (stat.S_ISREG(file.lstat().st_mode) and file.stat().st_size == 0):
            raise InputError(f"{shown(path)}: expected no {LOCK} of others in it, found one")
        lock.acquire()
    except filelock.Timeout:
        raise InputError(f"{shown(path)}: another process is at work in this {kind}") from None
    except OSError as error:
        raise FaultError(f"{shown(path)}: cannot write into this folder: {error.strerror}") from error
    return lock
