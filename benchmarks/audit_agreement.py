r"""Do the numbers of an audit agree with those that the experiment on detectors has of the same network?

    python -m benchmarks.audit_agreement audits/lenet docs/results/detectors/rows lenet-0

Both ask the same network about the same clean images, and make images by the same searches, with other seeds
and other budgets. Thresholds must be equal. A number of the audit's runs agrees where it lies in the interval
of 95 % for one further value like those of the experiment's runs.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from fooljax.audits.record import Attack, Audit, read_audit

Row = dict[str, Any]


def predicted(values: Sequence[float]) -> tuple[float, float]:
    """The interval of 95 % for one further value like some, by Student's t."""
    found = np.asarray(values, np.float64)
    reach = special.stdtrit(len(found) - 1, 0.975) * np.std(found, ddof=1) * math.sqrt(1.0 + 1.0 / len(found))
    return float(found.mean() - reach), float(found.mean() + reach)


def lines(audit: Audit, rows: Sequence[Row]) -> Iterator[tuple[str, float, Sequence[float]]]:
    """Each number that both have: its name, the audit's, and those of the experiment's runs."""
    alone: dict[str, Attack] = {one.generator: one for one in audit.attacks if one.knows is None}
    static = [row for row in rows if row["kind"] == "static"]
    for generator, attack in alone.items():
        own = [row for row in static if row["generator"] == generator]
        if len(own) < 2:
            continue
        budget = f"{generator} ({attack.passes:,} passes, there {max(row['passes'] for row in own):,})"
        yield (
            f"{budget}: median log-odds",
            attack.log_odds.median,
            [np.median(row["log_odds"]) for row in own],
        )
        for detector in audit.detectors:
            told = [row["told_apart"].get(detector.name) for row in own]
            if generator in detector.auroc and all(told):
                name = f"{budget}: AUROC of {detector.name}"
                yield name, detector.auroc[generator], [one["auroc"] for one in told]


def thresholds_differ(audit: Audit, rows: Sequence[Row]) -> list[str]:
    """The thresholds in which both differ, by name."""
    there = next(row["thresholds"]["raw"] for row in rows if row["kind"] == "clean")
    here = audit.thresholds
    pairs = {"clean_median": here.clean_median, "tpr_95": here.tau95, "tpr_99": here.tau99}
    return [name for name, value in pairs.items() if value is None or abs(value - there[name]) > 1e-3]


def main() -> int:
    """The command; fails where thresholds differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("audit", type=Path, help="The folder of an audit.")
    parser.add_argument("rows", type=Path, help="The folder of the experiment's rows.")
    parser.add_argument("network", help="The name that the experiment has for the network.")
    flags = parser.parse_args()
    audit = read_audit(flags.audit)
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(flags.rows.glob("*.json"))]
    rows = [row for row in rows if row.get("network") == flags.network]
    different = thresholds_differ(audit, rows)
    print(f"thresholds: {'equal' if not different else 'different: ' + ', '.join(different)}")
    agree = []
    for name, here, there in lines(audit, rows):
        low, high = predicted(there)
        agree.append(low <= here <= high)
        print(f"{'agrees ' if agree[-1] else 'differs'} {name}: {here:.4g}, there [{low:.4g}, {high:.4g}]")
    print(f"{sum(agree)} of {len(agree)} numbers agree")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
