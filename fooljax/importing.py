"""Values of a user's own modules, named on a command line as MODULE:NAME.

Importing a module runs its code. So only a name that the user has written on the command line may be given to
`import_named`, never one that stands in a file.
"""

import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from fooljax.errors import FaultError, InputError, nearest, shown

_NAME = r"[^\W\d]\w*"
BUILT_IN = ("auto", "embedded", "idx", "npz", "cifar10", "folder", "tfds")
"""What stands before the colon in a dataset's name that is none of a module, as in tfds:mnist."""
_FORM = re.compile(rf"({_NAME}(?:\.{_NAME})*):({_NAME})")


def is_import_name(text: str) -> bool:
    """Whether a text is MODULE:NAME, as `my_package.my_module:my_name`: code that is not built in."""
    match = _FORM.fullmatch(text)
    return match is not None and match[1] not in BUILT_IN


def import_extra(argument: str, module: str, package: str, extra: str) -> Any:
    """Imports a module of a package that only some parts of fooljax need.

    Args:
      argument: begins the message, as "onnx".
      module: its name, as "onnxruntime".
      package: what brings it, as the user knows it.
      extra: of fooljax, which installs that.
    Raises:
      FaultError: it is not installed.
    """
    try:
        importlib.import_module(module.partition(".")[0])  # a part of it may have been imported before
        return importlib.import_module(module)
    except ImportError:
        raise FaultError(
            f"{argument}: expected {package}, got none; pip install 'fooljax[{extra}]' brings it"
        ) from None


def import_named(argument: str, text: str) -> Any:
    """Imports a module and returns the value that it has under a name; modules of the current folder count.

    Args:
      argument: names the setting in errors, as "target".
      text: MODULE:NAME.
    Raises:
      InputError: the text is of another form, the module cannot be imported, or it has no such name.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise InputError(f"{argument}: expected MODULE:NAME, as my_module:my_name, got {shown(text)}")
    folder = str(Path.cwd())
    if folder not in sys.path and "" not in sys.path:
        sys.path.insert(0, folder)  # as `python -m` does; an installed command does not
    try:
        module = importlib.import_module(match[1])
    except (Exception, SystemExit) as error:  # a module's code may raise anything
        raise InputError(
            f"{argument}: expected a module that can be imported in {shown(text)}, got {_told(error)}"
        ) from error
    try:
        return getattr(module, match[2])
    except Exception as error:
        raise InputError(
            f"{argument}: expected a name in the module {shown(match[1])} ({_where(module)}), got {match[2]}"
            f"{nearest(match[2], vars(module))}"
        ) from error


def import_value(
    argument: str, text: str, kinds: type | tuple[type, ...], expected: str, hint: str = ""
) -> Any:
    """Imports a value of a kind, or a function without arguments that returns one, which is then called.

    Args:
      argument: names the setting in errors, as "target".
      text: MODULE:NAME.
      kinds: what the value must be an instance of.
      expected: the kind in words, as "a fooljax.Target".
      hint: ends the message where a function that needs arguments was given.
    Raises:
      InputError: as `import_named`; or the value is of another kind, or the function fails.
    """
    value = import_named(argument, text)
    if isinstance(value, kinds):
        return value
    either = f"{expected}, or a function without arguments that returns one"
    wanted = f"{argument}: expected {shown(text)} to be {either}"
    if isinstance(value, type) or not callable(value):
        raise InputError(f"{wanted}, got {_kind(value)}")
    if not _takes_nothing(value):
        raise InputError(f"{wanted}, got a function that needs arguments{hint}")
    try:
        made = value()
    except InputError as error:
        raise InputError(f"{argument}: {shown(text)} says: {shown(error)}") from error
    except (Exception, SystemExit) as error:  # a user's function may raise anything
        raise InputError(f"{argument}: the function {shown(text)} failed: {_told(error)}") from error
    if not isinstance(made, kinds):
        raise InputError(
            f"{argument}: expected the function {shown(text)} to return {expected}, got {_kind(made)}"
        )
    return made


def _takes_nothing(function: Any) -> bool:
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):  # it needs arguments, or Python does not know which
        return False
    return True


def _kind(value: Any) -> str:
    if isinstance(value, type):
        return f"the class {shown(value.__name__)}"
    return "None" if value is None else f"something of type {shown(type(value).__name__)}"


def _told(error: BaseException) -> str:
    text = shown(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _where(module: Any) -> str:
    return shown(getattr(module, "__file__", None) or "built in")
