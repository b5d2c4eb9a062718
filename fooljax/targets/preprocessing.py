"""From the image that is evolved to what a network takes, and from what it gives to logits.

Networks that come from elsewhere want their images in many forms: channels first, levels up to 255, a mean
subtracted, blue before red. Some give probabilities. A `Preprocessing` says all of it once, for every
framework, and works on NumPy arrays and inside a JAX program alike.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from fooljax.errors import InputError, nearest, shown

LAYOUTS = {
    "nhwc": "[batch, height, width, channels]",
    "nchw": "[batch, channels, height, width]",
    "nhw": "[batch, height, width]",
    "flat": "[batch, height * width * channels]",
}
"""The axes of what a network takes. `flat` has the numbers of an image in the order of `nhwc`."""
ORDERS = ("rgb", "bgr")
OUTPUTS = ("logits", "probabilities", "sigmoids")
LEAST = 1e-30
"""The probability that stands for smaller ones, whose logarithm may not be finite."""
SUM_TOLERANCE = 0.05
"""By how much the sum of probabilities may differ from 1: quantised ones are rounded one by one."""


@dataclass(frozen=True)
class Preprocessing:
    """What happens to an image `[H, W, K]` in [0, 1] before a network sees it, and to its outputs after.

    The steps are: the order of the channels, the range, the mean, the deviation, the layout. Levels of an
    image are spread over the range first, so mean and deviation are in the numbers of the range.

    Attributes:
      layout: the axes of what the network takes, one of `LAYOUTS`.
      range: the numbers that stand for black and white, as (0, 1), (0, 255) or (-1, 1).
      mean: of each channel, in the network's order of channels, or one number for all; it is subtracted.
        Empty for none.
      deviation: of each channel, or one number for all; what is left is divided by it. Empty for none.
      order: "rgb" or "bgr", of the network's channels. It matters for three channels only.
      outputs: what the network gives. "logits" are taken as they are. "probabilities" are of a softmax, and
        their logarithms are taken. "sigmoids" are a probability of its own for each class, and become
        log p - log(1 - p).
      floor: the least probability; smaller ones count as this one. A quantised network gives its
        probabilities in steps, and half a step is a good floor for it.
      binary: the network has one output, for the second of two classes. It becomes two logits, 0 and the
        logit of that output.
      left_out: numbers of outputs that stand for no class, as the background of some networks.
    """

    layout: str = "nhwc"
    range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    order: str = "rgb"
    outputs: str = "logits"
    floor: float = LEAST
    binary: bool = False
    left_out: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name, known in (("layout", LAYOUTS), ("order", ORDERS), ("outputs", OUTPUTS)):
            value = getattr(self, name)
            if value not in known:
                raise InputError(f"{name}: expected one of {', '.join(known)}, got {shown(repr(value))}")
        for name in ("range", "mean", "deviation"):
            object.__setattr__(self, name, _numbers(name, getattr(self, name)))
        if len(self.range) != 2 or self.range[0] == self.range[1]:
            raise InputError(f"range: expected two numbers, for black and for white, got {shown(self.range)}")
        if min(self.deviation, default=1.0) <= 0.0:
            raise InputError(f"deviation: expected numbers above 0, got {shown(self.deviation)}")
        if not isinstance(self.floor, int | float) or not 0.0 < self.floor < 0.5:
            raise InputError(f"floor: expected a probability above 0 and below 0.5, got {shown(self.floor)}")
        left_out = tuple(self.left_out) if isinstance(self.left_out, list | tuple) else (self.left_out,)
        if not all(type(one) is int and one >= 0 for one in left_out) or (left_out and self.binary):
            raise InputError(
                f"left_out: expected numbers of outputs, 0 or more, of a network that has several, got "
                f"{shown(repr(self.left_out))}"
            )
        object.__setattr__(self, "left_out", left_out)

    def __str__(self) -> str:
        return self.in_words()

    @property
    def sha256(self) -> str:
        """A digest: two that are equal have the same."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def in_words(self, channels: int | None = None) -> str:
        """All of it in one sentence.

        Args:
          channels: of the images; of one channel no order is told.
        """
        words = [f"The network takes images as {LAYOUTS[self.layout]}"]
        if channels != 1:
            words.append(self.order.upper())
        words.append(f"levels from {_plain(self.range[:1])} to {_plain(self.range[1:])}")
        if self.mean:
            words.append(f"less {_plain(self.mean)}")
        if self.deviation:
            words.append(f"divided by {_plain(self.deviation)}")
        return f"{', '.join(words)}; {self._outputs_in_words()}."

    def _outputs_in_words(self) -> str:
        kind = {
            "logits": "logits",
            "probabilities": "probabilities, whose logarithms are taken",
            "sigmoids": "probabilities of each class for itself, of which the logits are taken",
        }[self.outputs]
        said = f"its outputs are {kind}"
        if self.binary:
            kind = "logit" if self.outputs == "logits" else "probability"
            said = f"its one output is the {kind} of the second of two classes"
        if self.outputs != "logits":
            said += f", none below {self.floor:g}"
        if self.left_out:
            plural = "s" if len(self.left_out) > 1 else ""
            said += f"; its output{plural} {', '.join(map(str, self.left_out))} (from 0) left out"
        return said

    def inputs(self, images: Any) -> Any:
        """What the network takes.

        Args:
          images: `[B, H, W, K]` float32 in [0, 1], of NumPy or JAX.
        Returns:
          An array of the same kind, float32, with the axes of the layout.
        Raises:
          InputError: mean or deviation is of another number of channels, the order of colours is of images
            that have none, or the layout has no place for the channels.
        """
        xp = images.__array_namespace__()
        channels = images.shape[3]
        self.check_channels(channels)
        if self.order == "bgr":
            images = images[..., ::-1]
        low, high = self.range
        deviation = xp.asarray(_each(self.deviation or (1.0,), channels), dtype=xp.float32)
        shift = xp.asarray(_each(self.mean or (0.0,), channels), dtype=xp.float32) - xp.float32(low)
        if (low, high) != (0.0, 1.0):
            images = images * xp.float32(high - low)
        if self.mean or low:
            images = images - shift[None, None, None]
        if self.deviation:
            images = images / deviation[None, None, None]
        if self.layout == "nchw":
            return xp.transpose(images, (0, 3, 1, 2))
        if self.layout == "nhw":
            return images[..., 0]
        return xp.reshape(images, (images.shape[0], -1)) if self.layout == "flat" else images

    def check_channels(self, channels: int) -> None:
        """Makes sure that images of so many channels can be prepared.

        Raises:
          InputError: see `inputs`.
        """
        for name, values in (("mean", self.mean), ("deviation", self.deviation)):
            if len(values) not in (0, 1, channels):
                raise InputError(
                    f"{name}: expected one number, or one for each of the {channels} channels, got "
                    f"{len(values)}"
                )
        if self.order == "bgr" and channels != 3:
            raise InputError(f"order: bgr is of images with 3 channels, got {channels}")
        if self.layout == "nhw" and channels != 1:
            raise InputError(f"layout: nhw is of images with 1 channel, got {channels}")

    def logits(self, outputs: Any) -> Any:
        """The logits that a network's outputs stand for.

        Args:
          outputs: `[B, C]`, or with more axes of length 1, floating-point numbers of NumPy or JAX. Of NumPy
            it is checked that probabilities are some.
        Returns:
          An array of the same kind, `[B, C]` float32, without what is left out; two columns for a network of
          one output.
        Raises:
          InputError: they have another shape, or are no probabilities where that was said.
        """
        xp = outputs.__array_namespace__()
        found = self._columns(outputs)
        if self.outputs != "logits":
            _check_probabilities(found, self.outputs == "probabilities" and not self.binary, self.floor)
        if self.outputs == "probabilities" and not self.binary:
            found = xp.log(xp.maximum(found, found.dtype.type(self.floor)))
        elif self.outputs != "logits":
            # Below half the distance between 1 and the next number, 1 - p tells nothing any more.
            least = found.dtype.type(max(self.floor, float(xp.finfo(found.dtype).eps) / 2.0))
            found = xp.log(xp.maximum(found, least)) - xp.log(xp.maximum(1 - found, least))
        if self.binary:
            found = xp.concatenate([xp.zeros_like(found), found], axis=1)
        if self.left_out:
            left = set(self.left_out)
            found = found[:, xp.asarray([i for i in range(found.shape[1]) if i not in left])]
        return found.astype(xp.float32)

    def highest_log_odds(self, classes: int) -> float:
        """No log-odds of such a network are above this; infinite where nothing is known of it.

        Args:
          classes: how many there are; all but one share the least probability then.
        """
        if self.outputs != "probabilities" or self.binary:
            return math.inf
        return -math.log((classes - 1) * self.floor)

    def kept(self, count: int) -> int:
        """How many classes are left of a network of so many outputs.

        Raises:
          InputError: an output that is left out does not exist, or fewer than 2 classes are left.
        """
        if self.binary:
            return 2
        if max(self.left_out, default=-1) >= count:
            raise InputError(
                f"left_out: expected numbers of outputs from 0 to {count - 1}, got {shown(self.left_out)}"
            )
        left = count - len(set(self.left_out))
        if left < 2:
            raise InputError(f"left_out: expected 2 classes or more that are left, got {left}")
        return left

    def _columns(self, outputs: Any) -> Any:
        """The outputs as `[B, n]`, of 32 bits or more."""
        xp = outputs.__array_namespace__()
        shape = tuple(outputs.shape)
        count = max(shape[1:], default=1)
        if not shape or math.prod(shape[1:]) != count or not count:
            raise InputError(
                f"target: expected outputs [B, C], a row for each image, got shape {list(shape)}"
            )
        if not xp.issubdtype(outputs.dtype, xp.floating):
            raise InputError(f"target: expected outputs that are floating-point numbers, got {outputs.dtype}")
        if (count == 1) != self.binary:
            found = "1" if count == 1 else f"{count:,}"
            hint = "; say binary=True for the one output of two classes" if count == 1 else ""
            raise InputError(
                f"target: expected {'one output' if self.binary else 'outputs of several classes'}, got "
                f"{found}{hint}"
            )
        self.kept(count)
        columns = xp.reshape(outputs, (shape[0], count))
        return columns if outputs.dtype.itemsize >= 4 else columns.astype(xp.float32)


