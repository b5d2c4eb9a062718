"""`audit.json`: what an audit found, as plain values, and its reader, to whom a file may come from anywhere.

Log-odds are natural logarithms. Confidences at which images are counted are written as text, "0.9999".
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fooljax.analysis.statistics import Interval
from fooljax.errors import InputError, shown
from fooljax.storage.json_files import read_json
from fooljax.storage.reading import name_of
from fooljax.storage.typed_json import typed

FORMAT, VERSION = "fooljax-audit", 1
FILE = "audit.json"


@dataclass(frozen=True)
class Share:
    """A share in [0, 1] with the ends of its interval of 95 %."""

    share: float
    low: float
    high: float

    def interval(self) -> Interval:
        """The three of them."""
        return Interval(self.share, self.low, self.high)


@dataclass(frozen=True)
class Odds:
    """The median log-odds of some images with the ends of its interval of 95 %, None where it has no end."""

    median: float
    low: float | None
    high: float | None

    def interval(self) -> Interval:
        """The three of them; an end that is not there is infinite."""
        low, high = (math.inf if end is None else end for end in (self.low, self.high))
        return Interval(self.median, -low if self.low is None else low, high)


@dataclass(frozen=True)
class Reached:
    """How soon a level of confidence was reached.

    Attributes:
      reached: classes that reached it, of all runs together.
      of: all classes of all runs.
      median: network passes of a run by which the median class had reached it; None where it never did.
    """

    reached: int
    of: int
    median: float | None


@dataclass(frozen=True)
class Network:
    """What was audited.

    Attributes:
      name: as its owner calls it.
      from_: the file or the code that it comes from.
      classes: how many it knows.
      image_shape: height, width and channels of its images.
      class_names: in the order of its outputs.
      params_sha256: tells its weights from others; "" where they cannot be read.
      gradients: whether it can be differentiated.
      preprocessing: what happens to an image before the network sees it, as a sentence.
    """

    name: str
    from_: str
    classes: int
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    params_sha256: str
    gradients: bool
    preprocessing: str


@dataclass(frozen=True)
class CleanData:
    """The clean images.

    Attributes:
      described: what they are.
      images: how many there are.
      split: how many serve each purpose.
      accuracy: share that the network names rightly; None where their classes are not known.
    """

    described: str
    images: int
    split: Mapping[str, int]
    accuracy: Share | None


@dataclass(frozen=True)
class Check:
    """A property of the network as it is used; `passed` is None where it could not be told."""

    name: str
    passed: bool | None
    words: str


@dataclass(frozen=True)
class CleanThresholds:
    """Log-odds that the network has in clean images; None where there were too few of them.

    Attributes:
      temperature: by which logits would have to be divided for confidences to fit how often it is right; 1
        where there were too few images to tell, and the least that is looked for, 0.05, where all of them are
        named rightly.
      clean_median: that half of the clean images reach.
      tau95, tau99: that 95 % and 99 % of them reach.
      scaled: the same three by name, after logits are divided by the temperature.
    """

    temperature: float
    clean_median: float | None
    tau95: float | None
    tau99: float | None
    scaled: Mapping[str, float | None]


@dataclass(frozen=True)
class BudgetLine:
    """What was spent on one kind of attack, or on all the rest.

    Attributes:
      what: the generator, or the rest in words.
      detectors: how many detectors it was made against; 0 where it knows the network alone.
      runs: independent runs of each.
      passes: network passes of a run, at most.
      total: of all of them.
    """

    what: str
    detectors: int
    runs: int
    passes: int
    total: int


@dataclass(frozen=True)
class Attack:
    """One way to make images, at one budget.

    Attributes:
      generator: of `fooljax.study.generators`.
      knows: the detector that the attack was told to pass; None where it knows the network alone.
      passes: network passes of a run.
      runs: independent runs.
      images: of all runs, one for each class that was aimed at.
      log_odds: of the images' classes.
      shares: of images that reach each of the levels "0.5", "0.99", "0.999", "0.9999" and, where there were
        enough clean images, "clean_median", "tau95" and "tau99".
      scaled_shares: the same after temperature scaling.
      passes_to: by "0.5", "0.99" and "0.9999". Controls that do not search have none.
      flags: signs that the attack was weak, in words.
    """

    generator: str
    knows: str | None
    passes: int
    runs: int
    images: int
    log_odds: Odds
    shares: Mapping[str, Share]
    scaled_shares: Mapping[str, Share]
    passes_to: Mapping[str, Reached]
    flags: tuple[str, ...]


@dataclass(frozen=True)
class ClassLine:
    """The best image of one class.

    Attributes:
      index, name: of the class.
      generator: that made the image.
      log_odds, confidence: of the saved file.
      passes_to_9999: network passes of a run by which the class had 99.99 %; None where it never had.
      image: path of the file, relative to the audit's folder.
    """

    index: int
    name: str
    generator: str
    log_odds: float
    confidence: float
    passes_to_9999: float | None
    image: str


@dataclass(frozen=True)
class Detector:
    """What one detector makes of the images.

    Attributes:
      name: of `fooljax.detectors`.
      auroc: by generator: the chance that an image is more suspicious than a clean one.
      caught: by the share of clean images that pass, "0.95" and "0.99", then by generator: share of images
        that it rejects, of attacks that know nothing of it.
      knowing: the same of attacks that know it; None where none was made.
      through: of these attacks the share of images that fool the network at 99.99 % and pass.
    """

    name: str
    auroc: Mapping[str, float]
    caught: Mapping[str, Mapping[str, Share]]
    knowing: Mapping[str, Mapping[str, Share]] | None
    through: Mapping[str, Mapping[str, Share]] | None


@dataclass(frozen=True)
class Judge:
    """What another network, which had no part in the search, says of the images.

    Attributes:
      name: of the network.
      right: share of clean images that it names rightly; None where their classes are not known.
      fault: why its word should not count; "" where it should.
      agrees: by generator: share of images in which it recognises the class that they were made for.
    """

    name: str
    right: Share | None
    fault: str
    agrees: Mapping[str, Share]


@dataclass(frozen=True)
class Transfer:
    """Images of one generator shown to a second network.

    Attributes:
      network: its name.
      generator: of the images.
      images: that fool the audited network, as many as were shown.
      same: share that it gives the same name.
      sure: share that it gives the same name with 99.99 % or more.
    """

    network: str
    generator: str
    images: int
    same: Share
    sure: Share


@dataclass(frozen=True)
class Survival:
    """What becomes of images when they change a little, and how near clean images are.

    Attributes:
      generator: of the images.
      nearest_percentile: share of clean images, in percent, that are nearer to their nearest clean image.
      named: by the name of the change: share of fooling images that the network still names alike.
    """

    generator: str
    nearest_percentile: float
    named: Mapping[str, Share]


@dataclass(frozen=True)
class Cost:
    """What the audit cost; `machine` in words."""

    passes: int
    seconds: float
    machine: str


@dataclass(frozen=True)
class Audit:
    """All that an audit found; lists are in the order of display, `classes` from the easiest on."""

    format: str
    version: int
    network: Network
    command: str
    data: CleanData
    checks: tuple[Check, ...]
    thresholds: CleanThresholds
    budget: tuple[BudgetLine, ...]
    attacks: tuple[Attack, ...]
    classes: tuple[ClassLine, ...]
    detectors: tuple[Detector, ...]
    judges: tuple[Judge, ...]
    transfer: tuple[Transfer, ...]
    survival: tuple[Survival, ...]
    strength: tuple[str, ...]
    not_tested: tuple[str, ...]
    verdict: tuple[str, ...]
    cost: Cost


def read_audit(path: Path) -> Audit:
    """Reads a file that an audit wrote, here or anywhere.

    Args:
      path: of the file, or of the audit's folder.
    Raises:
      InputError: it is missing or damaged, or no audit, or of a later version, or has an impossible number;
        one line says which.
    """
    path = path / FILE if path.is_dir() else path
    where, content = name_of(path), read_json(path)
    for name, known in (("format", FORMAT), ("version", VERSION)):
        if content.get(name) != known:
            if name not in content:
                raise InputError(f"{where}: expected the {FILE} of an audit, found something else")
            came = shown(repr(content[name]), 60)
            raise InputError(f"{where}: {name}: expected {known!r}, which this fooljax reads, found {came}")
    audit = typed(Audit, content, where)
    for place, problem in _impossible(audit):
        raise InputError(f"{where}: {place}: {problem}")
    return audit


def find_audits(paths: Sequence[Path]) -> list[Path]:
    """The files of audits among some paths: those called `audit.json`, and those below the folders."""
    return [
        file
        for path in paths
        for file in (sorted(path.rglob(FILE)) if path.is_dir() else [path] * (path.name == FILE))
    ]


def _impossible(audit: Audit) -> Iterator[tuple[str, str]]:
    """Places and what is wrong there."""
    network = audit.network
    if len(network.class_names) not in (0, network.classes):
        yield "network.class_names", f"expected {network.classes}, found {len(network.class_names)}"
    yield from _outside(audit, "")
    for place, attack in enumerate(audit.attacks):
        if "0.9999" not in attack.shares:
            yield f"attacks[{place}].shares", "expected the level 0.9999, found nothing"
        for level, found in attack.passes_to.items():
            if found.reached > found.of:
                yield (
                    f"attacks[{place}].passes_to.{level}",
                    f"expected at most {found.of} classes, found {found.reached}",
                )


def _outside(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Intervals without their estimate, shares beyond 0 and 1, and counts below 0."""
    match value:
        case Share(share, low, high):
            if not 0.0 <= low <= share <= high <= 1.0:
                yield place, f"expected a share in its interval in [0, 1], found {share} in [{low}, {high}]"
        case Odds(median, low, high):
            if not (low is None or low <= median) or not (high is None or median <= high):
                yield place, f"expected a median in its interval, found {median} in [{low}, {high}]"
        case Mapping():
            for name, one in value.items():
                yield from _outside(one, f"{place}.{shown(name, 60)}")
        case tuple():
            for number, one in enumerate(value):
                yield from _outside(one, f"{place}[{number}]")
        case int() if value < 0 and not isinstance(value, bool):
            yield place, f"expected 0 or more, found {value}"
        case _ if hasattr(value, "__dataclass_fields__"):
            for name in value.__dataclass_fields__:
                inside = f"{place}.{name.removesuffix('_')}".lstrip(".")
                yield from _outside(getattr(value, name), inside)
