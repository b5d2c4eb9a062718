"""`audit.json`: all that an audit found, made from its rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from fooljax.audits.attack_entries import (
    attack_entry,
    class_entries,
    group_attacks,
    strength_of,
    thresholds_entry,
)
from fooljax.audits.audited import Audited
from fooljax.audits.intervals import share_of_images, share_of_runs
from fooljax.audits.plan import best_detectors, plan_budget
from fooljax.audits.record import FORMAT, VERSION
from fooljax.audits.settings import AuditSettings
from fooljax.audits.untested import not_tested
from fooljax.audits.verdict import strength_in_words, verdict
from fooljax.audits.verdict_facts import facts_of, facts_without_images, goal_of
from fooljax.study import Row

RATES = {"0.95": "0.05", "0.99": "0.01"}
"""The share of clean images that a detector accepts, and the share that it rejects, as rows have it."""
NONE_TOLD = {"raw": {}, "scaled": {}, "temperature": 1.0, "fitted_on": 0, "taken_on": 0}
"""The thresholds of a network that was not asked about clean images."""
AS_IT_IS = "Images in [0, 1] with their channels last go into the network as they are."


def content(audited: Audited, config: AuditSettings, rows: Sequence[Row], command: str) -> dict[str, Any]:
    """All that an audit found.

    Args:
      audited: what was audited.
      config: the settings.
      rows: of all steps.
      command: that does the same again.
    """
    by_kind = {row["kind"]: row for row in rows}
    check, clean = by_kind["check"], by_kind.get("clean")
    groups = group_attacks(rows)
    target = audited.target
    classes = class_entries(groups, target.class_names)
    attacks = [attack_entry(generator, knows, runs) for (generator, knows), runs in groups.items()]
    detectors = _detectors(by_kind.get("detectors"), rows)
    goal = goal_of(audited, clean)
    return {
        "format": FORMAT,
        "version": VERSION,
        "network": {
            "name": target.name,
            "from": audited.source,
            "classes": len(target.class_names),
            "image_shape": list(target.image_shape or ()),
            "class_names": list(target.class_names),
            "params_sha256": check["networks"]["network"],
            "gradients": audited.gradients,
            "preprocessing": str(target.provenance.get("preprocessing", AS_IT_IS)),
        },
        "command": command,
        "data": {
            "described": audited.clean.described,
            "images": audited.clean.total,
            "split": _split(audited),
            "accuracy": None
            if clean is None or clean["right"] is None
            else share_of_images(clean["right"], clean["asked"]),
        },
        "checks": check["checks"],
        "thresholds": thresholds_entry(NONE_TOLD if clean is None else clean["thresholds"]),
        "budget": [] if clean is None else _budget(audited, config, rows),
        "attacks": attacks,
        "classes": classes,
        "detectors": detectors,
        "judges": [_judge(row) for row in rows if row["kind"] == "judge"],
        "transfer": [entry for row in rows if row["kind"] == "second" for entry in _transfer(row)],
        "survival": _survival(by_kind["survival"]) if clean else [],
        "strength": [
            strength_in_words(strength_of(groups, check, name, goal.log_odds), name, goal.words)
            for name in dict.fromkeys(knows for _, knows in groups)
        ],
        "not_tested": not_tested(audited, config, rows),
        "verdict": verdict(
            facts_of(audited, config, by_kind, groups, attacks, classes, detectors)
            if groups
            else facts_without_images(check)
        ),
        "cost": {
            "passes": sum(row["passes"] for row in rows),
            "seconds": round(sum(row["seconds"] for row in rows), 1),
            "machine": machine_in_words(rows[-1]["device"]),
        },
    }


def machine_in_words(device: str) -> str:
    """What a row says of its device, as "cpu: cpu, 2 threads", for people: "CPU, 2 threads"."""
    platform, _, rest = device.partition(": ")
    return ", ".join([platform.upper(), *(part for part in rest.split(", ") if part != platform)])


def _split(audited: Audited) -> dict[str, int]:
    clean = audited.clean
    return {
        "fit": len(clean.fit.labels),
        "thresholds": len(clean.thresholds.labels),
        "test": len(clean.test.labels),
    }


def _budget(audited: Audited, config: AuditSettings, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """How the budget was divided, a line for each kind of attack; and apart from it what all else cost."""
    check = next(row for row in rows if row["kind"] == "check")
    lines = [
        {
            "what": one.generator,
            "detectors": one.detectors,
            "runs": one.runs,
            "passes": one.passes,
            "total": one.total,
        }
        for one in plan_budget(audited, config, check)
    ]
    spent = sum(row.get("attack_passes", 0) for row in rows)
    apart = sum(row["passes"] for row in rows) - spent
    return [
        *lines,
        {
            "what": "checks, clean images and scores",
            "detectors": 0,
            "runs": 1,
            "passes": apart,
            "total": apart,
        },
    ]


def _detectors(found: Row | None, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What each detector makes of the images, the one that catches the most first."""
    if found is None:
        return []
    metrics = found["told_apart"]
    entries = []
    for name in best_detectors(found):
        runs = {generator: [run[name] for run in sets] for generator, sets in metrics.items()}
        knowing: dict[str, list[Any]] = {}
        for row in rows:
            if row["kind"] == "knowing" and row["detector"] == name:
                knowing.setdefault(row["generator"], []).append(row["told_apart"])
        entries.append(
            {
                "name": name,
                "auroc": {
                    generator: round(sum(one["auroc"] for one in sets) / len(sets), 4)
                    for generator, sets in runs.items()
                },
                "caught": _rates(runs, "caught"),
                "knowing": _rates(knowing, "caught") if knowing else None,
                "through": _rates(knowing, "through") if knowing else None,
            }
        )
    return entries


def _rates(runs: Mapping[str, Sequence[Any]], what: str) -> dict[str, dict[str, Any]]:
    return {
        rate: {generator: share_of_runs([one[what][cut] for one in sets]) for generator, sets in runs.items()}
        for rate, cut in RATES.items()
    }


def _judge(row: Row) -> dict[str, Any]:
    return {
        "name": row["asked_network"],
        "right": None if row["right"] is None else share_of_images(row["right"], row["asked"]),
        "fault": row["fault"],
        "agrees": {generator: share_of_runs(shares) for generator, shares in row["agrees"].items()},
    }


def _transfer(row: Row) -> list[dict[str, Any]]:
    """For each attack whose images fooled the network: how many of them the second network names alike."""
    entries = []
    for generator, runs in row["same"].items():
        fooled = [run for run in runs if run[0]]
        if fooled:
            entries.append(
                {
                    "network": row["asked_network"],
                    "generator": generator,
                    "images": sum(run[0] for run in fooled),
                    "same": share_of_runs([run[1] / run[0] for run in fooled]),
                    "sure": share_of_runs([run[2] / run[0] for run in fooled]),
                }
            )
    return entries


def _survival(row: Row) -> list[dict[str, Any]]:
    """For each attack: images that are still named alike after small changes, and how near clean ones are."""
    entries = []
    for generator, runs in row["survival"].items():
        known = [run for run in runs if run is not None]
        entries.append(
            {
                "generator": generator,
                "nearest_percentile": round(sum(row["nearest"][generator]) / len(runs), 1),
                "named": {
                    name: share_of_runs([run[name] for run in known]) for name in (known[0] if known else ())
                },
            }
        )
    return entries
