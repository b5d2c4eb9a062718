"""`--size`: one flag of an experiment that stands for several of its settings."""

import argparse
from collections.abc import Mapping
from typing import Any

from fooljax.errors import InputError
from fooljax.settings import flag_of, in_words

Sizes = Mapping[str, Mapping[str, Any]]
"""Settings that belong together, by the name of a size."""


def add_size(sizes: Sizes, parser: argparse.ArgumentParser) -> None:
    """Adds the flag, whose help lists what each size stands for."""
    text = "Settings that belong together, in place of the defaults; a flag of its own still decides."
    for name, settings in sizes.items():
        flags = (f"{flag_of(setting)} {in_words(value)}" for setting, value in settings.items())
        text += f" {name}: {' '.join(flags) or 'the defaults'}."
    parser.add_argument("--size", choices=tuple(sizes), default=None, help=text)


def with_size(sizes: Sizes, flags: argparse.Namespace, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the size that was asked for, if one was, and over them those that were given.

    Raises:
      InputError: a size was asked for, and a run to go on with, which has its settings already.
    """
    if getattr(flags, "size", None) is None:
        return dict(given)
    if flags.resume is not None:
        raise InputError("--size: not together with --resume, which goes on with the settings of the run")
    return {**sizes[flags.size], **given}
