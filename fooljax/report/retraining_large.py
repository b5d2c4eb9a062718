"""Tables and figures of `experiments.retraining_large`, from its rows alone."""

from collections.abc import Sequence

import numpy as np

from fooljax.analysis.comparisons import Unpaired, mann_whitney
from fooljax.analysis.statistics import median
from fooljax.engine.log_odds import FOOLED
from fooljax.report.alternative_texts import counted
from fooljax.report.dots import strips
from fooljax.study import Row, attacks, group_by, markdown, numbers
from fooljax.study.findings import Finding, point_estimate
from fooljax.study.generators import EXPLANATIONS
from fooljax.study.measured_sets import THREAT
from fooljax.study.retraining_lessons import BLOCK
from fooljax.study.retraining_measured import ARCHIVE, FIRST, GOES_ON, OLD
from fooljax.study.thresholds_reached import threshold_cells, threshold_words

WORDS = """\
**Retrained**: how many times the network was taught to reject fooling images. Each chain starts again from
the original network and learns from fooling images of its own. **Set to reject**: the bias of the extra class
was moved until this share of clean images was rejected, on clean images that nothing else used. **Log-odds**:
of the class that an image is for, against all other classes, the extra one included; the median over the
images of a set, then over sets. **Fooled**: the share of images with 99.99 % for their class in the network
that rejects. **Rejected**: the share of images that the network puts into the extra class. A unit is a set.
Before retraining it is a run against the network; after it, the one run against the network of a chain. The
chains of one network share some of their training images, and there is one network of each kind. So the
numbers are about that network alone."""
WHOM = """\
. Each line is about one network. Before retraining, its interval is for further runs against this network.
After retraining, it is for further chains that begin with it, with one run against each."""
"""For whom the intervals of the table of thresholds speak."""
LAST_BLOCK = ", last block"
OF_BLOCK = """\
**Last block**: only the last block of layers and the last layer were trained, on what the layers before them
give."""
GREATER = """\
**Greater than before**: the chance that a set against the retrained network has a greater median than a set
against the network before. It is 0.5 if retraining did nothing. Brackets are 95 % intervals. p is from the
Mann-Whitney test, two-sided and exact."""
COMPARED = ("greater than before", "p")
"""Columns that are there where there is anything to compare."""
SHOWN = {
    OLD: "CPPNs evolved against the network before, new to the chain",
    ARCHIVE: "CPPNs evolved in a long run, of classes that the chain did not learn from",
    FIRST: "new random CPPNs",
    "direct": "pixels evolved against the network before",
    "gradient": "gradient ascent against the network before",
    "uniform_noise": "uniform noise",
    "gaussian_noise": "Gaussian noise",
}
DRAWN = {
    ("attack", "cppn"): "CPPNs",
    ("attack", "direct"): "pixels",
    ("shown", ARCHIVE): "long run, shown",
    ("attack", GOES_ON): "long run, going on",
    ("attack", "gradient"): "gradient",
}
"""The columns of the figure: the kind of row, what made the images, and their short name."""
NAMES = {**EXPLANATIONS, GOES_ON: "evolved CPPNs that start from images of the long run"}
STRENGTH = """\
A network is **overcome** if the median set of some search or ascent has 99.99 % for its median class. Where
it was not, the table names the signs of a weak attack. The last column asks the same of the evolved CPPNs
alone: that gradient ascent fools a network does not show that evolution was tried hard. **Plateau** and
**budget**, whether a larger budget would do better or worse, cannot be told from a single budget. **Masking**
is whether gradients are hidden, which takes attacks with and without them."""
STATIC = """\
These images were not made against the retrained network, so they prove nothing about a defence. They show
what the extra class has learnt. The chains learnt from evolved and random CPPNs alone."""


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      For each network NAME, of evolved CPPNs: `NAME_before` and `NAME_after`, the median log-odds of sets
      before, and after the last round at the first rate; `NAME_greater`, the chance that a set afterwards has
      the greater median; `NAME_old_taken`, `NAME_archive_taken` and `NAME_gradient_taken`: the share of these
      images that the extra class takes; `NAME_agreement`: of held-out images, the share that is named as
      before, a mean over chains. For each GENERATOR: `NAME_GENERATOR_fooled` and
      `NAME_GENERATOR_fooled_before`, the share of its images with 99.99 % against the last round and against
      the network before; `NAME_GENERATOR_at_clean` and so on, the share that the network is as sure of as of
      its median clean image.
    """
    found: dict[str, Finding] = {}
    for (name,), group in group_by(rows, "network").items():
        before, after = _before(group), _last(group)
        sets = f"{len(before)} sets before and {len(after)} after"
        for when, some in (("before", before), ("after", after)):
            if some:
                value = median([median(row["log_odds"]) for row in some])
                found[f"{name}_{when}"] = Finding(point_estimate(value), f"{value:.1f}", sets)
        if before and after:
            test = _compared(after, before)
            found[f"{name}_greater"] = Finding(test.a12, numbers.signed(test.a12), sets)
        rounds, rate = _rounds(group), _first_rate(group)
        last = [row for row in group if row["round"] == rounds > 0]
        shown = [row for row in last if row["kind"] == "shown" and row["rate"] == rate]
        for (kind,), some in group_by(shown, "generator").items():
            value = float(np.mean([row["rejected"] for row in some]))
            images = sum(row["images_shown"] for row in some)
            found[f"{name}_{kind}_taken"] = Finding(
                point_estimate(value), numbers.percent(value), f"{images} images"
            )
        clean = [row for row in last if row["kind"] == "clean" and row["rate"] == rate]
        if clean:
            value = float(np.mean([row["agreement"] for row in clean]))
            of = f"{clean[0]['clean_images']} images, {len(clean)} retrained networks"
            found[f"{name}_agreement"] = Finding(point_estimate(value), numbers.percent(value), of)
        for generator in {row["generator"] for row in group if row["kind"] == "attack"}:
            for when, some in (("_before", _before(group, generator)), ("", _last(group, generator))):
                shares = _shares(some).items()
                found |= {f"{name}_{generator}_{figure}{when}": share for figure, share in shares}
    return found


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: fresh attacks, clean images, images of others, and every threshold."""
    rows = sorted(rows, key=_place)
    attacked = [row for row in rows if row["kind"] == "attack"]
    clean = [row for row in rows if row["kind"] == "clean"]
    shown = [row for row in rows if row["kind"] == "shown" and row["round"]]
    if not attacked or not clean:
        return "No rows yet.\n"
    lines = [_attack_line(group, rows) for group in _groups(attacked)]
    compared = any(line["p"] != numbers.NONE for line in lines)
    if not compared:
        lines = [{head: line[head] for head in line if head not in COMPARED} for line in lines]
    of_block = any(row.get("part") == BLOCK for row in rows)
    words = "\n\n".join([WORDS, *[OF_BLOCK] * of_block, *[GREATER] * compared])
    parts = [THREAT, "", words, "", "### New images against each network\n"]
    parts += [markdown(lines), ""]
    parts += [
        "### Were the attacks strong?\n",
        STRENGTH,
        "",
        markdown([_strength_line(group, clean) for group in _states(attacked)]),
    ]
    parts += ["\n### Clean images\n", markdown([_clean_line(group) for group in _states(clean)]), ""]
    if shown:
        parts += ["### Images that were made against other networks\n", STATIC, ""]
        parts += [markdown([_shown_line(group) for group in _groups(shown)]), ""]
    parts += ["### Every threshold\n", threshold_words(WHOM), ""]
    parts += [markdown([{**_names(group), **threshold_cells(group)} for group in _groups(attacked)]), ""]
    return "\n".join(parts)


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """Log-odds of the images of `DRAWN` against each network, by how often it was retrained."""
    pictures = {}
    for (name,), group in group_by(sorted(rows, key=_place), "network").items():
        rate = _first_rate(group)
        some_rate = [row for row in group if not row["round"] or row["rate"] == rate]
        groups = {
            f"{words}, {_state_words(some)}": [odds for row in some for odds in row["log_odds"]]
            for (kind, generator), words in DRAWN.items()
            for some in _states(
                [row for row in some_rate if (row["kind"], row.get("generator")) == (kind, generator)]
            )
        }
        if groups:
            value = "log-odds of the image's class, ln p/(1\N{MINUS SIGN}p)"
            pictures[f"{name}.png"] = strips(groups, value=value, log_odds=True)
    return pictures


