"""Audits of well known networks that come with fooljax, so that a number of another network means something.

They are `audit.json` files without the lists of classes; `docs/results/audits.md` says how they were made.
"""

import dataclasses
from pathlib import Path

from fooljax.audits.record import Audit, read_audit

FOLDER = Path(__file__).parent / "references"


def reference_audits() -> list[Audit]:
    """The audits that come with fooljax, by the names of their files."""
    return [read_audit(path) for path in sorted(FOLDER.glob("*.json"))]


def references_for(audit: Audit) -> list[Audit]:
    """The references that are of another network than an audit."""
    return [one for one in reference_audits() if one.network.params_sha256 != audit.network.params_sha256]


def shortened(audit: Audit) -> Audit:
    """An audit without its lists of classes, which are long and not needed for a comparison."""
    network = dataclasses.replace(audit.network, class_names=())
    return dataclasses.replace(audit, network=network, classes=())
