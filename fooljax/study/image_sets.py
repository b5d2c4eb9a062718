"""Sets of fooling images that experiments share: one image for each class, made once and kept in a folder.

    sets = ImageSets("runs/images")
    found = sets.get(SetSpec("lenet-0", "cppn", run=3), pretrained("lenet", 0))
    found.images, found.classes, found.log_odds

A set is a `.npz` file with a JSON header and a checksum, whole or absent. What is given back is what the file
holds, so every measurement is of saved 8-bit images.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from fooljax.checks import check_counts
from fooljax.detectors import FOOL_AND_PASS
from fooljax.engine.genomes import check_genomes
from fooljax.engine.types import Genome, Target
from fooljax.errors import FaultError, InputError, nearest, shown
from fooljax.objectives import FOOL_ALL, FOOL_ON_AVERAGE, LOG_ODDS
from fooljax.probe import count_classes
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.storage.outputs import as_folder
from fooljax.storage.reading import name_of
from fooljax.storage.trees import digest_tree, load_arrays, load_tree, save_tree
from fooljax.study.generators import (
    CPPNS,
    GENERATORS,
    NOISE,
    SEARCHES,
    VARIED_LIKE,
    GeneratedSet,
    GenerationRequest,
)
from fooljax.study.study import network_digest

PASSES = 20_000
"""Of a whole set. Against a LeNet it brings nearly all classes to 99.99 %, by `direct` and by `cppn`."""
OBJECTIVES = {"log_odds": LOG_ODDS, "pass": FOOL_AND_PASS, "least": FOOL_ALL, "mean": FOOL_ON_AVERAGE}
OF_ONE_NAME = ("log_odds", "pass")
"""The objectives of a network, and of a network with the detector that watches it."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
HELP = (
    "Folder of the sets of fooling images, which experiments share. Sets that are there are used, others are "
    "made. off means a folder named images beside --outdir."
)


@dataclass(frozen=True)
class ImageSettings:
    """The setting of every experiment that measures image sets.

    Attributes:
      images: the folder. `fooljax.study.run` puts the one named images beside the study's own in place of
        None.
    """

    images: str | None = option(None, HELP, kind=str)


@dataclass(frozen=True)
class SetSpec:
    """Names one set of images.

    Attributes:
      network: the name of the network that is to be fooled; letters, digits and `_.-`. Several names with
        `+` between them are a joint target.
      generator: out of `fooljax.study.generators.GENERATORS`.
      run: the seed; run r of one network and generator is the same however many are made.
      passes: network passes for the whole set, at most. Noise has none, whatever is given.
      cells: indices of the classes; None for all.
      objective: "log_odds"; "pass" of a target of `fooljax.detectors.guarded`; of a joint target "least" or
        "mean", of the log-odds of its networks.

    Raises:
      InputError: one of them is not what was expected.
    """

    network: str
    generator: str
    run: int = 0
    passes: int = PASSES
    cells: tuple[int, ...] | None = None
    objective: str = "log_odds"

    def __post_init__(self) -> None:
        if not isinstance(self.network, str) or not NAME.fullmatch(self.network):
            raise InputError(
                f"network: expected a name of letters, digits and _.+-, got {shown(repr(self.network))}"
            )
        if self.generator not in GENERATORS:
            raise InputError(
                f"generator: expected one of {', '.join(GENERATORS)}, got {shown(self.generator)}"
                f"{nearest(str(self.generator), GENERATORS)}"
            )
        check_counts(run=(self.run, 0), passes=(self.passes, 0))
        if self.cells is not None:
            cells = tuple(self.cells)
            whole = all(isinstance(one, int) and not isinstance(one, bool) for one in cells)
            if not cells or not whole or min(cells) < 0 or len(set(cells)) < len(cells):
                raise InputError(f"cells: expected different class indices, got {shown(repr(self.cells))}")
            object.__setattr__(self, "cells", cells)
        if self.objective not in OBJECTIVES or (self.networks > 1) == (self.objective in OF_ONE_NAME):
            raise InputError(
                "objective: expected log_odds or pass for one network, least or mean for several, got "
                f"{shown(self.objective)} for {self.networks}"
            )
        if self.objective != "log_odds" and self.generator not in SEARCHES:
            raise InputError(
                f"generator: expected one of {', '.join(SEARCHES)} for {self.objective}, got {self.generator}"
            )
        if self.generator in NOISE:
            object.__setattr__(self, "passes", 0)

    @property
    def networks(self) -> int:
        """How many networks are to be fooled."""
        return self.network.count("+") + 1

    @property
    def file(self) -> str:
        """The name of the set's file in a folder of sets."""
        aim = "" if self.objective == "log_odds" else f"-{self.objective}"
        some = "" if self.cells is None else f"-{_short_digest(repr(self.cells))}"
        return f"{self.network}/{self.generator}{aim}-{self.passes}{some}-run{self.run}.npz"


