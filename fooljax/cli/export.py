r"""`fooljax export RUN... --to NAME --output DIR`: finished runs as a data set that other tools read.

    fooljax export runs/a runs/b --to hub --output fooling-digits --licence cc0-1.0

The data set has the pictures of the runs, byte for byte, their genomes, a table with a row for each, and a
card that says where they are from and how they are read.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from fooljax.audits.record import FILE
from fooljax.cli.command_line import given_settings, run_command, settings_parser
from fooljax.errors import InputError, printable, shown
from fooljax.exports.card import UNKNOWN
from fooljax.exports.writing import FORMATS, write_dataset
from fooljax.settings import REQUIRED, option
from fooljax.storage.outputs import as_folder

DESCRIPTION = (
    "Writes the images of finished runs as a data set, in the form that a suite of detectors or a data "
    "loader reads. A README.md in it says where the images are from and how they are read."
)


@dataclass(frozen=True)
class Config:
    """What the data set is."""

    to: str = option(
        REQUIRED,
        "Who shall read it. pytorch-ood and openood are suites of detectors, webdataset reads tar files, and "
        "hub is the Hugging Face hub.",
        choices=tuple(FORMATS),
        kind=str,
    )
    least_confidence: float | None = option(
        None,
        "Only images of which the network is at least so sure. When off, all images are written.",
        least=1e-6,
        most=1.0 - 1e-6,
        kind=float,
    )
    licence: str = option(
        UNKNOWN,
        "The licence under which you publish the data set, as the hub calls it: cc0-1.0, cc-by-4.0, mit.",
    )


def _main(argv: Sequence[str] | None) -> None:
    parser = settings_parser(Config, DESCRIPTION, "fooljax export")
    parser.add_argument("folders", nargs="+", metavar="RUN", help="Folder of a finished run.")
    parser.add_argument(
        "--output", metavar="DIR", required=True, help="The folder to write, which must be new."
    )
    flags = parser.parse_args(argv)
    config = Config(**given_settings(Config, flags))
    output = as_folder("--output", flags.output)
    if output.name in ("", ".", ".."):
        raise InputError("--output: expected the name of a new folder")
    folders = [as_folder("RUN", folder) for folder in flags.folders]
    for folder in folders:
        if (folder / FILE).is_file():
            raise InputError(f"RUN: expected the folder of a run, got the audit {shown(folder)}")
    dataset = write_dataset(
        folders,
        output,
        config.to,
        least_confidence=config.least_confidence,
        licence=config.licence,
    )
    count = len(dataset.examples)
    print(f"{printable(str(output))}: {count:,} images for {config.to}; README.md says how they are read")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv), Config)


if __name__ == "__main__":
    sys.exit(main())
