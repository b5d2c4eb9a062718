"""The tables of studies on one page: each explanation is printed once, and long tables are folded.

An experiment explains its tables wherever they stand. A page with the tables of several data sets would say
the same again and again, so it leaves out an explanation that it has already given.
"""

import re
from collections.abc import Callable, Sequence

from fooljax.errors import InputError


class PageTables:
    """Prints the tables of studies for one page, and remembers what it has explained."""

    def __init__(self, tables: Callable[[str, str], str]) -> None:
        """`tables` gives the Markdown of an experiment's tables, by its name and its data set."""
        self._tables = tables
        self._explained: set[str] = set()

    def __call__(
        self,
        name: str,
        of: str = "",
        fold: Sequence[str] = (),
        without: Sequence[str] = (),
        closed: str = "",
    ) -> str:
        """The tables of an experiment, without the explanations that the page has already printed.

        Args:
          name: of the experiment.
          of: the data set, where the rows of several are published.
          fold: heads of sections that the reader opens by a click.
          without: heads of sections that the page has for all data sets together, and leaves out here.
          closed: what the reader clicks on to open the tables, all of them; "" where they stand open.
        Raises:
          InputError: the tables have no section with such a head.
        """
        text = self._tables(name, of).strip("\n")
        for head in without:
            text = _replaced(text, head, lambda _: "", "without")
        kept = []
        for paragraph in re.split(r"\n{2,}", text.strip("\n")):
            if _explains(paragraph):
                if paragraph in self._explained:
                    continue
                self._explained.add(paragraph)
            kept.append(paragraph)
        shown = folded("\n\n".join(kept), fold)
        return (_in_details(closed, shown) if closed else shown) + "\n"


def _explains(paragraph: str) -> bool:
    """Whether a paragraph is prose, and not a head, a table, a list, or the caption of what comes next."""
    return not paragraph.startswith(("#", "|", "!", "- ", "<")) and not paragraph.endswith(":")


def folded(markdown: str, heads: Sequence[str]) -> str:
    """Markdown whose sections with these heads are closed until the reader opens them.

    Args:
      markdown: paragraphs, with a blank line between them.
      heads: the text of the heads, without `#`.
    Returns:
      The same, with each such section, which ends at the next head, in a `<details>` element. Both GitHub and
      MkDocs render the Markdown in it.
    Raises:
      InputError: there is no section with such a head.
    """
    for head in heads:
        markdown = _replaced(markdown, head, _closed(head), "fold")
    return markdown


def _replaced(markdown: str, head: str, by: Callable[[re.Match[str]], str], argument: str) -> str:
    """Markdown with something else in the place of each section with this head, which ends at the next."""
    section = rf"^#+ {re.escape(head)}\n(.*?)(?=^#+ |\Z)"
    replaced, count = re.subn(section, by, markdown, flags=re.MULTILINE | re.DOTALL)
    if not count:
        raise InputError(f"{argument}: expected the head of a section of these tables, got {head!r}")
    return replaced


def _closed(head: str) -> Callable[[re.Match[str]], str]:
    return lambda section: f"{_in_details(head, section[1])}\n\n"


def _in_details(head: str, markdown: str) -> str:
    return f'<details markdown="1">\n<summary>{head}</summary>\n\n{markdown.strip()}\n\n</details>'
