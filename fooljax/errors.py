"""The two kinds of failure a user can mend: what they gave, and where it runs.

Commands turn both into one line on stderr: exit status 2 for `InputError`, 1 for `FaultError`.
Anything else is a bug and keeps its traceback.
"""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """A flag, config, file, image, model or array is not what was expected."""


class FaultError(RuntimeError):
    """The environment failed: a full or read-only disk, a missing package, no network."""


def printable(text: str) -> str:
    r"""A text with every character that is not printable written as its escape, as `\x1b` or `\n`."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def shown(value: object, most: int = 200) -> str:
    r"""What came from outside as one printable line, for a message.

    Args:
      value: text, bytes, an exception, or anything else with a `str`.
      most: characters, at most; what is cut off is marked by an ellipsis.
    Returns:
      The text with runs of white space made one blank, and every character that a terminal would obey (escape
      sequences, direction marks, lone surrogates) written as its escape, as `\x1b`.
    """
    text = value.decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value)
    text = " ".join(text[: 4 * most].split())
    plain = printable(text)
    return plain if len(plain) <= most else plain[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def first_line(error: BaseException) -> str:
    """What another library's error says first, with its kind, as one printable line."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {shown(lines[0])}" if lines else type(error).__name__


def nearest(word: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """A question that ends a message about a word that is not known: which was meant, if any is near.

    Args:
      word: what came.
      known: what might have been meant.
      likeness: how near is near, as `difflib` measures it: 1 is the same word.
    """
    near = difflib.get_close_matches(word, known, 3, likeness)
    return f"; did you mean {' or '.join(map(shown, near))}?" if near else ""