Said = Preprocessing | Mapping[str, Any] | None
"""What a user says of it: all, or some fields by name, or nothing."""


def said_of(said: Said, field: str) -> Any:
    """What a user says of a field; None where nothing is said of it."""
    if isinstance(said, Preprocessing):
        return getattr(said, field)
    return said.get(field) if isinstance(said, Mapping) else None


def settled(guessed: Preprocessing, said: Said) -> Preprocessing:
    """What was guessed, with what the user says in its place.

    Args:
      guessed: from a file or a model.
      said: a `Preprocessing` holds as a whole. Of a mapping, the fields that it names do.
    Raises:
      InputError: it is of another kind, or a field has another name or value than expected.
    """
    if said is None or isinstance(said, Preprocessing):
        return guessed if said is None else said
    if not isinstance(said, Mapping):
        raise InputError(
            f"preprocessing: expected a Preprocessing, or a dict of its fields, got {shown(repr(said))}"
        )
    known = [field.name for field in fields(Preprocessing)]
    for name in said:
        if name not in known:
            raise InputError(
                f"preprocessing: expected fields {', '.join(known)}, got {shown(repr(name))}"
                f"{nearest(str(name), known)}"
            )
    return replace(guessed, **said)


def _check_probabilities(found: Any, sum_to_one: bool, floor: float) -> None:
    """Refuses outputs that are no probabilities. Inside a JAX program nothing is known of them."""
    if not isinstance(found, np.ndarray):
        return
    rows = found[np.isfinite(found).all(axis=1)]
    low, high = float(np.min(rows, initial=0.0)), float(np.max(rows, initial=0.0))
    # A floor of half a step, shared by all classes, tells how far the rounding of all may add up.
    allowed = max(SUM_TOLERANCE, floor * found.shape[1] ** 2)
    sums = np.asarray(rows, np.float64).sum(axis=1)
    if low < -1e-6 or high > 1.0 + allowed or (sum_to_one and np.any(np.abs(sums - 1.0) > allowed)):
        worst = float(sums[np.argmax(np.abs(sums - 1.0))])
        row = f" and a row that sums to {worst:.3g}" if sum_to_one else ""
        raise InputError(
            f"outputs: expected probabilities, got numbers from {low:.3g} to {high:.3g}{row}; say logits if "
            "they are logits, or sigmoids if each class has a probability of its own"
        )


def _numbers(name: str, given: Any) -> tuple[float, ...]:
    values = tuple(given) if isinstance(given, list | tuple) else (given,)
    try:
        numbers = tuple(map(float, values))
    except (TypeError, ValueError):
        numbers = (math.nan,)
    if not all(map(math.isfinite, numbers)):
        raise InputError(f"{name}: expected finite numbers, got {shown(repr(given))}")
    return numbers


def _each(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    return values if len(values) == channels else values * channels


def _plain(numbers: tuple[float, ...]) -> str:
    if len(numbers) == 1:
        return f"{numbers[0]:.6g}"
    return f"({', '.join(f'{number:.6g}' for number in numbers)})"
