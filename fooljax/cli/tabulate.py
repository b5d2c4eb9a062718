"""One table of many runs: a line for each combination of settings, with intervals over networks.

    fooljax tabulate runs/table docs/results/mnist_cppn

reads every summary below the folders named, and the files named. The table is in Markdown. Its unit is a run
on an independently trained network: intervals are of 95 % and speak of further networks of the kind or, where
there was only one, of further runs against it (`fooljax.analysis.statistics`).

    fooljax tabulate audits --csv leaderboard.csv

makes a leaderboard of all audits in a folder: a line for each network, and a file with a line for each
attack.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from fooljax.audits import leaderboard
from fooljax.audits.record import find_audits, read_audit
from fooljax.cli.command_line import Parser, run_command
from fooljax.errors import InputError, printable
from fooljax.storage.csv_files import csv_text
from fooljax.storage.files import write_bytes
from fooljax.storage.outputs import check_output
from fooljax.study.summaries import find, read
from fooljax.study.summary_table import table


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
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="File for the lines of a leaderboard of audits."
    )
    flags = parser.parse_args(argv)
    if flags.csv is not None:
        check_output(flags.csv, "--csv", "a table as CSV")
    if audits := [read_audit(path) for path in find_audits(flags.paths)]:
        if flags.csv is not None:
            write_bytes(flags.csv, csv_text(leaderboard.lines(audits)).encode())
        print("\n".join(map(printable, leaderboard.table(audits).splitlines())))
    elif flags.csv is not None:
        raise InputError("--csv: expected folders with an audit.json, found none")
    else:
        print(table([row for path in find(flags.paths) for row in read(path)]))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: tabulate(argv))


if __name__ == "__main__":
    sys.exit(main())
