"""One table of many runs: a line for each combination of settings, with intervals over networks.

    fooljax tabulate runs/table docs/results/mnist_cppn

reads every summary below the folders named, and the files named. The table is in Markdown. Its unit is a run
on an independently trained network: intervals are of 95 % and speak of further networks of the kind or, where
there was only one, of further runs against it (`fooljax.analysis.statistics`).

    fooljax tabulate audits --csv leaderboard.csv

makes a leaderboard of all audits in a folder: a line for each network, and a file with a line for each
attack. Of runs such a file has a line for each run. `--parquet FILE` writes the same rows as Parquet.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from fooljax.audits import leaderboard
from fooljax.audits.record import FILE, find_audits, read_audit
from fooljax.cli.command_line import Parser, run_command
from fooljax.errors import printable
from fooljax.storage.data_frames import as_csv, as_parquet
from fooljax.storage.files import write_bytes
from fooljax.storage.outputs import check_output
from fooljax.study.summaries import find, read
from fooljax.study.summary_table import table

FILES = {"--csv": ("a table as CSV", as_csv), "--parquet": ("a table as Parquet", as_parquet)}
"""What is written by which flag, and how."""


def tabulate(argv: Sequence[str] | None) -> None:
    """The command; prints the table."""
    parser = Parser(
        prog="fooljax tabulate",
        description="Makes one table of many runs, with a line for each combination of settings, or of many "
        "audits, with a line for each network.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="A folder with runs or audits in it, or the file of one.",
    )
    for flag in FILES:
        parser.add_argument(
            flag,
            type=Path,
            metavar="FILE",
            help="A file for the rows that the table is made of: one for each run of a search, or for each "
            "attack of an audit.",
        )
    flags = parser.parse_args(argv)
    outputs = {flag: getattr(flags, flag[2:]) for flag in FILES if getattr(flags, flag[2:]) is not None}
    for flag, path in outputs.items():
        check_output(path, flag, FILES[flag][0])
    if audits := [read_audit(path) for path in find_audits(flags.paths)]:
        text = "\n".join(map(printable, leaderboard.table(audits).splitlines()))
        rows = leaderboard.rows(audits)
    else:
        rows = [row for path in find(flags.paths, f"a summary.json or an {FILE}") for row in read(path)]
        text = table(rows)
    for flag, path in outputs.items():
        write_bytes(path, FILES[flag][1](rows))
    print(text)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: tabulate(argv))


if __name__ == "__main__":
    sys.exit(main())
