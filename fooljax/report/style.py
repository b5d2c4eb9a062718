"""Matplotlib as our figures need it, whatever the user's settings: importable, and always of one look.

Imported before every other module of this package, so that Matplotlib is first met here.
"""

import importlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fooljax.errors import FaultError, shown


def import_matplotlib() -> None:
    """Imports Matplotlib, without the user's settings where it does not come with them.

    It raises while it is imported where `MPLBACKEND` names a backend that is not there: a notebook's shell
    hands its own on to every command.

    Raises:
      FaultError: there is no folder that it can write to: neither of its own, nor a home, nor for the moment.
    """
    try:
        _import_whatever_is_set()
        importlib.import_module("matplotlib.font_manager")  # which asks for the folder again
    except OSError as error:
        raise FaultError(
            f"MPLCONFIGDIR: expected a folder that Matplotlib can write to, got none ({shown(error, 100)})"
        ) from error


def _import_whatever_is_set() -> None:
    try:
        importlib.import_module("matplotlib")
    except Exception:
        for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
            del sys.modules[name]
        kept = {name: os.environ.pop(name, None) for name in ("MPLBACKEND", "MATPLOTLIBRC")}
        os.environ["MATPLOTLIBRC"] = os.devnull
        try:
            importlib.import_module("matplotlib")
        finally:
            del os.environ["MATPLOTLIBRC"]
            os.environ.update({name: value for name, value in kept.items() if value is not None})


@contextmanager
def own_style() -> Iterator[None]:
    """Inside, Matplotlib has its own defaults; serves as a decorator too. The user's settings come back."""
    import matplotlib

    # Which backend it is decides nothing here, and would not be put back.
    defaults: Any = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
    logger = logging.getLogger("matplotlib")
    level = logger.level
    with warnings.catch_warnings():
        # What it says of settings that it will drop, and of fonts without a bold face, helps nobody here.
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            with matplotlib.rc_context(defaults):
                yield
        finally:
            logger.setLevel(level)


import_matplotlib()
