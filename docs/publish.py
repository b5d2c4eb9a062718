"""Writes the README and the pages of results: every number in them comes from the rows in `docs/results`.

    python -m docs.publish           # writes what has changed
    python -m docs.publish --check   # writes nothing; ends with 1 if a page is not what the rows say

A page is a template in `docs/templates`, of the same name, whose numbers are expressions over rows: summaries
of runs, the comparison's rows, measurements. `written_by_hand` finds the numbers in a template that are none:
a test lets nothing through but settings in code and what `docs/templates/allowed.json` lists with its reason.
What the paper says stands in `docs/templates/paper.json`, each with how it was verified.
"""

import csv
import functools
import importlib
import json
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import numpy as np

from experiments.strategy_comparison import ARMS, by_target, cost, ratio_to, tables
from fooljax.analysis.statistics import median_interval
from fooljax.cli import tabulate
from fooljax.cli.command_line import Parser, run_command
from fooljax.engine.log_odds import to_log_odds
from fooljax.errors import FaultError, InputError, shown
from fooljax.report import numbers
from fooljax.runs.recipe import FoolingConfig
from fooljax.settings import OFF
from fooljax.storage.trees import read_json, write_bytes
from fooljax.strategies.from_evosax import ALGORITHMS

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / "docs" / "templates"
RESULTS = ROOT / "docs" / "results"
LEARNT_FROM = {"mnist-embedded": "the 4,000 embedded digits", "mnist": "MNIST's 60,000 digits"}
"""What a network learnt from, by the name of the data in a row."""


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
    def line(self) -> tabulate.Line:
        """Their figures."""
        return tabulate.line(list(zip(self.paths, self.rows, strict=True)))

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
        """The figures as a table writes them."""
        return tabulate.cells(self.line)

    @property
    def command(self) -> str:
        """The command that makes such rows, with settings that are not the defaults; T differs by network."""
        if "settings" not in self.first:
            return "not kept (an earlier version wrote rows without their settings)"
        experiment = self.first["experiment"]
        words = [f"python -m experiments.{experiment}"]
        for field in fields(importlib.import_module(f"experiments.{experiment}").Config):
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
        return f"`{' '.join(words)}`"

    @property
    def images(self) -> str:
        """How many saved images have 99.99 % or more."""
        fooled = sum(row["rescored"]["images_at_9999"] for row in self.rows)
        return f"{fooled} of {sum(row['rescored']['images'] for row in self.rows)}"

    @property
    def second(self) -> dict[str, str] | None:
        """How many images a second network names alike, first fooled and best; None where there was none."""
        asked = [row["second_network"] for row in self.rows if isinstance(row.get("second_network"), dict)]
        counted = {
            which: [sum(one[which][name] for one in asked) for name in ("named_alike", "images")]
            for which in ("first_fooled", "best")
        }
        return (
            {which: f"{alike} of {images}" for which, (alike, images) in counted.items()} if asked else None
        )

    def reached(self, name: str) -> list[float]:
        """The generation at which each run came to a level; those that never did are left out."""
        return [
            value for row in self.rows for value in row[f"generations_to_{name}_9999"] if value is not None
        ]


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
def comparison() -> tuple[dict[str, Any], ...]:
    """The rows of the comparison of strategies."""
    text = (RESULTS / "strategy_comparison" / "rows.jsonl").read_text(encoding="utf-8")
    return tuple(json.loads(line) for line in text.splitlines())


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
    found = {}
    for arm in (ARMS[one] for one in dict.fromkeys(one["name"] for one in of_stage)):
        rows = [one for one in of_stage if one["name"] == arm.name]
        base = [
            one for one in of_stage if ARMS[one["name"]].role == "baseline" and one["family"] == arm.family
        ]
        budget = rows[0]["budget"]
        found[arm.name] = Confirmed(
            arm,
            rows,
            numbers.needed(median_interval(by_target(rows, "passes_to_median")), budget),
            numbers.needed(median_interval(by_target(rows, "passes_to_all")), budget),
            f"{sum(one['passes_to_all'] is not None for one in rows)} of {len(rows)}",
            "1" if arm.role == "baseline" else ratio_to(by_target(rows, "passes_to_all"), base),
        )
    return dict(sorted(found.items(), key=lambda one: (one[1].arm.family, cost(one[1].rows))))


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


