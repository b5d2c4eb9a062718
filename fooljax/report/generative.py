"""Tables and findings of `experiments.generative`, from its rows alone."""

from collections.abc import Callable, Sequence

import numpy as np

from fooljax.analysis.statistics import mean_interval, median, share_interval
from fooljax.engine.log_odds import FOOLED, format_confidence
from fooljax.report import recognisable
from fooljax.study import Row, attacks, group_by, markdown, numbers
from fooljax.study.findings import Finding, describe_sample, share
from fooljax.study.measured_sets import NAMES, THREAT
from fooljax.study.tables import UNIT, values_by_network
from fooljax.study.thresholds_reached import threshold_cells, threshold_words

REJECTING = "-rejecting-"
"""Between the name of a generative classifier and the share of clean images that it rejects."""
ARCHITECTURES = {"lenet": "LeNet", "mlp": "MLP", "mixture": "mixture", "vae": "VAE"}
HOW = """\
All classifiers learnt from the training images of one data set. The **mixture** has Gaussian distributions
for each class along the principal components of all images, and noise along all other directions. The **VAE**
has a network for each class. Its inference takes steps in latent space for every image and class, and every
attack goes through these steps. The logits of both are log p(x, y) divided by a temperature, which is fitted
on clean images that nothing else uses. A classifier that **rejects** has an extra class for images that are
less likely than 99 % or 95 % of clean images; these levels come from other images, held out of the training.
The column "thresholded" says what has to be high for an image to count. The accuracy is without rejection."""
SEEN = """\
**Fool**: the share of images with 99.99 % or more. **Likely**: of the images that fool, the share whose
log p(x) is above a level that 1 % or 5 % of clean images are below. **Agrees**: of the images that fool, the
share that a judge gives the same class, with at least the confidence that 95 % of clean images get from it,
and more than noise gets. **Unseen**: the share of all images that fool while no judge agrees. **With more
steps**: of a VAE's images that fool, the share that still fool when the inference takes ten times as many
steps in latent space."""
SAVED = """\
The thresholds are for saved images. The last column counts an image from the first step at which it fooled.
Gradient ascent saves the image of its last step, which may no longer do so."""
STRENGTH = """\
A classifier that rejects images was attacked by searches and ascents that know this: the log-odds count the
class for rejected images among the other classes. The table names the best kind of attack and the median
log-odds of its images; 9.21 is 99.99 %."""


def kind_of(network: str) -> str:
    """What is alike in networks that differ in their seed: as "vae", or "vae-rejecting-0.01"."""
    plain, _, rate = network.partition(REJECTING)
    return plain.partition("-")[0] + (REJECTING + rate if rate else "")


def title_of(kind: str) -> str:
    """The classifier of a kind, for people."""
    return ARCHITECTURES.get(kind.partition("-")[0], kind)


def thresholded(kind: str) -> str:
    """What is thresholded, for people."""
    rate = kind.partition(REJECTING)[2]
    return f"p(x, y), {numbers.percent(float(rate), 0)} of clean images rejected" if rate else "p(y given x)"


