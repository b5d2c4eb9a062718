"""The numbers of the published pages, from the rows in `docs/results`.

A template (docs/templates) writes a number by calling one of the functions below; `docs.publish` fills it.
"""

import csv
import functools
import importlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from experiments import strategy_comparison
from fooljax.audits.record import Audit, read_audit
from fooljax.audits.reference_audits import FOLDER
from fooljax.errors import InputError
from fooljax.report.detector_overview import overview
from fooljax.settings import OFF
from fooljax.storage.json_files import read_json
from fooljax.study import numbers, read_rows, summaries, summary_table

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
LEARNT_FROM = {
    "mnist-embedded": "the 4,000 embedded digits",
    "mnist": "MNIST's 60,000 digits",
    "cifar10": "CIFAR-10",
}
"""What a network learnt from, by the name of the data in a row."""
CLEAN = {
    "embedded": "of MNIST's training digits",
    "idx:mnist": "digits of MNIST",
    "npz:cifar10-2000": "images of CIFAR-10",
    "imagenet-sample": "photographs of ImageNet's classes",
}
"""What the clean images of a published audit are, by what its command says of them."""


@dataclass(frozen=True)
class Search:
    """Summaries that differ in seed and network alone.

    Attributes:
      name: of their files, without the network's number.
      paths: their files.
      rows: their contents.
    """

    name: str
    paths: tuple[Path, ...]
    rows: tuple[Mapping[str, Any], ...]

    def __post_init__(self) -> None:
        """Sees that the rows belong together.

        Raises:
          InputError: they are of several kinds of networks.
        """
        kinds = {(row["target"], row["dataset"]) for row in self.rows}
        if len(kinds) > 1:
            names = "; ".join(f"{target} from {dataset}" for target, dataset in sorted(kinds))
            raise InputError(
                f"{self.paths[0].parent / self.name}*: expected one kind of network, found {names}"
            )

    @functools.cached_property
    def line(self) -> summary_table.Line:
        """Their numbers."""
        rows = [one for found in zip(self.paths, self.rows, strict=True) for one in summaries.rows_of(*found)]
        return summary_table.summarise(rows)

    @property
    def network(self) -> str:
        """What was fooled, what it learnt from, and how many there were."""
        count = len({row["target_sha256"] for row in self.rows})
        learnt = LEARNT_FROM.get(self.first["dataset"], f"`{self.first['dataset']}`")
        return f"{self.first['target']} from {learnt}, {count} network{'s' if count > 1 else ''}"

    @property
    def first(self) -> Mapping[str, Any]:
        """One of them, for what all share."""
        return self.rows[0]

    @property
    def cells(self) -> dict[str, str]:
        """The numbers as a table writes them."""
        return summary_table.cells(self.line)

    @property
    def command(self) -> str:
        """The command that makes such rows, with settings that are not the defaults; T differs by network."""
        if "settings" not in self.first:
            return "# not kept: an earlier version wrote rows without their settings"
        experiment = self.first["experiment"]
        words = [f"python -m experiments.{experiment}"]
        for field in fields(importlib.import_module(f"experiments.{experiment}").EXPERIMENT.config):
            values = {json.dumps(row["settings"].get(field.name, field.default)) for row in self.rows}
            value = json.loads(min(values))
            flag = field.name.replace("_", "-")
            if len(values) > 1:
                words.append(f"--{flag} T")
            elif isinstance(value, bool) and value != field.default:
                words.append(f"--{'' if value else 'no-'}{flag}")
            elif field.name == "set":
                words += [f"--set {one}" for one in value.split()]
            elif value != field.default:
                words.append(f"--{flag} {OFF if value is None else value}")
        return wrapped(words)

    @property
    def images(self) -> str:
        """How many saved images have 99.99 % or more."""
        fooled = sum(row["rescored"]["images_at_9999"] for row in self.rows)
        return f"{fooled} of {sum(row['rescored']['images'] for row in self.rows)}"

    @property
    def second(self) -> dict[str, str] | None:
        """How many images a second network names alike; None where there was none.

        `first_fooled` and `best` are of the first images that fooled and of the last elites. `first_sure` and
        `best_sure` count those that it gives 99.99 %, where all rows know this.
        """
        asked = [row["second_network"] for row in self.rows if isinstance(row.get("second_network"), dict)]
        counted = {}
        for which, sure in (("first_fooled", "first_sure"), ("best", "best_sure")):
            images = sum(one[which]["images"] for one in asked)
            counted[which] = f"{sum(one[which]['named_alike'] for one in asked)} of {images}"
            if all("named_alike_with" in one[which] for one in asked):
                alike = sum(one[which]["named_alike_with"]["0.9999"] for one in asked)
                counted[sure] = f"{alike} of {images}"
        return counted if asked else None

    def reached(self, name: str) -> list[float]:
        """The generation at which each run came to a level; those that never did are left out."""
        return [
            value for row in self.rows for value in row[f"generations_to_{name}_9999"] if value is not None
        ]


