"""Tables, figures and findings of `experiments.overconfidence`, from its rows alone."""

import math
from collections.abc import Sequence

from fooljax.analysis.attack_strength import Strength
from fooljax.analysis.statistics import (
    Interval,
    mean_interval,
    mean_share_interval,
    median,
    median_interval,
    share_interval,
)
from fooljax.engine.log_odds import FOOLED, confidence
from fooljax.report.dots import columns
from fooljax.report.overconfidence_figures import Line, ray_lines
from fooljax.report.transfer_rows import NAMES
from fooljax.study import Row, attacks, group_by, markdown, numbers
from fooljax.study.far_noise import NOISES, STEPS
from fooljax.study.findings import Finding, describe_sample, point_estimate, share
from fooljax.study.generators import EXPLANATIONS
from fooljax.study.measured_sets import THREAT
from fooljax.study.tables import values_by_network
from fooljax.study.thresholds_reached import threshold_cells, threshold_words
from fooljax.study.trainings import KINDS

CLEAN = "clean"
RAYS = {"uniform_noise": "uniform noise", CLEAN: "clean images"}
"""Images that are scaled, by name; for people."""
SURENESS = """\
**MMC**: the mean, over images, of the largest confidence; also after temperature scaling. **AUROC**: the
chance that the network is more confident in a clean image than in one of these images; 0.5 is no difference.
**FPR at 95 % TPR, clean positive**: the share of these images with at least the confidence that 95 % of clean
images get. Brackets of MMC and AUROC are t-intervals over networks; those of shares are Clopper-Pearson
intervals. Noise made to fool starts from blurred noise and takes {steps} signed gradient steps, within 0.3 of
each pixel. Evolved images are those of the largest budget."""
RAYS_SAY = """\
Each image is multiplied by factors from 1 to 1,000,000, as floats outside the range of possible images. So a
ray leads from black through the image. **Factor**: the median over rays, with a t-interval over networks in
brackets. **Clipped**: at the factor where a ray reaches 99.9 %, its image is clipped back into the possible
range; this is the share of all rays whose clipped image still has 95 %."""
ATTACKS = """\
**Log-odds**: of the saved images for the class that each is made for. **Passes**: until half of the classes
had 99.99 %. Images that reach `tpr_95` and `tpr_99` pass a detector that rejects 5 % and 1 % of clean
images."""
STRENGTH = """\
A way to train is **overcome** if the median run of any kind of images, at any budget, reaches 99.99 %.
Otherwise flags say what is missing before one can claim that it holds."""


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: how sure networks are of noise, along rays, and of what is made against them."""
    rows = _in_order(rows)
    parts = ["### How confident is a network in what it never saw?\n", _sureness(rows), ""]
    parts += [SURENESS.format(steps=STEPS), "", "### Along rays\n", _rays(rows), "", RAYS_SAY, ""]
    if made := [row for row in rows if row["kind"] == "attack"]:
        parts += ["### Attacked by evolution and by gradient ascent\n", _attacks(made), "", ATTACKS, ""]
        parts += ["### Were the attacks strong enough?\n", _strength(rows), "", STRENGTH, ""]
        parts += [threshold_words(), "", THREAT, ""]
    return "\n".join(parts)


def _in_order(rows: Sequence[Row]) -> list[Row]:
    """By way to train, what was shown, seed and run, however the rows were read."""
    kinds, shown = list(KINDS), [CLEAN, *EXPLANATIONS]
    return sorted(
        rows,
        key=lambda row: (
            kinds.index(row["training"]),
            shown.index(str(row.get("generator") or row.get("source") or CLEAN)),
            row.get("budget", 0),
            row["seed"],
            row.get("run", 0),
        ),
    )


def _shown(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """What networks of one training were shown, by its name: clean images, noise, and what was made."""
    clean = [("clean images", [row for row in rows if row["kind"] == "network"])]
    noise = [(name, [row for row in rows if row.get("noise") == kind]) for kind, name in NOISES.items()]
    made = [(EXPLANATIONS[generator], some) for generator, some in _of_largest_budget(rows).items()]
    return [*clean, *noise, *made]


def _of_largest_budget(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of what was made with the largest budget, by generator."""
    made = [row for row in rows if row["kind"] == "attack"]
    largest = max((row["budget"] for row in made), default=0)
    groups = group_by([row for row in made if row["budget"] == largest], "generator")
    return {generator: group for (generator,), group in groups.items()}


