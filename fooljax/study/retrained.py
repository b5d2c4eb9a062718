"""Networks that were retrained in rounds with a class more for fooling images, by names that studies ask for.

Of one network several chains are retrained. Chain c learns from the image sets that evolved against the
network itself, all but set c, which is kept to be shown to it later; from as many images of first
generations; and from round 2 on from the images that evolved against its own earlier rounds, as in the paper.
A state is the network of one chain after one round, at one rate of clean images that it rejects. Its name
holds a digest of the settings that decide it. A retrained network is kept beside its image sets.

Source: Nguyen et al. 2015, section 3.6: the images of the first and the last generation, all in one class.
"""

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from fooljax.analysis.thresholds import conformal_quantile
from fooljax.defences.fine_tuning import Lesson, fine_tuned, margins, rejecting, with_rejection
from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.storage.trees import load_tree
from fooljax.study import measured_sets
from fooljax.study.image_sets import ImageSets, SetSpec, save_with_folder
from fooljax.study.measured_sets import dataset_of, parse_choices
from fooljax.study.network_thresholds import CleanAnswers, CleanImages, cached_answers
from fooljax.study.retraining_lessons import (
    LEARNT,
    MOST_CLEAN,
    Images,
    RetrainingSettings,
    archived,
    clean_of,
    first_generation,
)
from fooljax.study.study import Workspace
from fooljax.study.task import digest_of
from fooljax.targets import cifar10
from fooljax.targets.choice import read_classes
from fooljax.targets.last_layer import with_params

LEARNT_FROM = "cppn"
"""The generator whose images are learnt from."""
RATES = range(1, 21)
"""Percents of clean images that a network may reject."""
RETRAINABLE = ("lenet", "mlp", *cifar10.NAMES, "efficientnet", "tiny-darknet")
"""With which the names of networks begin whose last layer is known, see `fooljax.targets.last_layer`."""
NAME = re.compile(r"(.+)-([0-9a-f]{8})-round([0-9]+)-chain([0-9]+)(?:-rejects([0-9]+))?")


def rates_of(config: RetrainingSettings, rates: str) -> list[int]:
    """The rates that `--rates` names, for chains that have a set each.

    Raises:
      InputError: a rate is none of `RATES` or is named twice, or there are more chains than sets.
    """
    if config.chains > config.runs:
        raise InputError(f"--chains: expected at most {config.runs}, the --runs, got {config.chains}")
    return [int(one) for one in parse_choices(rates, map(str, RATES), "--rates")]


def retrainable_names(config: RetrainingSettings) -> list[str]:
    """The names of the networks that are retrained.

    Raises:
      InputError: the last layer of one is not known, or see `measured_sets.network_names`.
    """
    names = measured_sets.network_names(config)
    if others := [name for name in names if not name.startswith(RETRAINABLE)]:
        raise InputError(
            "--networks: expected networks whose last layer can be retrained, with names that begin with "
            f"{', '.join(RETRAINABLE)}, got {shown(others[0])}"
        )
    return names


class State(NamedTuple):
    """A network of a chain.

    Attributes:
      network: the one that was retrained, by its name.
      round: how often it was; 0 is the network itself.
      chain: of which chain.
      rate: percent of clean images that it rejects; None as it was trained.
    """

    network: str
    round: int = 0
    chain: int = 0
    rate: int | None = None

    @property
    def label(self) -> str:
        """With which the names of its tasks begin."""
        return f"{self.network},round={self.round},chain={self.chain},rate={self.rate or 0}"

    def name(self, config: RetrainingSettings) -> str:
        """By which the network is asked for."""
        if self.round == 0:
            return self.network
        rejects = "" if self.rate is None else f"-rejects{self.rate}"
        return f"{self.network}-{_digest(config)}-round{self.round}-chain{self.chain}{rejects}"

    def spec(self, config: RetrainingSettings, generator: str, passes: int, num_classes: int) -> SetSpec:
        """The set of images that is made against it: of the network itself that of the chain's own run."""
        cells = read_classes(config.classes, num_classes)
        if self.round and cells is None:  # the class more is none that images are made for
            cells = tuple(range(num_classes))
        run = 0 if self.round else self.chain
        return SetSpec(self.name(config), generator, run, passes, cells)


def retrained_states(config: RetrainingSettings, network: str, rates: Sequence[int]) -> Iterator[State]:
    """The states of all chains of a network after each round, one chain after the other."""
    for count in range(1, config.rounds + 1):
        for chain in range(config.chains):
            for rate in rates:
                yield State(network, count, chain, rate)


