"""Tables, figures and findings of `experiments.detectors`, from its rows alone."""

from collections.abc import Sequence

import numpy as np

from fooljax.analysis.statistics import Groups, Interval, median_interval, share_interval
from fooljax.report.data_titles import data_title
from fooljax.report.detector_figures import dumbbell_plot
from fooljax.report.detector_overview import ATTACKS, HEAD, overview
from fooljax.report.detector_rows import (
    LENIENT,
    STRICT,
    detector_title,
    detectors_of,
    first_budget,
    image_title,
    is_other_data,
    kinds_of,
    knowing_share,
    mean_share,
    network_passes,
    of_kind,
    short_title,
    static_share,
)
from fooljax.study import UNIT, Row, group_by, markdown, numbers, values_by_network
from fooljax.study.findings import Finding, describe_sample, share
from fooljax.study.measured_sets import ARCHIVE

OTHERS = "others"
FINDINGS = (*ATTACKS, ARCHIVE, OTHERS)
"""Kinds of images that findings are named after."""
TOLD_APART = {"auroc": "auroc", "caught": "caught", "matched": "fpr_at_95_tpr_clean_positive"}
"""Measures of images that know nothing: the name in findings, and that in rows."""
NOBODY = "no detector"
INTERVALS = "Shares that get through, with intervals, and network passes"
JUDGED = "What judges say of the images that get through"
STATIC = "All images made without knowledge of the detectors"
CLEAN = "Other clean images that are rejected"
SECTIONS = (INTERVALS, JUDGED, STATIC, CLEAN)
"""Heads of sections that a page may fold."""
FIRST = """\
**AUROC**: the chance that an image, made without knowledge of the detector, is more suspicious to it than a
clean image; 0.5 is chance. Every number is a mean over networks and runs."""
SECOND = """\
The shares of the first table with their intervals, at thresholds that reject 5 % or 1 % of clean images.
Adaptive attacks know the threshold for 5 %. **Passes**: the network passes until half of
the classes had got through; `>` means that the median run had used all its passes before that. ODIN asks the
network again, so a look at an image takes four passes with it, and a gradient six. These are counted here,
but an attack on ODIN was allowed as many looks as the others."""
THIRD = """\
AUPR is the average precision when both kinds of images have the same weight. FPR is taken at 95 % TPR. The
head of a column says which images are the positive class. If these are the clean images, FPR is the share of
the other images that pass when 95 % of clean images pass."""
JUDGES = """\
The share of the images that get through to which a judge gives the class that they were made for, with
whatever confidence. Without a detector, all images that fool the network get through. If judges give this
class to a larger share than without a detector, the detector has made the images look more like their class,
or the judges are fooled, too."""


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      For each detector NAME and each kind of images KIND (cppn, gradient, direct, archive for those of a
      finished run, and others for those of other data), of the first data set of the rows:
      `NAME_KIND_auroc` and `NAME_KIND_caught` of images that know nothing, and `NAME_KIND_matched`, the share
      of them that pass where exactly 5 % of the clean images are rejected; `NAME_KIND_through`, of images
      that know the detector, the share that fool and pass at 5 % clean rejection, and
      `NAME_KIND_named_by_JUDGE`: the share of those that the judge gives the class that they are for. The
      same with `none` for NAME: of images that fool the network where there is no detector.
      `none_KIND_fools`: the share of images that know nothing and fool the network.
    """
    found: dict[str, Finding] = {}
    if not rows:
        return found
    data = rows[0]["data"]
    some = [row for row in rows if row["data"] == data]
    static = [
        {**row, "generator": OTHERS} if is_other_data(row["generator"]) else row
        for row in of_kind(some, "static")
    ]
    for (kind,), group in group_by(static, "generator").items():
        if kind in FINDINGS:
            fools = values_by_network(group, "fooled")
            said = describe_sample(sum(map(len, fools)), len(fools))
            found[f"none_{kind}_fools"] = share(fools, said)
        for name in detectors_of(group) if kind in FINDINGS else ():
            for said, figure in TOLD_APART.items():
                groups = static_share(group, name, figure)
                runs = sum(map(len, groups))
                found[f"{name}_{kind}_{said}"] = share(groups, describe_sample(runs, len(groups)))
    for (name, kind), group in group_by(
        first_budget(of_kind(some, "knowing")), "detector", "generator"
    ).items():
        groups = knowing_share(group, "through")
        found[f"{name}_{kind}_through"] = share(groups, describe_sample(len(group), len(groups)))
    with_judges = [*of_kind(some, "judged"), *first_budget(of_kind(some, "knowing"))]
    named = [{"detector": "none", **row} for row in with_judges]
    for (name, kind), group in group_by(named, "detector", "generator").items():
        for judge in group[0]["judged"]:
            verdicts = [[row["judged"][judge] for row in own] for own in group_by(group, "network").values()]
            groups = [[float(np.mean(each)) for each in own if each] for own in verdicts]
            if all(groups):
                images = sum(len(each) for own in verdicts for each in own)
                said = f"{images} images on {len(groups)} network{'s' if len(groups) > 1 else ''}"
                found[f"{name}_{kind}_named_by_{judge}"] = share(groups, said)
    return found


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: what gets through; then for each data set AUROCs, intervals, judges and controls."""
    data = {name: group for (name,), group in group_by(rows, "data").items() if of_kind(group, "static")}
    if not data:
        return "No images yet.\n"
    parts = [f"### {HEAD}\n", overview(data), ""]
    for name, group in data.items():
        static, knowing = of_kind(group, "static"), of_kind(group, "knowing")
        names = detectors_of(group)
        networks = ", ".join(network for (network,) in group_by(static, "network"))
        parts += [f"### {data_title(name)}: {networks}\n", FIRST, "", markdown(_first(static, names)), ""]
        if knowing:
            parts += [
                f"#### {INTERVALS}\n",
                SECOND,
                "",
                markdown(_second(static, knowing, names)),
                "",
                UNIT,
                "",
            ]
            if lines := _judges([*of_kind(group, "judged"), *knowing]):
                parts += [f"#### {JUDGED}\n", JUDGES, "", markdown(lines), ""]
        parts += [f"#### {STATIC}\n", THIRD, "", markdown(_third(static, names)), ""]
        if clean := of_kind(group, "clean"):
            parts += [f"#### {CLEAN}\n", markdown(_clean(clean, names)), ""]
    return "\n".join(parts)


