"""Two audits held against each other: like with like, and what is not alike is said."""

from collections.abc import Iterator
from typing import NamedTuple

from fooljax.analysis.statistics import Interval, difference_interval
from fooljax.audits.leaderboard import FOOLED, size
from fooljax.audits.record import Attack, Audit
from fooljax.study import numbers
from fooljax.study.generators import SHORT_NAMES

MEASURES = {
    FOOLED: "images at 99.99 %",
    "tau95": "images as sure as 95 % of clean images",
    "log_odds": "median log-odds",
}


class Line(NamedTuple):
    """One number of both audits.

    Attributes:
      attack: how the images were made.
      measure: what was counted.
      first, second: the number of each audit.
      difference: first less second with its interval, or why none is given.
    """

    attack: str
    measure: str
    first: str
    second: str
    difference: str


class Comparison(NamedTuple):
    """What two audits say of two networks.

    Attributes:
      first, second: the networks' names.
      notes: sentences on what is not alike.
      lines: the numbers of all attacks that both audits made.
    """

    first: str
    second: str
    notes: tuple[str, ...]
    lines: tuple[Line, ...]


def compare(first: Audit, second: Audit) -> Comparison:
    """Holds two audits against each other.

    A difference is given where both attacks had the same network passes, and both networks know as many
    classes of images of one shape; of levels that come from clean images, where these are the same images.

    Args:
      first: whose page it is.
      second: the other.
    """
    unlike = list(_unlike(first, second))
    clean = first.data.described == second.data.described and first.data.images == second.data.images
    others = {(one.generator, one.knows): one for one in second.attacks}
    pairs = [
        (one, others[one.generator, one.knows])
        for one in first.attacks
        if (one.generator, one.knows) in others
    ]
    lines = [
        Line(attack_name(one), measure, *_figures(one, other, level, bool(unlike), clean))
        for one, other in pairs
        for level, measure in MEASURES.items()
        if level == "log_odds" or (level in one.shares and level in other.shares)
    ]
    alone = [attack_name(one) for one in first.attacks if (one.generator, one.knows) not in others]
    left_out = f"Only this audit has: {', '.join(alone)}." if alone else ""
    notes = [*unlike, "" if clean else _clean_differs(first, second), _budgets(pairs), left_out]
    return Comparison(first.network.name, second.network.name, tuple(filter(None, notes)), tuple(lines))


def attack_name(attack: Attack) -> str:
    """An attack as tables call it."""
    name = generator_name(attack.generator)
    return f"{name}, knowing {attack.knows}" if attack.knows else name


def generator_name(generator: str) -> str:
    """A generator as tables call it; one that is not known keeps its name."""
    return SHORT_NAMES.get(generator, generator)


def _unlike(first: Audit, second: Audit) -> Iterator[str]:
    one, other = first.network, second.network
    if one.classes != other.classes:
        yield f"The networks know {one.classes:,} and {other.classes:,} classes: no differences are formed."
    if one.image_shape != other.image_shape:
        shapes = f"{size(one.image_shape)} and {size(other.image_shape)}"
        yield f"Their images have {shapes} values: no differences are formed."


def _clean_differs(first: Audit, second: Audit) -> str:
    one, other = (f"{each.data.described} ({each.data.images:,})" for each in (first, second))
    return f"The clean images differ: {one}, and {other}. So levels that come from them differ too."


def _budgets(pairs: list[tuple[Attack, Attack]]) -> str:
    differing = [
        f"{attack_name(one)} had {one.passes:,} and {other.passes:,} network passes"
        for one, other in pairs
        if one.passes != other.passes
    ]
    return f"The budgets differ: {'; '.join(differing)}." if differing else ""


def _figures(one: Attack, other: Attack, level: str, unlike: bool, clean: bool) -> tuple[str, str, str]:
    """The number of each, and their difference."""
    odds = level == "log_odds"
    first, second = (
        each.log_odds.interval() if odds else each.shares[level].interval() for each in (one, other)
    )
    written = numbers.signed if odds else numbers.shares
    apart = difference_interval(first, second)
    if unlike:
        said = "not formed: other images or classes"
    elif one.passes != other.passes:
        said = "not formed: other budgets"
    elif level.startswith(("tau", "clean")) and not clean:
        said = "not formed: other clean images"
    elif odds:
        said = numbers.signed(apart)
    else:
        said = f"{numbers.signed(Interval(*(100 * value for value in apart)), 1)} points"
    return written(first), written(second), said