def rows_by_kind(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows by the kind of their network: all kinds of p(y | x) first."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(kind_of(row["network"]), []).append(row)
    places = list(ARCHITECTURES)

    def place(kind: str) -> tuple[bool, int, str]:
        first = kind.partition("-")[0]
        return REJECTING in kind, places.index(first) if first in places else len(places), kind

    return {kind: found[kind] for kind in sorted(found, key=place)}


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      For each kind of classifier K (as "vae" or "vae-rejecting-0.01"): `K_accuracy`; `K_best_fools`: the
      share of images that fool, of the evolved or gradient images of which most do. For each generator G:
      `K_G_log_odds`: the median of a set's log-odds;
      `K_G_fools`, and for searches and ascents `K_G_reached`: the share that had 99.99 % at some step, which
      ascents can lose again; `K_G_unseen`: while no judge agrees; `K_G_JUDGE`: the share of all images on
      which a judge agrees; for generative ones `K_G_likely_0.01` and so on: the share that fools and is above
      that level of log p(x); for a VAE `K_G_more_steps`: the share that fools with more steps of inference.
    """
    found: dict[str, Finding] = {}
    for kind, group in rows_by_kind(rows).items():
        networks = [row for row in group if row["kind"] == "network"]
        if networks:
            groups = [[row["clean_accuracy"]] for row in networks]
            found[f"{kind}_accuracy"] = share(groups, describe_sample(len(networks), len(networks)))
        best: list[tuple[float, Finding]] = []
        for generator, sets in by_generator(group).items():
            said = describe_sample(len(sets), len(group_by(sets, "network")))
            counts = {"fools": "fooled", "unseen": "unseen"}
            for name, entry in counts.items():
                found[f"{kind}_{generator}_{name}"] = share(_shares(sets, entry), said)
            if sets[0]["passes_of_classes"] is not None:
                found[f"{kind}_{generator}_reached"] = share(values_by_network(sets, _reached), said)
            odds = mean_interval(values_by_network(sets, lambda row: median(row["log_odds"])))
            found[f"{kind}_{generator}_log_odds"] = Finding(odds, numbers.signed(odds, 1), said)
            for judge in sets[0]["agree"]:
                found[f"{kind}_{generator}_{judge}"] = share(_shares(sets, "agree", judge), said)
            for rate in sets[0].get("fooled_accepted", ()):
                likely = share(_shares(sets, "fooled_accepted", rate), said)
                found[f"{kind}_{generator}_likely_{rate}"] = likely
            if "more_steps" in sets[0]:
                found[f"{kind}_{generator}_more_steps"] = share(
                    values_by_network(
                        sets, lambda row: float(np.mean(np.asarray(row["more_steps"]) >= FOOLED))
                    ),
                    said,
                )
            if generator in attacks.FRESH:
                fools = found[f"{kind}_{generator}_fools"]
                best.append((fools.value.estimate, fools))
        if best:
            found[f"{kind}_best_fools"] = max(best, key=lambda one: one[0])[1]
    return found


def by_generator(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of images with the largest budget, by what made them, in the order of tables."""
    images = [row for row in rows if row["kind"] == "images"]
    most = max((row["budget"] for row in images), default=0)
    return recognisable.by_generator([row for row in images if row["budget"] == most])


def _reached(row: Row) -> float:
    """The share of the images of a run that had 99.99 % at some step."""
    return sum(passes is not None for passes in row["passes_of_classes"]) / row["images"]


def _shares(rows: Sequence[Row], entry: str, part: str | None = None) -> list[list[float]]:
    """The share of the images of each run that are counted under an entry, by network."""
    return values_by_network(
        rows, lambda row: (row[entry] if part is None else row[entry][part]) / row["images"]
    )


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: the classifiers, attacks at every threshold, what fools, and the strength of attacks."""
    kinds = rows_by_kind(rows)
    networks = {kind: [row for row in group if row["kind"] == "network"] for kind, group in kinds.items()}
    sets = {kind: by_generator(group) for kind, group in kinds.items()}
    parts = ["### The classifiers\n", HOW, ""]
    parts.append(markdown([_classifier(kind, group) for kind, group in networks.items() if group]))
    if lines := [_attack(kind, name, group) for kind, by in sets.items() for name, group in by.items()]:
        parts += ["\n### The attacks\n", THREAT, "", threshold_words(), "", UNIT, "", SAVED, ""]
        parts += [markdown(lines)]
        seen = [_seen(kind, name, group) for kind, by in sets.items() for name, group in by.items()]
        parts += ["\n### What fools, and what judges see\n", SEEN, "", markdown(seen)]
    if lines := [_strength(kind, networks[kind], group) for kind, group in kinds.items() if sets[kind]]:
        parts += ["\n### How strong the attacks were\n", STRENGTH, "", markdown(lines)]
    return "\n".join([*parts, ""])


def _begin(kind: str) -> dict[str, str]:
    return {"classifier": title_of(kind), "thresholded": thresholded(kind)}


def _classifier(kind: str, rows: Sequence[Row]) -> dict[str, str]:
    clean = [row["thresholds"]["raw"]["clean_median"] for row in rows]
    temperatures = [row["temperature"] for row in rows if "temperature" in row]
    rate = kind.partition(REJECTING)[2]
    rejected = [row["rejected"][rate] for row in rows] if rate else []
    noise = [list(row["noise"].values()) for row in rows]
    return {
        **_begin(kind),
        "networks": str(len(rows)),
        "test images named correctly": _span([row["clean_accuracy"] for row in rows]),
        "temperature": _span(temperatures, "{:.1f}".format),
        "median confidence in test images": format_confidence(float(np.median(clean))),
        "test images rejected": _span(rejected),
        "noise with 99.99 %": numbers.percent(float(np.mean(noise))),
    }


def _span(values: Sequence[float], written: Callable[[float], str] = numbers.percent) -> str:
    """The least and the largest of some values, or what stands for none."""
    if not values:
        return numbers.NONE
    return " to ".join(dict.fromkeys(written(one) for one in (min(values), max(values))))


def _attack(kind: str, generator: str, rows: Sequence[Row]) -> dict[str, str]:
    odds = np.concatenate([row["log_odds"] for row in rows])
    half = [value for group in values_by_network(rows, "passes_to_median", missing=np.inf) for value in group]
    searched = rows[0]["passes_of_classes"] is not None
    done = sum(np.isfinite(half))
    middle = float(np.sort(half)[(len(half) - 1) // 2])
    needed = numbers.plain(middle) if np.isfinite(middle) else f"more than {numbers.plain(rows[0]['budget'])}"
    return {
        **_begin(kind),
        "images": NAMES[generator],
        "sets": describe_sample(len(rows), len(group_by(rows, "network"))),
        "passes of a set": numbers.plain(max(row["passes"] for row in rows)),
        "median confidence": numbers.confidence(float(np.median(odds))),
        **threshold_cells(rows),
        "passes until half of the classes fool": f"{needed} ({done} of {len(half)} runs)"
        if searched
        else numbers.NONE,
    }


def _seen(kind: str, generator: str, rows: Sequence[Row]) -> dict[str, str]:
    fooled = sum(row["fooled"] for row in rows)
    line = {**_begin(kind), "images": NAMES[generator]}
    line["fool"] = f"{fooled} of {sum(row['images'] for row in rows)}"
    for rate in ("0.01", "0.05"):
        head = f"likely, above {numbers.percent(float(rate), 0)}"
        line[head] = (
            _of(rows, "fooled_accepted", rate, fooled) if "fooled_accepted" in rows[0] else numbers.NONE
        )
    for judge in rows[0]["fooled_agree"]:
        line[f"{judge} agrees"] = _of(rows, "fooled_agree", judge, fooled)
    line["unseen"] = numbers.shares(share_interval(_shares(rows, "unseen")))
    line["fool with more steps"] = numbers.NONE
    if "more_steps" in rows[0]:
        pairs = [pair for row in rows for pair in zip(row["log_odds"], row["more_steps"], strict=True)]
        still = sum(before >= FOOLED and after >= FOOLED for before, after in pairs)
        line["fool with more steps"] = f"{still} of {fooled}"
    return line


def _of(rows: Sequence[Row], entry: str, name: str, fooled: int) -> str:
    return f"{sum(row[entry][name] for row in rows)} of {fooled}"


def _strength(kind: str, networks: Sequence[Row], rows: Sequence[Row]) -> dict[str, str]:
    images = [row for row in rows if row["kind"] == "images"]
    attempts = attacks.attempts(images)
    best = max(attempts, key=lambda one: float(np.median(one.log_odds)))
    return {
        **_begin(kind),
        "best attack": NAMES[best.method],
        "its passes": numbers.plain(best.passes),
        "its median log-odds": f"{float(np.median(best.log_odds)):.1f}",
        "verdict": attacks.strength(images, [row["symptoms"] for row in networks]).words(),
    }
