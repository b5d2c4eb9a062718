"""Tables and figures of `experiments.transfer`, from its rows alone."""

from collections.abc import Sequence

import numpy as np

from fooljax.analysis.comparisons import holm, signed_rank
from fooljax.analysis.panel import family_of_name
from fooljax.analysis.statistics import Groups, Interval, mean_interval, share_interval
from fooljax.analysis.transfer import (
    RELATIONS,
    Seen,
    agreement,
    matched_rate_difference,
    mean_known,
    mean_shares,
    named_first,
    paired,
    transfer_rate,
)
from fooljax.report.transfer_alike import named_alike
from fooljax.report.transfer_rows import (
    EDGES,
    LEVEL,
    NAMES,
    Pairs,
    answers_of_targets,
    grouped,
    independent_sources,
    kinds_of_images,
    matrices_of,
    network_pairs,
    other_kind,
    other_networks,
    own_and_other,
    own_only,
    related,
    rows_of_sets,
    with_largest_budget,
)
from fooljax.study import Row, group_by, markdown, numbers
from fooljax.study.findings import Finding, describe_sample, share
from fooljax.study.measured_sets import ARCHIVE, CLEAN, THREAT
from fooljax.study.tables import speaks_for, values_by_network
from fooljax.study.thresholds_reached import threshold_cells, threshold_words

