"""Tables of `experiments.several_networks`, from its rows alone."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from fooljax.analysis.comparisons import holm, signed_rank
from fooljax.analysis.statistics import Interval, mean_interval, share_interval
from fooljax.analysis.transfer import mean_shares, paired
from fooljax.study import Row, group_by, markdown, numbers
from fooljax.study.findings import Finding, describe_sample, share
from fooljax.study.generators import SHORT_NAMES
from fooljax.study.measured_sets import THREAT
from fooljax.study.tables import speaks_for
from fooljax.study.thresholds_reached import threshold_cells, threshold_words

LEVEL = "0.9999"
AIMS = {"log_odds": "one network", "least": "the least of {others}", "mean": "the mean of {others}"}
THESE = """\
Each of {networks} was left out once, in {runs} runs. A set had at most {passes} network passes. Before
its correction, p is at least {least:.2g} with so few networks."""
WORDS = """\
An image that several networks see costs one pass for each. **Fool theirs**: the share of images with 99.99 %
for their class in all networks that they were made for. **Fool the one left out**: the share with 99.99 % for
their class in the network that was left out. **More than against one**: how many percentage points more
images fool the network left out than images made for one of the other networks alone, in the same run. A unit
is the network that was left out. Brackets are 95 % intervals: t-intervals, and for shares those of Korn and
Graubard. The units share networks that images are made for, so they are not quite independent. p is from
Wilcoxon's test, two-sided and exact, with Holm's correction over the table. The effect size is the
matched-pairs rank-biserial correlation: it is 1 if each network that was left out is fooled more often."""

NOT_TESTED = {"more than against one, points": numbers.NONE, "effect size": numbers.NONE, "p": numbers.NONE}


def tables(rows: Sequence[Row]) -> str:
    """`table.md`."""
    rows = sorted(rows, key=_place)
    networks = list(dict.fromkeys(row["left_out"] for row in rows))
    these = THESE.format(
        networks=", ".join(networks),
        passes=f"{rows[0]['budget']:,}",
        runs=len(group_by(rows, "run")),
        least=2.0 ** (1 - len(networks)),
    )
    kinds, tests = group_by(rows, "generator", "aim"), _tests(rows)
    lines = [{**_line(group), **tests.get(key, NOT_TESTED)} for key, group in kinds.items()]
    shares = [
        {**_names(group), **threshold_cells([_shares(row) for row in group])} for group in kinds.values()
    ]
    parts = [THREAT, "", WORDS, "", these, "", markdown(lines), "", "### Every threshold\n"]
    told = "The shares are in the network that was left out."
    parts += [threshold_words(speaks_for(networks)), "", told, "", markdown(shares), ""]
    return "\n".join(parts)


def _place(row: Row) -> tuple[str, int, int, int]:
    """Where a row stands, whatever the order of the files."""
    return row["left_out"], [*SHORT_NAMES].index(row["generator"]), [*AIMS].index(row["aim"]), row["run"]


def _shares(row: Row) -> Row:
    """A row as `threshold_cells` takes it."""
    return {"network": row["left_out"], "shares": mean_shares([seen["same"] for seen in row["seen"]])}


def _tests(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, str]]:
    """The cells about the difference to images made for one network, by generator and aim."""
    differences = _differences(rows)
    tests = [signed_rank(groups) for groups in differences.values()]
    found = {}
    for (key, groups), test, p in zip(
        differences.items(), tests, holm([one.p for one in tests]), strict=True
    ):
        points = Interval(*(100.0 * value for value in mean_interval(groups)))
        cells = (numbers.signed(points, 1), f"{test.rank_biserial:.2f}", numbers.p_value(float(p)))
        found[key] = dict(zip(NOT_TESTED, cells, strict=True))
    return found


def _names(rows: Sequence[Row]) -> dict[str, str]:
    aim = AIMS[rows[0]["aim"]].format(others=len(rows[0]["others"]))
    return {"images": SHORT_NAMES[rows[0]["generator"]], "made for": aim}


def _line(rows: Sequence[Row]) -> dict[str, str]:
    return {
        **_names(rows),
        "fool theirs": numbers.shares(share_interval(_by_left_out(rows, _theirs))),
        "fool the one left out": numbers.shares(share_interval(_by_left_out(rows, _rate))),
        "its median log-odds": numbers.signed(mean_interval(_by_left_out(rows, _log_odds)), 1),
    }


def _by_left_out(rows: Sequence[Row], figure: Callable[[Row], float]) -> list[list[float]]:
    """A number of every run, by the network that was left out."""
    return [list(map(figure, group)) for group in group_by(rows, "left_out").values()]


def _theirs(row: Row) -> float:
    """The share of images that fool all networks they were made for, over the sets of the row."""
    return float(np.mean(row["fool_theirs"]))


def _log_odds(row: Row) -> float:
    """The median log-odds that the network that was left out gives the images, over the sets of the row."""
    return float(np.mean([np.median(seen["own"]) for seen in row["seen"]]))


def _rate(row: Row) -> float:
    """The share of images that fool the network that was left out, over the sets of the row."""
    return float(np.mean([seen["same"]["raw"][LEVEL] for seen in row["seen"]]))


def _differences(rows: Sequence[Row]) -> dict[tuple[str, str], list[list[float]]]:
    """By generator and aim, for each network that was left out the differences of its runs to one network."""
    rates: dict[tuple[str, str], Mapping[tuple[str, int], float]] = {
        key: {(row["left_out"], row["run"]): _rate(row) for row in group}
        for key, group in group_by(rows, "generator", "aim").items()
    }
    found = {}
    for (generator, aim), own in rates.items():
        if aim != "log_odds" and (groups := paired(own, rates.get((generator, "log_odds"), {}))):
            found[generator, aim] = groups
    return found


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      For each generator and aim `GENERATOR_AIM_fools`: the share of images that fool the network that was
      left out, and `GENERATOR_AIM_theirs`: all networks that they were made for. For the aims `least` and
      `mean` also `GENERATOR_AIM_more`: how much more often a network that was left out is fooled than by
      images made for one network with the same budget, a difference of shares.
    """
    found = {}
    for (generator, aim), sample in group_by(rows, "generator", "aim").items():
        said = describe_sample(len(sample), len(group_by(sample, "left_out")))
        for name, figure in {"fools": _rate, "theirs": _theirs}.items():
            found[f"{generator}_{aim}_{name}"] = share(_by_left_out(sample, figure), said)
    for (generator, aim), groups in _differences(rows).items():
        value = mean_interval(groups)
        of_runs = describe_sample(sum(map(len, groups)), len(groups))
        found[f"{generator}_{aim}_more"] = Finding(value, numbers.signed(value), of_runs)
    return found