def _place(row: Row) -> tuple[str, int, int, str, str, int]:
    """Where a row stands, whatever the order of the files."""
    generator = str(row.get("generator", ""))
    return row["network"], row["round"], row["rate"] or 0, row["kind"], generator, row["chain"]


def _groups(rows: Sequence[Row]) -> list[list[Row]]:
    return list(group_by(rows, "network", "round", "rate", "generator").values())


def _states(rows: Sequence[Row]) -> list[list[Row]]:
    return list(group_by(rows, "network", "round", "rate").values())


def _rounds(rows: Sequence[Row]) -> int:
    return max(int(row["round"]) for row in rows)


def _first_rate(rows: Sequence[Row]) -> int | None:
    return min((row["rate"] for row in rows if row["rate"] is not None), default=None)


def _before(rows: Sequence[Row], generator: str = "cppn") -> list[Row]:
    return [
        row for row in rows if row["kind"] == "attack" and not row["round"] and row["generator"] == generator
    ]


def _last(rows: Sequence[Row], generator: str = "cppn") -> list[Row]:
    """The sets of a generator against the last round, at the first rate."""
    last, rate = _rounds(rows), _first_rate(rows)
    group = [row for row in rows if row["kind"] == "attack" and row["generator"] == generator]
    return [row for row in group if row["round"] == last and last and row["rate"] == rate]


