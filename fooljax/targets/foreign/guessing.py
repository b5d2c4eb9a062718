"""What can be known of a network without being told: where its channels are, and what its outputs mean."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.engine.types import checked_shape
from fooljax.errors import InputError, shown
from fooljax.targets.preprocessing import LAYOUTS, SUM_TOLERANCE, Preprocessing, Said, said_of

Axes = Sequence[int | None]
"""The lengths of an input's axes, None where any will do."""
Shape = tuple[int, int, int]
CHANNELS = (1, 3)
UNSAID = "nothing says otherwise"
IMAGENET_CLASSES = 1000
"""TensorFlow's networks for them have one output more, the first."""
BY_RANK = {4: ("nhwc", "nchw"), 3: ("nhw",), 2: ("flat",)}


class Guess(NamedTuple):
    """A preprocessing, and what tells so of each of its fields, in words."""

    how: Preprocessing
    reasons: Mapping[str, str]

    def with_outputs(self, outputs: npt.NDArray[Any], operation: str | None, step: float = 0.0) -> "Guess":
        """The same, with what a network's outputs seem to be.

        Args:
          outputs: `[B, C]` of a few images.
          operation: the last one in the network, as ONNX calls it; None where it is not known.
          step: between two numbers of a quantised output; 0 of others.
        """
        fields, reason = _guessed_outputs(outputs, operation, step)
        return Guess(replace(self.how, **fields), {**self.reasons, "outputs": reason})

    def with_names(self, names: Sequence[str], outputs: int) -> "Guess":
        """The same, without the first output where the names of the classes tell that it is the background.

        Args:
          names: of the classes; none where they are not known.
          outputs: how many there are.
        """
        first = str(names[0]).strip().lower() if names else ""
        if first == "background" and len(names) == outputs > 2:
            reason = "its name is background"
        elif (len(names), outputs) == (IMAGENET_CLASSES, IMAGENET_CLASSES + 1):
            reason = "1,001 outputs for 1,000 classes"
        else:  # a name that was forgotten shall not take a class away
            return self
        return Guess(replace(self.how, left_out=(0,)), {**self.reasons, "left_out": reason})

    def unsaid(self, said: Said) -> tuple[str, ...]:
        """What was guessed and why, but for what the user says."""
        return tuple(
            f"{field} {_told(getattr(self.how, field))} ({reason})"
            for field, reason in self.reasons.items()
            if said_of(said, field) is None
        )


def first_guess(
    layout: str,
    known: Mapping[str, Any],
    *,
    whole_numbers: bool,
    channels: int,
    stored_range: tuple[float, float] | None = None,
    layout_reason: str = "from the shape of its input",
) -> Guess:
    """What a network seems to take, before it is asked.

    Args:
      layout: of its input.
      known: fields that its file says.
      whole_numbers: whether its input is of whole numbers.
      channels: of the images.
      stored_range: the numbers that the ends of a quantised input stand for. Such a network is shown levels
        as they are, whatever the file says of mean and deviation.
      layout_reason: what tells the layout.
    """
    fields, reasons = dict(known), dict.fromkeys(known, "the file says so")
    if stored_range is not None:
        fields, reasons = {"range": stored_range}, {"range": "from the quantisation of its input"}
    reasons["layout"] = layout_reason
    if "range" not in fields:
        fields["range"] = (0.0, 255.0) if whole_numbers else (0.0, 1.0)
        reasons["range"] = "its input is of whole numbers" if whole_numbers else UNSAID
    if channels == 3:
        reasons.setdefault("order", UNSAID)
    return Guess(Preprocessing(**{"layout": layout, **fields}), reasons)


