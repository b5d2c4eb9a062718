"""The steps of an audit as the tasks of a study: what can be named when the rows so far are there.

First come the checks, whose row says what must be put around the network. Then the clean images give the
thresholds. Then images are made, and shown to detectors, judges and second networks. At last the detectors
that caught the most are met by attacks that know them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from fooljax.audits.audited import NAME, Audited, detectors_of
from fooljax.audits.budget import Allotment, ascent_cells, divide_budget
from fooljax.audits.detector_step import enough_for_detectors
from fooljax.audits.mending import mended
from fooljax.audits.settings import AuditSettings
from fooljax.study import Row, Task
from fooljax.study.attacks import FRESH
from fooljax.study.generators import NOISE, VARIED_LIKE


def plan_budget(audited: Audited, config: AuditSettings, check: Row) -> list[Allotment]:
    """How the budget is divided, in the order in which it is spent.

    Args:
      audited: what is audited.
      config: the settings.
      check: the row of the checks.
    Raises:
      InputError: the budget is too small, or there is no such detector.
    """
    return divide_budget(
        config.budget,
        gradients=check["symptoms"] is not None,
        detectors=len(detectors_used(audited, config, check)),
    )


def detectors_used(audited: Audited, config: AuditSettings, check: Row) -> list[str]:
    """The detectors that are tried; none where there are too few clean images.

    Raises:
      InputError: there is no such detector.
    """
    names = detectors_of(mended(audited.target, check["mends"]), config.detectors)
    return names if enough_for_detectors(audited.clean) else []


def tasks(audited: Audited, config: AuditSettings, rows: Sequence[Row]) -> Iterator[Task]:
    """The tasks that can be named, see `fooljax.study.Study`."""
    common: dict[str, Any] = {"images_sha256": audited.clean.digest, "reject": config.reject}
    yield Task("check", {"kind": "check", "guess": config.guess, **common}, (NAME,))
    check = next((row for row in rows if row["kind"] == "check"), None)
    if check is None or not check["usable"]:
        return
    common |= {"mends": check["mends"], "trusted": check["trusted"]}  # the latter for readers of the rows
    yield Task("clean", {"kind": "clean", **common}, (NAME,))
    clean = next((row for row in rows if row["kind"] == "clean"), None)
    if clean is None:
        return
    common["thresholds"] = clean["thresholds"]
    made: dict[str, Any] = {}
    allotments = plan_budget(audited, config, check)
    for part in _with_noise([one for one in allotments if not one.detectors]):
        cells = _cells(audited, part)
        made[part.generator] = {"runs": part.runs, "budget": part.passes, "cells": cells}
        for run in range(part.runs):
            settings = {"kind": "attack", **common, "generator": part.generator, "run": run}
            settings |= {"budget": part.passes, "cells": cells}
            together = f"attack,{part.generator}"
            yield Task(f"{together},run={run}", settings, (NAME,), together)
    if not any(row["kind"] == "attack" for row in rows):
        return
    common["made"] = made
    yield Task("survival", {"kind": "survival", **common}, (NAME,))
    for kind, networks in (("judge", audited.judges), ("second", audited.seconds)):
        for number, name in enumerate(networks):
            settings = {"kind": kind, **common, "asked_network": name}
            yield Task(f"{kind},{number}", settings, (NAME, f"{kind} {name}"))
    if names := detectors_used(audited, config, check):
        yield Task("detectors", {"kind": "detectors", **common, "detectors": names}, (NAME,))
    found = next((row for row in rows if row["kind"] == "detectors"), None)
    if found is None:
        return
    for part in allotments:
        for detector in best_detectors(found)[: part.detectors]:
            together = f"knowing,{detector},{part.generator}"
            for run in range(part.runs):
                settings = {"kind": "knowing", **common, "generator": part.generator, "run": run}
                settings |= {"budget": part.passes, "cells": _cells(audited, part), "detector": detector}
                yield Task(f"{together},run={run}".replace(":", "."), settings, (NAME,), together)


def _with_noise(allotments: Sequence[Allotment]) -> list[Allotment]:
    """The attacks and controls that see the network, and the controls that do not, which cost nothing."""
    by_name = {part.generator: part for part in allotments}
    like = [
        Allotment(name, by_name[searched].runs, by_name[searched].passes)
        for name, searched in VARIED_LIKE.items()
        if searched in by_name
    ]
    return [*allotments, *like, *(Allotment(name, by_name["direct"].runs, 0) for name in NOISE)]


def _cells(audited: Audited, part: Allotment) -> list[int] | None:
    """The classes that an attack is made for; None for all that there are."""
    cells = audited.cells
    if part.generator == "gradient":
        cells = ascent_cells(cells, part.passes)
    return None if len(cells) == len(audited.target.class_names) else cells


def best_detectors(row: Row) -> list[str]:
    """Detectors by the share of fooling images that they catch, the best first.

    Args:
      row: of the step `detectors`.
    """
    runs = [run for name in FRESH for run in row["told_apart"].get(name, [])]

    def caught(detector: str) -> tuple[float, float]:
        metrics = [run[detector] for run in runs]
        return (
            -sum(one["caught"]["0.05"] for one in metrics) / len(metrics),
            -sum(one["auroc"] for one in metrics) / len(metrics),
        )

    names = list(runs[0]) if runs else []
    return sorted(names, key=lambda name: (*caught(name), names.index(name)))