def wrapped(words: Sequence[str], width: int = 90) -> str:
    """A command of lines that are not long; each that goes on ends in a backslash."""
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) < width:
            lines[-1] += f" {word}"
        else:
            lines.append(f"  {word}")
    return " \\\n".join(lines)


@functools.cache
def row(path: str) -> dict[str, Any]:
    """A file of JSON in `docs/results`."""
    return read_json(RESULTS / path)


@functools.cache
def searches(folder: str) -> dict[str, Search]:
    """The summaries in a folder of `docs/results`, by their files' names without the networks' numbers."""
    groups: dict[str, list[Path]] = {}
    for path in sorted((RESULTS / folder).glob("*.json")):
        groups.setdefault(re.sub(r"-target\d+$", "", path.stem), []).append(path)
    return {
        name: Search(name, tuple(paths), tuple(read_json(path) for path in paths))
        for name, paths in groups.items()
    }


def network_sets(found: Mapping[str, Search]) -> list[tuple[Search, list[str]]]:
    """Each set of networks that was met, by one of its searches, with the names of all of these."""
    sets: dict[tuple[str, ...], list[str]] = {}
    for name, one in found.items():
        sets.setdefault(tuple(sorted({row["target_sha256"] for row in one.rows})), []).append(name)
    return [(found[names[0]], names) for names in sets.values()]


@functools.cache
def audits() -> dict[str, Audit]:
    """The audits that are published, by the names of their files, those that come with the package first."""
    paths = [*sorted(FOLDER.glob("*.json")), *sorted((RESULTS / "audits" / "rows").glob("*.json"))]
    return {path.stem: read_audit(path) for path in paths}


@functools.cache
def ways() -> list[dict[str, Any]]:
    """How networks of several frameworks were audited: what their users wrote, and how long it took.

    Returns:
      The rows of `docs/results/audits/ways.json`; in each, `one` is its audit, `code` the text of what leads
      from the network to a target, "" where the command takes the file, and `lines` how long that is.
    """
    found = []
    for way in row("audits/ways.json")["ways"]:
        path = way["code"] and RESULTS / "audits" / "scripts" / way["code"]
        code = path.read_text(encoding="utf-8").strip() if path else ""
        lines = sum(bool(line.strip()) for line in code.splitlines())
        found.append({**way, "one": audits()[way["audit"]], "code": code, "lines": lines})
    return found


def clean_images(audit: Audit) -> str:
    """How many clean images an audit had, and what they are."""
    given = re.search(r"--images (\S+)", audit.command)
    if given is None or given[1] not in CLEAN:
        raise InputError(f"--images: expected one of {', '.join(CLEAN)}, got {audit.command}")
    return f"{audit.data.images:,} {CLEAN[given[1]]}"


def budget(audit: Audit) -> int:
    """The network passes that the attacks of an audit could take."""
    return sum(line.total for line in audit.budget[:-1])


@functools.cache
def comparison() -> tuple[dict[str, Any], ...]:
    """The rows of the comparison of strategies."""
    return tuple(read_rows(RESULTS / "strategy_comparison" / "rows.jsonl"))


@functools.cache
def study_tables(name: str, of: str = "") -> str:
    """The tables of an experiment, from the rows of its tasks in `docs/results/NAME/rows`.

    Args:
      name: of the experiment, `experiments.NAME`.
      of: the data set, where the rows of several are published: then those in `docs/results/NAME_OF/rows`.
    """
    return str(importlib.import_module(f"experiments.{name}").STUDY.tables(study_rows(name, of)))


def detectors_overview(networks: Mapping[str, str]) -> str:
    """The table of all detectors and data sets, see `fooljax.report.detector_overview`.

    Args:
      networks: the data set of each group of rows, as for `study_tables`, by what the reader calls it.
    """
    return overview({title: study_rows("detectors", of) for title, of in networks.items()})


