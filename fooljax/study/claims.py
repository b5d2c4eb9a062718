"""Claims held against what experiments found: which agree, which do not, and which nobody measured.

A claim says which numbers of which experiment must lie where. A number agrees if its whole interval lies
there, and partly if its estimate does and the interval reaches beyond. It does not agree if the whole
interval lies elsewhere, and is not decided if only the estimate does and the interval reaches in. A number
without an interval is judged by its estimate.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fooljax.errors import InputError, shown
from fooljax.storage.json_files import read_json
from fooljax.storage.reading import name_of
from fooljax.study.findings import Finding, Findings
from fooljax.study.rows import read_rows
from fooljax.study.task import Row

AGREES, PARTLY, UNDECIDED, DIFFERS, MISSING = (
    *("agrees", "partly", "not decided"),
    *("does not agree", "not measured"),
)
VERDICTS = (AGREES, PARTLY, UNDECIDED, DIFFERS, MISSING)
CONTROL = {
    AGREES: "as expected",
    PARTLY: "partly as expected",
    UNDECIDED: UNDECIDED,
    DIFFERS: "not as expected",
    MISSING: MISSING,
}
"""What is said of a control, which does not decide whether a claim agrees."""


@dataclass(frozen=True)
class Check:
    """A number that a claim speaks of.

    Attributes:
      experiment: that gives the number.
      rows: which of its rows: a pattern of files below the folder of results, as `transfer/rows/*.json`.
      finding: name of the number among the experiment's findings.
      what: the number in words.
      wanted: where it must lie, in words.
      least, most: the ends of where it must lie, which belong to it; None for no end.
      above, below: the same for ends that do not belong to it.
      control: whether it is one. Then the claim does not depend on it.
    """

    experiment: str
    rows: str
    finding: str
    what: str
    wanted: str
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    control: bool = False

    def verdict(self, finding: Finding | None) -> str:
        """Whether a number lies where it must.

        Args:
          finding: the number; None where it was not measured.
        """
        if finding is None:
            return MISSING
        value = finding.value
        if math.isinf(value.estimate) and self.most is not None and finding.budget < self.most:
            return MISSING  # the runs ended too early to tell

        def reaches(low: float, high: float) -> bool:
            """Whether an interval and the bounds have a number in common."""
            return (
                (self.least is None or high >= self.least)
                and (self.most is None or low <= self.most)
                and (self.above is None or high > self.above)
                and (self.below is None or low < self.below)
            )

        def inside(one: float) -> bool:
            return reaches(one, one)

        # Of a single run there is no interval, or one as wide as can be: then the estimate decides.
        known = not math.isnan(value.low) and (value.low > 0.0 or value.high < math.inf)
        if inside(value.estimate):
            return AGREES if not known or all(map(inside, value[1:])) else PARTLY
        return UNDECIDED if known and reaches(value.low, value.high) else DIFFERS


@dataclass(frozen=True)
class Claim:
    """What the paper, or the talk about it, says.

    Attributes:
      name: short, as "mnist_direct".
      chapter: of the talk.
      says: the claim, one sentence.
      paper: the number that stands for it, as far as it is known; "" for none.
      mark: how that was verified; "" where there is no number.
      why: what to know of the difference between the paper's measurement and ours.
      checks: all must hold.
    """

    name: str
    chapter: int
    says: str
    paper: str
    mark: str
    why: str
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Held:
    """A check with what was found.

    Attributes:
      check: the check.
      finding: the number; None where there are no rows, or rows without it.
      verdict: one of `VERDICTS`.
    """

    check: Check
    finding: Finding | None
    verdict: str

    @property
    def said(self) -> str:
        """The verdict as a table says it."""
        return CONTROL[self.verdict] if self.check.control else self.verdict


@dataclass(frozen=True)
class Answer:
    """A claim with what was found.

    Attributes:
      claim: the claim.
      found: for each of its checks.
      verdict: one of `VERDICTS`. With several numbers that are not alike: partly, if one agrees at least in
        part; else that it does not agree, if one does not; else not decided. Controls do not count.
    """

    claim: Claim
    found: tuple[Held, ...]
    verdict: str


def read_claims(path: Path) -> tuple[list[Claim], dict[str, Any]]:
    """Reads a file of claims.

    Returns:
      The claims in order, and what the paper says, by name: `says` and `mark`, to which claims refer.
    Raises:
      InputError: the file is damaged, or a claim is not whole.
    """
    content = read_json(path)
    try:
        facts = content["paper"]
        claims = []
        for entry in content["claims"]:
            paper = facts[entry["paper"]] if entry.get("paper") else {"says": "", "mark": ""}
            checks = tuple(Check(**one) for one in entry["checks"])
            words = (
                entry["name"],
                entry["chapter"],
                entry["says"],
                paper["says"],
                paper["mark"],
                entry["why"],
            )
            claims.append(Claim(*words, checks))
        return claims, facts
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{name_of(path)}: expected claims, found something else ({shown(error)})"
        ) from error


def rows_at(folder: Path, pattern: str) -> list[Row]:
    """The rows whose files fit a pattern, in the order of their names.

    Args:
      folder: of results.
      pattern: of JSON files, of `.jsonl` files with a row a line, or of run folders, whose `summary.json` is
        their row; those without one are not finished and left out.
    """
    rows: list[Row] = []
    for path in sorted(folder.glob(pattern)):
        file = path / "summary.json" if path.is_dir() else path
        if file.suffix == ".jsonl":
            rows += read_rows(file)
        elif file.is_file():
            rows.append(read_json(file))
    return rows


def answers(
    claims: Sequence[Claim], folders: Sequence[Path], findings: Mapping[str, Findings]
) -> Iterator[Answer]:
    """Holds claims against rows.

    Args:
      claims: the claims.
      folders: of results. The rows of a check are those of the first folder that has any.
      findings: the function of each experiment.
    """
    known: dict[tuple[str, str], Mapping[str, Finding]] = {}
    for claim in claims:
        found = []
        for check in claim.checks:
            place = (check.experiment, check.rows)
            if place not in known:
                rows = next(filter(None, (rows_at(folder, check.rows) for folder in folders)), [])
                known[place] = findings[check.experiment](rows) if rows else {}
            finding = known[place].get(check.finding)
            found.append(Held(check, finding, check.verdict(finding)))
        verdicts = {held.verdict for held in found if not held.check.control}
        yield Answer(claim, tuple(found), _together(verdicts))


def _together(verdicts: set[str]) -> str:
    """The verdict of a claim from those of its checks."""
    if len(verdicts) == 1:
        return next(iter(verdicts))
    if verdicts & {AGREES, PARTLY}:
        return PARTLY
    return DIFFERS if DIFFERS in verdicts else UNDECIDED
