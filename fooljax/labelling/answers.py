"""What a person answered, as the page saves it: read, and checked against the key of the task."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fooljax.errors import InputError, shown
from fooljax.labelling.task import Key
from fooljax.storage.json_files import read_json
from fooljax.storage.reading import name_of

KIND = "fooljax label answers"
"""Stands in files of answers, so that they are told from others."""
NOTHING = "nothing"
SOMETHING_ELSE = "something else"


@dataclass(frozen=True)
class Answers:
    """The answers of one person.

    Attributes:
      labeller: the name that was given; that of the file where none was.
      file: where they stand.
      by_image: by the image's hidden name: the index of the class that was chosen, `NOTHING` for nothing that
        is recognised, or `SOMETHING_ELSE` for something that is not in the list.
    """

    labeller: str
    file: Path
    by_image: dict[str, int | str]


def read_answers(path: Path, key: Key) -> Answers:
    """Reads the answers of one person.

    Args:
      path: of the file that the page saved.
      key: of the task.
    Raises:
      InputError: the file is missing or damaged, holds no answers, or those to another task.
    """
    content = read_json(path)
    answers = content.get("answers")
    if content.get("kind") != KIND or not isinstance(answers, list):
        raise InputError(f"{name_of(path)}: expected answers that the page saved, found something else")
    if content.get("task") != key.task:
        raise InputError(
            f"{name_of(path)}: expected answers to the task of the key, {key.task[:12]}, found answers to "
            f"{shown(content.get('task'), 12)}"
        )
    found: dict[str, int | str] = {}
    for entry in answers:
        image, answer = _checked(entry, key, path)
        if image in found:
            raise InputError(f"{name_of(path)}: expected one answer for an image, found two for {image}")
        found[image] = answer
    if not found:
        raise InputError(f"{name_of(path)}: expected answers, found none")
    name = content.get("labeller")
    return Answers(name.strip() if isinstance(name, str) and name.strip() else path.stem, path, found)


def read_all(paths: Sequence[Path], key: Key) -> list[Answers]:
    """Reads the answers of several people; those of equal names are told apart by their files.

    Raises:
      InputError: a file is no file of answers, or two hold the same answers of the same person.
    """
    read = [read_answers(path, key) for path in paths]
    names = [one.labeller for one in read]
    for place, one in enumerate(read):
        for other in read[:place]:
            if (one.labeller, one.by_image) == (other.labeller, other.by_image):
                raise InputError(
                    f"{name_of(one.file)}: expected other answers than {name_of(other.file)} has"
                )
    return [
        replace(one, labeller=f"{one.labeller} ({one.file})") if names.count(one.labeller) > 1 else one
        for one in read
    ]


def _checked(entry: Any, key: Key, path: Path) -> tuple[str, int | str]:
    """The image and the answer of an entry."""
    image, answer = (entry.get("image"), entry.get("answer")) if isinstance(entry, dict) else (None, None)
    if not isinstance(image, str) or image not in key.images:
        raise InputError(f"{name_of(path)}: expected an image of the task, found {shown(repr(image))}")
    if answer in (NOTHING, SOMETHING_ELSE) or (type(answer) is int and 0 <= answer < len(key.class_names)):
        return image, answer
    raise InputError(
        f"{name_of(path)}: expected the number of a class, {NOTHING!r} or {SOMETHING_ELSE!r} for {image}, "
        f"found {shown(repr(answer))}"
    )
