"""Keeps finished audits for the documentation: their numbers as rows, and their pages.

    python -m docs.kept_audits audits/lenet audits/resnet20

writes `docs/results/audits/rows/NAME.json` and `docs/results/audits/NAME.html` for each folder, by its name.
With `--reference` the numbers go to `fooljax/audits/references` instead, and come with the package. The lists
of classes are left out of the numbers, and the links to image files out of the page, since these are not
kept.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from docs.rows import RESULTS
from fooljax.audits.record import read_audit
from fooljax.audits.reference_audits import FOLDER, shortened
from fooljax.cli.command_line import Parser, run_command
from fooljax.report.audit_page import PAGE, write_audit_page
from fooljax.storage.files import write_bytes
from fooljax.storage.json_files import write_json
from fooljax.storage.typed_json import as_json

KEPT = RESULTS / "audits"


def without_links(html: str) -> str:
    """A page whose images and file of numbers lead nowhere."""
    return re.sub(r'<a href="(?:pictures/[^"]*|audit\.json)">(.*?)</a>', r"\1", html)


def keep(folder: Path, reference: bool) -> None:
    """Keeps one audit.

    Args:
      folder: of the audit; its page is made anew.
      reference: whether its numbers come with the package.
    Raises:
      InputError: it is no audit.
    """
    audit = read_audit(folder)
    write_audit_page(folder, audit)
    name = folder.resolve().name
    write_json((FOLDER if reference else KEPT / "rows") / f"{name}.json", as_json(shortened(audit)))
    page = without_links((folder / PAGE).read_text(encoding="utf-8"))
    write_bytes(KEPT / f"{name}.html", page.encode())


def kept_audits(argv: Sequence[str] | None) -> None:
    """The command."""
    parser = Parser(
        prog="python -m docs.kept_audits",
        description="Keeps finished audits for the documentation: their numbers as rows, and their pages.",
        allow_abbrev=False,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="AUDIT", help="The folder of an audit.")
    parser.add_argument("--reference", action="store_true", help="let the numbers come with the package")
    flags = parser.parse_args(argv)
    for folder in flags.folders:
        keep(folder, flags.reference)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: kept_audits(argv))


if __name__ == "__main__":
    sys.exit(main())