WORDS = """\
**Same name**: the share of all images of a set to which the network also gives the class that they were made
for, with at least this confidence. **Named first**: the same with any confidence. **Any name**: the share of
images in which some class reaches this confidence. **Agreement**: of the images with any name, the share that
has the same name. Log-odds are of the class that an image was made for; the median over a set. An attack sees
only the network that its images are made for, and not the networks that they are shown to."""
OF_ONE = """\
Brackets are 95 % intervals. A unit is a run, so the intervals are for further runs against this network."""
OF_SEVERAL = """\
A unit is a network that images were made for ({networks}), each with {runs} runs. Brackets are 95 %
intervals{whom}"""
TEST = """\
The share of images of the first kind that fool the other networks, too, less the same share of the second
kind, in percentage points. It is the mean over the other networks, then over those that images were made for,
with a t-interval. With equal passes, only images that fool their own network at 99.99 % count, and runs are
paired. With equal confidence, images of all budgets are compared in bins of their log-odds under their own
network, with Mantel-Haenszel weights. With **named first**, those images count whose class the other networks
name first, at whatever confidence, of the largest budgets. Where no network shows a difference, as where no
image of either kind transfers, or every one, nothing is tested. p is from Wilcoxon's test, two-sided and
exact, with Holm's correction over the table; with {pairs} networks it is at least {least:.2g} before the
correction. The effect size is the matched-pairs rank-biserial correlation: it is 1 if the first kind
transfers more for every network. The median log-odds are over all images of all sets, also those that do not
count. So where they are below those of 99.99 %, few images count. The median log-odds of the tables above are
a mean over sets."""
LEARNT = " The LeNets that come with fooljax have learnt from these digits, so their thresholds are too high."


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      `KIND_same_9999`, for each generator: of images with the largest budget, the share to which another
      network of the relation most asked about gives the same name at 99.99 %; `KIND_same_9`: at 90 %,
      `KIND_named_first`: with whatever confidence.
      `KIND_named_first_relatives` and `KIND_named_first_strangers`: the same of networks of the same family
      and of other families, over the networks whose images were shown to both.
      `KIND_own_only`: the share of images that fool their own network at 99.99 % and no other.
      `KIND_less_gradient`: how much more often that kind transfers than gradient ascent at equal confidence,
      a difference of shares.
      `KIND_named_first_beyond_gradient`: how much more often others name the class first, at whatever
      confidence, than of images by gradient ascent; over the networks that both kinds were made for.
      `KIND_named_first_beyond_search`: the same beyond the best of as many random images of the encoding.
      Of finished searches what `named_alike` gives, too.
    """
    images = rows_of_sets(rows)
    units = independent_sources(images)
    own = [row for row in with_largest_budget(images) if row["network"] in units]
    wanted, found = related(other_kind(images)), {}
    for (kind,), group in group_by(own, "generator").items():
        said = describe_sample(len(group), len(group_by(group, "network")))
        for level in (LEVEL, "0.9"):
            same = grouped(group, wanted, lambda row, seen, level=level: seen["same"]["raw"][level])  # type: ignore[misc]
            found[f"{kind}_same_{level[2:]}"] = share(same, said)
        first = grouped(group, wanted, _named_first)
        found[f"{kind}_named_first"] = share(first, said)
        for target, is_it in network_pairs(images).items():
            if target not in RELATIONS:
                same = grouped(group, is_it, lambda row, seen: seen["same"]["raw"][LEVEL])
                found[f"{kind}_same_9999_{target}"] = share(same, said)
                found[f"{kind}_named_first_{target}"] = share(grouped(group, is_it, _named_first), said)
        found |= _relatives(kind, group, wanted)
        found[f"{kind}_own_only"] = share(values_by_network(group, own_only), said)
    for kind in ("cppn", "direct", ARCHIVE):
        theirs = [row for row in images if row["network"] in units]
        pair = [[row for row in theirs if row["generator"] == one] for one in (kind, "gradient")]
        if differences := _matched(*pair):
            found[f"{kind}_less_gradient"] = _difference(differences)
            if further := _named_more_often(kind, "gradient", own, wanted):
                found[f"{kind}_named_first_beyond_gradient"] = _difference(further)
        if further := _named_more_often(kind, f"random_search_{kind}", own, wanted):
            found[f"{kind}_named_first_beyond_search"] = _difference(further)
    return found | named_alike(rows)


def _difference(differences: Groups) -> Finding:
    """A difference of shares, one for each network."""
    value, count = mean_interval(differences), len(differences)
    return Finding(value, numbers.signed(value), "one network" if count == 1 else f"{count} networks")


def _named_more_often(kind: str, than: str, rows: Sequence[Row], wanted: Pairs) -> list[list[float]]:
    """How much more often others name the class of a kind first than that of another kind, by network."""
    differences = []
    for some in group_by(rows, "network").values():
        pair = [
            grouped([row for row in some if row["generator"] == one], wanted, _named_first)
            for one in (kind, than)
        ]
        if all(pair):
            first, second = (float(np.mean(values[0])) for values in pair)
            differences.append([first - second])
    return differences


def _named_first(row: Row, seen: Seen) -> float:
    return named_first(seen, row["aims"])


def _relatives(kind: str, group: Sequence[Row], wanted: Pairs) -> dict[str, Finding]:
    """What relatives name first of the images of networks that have some, and what others name first."""

    def asked(kin: bool) -> Pairs:
        def pairs(source: str, target: str) -> bool:
            return wanted(source, target) and (family_of_name(source) == family_of_name(target)) == kin

        return pairs

    some = [row for row in group if all(answers_of_targets(row, asked(kin)) for kin in (True, False))]
    if not some:
        return {}
    said = describe_sample(len(some), len(group_by(some, "network")))
    return {
        f"{kind}_named_first_{name}": share(grouped(some, asked(kin), _named_first), said)
        for name, kin in (("relatives", True), ("strangers", False))
    }


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: by kind of network, at every threshold, the test, and the whole matrices."""
    images = rows_of_sets(rows)
    if not images:
        return "No images yet.\n"
    units = independent_sources(images)
    own = [row for row in images if row["network"] in units]
    several = OF_SEVERAL.format(networks=", ".join(units), runs=_runs(own), whom=speaks_for(units))
    parts = [THREAT, "", WORDS, "", OF_ONE if len(units) == 1 else several, ""]
    for kind, wanted in network_pairs(images).items():
        parts += [f"### Shown to {kind if kind in RELATIONS else f'the network {kind}'}\n"]
        parts += [markdown([_line(group, wanted, name) for name, group in kinds_of_images(own)]), ""]
    parts += ["### Every threshold\n", threshold_words(speaks_for(units)), ""]
    other = other_kind(images)
    parts += [
        f"Shown to {other}, same name:\n",
        markdown([_at_thresholds(group, other, name) for name, group in kinds_of_images(own)]),
    ]
    if len(units) > 1 and (lines := _specificity(own)):
        parts += ["\n### Are gradient images more network-specific than evolved ones?\n"]
        parts += [TEST.format(pairs=len(units), least=2.0 ** (1 - len(units))), "", markdown(lines), ""]
    parts += [
        "\n### Source by target\n",
        "Same name at 99.99 %; a unit is a run. In round brackets: named first.",
        "",
    ]
    for name, group in matrices_of(images):
        parts += [f"\n{name}:\n", markdown(_matrix(group)), ""]
    return "\n".join([*parts, _networks(rows), ""])


def _runs(rows: Sequence[Row]) -> str:
    """How many runs there are of a network and kind of images: "5", or "1 to 5"."""
    kinds = group_by([row for row in rows if row["generator"] != CLEAN], "generator", "budget", "network")
    counts = [len(kind) for kind in kinds.values()]
    return " to ".join(map(str, sorted({min(counts), max(counts)})))


def _line(rows: Sequence[Row], wanted: Pairs, name: str) -> dict[str, str]:
    same = share_interval(grouped(rows, wanted, lambda row, seen: seen["same"]["raw"][LEVEL]))
    first = share_interval(grouped(rows, wanted, _named_first))
    any_name = share_interval(grouped(rows, wanted, lambda row, seen: seen["any"]["raw"][LEVEL]))
    agreed = grouped(rows, wanted, lambda row, seen: agreement(seen, row["aims"]))
    odds = mean_interval(grouped(rows, wanted, lambda row, seen: float(np.median(seen["own"]))))
    return {
        "images": name,
        "same name at 99.99 %": numbers.shares(same),
        "named first": numbers.shares(first),
        "any name at 99.99 %": numbers.shares(any_name),
        "agreement": numbers.shares(share_interval(agreed)) if agreed else numbers.NONE,
        "median log-odds": numbers.signed(odds, 1),
    }


