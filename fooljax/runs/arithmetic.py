"""How exactly the network computed in a run: what `summary.json` says of it, and a sentence for its page."""

from collections.abc import Mapping
from typing import Any

from fooljax.engine.placement import default_products, place_of
from fooljax.engine.precision import FULL, precision_of_search
from fooljax.engine.types import Target
from fooljax.host_targets import HostFunction

FLOAT32 = "float32"
OWN = "its own"
"""Of a network that is asked on the host: nobody but its author knows."""
ROUNDED = {
    "TF32": "TF32, which keeps 10 of the 23 bits of a float32 number",
    "bfloat16": "bfloat16, which keeps 7 of the 23 bits of a float32 number",
}
"""Types that devices round factors to, in words."""


def products_of(target: Target) -> dict[str, str]:
    """The type that the factors of the network's products were rounded to, by what was computed.

    Args:
      target: the network.
    Returns:
      "search" and "scores" by name; the second are the scores of saved images.
    """
    if isinstance(target.apply, HostFunction):
        return {"search": OWN, "scores": OWN}
    asked = precision_of_search()
    by_default = default_products(place_of(target.params))
    return {"search": {None: by_default, FULL: FLOAT32}.get(asked, str(asked)), "scores": FLOAT32}


def in_words(summary: Mapping[str, Any], work: str) -> list[str]:
    """A sentence on the arithmetic of a run; none where the summary does not tell it, as in older folders.

    Args:
      summary: content of `summary.json`.
      work: what the run did, as "the search".
    """
    facts = summary.get("precision")
    if not isinstance(facts, Mapping):
        return []
    search, scores = str(facts.get("search", FLOAT32)), str(facts.get("scores", FLOAT32))
    if search == scores == OWN:
        return ["The network was asked outside of JAX, in the precision that its author chose."]
    if search == scores:
        return [f"The network computed in {scores}, both in {work} and when the saved images were scored."]
    return [
        f"In {work} the network multiplied numbers that were rounded to {ROUNDED.get(search, search)}. The "
        f"saved images were scored in full {scores} precision."
    ]
