"""Tables and figures of `experiments.run_diversity`, from its rows alone."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fooljax.analysis.comparisons import holm, signed_rank
from fooljax.analysis.correlations import mean_correlation
from fooljax.analysis.statistics import mean_interval
from fooljax.report.dots import strips
from fooljax.report.grid import gallery
from fooljax.report.png import png_bytes
from fooljax.study import Row, alike, markdown
from fooljax.study import numbers as written
from fooljax.study.generators import EXPLANATIONS
from fooljax.study.images import images_of
from fooljax.study.thresholds_reached import THRESHOLDS, threshold_cells

KINDS = {
    "same_class": "one class, two runs",
    "same_run": "two classes, one run",
    "apart": "two classes, two runs",
}
SPACES = {"pixels": "pixels", "features": "features of another network"}
NAMES = {**EXPLANATIONS, "clean": "clean images"}
WORDS = """\
Median distances between two images of a network, in units of the median distance between clean images of
different classes. **Closer**: the chance that two images of one class from two runs are more alike than two
images of different classes (of one run; of clean images any two). 0.5: an image does not show its class. 1:
images of one class are always more alike. **Less than clean**: the difference to clean images, and
Wilcoxon's p over the networks, two-sided, corrected by Holm over the table. A network is one observation, and
the brackets are intervals of 95 % for further networks that are trained alike. Networks: {networks}; runs
on each: {runs}; clean images: {clean}."""
ANCESTORS = """\
Over the pairs of classes of each run: the mean share of the ancestors of the shorter line that two elites
have in common; and Spearman's rank correlation of this share with how alike the two elites are in the
features of another network, and with how much the network raises the two classes together in clean images.
Means over runs and networks, with t-intervals over networks."""


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: distances in pixels and in features, ancestors, thresholds."""
    clean = {row["network"]: row for row in rows if row["images"] == "clean"}
    found = [row for row in rows if row["images"] != "clean"]
    if not found:
        return "No kind of image is measured yet.\n"
    data = ", ".join(sorted({row["clean_data"] for row in clean.values()}))
    words = WORDS.format(networks=len(clean), runs=found[0]["runs"], clean=data)
    parts = [words, ""]
    for space, name in SPACES.items():
        parts += [f"### Distances in {name}\n", markdown(_distances(rows, clean, space)), ""]
    if any("shared" in row for row in found):
        parts += ["### Ancestors in common\n", ANCESTORS, "", markdown(_ancestors(found)), ""]
    lines = [{"images": NAMES[kind], **threshold_cells(of)} for (kind,), of in alike(found, "images").items()]
    return "\n".join([*parts, "### Thresholds\n", THRESHOLDS, "", markdown(lines), ""])


def _distances(rows: Sequence[Row], clean: Mapping[str, Row], space: str) -> list[dict[str, str]]:
    tests, lines = {}, []
    for (kind,), of in alike(rows, "images").items():
        if kind != "clean":
            less = [[row[space]["closer"] - _clean_closer(clean, row, space)] for row in of]
            tests[kind] = (mean_interval(less), signed_rank(less))
    corrected = dict(zip(tests, holm([test.p for _, test in tests.values()]), strict=True))
    for (kind,), of in alike(rows, "images").items():
        line = {"images": NAMES[kind]}
        for pair, name in KINDS.items():
            scaled = [[row[space][pair] / clean[row["network"]][space]["apart"]] for row in of]
            line[name] = written.NONE if kind == "clean" and pair == "same_run" else _mean(scaled)
        of_clean = kind == "clean"
        line["closer"] = _mean([[row[space]["closer_apart" if of_clean else "closer"]] for row in of])
        line["less than clean"] = (
            written.NONE
            if of_clean
            else f"{written.signed(tests[kind][0])}, p {written.p_value(corrected[kind])}"
        )
        lines.append(line)
    return lines


def _clean_closer(clean: Mapping[str, Row], row: Row, space: str) -> float:
    return float(clean[row["network"]][space]["closer_apart"])


def _mean(groups: Sequence[Sequence[float]]) -> str:
    return written.signed(mean_interval(groups))


def _ancestors(rows: Sequence[Row]) -> list[dict[str, str]]:
    lines = []
    for (kind,), of in alike([row for row in rows if "shared" in row], "images").items():
        line = {"images": NAMES[kind], "ancestors in common": _mean([row["shared"] for row in of])}
        for figure, name in (
            ("shared_distance", "correlation with being alike"),
            ("shared_related", "correlation with being raised together"),
        ):
            told = [[value for value in row[figure] if value is not None] for row in of]
            groups = [group for group in told if group]
            line[name] = written.signed(mean_correlation(groups)) if groups else written.NONE
        lines.append(line)
    return lines


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """The elites of the first network by run and class, and the distances of each kind of image."""
    pictures = {}
    clean = {row["network"]: row for row in rows if row["images"] == "clean"}
    for row in rows:
        if "sheet" in row:
            odds = np.asarray(row["log_odds"])
            shape: Any = (odds.size, *row["image_shape"])
            images = images_of(base64.b64decode(row["sheet"]), shape).reshape(*odds.shape, *shape[1:])
            note = f"{NAMES[row['images']]}: a row for each run, a column for each class, {row['network']}"
            pictures[f"elites-{row['images']}.png"] = png_bytes(gallery(images, odds, notes=[note]))
    for space, name in SPACES.items():
        groups = {}
        for (kind,), of in alike(rows, "images").items():
            for pair in ("same_class", "apart") if kind == "clean" else ("same_class", "same_run"):
                label = "two classes" if kind == "clean" and pair == "apart" else KINDS[pair]
                label = "one class" if kind == "clean" and pair == "same_class" else label
                scaled = [row[space][pair] / clean[row["network"]][space]["apart"] for row in of]
                groups[f"{SHORT.get(kind, kind)}: {label}"] = scaled
        value = f"median distance in {name} (1: clean images of two classes); a dot for each network"
        pictures[f"distances-{space}.png"] = strips(groups, value=value)
    return pictures


SHORT = {
    "direct": "evolved pixels",
    "cppn": "evolved CPPNs",
    "gradient": "gradient ascent",
    "random_search_direct": "best of random pixels",
    "random_search_cppn": "best of random CPPNs",
    "random_cppn": "random CPPNs",
    "uniform_noise": "uniform noise",
    "gaussian_noise": "Gaussian noise",
}
"""Short names for figures."""
