"""Tables, figures and findings of `experiments.detectors`, from its rows alone."""

from collections.abc import Sequence

import numpy as np

from fooljax.analysis.statistics import Groups, median_interval, share_interval
from fooljax.report.detector_figures import dumbbell_plot
from fooljax.report.detector_rows import (
    LENIENT,
    STRICT,
    detector_title,
    first_budget,
    image_title,
    knowing_share,
    of_kind,
    static_share,
    strength_of,
)
from fooljax.study import UNIT, Row, group_by, markdown, numbers, values_by_network
from fooljax.study.findings import Finding, describe_sample, share
from fooljax.study.measured_sets import ARCHIVE

SHORT = {"cppn": "CPPN", "gradient": "gradient", "direct": "pixels", ARCHIVE: "finished search"}
NOBODY = "no detector"
FIRST = """\
**AUROC**: the chance that a fooling image, made without knowledge of the detector, is more suspicious to it
than a clean image; 0.5 is chance. **Caught**: the share of these images that are rejected when 5 % of clean
images are rejected. **Still stopped**: an attack that knows the detector makes images with as many passes;
this is the share of them that do not both fool the network at 99.99 % and pass the detector. The line without
a detector gives the share of images that do not fool the network at this budget anyway. Every number is a
mean over networks and runs. The next table has intervals."""
SECOND = """\
The share of images that get through: they fool the network at 99.99 % and pass the detector, at thresholds
that reject 5 % or 1 % of clean images. **Static** images were made without knowledge of the detector.
**Adaptive** attacks know the detector and its threshold for 5 %. **Passes**: the network passes until half of
the classes had got through; `>` means that the median run had used all its passes before that."""
THIRD = """\
AUPR is the average precision when both kinds of images have the same weight. FPR is taken at 95 % TPR. The
head of a column says which images are the positive class. If these are the clean images, FPR is the share of
the other images that pass when 95 % of clean images pass."""
STRENGTH = """\
A detector is overcome if the median run of some attack that knows it brings the median class to 99.99 % and
past the threshold. A detector that is not overcome is attacked again with more passes, if the settings say
so. A flag names a reason why a detector may hold only because the attack was weak."""
JUDGES = """\
The share of the images that get through to which a judge gives the class that they were made for. Without a
detector, all images that fool the network get through. If judges agree with more images than without a
detector, the detector has made the images look more like their class, or the judges are fooled, too."""


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      For each detector NAME and each kind of images KIND (cppn, gradient, direct, and archive for those of a
      finished run), of the first data set of the rows: `NAME_KIND_auroc` and `NAME_KIND_caught` of images
      that know nothing; `NAME_KIND_through`, of images that know the detector, the share that fool and pass
      at 5 % clean rejection, and `NAME_KIND_named_by_JUDGE`: the share of those that the judge gives the
      class that they are for. The same with `none` for NAME: of images that fool the network where there is
      no detector.
    """
    found: dict[str, Finding] = {}
    if not rows:
        return found
    data = rows[0]["data"]
    some = [row for row in rows if row["data"] == data]
    for (kind,), group in group_by(of_kind(some, "static"), "generator").items():
        for name in group[0]["told_apart"] if kind in SHORT else ():
            for figure in ("auroc", "caught"):
                groups = static_share(group, name, figure)
                found[f"{name}_{kind}_{figure}"] = share(groups, describe_sample(len(group), len(groups)))
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
    """`table.md`: for each data set the one table, then its intervals, controls, judges and flags."""
    parts = []
    for (data,), group in group_by(rows, "data").items():
        static, knowing = of_kind(group, "static"), of_kind(group, "knowing")
        if not static:
            continue
        names = _names(group)
        networks = ", ".join(name for (name,) in group_by(static, "network"))
        parts += [f"### {data}: {networks}\n", FIRST, "", markdown(_first(static, knowing)), ""]
        if knowing:
            parts += [SECOND, "", markdown(_second(static, knowing)), "", UNIT, ""]
            parts += [STRENGTH, "", markdown(_strength(knowing, names)), ""]
            if lines := _judges([*of_kind(group, "judged"), *knowing]):
                parts += [JUDGES, "", markdown(lines), ""]
        parts += [
            "#### All images made without knowledge of the detectors\n",
            THIRD,
            "",
            markdown(_third(static, names)),
            "",
        ]
        if clean := of_kind(group, "clean"):
            parts += ["#### Other clean images that are rejected\n", markdown(_clean(clean, names)), ""]
    return "\n".join(parts) if parts else "No images yet.\n"


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.get("detectors", ())))


def _kinds(rows: Sequence[Row]) -> list[str]:
    there = {row["generator"] for row in rows}
    return [kind for kind in SHORT if kind in there]


def _mean(groups: Groups) -> float:
    return float(np.mean([np.mean(group) for group in groups]))


def _first(static: Sequence[Row], knowing: Sequence[Row]) -> list[dict[str, str]]:
    """The one table: a line for each detector, three columns for each kind of images."""
    known = group_by(first_budget(knowing), "detector", "generator")
    lines = [{"detector": NOBODY}, *({"detector": detector_title(name)} for name in _names(static))]
    for kind in _kinds(static):
        group = [row for row in static if row["generator"] == kind]
        heads = [f"{SHORT[kind]}: {head}" for head in ("AUROC", "caught", "still stopped")]
        fooled = _mean(values_by_network(group, "fooled"))
        lines[0] |= dict(zip(heads, [numbers.NONE, "0 %", _stopped(fooled)], strict=True))
        for line, name in zip(lines[1:], _names(static), strict=True):
            met = known.get((name, kind))
            stopped = numbers.NONE if met is None else _stopped(_mean(knowing_share(met, "through")))
            auroc, caught = (_mean(static_share(group, name, figure)) for figure in ("auroc", "caught"))
            cells = [numbers.chance(auroc), numbers.percent(caught, 0), stopped]
            line |= dict(zip(heads, cells, strict=True))
    return lines


def _stopped(through: float) -> str:
    """What does not get through."""
    return numbers.percent(1.0 - through, 0)


def _second(static: Sequence[Row], knowing: Sequence[Row]) -> list[dict[str, str]]:
    """What gets through, with intervals: static images, and those of adaptive attacks."""
    lines = []
    for (name, kind), group in group_by(first_budget(knowing), "detector", "generator").items():
        unaware = [row for row in static if row["generator"] == kind]
        line = {"detector": detector_title(name), "images": image_title(kind)}
        for head, which in (("5 %", STRICT), ("1 %", LENIENT)):
            line[f"static, {head}"] = _shares(static_share(unaware, name, "through", which))
        for head, which in (("5 %", STRICT), ("1 %", LENIENT)):
            line[f"adaptive, {head}"] = _shares(knowing_share(group, "through", which))
        line["passes without a detector"] = _passes(unaware)
        line["passes, adaptive"] = _passes(group)
        lines.append(line)
    return lines


def _shares(groups: Groups) -> str:
    return numbers.shares(share_interval(groups)) if groups else numbers.NONE


def _passes(rows: Sequence[Row]) -> str:
    if not rows or all(row["passes_of_classes"] is None for row in rows):
        return numbers.NONE
    groups = values_by_network(rows, "passes_to_median", missing=np.inf)
    return numbers.needed(median_interval(groups), rows[0]["budget"])


def _strength(knowing: Sequence[Row], names: Sequence[str]) -> list[dict[str, str]]:
    lines = []
    for name in names:
        group = [row for row in knowing if row["detector"] == name]
        if group:
            attempts = group_by(group, "generator", "budget").values()
            best = max(_mean(knowing_share(own, "through")) for own in attempts)
            lines.append(
                {
                    "detector": detector_title(name),
                    "attacks that know it": strength_of(group).words(),
                    "most that gets through": numbers.percent(best, 0),
                    "most passes of a set": numbers.plain(max(row["passes"] for row in group)),
                }
            )
    return lines


def _judges(knowing: Sequence[Row]) -> list[dict[str, str]]:
    rows = [{"detector": NOBODY, **row} for row in first_budget(knowing)]
    judges = list(dict.fromkeys(judge for row in rows for judge in row["judged"]))
    lines = []
    for (name,), group in group_by(rows, "detector").items():
        line = {"detector": name if name == NOBODY else detector_title(name)}
        for kind in _kinds(rows):
            for judge in judges:
                verdicts = [row["judged"][judge] for row in group if row["generator"] == kind]
                said = [one for each in verdicts for one in each]
                line[f"{SHORT[kind]}: {judge}"] = f"{sum(said)} of {len(said)}" if said else numbers.NONE
        lines.append(line)
    return lines


def _third(static: Sequence[Row], names: Sequence[str]) -> list[dict[str, str]]:
    heads = {
        "auroc": "AUROC",
        "aupr_others_positive": "AUPR (these positive)",
        "aupr_clean_positive": "AUPR (clean positive)",
        "fpr_at_95_tpr_others_positive": "FPR (these positive)",
        "fpr_at_95_tpr_clean_positive": "FPR (clean positive)",
    }
    lines = []
    for name in names:
        for (kind,), group in group_by(static, "generator").items():
            line = {"detector": detector_title(name), "images": image_title(kind)}
            for figure, head in heads.items():
                line[head] = numbers.chance(_mean(static_share(group, name, figure)))
            line["caught at 5 %"] = numbers.percent(_mean(static_share(group, name, "caught")), 0)
            line["caught at 1 %"] = numbers.percent(_mean(static_share(group, name, "caught", LENIENT)), 0)
            lines.append(line)
    return lines


def _clean(clean: Sequence[Row], names: Sequence[str]) -> list[dict[str, str]]:
    lines = []
    for name in names:
        line = {"detector": detector_title(name)}
        for head, which in (("threshold for 5 %", STRICT), ("threshold for 1 %", LENIENT)):
            rejected = [row["clean_rejected"][name][which] for row in clean]
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
        known, names = group_by(knowing, "detector", "generator"), _names(group)
        panels = {}
        for kind in _kinds(knowing):
            unaware = [row for row in static if row["generator"] == kind]
            panels[image_title(kind)] = {
                detector_title(name): (
                    _mean(static_share(unaware, name, "through")),
                    _mean(knowing_share(known[name, kind], "through")) if (name, kind) in known else None,
                )
                for name in names
            }
        drawn[f"through-{data}.png"] = dumbbell_plot(panels, [detector_title(name) for name in names])
    return drawn
