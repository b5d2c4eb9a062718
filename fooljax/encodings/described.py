"""Encodings that say what they were made with: a file can hold that, and an equal one be built from it."""

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec

from fooljax.engine.types import Encoding

Settings = ParamSpec("Settings")


def carries_settings(build: Callable[Settings, Encoding]) -> Callable[Settings, Encoding]:
    """`build`, such that its encodings have `settings`: every argument but the image's shape, by name.

    Args:
      build: takes `image_shape`, and settings by keyword.
    """
    signature = inspect.signature(build)

    @functools.wraps(build)
    def built(*args: Settings.args, **kwargs: Settings.kwargs) -> Encoding:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        settings = tuple((name, value) for name, value in bound.arguments.items() if name != "image_shape")
        return build(*args, **kwargs)._replace(settings=settings)

    return built