def layout_and_shape(
    axes: Axes, *, source: str, layout: str | None = None, image_shape: Sequence[int] | None = None
) -> tuple[str, Shape]:
    """The layout of an input and the shape of the images that it takes.

    Args:
      axes: of the input, the batch first.
      source: names the network in errors.
      layout: what the user says of it, in `LAYOUTS`.
      image_shape: `(H, W, K)`, where the user says it.
    Returns:
      The layout, and `(H, W, K)`.
    Raises:
      InputError: the axes are none of an image, allow both layouts, or leave sides open; or what the user
        says does not fit.
    """
    said = None if image_shape is None else checked_shape(image_shape)
    found = [shown("any" if one is None else one) for one in axes]
    told = f"{source}: expected an input of images, got one of shape [{', '.join(found)}]"
    if layout is not None and layout not in LAYOUTS:
        raise InputError(f"layout: expected one of {', '.join(LAYOUTS)}, got {shown(layout)}")
    names = BY_RANK.get(len(axes), ()) if layout is None else (layout,)
    fitting = [(name, shape) for name in names if (shape := _shape(axes, name, said)) is not None]
    if layout is None and len(fitting) == 2:
        # Both fit, so the axis that is as long as colours are decides, if the other one is not.
        fitting = [(name, shape) for name, shape in fitting if shape[2] in CHANNELS]
    if len(fitting) == 2:
        raise InputError(
            f"layout: expected nhwc or nchw, since {source} may have its channels on either side"
        )
    if not fitting:
        hint = f", and images {list(said)}" if said else ""
        if layout is not None:
            hint = f", and the layout {layout}{hint}"
        raise InputError(f"{told}{hint}")
    (name, shape) = fitting[0]
    if None in shape:
        wanted = "image_shape: expected the height, width and channels of the images, as 224,224,3, since"
        raise InputError(f"{wanted} {source} takes images of any size")
    return name, checked_shape(shape)


def _shape(axes: Axes, layout: str, said: Shape | None) -> tuple[int | None, int | None, int | None] | None:
    """The image's sides in a layout, None where they are open; None where axes and layout do not fit."""
    rest = axes[1:]
    if layout == "flat":
        return _square(rest[0], said) if len(rest) == 1 else None
    if len(rest) != (2 if layout == "nhw" else 3):
        return None
    sides = {"nhwc": (0, 1, 2), "nchw": (1, 2, 0)}.get(layout)
    height, width, channels = (rest[side] for side in sides) if sides else (*rest, 1)
    shape = (height, width, channels)
    if said is None:
        return shape
    return said if all(one in (None, other) for one, other in zip(shape, said, strict=True)) else None


def _square(count: int | None, said: Shape | None) -> tuple[int | None, int | None, int | None] | None:
    """The shape of images that are rows of numbers: square ones, of one channel or of three."""
    if said is not None:
        return said if count in (None, math.prod(said)) else None
    if count is None:
        return None, None, None
    for channels in CHANNELS:
        side = math.isqrt(count // channels)
        if side * side * channels == count:
            return side, side, channels
    return None, None, None


def _guessed_outputs(
    outputs: npt.NDArray[Any], operation: str | None, step: float
) -> tuple[dict[str, Any], str]:
    """Fields of a `Preprocessing`, and what tells so; arguments as `Guess.with_outputs`."""
    count = math.prod(outputs.shape[1:])
    rows = outputs.reshape(len(outputs), -1).astype(np.float64)
    inside = bool(np.all((rows >= 0.0) & (rows <= 1.0)))
    fields: dict[str, Any] = {"binary": True} if count == 1 else {}
    if outputs.dtype == np.float16:
        fields["floor"] = float(np.finfo(np.float16).smallest_subnormal)
    if 0.0 < step < 0.5:
        # All classes whose probability is 0 share half a step: else many of them would outweigh one of 1.
        fields["floor"] = step / 2.0 / count
    if inside and operation in ("Softmax", "Sigmoid"):
        alone = operation == "Sigmoid" and count > 1 and not _sum_to_one(rows)
        return {
            **fields,
            "outputs": "sigmoids" if alone else "probabilities",
        }, f"its last operation is {operation}"
    if count > 1 and inside and _sum_to_one(rows):
        return {**fields, "outputs": "probabilities"}, f"they sum to 1 for {len(rows)} images"
    low, high = float(np.min(rows, initial=np.inf)), float(np.max(rows, initial=-np.inf))
    reason = f"they are from {low:.3g} to {high:.3g} for {len(rows)} images"
    kind = "probabilities" if count == 1 and inside and operation is None else "logits"
    return {**fields, "outputs": kind}, reason


def _sum_to_one(rows: npt.NDArray[np.float64]) -> bool:
    return bool(np.all(np.abs(rows.sum(axis=1) - 1.0) < SUM_TOLERANCE))


def _told(value: Any) -> str:
    return f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) and len(value) == 2 else str(value)