def environment() -> jinja2.Environment:
    """What templates are filled with."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "plain": numbers.plain,
        "percent": numbers.percent,
        "confidence": numbers.confidence,
        "spread": numbers.spread,
        "significant": numbers.significant,
        "shares": numbers.shares,
        "minutes": minutes,
    }
    made.globals |= {
        "row": row,
        "searches": searches,
        "comparison": comparison,
        "comparison_tables": lambda: tables(comparison()),
        "stage": stage,
        "digests": digests,
        "accuracies": accuracies,
        "network_sets": network_sets,
        "fooled": to_log_odds(0.9999),
        "at_passes": at_passes,
        "last_passes": last_passes,
        "pinned": pinned,
        "unit": tabulate.UNIT,
        "algorithms": ALGORITHMS,
        "paper": read_json(TEMPLATES / "paper.json"),
        "median": lambda values: float(np.sort(values)[(len(values) - 1) // 2]),
    }
    return made


def templates() -> dict[str, Path]:
    """The pages by the name of their template."""
    names = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.md"))
    return {name: ROOT / name if name == "README.md" else ROOT / "docs" / name for name in names}


def pages() -> dict[Path, str]:
    """What each page should say.

    Raises:
      InputError: a row is missing or not what a template asks of it.
    """
    made, rendered = environment(), {}
    for name, path in templates().items():
        try:
            origin = f"<!-- Written by `python -m docs.publish` from docs/templates/{name}. -->"
            rendered[path] = f"{origin}\n\n{reflowed(made.get_template(name).render())}"
        except InputError:
            raise
        except (jinja2.TemplateError, LookupError, TypeError, ValueError, OSError) as error:
            raise InputError(f"docs/templates/{name}: cannot be filled: {shown(error)}") from error
    return rendered


def reflowed(text: str, width: int = 110) -> str:
    """Markdown with its paragraphs and list items filled anew; code, tables, heads and pictures stay."""
    out: list[str] = []
    waiting: list[str] = []
    in_code = False

    def fill() -> None:
        if waiting:
            indent = "  " if waiting[0].startswith("- ") else ""
            words = " ".join(" ".join(waiting).split())
            out.append(
                textwrap.fill(
                    words,
                    width,
                    subsequent_indent=indent,
                    break_on_hyphens=False,
                    break_long_words=False,
                )
            )
            waiting.clear()

    for line in text.splitlines():
        fence = line.startswith("```")
        if in_code or fence or line.startswith(("|", "#", "!")) or not line.strip():
            fill()
            if in_code or line.strip() or (out and out[-1]):
                out.append(line)
            in_code ^= fence
            continue
        if line.startswith("- "):
            fill()
        waiting.append(line)
    fill()
    return "\n".join(out).rstrip("\n") + "\n"


def written_by_hand(source: str, allowed: Sequence[str]) -> list[str]:
    """Numbers in a template that no row gives.

    Args:
      source: the template.
      allowed: regular expressions of phrases whose numbers are no results.
    Returns:
      What was found, each with the words around it.
    """
    found = []
    tree = environment().parse(source)
    keys = {id(one.arg) for one in tree.find_all(jinja2.nodes.Getitem)}  # what names a figure does not print
    for constant in tree.find_all(jinja2.nodes.Const):
        value = "" if id(constant) in keys else constant.value
        if isinstance(value, float | int) and value not in (True, False, *range(10), *CONSTANTS):
            found.append(f"in an expression: {value}")
        if isinstance(value, str) and re.search(r"\d.*[ %]|[ %].*\d", value) and _digits(value, allowed):
            found.append(f"in an expression: {value}")
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", source, flags=re.DOTALL)
    text = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", text, flags=re.DOTALL)
    return found + _digits(text, allowed)


CONSTANTS = (0.5, 0.9, 0.99, 0.999, 0.9999, 40_000, 50_000, 150_000, 2**30)
"""What may stand in expressions: levels of confidence, passes at which a search is looked at, a GiB."""
NUMBER = re.compile(
    r"(?<![A-Za-z\d])\d[\d.,]*"
    r"|\b(?:none|one|two|three|four|five|six|seven|eight|nine|ten) (?:of|in) "
    r"|\b(?:eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|"
    r"half|(?:a|one) (?:third|quarter)|thirds|quarters|twice|double)\b"
)


def _digits(text: str, allowed: Sequence[str]) -> list[str]:
    text = re.sub(r"\s+", " ", text)
    for phrase in allowed:
        text = re.sub(phrase, " ", text)
    return [text[max(0, one.start() - 30) : one.end() + 20] for one in NUMBER.finditer(text)]


def publish(argv: Sequence[str] | None) -> None:
    """The command."""
    parser = Parser(
        prog="python -m docs.publish",
        description="Writes the README and the pages of results from the rows in docs/results.",
        allow_abbrev=False,
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page would change")
    flags = parser.parse_args(argv)
    wrong = {
        path: text
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
    if flags.check and wrong:
        names = ", ".join(path.relative_to(ROOT).as_posix() for path in wrong)
        raise FaultError(f"{names}: not what the rows say; run python -m docs.publish")
    for path, text in wrong.items():
        write_bytes(path, text.encode())
        print(path.relative_to(ROOT).as_posix())


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: publish(argv), FoolingConfig)


if __name__ == "__main__":
    sys.exit(main())
