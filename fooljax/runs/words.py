"""What a page says of a run to a stranger: its title and its introduction, composed of two parts.

One part is about the network that is fooled, the other about the encoding that makes the images.
"""

from collections.abc import Sequence
from typing import NamedTuple


class NetworkWords(NamedTuple):
    """How people call the network that is fooled.

    Attributes:
      short: for a title, as "a digit network".
      long: for a sentence, as "a network trained on handwritten digits".
      unused: what the search never sees, as "image of a digit".
    """

    short: str
    long: str
    unused: str


class EncodingWords(NamedTuple):
    """How people call the encoding that makes the images.

    Attributes:
      title: ends a title, as ", pixel by pixel".
      lines: sentences on what an image is made of and how it changes.
    """

    title: str
    lines: tuple[str, ...]


DIGITS = NetworkWords("a digit network", "a network trained on handwritten digits", "image of a digit")
PHOTOGRAPHS = NetworkWords("a photograph network", "a network trained on photographs", "photograph")

DIRECT = EncodingWords(
    ", pixel by pixel",
    (
        "Each image is a list of pixel values.",
        "This is the direct encoding of Nguyen, Yosinski and Clune 2015.",
        "The first images are random noise.",
        "In every generation some of the best images so far are copied, and a few values of each copy are "
        "changed at random.",
    ),
)
CPPN = EncodingWords(
    " with drawn patterns",
    (
        "Each image is drawn by a small network of its own (a CPPN).",
        "This is the indirect encoding of Nguyen, Yosinski and Clune 2015.",
        "The drawing network is given the place of a pixel, and answers with its grey or colour.",
        "In every generation some of the drawing networks with the best images so far are copied, and the "
        "weights, functions, nodes and connections of each copy are changed at random.",
    ),
)


def own_network(name: str) -> NetworkWords:
    """Words for a network that does not come with fooljax; its name stands in quotes, as it may be any."""
    if name == "network":  # nobody gave it a name
        return NetworkWords("a network", "a network", "image of its training")
    called = f"the network “{name}”"
    return NetworkWords(called, called, "image of its training")


def own_encoding(name: str) -> EncodingWords:
    """Words for an encoding that does not come with fooljax."""
    lines = (
        f"Each image is made from a genome of the encoding {name}.",
        "In every generation some of the genomes with the best images so far are varied at random.",
    )
    return EncodingWords(f" with the encoding {name}", lines)


def title(network: NetworkWords, encoding: EncodingWords) -> str:
    """The title of the page."""
    return f"Fooling {network.short}{encoding.title}"


def introduction(network: NetworkWords, encoding: EncodingWords) -> tuple[str, ...]:
    """The paragraphs that begin the page."""
    return (
        f"Images are evolved until {network.long} names them with near certainty.",
        " ".join(encoding.lines)
        + " When the network is surer of some class for a copy than for the best image of that class so far, "
        "the copy takes its place. The search only asks the network how sure it is. It does not change the "
        f"network, and it uses no {network.unused}.",
    )


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "a, b and c"."""
    return " and ".join([", ".join(words[:-1])] * (len(words) > 1) + list(words[-1:]))
