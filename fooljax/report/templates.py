"""How the pages' templates are filled in: whatever a text holds, it is shown and never obeyed.

`base.html` is the frame and the style of every page. Each page extends it, and `parts.html` holds
what several pages have.
"""

import base64
import functools
import hashlib
import re
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

import jinja2

from fooljax.engine.log_odds import format_confidence
from fooljax.errors import printable
from fooljax.storage.files import write_bytes

_KEPT_OR_PERCENT = re.compile(r"<(script|style|pre|code)\b.*?</\1>|<[^>]*>|(?<=\d) (?=%)", re.DOTALL)
"""The blank before a percent sign, at which no line shall break; or a place where none is looked for: what a
reader may copy, what a program reads, and tags."""


def write_html(path: Path | str, template: str, **content: Any) -> None:
    """Fills in a template; equal content gives equal bytes, and the file is whole or the old one.

    Args:
      path: of the HTML file.
      template: name of the page's template.
      content: what the template speaks of.
    Raises:
      FaultError: the file cannot be written.
    """
    write_bytes(Path(path), html_of(template, **content))


def html_of(template: str, **content: Any) -> bytes:
    """A filled template as the content of a file; arguments as of `write_html`."""
    html = _environment().get_template(template).render(content)
    return _KEPT_OR_PERCENT.sub(lambda found: "&nbsp;" if found[0] == " " else found[0], html).encode()


@functools.lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    """The templates of this folder: text is escaped, and what is not printable is written as its escape."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fooljax.report", "."),
        autoescape=True,
        finalize=_plain,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["confidence"] = format_confidence
    environment.filters["percent"] = _percent
    environment.filters["sha256"] = _sha256
    return environment


def _percent(share: float) -> str:
    """A share as a percentage with one digit, which is cut: 0.9999 is "99.9 %"."""
    return f"{(Decimal(repr(float(share))) * 100).quantize(Decimal('0.1'), ROUND_FLOOR)} %"


def _sha256(script: str) -> str:
    """The digest by which a page allows its script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _plain(value: Any) -> Any:
    # Control characters, direction marks and lone surrogates; line ends are blanks in HTML. What is declared
    # safe in a template is of another type, and passes as it is.
    return "\n".join(map(printable, value.split("\n"))) if type(value) is str else value
