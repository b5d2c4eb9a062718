"""The task of a study with people: which images are shown in which order, and the key to what they are."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from fooljax.errors import InputError, shown
from fooljax.labelling.images import KINDS, Asked, Pool, Source, draw, noise_images
from fooljax.storage.json_files import read_json, write_json
from fooljax.storage.reading import name_of

KIND = "fooljax label key"
"""Stands in the key, so that it is told from other files."""


@dataclass(frozen=True, eq=False)
class LabelTask:
    """What is shown, in order.

    Attributes:
      images: in the order in which everybody sees them.
      class_names: which people choose from.
      groups: of related classes, one for each class; "" where there are none.
      seed: which images were drawn, and their order, follow from it.
    """

    images: tuple[Asked, ...]
    class_names: tuple[str, ...]
    groups: tuple[str, ...]
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        """What the images are called where nobody shall know what they are."""
        return tuple(f"image-{number:03d}" for number in range(1, len(self.images) + 1))

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the images in their order and of the classes; answers carry it."""
        digest = hashlib.sha256(json.dumps(self.class_names).encode())
        for image in self.images:
            digest.update(f"\n{image.pixels.shape}\n".encode() + np.ascontiguousarray(image.pixels).tobytes())
        return digest.hexdigest()


def make_task(
    sources: Sequence[Source], pool: Pool, *, evolved: int, clean: int, noise: int, seed: int
) -> LabelTask:
    """Draws the images of each kind, and shuffles them.

    Args:
      sources: the runs, whose images share a shape and their classes.
      pool: has the clean images.
      evolved: images of each run.
      clean: clean images.
      noise: images of noise.
      seed: of all that is drawn.
    Raises:
      InputError: the runs are of other classes, or the images are not of one shape.
    """
    class_names = sources[0].class_names
    if other := [source for source in sources if source.class_names != class_names]:
        raise InputError(
            "RUN: expected runs whose networks know the same classes, got "
            f"{shown(sources[0].images[0].source)} and {shown(other[0].images[0].source)}"
        )
    rng = np.random.default_rng(seed)
    images = []
    for source in sources:
        places = draw(rng, [image.class_index for image in source.images], evolved)
        images += [source.images[place] for place in places]
    for place in draw(rng, pool.classes, clean):
        images.append(Asked(pool.pixels(place), "clean", pool.name, class_index=pool.classes[place]))
    images += noise_images(rng, images[0].pixels.shape, noise)
    for image in images:
        if (shape := image.pixels.shape) != images[0].pixels.shape:
            raise InputError(
                f"RUN: expected images of one shape, since their size would tell them apart, got "
                f"{list(images[0].pixels.shape)} in {shown(images[0].source)} and {list(shape)} in "
                f"{shown(image.source)}"
            )
    groups = {index: name for source in sources for index, name in source.groups.items()}
    return LabelTask(
        tuple(images[place] for place in rng.permutation(len(images))),
        class_names,
        tuple(groups.get(index, "") for index in range(len(class_names))),
        seed,
    )


@dataclass(frozen=True)
class Key:
    """What the images of a task are, as `label-key.json` tells it.

    Attributes:
      task: digest of the task.
      class_names: which people chose from.
      groups: of related classes, one for each class; "" where there are none.
      images: by their hidden name: `kind`, `source`, `run`, `class_index` and `log_odds`, as in `Asked`.
    """

    task: str
    class_names: tuple[str, ...]
    groups: tuple[str, ...]
    images: Mapping[str, Mapping[str, Any]]


def write_key(task: LabelTask, path: Path) -> None:
    """Writes the key of a task.

    Raises:
      InputError: there is a file of that name that is not the key of the same task: answers may need it.
      FaultError: it cannot be written.
    """
    if path.exists() and read_key(path).task != task.digest:
        raise InputError(
            f"--output: {shown(path)} is the key of another task, whose answers need it; take another folder"
        )
    images = {
        name: {
            "kind": image.kind,
            "source": image.source,
            "run": image.run,
            "class_index": image.class_index,
            "log_odds": image.log_odds,
        }
        for name, image in zip(task.names, task.images, strict=True)
    }
    content = {"kind": KIND, "task": task.digest, "seed": task.seed, "class_names": task.class_names}
    write_json(path, {**content, "groups": task.groups, "images": images})


def read_key(path: Path) -> Key:
    """Reads the key of a task.

    Raises:
      InputError: the file is missing, damaged, or something else.
    """
    content = read_json(path)
    names, groups, images = (content.get(name) for name in ("class_names", "groups", "images"))
    if (
        content.get("kind") == KIND
        and isinstance(content.get("task"), str)
        and _are_texts(names)
        and _are_texts(groups)
        and len(names) == len(groups)
        and isinstance(images, dict)
        and all(_is_entry(entry, len(names)) for entry in images.values())
    ):
        return Key(content["task"], tuple(names), tuple(groups), images)
    raise InputError(f"{name_of(path)}: expected the key of a task, found something else")


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _is_entry(entry: object, classes: int) -> bool:
    """Whether an entry of a key says what an image is."""
    if not isinstance(entry, dict) or entry.get("kind") not in KINDS:
        return False
    index = entry.get("class_index")
    known = index is None if entry["kind"] == "noise" else type(index) is int and 0 <= index < classes
    return known and isinstance(entry.get("source"), str)
