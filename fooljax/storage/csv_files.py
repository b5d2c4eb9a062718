r"""Tables as CSV that every spreadsheet shows and none computes.

A spreadsheet takes text like `=1+1`, `@SUM(A1)` or `-2+3` for a formula, and a formula can send what it sees
to a stranger. Numbers are written as they are. Text from outside (names of classes, of groups, of a
strategy's own metrics) is changed where it could be taken for more than text; `text_of` changes it back:

1. backslashes, semicolons (which part cells in some countries) and characters that are not printable (tabs,
   line ends, escape characters) become escapes as in Python: `\\`, `\x3b`, `\t`;
2. an apostrophe goes before a text that begins, after blanks, with `=`, `+`, `-`, `@` or an apostrophe.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fooljax.errors import printable

FORMULA = re.compile(r"\s*['=+\-@\uff1d\uff0b\uff0d\uff20]")
"""How formulas begin, in characters of full width too; and our own mark."""
ESCAPE = re.compile(r"\\(?:[\\tnr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows of texts and numbers as the content of a file."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue()


def text_of(cell: str) -> str:
    """The text that a cell stands for."""
    return ESCAPE.sub(lambda found: found[0].encode().decode("unicode_escape"), cell.removeprefix("'"))


def _cell(value: Any) -> str:
    if isinstance(value, str):
        plain = printable(value.replace("\\", "\\\\").replace(";", "\\x3b"))
        return f"'{plain}" if FORMULA.match(plain) else plain
    # Nine digits tell all float32 apart.
    return str(int(value)) if isinstance(value, int | np.integer) else f"{float(value):.9g}"
