"""Numbers that somebody wrote into a template by hand instead of taking them from a row."""

import re

import jinja2

from docs import publish

CONSTANTS = (0.5, 0.9, 0.99, 0.999, 0.9999, 40_000, 50_000, 150_000, 2**30)
"""What may stand in expressions: levels of confidence, passes at which a search is looked at, a GiB."""
NUMBER = re.compile(
    r"(?<![A-Za-z\d])\d[\d.,]*"
    r"|\b(?:none|one|two|three|four|five|six|seven|eight|nine|ten) (?:of|in) "
    r"|\b(?i:three|four|five|six|seven|eight|nine|ten) (?:\w+ )?"
    r"(?:runs|networks|LeNets|ResNets|chains|seeds|rounds|photographs)\b"
    r"|\b(?:eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|"
    r"half|(?:a|one) (?:third|quarter)|thirds|quarters|twice|double)\b"
)


def written_by_hand(source, allowed):
    """Numbers in a template that no row gives.

    Of numbers from three to ten in words, those are found that stand before what a result is measured over.
    Others say how many digits there are, or what a figure shows, and two of something is often any two.

    Args:
      source: the template.
      allowed: regular expressions of phrases whose numbers are no results.
    Returns:
      What was found, each with the words around it.
    """
    found = []
    tree = publish.environment().parse(source)
    keys = {id(one.arg) for one in tree.find_all(jinja2.nodes.Getitem)}  # what names a figure does not print
    for constant in tree.find_all(jinja2.nodes.Const):
        value = "" if id(constant) in keys else constant.value
        if isinstance(value, float | int) and value not in (True, False, *range(10), *CONSTANTS):
            found.append(f"in an expression: {value}")
        if isinstance(value, str) and re.search(r"\d.*[ %]|[ %].*\d", value) and _digits(value, allowed):
            found.append(f"in an expression: {value}")
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", source, flags=re.DOTALL)
    text = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", text, flags=re.DOTALL)
    return found + _digits(text, allowed)


def _digits(text, allowed):
    text = re.sub(r"\s+", " ", text)
    for phrase in allowed:
        text = re.sub(phrase, " ", text)
    return [text[max(0, one.start() - 30) : one.end() + 20] for one in NUMBER.finditer(text)]
