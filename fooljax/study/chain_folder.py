"""The networks and the fooling images of chains of retraining, kept in a folder.

What is there is read, and what is not is made. A network and the images of a round depend on nothing but the
settings and what came before in their chain. So a process that was killed leaves nothing to be cleared away,
and whoever asks again gets the same. Files are whole or absent.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax import strategies
from fooljax.data.dataset import Dataset
from fooljax.defences.chains import NEVER, Chain, fooling_images, runs_for
from fooljax.defences.fine_tuning import REJECTED, rejecting, with_rejection
from fooljax.engine.types import Params, Target
from fooljax.errors import InputError, shown
from fooljax.evolution import search
from fooljax.scoring import score
from fooljax.storage.reading import name_of
from fooljax.storage.trees import digest_tree, load_tree
from fooljax.study.generators import CPPNS
from fooljax.study.image_sets import save_with_folder
from fooljax.targets.collection import find
from fooljax.targets.families import Member, fit_family
from fooljax.targets.fitting import check_data
from fooljax.targets.networks.trainable import NETWORKS, apply_of, blank_params
from fooljax.targets.training import Recipe

STRATEGIES = {"cppn": ("focused", 40), "cppn_paper": ("map_elites", 200)}
"""By generator: the strategy and its children. Those of `cppn` are few, since a run has few passes."""
SIDE_BY_SIDE = 10
"""Runs of one program, so that rounds of all sizes share it."""


@dataclass(frozen=True)
class Retraining:
    """How the networks and images of a chain are made.

    Attributes:
      recipe: of each training.
      from_scratch: whether a network begins with random parameters, or with those of the one before.
      copies: how often each fooling image stands in the training set.
      generator: of the images, a name in `STRATEGIES`.
      passes: network passes of a run.
      first_images: that the first round adds.
      more_images: that every further one adds.
    """

    recipe: Recipe
    from_scratch: bool
    copies: int
    generator: str
    passes: int
    first_images: int
    more_images: int

    @property
    def facts(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return {**asdict(self), "recipe": self.recipe.facts}


class Round(NamedTuple):
    """The images that were evolved against one network of a chain.

    Attributes:
      first: `[R, C, H, W, K]` uint8, the elites of the first generation of each run, for each class.
      last: the same of the last generation.
      log_odds: `[R, C]` float32, of the last, as saved, for their classes.
      reached: `[R, C]` int32, the passes of a run by which each class first had 99.99 %; 0 for never.
      digest: SHA-256 (hex) of all of it.
    """

    first: npt.NDArray[np.uint8]
    last: npt.NDArray[np.uint8]
    log_odds: npt.NDArray[np.float32]
    reached: npt.NDArray[np.int32]
    digest: str

    @property
    def images(self) -> npt.NDArray[np.uint8]:
        """All of them, `[2 R C, H, W, K]`, those of the first generation first."""
        return np.concatenate([one.reshape(-1, *one.shape[2:]) for one in (self.first, self.last)])


class Chains:
    """A folder of chains.

    Args:
      folder: is made when something is saved.
      dataset: what the networks learn beside the fooling images.
      how: the settings.
      beside: chains that are trained in one compiled call with the one that is asked for, as far as they are.
      say: takes a line before a training.
    """

    def __init__(
        self,
        folder: Path,
        dataset: Dataset,
        how: Retraining,
        beside: Sequence[Chain] = (),
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.folder, self.dataset, self.how, self.say = folder, dataset, how, say
        self.beside = tuple(beside)
        self._networks: dict[str, Target] = {}
        self._rounds: dict[Path, Round] = {}

    def network(self, chain: Chain, number: int) -> Target:
        """A network of a chain, from 1 on.

        Raises:
          InputError: its file is damaged or was made with other settings, or its architecture is unknown.
          FaultError: the file cannot be written.
        """
        _architecture(chain)  # refuses what cannot be trained
        name = chain.network(number)
        if name not in self._networks:
            params = self._untaught(chain) if number == 1 else self._taught(chain, number)
            self._networks[name] = self._target(chain, number, params)
        return self._networks[name]

    def round(self, chain: Chain, number: int) -> Round:
        """The images that were evolved against a network of a chain.

        Raises:
          InputError: their file is damaged or was made with other settings, or the settings do not fit.
          FaultError: the file cannot be written.
        """
        path = self._path(chain, f"round{number}")
        if path not in self._rounds:
            self._rounds[path] = self._evolved(path, chain, number)
        return self._rounds[path]

    def runs(self, number: int) -> int:
        """Runs of a round."""
        name = "first_images" if number == 1 else "more_images"
        return runs_for(getattr(self.how, name), self.dataset.num_classes, name)

    def _untaught(self, chain: Chain) -> Params:
        """DNN 1: the network of its name, and a class that it never gives."""
        return jax.device_get(rejecting(self._begun(chain), NEVER).params)

    def _begun(self, chain: Chain) -> Target:
        """The network of the chain's name, with the class that it is to learn."""
        target = find(chain.start, data=self.dataset, say=self.say)
        check_data(target, self.dataset)
        return with_rejection(target)

    def _taught(self, chain: Chain, number: int) -> Params:
        """A further network, from its file."""
        path = self._path(chain, f"dnn{number}")
        if not path.exists():
            self._train(chain, number)
        params, facts = load_tree(path, self._blank(chain))
        _check(path, facts, "network", self._network_facts(chain, number))
        return params

    def _evolved(self, path: Path, chain: Chain, number: int) -> Round:
        """The images of a round, from their file."""
        target, shape = self.network(chain, number), self.dataset.image_shape
        runs, classes = self.runs(number), self.dataset.num_classes
        facts = {
            "network": target.provenance["params_sha256"],
            "runs": runs,
            "generator": self.how.generator,
            "passes": self.how.passes,
        }
        if not path.exists():
            self.say(f"{chain.network(number)}: {runs} runs of {self.how.passes:,} passes")
            save_with_folder(path, self._search(chain, number, target), {"round": facts})
        pixels = jax.ShapeDtypeStruct((runs, classes, *shape), np.uint8)
        template: dict[str, Any] = {
            "first": pixels,
            "last": pixels,
            "log_odds": jax.ShapeDtypeStruct((runs, classes), np.float32),
            "reached": jax.ShapeDtypeStruct((runs, classes), np.int32),
        }
        tree, found = load_tree(path, template)
        _check(path, found, "round", facts)
        return Round(**tree, digest=digest_tree(tree))

    def _search(self, chain: Chain, number: int, target: Target) -> dict[str, npt.NDArray[Any]]:
        """The images of a round: the runs in blocks, each of which is one program."""
        classes = self.dataset.num_classes
        encoding = CPPNS[self.how.generator](self.dataset.image_shape)
        name, children = STRATEGIES[self.how.generator]
        strategy = strategies.build(name, encoding, children, {})
        key, runs = jax.random.fold_in(_key(chain, "evolution"), number), self.runs(number)
        parts = []
        for start in range(0, runs, SIDE_BY_SIDE):
            begun, ended = (
                search(
                    target,
                    encoding,
                    strategy,
                    key=jax.random.fold_in(key, start),
                    generations=generations,
                    runs=min(SIDE_BY_SIDE, runs - start),
                    cells=range(classes),
                    check_target=start == generations == 0,
                )
                for generations in (0, self.how.passes // children - 1)
            )
            parts.append((begun.images(), ended.images(), np.asarray(ended.first.ids, np.int32) + 1))
        first, last, reached = map(np.concatenate, zip(*parts, strict=True))
        odds = score(target, last.reshape(-1, *last.shape[2:])).reshape(runs, classes, -1)
        own = odds[:, range(classes), range(classes)]
        return {"first": first, "last": last, "log_odds": own, "reached": reached}

    def _train(self, chain: Chain, number: int) -> None:
        """Trains a network, and those of the chains beside it that have got as far."""
        family = [chain]
        for one in self.beside:
            there = all(self._path(one, f"round{earlier}").exists() for earlier in range(1, number))
            alike = (_architecture(one), one.seed) == (_architecture(chain), chain.seed)
            if one != chain and alike and there and not self._path(one, f"dnn{number}").exists():
                family.append(one)
        classes = self.dataset.num_classes
        members = []
        for one in family:
            sets = [self.round(one, earlier).images for earlier in range(1, number)]
            key = jax.random.fold_in(_key(one, "training"), number)
            images, labels = fooling_images(sets, classes, self.how.copies)
            members.append(Member(key, self._start(one, number, key), images, labels))
        recipe, dataset = self.how.recipe, self.dataset
        names = ", ".join(one.network(number) for one in family)
        self.say(f"training {names}: {recipe.steps:,} steps, {len(members[0].images):,} fooling images")
        apply = apply_of(_architecture(chain), classes + 1)
        trained = fit_family(apply, recipe, members, dataset.train_images, dataset.train_labels)
        for one, params in zip(family, trained, strict=True):
            facts = {"network": self._network_facts(one, number)}
            save_with_folder(self._path(one, f"dnn{number}"), params, facts)

    def _start(self, chain: Chain, number: int, key: jax.Array) -> Params:
        """The parameters that a training begins with."""
        if self.how.from_scratch:
            _, module = NETWORKS[_architecture(chain)]
            blank = jnp.zeros((1, *self.dataset.image_shape))
            return module(self.dataset.num_classes + 1).init(jax.random.fold_in(key, 1), blank)
        if number > 2:
            return self.network(chain, number - 1).params
        return self._begun(chain).params

    def _network_facts(self, chain: Chain, number: int) -> dict[str, Any]:
        """What decides the parameters of a network that was retrained."""
        rounds = [self.round(chain, earlier).digest for earlier in range(1, number)]
        before = self.network(chain, number - 1).provenance["params_sha256"]
        return {"dataset": self.dataset.digest, "rounds": rounds, "before": before, **self.how.facts}

    def _target(self, chain: Chain, number: int, params: Params) -> Target:
        return Target(
            jax.device_put(params),
            apply_of(_architecture(chain), self.dataset.num_classes + 1),
            name=chain.network(number),
            image_shape=self.dataset.image_shape,
            class_names=(*self.dataset.class_names, REJECTED),
            provenance={"params_sha256": digest_tree(params)},
        )

    def _blank(self, chain: Chain) -> Params:
        return blank_params(_architecture(chain), self.dataset.num_classes + 1, self.dataset.image_shape)

    def _path(self, chain: Chain, name: str) -> Path:
        return self.folder / chain.name / f"{name}.npz"


def _architecture(chain: Chain) -> str:
    name, _, seed = chain.start.rpartition("-")
    if name not in NETWORKS or not seed.isdecimal():
        known = ", ".join(f"{one}-0" for one in NETWORKS)
        raise InputError(f"network: expected one that can be trained, as {known}, got {shown(chain.start)}")
    return name


def _key(chain: Chain, use: str) -> jax.Array:
    return jax.random.key(zlib.crc32(f"{chain.name} {use}".encode()))


def _check(path: Path, found: dict[str, Any], kind: str, wanted: dict[str, Any]) -> None:
    """Makes sure that a file belongs to these settings."""
    stored = found.get(kind)
    different = [name for name in wanted if not isinstance(stored, dict) or stored.get(name) != wanted[name]]
    if different:
        raise InputError(
            f"{name_of(path)}: expected one made with these settings, found another {different[0]}; "
            "take another folder of images"
        )
