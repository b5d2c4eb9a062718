"""Image sets of several networks, generators and runs as the tasks of a study, clean images among them.

A study that measures what networks see asks each network about images that were made against it. A task is
one set: one image for each class, of one generator and one run. The generator `clean` stands for images of
the data set: run r takes of each class the r-th test image that the network names right. Photographs of
ImageNet's classes make a single such set, of the first photograph of each class that is named right. The
generator `archive` stands for the images of a finished run, which make a single set for its network.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax import data, generative
from fooljax.data.cifar10 import CLASS_NAMES as CIFAR10_CLASSES
from fooljax.data.dataset import Dataset
from fooljax.data.imagenet import NUM_CLASSES as IMAGENET_CLASSES
from fooljax.data.imagenet import synsets
from fooljax.data.labelled_photographs import HELP as PHOTOGRAPHS_HELP
from fooljax.data.labelled_photographs import labelled_images
from fooljax.data.loading import HELP
from fooljax.engine.log_odds import FOOLED, rounded
from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.importing import is_import_name
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.storage.trees import digest_tree
from fooljax.study import archives, clean_images, numbers
from fooljax.study.findings import describe_sample
from fooljax.study.generators import EXPLANATIONS
from fooljax.study.image_sets import PASSES, ImageSets, ImageSettings, SetSpec
from fooljax.study.study import Workspace
from fooljax.study.tables import group_by, markdown
from fooljax.study.task import SAFE_NAME, Row, Task
from fooljax.targets import cifar10
from fooljax.targets.choice import CLASSES_HELP, read_classes
from fooljax.targets.collection import NETWORKS_OF, check_name, find

CLEAN = "clean"
ARCHIVE = "archive"
NAMES = {**EXPLANATIONS, ARCHIVE: "images of a finished search with CPPNs", CLEAN: "clean test images"}
"""What each generator makes, for people."""
SEES = {
    "direct": "logits",
    "cppn": "logits",
    "cppn_paper": "logits",
    "gradient": "gradients",
    ARCHIVE: "logits",
}
"""What a generator sees of the network; random search sees logits, the rest nothing."""


@dataclass(frozen=True)
class NetworkSettings:
    """Which networks are asked; the defaults are those of the published tables."""

    networks: str = option(
        "lenet-0,lenet-1,lenet-2,lenet-3,lenet-4", "Networks by name, with commas between them."
    )
    data: str = option("embedded", HELP)
    weights: str | None = option(None, "Folder of weights, for networks whose files are there.", kind=str)


@dataclass(frozen=True)
class SetSettings(NetworkSettings, ImageSettings):
    """Which networks are asked, about which image sets."""

    runs: int = option(5, "Number of image sets of each generator against each network.", least=1)
    passes: int = option(PASSES, "Network passes that a set may cost.", least=400)
    classes: str = option("all", CLASSES_HELP)
    imagefolder: str | None = option(
        None, f"{PHOTOGRAPHS_HELP} Clean images for networks for ImageNet, in place of --data.", kind=str
    )
    archive: str | None = option(
        None, "Folder of a finished run, whose images --generators archive measures.", kind=str
    )


SMOKE = {"networks": "lenet-0,lenet-1", "runs": 2, "passes": 2000}
"""Settings of a small size: seconds, with nothing but what comes with the package.

