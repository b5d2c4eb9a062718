"""Judges by name, as commands name them in `--judges`."""

import dataclasses
import functools
from pathlib import Path

from fooljax.analysis.panel import family
from fooljax.data.dataset import Dataset
from fooljax.data.imagenet import class_names
from fooljax.engine.types import Target
from fooljax.errors import FaultError, InputError, shown
from fooljax.importing import import_value, is_import_name
from fooljax.targets.choice import Say, TargetChoice
from fooljax.targets.collection import FILES, NETWORKS_OF, find
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
        try:
            if is_import_name(name):
                found = import_value("judges", name, Target, "a fooljax.Target")
                if found.class_names:
                    return found
                shaped = dataclasses.replace(found, image_shape=found.image_shape or choice.image_shape)
                return choice_of(shaped, source=name).load(lambda _: None)  # its classes are numbers
            if is_file_name(name):
                return load_file(name)
            return find(name, weights=weights, data=learnt_from(), say=say)
        except InputError as error:
            told = str(error).removeprefix("network: ").removeprefix("judges: ")
            raise InputError(f"judges: {told}") from error

    return {name: judge(name) for name in names}


def judges_in(folder: Path, target: Target, say: Say) -> dict[str, Target]:
    """The networks for ImageNet whose files lie in a folder, but for relatives of the one that was fooled.

    Args:
      folder: the user's, with weight files, see `fooljax.targets.collection.find`.
      target: the network that was fooled; one that has other classes than ImageNet's has no judges there.
      say: takes a line about a network that wants a package which is missing.
    Returns:
      By name. Relatives are of the same `fooljax.analysis.panel.family`, and have the same blind spots.
    Raises:
      InputError: a file is not what its name says, or two are for one network.
    """
    found: dict[str, Target] = {}
    for name in NETWORKS_OF["imagenet"] if target.class_names == class_names() else ():
        if name not in FILES or not any(folder.glob(FILES[name])):
            continue
        try:
            judge = find(name, weights=folder)
        except FaultError as error:
            say(f"judges: {name} is not asked: {error}")
            continue
        if family(judge) != family(target):
            found[name] = judge
    return found
