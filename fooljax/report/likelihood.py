"""How likely a model of their class finds images, from rows of `experiments.recognisable` alone."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fooljax.study import Row, alike, markdown, numbers
from fooljax.study.findings import Finding, alone, of_units, share
from fooljax.study.measured_sets import CLEAN, NAMES
from fooljax.study.tables import those_by_network

AS_ANOTHER = "clean test images, taken for another class"
LEVELS = {"likely_1": 1.0, "likely_5": 5.0}
"""By the name of a finding the percentile that counts as likely."""
WORDS = """\
The model of a class is that of `{model}`, {title}. It was fitted to training images of the class. **Median
percentile**: the percentage of {clean} or more clean test images of the class that the model finds less
likely than an image, for the median image of all sets; 50 is usual. **As likely as 99 %**: the share of
images that are no less likely than the least likely 1 % of clean images, and **as likely as 95 %** in the
same way. Clean images, the same as if they were of the next class, and noise are controls. Brackets are
intervals of 95 % for networks that are trained alike."""
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
    groups = alike([row for row in rows if row["kind"] == "likelihood"], "generator")
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
      For each generator `GENERATOR_likely_1` and `GENERATOR_likely_5`: the share of images at or above the
      1st and the 5th percentile of clean images; `GENERATOR_percentile`: the median one, without an interval.
      `other_class_...`: the same of clean images that are taken for another class.
    """
    for kind, of in groups_of(rows).items():
        name, sets = ("other_class" if kind == AS_ANOTHER else kind), list(of.values())
        said = of_units(len(sets), len(alike(sets, "network")))
        for level, least in LEVELS.items():
            yield f"{name}_{level}", share(_shares(sets, least), said)
        middle = _median(sets)
        yield f"{name}_percentile", Finding(alone(middle), numbers.plain(middle, 1), said)


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


def _line(kind: str, found: Mapping[str, Finding]) -> dict[str, str]:
    name = "other_class" if kind == AS_ANOTHER else kind
    return {
        "images": NAMES.get(kind, kind),
        "median percentile": found[f"{name}_percentile"].written,
        "as likely as 99 % of clean images": found[f"{name}_likely_1"].written,
        "as likely as 95 %": found[f"{name}_likely_5"].written,
    }


def _shares(rows: Sequence[Row], least: float) -> list[list[float]]:
    return those_by_network(rows, lambda row: float(np.mean(np.asarray(row["percentiles"]) >= least)))


def _median(rows: Sequence[Row]) -> float:
    return float(np.median(np.concatenate([row["percentiles"] for row in rows])))