Studies that have these settings in common use the same image sets, which are then made once.
"""


class Measured(NamedTuple):
    """The set of a task.

    Attributes:
      images: `[C, H, W, K]` uint8.
      classes: `[C]`, the class of each.
      log_odds: `[C]`, of these 8-bit images for their classes.
      facts: what a row says of them: their digest, what they cost, their log-odds.
    """

    images: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.integer]
    log_odds: npt.NDArray[np.float32]
    facts: dict[str, Any]


def network(config: NetworkSettings, name: str, say: Callable[[str], None]) -> Target:
    """The network of a name, as a study asks for it. A wrong folder of photographs is told at once."""
    if isinstance(config, SetSettings) and config.imagefolder is not None:
        labelled_images(Path(config.imagefolder), synsets())
    weights = Path(config.weights) if config.weights else None
    if generative.is_generative(name):
        return generative.find(name, dataset_of(config.data), say)
    return find(name, weights=weights, data=dataset_of(config.data), say=say)


def check_network(config: NetworkSettings, name: str) -> None:
    """Makes sure that `network` knows a name and that the network has `config.classes`; nothing is trained.

    Raises:
      InputError: it does not, or the network has not.
    """
    if not generative.is_generative(name):
        check_name(name)
    if isinstance(config, SetSettings) and config.classes != "all":
        read_classes(config.classes, _classes_of(config, name))


def _classes_of(config: NetworkSettings, name: str) -> int:
    """How many classes the network of a name has."""
    if name in NETWORKS_OF["imagenet"]:
        return IMAGENET_CLASSES
    return len(CIFAR10_CLASSES) if name in cifar10.NAMES else dataset_of(config.data).num_classes


@functools.lru_cache(maxsize=2)
def dataset_of(spec: str) -> Dataset:
    """The images that `--data` names, read once."""
    return data.load(spec)


def data_settings(config: NetworkSettings) -> dict[str, str]:
    """The settings of a task that name the data: what they are, wherever they lie."""
    dataset = dataset_of(config.data)
    return {"data": dataset.name, "data_sha256": dataset.digest}


def clean_data_settings(config: SetSettings) -> dict[str, str]:
    """The settings of a task that name its clean images: those of the data, or photographs."""
    return data_settings(config) if config.imagefolder is None else {"data": "photographs"}


def network_names(config: NetworkSettings) -> list[str]:
    """The names of the networks.

    Raises:
      InputError: one is named twice, a name is missing, or one cannot be in the name of a row's file.
    """
    return parse_networks(config.networks, "--networks")


def parse_networks(text: str, flag: str) -> list[str]:
    """Reads a setting that names networks.

    Args:
      text: the names, with commas between.
      flag: the setting, for errors.
    Raises:
      InputError: one is named twice, a name is missing, or one cannot be in the name of a row's file.
    """
    for name in filter(None, text.split(",")):
        if is_import_name(name):
            raise InputError(
                f"{flag}: expected names of networks that fooljax knows, got {shown(name)}; your own are "
                "for evolve, ascend and audit, and for a study of your own (docs/extending.md)"
            )
        if not SAFE_NAME.fullmatch(name):
            raise InputError(f"{flag}: expected names of letters, digits and _.=+-, got {shown(name)}")
    return parse_names(text, flag)


def parse_judges(text: str, networks: Sequence[str]) -> list[str]:
    """Reads a setting that names the networks which are asked what they see.

    Args:
      text: the names, with commas between.
      networks: those that the images are made for.
    Raises:
      InputError: as `parse_networks`, or one of them is to judge images that were made for it.
    """
    names = parse_networks(text, "--judges")
    if both := sorted(set(names) & set(networks)):
        raise InputError(f"--judges: expected other networks than those of --networks, got {both[0]} in both")
    return names


def parse_names(text: str, flag: str) -> list[str]:
    """Reads a setting that holds names, whatever they are.

    Args:
      text: the names, with commas between.
      flag: the setting, for errors.
    Raises:
      InputError: one is given twice, or a name is missing.
    """
    names = text.split(",")
    twice = next((name for place, name in enumerate(names) if name and name in names[:place]), None)
    if twice or not all(names):
        found = f"{shown(twice)} twice" if twice else shown(text) or "no name"
        raise InputError(f"{flag}: expected different names with commas between, got {found}")
    return names


def parse_numbers(text: str, flag: str, *, least: int = 1) -> list[int]:
    """Reads a setting that holds whole numbers.

    Args:
      text: whole numbers, with commas between.
      flag: the setting, for errors.
      least: the smallest that there may be, 1 or more.
    Raises:
      InputError: there is something else among them, or one is given twice.
    """
    words = text.split(",")
    if not all(word.isascii() and word.isdecimal() and least <= int(word[:10]) < 10**9 for word in words):
        raise InputError(f"{flag}: expected numbers from {least} on, with commas between, got {shown(text)}")
    found = list(map(int, words))
    if len(set(found)) < len(found):
        raise InputError(f"{flag}: expected different numbers with commas between, got {shown(text)}")
    return found


def parse_choices(generators: str, known: Iterable[str], flag: str = "--generators") -> list[str]:
    """Reads a setting that names generators, or other things out of a list.

    Args:
      generators: their names, with commas between.
      known: those that there are.
      flag: the setting, for errors.
    Raises:
      InputError: one is named twice, or there is no such one.
    """
    names, there = generators.split(","), list(known)
    if len(set(names)) < len(names) or not set(names) <= set(there):
        raise InputError(f"{flag}: expected some of {', '.join(there)}, got {shown(generators)}")
    return names


def tasks(
    config: SetSettings, generators: Sequence[str], budgets: Mapping[str, int] | None = None
) -> Iterator[Task]:
    """A task for each network, generator and run; the runs of a generator are measured together.

    Args:
      config: which networks, how many runs, the budget, the classes.
      generators: out of `fooljax.study.generators.GENERATORS`, and `clean`.
      budgets: network passes of the sets of some generators, in place of the config's.
    Raises:
      InputError: a network is named twice, or there are no clean images for one.
    """
    for name in network_names(config):
        if CLEAN in generators and name in NETWORKS_OF["imagenet"] and config.imagefolder is None:
            raise InputError(f"--imagefolder: expected a folder with clean images for {name}, got none")
    for generator in generators:
        finished = archive_settings(config) if generator == ARCHIVE else {}
        for name in [finished["network"]] if finished else network_names(config):
            together = f"{name},{generator}"
            photographs = config.imagefolder if generator == CLEAN else None
            for run in range(config.runs if photographs is None and not finished else 1):
                settings = {"network": name, "generator": generator, "run": run}
                settings["budget"] = (budgets or {}).get(generator, config.passes)
                if config.classes != "all":
                    settings["classes"] = config.classes
                if generator == CLEAN:
                    settings |= {"budget": 0, **clean_data_settings(config)}
                settings |= finished
                yield Task(f"{together},run={run}", settings, (name,), together)


def measured(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[tuple[Target, Measured]]:
    """The set of each of the tasks of one call, in order, and the network."""
    first, config = tasks[0].settings, workspace.config
    target = workspace.network(first["network"])
    cells = read_classes(config.classes, len(target.class_names))
    runs = [task.settings["run"] for task in tasks]
    if first["generator"] == CLEAN:
        found: Iterable[clean_images.Clean]
        if config.imagefolder is not None:
            found = [clean_images.from_photographs(target, Path(config.imagefolder), cells)]
        else:
            found = map(clean_images.from_data(target, dataset_of(config.data), cells), runs)
        for clean in found:
            facts = {"images_digest": digest_tree({"images": clean.images}), "passes": 0}
            yield target, Measured(*clean, facts | {"log_odds": rounded(clean.log_odds)})
        return
    if first["generator"] == ARCHIVE:
        images, classes = archives.images(_archive(config), cells)
        odds = score(target, images)[range(len(classes)), classes]
        facts = {"images_digest": digest_tree({"images": images}), "passes": first["budget"]}
        yield target, Measured(images, classes, odds, facts | {"log_odds": rounded(odds)})
        return
    specs = [SetSpec(first["network"], first["generator"], run, first["budget"], cells) for run in runs]
    for one in ImageSets(config.images).get_many(specs, target):
        facts = {"images_digest": one.digest, "passes": one.passes, "log_odds": rounded(one.log_odds)}
        yield target, Measured(one.images, one.classes, one.log_odds, facts)


def archive_settings(config: SetSettings) -> dict[str, Any]:
    """The settings of a task that name the finished run: its network, passes, and table of elites.

    Raises:
      InputError: no run is given, or it cannot be read.
    """
    folder = _archive(config)
    finished = archives.identity(folder)
    return {
        "network": finished["network"],
        "budget": archives.passes_of(folder),
        "elites_sha256": finished["elites_sha256"],
    }


def _archive(config: SetSettings) -> Path:
    if config.archive is None:
        raise InputError("--archive: expected the folder of a finished run, got none")
    folder = Path(config.archive)
    if not (folder / "summary.json").is_file():
        raise InputError(
            f"--archive: expected the folder of a finished run, found no summary.json in {shown(folder)}"
        )
    return folder


def network_access(generator: str) -> str:
    """What a generator sees of the network, for people."""
    return "logits" if generator.startswith("random_search") else SEES.get(generator, "nothing")


def sort_rows(rows: Sequence[Row]) -> list[Row]:
    """Rows in the order of `NAMES`, then of networks and runs, however they were read."""
    names = list(NAMES)
    return sorted(rows, key=lambda row: (names.index(row["generator"]), row["network"], row["run"]))


def sets_table(rows: Sequence[Row]) -> str:
    """A table of the sets that were measured: what made them, what it saw, and how strong it was.

    Args:
      rows: with `generator`, `network`, `passes` and `log_odds`.
    """
    lines = []
    for (generator,), group in group_by(rows, "generator").items():
        odds = np.concatenate([row["log_odds"] for row in group])
        lines.append(
            {
                "images": NAMES[generator],
                "sees": network_access(generator),
                "sets": describe_sample(len(group), len(group_by(group, "network"))),
                "passes of a set": numbers.plain(max(row["passes"] for row in group)),
                "median confidence": numbers.confidence(float(np.median(odds))),
                "images >= 99.99 %": f"{int(np.sum(odds >= FOOLED))} of {odds.size}",
            }
        )
    return markdown(lines)


THREAT = """\
A set has one image for each class. Evolution and random search see the network's logits, gradient ascent
sees its gradients, and the other generators see nothing of the network. All images were saved with 8 bits,
read back and scored. They may differ from clean images by any amount. A gradient counts as two network
passes. No generator was restarted."""
"""What the attacker sees and may do, for the reader of a table."""
