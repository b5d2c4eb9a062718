"""The page of an audit, made from `audit.json` and the images beside it alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fooljax.analysis.thresholds import LEAST_TEMPERATURE
from fooljax.audits import leaderboard
from fooljax.audits.comparing import attack_name, compare, generator_name
from fooljax.audits.record import Audit, ClassLine
from fooljax.audits.reference_audits import references_for
from fooljax.detectors.registry import EXPLANATIONS as LOOKS_AT
from fooljax.engine.log_odds import FOOLED, format_confidence
from fooljax.report import alternative_texts, audit_tables
from fooljax.report.audit_figure import attacks_and_levels
from fooljax.report.pictures import Picture, figure_picture, link
from fooljax.report.templates import write_html
from fooljax.report.thumbnails import thumbnail
from fooljax.study.attacks import FRESH
from fooljax.study.generators import EXPLANATIONS

PAGE = "index.html"
PICTURES = 20
"""Images on the page, at most: half of them the easiest classes, half the hardest."""
LISTED = 40
"""Classes that a table shows at once; of more the rest is behind a switch."""


class Shown(NamedTuple):
    """An image on the page.

    Attributes:
      line: its class.
      picture: the image, or a smaller one.
      link: to its file.
      alt: what it is, in words.
    """

    line: ClassLine
    picture: Picture
    link: str
    alt: str


def write_audit_page(folder: Path, audit: Audit, compared: Sequence[Audit] = ()) -> Path:
    """Writes `index.html`; equal audits and images give equal bytes.

    Args:
      folder: of the audit, with its images.
      audit: what it found.
      compared: audits that it is held against, number by number. Those of well known networks that come with
        fooljax stand beside it in any case.
    Returns:
      The path of the page.
    Raises:
      InputError: an image is missing or damaged.
      FaultError: the page cannot be written.
    """
    levels = _levels(audit)
    alone = {attack_name(one): one for one in audit.attacks if one.knows is None}
    medians = {name: one.log_odds.interval() for name, one in alone.items()}
    controls = [name for name, one in alone.items() if one.generator not in FRESH]
    figure = attacks_and_levels(medians, levels, controls)
    chosen = audit.classes
    if len(chosen) > PICTURES:
        chosen = (*chosen[: PICTURES // 2], *chosen[-PICTURES // 2 :])
    write_html(
        folder / PAGE,
        "audit.html",
        page={"title": f"Audit of {audit.network.name}"},
        audit=audit,
        pictures=[_shown(folder, line) for line in chosen],
        classes=audit_tables.classes(audit),
        listed=LISTED,
        passes=audit_tables.passes(audit.attacks),
        levels=audit_tables.levels_reached(audit.attacks),
        figure=figure_picture(figure, "figure"),
        figure_alt=alternative_texts.of_audit_figure(medians, levels),
        caught=audit_tables.caught(audit, controls=False),
        controls_caught=audit_tables.caught(audit, controls=True),
        known=audit_tables.known(audit),
        told_apart=audit_tables.told_apart(audit),
        judges=audit_tables.judges(audit),
        transfer=audit_tables.transfer(audit),
        survival=audit_tables.survival(audit),
        budget=audit_tables.budget(audit),
        networks=audit_tables.networks([audit, *references_for(audit), *compared]),
        words=leaderboard.WORDS.replace("**", "").replace("\n", " "),
        comparisons=[compare(audit, one) for one in compared],
        size=leaderboard.size(audit.network.image_shape),
        named=generator_name,
        looks_at={one.name: LOOKS_AT[one.name] for one in audit.detectors if one.name in LOOKS_AT},
        explanations={generator_name(name): EXPLANATIONS[name] for name in _generators(audit)},
        thresholds=audit.thresholds,
        least_temperature=LEAST_TEMPERATURE,
        clean_levels=[(share, format_confidence(odds)) for share, odds in _known_levels(audit).items()],
        confidence_of=format_confidence,
    )
    return folder / PAGE


def _shown(folder: Path, line: ClassLine) -> Shown:
    made_by = EXPLANATIONS.get(line.generator, line.generator)
    alt = alternative_texts.of_audit_image(line.name, made_by, line.log_odds)
    return Shown(line, thumbnail(folder, line.image), link(line.image), alt)


def _levels(audit: Audit) -> dict[str, float]:
    """The lines of the figure."""
    found = {"99.99 %": FOOLED}
    return found | {f"{share} of clean images": odds for share, odds in _known_levels(audit).items()}


def _known_levels(audit: Audit) -> dict[str, float]:
    """Log-odds that shares of clean images reach."""
    clean = audit.thresholds
    levels = {"half": clean.clean_median, "95 %": clean.tau95, "99 %": clean.tau99}
    return {share: odds for share, odds in levels.items() if odds is not None}


def _generators(audit: Audit) -> list[str]:
    names = dict.fromkeys(one.generator for one in audit.attacks)
    return [name for name in names if name in EXPLANATIONS]