def _sureness(rows: Sequence[Row]) -> str:
    lines = []
    for (training,), group in group_by(rows, "training").items():
        for name, some in _shown(group):
            lines.append(
                {
                    "training": KINDS[training].words,
                    "images": name,
                    "MMC": numbers.shares(_mean(some, "mmc")),
                    "MMC, scaled": numbers.shares(_mean(some, "mmc_scaled")),
                    "AUROC": numbers.chances(_mean(some, "auroc")),
                    "FPR at 95 % TPR, clean positive": _share(some, "fpr_at_95_tpr_clean_positive"),
                    ">= 99.99 %": _share(some, "share_9999"),
                }
            )
    return markdown(lines)


def _groups(rows: Sequence[Row], figure: str) -> list[list[float]]:
    return values_by_network(rows, figure, missing=math.inf)


def _share(rows: Sequence[Row], figure: str) -> str:
    return numbers.shares(share_interval(_groups(rows, figure)))


def _mean(rows: Sequence[Row], figure: str) -> Interval:
    """The mean of a number that lies from 0 to 1 and counts nothing, with a t-interval over networks."""
    return mean_share_interval(_groups(rows, figure))


def _rays(rows: Sequence[Row]) -> str:
    lines = []
    of_rays = [row for row in rows if row["kind"] == "rays"]
    for (source, training), group in group_by(of_rays, "source", "training").items():
        lines.append(
            {
                "images": RAYS[source],
                "training": KINDS[training].words,
                "factor to 99.9 %": numbers.ratio(median_interval(_groups(group, "factor_999"))),
                "rays that reach it": _share(group, "share_ever_999"),
                "clipped, >= 95 %": _share(group, "clipped_share_95"),
            }
        )
    return markdown(lines)


def _attacks(rows: Sequence[Row]) -> str:
    lines = []
    for (generator, budget, training), group in group_by(rows, "generator", "budget", "training").items():
        odds = _odds(group)
        searched = numbers.NONE
        if generator != "gradient":
            searched = numbers.needed(median_interval(_groups(group, "passes_to_median")), budget)
        lines.append(
            {
                "images": EXPLANATIONS[generator],
                "passes of a set": f"{budget:,}",
                "training": KINDS[training].words,
                "log-odds": numbers.signed(odds, 1),
                "confidence": numbers.confidence(odds.estimate),
                "passes: half of the classes": searched,
                **threshold_cells(group),
            }
        )
    order = list(EXPLANATIONS.values())
    return markdown(sorted(lines, key=lambda line: order.index(line["images"])))


def _odds(rows: Sequence[Row]) -> Interval:
    return mean_interval(values_by_network(rows, lambda row: median(row["log_odds"])))


def strengths(rows: Sequence[Row]) -> dict[str, Strength]:
    """By the way to train, what the attacks on its networks say of their own strength."""
    found = {}
    for (training,), group in group_by(rows, "training").items():
        made = [row for row in group if row["kind"] == "attack"]
        if attacks.attempts(made):
            found[training] = attacks.strength(made, [row for row in group if row["kind"] == "network"])
    return found


