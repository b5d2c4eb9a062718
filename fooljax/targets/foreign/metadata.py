"""What exporters write into the metadata of a file: classes, range of the levels, order of the colours.

Sources: https://github.com/onnx/onnx/blob/main/docs/MetadataProps.md for images; Ultralytics for `names`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from fooljax.storage.json_files import parse_json
from fooljax.targets.class_names import names_in

NAMES = ("names", "class_names", "classes", "labels", "id2label")
MEAN, DEVIATION = ("mean", "image_mean"), ("std", "image_std")
RANGES = {
    "NominalRange_0_255": (0.0, 255.0),
    "Normalized_0_1": (0.0, 1.0),
    "Normalized_1_1": (-1.0, 1.0),
    "NominalRange_16_235": (16.0, 235.0),
}
ORDERS = {"Rgb8": "rgb", "Bgr8": "bgr"}


class Metadata(NamedTuple):
    """What a file's metadata say.

    Attributes:
      fields: of a `Preprocessing`.
      class_names: of the network's outputs; none where the file does not say.
    """

    fields: Mapping[str, Any]
    class_names: tuple[str, ...]


def read_metadata(entries: Mapping[str, str]) -> Metadata:
    """Reads the entries that are known; others, and those of another form, are passed over.

    Args:
      entries: texts by name.
    """
    found: dict[str, Any] = {}
    if (levels := RANGES.get(entries.get("Image.NominalPixelRange", ""))) is not None:
        found["range"] = levels
    if (order := ORDERS.get(entries.get("Image.BitmapPixelFormat", ""))) is not None:
        found["order"] = order
    for field, keys in (("mean", MEAN), ("deviation", DEVIATION)):
        for key in keys:
            if (numbers := _numbers(entries.get(key, ""))) is not None:
                found[field] = numbers
    lists = [names_in(entries.get(key, "")) for key in NAMES]
    return Metadata(found, next(filter(None, lists), ()))


def _numbers(text: str) -> tuple[float, ...] | None:
    try:
        found = parse_json(text.encode())
    except ValueError:
        return None
    if not isinstance(found, list) or not all(type(one) in (int, float) for one in found):
        return None
    return tuple(map(float, found)) if len(found) in (1, 3) else None