@dataclass(frozen=True, eq=False)
class ImageSet:
    """A set of images, as its file holds it.

    Attributes:
      spec: what names it.
      images: `[C, H, W, K]` uint8, one for each class.
      classes: `[C]` int32, the class that each image is for.
      log_odds: `[C]` float32, of these 8-bit images for their classes under the network they were made for.
      passes: network passes that the set cost.
      network_digest: of that network, see `fooljax.study.study.network_digest`.
      digest: SHA-256 (hex) of the content, for the rows of whoever measures the set.
      genomes: of images that CPPNs drew, leaves `[C, ...]`, for the encoding in `generators.CPPNS`;
        () of others.
      ancestry: of evolved CPPNs: for each class the query numbers of the elite, its parent and so on.
        Images with a number in common have an ancestor in common. () of others.
      mutations: of CPPNs that were varied, how often, for each class; () of others.
      reached: of generators that search: for each class the network passes of the whole set by which it first
        had 99.99 %, None where it never had. None of others, and of sets that do not tell.
      course: of generators that search: network passes of the whole set, and the log-odds that the median
        class had by then. () of others, and of sets that do not tell.
    """

    spec: SetSpec
    images: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.int32]
    log_odds: npt.NDArray[np.float32]
    passes: int
    network_digest: str
    digest: str
    genomes: Genome
    ancestry: tuple[tuple[int, ...], ...]
    mutations: tuple[int, ...]
    reached: tuple[int | None, ...] | None
    course: tuple[tuple[int, float], ...]


class ImageSets:
    """A folder of image sets.

    Args:
      folder: is made when the first set is.
      check_target: whether networks are shown some images first, see `fooljax.probe`.

    Raises:
      InputError: it is no path.
    """

    def __init__(self, folder: Path | str, *, check_target: bool = True) -> None:
        self.folder = as_folder("images", folder)
        self.check_target = check_target
        self._known: _Network | None = None

    def path(self, spec: SetSpec) -> Path:
        """Where the file of a set is, or will be."""
        return self.folder / spec.file

    def get(self, spec: SetSpec, target: Target) -> ImageSet:
        """Reads a set, or makes it first.

        Args:
          spec: which.
          target: the network of that name, with its `image_shape`.
        Raises:
          InputError: its file is damaged or belongs to another network, or the spec does not fit the target.
          FaultError: the file cannot be written.
        """
        return self.get_many([spec], target)[0]

    def get_many(self, specs: Sequence[SetSpec], target: Target) -> list[ImageSet]:
        """Reads sets of one network, or makes those that are missing, the runs of a search side by side.

        Since a run is the same however many are made, a missing run costs all runs before it, which are then
        kept too. So it is best to ask for runs 0 to R - 1 together.

        Args:
          specs: which; all of one network.
          target: that network, with its `image_shape`.
        Raises:
          InputError: the specs are of several networks; else as `get`.
          FaultError: as `get`.
        """
        names = {spec.network for spec in specs}
        if len(names) > 1:
            raise InputError(f"specs: expected those of one network, got {', '.join(sorted(names))}")
        network = self._network(next(iter(names), ""), target)
        groups: dict[SetSpec, list[SetSpec]] = {}
        for spec in specs:
            if not self.path(spec).exists():
                groups.setdefault(replace(spec, run=0), []).append(spec)
        for group in groups.values():
            self._make(group, network)
        return [self._read(spec, network) for spec in specs]

    def _network(self, name: str, target: Target) -> "_Network":
        """A network with its digest, which takes long for a large one, and is kept for the next call."""
        if self._known is None or self._known.target is not target:
            self._known = _Network(target, network_digest(name, target))
        return self._known

    def _make(self, group: Sequence[SetSpec], network: "_Network") -> None:
        """Makes and saves sets that differ in nothing but the run."""
        first, last = group[0], max(spec.run for spec in group)
        cells = network.cells(first)
        many = first.generator in SEARCHES
        specs = [replace(first, run=run) for run in range(last + 1)] if many else list(group)
        mutations: list[tuple[int, ...]] = []
        if like := VARIED_LIKE.get(first.generator):
            evolved = self.get_many([replace(spec, generator=like) for spec in specs], network.target)
            mutations = [one.mutations for one in evolved]
        wanted = GenerationRequest(
            target=network.target,
            shape=network.shape,
            cells=cells,
            key=jax.random.key(int(_short_digest(f"{first.network} {first.generator}"), 16)),
            runs=[spec.run for spec in specs],
            passes=first.passes,
            networks=first.networks,
            objective=OBJECTIVES[first.objective],
            mutations=mutations,
            check_target=self.check_target,
        )
        for spec, made in zip(specs, GENERATORS[first.generator](wanted), strict=True):
            if not self.path(spec).exists():
                self._save(spec, made, cells, network)

    def _save(self, spec: SetSpec, made: GeneratedSet, cells: tuple[int, ...], network: "_Network") -> None:
        objective = OBJECTIVES[spec.objective]
        odds = score(network.target, made.images, objective=objective)[range(len(cells)), cells]
        if not np.all(np.isfinite(odds)):
            raise InputError(f"network {spec.network}: its log-odds are not finite for images of its own set")
        tree = {
            "images": made.images,
            "classes": np.asarray(cells, np.int32),
            "log_odds": odds,
            "genomes": made.genomes,
        }
        facts = {
            "spec": _as_json(spec),
            "network_digest": network.digest,
            "passes": made.passes,
            "ancestry": made.ancestry,
            "mutations": made.mutations,
            "reached": made.reached,
            "course": made.course,
        }
        save_with_folder(self.path(spec), tree, {"image_set": facts})

    def _read(self, spec: SetSpec, network: "_Network") -> ImageSet:
        path, cells = self.path(spec), network.cells(spec)
        try:
            _, _, header = load_arrays(path)
        except InputError as error:
            raise InputError(f"{error}; delete this file, and the set is made again") from error
        facts = header.get("image_set")
        if not isinstance(facts, dict) or facts.get("spec") != _as_json(spec):
            raise InputError(f"{name_of(path)}: expected the image set of its name, found another file")
        if facts.get("network_digest") != network.digest:
            found = shown(facts.get("network_digest"), 12)
            raise InputError(
                f"{name_of(path)}: expected images made for network {network.digest[:12]}, found those for "
                f"{found}; take another folder of images"
            )
        count = len(cells)
        genomes = _genomes_of(spec, network.shape, count)
        template = {
            "images": jax.ShapeDtypeStruct((count, *network.shape), np.uint8),
            "classes": jax.ShapeDtypeStruct((count,), np.int32),
            "log_odds": jax.ShapeDtypeStruct((count,), np.float32),
            "genomes": genomes,
        }
        tree, _ = load_tree(path, template)
        if tuple(tree["classes"].tolist()) != cells or not np.all(np.isfinite(tree["log_odds"])):
            raise InputError(f"{name_of(path)}: expected finite log-odds of the classes of its name")
        if spec.generator in CPPNS:
            try:
                check_genomes(CPPNS[spec.generator](network.shape), tree["genomes"])
            except InputError as error:
                raise InputError(f"{name_of(path)}: {error}") from error
        return ImageSet(
            spec=spec,
            images=tree["images"],
            classes=tree["classes"],
            log_odds=tree["log_odds"],
            passes=int(facts["passes"]),
            network_digest=network.digest,
            digest=digest_tree(tree),
            genomes=tree["genomes"],
            ancestry=tuple(tuple(map(int, line)) for line in facts["ancestry"]),
            mutations=tuple(map(int, facts["mutations"])),
            reached=None if facts.get("reached") is None else tuple(facts["reached"]),
            course=tuple((int(passes), float(odds)) for passes, odds in facts.get("course", ())),
        )


