"""What each step of an audit measures, as a study asks for it."""

import functools
import time
from collections.abc import Iterator, Mapping, Sequence
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
from fooljax.audits.detector_step import asked_about_clean, of_detectors, of_knowing
from fooljax.audits.looking_step import of_judge, of_survival
from fooljax.audits.mending import mended
from fooljax.engine.types import Target
from fooljax.study import ImageSets, Task, Workspace
from fooljax.study.image_sets import ImageSet
from fooljax.study.watched import Asked, Watched, with_detectors

Told = Mapping[str, Any]


class Steps:
    """Measures the tasks of an audit.

    Args:
      audited: what is audited.
      folder: of the audit, which also holds its image sets.
    """

    def __init__(self, audited: Audited, folder: Path) -> None:
        self._audited = audited
        self._sets = functools.lru_cache(maxsize=1)(
            lambda trusted: ImageSets(folder / "sets", check_target=trusted)
        )
        self._asked: tuple[Asked, int] | None = None
        self._known: dict[str, Watched] = {}
        self._mended = functools.lru_cache(maxsize=2)(functools.partial(mended, audited.target))

    def measure(self, workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
        """The figures of one group of tasks, which are all of one kind, each with the `seconds` it took."""
        told, runs = tasks[0].settings, range(len(tasks))
        if told["kind"] == "clean":
            images = self._audited.clean.test.images
            workspace.say(estimate(self._target(told), images, workspace.config.budget))
        begun = time.perf_counter()
        for figures in self._figures(told, runs):
            yield {**figures, "seconds": round(time.perf_counter() - begun, 2)}
            begun = time.perf_counter()

    def _figures(self, told: Told, runs: range) -> Iterator[dict[str, Any]]:
        match told["kind"]:
            case "check":
                yield asdict(check(self._audited.target, self._audited.clean, told["guess"]))
            case "clean":
                yield of_clean(self._audited, self._target(told))
            case "attack":
                yield from self._attack(told, runs)
            case "survival":
                yield of_survival(self._audited, self._target(told), self._made(told))
            case "judge" | "second" as kind:
                networks = self._audited.judges if kind == "judge" else self._audited.seconds
                yield of_judge(self._audited, networks[told["asked_network"]], self._made(told))
            case "detectors":
                yield self._detectors(told)
            case "knowing":
                yield from self._knowing(told, runs)

    def _target(self, told: Told) -> Target:
        target: Target = self._mended(tuple(told["mends"]))
        return target

    def _image_sets(self, told: Told) -> ImageSets:
        sets: ImageSets = self._sets(told["trusted"])
        return sets

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

    def _attack(self, told: Told, runs: range) -> Iterator[dict[str, Any]]:
        return of_attack(
            self._audited,
            self._image_sets(told),
            self._target(told),
            Thresholds(**told["thresholds"]),
            generator=told["generator"],
            runs=runs,
            passes=told["budget"],
            cells=self._cells(told),
        )

    def _asked_about_clean(self, told: Told) -> tuple[Asked, int]:
        if self._asked is None:
            thresholds = Thresholds(**told["thresholds"])
            self._asked = asked_about_clean(self._audited, self._target(told), thresholds)
        return self._asked

    def _detectors(self, told: Told) -> dict[str, Any]:
        asked, passes = self._asked_about_clean(told)
        found, faults = with_detectors(asked, told["detectors"])
        figures = of_detectors(found, self._made(told))
        left_out = {name: str(fault) for name, fault in faults.items()}
        return {**figures, "left_out": left_out, "passes": figures["passes"] + passes}

    def _knowing(self, told: Told, runs: range) -> Iterator[dict[str, Any]]:
        detector = told["detector"]
        if detector not in self._known:
            self._known[detector], _ = with_detectors(self._asked_about_clean(told)[0], [detector])
        return of_knowing(
            self._audited,
            self._image_sets(told),
            self._known[detector],
            detector=detector,
            generator=told["generator"],
            runs=runs,
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