def _at_thresholds(rows: Sequence[Row], kind: str, name: str) -> dict[str, str]:
    wanted = related(kind)
    shown = [
        {
            "network": row["network"],
            "shares": mean_shares([seen["same"] for seen in answers_of_targets(row, wanted)]),
        }
        for row in rows
    ]
    return {"images": name, **threshold_cells(shown)}


def _specificity(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Evolved images against those of gradient ascent: with equal passes, and with equal confidence."""
    found: list[tuple[str, str, str, Groups]] = []
    for name in ("cppn", "direct", ARCHIVE):
        first, second = ([row for row in rows if row["generator"] == one] for one in (name, "gradient"))
        for passes in sorted({row["budget"] for row in first} & {row["budget"] for row in second}):
            pair = [[row for row in kind if row["budget"] == passes] for kind in (first, second)]
            if differences := paired(*map(_rates, pair)):
                found.append((name, f"equal passes, {passes:,}", _medians(pair), differences))
        if differences := _matched(first, second):
            found.append((name, "equal confidence", "equal", differences))
        largest, others = with_largest_budget(rows), related(other_kind(rows))
        if differences := _named_more_often(name, "gradient", largest, others):
            pair = [with_largest_budget(kind) for kind in (first, second)]
            found.append((name, "named first", _medians(pair), differences))
    tests = {
        place: signed_rank(differences)
        for place, (*_, differences) in enumerate(found)
        if any(value for group in differences for value in group)
    }
    ps = dict(zip(tests, holm([one.p for one in tests.values()]), strict=True))
    return [
        {
            "first": NAMES[name],
            "second": NAMES["gradient"],
            "compared with": how,
            "median log-odds in their own network": sure,
            "more of the first transfer, points": numbers.signed(
                Interval(*(100.0 * value for value in mean_interval(differences))), 1
            )
            if place in tests
            else "no difference",
            "effect size": f"{tests[place].rank_biserial:.2f}" if place in tests else numbers.NONE,
            "p": numbers.p_value(ps[place]) if place in tests else numbers.NONE,
        }
        for place, (name, how, sure, differences) in enumerate(found)
    ]


def _medians(kinds: Sequence[Sequence[Row]]) -> str:
    """The median log-odds of the images of each kind in their own networks."""
    return ", ".join(f"{float(np.median([row['log_odds'] for row in kind])):.1f}" for kind in kinds)


def _matched(first: Sequence[Row], second: Sequence[Row]) -> list[list[float]]:
    """For each network that both kinds were made for, the difference at equal confidence."""
    groups = []
    others = other_networks([*first, *second])
    kinds = [group_by(kind, "network") for kind in (first, second)]
    for key in sorted(kinds[0].keys() & kinds[1].keys()):
        one, other = (own_and_other(kind[key], others) for kind in kinds)
        difference = matched_rate_difference((one[0], one[1]), (other[0], other[1]), EDGES)
        if difference is not None:
            groups.append([difference])
    return groups


def _rates(rows: Sequence[Row]) -> dict[tuple[str, int], float]:
    """By source and run, the mean over the other networks of the share that transfers."""
    found = {}
    others = other_networks(rows)
    for row in rows:
        rate = mean_known(
            transfer_rate(row["log_odds"], seen["own"]) for seen in answers_of_targets(row, others)
        )
        if rate is not None:
            found[row["network"], row["run"]] = rate
    return found


def _matrix(rows: Sequence[Row]) -> list[dict[str, str]]:
    lines = []
    for (source,), runs in group_by(rows, "network").items():
        line = {"made for": source}
        for target in rows[0]["targets"]:
            seen = [(row["seen"][target], row["aims"]) for row in runs]
            same = share_interval([[one["same"]["raw"][LEVEL] for one, _ in seen]])
            first = float(np.mean([named_first(*one) for one in seen]))
            line[target] = f"{numbers.shares(same, 0)} ({numbers.percent(first, 0)})"
        lines.append(line)
    return lines


def _networks(rows: Sequence[Row]) -> str:
    """The networks, their accuracy, and what their thresholds were taken on."""
    parts = []
    for row in rows:
        if row["kind"] == "clean":
            accuracy = row["clean_accuracy"]
            right = "" if accuracy is None else f", {numbers.percent(accuracy, 2)} of clean images right"
            parts.append(f"{row['target']} ({row['networks'][row['target']][:8]}{right})")
    first = next((row for row in rows if row["kind"] == "clean"), None)
    clean = ""
    if first and first["thresholds"]["taken_on"]:
        fitted, taken = (first["thresholds"][name] for name in ("fitted_on", "taken_on"))
        clean = f" Thresholds: {fitted:,} clean images for the temperature, {taken:,} others."
        clean += LEARNT if first["clean"] == "embedded" else ""
    return f"Networks by the beginning of their digest: {', '.join(parts)}.{clean}"
