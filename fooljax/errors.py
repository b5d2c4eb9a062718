"""The two kinds of failure a user can mend: what they gave, and where it runs.

Commands turn both into one line on stderr: exit status 2 for `InputError`, 1 for `FaultError`.
Anything else is a bug and keeps its traceback.
"""


class InputError(ValueError):
    """A flag, config, file, image, model or array is not what was expected."""


class FaultError(RuntimeError):
    """The environment failed: a full or read-only disk, a missing package, no network."""