def _shares(rows: Sequence[Row]) -> dict[str, Finding]:
    """The share of images with 99.99 %, and with the network's confidence in its median clean image."""
    at_clean = [row["shares"]["raw"].get("clean_median") for row in rows]
    values = {
        "fooled": [row["fooled"] for row in rows],
        "at_clean": [share for share in at_clean if share is not None],
    }
    means = {name: float(np.mean(shares)) for name, shares in values.items() if shares}
    return {
        name: Finding(
            point_estimate(mean), numbers.percent(mean), f"{counted(len(values[name]), 'set')} of one budget"
        )
        for name, mean in means.items()
    }


def _compared(after: Sequence[Row], before: Sequence[Row]) -> Unpaired:
    medians = [[[median(row["log_odds"]) for row in some]] for some in (after, before)]
    return mann_whitney(*medians)


def _state_words(rows: Sequence[Row]) -> str:
    if not rows[0]["round"]:
        return "before"
    return f"round {rows[0]['round']}"


def _names(rows: Sequence[Row]) -> dict[str, str]:
    first = rows[0]
    retrained = f"{first['round']} x" + (LAST_BLOCK if first.get("part") == BLOCK else "")
    names = {"network": first["network"], "retrained": retrained if first["round"] else "no"}
    names["set to reject"] = numbers.NONE if first["rate"] is None else f"{first['rate']} %"
    if "generator" in first:
        names["images"] = (NAMES if first["kind"] == "attack" else SHOWN).get(first["generator"], "")
    return names


def _attack_line(rows: Sequence[Row], every: Sequence[Row]) -> dict[str, str]:
    odds = median([median(row["log_odds"]) for row in rows])
    same = [row for row in every if row["network"] == rows[0]["network"]]
    before = _before(same, rows[0]["generator"])
    cells = dict.fromkeys(COMPARED, numbers.NONE)
    if rows[0]["round"] and min(len(before), len(rows)) > 1:
        test = _compared(rows, before)
        cells = dict(zip(COMPARED, (numbers.signed(test.a12), numbers.p_value(test.p)), strict=True))
    rejected = [row["rejected"] for row in rows if row["rejected"] is not None]
    return {
        **_names(rows),
        "sets": str(len(rows)),
        "passes of a set": numbers.plain(max(row["passes"] for row in rows)),
        "log-odds": f"{odds:.1f}",
        "median confidence": numbers.confidence(odds),
        "fooled": numbers.percent(float(np.mean([row["fooled"] for row in rows]))),
        "rejected": numbers.percent(float(np.mean(rejected))) if rejected else numbers.NONE,
        **cells,
    }


def _strength_line(rows: Sequence[Row], clean: Sequence[Row]) -> dict[str, str]:
    names = {key: value for key, value in _names(rows).items() if key != "images"}
    key = [rows[0][name] for name in ("network", "round", "rate")]
    clean_row = next(row for row in clean if [row[name] for name in ("network", "round", "rate")] == key)
    met = [row for row in rows if row["generator"] != GOES_ON]
    whole = attacks.strength(met, [clean_row]).words() if attacks.attempts(met) else numbers.NONE
    alone = attacks.strength_alone(met, [clean_row], "cppn")
    return {
        **names,
        "was the network overcome?": whole,
        "evolved CPPNs alone": alone.words() if alone else numbers.NONE,
    }


def _clean_line(rows: Sequence[Row]) -> dict[str, str]:
    def mean(entry: str) -> str:
        values = [row[entry] for row in rows if row[entry] is not None]
        return numbers.percent(float(np.mean(values))) if values else numbers.NONE

    return {
        **_names(rows),
        "networks": str(len(rows)),
        "clean images": str(rows[0]["clean_images"]),
        "named correctly": mean("accuracy"),
        "named correctly before": mean("accuracy_before"),
        "same name as before": mean("agreement"),
        "rejected": mean("rejected"),
    }


def _shown_line(rows: Sequence[Row]) -> dict[str, str]:
    level = [odds for row in rows for odds in row["log_odds"]]
    return {
        **_names(rows),
        "images shown": str(sum(row["images_shown"] for row in rows)),
        "rejected": numbers.percent(float(np.mean([row["rejected"] for row in rows]))),
        "some class at 99.99 %": numbers.percent(float(np.mean([row["fooled"] for row in rows]))),
        "median log-odds": f"{median(level):.1f}",
        "at 99.99 % for its class": f"{int(np.sum(np.asarray(level) >= FOOLED))} of {len(level)}",
    }
