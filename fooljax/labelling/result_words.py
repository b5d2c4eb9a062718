"""The results of a study with people as text: tables, and a sentence on everybody who failed a control."""

import math
from collections.abc import Mapping, Sequence

from fooljax.analysis.statistics import Interval
from fooljax.labelling.results import NO_MAJORITY, OUTCOMES, PASSED, RELATED, Labeller, Rates, Results
from fooljax.study import markdown, numbers

KINDS_IN_WORDS = {"evolved": "evolved images", "clean": "clean images", "noise": "noise", "all": "all images"}
FAILED_IN_WORDS = {"clean": "clean images named right", "noise": "noise in which nothing was recognised"}
UNIT = """\
A unit is an image. It counts for what more than half of the people called it. Brackets are Wilson's intervals
of 95 %; they speak of further images that the same people are asked about."""


def in_words(results: Results) -> str:
    """Tables of rates, of people and of agreement."""
    parts = [*(_failure(one) for one in results.labellers if one.failed)]
    passed = sum(not one.failed for one in results.labellers)
    if results.rates:
        parts += [f"What {_people(passed)} called the images:", _rates_table(results.rates), UNIT]
    else:
        parts.append("Nobody passed the controls, so there are no rates.")
    parts += ["Everybody:", _people_table(results.labellers)]
    if passed > 1:
        parts.append(_agreement(results.agreement))
    return "\n\n".join(parts)


def _people(count: int) -> str:
    return "one person" if count == 1 else f"most of {count} people"


def _failure(one: Labeller) -> str:
    shares = {kind: one.controls[kind] for kind in one.failed}
    found = "; ".join(
        f"{FAILED_IN_WORDS[kind]}: {'none seen' if share is None else numbers.percent(share.estimate)}"
        for kind, share in shares.items()
    )
    return (
        f"{one.name} failed a control and is left out of the rates ({found}; expected at least "
        f"{numbers.percent(PASSED)})."
    )


def _rates_table(rates: Sequence[Rates]) -> str:
    used = [
        name
        for name in (*OUTCOMES, NO_MAJORITY)
        if name not in (RELATED, NO_MAJORITY) or any(one.outcomes[name].estimate for one in rates)
    ]
    return markdown(
        [
            {
                "images": f"{KINDS_IN_WORDS[one.kind]}{', ' + one.source if one.source else ''}",
                "number": str(one.images),
                **{name: numbers.shares(one.outcomes[name]) for name in used},
            }
            for one in rates
        ]
    )


def _people_table(people: Sequence[Labeller]) -> str:
    return markdown(
        [
            {
                "who": one.name,
                "answered": str(one.answered),
                **{
                    FAILED_IN_WORDS[kind]: numbers.NONE if share is None else numbers.shares(share)
                    for kind, share in one.controls.items()
                },
                "controls": "failed" if one.failed else "passed",
            }
            for one in people
        ]
    )


def _agreement(agreement: Mapping[str, Interval]) -> str:
    lines = [
        f"{KINDS_IN_WORDS[kind]} {alpha.estimate:.2f} [{alpha.low:.2f}, {alpha.high:.2f}]"
        for kind, alpha in agreement.items()
        if not math.isnan(alpha.estimate)
    ]
    if not lines:
        return "Agreement has no meaning here: everybody gave one answer to all images."
    return (
        f"Agreement (Krippendorff's alpha; 1 is perfect, 0 is chance): {'; '.join(lines)}. The intervals "
        "speak of further images."
    )
