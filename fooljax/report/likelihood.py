"""How likely a model of their class finds images, from rows of `experiments.recognisable` alone."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fooljax.study import Row, group_by, markdown, numbers
from fooljax.study.findings import Finding, describe_sample, point_estimate, share
from fooljax.study.measured_sets import CLEAN, NAMES
from fooljax.study.tables import values_by_network

AS_ANOTHER = "clean test images, taken for another class"
USUAL = {"usual_98": (1.0, 99.0), "usual_90": (5.0, 95.0), "above": (99.0, math.inf)}
"""By the name of a finding the percentiles between which an image is counted."""
WORDS = """\
The model of a class is that of `{model}`, {title}. It was fitted to training images of the class. **Median
percentile**: the percentage of {clean} or more clean test images of the class that the model finds less
likely than an image, for the median image of all sets; 50 is usual. **1st to 99th**: the share of images
whose percentile lies between these, as that of 98 % of clean images does, and **5th to 95th** in the same
way. **Above**: the share of images that the model finds more likely than 99 % of clean images. That is no
sign of a picture of the class: an image with little in it is likely under every class. Clean images, the same
as if they were of the next class, and noise are controls. Brackets are intervals of 95 % for networks that
are trained alike."""
TITLES = {
    "mixture": "a mixture of normal distributions along the images' principal components",
    "vae": "a variational autoencoder",
}


def groups_of(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    """The percentiles of every set, by what its images are, in the order of tables.

    Args:
      rows: of the study.
    Returns:
      By the generator, or `AS_ANOTHER`, then by any name of the set: a row with `network` and `percentiles`.
    """
    found: dict[str, dict[str, Row]] = {}
    groups = group_by([row for row in rows if row["kind"] == "likelihood"], "generator")
    for generator in NAMES:
        for row in groups.get((generator,), ()):
            found.setdefault(generator, {})[row["task"]] = row
    for task, row in list(found.get(CLEAN, {}).items()):
        as_another = {"network": row["network"], "percentiles": row["percentiles_as_another"]}
        found.setdefault(AS_ANOTHER, {})[task] = as_another
    return found


def findings(rows: Sequence[Row]) -> Iterator[tuple[str, Finding]]:
    """What claims are held against: see `fooljax.study.findings`.

    Yields:
      For each generator `GENERATOR_usual_98` and `GENERATOR_usual_90`: the share of images between the 1st
      and the 99th percentile, or the 5th and the 95th; `GENERATOR_above`: above the 99th; and
      `GENERATOR_percentile`: the median one, without an interval. `other_class_...`: the same of clean images
      that are taken for another class.
    """
    for kind, of in groups_of(rows).items():
        name, sets = _name(kind), list(of.values())
        said = describe_sample(len(sets), len(group_by(sets, "network")))
        for usual, ends in USUAL.items():
            yield f"{name}_{usual}", share(_shares(sets, *ends), said)
        middle = float(np.median(np.concatenate([row["percentiles"] for row in sets])))
        yield f"{name}_percentile", Finding(point_estimate(middle), numbers.plain(middle, 1), said)


def lines(rows: Sequence[Row]) -> list[str]:
    """The part of `table.md`; nothing where no model was asked."""
    groups = groups_of(rows)
    if not groups:
        return []
    first = next(row for row in rows if row["kind"] == "likelihood")
    written = dict(findings(rows))
    table = [_line(kind, written) for kind in groups]
    title = TITLES[first["model"].partition("-")[0]]
    words = WORDS.format(model=first["model"], title=title, clean=numbers.plain(first["clean_of_a_class"]))
    return ["\n### How likely a model of the class finds them\n", markdown(table), "", words]


def _name(kind: str) -> str:
    return "other_class" if kind == AS_ANOTHER else kind


def _line(kind: str, found: Mapping[str, Finding]) -> dict[str, str]:
    written = {name: found[f"{_name(kind)}_{name}"].written for name in ("percentile", *USUAL)}
    return {
        "images": NAMES.get(kind, kind),
        "median percentile": written["percentile"],
        "1st to 99th": written["usual_98"],
        "5th to 95th": written["usual_90"],
        "above": written["above"],
    }


def _shares(rows: Sequence[Row], low: float, high: float) -> list[list[float]]:
    """The share of the images of each set whose percentile is at least `low` and at most `high`."""

    def share_of(row: Row) -> float:
        found = np.asarray(row["percentiles"])
        return float(np.mean((found >= low) & (found <= high)))

    return values_by_network(rows, share_of)
