"""Docstrings as the site's tool reads them: a blank line before each section.

In our docstrings Args, Returns and Raises follow each other without blank lines; griffe, which reads them for
mkdocstrings, takes a section for one only after a blank line.
"""

import re
from typing import Any

import griffe

HEAD = re.compile(r"(?<!\n)\n( *)(Args|Attributes|Returns|Yields|Raises):\n")


class SpacedSections(griffe.Extension):
    """Puts a blank line before each section of every docstring."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = HEAD.sub(r"\n\n\1\2:\n", obj.docstring.value)
