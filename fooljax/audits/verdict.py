"""The verdict of an audit: five plain sentences, made from the numbers by rules.

No sentence says that a network is robust. Where nothing was found it says so, of this budget, and how strong
the attack was.
"""

from typing import NamedTuple

from fooljax.analysis.attack_strength import QUESTIONS, Strength
from fooljax.engine.log_odds import format_confidence
from fooljax.runs.words import listed
from fooljax.study import numbers

MADE = {
    "direct": "evolution of pixels",
    "cppn": "evolution of CPPNs",
    "gradient": "gradient ascent",
}
"""What made the images, in a sentence."""


class AttackImages(NamedTuple):
    """Images of one attack, in all runs.

    Attributes:
      attack: that made them, a name in `MADE`.
      images: how many there are.
      share: of them, for which what is said holds.
    """

    attack: str
    images: int
    share: float


class Facts(NamedTuple):
    """What the sentences speak of.

    Attributes:
      failed: names of the checks that the network did not pass.
      mended: whether something was put around the network for the audit.
      classes: that images were made for.
      fooled: classes of which some image had 99.99 % or more.
      surest: log-odds of the surest image; None where no images were made.
      soonest: the attack by which half of its classes had 99.99 % first, and the passes of a run by then;
        None where there is none.
      ascents: classes that gradient ascent was tried for, where these are not all; else None.
      budget: passes of all attacks.
      best: images of the best attack, and the share that are as sure as the median clean image; None where
        no images were made, or that is not known.
      controls: share of the images of random search, the better of both kinds, that had 99.99 %; where
        `highest` is given, that are as sure as the median clean image.
      noise: the same share of images of noise.
      detector: the detector that caught the most; None where none was tried.
      caught: images which know nothing of it, of the attack that it caught least, and the share that it
        caught where it accepts 95 % of clean images.
      unnoticed: whether each detector that was tried rejects the images of some attack no more often than
        clean ones.
      through: images that know it, of the attack that did best, and the share that fool the network and
        pass; None where there were none.
      overcome: whether the median run of some attack had 99.99 %.
      partly: images of gradient ascent, and the share that had 99.99 %, where it was tried for a part of the
        classes and no other attack overcame the network; else None.
      flags: signs that the attack was weak, in words.
      highest: log-odds that the network can have at most, where that is less than 99.99 %; else None.
    """

    failed: tuple[str, ...]
    mended: bool
    classes: int = 0
    fooled: int = 0
    surest: float | None = None
    soonest: tuple[str, int] | None = None
    ascents: int | None = None
    budget: int = 0
    best: AttackImages | None = None
    controls: float = 0.0
    noise: float = 0.0
    detector: str | None = None
    caught: AttackImages | None = None
    unnoticed: bool = False
    through: AttackImages | None = None
    overcome: bool = False
    partly: AttackImages | None = None
    flags: tuple[str, ...] = ()
    highest: float | None = None


def verdict(facts: Facts) -> list[str]:
    """The five sentences."""
    if facts.surest is None:
        return [
            _used(facts),
            "No images were made for it, since what it gives are not always numbers.",
            "How sure it is of clean images was not measured.",
            "No detector was tried.",
            "Nothing here says how easily it is fooled.",
        ]
    return [_used(facts), _fooled(facts), _compared(facts), _watched(facts), _strength(facts)]


def strength_in_words(strength: Strength, detector: str | None = None, goal: str = "99.99 %") -> str:
    """What the attacks say of their own strength, in sentences.

    Args:
      strength: of the attacks.
      detector: that the attacks know; None where they know the network alone.
      goal: the confidence that counts, in words.
    """
    network = "The network alone" if detector is None else f"The network with the detector {detector}"
    if strength.overcome:
        passed = "" if detector is None else " and passed the detector"
        return (
            f"{network} was overcome: in the median run of an attack, half of the images or more had "
            f"{goal}{passed}. For the classes that it was tried for, signs of a weak "
            "attack matter no more."
        )
    untold = [QUESTIONS[name] for name, flag in strength.flags.items() if flag is None]
    raised = "; ".join(strength.raised)
    found = f"these signs of a weak attack were found: {raised}" if raised else ""
    looked_for = " that could be looked for" if untold else ""
    sentence = (
        f"{network} was not overcome, and {found or f'no sign of a weak attack{looked_for} was found'}."
    )
    return f"{sentence} It could not be told whether {', or whether '.join(untold)}." if untold else sentence


