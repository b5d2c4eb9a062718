"""The table and the figure of `experiments.intrinsic_dimension`, from its rows alone."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from fooljax.analysis.statistics import Interval
from fooljax.report.fonts import fit
from fooljax.report.png import png_bytes
from fooljax.report.style import own_style
from fooljax.study import Row, group_by, markdown, numbers
from fooljax.study.findings import Finding
from fooljax.study.generators import EXPLANATIONS
from fooljax.study.measured_sets import THREAT
from fooljax.study.random_pictures import SOURCES

HOW = """\
**How.** "k = 5" and so on: maximum likelihood over so many nearest neighbours (Levina and Bickel 2004,
averaged as by MacKay and Ghahramani 2005). TwoNN: the ratio of the distances to two neighbours (Facco et al.
2017). Of equal images one counts. Brackets are intervals of 95 % for other samples of as many images from the
same source: the spread over halves drawn without replacement, whose variance is that of the whole. They say
nothing of an estimator's bias. All estimators fall short where the dimension is high and points are few, and
the points of known dimension show by how much. So compare sources at one number of images only. Evolved
images of one class are alike, and those of one run share ancestors: theirs is the dimension of a mixture of
clusters."""
TICKS = (3, 5, 10, 20, 50, 100, 200)


def name_of(source: str) -> str:
    """A source in words."""
    kind, _, rest = source.partition("_")
    if kind == "known":
        return f"normal points of dimension {rest} (control)"
    return EXPLANATIONS[rest] if kind == "evolved" else SOURCES[source][1]


def sort_rows(rows: Sequence[Row]) -> list[Row]:
    """Rows by the number of images; then known dimensions, random pictures and evolved images."""
    known = sorted(
        (row["source"] for row in rows if row["source"].startswith("known_")),
        key=lambda source: int(source.removeprefix("known_")),
    )
    names = [*known, *SOURCES, *(f"evolved_{generator}" for generator in EXPLANATIONS)]
    return sorted(rows, key=lambda row: (row["count"], names.index(row["source"])))


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      For each source its dimension by TwoNN, from the largest number of images that it was measured with.
    """
    found = {}
    for (source,), group in group_by(rows, "source").items():
        row = max(group, key=lambda row: row["count"])
        value = Interval(*row["dimension"]["TwoNN"])
        found[str(source)] = Finding(value, _written(value), f"{row['points']:,} images")
    return found


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: the dimension of every source, at each number of images."""
    parts = []
    for (count,), group in group_by(sort_rows(rows), "count").items():
        lines = []
        for row in group:
            line = {"images": name_of(row["source"]), "different": f"{row['points']:,}"}
            for estimator, ends in row["dimension"].items():
                line[estimator] = _written(Interval(*ends))
            lines.append(line)
        parts += [f"### {count:,} images of each source\n", markdown(lines), ""]
    threat = [THREAT, ""] if any(row["source"].startswith("evolved") for row in rows) else []
    return "\n".join([*parts, HOW, "", *threat])


def _written(interval: Interval) -> str:
    middle, low, high = (numbers.plain(one, 1) for one in interval)
    return f"{middle} [{low}, {high}]"


@own_style()
def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """The dimension of each source by each estimator, with intervals; a panel for each number of images."""
    groups = group_by(sort_rows(rows), "count")
    if not groups:
        return {}
    most = max(map(len, groups.values()))
    figure = Figure(figsize=(6.4 * len(groups), 1.6 + 0.42 * most), layout="constrained")
    grid = figure.subplots(1, len(groups), squeeze=False)[0]
    for axes, ((count,), group) in zip(grid, groups.items(), strict=True):
        for number, estimator in enumerate(group[0]["dimension"]):
            found = np.asarray([row["dimension"][estimator] for row in group])
            places = np.arange(len(group)) + 0.15 * (number - 1.5)
            axes.errorbar(
                found[:, 0],
                places,
                xerr=np.abs(found[:, 1:].T - found[:, 0]),
                fmt="o",
                ms=3,
                lw=1,
                label=estimator,
            )
        axes.set_yticks(range(len(group)), [name_of(row["source"]) for row in group], fontsize=8)
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set_xticks(TICKS, [f"{tick}" for tick in TICKS])
        axes.set_xticks([], minor=True)
        axes.set_xlabel(f"intrinsic dimension, from {count:,} images")
        axes.grid(axis="x", which="both", alpha=0.25)
        for text in axes.get_yticklabels():
            fit(text)
    grid[0].legend(fontsize=8)
    return {"dimensions.png": png_bytes(figure)}
