r"""Finished runs side by side, after the same number of network passes: a table, and a picture of medians.

    fooljax compare runs/a runs/b --names "the paper's,ours" --output curves.png

reads the `summary.json` and `metrics.csv` of each folder. The first numbers are those of the search, which
scores 8-bit images as they are saved. The last columns are of the saved images, read back at the end of each
run.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from fooljax.cli.command_line import Parser, run_command
from fooljax.errors import InputError, printable, shown
from fooljax.report.budget import median_curves
from fooljax.storage.files import write_bytes
from fooljax.storage.outputs import check_output
from fooljax.study.run_comparison import comparison_table, read


def compare(argv: Sequence[str] | None) -> None:
    """The command."""
    parser = Parser(
        prog="fooljax compare",
        description="Shows finished runs side by side, after the same number of network passes.",
        allow_abbrev=False,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="RUN", help="Folder of a finished run.")
    parser.add_argument(
        "--names",
        help="What to call the runs, with commas between. By default the names of their folders, which must "
        "then differ.",
    )
    parser.add_argument(
        "--passes",
        type=int,
        metavar="N",
        help="Number of network passes at which to compare. By default the end of the shortest run.",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="PNG file for a picture of the curves.")
    flags = parser.parse_args(argv)
    if flags.output is not None:
        check_output(flags.output, "--output")
    names = _names(flags.folders, flags.names)
    runs = {name: read(folder) for name, folder in zip(names, flags.folders, strict=True)}
    table = comparison_table(runs, flags.passes)
    if flags.output is not None:
        curves = {name: (run.passes, run.log_odds) for name, run in runs.items()}
        write_bytes(check_output(flags.output, "--output"), median_curves(curves))
    print("\n".join(map(printable, table.splitlines())))
    if flags.output is not None:
        print(f"\ncurves: {printable(str(flags.output))}")


def _names(folders: Sequence[Path], given: str | None) -> list[str]:
    """What to call the runs.

    Raises:
      InputError: a folder is there twice without names, or the names are not as many, or not different.
    """
    for index, folder in enumerate(folders):
        if not given and folder.resolve() in [other.resolve() for other in folders[:index]]:
            raise InputError(f"RUN: expected different folders without --names, got {shown(folder)} twice")
    names = given.split(",") if given else [folder.resolve().name for folder in folders]
    if len(names) != len(folders) or len(set(names)) < len(names):
        told = "" if given else " (names of the folders; give others by --names)"
        raise InputError(
            f"names: expected {len(folders)} different ones, got {shown(', '.join(names))}{told}"
        )
    return names


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: compare(argv))


if __name__ == "__main__":
    sys.exit(main())