def state_of(name: str, config: RetrainingSettings) -> State:
    """The state of a name.

    Raises:
      InputError: it is a state of other settings.
    """
    found = NAME.fullmatch(name)
    if not found:
        return State(name)
    if found[2] != _digest(config):
        raise InputError(f"network: expected one of these settings, {_digest(config)}, got {shown(name)}")
    return State(found[1], int(found[3]), int(found[4]), int(found[5]) if found[5] else None)


def _digest(config: RetrainingSettings) -> str:
    names = ("runs", "passes", "classes", "part", "steps", "share", "photographs")
    facts = {name: getattr(config, name) for name in names}
    facts["clean"] = "photographs" if config.imagefolder else dataset_of(config.data).digest
    if config.learnt != MOST_CLEAN:  # names are older than this setting
        facts["learnt"] = config.learnt
    facts["archive"] = None if config.archive is None else Path(config.archive).name
    return digest_of(facts)[:8]


def network(config: RetrainingSettings, name: str, say: Callable[[str], None]) -> Target:
    """The network of a name: one that is at hand, or a state, which is made if it was not yet.

    Raises:
      InputError: there is no such network, or see `fine_tuned`.
      FaultError: it cannot be saved.
    """
    state = state_of(name, config)
    if state.round == 0:
        return _at_hand(config, name, say)
    teacher = network(config, state.network, say)
    plain = state._replace(rate=None)
    path = Path(str(config.images)) / plain.name(config) / "network.npz"
    blank = with_rejection(teacher)
    if not path.exists():
        say(f"retraining {state.network}: round {state.round} of chain {state.chain}")
        made = _retrained(config, plain, teacher, say)
        tuned = margins(made, clean_of(config, teacher).tuning)
        levels = {str(rate): conformal_quantile(tuned, 1.0 - rate / 100.0) for rate in RATES}
        save_with_folder(path, made.params, {"margins": levels})
    params, facts = load_tree(path, blank.params)
    found = with_params(blank, jax.device_put(params), blank.apply, blank.class_names)
    return found if state.rate is None else rejecting(found, float(facts["margins"][str(state.rate)]))


@functools.lru_cache(maxsize=4)
def _at_hand(config: RetrainingSettings, name: str, say: Callable[[str], None]) -> Target:
    """A network that nobody retrained, read once."""
    return measured_sets.network(config, name, say)


def _retrained(
    config: RetrainingSettings, state: State, teacher: Target, say: Callable[[str], None]
) -> Target:
    """The network of a state, whose rate is None."""
    before = network(config, state._replace(round=state.round - 1).name(config), say)
    evolved = _evolved(config, state, teacher, say)
    if config.archive is not None:
        evolved.append(archived(config.archive, LEARNT).images)
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(state.chain), state.round), 1)
    train_key, first_key = jax.random.split(key)
    fooling = np.concatenate([*evolved, first_generation(teacher, sum(map(len, evolved)), first_key)])
    lesson = Lesson(clean_of(config, teacher).learnt, fooling, config.share)
    return fine_tuned(before, teacher, lesson, config.part, config.steps, train_key)


def _evolved(
    config: RetrainingSettings, state: State, teacher: Target, say: Callable[[str], None]
) -> list[Images]:
    """The last generations that a state learns from."""
    sets, classes = ImageSets(str(config.images)), len(teacher.class_names)
    arguments = (LEARNT_FROM, config.passes, classes)
    first = [State(state.network, chain=run).spec(config, *arguments) for run in range(config.runs)]
    found = [
        one.images for one in sets.get_many(first, teacher) if config.runs == 1 or one.spec.run != state.chain
    ]
    for earlier in range(1, state.round):
        one = state._replace(round=earlier, rate=1)
        found.append(sets.get(one.spec(config, *arguments), network(config, one.name(config), say)).images)
    return found


def held_out(workspace: Workspace, name: str) -> CleanAnswers:
    """What a network of a study says of the clean images that are held out, asked once in a process."""
    config = workspace.config
    images_key = f"held out of {config.imagefolder or dataset_of(config.data).digest}, {config.photographs}"

    def images() -> CleanImages:
        clean = clean_of(config, workspace.network(state_of(name, config).network))
        return CleanImages("held out", clean.held_out, clean.labels)

    return cached_answers(workspace, name, images_key, images)
