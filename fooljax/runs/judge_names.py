"""Judges by name, as commands name them in `--judges`."""

import functools
from pathlib import Path

from fooljax.data.dataset import Dataset
from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.importing import import_value, is_import_name
from fooljax.targets.choice import Say, TargetChoice
from fooljax.targets.collection import find
from fooljax.targets.file_choice import is_file_name, load_file
from fooljax.targets.own_choice import choice_of

AUTO, NONE = "auto", "none"
HELP = (
    "Networks that had no part in making the images, and are asked what they take them for: names with "
    "commas between them, as lenet-1,mlp-0,knn or efficientnet-lite1, a file of a network, or MODULE:NAME."
)
JUDGES_HELP = f"{HELP} auto asks those that cost a second or two at the end, as for digits; none asks nobody."


def names_of(text: str) -> list[str]:
    """The judges that a text names; "auto" and "none" stand alone.

    Raises:
      InputError: it is of another form.
    """
    names = text.split(",")
    if not all(names) or len(set(names)) < len(names) or (len(names) > 1 and {AUTO, NONE} & set(names)):
        raise InputError(
            f"judges: expected {AUTO}, {NONE}, or names with commas between them, each once, "
            f"got {shown(text)}"
        )
    return names


def named_judges(
    text: str,
    choice: TargetChoice,
    say: Say,
    *,
    weights: Path | None = None,
    data: Dataset | None = None,
) -> dict[str, Target]:
    """The judges that a text names, by name; none for "auto" and "none".

    Args:
      text: see `HELP`.
      choice: of the network that was fooled; its data serve judges that learn here.
      say: takes a line before a training.
      weights: the user's folder with weight files, see `fooljax.targets.collection.find`.
      data: labelled images in place of those of the choice.
    Raises:
      InputError: there is no such network, or its weights are not there.
    """
    names = names_of(text)
    if names in ([AUTO], [NONE]):
        return {}

    @functools.cache
    def learnt_from() -> Dataset | None:
        return data if data is not None else choice.clean()

    def judge(name: str) -> Target:
        if is_import_name(name):
            found = import_value("judges", name, Target, "a fooljax.Target")
            if found.class_names or found.image_shape is None:
                return found
            return choice_of(found, source=name).load(lambda _: None)  # its classes are numbers
        try:
            if is_file_name(name):
                return load_file(name)
            return find(name, weights=weights, data=learnt_from(), say=say)
        except InputError as error:
            raise InputError(f"judges: {str(error).removeprefix('network: ')}") from error

    return {name: judge(name) for name in names}
