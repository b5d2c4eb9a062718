"""Tables and figures of `experiments.run_diversity`, from its rows alone."""

import base64
from collections.abc import Mapping, Sequence

import numpy as np

from fooljax.analysis.correlations import mean_correlation
from fooljax.analysis.descent import descent_of
from fooljax.analysis.statistics import Interval, mean_interval
from fooljax.report.data_titles import data_title
from fooljax.report.descent import family_trees
from fooljax.report.dots import strips
from fooljax.report.grid import gallery
from fooljax.report.png import png_bytes
from fooljax.study import Row, group_by, markdown
from fooljax.study import numbers as written
from fooljax.study.findings import Finding, share
from fooljax.study.generators import EXPLANATIONS
from fooljax.study.images import images_of
from fooljax.study.measured_sets import THREAT
from fooljax.study.tables import speaks_for
from fooljax.study.thresholds_reached import threshold_cells, threshold_words

KINDS = {
    "same_class": "one class, two runs",
    "same_run": "two classes, one run",
    "apart": "two classes, two runs",
}
BY_RUN = "a row for each run, a column for each class"
LONG = 12
"""Letters of a class's name, above which it has no room over a column."""
SPACES = {"pixels": "pixels", "features": "features of another network"}
NAMES = {**EXPLANATIONS, "clean": "clean images"}
WORDS = """\
Median distances between two images of a network, in units of the median distance between clean images of
different classes. **Closer**: the chance that two images of one class from two runs are more alike than two
images of different classes from one run; for clean images, than any two of different classes. At 0.5 an image
does not show its class. At 1 images of one class are always more alike. **Less clean images**: the difference
to clean images of the same network. {units} Networks: {networks}; runs on each: {runs}; clean images:
{clean}."""
OF_ONE = "There is one network, so no line has an interval."
OF_SEVERAL = """\
A network is one observation, and brackets are 95 % intervals{whom} With so few networks no test can give a
small p, so no p is shown."""
FAMILIES = """\
The chance that the images of two related classes of one run are more alike than the images of two classes
that are not related; the mean over runs. At 0.5 related classes have no more in common than others. Classes
are related if they belong to one group of ImageNet, such as dogs. Brackets are 95 % t-intervals over
networks."""
ANCESTORS = """\
Two elites share ancestors: the table gives the number of common ancestors, as a share of the shorter of the
two lines of ancestors, averaged over the pairs of classes of each run. It also gives Spearman's rank
correlation of this share with how alike the two elites are in the features of another network, and with how
much the network raises the two classes together in clean images. All are means over runs and networks, with
t-intervals over networks."""


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: distances in pixels and in features, ancestors, thresholds."""
    clean = {row["network"]: row for row in rows if row["images"] == "clean"}
    found = [row for row in rows if row["images"] != "clean"]
    if not found:
        return "No kind of image is measured yet.\n"
    data = ", ".join(sorted({data_title(row["clean_data"]) for row in clean.values()}))
    networks = list(clean) or sorted({row["network"] for row in found})
    units = OF_ONE if len(networks) == 1 else OF_SEVERAL.format(whom=speaks_for(networks))
    words = WORDS.format(networks=len(networks), runs=found[0]["runs"], clean=data, units=units)
    parts = [THREAT, "", words, ""]
    for space, name in SPACES.items():
        parts += [f"### Distances in {name}\n", markdown(_distances(rows, clean, space)), ""]
    if any(_families(rows, space) for space in SPACES):
        parts += ["### Related classes\n", FAMILIES, "", markdown(_related(rows)), ""]
    if any("shared" in row for row in found):
        parts += ["### Ancestors in common\n", ANCESTORS, "", markdown(_ancestors(found)), ""]
    lines = [
        {"images": NAMES[kind], **threshold_cells(_runs(group))}
        for (kind,), group in group_by(found, "images").items()
    ]
    words = threshold_words(speaks_for(networks))
    return "\n".join([*parts, "### Thresholds\n", words, "", markdown(lines), ""])


def _runs(rows: Sequence[Row]) -> list[Row]:
    """The shares of each run, as rows of their own."""
    return [{"network": row["network"], "shares": shares} for row in rows for shares in row["shares"]]


def _distances(rows: Sequence[Row], clean: Mapping[str, Row], space: str) -> list[dict[str, str]]:
    lines = []
    for (kind,), group in group_by(rows, "images").items():
        line = {"images": NAMES[kind]}
        for pair, name in KINDS.items():
            scaled = [] if (kind, pair) == ("clean", "same_run") else _scaled(group, clean, space, pair)
            line[name] = written.signed(_length(scaled)) if scaled else written.NONE
        line["closer"] = _mean(_closer(group, space))
        line["less clean images"] = _mean([] if kind == "clean" else _less(group, clean, space))
        lines.append(line)
    return lines


def _scaled(
    rows: Sequence[Row], clean: Mapping[str, Row], space: str, pair: str, unit: str = "apart"
) -> list[list[float]]:
    """For each network a median distance, in units of one between its clean images.

    Where there is one clean image of each class, all its pairs are of two classes.
    """
    units = {name: row[space] for name, row in clean.items()}
    lengths = {
        name: one[unit] or (one["same_run"] if unit == "apart" else None) for name, one in units.items()
    }
    pairs = [(row[space][pair], lengths[row["network"]]) for row in rows]
    return [[value / length] for value, length in pairs if value is not None and length is not None]


def _closer(rows: Sequence[Row], space: str) -> list[list[float]]:
    """For each network how often two images of one class are more alike than two of different classes."""
    values = [row[space]["closer_apart" if row["images"] == "clean" else "closer"] for row in rows]
    return [[value] for value in values if value is not None]


def _less(rows: Sequence[Row], clean: Mapping[str, Row], space: str) -> list[list[float]]:
    """The same, less that of the network's clean images."""
    pairs = [(_closer([row], space), _closer([clean[row["network"]]], space)) for row in rows]
    return [[ours[0][0] - theirs[0][0]] for ours, theirs in pairs if ours and theirs]


