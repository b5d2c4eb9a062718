"""Tables of `experiments.retraining`, from its rows alone."""

import math
import operator
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from fooljax.analysis.correlations import mean_correlation, spearman
from fooljax.analysis.rejection import RATES, SCORES
from fooljax.analysis.statistics import (
    Groups,
    Interval,
    lower_median,
    mean_interval,
    mean_share_interval,
    median,
    median_interval,
    share_interval,
)
from fooljax.engine.log_odds import FOOLED
from fooljax.study import Row, attacks, group_by, markdown, numbers
from fooljax.study.chain_tasks import LEARNT
from fooljax.study.findings import Finding, point_estimate, share
from fooljax.study.measured_sets import NAMES, network_access

WORDS = """\
A chain is a first network and a seed of evolution. Number of chains: {chains}. Chains with the same first
network count as one observation: a median confidence and a share of clean digits are the mean, over first
networks, of the median of their chains. Brackets are 95 % intervals for further first networks that are
trained alike. For medians and for shares of clean digits they are t-intervals over first networks. For other
shares they are Clopper-Pearson intervals with at most as many trials as there are runs. If some chains have
not reached a network, its line covers the chains that have. DNN 1 has no fooling class; DNN 2 and all later
networks have one. No image is made for the fooling class. The log-odds count it among the other classes, so
every search here knows the defence. Each training: {training}."""
NEW = """\
New images against each network, from the search whose images the next network learns from: {runs} runs of
{passes} passes ({first_runs} in the first round), one image for each digit. **Passes**: the network passes
until half of the digits of a run had 99.99 %; the median over runs. **Rejected**: the fooling class has the
largest logit."""
OLD = """\
The images of all earlier rounds, shown to each later network, which has learnt from them. Half come from the
first generation of a run, which are random CPPNs, and half from the last. **Still fooling**: some digit has
99.99 % or more."""
MATCHED = """\
Here each network rejects the same share of clean digits, 1 % or 5 %. It rejects an image either because the
log-odds of its fooling class are too high, or because its confidence in a digit is too low. The table gives
the share of evolved images that pass and are named as the digit they were made for. At 99.99 % confidence,
every other class has log-odds of -9.21 or less. Such an image passes any level of the fooling class above
that."""
ATTACKS = """\
Every generator has the same budget against every network, and one run for each chain. The networks have
learnt from CPPNs alone. Where a line says that the network rejects a share of clean digits, the bias of its
fooling class was moved until it did. Evolution then attacked that network, so it knows the class and its
threshold."""
STRENGTH = """\
Was each network overcome? It was if the median run of some search or ascent had 99.99 % for its median digit.
Where it was not, the table names the signs of a weak attack. The last column asks the same of the evolved
CPPNs alone: gradient ascent does not make up for a weak search. **Plateau** and **budget**, whether a larger
budget would do better or worse, cannot be told from a single budget."""
TREND = """\
Spearman's rank correlation with the number of the network, from DNN 2 to the last. It is taken for each
chain. The table gives the mean over chains, with a t-interval over first networks. Near 0, evolution gets
neither harder nor easier."""


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: the networks, evolution anew, old images, matched rejection, all attacks, the trend."""
    rounds = sort_rows(row for row in rows if row["kind"] == "round")
    if not rounds:
        return "No round is done yet.\n"
    settings = rounds[0]["how"]
    recipe = settings["recipe"]
    start = "random parameters" if settings["from_scratch"] else "the network before"
    training = (
        f"{recipe['steps']:,} steps of {recipe['batch_size']} images, {recipe['optimizer']}, from {start}"
    )
    words = WORDS.format(chains=len(group_by(rounds, "network", "seed")), training=training)
    by_number = _by_number(rounds)
    runs = [len(group[0]["log_odds"]) for group in by_number.values()]
    new = NEW.format(runs=runs[-1], first_runs=runs[0], passes=f"{settings['passes']:,}")
    parts = [words, "", markdown([_network(group) for group in by_number.values()]), ""]
    parts += [
        "### New images against each network\n",
        new,
        "",
        markdown([_new(group) for group in by_number.values()]),
        "",
    ]
    parts += ["### Equal rejection of clean digits\n", MATCHED, ""]
    parts += [markdown([_matched(group) for group in by_number.values()]), ""]
    if older := [group for number, group in by_number.items() if number >= LEARNT]:
        parts += ["### Old images\n", OLD, "", markdown([_old(group) for group in older]), ""]
    if trend := _trends(rounds):
        parts += ["### Does it get harder?\n", TREND, "", markdown([trend]), ""]
    if met := sort_rows(row for row in rows if row["kind"] == "attack"):
        parts += ["### All attacks\n", ATTACKS, "", markdown(_attacks(met)), "", STRENGTH, ""]
        parts += [markdown([_strength(group) for group in _by_number(met).values()]), ""]
    return "\n".join(parts)


def sort_rows(rows: Iterable[Row]) -> list[Row]:
    """Rows by chain and number, however they were read."""
    return sorted(rows, key=lambda row: (row["network"], row["seed"], row["number"]))


def by_start(rows: Sequence[Row], figure: Callable[[Row], float]) -> list[list[float]]:
    """A number of every row, grouped by the first network of its chain."""
    return [[figure(row) for row in group] for group in group_by(rows, "network").values()]


def by_run(rows: Sequence[Row], figure: Callable[[Row], float]) -> list[list[float]]:
    """A share of the images of every row, for each of its runs, grouped by the first network of its chain.

    A round has many runs, and its share was taken over all their images. An attack is one run.
    """
    return [
        [
            share
            for row in group
            for share in [figure(row)] * (len(row["log_odds"]) if row["kind"] == "round" else 1)
        ]
        for group in group_by(rows, "network").values()
    ]


def median_log_odds(row: Row) -> float:
    """The median log-odds of the images of a round or an attack."""
    return median(np.ravel(row["log_odds"]))


def fooled(row: Row) -> float:
    """The share of the images of a round or an attack with 99.99 %."""
    return float(np.mean(np.ravel(row["log_odds"]) >= FOOLED))


def passes_needed(row: Row) -> float:
    """Passes of the median run until half of its digits had 99.99 %, infinite where it never had."""
    reached = np.asarray(row["reached"], float)
    return lower_median([lower_median(run) for run in np.where(reached > 0, reached, np.inf)])


def _by_number(rows: Sequence[Row]) -> dict[int, list[Row]]:
    groups = group_by(rows, "number")
    return {number: groups[number,] for (number,) in sorted(groups)}


def _share(rows: Sequence[Row], figure: Callable[[Row], float]) -> str:
    return numbers.shares(share_interval(by_run(rows, figure)))


def _mean(rows: Sequence[Row], figure: Callable[[Row], float]) -> Interval:
    """A share of thousands of clean digits, which differs between networks by little else than training."""
    return mean_share_interval(by_start(rows, figure))


def _sure(groups: Groups) -> str:
    """Confidences with the interval of their log-odds."""
    middle, *ends = mean_interval(groups)
    if not all(map(math.isfinite, ends)):
        return numbers.confidence(middle)
    return f"{numbers.confidence(middle)} [{', '.join(map(numbers.confidence, ends))}]"


def _network(rows: Sequence[Row]) -> dict[str, str]:
    first = rows[0]
    images = first["fooling_images"] * first["how"]["copies"]
    return {
        "network": f"DNN {first['number']}",
        "chains": str(len(rows)),
        "digits learnt from": numbers.plain(first["digits"]),
        "fooling images": numbers.plain(first["fooling_images"]),
        "fooling images' share of the set": numbers.percent(images / (images + first["digits"])),
        "clean accuracy": numbers.shares(_mean(rows, lambda row: row["accuracy"]), 2),
        "clean digits rejected": numbers.shares(_mean(rows, lambda row: row["clean_rejected"]), 2),
    }


def _new(rows: Sequence[Row]) -> dict[str, str]:
    budget = rows[0]["how"]["passes"]
    return {
        "network": f"DNN {rows[0]['number']}",
        "median confidence": _sure(by_start(rows, median_log_odds)),
        "images >= 99.99 %": _share(rows, fooled),
        "passes": numbers.needed(median_interval(by_start(rows, passes_needed)), budget),
        "rejected": _share(rows, lambda row: row["new"]["taken"]),
        "random CPPNs rejected": _share(rows, lambda row: row["random"]["taken"]),
    }


def _matched(rows: Sequence[Row]) -> dict[str, str]:
    cells = {"network": f"DNN {rows[0]['number']}"}
    for name in SCORES:
        for rate in rows[0]["levels"]["levels"][name]:
            if name == "fooling class" and rows[0]["number"] < LEARNT:
                cells[_head(name, rate)] = numbers.NONE
                continue
            cells[_head(name, rate)] = _share(rows, _passing(name, rate))
    return cells


def _head(name: str, rate: str) -> str:
    return f"pass, {name}, {100 * float(rate):g} %"


def _passing(name: str, rate: str) -> Callable[[Row], float]:
    """The number of a row: the share of its images that pass."""
    return lambda row: float(row["new"]["passed"][name][rate])


def _old(rows: Sequence[Row]) -> dict[str, str]:
    newest = _share(rows, lambda row: float(np.mean(row["old"][-1]["taken"])))
    return {
        "network": f"DNN {rows[0]['number']}",
        "first generation, rejected": _share(rows, _of_old("taken", 0)),
        "last generation, rejected": _share(rows, _of_old("taken", 1)),
        "last generation, still fooling": _share(rows, _of_old("fooling", 1)),
        "newest round, rejected": newest,
    }


def _of_old(name: str, generation: int) -> Callable[[Row], float]:
    """The number of a row: a share of the images of earlier rounds, of their first or last generation."""
    return lambda row: float(np.mean([one[name][generation] for one in row["old"]]))


def _trends(rounds: Sequence[Row]) -> dict[str, str]:
    found = {}
    for name, figure in (
        ("median log-odds", median_log_odds),
        ("images >= 99.99 %", fooled),
        ("clean accuracy", lambda row: float(row["accuracy"])),
    ):
        if groups := trend(rounds, figure):
            found[name] = numbers.signed(mean_correlation(groups))
    return found


def trend(rounds: Sequence[Row], figure: Callable[[Row], float]) -> list[list[float]]:
    """For each first network the rank correlation of each chain; those that cannot be told are left out."""
    groups = []
    for group in group_by(sort_rows(rounds), "network").values():
        rhos = []
        for chain in group_by(group, "seed").values():
            later = [row for row in chain if row["number"] >= LEARNT]
            if len(later) >= 4:
                rho = spearman([row["number"] for row in later], [figure(row) for row in later]).rho.estimate
                rhos += [rho] if math.isfinite(rho) else []
        groups += [rhos] if rhos else []
    return groups


def _attacks(rows: Sequence[Row]) -> list[dict[str, str]]:
    lines = []
    order = list(NAMES)
    for number, of_number in _by_number(rows).items():
        generators: dict[tuple[str, str], list[Row]] = {}
        for row in of_number:
            generators.setdefault((row["generator"], row.get("rejects", "")), []).append(row)
        for kind, rate in sorted(generators, key=lambda key: (order.index(key[0]), key[1])):
            group = generators[kind, rate]
            rejects = f"; the network rejects {100 * float(rate):g} % of clean digits" if rate else ""
            needed = [
                [row["passes_to_median"] or math.inf for row in chains]
                for chains in group_by(group, "network").values()
                if chains[0]["passes_of_classes"] is not None
            ]
            lines.append(
                {
                    "network": f"DNN {number}",
                    "images": NAMES[kind] + rejects,
                    "sees": network_access(kind),
                    "chains": str(len(group)),
                    "median confidence": _sure(by_start(group, median_log_odds)),
                    "images >= 99.99 %": _share(group, fooled),
                    "passes to the median digit": numbers.needed(median_interval(needed), group[0]["budget"])
                    if needed
                    else numbers.NONE,
                    "rejected": _share(group, lambda row: row["new"]["taken"]),
                    **{
                        _head(name, rate): _share(group, _passing(name, rate))
                        for name in SCORES
                        for rate in map(str, RATES)
                    },
                }
            )
    return lines


def _strength(rows: Sequence[Row]) -> dict[str, str]:
    plain = [row for row in rows if "rejects" not in row]
    seen = [row["symptoms"] for row in plain]
    alone = attacks.strength_alone(plain, seen, "cppn")
    return {
        "network": f"DNN {rows[0]['number']}",
        "attacks": attacks.strength(plain, seen).words() if attacks.attempts(plain) else numbers.NONE,
        "evolved CPPNs alone": alone.words() if alone else numbers.NONE,
    }


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against.

    Args:
      rows: of the study.
    Returns:
      `last`, the last network that all chains have, and `attacked`, the last that was attacked. Of the last
      `accuracy` and `rejected`, of clean digits, and `accuracy_least` and `rejected_most`, the same of the
      worst chain; `old_taken` and `old_fooling`, of images of the last
      generations of earlier rounds; `taken` and `random_taken`, of images of the last and the first
      generation that it has not learnt from. `first_accuracy`, of DNN 1. Of evolution anew
      `short_first_share` and `short_last_share`, images with 99.99 % against DNN 1 and the last;
      `first_confidence` and `last_confidence`, the median; `trend`, the rank correlation of log-odds with the
      number. For each generator KIND of the attacks `KIND_first` and `KIND_last`, the share with 99.99 %
      against DNN 1 and against the last network that was attacked, and `KIND_begun`, against the first of
      those that have learnt from fooling images, if it is another. `last_share`: the same of CPPNs, if that
      network has learnt from fooling images; so few passes as the rounds have would show no defence to hold.
      `rejects_RATE`: the share with 99.99 % of images that were evolved against the last such network as it
      rejects this share of clean digits; `rejects_RATE_begun`: the same against the first of them, if it is
      another.
    """
    rounds = sort_rows(row for row in rows if row["kind"] == "round")
    if not rounds:
        return {}
    by_number = _by_number(rounds)
    chains = len(by_number[1])
    last = max(number for number, sample in by_number.items() if len(sample) == chains)
    sample = f"{chains} chains from {len(group_by(rounds, 'network'))} first networks"
    end = by_number[last]
    found = {"last": Finding(point_estimate(last), str(last), sample)}
    clean: tuple[tuple[str, list[Row], str], ...] = (
        ("accuracy", end, "accuracy"),
        ("first_accuracy", by_number[1], "accuracy"),
        ("rejected", end, "clean_rejected"),
    )
    for name, some, entry in clean:
        value = _mean(some, operator.itemgetter(entry))
        found[name] = Finding(value, numbers.shares(value, 2), sample)
    for name, entry, worst in (
        ("accuracy_least", "accuracy", min),
        ("rejected_most", "clean_rejected", max),
    ):
        of_chain = worst(row[entry] for row in end)
        found[name] = Finding(point_estimate(of_chain), numbers.percent(of_chain, 2), sample)
    found |= {
        "short_first_share": share(by_run(by_number[1], fooled), sample),
        "short_last_share": share(by_run(end, fooled), sample),
        "taken": share(by_run(end, lambda row: row["new"]["taken"]), sample),
        "random_taken": share(by_run(end, lambda row: row["random"]["taken"]), sample),
    }
    if last >= LEARNT:
        for name in ("taken", "fooling"):
            found[f"old_{name}"] = share(by_run(end, _of_old(name, 1)), sample)
    for name, some in (("first", by_number[1]), ("last", end)):
        groups = by_start(some, median_log_odds)
        found[f"{name}_confidence"] = Finding(mean_interval(groups), _sure(groups), sample)
    if groups := trend(rounds, median_log_odds):
        value = mean_correlation(groups)
        found["trend"] = Finding(value, numbers.signed(value), sample)
    met = sort_rows(row for row in rows if row["kind"] == "attack")
    plain = [row for row in met if "rejects" not in row]
    attacked = max((row["number"] for row in plain), default=0)
    if plain:
        found["attacked"] = Finding(point_estimate(attacked), str(attacked), sample)
        longer = [row for row in plain if row["generator"] == "cppn" and row["number"] == attacked >= LEARNT]
        if longer:
            found["last_share"] = share(by_start(longer, fooled), sample)
    for (kind,), of_kind in group_by(plain, "generator").items():
        ends = _by_number(of_kind)
        for name, number in (("first", 1), ("last", attacked)):
            if number not in ends:
                continue
            found[f"{kind}_{name}"] = share(by_start(ends[number], fooled), sample)
        learnt = [number for number in ends if LEARNT <= number < attacked]
        if learnt:
            begun = by_start(ends[min(learnt)], fooled)
            found[f"{kind}_begun"] = share(begun, sample)
    for (rate,), some in group_by([row for row in met if "rejects" in row], "rejects").items():
        by_attacked = _by_number(some)
        found[f"rejects_{rate}"] = share(by_start(by_attacked[max(by_attacked)], fooled), sample)
        if len(by_attacked) > 1:
            found[f"rejects_{rate}_begun"] = share(by_start(by_attacked[min(by_attacked)], fooled), sample)
    return found
