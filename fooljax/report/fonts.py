"""Fonts for names in any script: Matplotlib's own has no Chinese, Japanese, Korean and some others.

A character that it lacks is looked for in the fonts of the machine. Nothing is looked for otherwise, so that
names in Latin, Greek or Cyrillic letters give the same pixels on every machine.
"""

import functools
import logging
import os

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from fooljax.report.style import own_style

MISSING = "?"
"""Stands for a character that no font has."""
OWN = "DejaVu Sans"
"""Comes with Matplotlib."""
logger = logging.getLogger("fooljax")


def can_draw(text: str) -> bool:
    """Whether a font on this machine has every character."""
    return all(_family(character) is not None for character in set(text))


def label(name: str, index: int) -> str:
    """What a picture calls a class: its name, or its index where no font has the name's characters.

    Args:
      name: of the class.
      index: of the class.
    Returns:
      One line of text.
    """
    name = " ".join(name.split())
    if can_draw(name):
        return name
    _say_once()
    return str(index)


def fit(text: Text) -> Text:
    """Gives a text fonts that have its characters, and takes it for no formula."""
    content = "".join(one if _family(one) is not None else MISSING for one in text.get_text())
    text.set_text(content)
    text.set_parse_math(False)
    families = [family for family in map(_family, sorted(set(content))) if family not in (None, OWN)]
    if families:
        text.set_fontfamily(list(dict.fromkeys([OWN, *map(str, families)])))
    return text


@functools.lru_cache(maxsize=1)
def _say_once() -> None:
    logger.warning(
        "no font on this machine has all characters of the class names; the pictures show such classes by "
        "their numbers"
    )


@functools.lru_cache(maxsize=4096)
def _family(character: str) -> str | None:
    """The name of a family of fonts that has a character; None where there is none."""
    # Control characters, direction marks and lone surrogates are no letters, whatever a font says.
    if not character.isprintable() and character != "\n":
        return None
    if character == "\n" or ord(character) in _characters(OWN):
        return OWN
    return next((name for name in _others() if ord(character) in _characters(name)), None)


@functools.lru_cache(maxsize=1)
def _others() -> tuple[str, ...]:
    """Families by name; without those that draw a box for whatever character."""
    names = {entry.name for entry in font_manager.fontManager.ttflist} - {OWN}
    return tuple(sorted(name for name in names if not name.startswith("Last Resort")))


@functools.cache
@own_style()
def _characters(family: str) -> frozenset[int]:
    """Code points that a family's normal and bold faces both have; none where one cannot be used."""
    found: list[frozenset[int]] = []
    for weight in ("normal", "bold"):
        try:
            path = font_manager.findfont(
                font_manager.FontProperties(family=[family], weight=weight), fallback_to_default=False
            )
            font = FT2Font(os.fspath(path))
        except (OSError, RuntimeError, ValueError):
            return frozenset()
        # Fonts of pictures (emoji) have no outlines, which Matplotlib wants.
        found.append(frozenset(font.get_charmap()) if font.scalable else frozenset())
    return frozenset.intersection(*found)
