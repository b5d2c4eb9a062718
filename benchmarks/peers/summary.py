"""From the runs of all rounds to rows, ratios and lines of text, with what a reader must know beside them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.peers.contenders import AIM, MUST, Comparison, Contender
from benchmarks.peers.protocol import Report
from benchmarks.peers.target import judge
from benchmarks.timing import spread, told
from fooljax.engine.types import Target

REMARKS = (
    "Evaluations per second are children over wall time, by the median chunk of ten generations; compiling "
    "and the first random genomes are left out. Ours are timed as evolve runs them, with its metrics and its "
    "loop on the host; QDax's are its compiled scans alone.",
    "On a busy machine the ratio moves towards that of CPU times: LeNet keeps all cores busy, a sort only "
    "one.",
    "The network is the same arithmetic for all, compiled by the same JAX. Ours rounds every image to 8 bits "
    "before the network sees it and scores all ten classes; the peers do neither.",
    "QDax's polynomial mutation is its own: the bounded form, on exactly 78 of the 784 genes, chosen by "
    "sorting random numbers for each child. Isoline variation is the operator of its examples: cheaper, and "
    "another search.",
    "In both peers an image enters only the cell of its arg-max class; in ours it competes for all ten. That "
    "a peer fills few digits is this rule, not its speed.",
    "pyribs: the arrangement of its tutorial, with the probability as objective and a part of its 900,000 "
    "evaluations. Only the network is compiled there; the rest is NumPy.",
    "digits: images that the network names, after rounding to 8 bits, as the digit that they stand for. "
    "certain: those of them with 99.99 % or more. Confidences are over all images that a run ended with.",
)
HEADER = f"{'':<26} {'evaluations/s':<25}  digits  certain   median   lowest  compile s"


class Run(NamedTuple):
    """What one run of a worker gave.

    Attributes:
      report: the worker's.
      images: its final images, uint8.
      other_cores: cores that other work kept busy meanwhile, or None.
    """

    report: Report
    images: npt.NDArray[np.uint8]
    other_cores: float | None

    @property
    def rate(self) -> float:
        """Evaluations per second, by the median chunk."""
        return self.report.evaluations / float(np.median(self.report.seconds))

    @property
    def cpu_rate(self) -> float:
        """Evaluations per second of CPU time."""
        return self.total / self.report.cpu_seconds

    @property
    def total(self) -> int:
        """Network passes of the whole run."""
        return self.report.evaluations * len(self.report.seconds)


def row(contender: Contender, runs: Sequence[Run], target: Target) -> dict[str, Any]:
    """All rounds of one contender: medians, smallest and largest."""
    judged = [judge(target, run.images, run.report.cells) for run in runs]
    return {
        **contender._asdict(),
        "evaluations": runs[0].total,
        "evaluations_per_second": spread([run.rate for run in runs]),
        "compile_seconds": spread([run.report.compile_seconds for run in runs]),
        **{name: spread([verdict[name] for verdict in judged]) for name in judged[0]},
        "rounds": [
            {"rate": run.rate, "cpu_rate": run.cpu_rate, "other_cores": run.other_cores} for run in runs
        ],
        "device": runs[0].report.device,
        "versions": runs[0].report.versions,
    }


def ratio(pair: Comparison, runs: Mapping[Contender, Sequence[Run]]) -> dict[str, Any]:
    """Ours over the peer's, round by round, and where there is a gate, whether it is met."""
    rounds = list(zip(runs[pair.ours], runs[pair.peer], strict=True))
    ratios = spread([ours.rate / peer.rate for ours, peer in rounds])
    summary: dict[str, Any] = {
        "ours": pair.ours.name,
        "peer": pair.peer.name,
        "ratio": ratios,
        "cpu_ratio": spread([ours.cpu_rate / peer.cpu_rate for ours, peer in rounds]),
    }
    if pair.gate:
        summary |= {"must": MUST, "aim": AIM, "met": ratios["median"] >= MUST}
    return summary


def show_row(row: Mapping[str, Any]) -> str:
    """One line of the table under `HEADER`."""
    rates = row["evaluations_per_second"]
    return (
        f"{row['library']:<8} {row['variation']:<11} {row['batch']:>5} {told(rates, 0):<25} "
        f"{row['digits']['median']:>7.0f} {row['certain']['median']:>8.0f} "
        f"{_percent(row['median_confidence']):>8} {_percent(row['lowest_confidence']):>8} "
        f"{row['compile_seconds']['median']:>10.1f}"
    )


def show_ratio(ratio: Mapping[str, Any]) -> str:
    """One line, as the other benchmarks print their gates."""
    clock, cpu = told(ratio["ratio"]), told(ratio["cpu_ratio"])
    line = f"{ratio['ours']} / {ratio['peer']}: {clock}, by CPU time {cpu}"
    if "must" in ratio:
        line += f", must {ratio['must']} (aim {ratio['aim']}) {'met' if ratio['met'] else 'MISSED'}"
    return line


def _percent(confidence: Mapping[str, float]) -> str:
    """The median, cut rather than rounded, so that nothing short of certain says 100 %."""
    return f"{np.floor(confidence['median'] * 10_000) / 100:.2f} %"
