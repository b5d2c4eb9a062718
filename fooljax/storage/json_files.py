"""JSON: written whole or not at all, and read only where it is safe to handle."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fooljax.errors import InputError, shown
from fooljax.storage.files import write_bytes
from fooljax.storage.reading import name_of, read_regular

MAX_JSON_BYTES = 64 * 2**20
MAX_JSON_DEPTH = 32


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes JSON atomically, indented, with a newline at the end; NaN and infinities are refused.

    Args:
      path: of the file.
      content: the object: text, numbers, lists and such objects.
    """
    write_bytes(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


def plain(value: Any) -> Any:
    """A value of any origin as a JSON file can hold it; whatever else it is becomes text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        return plain(value.item())
    small = isinstance(value, int) and abs(value) < 2**63
    return value if small or (isinstance(value, float) and math.isfinite(value)) else shown(value)


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object that this package wrote.

    Args:
      path: of the file.
    Returns:
      The object, as a dict.
    Raises:
      InputError: the file is missing, damaged, not an object, or has what such a file never has: numbers that
        are infinite, NaN or beyond 64 bits, text that is not Unicode, more than 64 MiB or 32 levels.
    """
    try:
        content = parse_json(read_regular(path, MAX_JSON_BYTES))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name_of(path)}: expected JSON, found something else ({shown(error)})") from error
    if not isinstance(content, dict):
        raise InputError(f"{name_of(path)}: expected a JSON object, found {type(content).__name__}")
    return content


def parse_json(text: bytes, finite: bool = True) -> Any:
    """The value of a JSON text that is safe to handle: shallow, of numbers that fit, and of proper text.

    Args:
      text: UTF-8.
      finite: refuses NaN and infinities.
    Returns:
      The value.
    Raises:
      ValueError: it is not JSON, or not of that kind; says what was found.
    """
    try:
        content = json.loads(text.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("lists or objects nested too deeply") from None
    level = [content]
    for _ in range(MAX_JSON_DEPTH):
        inner: list[Any] = []
        for value in level:
            kind = type(value)  # exactly one of those of JSON; quicker than asking for instances
            if kind is float:
                if finite and not math.isfinite(value):
                    raise ValueError(f"the number {value}")
            elif kind is str:
                value.encode()  # UnicodeEncodeError, a ValueError, for a lone surrogate
            elif kind is int:
                if abs(value) >= 2**64:
                    raise ValueError("an integer of more than 64 bits")
            elif kind is dict:
                inner += value
                inner += value.values()
            elif kind is list:
                inner += value
        level = inner
    if level:
        raise ValueError("lists or objects nested too deeply")
    return content