def _first(static: Sequence[Row], names: Sequence[str]) -> list[dict[str, str]]:
    """AUROCs: a line for each kind of images, a column for each detector."""
    lines = []
    for kind in kinds_of(static):
        group = [row for row in static if row["generator"] == kind]
        told = {detector_title(name): _chance(static_share(group, name, "auroc")) for name in names}
        lines.append({"AUROC": short_title(kind), **told})
    return lines


def _chance(groups: Groups) -> str:
    mean = mean_share(groups)
    return numbers.NONE if mean is None else numbers.chance(mean)


def _second(static: Sequence[Row], knowing: Sequence[Row], names: Sequence[str]) -> list[dict[str, str]]:
    """What gets through, with intervals: static images, and those of adaptive attacks."""
    lines = []
    known = group_by(first_budget(knowing), "detector", "generator")
    for name, kind in ((name, kind) for name in names for kind in kinds_of(knowing)):
        if (group := known.get((name, kind))) is None:
            continue
        unaware = [row for row in static if row["generator"] == kind]
        line = {"detector": detector_title(name), "images": image_title(kind)}
        for head, which in (("5 %", STRICT), ("1 %", LENIENT)):
            line[f"static, {head}"] = _shares(static_share(unaware, name, "through", which))
        for head, which in (("5 %", STRICT), ("1 %", LENIENT)):
            line[f"adaptive, {head}"] = _shares(knowing_share(group, "through", which))
        line["passes without a detector"] = _passes(unaware)
        line["passes, adaptive"] = _passes(group, network_passes(name, kind))
        lines.append(line)
    return lines


