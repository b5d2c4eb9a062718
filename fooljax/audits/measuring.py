"""What each step of an audit measures, as a study asks for it."""

import functools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.analysis.thresholds import Thresholds
from fooljax.audits.attack_step import made, of_attack
from fooljax.audits.audited import NAME, Audited
from fooljax.audits.checks import check
from fooljax.audits.clean_step import estimate, of_clean
from fooljax.audits.detector_step import of_detectors, of_knowing, watched_by
from fooljax.audits.looking_step import of_judge, of_survival
from fooljax.audits.mending import mended
from fooljax.engine.types import Target
from fooljax.study import ImageSets, Task, Workspace
from fooljax.study.image_sets import ImageSet
from fooljax.study.watched import Watched

Told = Mapping[str, Any]


class Steps:
    """Measures the tasks of an audit.

    Args:
      audited: what is audited.
      folder: of the audit, which also holds its image sets.
    """

    def __init__(self, audited: Audited, folder: Path) -> None:
        self._audited = audited
        self._sets = folder / "sets"
        self._watched: dict[tuple[str, ...], tuple[Watched, dict[str, str], int]] = {}
        self._mended = functools.lru_cache(maxsize=2)(functools.partial(mended, audited.target))

    def measure(self, workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
        """The figures of one group of tasks, which are all of one kind, each with the `seconds` it took."""
        kinds = {
            "check": self._check,
            "clean": self._clean,
            "attack": self._attack,
            "survival": self._survival,
            "judge": self._looking,
            "second": self._looking,
            "detectors": self._detectors,
            "knowing": self._knowing,
        }
        if tasks[0].settings["kind"] == "clean":
            target, images = self._target(tasks[0].settings), self._audited.clean.test.images
            workspace.say(estimate(target, images, workspace.config.budget))
        begun = time.perf_counter()
        for figures in kinds[tasks[0].settings["kind"]](tasks[0].settings, len(tasks)):
            yield {**figures, "seconds": round(time.perf_counter() - begun, 2)}
            begun = time.perf_counter()

    def _target(self, told: Told) -> Target:
        target: Target = self._mended(tuple(told["mends"]))
        return target

    def _image_sets(self, told: Told) -> ImageSets:
        return ImageSets(self._sets, check_target=told["trusted"])

    def _cells(self, told: Told) -> list[int]:
        cells = told["cells"]
        return self._audited.cells if cells is None else list(cells)

    def _made(self, told: Told) -> dict[str, list[ImageSet]]:
        """The sets of all attacks and controls."""
        target, sets = self._target(told), self._image_sets(told)
        return {
            name: made(sets, target, name, range(of["runs"]), of["budget"], self._cells(of))
            for name, of in told["made"].items()
        }

    def images_of(self, row: Told) -> npt.NDArray[np.uint8]:
        """The images `[C, H, W, K]` of a row of an attack on the network alone."""
        target, sets = self._target(row), self._image_sets(row)
        found = made(sets, target, row["generator"], [row["run"]], row["budget"], self._cells(row))
        return found[0].images

    def _check(self, told: Told, count: int) -> Iterable[dict[str, Any]]:
        del count
        yield asdict(check(self._audited.target, self._audited.clean, told["guess"]))

    def _clean(self, told: Told, count: int) -> Iterable[dict[str, Any]]:
        del count
        yield of_clean(self._audited, self._target(told))

    def _attack(self, told: Told, count: int) -> Iterable[dict[str, Any]]:
        return of_attack(
            self._audited,
            self._image_sets(told),
            self._target(told),
            Thresholds(**told["thresholds"]),
            generator=told["generator"],
            runs=range(count),
            passes=told["budget"],
            cells=self._cells(told),
        )

    def _survival(self, told: Told, count: int) -> Iterable[dict[str, Any]]:
        del count
        yield of_survival(self._audited, self._target(told), self._made(told))

    def _looking(self, told: Told, count: int) -> Iterable[dict[str, Any]]:
        del count
        networks = self._audited.judges if told["kind"] == "judge" else self._audited.seconds
        yield of_judge(self._audited, networks[told["asked_network"]], self._made(told))

    def _watching(self, told: Told, names: Sequence[str]) -> tuple[Watched, dict[str, str], int]:
        if tuple(names) not in self._watched:
            thresholds = Thresholds(**told["thresholds"])
            self._watched[tuple(names)] = watched_by(self._audited, self._target(told), thresholds, names)
        return self._watched[tuple(names)]

    def _detectors(self, told: Told, count: int) -> Iterable[dict[str, Any]]:
        del count
        found, left_out, passes = self._watching(told, told["detectors"])
        figures = of_detectors(found, self._made(told))
        yield {**figures, "left_out": left_out, "passes": figures["passes"] + passes}

    def _knowing(self, told: Told, count: int) -> Iterable[dict[str, Any]]:
        found, _, _ = self._watching(told, [told["detector"]])
        return of_knowing(
            self._audited,
            self._image_sets(told),
            found,
            detector=told["detector"],
            generator=told["generator"],
            runs=range(count),
            passes=told["budget"],
            cells=self._cells(told),
        )

    def network(self, config: object, name: str, say: object) -> Target:
        """The network of a name, as a study asks for it."""
        del config, say
        if name == NAME:
            return self._audited.target
        kind, _, own = name.partition(" ")
        return (self._audited.judges if kind == "judge" else self._audited.seconds)[own]