@functools.cache
def found(name: str, of: str = "") -> dict[str, Any]:
    """What an experiment found, by name, from the rows of its tasks: see `fooljax.study.findings`.

    Args:
      name: of the experiment.
      of: the data set, as for `study_tables`.
    """
    return dict(importlib.import_module(f"experiments.{name}").findings(study_rows(name, of)))


def passes_of_sets(name: str, of: str = "") -> int:
    """The network passes that made all image sets of an experiment, without those of scores and training.

    Args:
      name: of the experiment.
      of: the data set, as for `study_tables`.
    """
    return sum(one["passes"] for one in study_rows(name, of) if "passes" in one)


def seconds_of(name: str, of: str = "", **chosen: Any) -> float:
    """The seconds of wall clock that rows of an experiment took together.

    Args:
      name: of the experiment.
      of: the data set, as for `study_tables`.
      **chosen: entries that a row must have to count; by default all rows do.

    Raises:
      InputError: there are no such rows, or one does not say how long it took, as those of fooljax 0.6.2.
    """
    rows = [row for row in study_rows(name, of) if all(row.get(key) == chosen[key] for key in chosen)]
    if not rows or any("wall_seconds" not in row for row in rows):
        raise InputError(f"seconds_of: expected rows of {name} with wall_seconds for {chosen}, found others")
    return sum(row["wall_seconds"] for row in rows)


@functools.lru_cache(maxsize=4)  # a page asks for the tables of a study and for what it found
def study_rows(name: str, of: str) -> list[dict[str, Any]]:
    """The rows of an experiment's tasks, see `study_tables`."""
    folder = RESULTS / "_".join(filter(None, (name, of)))
    return [read_json(path) for path in sorted((folder / "rows").glob("*.json"))]


class Confirmed(NamedTuple):
    """An arm of the comparison in one stage.

    Attributes:
      arm: the strategy on its encoding.
      rows: its runs.
      to_median: passes until the median class.
      to_all: passes until all classes.
      done: runs that did it.
      ratio: to the paper's search, in words.
    """

    arm: Any
    rows: list[dict[str, Any]]
    to_median: str
    to_all: str
    done: str
    ratio: str


def stage(name: str) -> dict[str, Confirmed]:
    """The arms of a stage, by name, those that cost least first within each family."""
    of_stage = [one for one in comparison() if one["stage"] == name]
    return {
        arm.name: Confirmed(
            arm,
            rows,
            cells["passes until the median class"],
            cells["passes until all classes"],
            cells["runs with all"],
            cells["ratio to the paper's"],
        )
        for arm, rows, cells in strategy_comparison.cells(of_stage)
    }


def digests(rows: Sequence[Mapping[str, Any]]) -> str:
    """Networks by the beginning of their digest, each once."""
    return " ".join(dict.fromkeys(f"`{one['target_sha256'][:8]}`" for one in rows))


def accuracies(rows: Sequence[Mapping[str, Any]]) -> str:
    """The least and the most of held-out images that networks name, cut."""
    known = sorted({one["clean_accuracy"] for one in rows})
    ends = dict.fromkeys(
        numbers.percent(one, 2 if one * 1000 % 1 > 1e-6 else 1) for one in (known[0], known[-1])
    )
    return " to ".join(ends)


def at_passes(path: str, passes: float) -> float:
    """Median log-odds over classes of a single run, after at most so many passes of its own."""
    with open(RESULTS / path / "metrics.csv", encoding="utf-8", newline="") as file:
        table = [(float(one["queries"]), float(one["median_log_odds"])) for one in csv.DictReader(file)]
    return max(one for one in table if one[0] <= passes)[1]


def last_passes(path: str) -> float:
    """Passes of a single run, from its metrics."""
    with open(RESULTS / path / "metrics.csv", encoding="utf-8", newline="") as file:
        return max(float(one["queries"]) for one in csv.DictReader(file))


def pinned(package: str) -> str:
    """The version of a package that the project is tested with."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(package)}==(\S+)", text, re.MULTILINE)
    if not found:
        raise InputError(f"package: expected one in constraints.txt, got {package}")
    return found[1]


def minutes(seconds: float) -> str:
    """A time in words: seconds below two minutes, minutes below two hours, else hours and minutes."""
    if seconds < 120.0:
        return f"{seconds:.0f} s"
    whole = round(seconds / 60.0)
    return f"{whole} min" if whole < 120 else f"{whole // 60} h {whole % 60} min"