def _shares(groups: Groups) -> str:
    return numbers.shares(share_interval(groups)) if groups else numbers.NONE


def _passes(rows: Sequence[Row], times: int = 1) -> str:
    """The passes that it took, of an attack that counts every `times` passes as one."""
    if not rows or all(row["passes_of_classes"] is None for row in rows):
        return numbers.NONE
    groups = values_by_network(rows, "passes_to_median", missing=np.inf)
    needed = Interval(*(times * passes for passes in median_interval(groups)))
    return numbers.needed(needed, times * rows[0]["budget"])


def _judges(knowing: Sequence[Row]) -> list[dict[str, str]]:
    rows = [{"detector": NOBODY, **row} for row in first_budget(knowing)]
    judges = list(dict.fromkeys(judge for row in rows for judge in row["judged"]))
    if not judges:
        return []
    lines = []
    for (name,), group in group_by(rows, "detector").items():
        line = {"detector": name if name == NOBODY else detector_title(name)}
        for kind in kinds_of(rows):
            for judge in judges:
                verdicts = [row["judged"][judge] for row in group if row["generator"] == kind]
                said = [one for each in verdicts for one in each]
                line[f"{short_title(kind)}: {judge}"] = (
                    f"{sum(said)} of {len(said)}" if said else numbers.NONE
                )
        lines.append(line)
    return lines


def _third(static: Sequence[Row], names: Sequence[str]) -> list[dict[str, str]]:
    heads = {
        "aupr_others_positive": "AUPR (these positive)",
        "aupr_clean_positive": "AUPR (clean positive)",
        "fpr_at_95_tpr_others_positive": "FPR (these positive)",
        "fpr_at_95_tpr_clean_positive": "FPR (clean positive)",
    }
    lines = []
    for name in names:
        there = [row for row in static if name in row["told_apart"]]
        for kind in kinds_of(there):
            group = [row for row in there if row["generator"] == kind]
            line = {"detector": detector_title(name), "images": image_title(kind)}
            for figure, head in heads.items():
                line[head] = _chance(static_share(group, name, figure))
            for head, which in (("caught at 5 %", STRICT), ("caught at 1 %", LENIENT)):
                line[head] = numbers.percent(mean_share(static_share(group, name, "caught", which)), 0)
            lines.append(line)
    return lines


def _clean(clean: Sequence[Row], names: Sequence[str]) -> list[dict[str, str]]:
    lines = []
    for name in names:
        line = {"detector": detector_title(name)}
        for head, which in (("threshold for 5 %", STRICT), ("threshold for 1 %", LENIENT)):
            rejected = [row["clean_rejected"][name][which] for row in clean if name in row["clean_rejected"]]
            ends = (float(np.mean(rejected)), min(rejected), max(rejected))
            middle, least, most = (numbers.percent(share, 2) for share in ends)
            line[head] = f"{middle} ({least} to {most})"
        lines.append(line)
    return lines


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """For each data set what gets through each detector: without knowing it, and knowing it."""
    drawn = {}
    for (data,), group in group_by(rows, "data").items():
        static, knowing = of_kind(group, "static"), first_budget(of_kind(group, "knowing"))
        if not static or not knowing:
            continue
        known, names = group_by(knowing, "detector", "generator"), detectors_of(group)
        panels = {}
        for kind in filter(ATTACKS.__contains__, kinds_of(knowing)):
            unaware = [row for row in static if row["generator"] == kind]
            panels[image_title(kind)] = {
                detector_title(name): (
                    mean_share(static_share(unaware, name, "through")),
                    mean_share(knowing_share(known.get((name, kind), []), "through")),
                )
                for name in names
            }
        drawn[f"through-{data}.png"] = dumbbell_plot(panels, [detector_title(name) for name in names])
    return drawn
