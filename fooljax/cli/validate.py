"""How well a network for ImageNet names photographs: `python -m fooljax.cli.validate --imagefolder DIR`.

DIR holds a folder for each class, named by its synset (n01440764) or its index (0), with its images inside:
the form in which the validation set of ILSVRC 2012 is usually kept. Without it, photographs that come with
scikit-learn (and scikit-image, where it is installed) are named.
"""

import contextlib
import importlib.util
import io
import logging
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from scipy.stats import binomtest

from fooljax.cli.command_line import Parser, run_command
from fooljax.data.imagenet import synsets
from fooljax.engine.log_odds import confidence
from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError, shown
from fooljax.scoring import score
from fooljax.storage.outputs import check_output
from fooljax.storage.reading import name_of, read_regular
from fooljax.storage.trees import write_json
from fooljax.targets import imagenet
from fooljax.targets.imagenet_choice import NamedImageNetSettings
from fooljax.terminal import Terminal

BATCH = 32
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF")
"""That are looked for, whatever the ending says."""
MAX_PIXELS = 2**26
MAX_BYTES = 2**29
"""Of a file: what so many pixels take that are not compressed, of four channels of 16 bits."""
SMALL = 2**22
PIXELS_PER_BYTE = 128
"""Of a photograph, at most, where it has more than `SMALL`; the coarsest JPEG of one has some 50."""
NAMED = 20
"""Images that are passed over and told by name; the others are counted."""
SAMPLES = (
    ("sklearn", "datasets/images", ("china.jpg", "flower.jpg")),
    ("skimage", "data", ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png", "motorcycle_left.png")),
)

logger = logging.getLogger("fooljax")


def read_photograph(path: Path, side: int) -> npt.NDArray[np.uint8]:
    """A photograph as `[side, side, 3]`: its shorter side scaled to `side` (bicubic), its centre cut out.

    It is read as a person sees it: turned as its EXIF data say, transparent parts on white, 16-bit grey
    scaled to 8 bits, the first picture of an animation.

    Raises:
      InputError: it is no image of a known kind, damaged, of more than 64 megapixels or more than a file of
        its size holds, so long that it would become so large when scaled, or of numbers without a known
        range.
    """
    # In memory: from a file, Pillow reads as many bytes as a header claims, in one piece.
    content = io.BytesIO(read_regular(path, MAX_BYTES))
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(content, formats=FORMATS) as image:
            _check_size(image.size, content.getbuffer().nbytes, side)
            picture = _in_colour(_upright(image))
    except InputError as error:
        raise InputError(f"{name_of(path)}: {error}") from error
    except Exception as error:  # Pillow's readers raise what they like over a damaged file
        raise InputError(
            f"{name_of(path)}: expected an image, found something else "
            f"({type(error).__name__}: {shown(error)})"
        ) from error
    scale = side / min(picture.size)
    width, height = (max(side, round(length * scale)) for length in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - side) // 2, (height - side) // 2
    return np.asarray(picture.crop((left, top, left + side, top + side)))


def _check_size(size: tuple[int, int], file_size: int, side: int) -> None:
    """Before anything is unpacked: a header of some bytes may claim to be of any size."""
    width, height = size
    if width * height > MAX_PIXELS:
        raise InputError(f"expected at most 64 megapixels, got {width} x {height}")
    if width * height > max(SMALL, PIXELS_PER_BYTE * file_size):
        raise InputError(f"expected a photograph, got {width} x {height} pixels in {file_size:,} bytes")
    if side * side * max(size) > MAX_PIXELS * min(size):
        raise InputError(f"expected sides that are nearer to each other, got {width} x {height}")


def _upright(image: Image.Image) -> Image.Image:
    with contextlib.suppress(Exception):  # damaged EXIF data leave an image as good as it was
        return ImageOps.exif_transpose(image)
    return image


def _in_colour(image: Image.Image) -> Image.Image:
    """In RGB, 8 bits."""
    if image.mode.startswith("I;16"):  # 16-bit grey, which Pillow itself would cut off at 255
        return Image.fromarray(np.rint(np.asarray(image) / np.float32(257.0)).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise InputError(f"expected 8 or 16 bits a channel, got numbers of mode {image.mode}")
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return image.convert("RGB")


def find_images(folder: Path, synsets: Sequence[str]) -> list[tuple[Path, int]]:
    """The images below a folder, with the index of their class, in a fixed order.

    Says so where the folders are numbered from 1, as if labels were not counted from 0.

    Raises:
      InputError: there is no such folder, a folder in it is of no class, or there are no images.
    """
    if not folder.is_dir():
        raise InputError(f"--imagefolder: expected a folder, found none at {name_of(folder)}")
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    numbers = {int(path.name) for path in inside if re.fullmatch(r"[0-9]{1,9}", path.name)}
    from_1 = len(numbers) == len(inside) > 1 and numbers == set(range(1, len(inside) + 1))
    if from_1 and len(inside) == len(synsets):
        raise InputError(
            f"--imagefolder: expected folders 0 to {len(synsets) - 1}, found 1 to {len(synsets)}; "
            "rename them, each one less"
        )
    if from_1:
        logger.warning(
            "--imagefolder: the folders are numbered 1 to %d; 0 is the first class, so that all would be "
            "compared with the class after their own if labels were meant to begin at 1",
            len(inside),
        )
    places = {name: index for index, name in enumerate(synsets)}
    found = []
    for inner in inside:
        is_number = re.fullmatch(r"[0-9]{1,9}", inner.name)
        index = places.get(inner.name, int(inner.name) if is_number else -1)
        if not 0 <= index < len(synsets):
            raise InputError(
                f"--imagefolder: expected folders named as n01440764 or 0, found {shown(inner.name)}"
            )
        found += [(path, index) for path in sorted(inner.iterdir()) if path.suffix.lower() in ENDINGS]
    if not found:
        raise InputError(f"--imagefolder: expected images in folders of classes, found none in {folder}")
    return found


def validate(target: Target, images: Sequence[tuple[Path, int]]) -> Iterator[dict[str, Any]]:
    """Scores images in batches; yields the figures so far, after each.

    An image that cannot be read is passed over, counted, and named (the first few).

    Raises:
      InputError: none of the images can be read.
    """
    top1 = top5 = count = passed_over = 0
    own: list[float] = []
    for start in range(0, len(images), BATCH):
        photographs, classes = [], []
        for path, label in images[start : start + BATCH]:
            try:
                photographs.append(read_photograph(path, checked_shape(target.image_shape)[0]))
            except InputError as error:
                passed_over += 1
                if passed_over <= NAMED:
                    logger.warning("passed over: %s", error)
                if passed_over == len(images):
                    raise InputError(f"--imagefolder: no image could be read; the last: {error}") from error
            else:
                classes.append(label)
        if not photographs:
            continue
        odds = score(target, np.stack(photographs), tile=BATCH)
        labels = np.asarray(classes)
        order = np.argsort(-odds, axis=1)
        top1 += int(np.sum(order[:, 0] == labels))
        top5 += int(np.sum(order[:, :5] == labels[:, None]))
        own += odds.max(axis=1).tolist()
        count += len(classes)
        yield {
            "images": count,
            "passed_over": passed_over,
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
        prog="python -m fooljax.cli.validate",
        description="How well a network for ImageNet names photographs.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--target", choices=imagenet.NAMES, default=imagenet.NAMES[0], help=f"default: {imagenet.NAMES[0]}"
    )
    parser.add_argument(
        "--weights", metavar="FILE", help="its weights; default: what fooljax[imagenet] brings"
    )
    parser.add_argument("--mean", metavar="FILE", help="mean image (.binaryproto, .npy) of Caffe's networks")
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
    target = imagenet.load(flags.target, weights=flags.weights, mean=flags.mean, crops=flags.crops)
    terminal = Terminal()
    terminal.say(f"{target.name}, {target.provenance['weights']}; confidence is the {target.confidence}")
    if flags.imagefolder is None:
        for path in sample_photographs():
            odds = score(target, read_photograph(path, checked_shape(target.image_shape)[0])[None])[0]
            best = np.argsort(-odds)[:5]
            named = ", ".join(f"{target.class_names[i]} {float(confidence(odds[i])):.1%}" for i in best)
            terminal.say(f"{path.name}: {named}")
        return
    images = find_images(flags.imagefolder, synsets())
    figures: dict[str, Any] = {}
    for figures in validate(target, images):
        if (figures["images"] + figures["passed_over"]) % (BATCH * 20) == 0:
            terminal.say(_line(figures))
    terminal.say(_line(figures))
    if flags.json:
        write_json(
            check_output(flags.json, "--json", "a JSON object"),
            {"target": target.name, "confidence": target.confidence, **target.provenance, **figures},
        )


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


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv), NamedImageNetSettings)


if __name__ == "__main__":
    sys.exit(main())
