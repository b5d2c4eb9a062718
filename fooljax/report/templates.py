"""How the pages' templates are filled in: whatever a text holds, it is shown, never obeyed."""

from typing import Any

import jinja2

from fooljax.errors import printable


def environment() -> jinja2.Environment:
    """The templates of this folder: text is escaped, and what is not printable is written as its escape."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("fooljax.report", "."),
        autoescape=True,
        finalize=_plain,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _plain(value: Any) -> Any:
    # Control characters, direction marks and lone surrogates; line ends are blanks in HTML. What is declared
    # safe in a template is of another type, and passes as it is.
    return "\n".join(map(printable, value.split("\n"))) if type(value) is str else value