def _strength(rows: Sequence[Row]) -> str:
    lines = []
    for training, strength in strengths(rows).items():
        networks = [row for row in rows if row["kind"] == "network" and row["training"] == training]
        lines.append(
            {
                "training": KINDS[training].words,
                "networks": f"{len(networks)}",
                "clean accuracy": numbers.percent(median([row["clean_accuracy"] for row in networks])),
                "temperature": numbers.significant(
                    median([row["thresholds"]["temperature"] for row in networks]), 3
                ),
                "attacks": strength.words(),
            }
        )
    return markdown(lines)


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against.

    Returns:
      With T a way to train. For each kind N of noise `T_N_mmc`, the mean largest confidence, and
      `T_N_fpr95`, the share of which the network is as sure as of 95 % of clean images. `T_rays` and
      `T_clipped`: of rays through uniform noise, the share that reaches 99.9 %, and whose clipped image then
      has 95 %. For each generator G, at the largest budget, `T_G_9999`, the share of its images with 99.99 %,
      `T_G_log_odds`, their log-odds, and `T_G_tpr_95`, the share that passes where 5 % of clean images fail.
      `T_gradient_missed`: the largest confidence of the gradient images without 99.99 %, if there are any.
      `T_zero_gradients`: the largest share, over networks, of images of noise at which the gradient is zero.
    """
    found = {}
    for (training,), group in group_by(_in_order(rows), "training").items():
        networks = len({row["network"] for row in group})
        for row_kind in NOISES:
            some = [row for row in group if row.get("noise") == row_kind]
            sample = f"{sum(row['count'] for row in some):,} images, {networks} networks"
            sure = _mean(some, "mmc")
            found[f"{training}_{row_kind}_mmc"] = Finding(sure, numbers.shares(sure), sample)
            passing = _groups(some, "fpr_at_95_tpr_clean_positive")
            found[f"{training}_{row_kind}_fpr95"] = share(passing, sample)
        some = [row for row in group if row["kind"] == "rays" and row["source"] != CLEAN]
        sample = f"{sum(row['count'] for row in some):,} rays, {networks} networks"
        found[f"{training}_rays"] = share(_groups(some, "share_ever_999"), sample)
        found[f"{training}_clipped"] = share(_groups(some, "clipped_share_95"), sample)
        zero = [row["zero_gradients"] for row in group if row["kind"] == "network"]
        found[f"{training}_zero_gradients"] = Finding(
            point_estimate(max(zero)),
            numbers.percent(max(zero)),
            f"{sum(one > 0.0 for one in zero)} of {len(zero)} networks",
        )
        for generator, sets in _of_largest_budget(group).items():
            units = describe_sample(len(sets), networks)
            for level, name in (("0.9999", "9999"), ("tpr_95", "tpr_95")):
                groups = values_by_network(sets, lambda row, level=level: row["shares"]["raw"][level])  # type: ignore[misc]
                found[f"{training}_{generator}_{name}"] = share(groups, units)
            made = [one for row in sets for one in row["log_odds"]]
            if generator == "gradient" and (missed := [one for one in made if one < FOOLED]):
                found[f"{training}_gradient_missed"] = Finding(
                    point_estimate(float(confidence(max(missed)))),
                    numbers.confidence(max(missed), 1),
                    f"{len(missed)} of {len(made)} images",
                )
            odds = _odds(sets)
            found[f"{training}_{generator}_log_odds"] = Finding(odds, numbers.signed(odds, 1), units)
    return found


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """Log-odds along rays, and of what is made against each network."""
    rows = _in_order(rows)
    panels: dict[str, dict[str, list[Line]]] = {}
    for (source, training), group in group_by(
        [row for row in rows if row["kind"] == "rays"], "source", "training"
    ).items():
        lines = [(row["factors"], row["median_log_odds"]) for row in group]
        panels.setdefault(RAYS[source], {})[KINDS[training].words] = lines
    found = {"rays.png": ray_lines(panels)} if panels else {}
    groups = {
        NAMES[generator]: {
            KINDS[training].words: [median(row["log_odds"]) for row in some]
            for (training,), some in group_by(group, "training").items()
        }
        for generator, group in _of_largest_budget(rows).items()
    }
    if groups:
        found["attacks.png"] = columns(groups, value="median log-odds of a run's images")
    return found
