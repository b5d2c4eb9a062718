"""One table of many runs: a line for each combination of settings, with intervals over networks.

    fooljax tabulate runs/table docs/results/mnist_cppn

reads every summary below the folders named, and the files named. The table is in Markdown. Its unit is a run
on an independently trained network: intervals are of 95 % and speak of further networks of the kind or, where
there was only one, of further runs against it (`fooljax.analysis.statistics`).
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from fooljax.cli.command_line import Parser, run_command
from fooljax.study.summaries import find, read
from fooljax.study.summary_table import table


def tabulate(argv: Sequence[str] | None) -> None:
    """The command; prints the table."""
    parser = Parser(
        prog="fooljax tabulate",
        description="Makes one table of many runs: a line for each combination of settings.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="A folder with runs in it, or a summary file."
    )
    flags = parser.parse_args(argv)
    print(table([row for path in find(flags.paths) for row in read(path)]))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: tabulate(argv))


if __name__ == "__main__":
    sys.exit(main())