def _families(rows: Sequence[Row], space: str) -> list[list[float]]:
    """For each network how often two related classes are more alike than two others, where it is known."""
    values = [row[space].get("families") for row in rows]
    return [[value] for value in values if value is not None]


def _related(rows: Sequence[Row]) -> list[dict[str, str]]:
    return [
        {"images": NAMES[kind], **{name: _mean(_families(group, space)) for space, name in SPACES.items()}}
        for (kind,), group in group_by(rows, "images").items()
    ]


def _length(groups: Sequence[Sequence[float]]) -> Interval:
    """The mean distance over networks; its interval is cut at 0, since no distance is less."""
    middle, low, high = mean_interval(groups)
    return Interval(middle, low if np.isinf(low) else max(low, 0.0), high)


def _mean(groups: Sequence[Sequence[float]]) -> str:
    return written.signed(mean_interval(groups)) if groups else written.NONE


def _ancestors(rows: Sequence[Row]) -> list[dict[str, str]]:
    lines = []
    for (kind,), group in group_by([row for row in rows if "shared" in row], "images").items():
        line = {"images": NAMES[kind], "ancestors in common": _mean([row["shared"] for row in group])}
        for figure, name in (
            ("shared_distance", "correlation with being alike"),
            ("shared_related", "correlation with being raised together"),
        ):
            groups = _known_groups(group, figure)
            line[name] = written.signed(mean_correlation(groups)) if groups else written.NONE
        lines.append(line)
    return lines


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against.

    Args:
      rows: of the study.
    Returns:
      For each kind of image KIND: `KIND_pixels` and `KIND_features`, how often two images of one class from
      two runs are more alike than two of different classes; the same with `_less`, less that of clean images;
      with `_distance`, the median distance of two images of one class, in units of that of clean ones;
      `KIND_families_pixels` and so on, how often related classes of a run are more alike than others; and
      `KIND_share_999`, the share of images at 99.9 %. For those with ancestors `KIND_related`, the rank
      correlation of ancestors in common with how much the network raises two classes together.
    """
    clean = {row["network"]: row for row in rows if row["images"] == "clean"}
    found = {}
    for (kind,), group in group_by([row for row in rows if row["images"] != "clean"], "images").items():
        where = f"each of {len(group)} networks" if len(group) > 1 else "one network"
        units = f"{group[0]['runs']} runs on {where}"
        for space in SPACES:
            apart = _scaled(group, clean, space, "same_class", "same_class")
            for name, groups in (
                (f"{space}", _closer(group, space)),
                (f"{space}_less", _less(group, clean, space)),
                (f"families_{space}", _families(group, space)),
            ):
                if groups:
                    found[f"{kind}_{name}"] = Finding(mean_interval(groups), _mean(groups), units)
            if apart:
                length = _length(apart)
                found[f"{kind}_{space}_distance"] = Finding(length, written.signed(length), units)
        runs = group_by(_runs(group), "network").values()
        levels = [[row["shares"]["raw"]["0.999"] for row in some] for some in runs]
        found[f"{kind}_share_999"] = share(levels, units)
        if groups := _known_groups(group, "shared_related"):
            rho = mean_correlation(groups)
            found[f"{kind}_related"] = Finding(rho, written.signed(rho), units)
    return found


def _known_groups(rows: Sequence[Row], figure: str) -> list[list[float]]:
    """For each network the correlations of its runs; those that cannot be told are left out."""
    groups = [[value for value in row.get(figure, ()) if value is not None] for row in rows]
    return [group for group in groups if group]


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """The elites of the first network by run and class, their family trees, and distances of each kind."""
    pictures = {}
    clean = {row["network"]: row for row in rows if row["images"] == "clean"}
    for row in reversed(rows):  # of several networks the first is shown
        if "sheet" in row:
            runs, classes, *shape = row["sheet_shape"]
            odds = np.asarray(row["log_odds"])[:, :classes]
            flat = images_of(base64.b64decode(row["sheet"]), (runs * classes, *shape))
            images = flat.reshape(runs, classes, *shape)
            names, run_names = row.get("sheet_names"), [f"run {run}" for run in range(runs)]
            # Few classes make a narrow, high sheet, and long names would be cut above columns.
            across = names is not None and (classes < runs or max(map(len, names)) > LONG)
            sides = "a row for each class, a column for each run" if across else BY_RUN
            notes = [f"{NAMES[row['images']]}: {sides}, {row['network']}"]
            pictures[f"elites-{row['images']}.png"] = png_bytes(
                gallery(images.swapaxes(0, 1), odds.T, run_names, row_names=names, notes=notes)
                if across
                else gallery(images, odds, names, notes=notes)
            )
            if any(descent_of(lines).forks for lines in row.get("lines", ())):
                title = f"Common ancestors: {NAMES[row['images']]}, {row['network']}"
                called = names or list(map(str, range(classes)))
                pictures[f"ancestors-{row['images']}.png"] = family_trees(
                    images, odds, row["lines"], called, title=title
                )
    for space, name in SPACES.items():
        groups = {}
        for (kind,), group in group_by(rows, "images").items():
            for pair in ("same_class", "apart") if kind == "clean" else ("same_class", "same_run"):
                label = "two classes" if kind == "clean" and pair == "apart" else KINDS[pair]
                label = "one class" if kind == "clean" and pair == "same_class" else label
                if scaled := _scaled(group, clean, space, pair):
                    groups[f"{SHORT.get(kind, kind)}: {label}"] = [value for (value,) in scaled]
        value = f"median distance in {name} (1: clean images of two classes); a dot for each network"
        colours = [int("two classes" in label) for label in groups]
        pictures[f"distances-{space}.png"] = strips(groups, value=value, colours=colours)
    return pictures


SHORT = {
    "direct": "evolved pixels",
    "cppn": "evolved CPPNs",
    "cppn_paper": "the paper's CPPNs",
    "random_search_cppn_paper": "best of random CPPNs",
    "random_cppn_paper": "random CPPNs",
    "gradient": "gradient ascent",
    "random_search_direct": "best of random pixels",
    "random_search_cppn": "best of random CPPNs",
    "random_cppn": "random CPPNs",
    "uniform_noise": "uniform noise",
    "gaussian_noise": "Gaussian noise",
}
"""Short names for figures."""