def save_with_folder(path: Path, tree: Any, facts: dict[str, Any]) -> None:
    """Saves a tree in the folder of image sets, and makes the folder that it is to lie in.

    Args:
      path: of the file.
      tree: as for `fooljax.storage.trees.save_tree`.
      facts: stored beside it.
    Raises:
      FaultError: the folder cannot be made, or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FaultError(f"images: {shown(path.parent)} cannot be made: {error.strerror}") from error
    save_tree(path, tree, facts)


@dataclass(frozen=True)
class _Network:
    """A network whose sets are asked for, and its digest."""

    target: Target
    digest: str

    @property
    def shape(self) -> tuple[int, int, int]:
        if self.target.image_shape is None:
            raise InputError("target: expected one with its image_shape, got one without")
        return self.target.image_shape

    def cells(self, spec: SetSpec) -> tuple[int, ...]:
        """The classes of a set."""
        classes = len(self.target.class_names) or count_classes(self.target, self.shape)
        cells = tuple(range(classes)) if spec.cells is None else spec.cells
        if max(cells) >= classes:
            raise InputError(f"cells: expected classes below {classes}, got {max(cells)}")
        return cells


def _genomes_of(spec: SetSpec, shape: tuple[int, int, int], count: int) -> Any:
    """Shapes of the genomes of a set, leaves `[C, ...]`; () where it has none."""
    if spec.generator not in CPPNS:
        return ()
    one = jax.eval_shape(CPPNS[spec.generator](shape).init, jax.random.key(0))
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((count, *leaf.shape), leaf.dtype), one)


def _as_json(spec: SetSpec) -> dict[str, Any]:
    facts = {**asdict(spec), "cells": None if spec.cells is None else list(spec.cells)}
    return {name: value for name, value in facts.items() if (name, value) != ("objective", "log_odds")}


def _short_digest(text: str) -> str:
    """Eight hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]
