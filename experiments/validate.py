"""How well a network for ImageNet names photographs: `python -m experiments.validate --imagefolder DIR`.

DIR holds a folder for each class, named by its synset (n01440764) or its index (0), with its images inside:
the form in which the validation set of ILSVRC 2012 is usually kept. Without it, photographs that come with
scikit-learn (and scikit-image, where it is installed) are named.
"""

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.stats import binomtest

from experiments.command_line import Parser, run_command
from experiments.outputs import check_output
from experiments.photographs import PhotographsConfig
from experiments.terminal import Terminal
from fooljax.base import Target, TargetCard
from fooljax.errors import InputError
from fooljax.evaluation import confidence, score
from fooljax.storage import write_json
from fooljax.targets import imagenet

BATCH = 32
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
MAX_PIXELS = 2**26
SAMPLES = (
    ("sklearn", "datasets/images", ("china.jpg", "flower.jpg")),
    ("skimage", "data", ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png", "motorcycle_left.png")),
)


def read_photograph(path: Path, side: int) -> npt.NDArray[np.uint8]:
    """A photograph as `[side, side, 3]`: its shorter side scaled to `side` (bicubic), its centre cut out.

    Raises:
      InputError: it is no image, or of more than 64 megapixels.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(
                    f"{path}: expected at most 64 megapixels, got {image.width} x {image.height}"
                )
            picture = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: expected an image, found something else ({error})") from error
    scale = side / min(picture.size)
    size = (max(side, round(picture.width * scale)), max(side, round(picture.height * scale)))
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return np.asarray(picture.crop((left, top, left + side, top + side)))


def find_images(folder: Path, synsets: Sequence[str]) -> list[tuple[Path, int]]:
    """The images below a folder, with the index of their class, in a fixed order.

    Raises:
      InputError: there is no such folder, a folder in it is of no class, or there are no images.
    """
    if not folder.is_dir():
        raise InputError(f"--imagefolder: expected a folder, found none at {folder}")
    places = {name: index for index, name in enumerate(synsets)}
    found = []
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        index = places.get(inner.name, int(inner.name) if inner.name.isdecimal() else -1)
        if not 0 <= index < len(synsets):
            raise InputError(f"--imagefolder: expected folders named as n01440764 or 0, found {inner.name}")
        found += [(path, index) for path in sorted(inner.iterdir()) if path.suffix.lower() in ENDINGS]
    if not found:
        raise InputError(f"--imagefolder: expected images in folders of classes, found none in {folder}")
    return found


def validate(
    target: Target, card: TargetCard, images: Sequence[tuple[Path, int]]
) -> Iterator[dict[str, Any]]:
    """Scores images in batches; yields the figures so far, after each."""
    top1 = top5 = count = 0
    own: list[float] = []
    for start in range(0, len(images), BATCH):
        part = images[start : start + BATCH]
        photographs = np.stack([read_photograph(path, card.image_shape[0]) for path, _ in part])
        odds = score(target, photographs, tile=BATCH)
        labels = np.asarray([label for _, label in part])
        order = np.argsort(-odds, axis=1)
        top1 += int(np.sum(order[:, 0] == labels))
        top5 += int(np.sum(order[:, :5] == labels[:, None]))
        own += odds.max(axis=1).tolist()
        count += len(part)
        yield {
            "images": count,
            "top1": _share(top1, count),
            "top5": _share(top5, count),
            "median_confidence_of_the_first": float(confidence(np.median(own))),
        }


def _share(hits: int, count: int) -> dict[str, float]:
    low, high = binomtest(hits, count).proportion_ci(method="wilson")
    return {"share": hits / count, "low": float(low), "high": float(high)}


def sample_photographs() -> list[Path]:
    """Photographs that installed packages bring."""
    found = []
    for package, inside, names in SAMPLES:
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            found += [path for name in names if (path := Path(spec.origin).parent / inside / name).exists()]
    return found


def _main(argv: Sequence[str] | None) -> None:
    parser = Parser(
        prog="python -m experiments.validate",
        description="How well a network for ImageNet names photographs.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--target", choices=imagenet.NAMES, default=imagenet.NAMES[0], help=f"default: {imagenet.NAMES[0]}"
    )
    parser.add_argument(
        "--weights", metavar="FILE", help="its weights; default: what fooljax[imagenet] brings"
    )
    parser.add_argument("--mean", metavar="FILE", help="mean image (.binaryproto) of Caffe's networks")
    parser.add_argument(
        "--crops", type=int, default=1, metavar="N", help="1 or 10, softmax averaged; default: 1"
    )
    parser.add_argument(
        "--imagefolder", type=Path, metavar="DIR", help="a folder for each class, with images"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="gets the figures")
    flags = parser.parse_args(argv)
    if flags.json is not None:
        check_output(flags.json, "--json", "a JSON object")
    target, card = imagenet.load(flags.target, weights=flags.weights, mean=flags.mean, crops=flags.crops)
    terminal = Terminal()
    terminal.say(f"{card.name}, {card.provenance['weights']}; confidence is the {card.confidence}")
    if flags.imagefolder is None:
        for path in sample_photographs():
            odds = score(target, read_photograph(path, card.image_shape[0])[None])[0]
            best = np.argsort(-odds)[:5]
            named = ", ".join(f"{card.class_names[i]} {float(confidence(odds[i])):.1%}" for i in best)
            terminal.say(f"{path.name}: {named}")
        return
    images = find_images(flags.imagefolder, imagenet.synsets())
    figures: dict[str, Any] = {}
    for figures in validate(target, card, images):
        if figures["images"] % (BATCH * 20) == 0:
            terminal.say(_line(figures))
    terminal.say(_line(figures))
    if flags.json:
        write_json(
            check_output(flags.json, "--json", "a JSON object"),
            {"target": card.name, "confidence": card.confidence, **card.provenance, **figures},
        )


def _line(figures: dict[str, Any]) -> str:
    shares = "; ".join(
        f"{name} {of['share']:.2%} [{of['low']:.2%}, {of['high']:.2%}]"
        for name, of in (("first named", figures["top1"]), ("in the first five", figures["top5"]))
    )
    return (
        f"{figures['images']:,} images: {shares}; median confidence in the first named "
        f"{figures['median_confidence_of_the_first']:.1%}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv), PhotographsConfig)


if __name__ == "__main__":
    sys.exit(main())
