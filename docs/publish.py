"""Writes the README and the pages of results: every number in them comes from the rows in `docs/results`.

    python -m docs.publish           # writes what has changed
    python -m docs.publish --check   # writes nothing; ends with 1 if a page is not what the rows say

A page is a template in `docs/templates`, of the same name, whose numbers are expressions over rows: summaries
of runs, the comparison's rows, measurements (`docs.rows`). A test finds numbers in a template that no row
gives, and lets nothing through but settings in code and what `docs/templates/allowed.json` lists with its
reason. What the paper says stands in `experiments/claims.json`, each with how it was verified.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import jinja2
import numpy as np

from docs import clean_levels, rows
from docs.filled import filled
from docs.gpu_figures import on_a_gpu
from docs.judged_searches import judged_searches
from docs.page_tables import PageTables
from experiments import paper
from experiments.strategy_comparison import tables
from fooljax.audits import leaderboard
from fooljax.cli.command_line import Parser, run_command
from fooljax.engine.log_odds import to_log_odds
from fooljax.errors import FaultError, InputError, shown
from fooljax.storage.files import write_bytes
from fooljax.strategies.evosax_algorithms import ALGORITHMS
from fooljax.study import UNIT, numbers
from fooljax.study.claims import read_claims

ROOT = rows.ROOT
TEMPLATES = ROOT / "docs" / "templates"


def environment() -> jinja2.Environment:
    """What templates are filled with, besides `study_tables`, which is made for each page."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "plain": numbers.plain,
        "percent": numbers.percent,
        "confidence": numbers.confidence,
        "spread": numbers.spread,
        "significant": numbers.significant,
        "shares": numbers.shares,
        "minutes": rows.minutes,
        "slug": slug,
    }
    made.globals |= {
        "row": rows.row,
        "on_a_gpu": on_a_gpu,
        "searches": rows.searches,
        "audits": rows.audits,
        "ways": rows.ways,
        "budget": rows.budget,
        "clean_images": rows.clean_images,
        "wrapped": lambda command: rows.wrapped(re.split(r" (?=--)", command)),
        "leaderboard": lambda: leaderboard.table(list(rows.audits().values())),
        "comparison": rows.comparison,
        "comparison_tables": lambda: tables(rows.comparison()),
        "found": rows.found,
        "passes_of_sets": rows.passes_of_sets,
        "seconds_of": rows.seconds_of,
        "detectors_overview": rows.detectors_overview,
        "stage": rows.stage,
        "beside_clean": clean_levels.beside_clean,
        "clean_levels": clean_levels.clean_levels,
        "after_scaling": clean_levels.after_scaling,
        "judged_searches": judged_searches,
        "digests": rows.digests,
        "accuracies": rows.accuracies,
        "network_sets": rows.network_sets,
        "fooled": to_log_odds(0.9999),
        "at_passes": rows.at_passes,
        "last_passes": rows.last_passes,
        "pinned": rows.pinned,
        "unit": UNIT,
        "algorithms": ALGORITHMS,
        "paper": read_claims(paper.CLAIMS)[1],
        "claims": paper.published,
        "chapters": paper.CHAPTERS,
        "median": lambda values: float(np.sort(values)[(len(values) - 1) // 2]),
    }
    return made


def slug(head: str) -> str:
    """What a link to a head on the same page ends in, as GitHub and MkDocs make it."""
    return re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-")


def templates() -> dict[str, Path]:
    """The pages by the name of their template."""
    names = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.md"))
    return {name: ROOT / name if name == "README.md" else ROOT / "docs" / name for name in names}


def pages() -> dict[Path, str]:
    """What each page should say.

    Raises:
      InputError: a row is missing or not what a template asks of it.
    """
    made, rendered = environment(), {}
    for name, path in templates().items():
        try:
            origin = f"<!-- Written by `python -m docs.publish` from docs/templates/{name}. -->"
            text = made.get_template(name).render(study_tables=PageTables(rows.study_tables))
            rendered[path] = f"{origin}\n\n{filled(text)}"
        except InputError:
            raise
        except (jinja2.TemplateError, LookupError, TypeError, ValueError, OSError) as error:
            raise InputError(f"docs/templates/{name}: cannot be filled: {shown(error)}") from error
    return rendered


def publish(argv: Sequence[str] | None) -> None:
    """The command."""
    parser = Parser(
        prog="python -m docs.publish",
        description="Writes the README and the pages of results from the rows in docs/results.",
        allow_abbrev=False,
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page would change")
    flags = parser.parse_args(argv)
    wrong = {
        path: text
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
    if flags.check and wrong:
        names = ", ".join(path.relative_to(ROOT).as_posix() for path in wrong)
        raise FaultError(f"{names}: not what the rows say; run python -m docs.publish")
    for path, text in wrong.items():
        write_bytes(path, text.encode())
        print(path.relative_to(ROOT).as_posix())


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: publish(argv))


if __name__ == "__main__":
    sys.exit(main())
