"""`fooljax validate`: how well a network for ImageNet names photographs.

`--imagefolder DIR` holds a folder for each class, named by its synset (n01440764) or its index (0), with its
images inside: the form in which the validation set of ILSVRC 2012 is usually kept. Without it, photographs
  that come with scikit-learn (and scikit-image, where it is installed) are named.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fooljax.analysis.validation import BATCH, measure
from fooljax.cli.command_line import Parser, run_command
from fooljax.data.image_folders import sample_photographs
from fooljax.data.imagenet import synsets
from fooljax.data.labelled_photographs import HELP, labelled_images
from fooljax.data.photographs import read_photograph
from fooljax.engine.log_odds import confidence
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError
from fooljax.scoring import score
from fooljax.storage.json_files import write_json
from fooljax.storage.outputs import check_output
from fooljax.targets import imagenet
from fooljax.targets.imagenet_choice import NamedImageNetSettings
from fooljax.terminal import Terminal

LINE_EVERY = 20 * BATCH
"""Images after which a line tells the numbers so far."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv), NamedImageNetSettings)


def _main(argv: Sequence[str] | None) -> None:
    flags = _parser().parse_args(argv)
    if flags.json is not None:
        if flags.imagefolder is None:
            raise InputError(
                "--json: expected --imagefolder with it, since nothing is measured on sample photographs"
            )
        check_output(flags.json, "--json", "a JSON object")
    target = imagenet.load(flags.target, weights=flags.weights, mean=flags.mean, crops=flags.crops)
    terminal = Terminal()
    terminal.say(f"{target.name}, {target.provenance['weights']}; confidence is the {target.confidence}")
    if flags.imagefolder is None:
        for path in sample_photographs():
            terminal.say(_named(target, path))
        return
    figures: dict[str, Any] = {}
    for figures in measure(target, labelled_images(flags.imagefolder, synsets())):
        if (figures["images"] + figures["passed_over"]) % LINE_EVERY == 0:
            terminal.say(_line(figures))
    terminal.say(_line(figures))
    if flags.json:
        write_json(
            check_output(flags.json, "--json", "a JSON object"),
            {"target": target.name, "confidence": target.confidence, **target.provenance, **figures},
        )


def _parser() -> Parser:
    parser = Parser(
        prog="fooljax validate",
        description="How well a network for ImageNet names photographs.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--target",
        choices=imagenet.NAMES,
        default=imagenet.NAMES[0],
        help=f"The network that is measured. (default: {imagenet.NAMES[0]})",
    )
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="A file with the network's weights. (default: those that fooljax[imagenet] brings)",
    )
    parser.add_argument(
        "--mean", metavar="FILE", help="The mean image (.binaryproto or .npy) of caffenet or alexnet."
    )
    parser.add_argument(
        "--crops",
        type=int,
        default=1,
        metavar="N",
        help="Crops of each image, 1 or 10; the softmax of ten is averaged. (default: 1)",
    )
    parser.add_argument(
        "--imagefolder",
        type=Path,
        metavar="DIR",
        help=HELP,
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="The file that the numbers are written to.")
    return parser


def _named(target: Target, path: Path) -> str:
    """A line on the five classes that the network names first."""
    odds = score(target, read_photograph(path, checked_shape(target.image_shape)[0])[None])[0]
    best = np.argsort(-odds)[:5]
    named = ", ".join(f"{target.class_names[i]} {float(confidence(odds[i])):.1%}" for i in best)
    return f"{path.name}: {named}"


def _line(figures: dict[str, Any]) -> str:
    shares = "; ".join(
        f"{name} {of['share']:.2%} [{of['low']:.2%}, {of['high']:.2%}]"
        for name, of in (("first named", figures["top1"]), ("in the first five", figures["top5"]))
    )
    passed_over = f" ({figures['passed_over']:,} passed over)" if figures["passed_over"] else ""
    return (
        f"{figures['images']:,} images{passed_over}: {shares}; median confidence in the first named "
        f"{figures['median_confidence_of_the_first']:.1%}"
    )


if __name__ == "__main__":
    sys.exit(main())
