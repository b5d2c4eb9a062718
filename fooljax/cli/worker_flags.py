"""The flags of commands whose work further processes can do."""

import argparse

from fooljax.cli.command_line import is_count
from fooljax.errors import shown
from fooljax.study.workers import MOST_WORKERS


def add_worker_flags(parser: argparse.ArgumentParser) -> None:
    """Adds `--workers` and `--scheduler`, as `fooljax.study.workers.start_workers` takes them."""
    parser.add_argument(
        "--workers",
        metavar="N",
        type=_count,
        default=None,
        help="Work in so many processes on this machine, with one thread and one GPU each. "
        "(default: in this process)",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        default=None,
        help="Work on the Dask cluster whose scheduler listens at this address, as tcp://10.0.0.5:8786.",
    )


def _count(text: str) -> int:
    if is_count(text) and 1 <= int(text) <= MOST_WORKERS:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a whole number from 1 to {MOST_WORKERS}, got {shown(text)}")
