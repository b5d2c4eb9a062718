"""What the page of a gradient ascent says to a stranger."""

from collections.abc import Sequence

from fooljax.gradient import PRESETS
from fooljax.runs.words import NetworkWords, listed

ADAM = ("adam", "adam_smooth")


def title(network: NetworkWords) -> str:
    """The title of the page."""
    return f"Gradient ascent on {network.short}"


def introduction(network: NetworkWords, methods: Sequence[str]) -> tuple[str, ...]:
    """The paragraphs that begin the page."""
    published = [name for name in methods if name in PRESETS]
    adam = [name for name in methods if name in ADAM]
    lines = [
        "This is the comparison for evolution in section 3.9 of Nguyen, Yosinski and Clune 2015.",
        "Evolution only asks the network how sure it is.",
        "Gradient ascent looks inside the network, and computes for every pixel how a change of it would "
        "change the network's answer.",
    ]
    if published:
        lines.append(
            f"{_methods(published)} {'use' if len(published) > 1 else 'uses'} the authors' rule, with "
            "settings that they published for another network, CaffeNet."
        )
    if adam:
        lines.append(f"{_methods(adam)} {'use' if len(adam) > 1 else 'uses'} Adam, a common optimiser.")
    return (
        f"Images are changed step by step, in the direction in which {network.long} becomes surer of some "
        "class.",
        " ".join(lines),
    )


def notes(methods: Sequence[str]) -> tuple[str, ...]:
    """What the page cannot show."""
    published = (
        "The authors chose the published settings for CaffeNet, which names photographs of 1,000 classes. "
        "How well they do on another network says nothing of the paper's results.",
    )
    return (
        *(published if any(name in PRESETS for name in methods) else ()),
        "Whether a person recognises a class in these images was not measured.",
    )


def words_of(network: NetworkWords, methods: Sequence[str]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The title, the introduction and the notes of the page."""
    return title(network), introduction(network, methods), notes(methods)


def _methods(names: Sequence[str]) -> str:
    return f"The method{'s' if len(names) > 1 else ''} {listed(names)}"