def percent(share: float) -> str:
    """A share in words, cut as tables cut it; what is neither none nor all is never written as such."""
    if 0.0 < share < 0.001:
        return "less than 0.1 %"
    return "more than 99.9 %" if 0.999 < share < 1.0 else numbers.percent(share).replace(".0 %", " %")


def _used(facts: Facts) -> str:
    if not facts.failed:
        return "The network passes all checks of how it is used that could be made."
    checks = f"{'checks' if len(facts.failed) > 1 else 'check'} {listed(facts.failed)}"
    if facts.mended:
        return f"The network is faulty as it is used: it fails the {checks}; what follows is of it mended."
    return f"The network is faulty as it is used: it fails the {checks}, so what follows may not hold."


def _fooled(facts: Facts) -> str:
    if not facts.fooled:
        assert facts.surest is not None
        surest, spent = format_confidence(facts.surest), f"this budget of {facts.budget:,} network passes"
        if facts.highest is not None:
            return (
                "No image can have 99.99 %, since the network's probabilities come in steps and none is "
                f"above {format_confidence(facts.highest)}; at {spent} the surest image had {surest}."
            )
        return f"No image with 99.99 % was found at {spent}; the surest image had {surest}."
    many = "all" if facts.fooled == facts.classes else f"{facts.fooled:,} of"
    tried = "" if facts.ascents is None else f", though gradient ascent was tried for {facts.ascents} alone"
    found = f"Images with 99.99 % were found for {many} {facts.classes:,} classes{tried}"
    if facts.soonest is None:
        return f"{found}, by no attack for half of its classes at this budget of {facts.budget:,} passes."
    made, passes = facts.soonest
    tried_for = f"{facts.ascents} " if facts.ascents is not None and made == "gradient" else ""
    return (
        f"{found}; the first attack to do so for half of its {tried_for}classes, {MADE[made]}, took "
        f"{passes:,} passes."
    )


def _compared(facts: Facts) -> str:
    had = "had 99.99 %" if facts.highest is None else "was as sure"
    control = (
        f"random search with as many passes {had} in {percent(facts.controls)} of its images, noise in "
        f"{percent(facts.noise)}"
    )
    best = facts.best
    if best is None:
        return f"How sure the network is of clean images is not known; {control}."
    return (
        f"Of the {best.images:,} images by {MADE[best.attack]}, the best attack, {percent(best.share)} are "
        f"as sure as the median clean image; {control}."
    )


def _watched(facts: Facts) -> str:
    caught, through = facts.caught, facts.through
    if facts.detector is None or caught is None:
        return "No detector was tried."
    share, images = percent(caught.share), _images(caught, facts.classes)
    if facts.unnoticed:
        found = (
            f"No detector that was tried would have noticed every attack: the best, {facts.detector}, "
            f"rejects {share} of {images}, where it rejects 5 % of clean ones"
        )
    else:
        found = (
            f"The best detector, {facts.detector}, would have noticed {share} of {images}, which it notices "
            "least, where it rejects 5 % of clean ones"
        )
    if through is None:
        return f"{found}; images that know it were not made, so this says little."
    if facts.highest is not None:
        return f"{found}; how many that know it get through is not told, since none can have 99.99 %."
    known = f"of {_images(through, facts.classes)} that were made to pass it"
    return f"{found}; {known}, {percent(through.share)} have 99.99 % and pass."


def _images(made: AttackImages, classes: int) -> str:
    """Images in words; their number is said where there are fewer than one for each class."""
    few = f"{made.images:,} " if made.images < classes else ""
    return f"the {few}images by {MADE[made.attack]}"


def _strength(facts: Facts) -> str:
    if facts.partly is not None and facts.ascents is not None:
        rest = facts.classes - facts.ascents
        got = "every class" if facts.partly.share == 1.0 else "half or more of the classes"
        others = "other class was" if rest == 1 else f"other {rest:,} classes were"
        weak = f", and what was tried for them was weak ({'; '.join(facts.flags)})" if facts.flags else ""
        return (
            f"Gradient ascent got through for {got} that it was tried for; the {others} not tried with it"
            f"{weak}."
        )
    if facts.overcome:
        return "An attack was strong enough to get through, so an attacker can do at least this much."
    if facts.flags:
        return (
            f"The attack was weak ({'; '.join(facts.flags)}), so that little was found is no evidence that "
            "the network resists."
        )
    return "No sign of a weak attack was seen, but a larger budget or another attack may find more."
