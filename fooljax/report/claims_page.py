"""The page of claims: what the paper says, what was found, whether they agree, and why."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fooljax.report.pictures import link
from fooljax.report.templates import write_html
from fooljax.study.claims import VERDICTS, Answer

TITLE = "The paper's claims, measured again"


def write_claims_page(
    path: Path | str,
    answers: Sequence[Answer],
    chapters: dict[int, str],
    pictures: Sequence[str] = (),
    size: str = "paper",
) -> None:
    """Writes the page; equal answers give equal bytes, and the file is whole or the old one.

    Args:
      path: of the HTML file.
      answers: the claims with what was found.
      chapters: heads by their number.
      pictures: tables, figures and pages to read on, as paths relative to the page.
      size: of the experiments; of smoke the page says that its numbers are no results.
    Raises:
      FaultError: the file cannot be written.
    """
    counts = Counter(answer.verdict for answer in answers)
    write_html(
        path,
        "claims.html",
        page={"title": TITLE},
        sections=[(f"chapter-{number}", f"Chapter {number}: {head}") for number, head in chapters.items()],
        chapters=[
            (number, head, [answer for answer in answers if answer.claim.chapter == number])
            for number, head in chapters.items()
        ],
        counts=[(verdict, counts[verdict]) for verdict in VERDICTS],
        pictures=[(link(one), one) for one in pictures],
        size=size,
    )


def is_claims_page(path: Path) -> bool:
    """Whether a file is a page that `write_claims_page` wrote."""
    with path.open("rb") as file:
        return TITLE.partition("'")[2].encode() in file.read(4096)  # an apostrophe has several forms in HTML
