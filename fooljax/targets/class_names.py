"""Names of classes as people keep them in files: one a line, or a list or an object of JSON."""

import ast
import collections
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fooljax.errors import InputError, shown
from fooljax.storage.json_files import parse_json
from fooljax.storage.reading import name_of, read_regular

HELP = "A file with the names of the network's classes in their order: one a line, or a JSON list."
MOST_BYTES = 2**24
logger = logging.getLogger("fooljax")

BRACKETS = ("{", "[")
"""What JSON of names begins with."""
MOST_NAME = 200
"""Characters of a name; pages show it."""


def read_class_names(path: Path | str) -> tuple[str, ...]:
    """The names in a file.

    Args:
      path: of a text with a name on each line, or of JSON: a list, or an object from numbers to names or from
        names to numbers.
    Raises:
      InputError: there is no such file, it has no names, or its numbers are not 0, 1, 2 and so on; begins
        with `class_names: `.
    """
    try:
        return _read(Path(path))
    except InputError as error:
        raise InputError(f"class_names: {error}") from error


def _read(path: Path) -> tuple[str, ...]:
    content = read_regular(path, MOST_BYTES)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name_of(path)}: expected names in UTF-8, got {shown(error)}") from error
    if text.lstrip()[:1] in BRACKETS:
        found = names_in(text)
    else:
        found = tuple(line.strip()[:MOST_NAME] for line in text.splitlines() if line.strip())
    if not found:
        raise InputError(
            f"{name_of(path)}: expected names of classes, one a line, or a JSON list, got neither"
        )
    counts = collections.Counter(found)
    if twice := [name for name, count in counts.items() if count > 1]:
        # ImageNet has two classes called crane, so this need not be a mistake.
        logger.warning("%s: %s is the name of several classes", name_of(path), shown(twice[0]))
    return found


def names_in(text: str) -> tuple[str, ...] | None:
    """The names in a list or object of JSON, or in Python's form of one; None where the text is none.

    Python's form, as `{0: 'cat', 1: 'dog'}`, is what some exporters write. Only literals are read.
    """
    if text.lstrip()[:1] not in BRACKETS:
        return None
    found: Any
    try:
        found = parse_json(text.encode())
    except ValueError:
        try:
            found = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            return None
    if isinstance(found, Mapping):
        found = _in_order(found)
    if not isinstance(found, list | tuple) or not all(isinstance(one, str | int) for one in found):
        return None
    return tuple(str(one)[:MOST_NAME] for one in found)


def _in_order(found: Mapping[Any, Any]) -> list[Any] | None:
    """Names by their numbers, whichever of both is the key; None where the numbers have gaps."""
    for pairs in (list(found.items()), [(number, name) for name, number in found.items()]):
        numbers = [int(one) if str(one).isdecimal() else -1 for one, _ in pairs]
        if sorted(numbers) == list(range(len(pairs))):
            return [name for _, (_, name) in sorted(zip(numbers, pairs, strict=True), key=lambda one: one[0])]
    return None
