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
from fooljax.audits.detector_step import detector_inputs, of_detectors, of_knowing
from fooljax.audits.judge_step import of_judge, of_survival, shown_of
from fooljax.audits.mending import mended
from fooljax.engine.types import Target
from fooljax.study import ImageSets, Task, Workspace
from fooljax.study.image_sets import ImageSet
from fooljax.study.network_detectors import DetectorInputs, NetworkWithDetectors, fit_and_calibrate

Settings = Mapping[str, Any]


class Steps:
    """Measures the tasks of an audit.

    Args:
      audited: what is audited.
      folder: of the audit, which also holds its image sets.
    """

    def __init__(self, audited: Audited, folder: Path) -> None:
        self._audited = audited
        self._sets = ImageSets(folder / "sets", check_target=False)  # the checks have looked at the network
        self._made: dict[str, list[ImageSet]] = {}
        self._answers: tuple[DetectorInputs, int] | None = None
        self._known: dict[str, NetworkWithDetectors] = {}
        self._mended = functools.lru_cache(maxsize=2)(functools.partial(mended, audited.target))

    def measure(self, workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
        """The measurements of a group of tasks, all of one kind, each with the `seconds` it took."""
        settings, runs = tasks[0].settings, range(len(tasks))
        if settings["kind"] == "clean":
            images = self._audited.clean.test.images
            workspace.say(estimate(self._target(settings), images, workspace.config.budget))
        begun = time.perf_counter()
        for figures in self._figures(settings, runs):
            yield {**figures, "seconds": round(time.perf_counter() - begun, 2)}
            begun = time.perf_counter()

    def _figures(self, settings: Settings, runs: range) -> Iterator[dict[str, Any]]:
        match settings["kind"]:
            case "check":
                yield asdict(check(self._audited.target, self._audited.clean, settings["guess"]))
            case "clean":
                yield of_clean(self._audited, self._target(settings))
            case "attack":
                yield from self._attack(settings, runs)
            case "survival":
                yield of_survival(self._audited, self._target(settings), self._shown(settings))
            case "judge" | "second" as kind:
                networks = self._audited.judges if kind == "judge" else self._audited.seconds
                yield of_judge(self._audited, networks[settings["asked_network"]], self._shown(settings))
            case "detectors":
                yield self._detectors(settings)
            case "knowing":
                yield from self._knowing(settings, runs)

    def _target(self, settings: Settings) -> Target:
        target: Target = self._mended(tuple(settings["mends"]))
        return target

    def _cells(self, settings: Settings) -> list[int]:
        cells = settings["cells"]
        return self._audited.cells if cells is None else list(cells)

    def _shown(self, settings: Settings) -> dict[str, list[ImageSet]]:
        """The sets of all attacks and controls, as far as they are shown to detectors and other networks.

        They are read once for all steps that show them.
        """
        target = self._target(settings)
        self._made = self._made or {
            name: [
                shown_of(one)
                for one in made(self._sets, target, name, range(of["runs"]), of["budget"], self._cells(of))
            ]
            for name, of in settings["made"].items()
        }
        return self._made

    def images_of(self, row: Settings) -> npt.NDArray[np.uint8]:
        """The images `[C, H, W, K]` of a row of an attack on the network alone."""
        target = self._target(row)
        found = made(self._sets, target, row["generator"], [row["run"]], row["budget"], self._cells(row))
        return found[0].images

    def _attack(self, settings: Settings, runs: range) -> Iterator[dict[str, Any]]:
        return of_attack(
            self._audited,
            self._sets,
            self._target(settings),
            Thresholds(**settings["thresholds"]),
            generator=settings["generator"],
            runs=runs,
            passes=settings["budget"],
            cells=self._cells(settings),
        )

    def _clean_answers(self, settings: Settings) -> tuple[DetectorInputs, int]:
        if self._answers is None:
            thresholds = Thresholds(**settings["thresholds"])
            self._answers = detector_inputs(self._audited, self._target(settings), thresholds)
        return self._answers

    def _detectors(self, settings: Settings) -> dict[str, Any]:
        answers, passes = self._clean_answers(settings)
        found, faults = fit_and_calibrate(answers, settings["detectors"])
        figures = of_detectors(found, self._shown(settings))
        left_out = {name: str(fault) for name, fault in faults.items()}
        return {**figures, "left_out": left_out, "passes": figures["passes"] + passes}

    def _knowing(self, settings: Settings, runs: range) -> Iterator[dict[str, Any]]:
        detector = settings["detector"]
        self._made = {}  # the last step that shows them was done; those of a large network fill much memory
        if detector not in self._known:
            self._known[detector], _ = fit_and_calibrate(self._clean_answers(settings)[0], [detector])
        return of_knowing(
            self._audited,
            self._sets,
            self._known[detector],
            detector=detector,
            generator=settings["generator"],
            runs=runs,
            passes=settings["budget"],
            cells=self._cells(settings),
        )

    def network(self, config: object, name: str, say: object) -> Target:
        """The network of a name, as a study asks for it."""
        del config, say
        if name == NAME:
            return self._audited.target
        kind, _, own = name.partition(" ")
        return (self._audited.judges if kind == "judge" else self._audited.seconds)[own]
