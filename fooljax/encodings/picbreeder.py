"""Reads the networks that people bred on Picbreeder, from its XML files, and draws them at any size.

Picbreeder (Secretan et al. 2011) let people breed images by choosing parents; each image is a CPPN. Its
networks are not genomes of `fooljax.encodings.cppn`: a Gaussian reaches from -1 to 1, identity has no bounds,
and an output may feed other nodes. So they are drawn here, in float64, as the site drew them. They can be
shown to networks, and not be evolved further.

The inputs are x to the right, y down, each from -1 to 1 between the outermost pixels, whose centres are the
ends; the distance 1.4 sqrt(x^2 + y^2); and a bias of 1. A file has its network in `genome`, and other things,
which are ignored. Files of CPPN-X have two roots, so they are no XML documents.

Source: Secretan et al. 2011 (Picbreeder); the files that come with CPPN-X, of the Evolving AI Lab.
"""

import graphlib
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.checks import check_counts
from fooljax.encodings.colour import hsv_to_rgb
from fooljax.errors import InputError, shown
from fooljax.storage.reading import name_of, read_regular

MAX_BYTES = 2**20
"""Of a file; the largest known has an eighth of this."""
MAX_NODES = 500
"""Of a network; the largest known has 83. Each takes a number of 8 bytes for every pixel that is drawn."""
INPUTS = ("x", "y", "d", "bias")
DISTANCE_SCALE = 1.4
GREY, COLOUR = ("ink",), ("hue", "saturation", "brightness")
"""Labels of the outputs of the two kinds of networks."""

Plane = npt.NDArray[np.float64]


def _sigmoid(p: Plane) -> Plane:
    return np.tanh(0.5 * p)


FUNCTIONS: dict[str, Callable[[Plane], Plane]] = {
    "identity(x)": lambda p: p,
    "sin(x)": np.sin,
    "cos(x)": np.cos,
    "gaussian(x)": lambda p: 2.0 * np.exp(-p * p) - 1.0,
    "sigmoid(x)": _sigmoid,
}
"""By their names in a file. The sigmoid is 2 / (1 + exp(-p)) - 1, which is tanh(p / 2)."""


class Node(NamedTuple):
    """A node that is not an input.

    Attributes:
      function: a name in `FUNCTIONS`.
      sources: the places of what it reads, below its own.
      weights: one for each source.
    """

    function: str
    sources: tuple[int, ...]
    weights: tuple[float, ...]


class PicbreederGenome(NamedTuple):
    """A network.

    Attributes:
      nodes: in an order in which each can be worked out. Places 0 to 3 are `INPUTS`, and `nodes[0]` has
        place 4.
      outputs: the places of the outputs, as `GREY` or `COLOUR` names them.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]

    @property
    def in_colour(self) -> bool:
        """Whether it draws in colour."""
        return len(self.outputs) == len(COLOUR)


def read_genome(path: Path | str) -> PicbreederGenome:
    """Reads a network from a file of Picbreeder or CPPN-X.

    Args:
      path: of the XML file.
    Raises:
      InputError: the file cannot be read, is too large, is no such XML, or its network is not whole, has a
        circle, an unknown function or a weight that is no finite number.
    """
    path = Path(path)
    content = read_regular(path, MAX_BYTES)
    try:
        return _genome_of(_elements(content))
    except InputError as error:
        raise InputError(f"{name_of(path)}: {error}") from error


def _elements(content: bytes) -> ET.Element:
    """The elements of a file, below one root.

    A document type may not stand within an element. So a file cannot define entities, which could grow
    without bound, nor name other files.
    """
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InputError(f"expected XML in UTF-8, found other bytes at {error.start}") from error
    if text.startswith("<?xml"):
        text = text.partition("?>")[2]
    try:
        return ET.fromstring(f"<file>{text}</file>")
    except ET.ParseError as error:
        raise InputError(f"expected XML of Picbreeder, found {shown(error)}") from error


Key = tuple[str, str]


def _genome_of(root: ET.Element) -> PicbreederGenome:
    genomes = list(root.iter("genome"))
    if len(genomes) != 1:
        raise InputError(f"expected one genome, found {len(genomes)}")
    elements: dict[Key, ET.Element] = {}
    for element in genomes[0].iter("node"):
        key = _key(element.find("marking"), "marking of a node")
        if key in elements:
            raise InputError(f"expected different nodes, found {_named(key)} twice")
        elements[key] = element
    if len(elements) > MAX_NODES:
        raise InputError(f"expected at most {MAX_NODES} nodes, found {len(elements)}")
    inputs, outputs = (_labelled(elements, kind) for kind in ("in", "out"))
    if set(inputs) != set(INPUTS):
        raise InputError(f"expected the inputs {', '.join(INPUTS)}, found {_list(inputs)}")
    kind = next((one for one in (GREY, COLOUR) if set(outputs) == set(one)), None)
    if kind is None:
        raise InputError(f"expected the outputs ink, or {', '.join(COLOUR)}, found {_list(outputs)}")
    links = _links(genomes[0], elements, set(inputs.values()))
    order = graphlib.TopologicalSorter({key: [source for source, _ in into] for key, into in links.items()})
    try:
        inner = [key for key in order.static_order() if key in links]
    except graphlib.CycleError as error:
        raise InputError("expected a network without circles, found one that feeds itself") from error
    places = {inputs[label]: place for place, label in enumerate(INPUTS)}
    places |= {key: place for place, key in enumerate(inner, start=len(INPUTS))}
    nodes = []
    for key in inner:
        sources, weights = tuple(places[source] for source, _ in links[key]), [w for _, w in links[key]]
        nodes.append(Node(_function(elements[key]), sources, tuple(weights)))
    return PicbreederGenome(tuple(nodes), tuple(places[outputs[label]] for label in kind))


def _labelled(elements: dict[Key, ET.Element], kind: str) -> dict[str, Key]:
    found: dict[str, Key] = {}
    for key, element in elements.items():
        if element.get("type") == kind:
            label = element.get("label", "")
            if label in found:
                raise InputError(f"expected one node {shown(label, 40)}, found two")
            found[label] = key
    return found


def _links(
    genome: ET.Element, elements: dict[Key, ET.Element], inputs: set[Key]
) -> dict[Key, list[tuple[Key, float]]]:
    """What each node that is not an input reads, and with which weights."""
    links: dict[Key, list[tuple[Key, float]]] = {key: [] for key in elements if key not in inputs}
    for element in genome.iter("link"):
        source, target = (_key(element.find(end), f"{end} of a link") for end in ("source", "target"))
        if source not in elements or target not in links:
            missing = target if source in elements else source
            raise InputError(f"expected links between nodes of the file, found one with {_named(missing)}")
        text = element.findtext("weight", "")
        try:
            weight = float(text)
        except ValueError:
            weight = np.nan
        if not np.isfinite(weight):
            raise InputError(f"expected finite numbers as weights, found {shown(repr(text), 40)}")
        links[target].append((source, weight))
    return links


def _key(element: ET.Element | None, what: str) -> Key:
    branch, number = (None, None) if element is None else (element.get("branch"), element.get("id"))
    if branch is None or number is None:
        raise InputError(f"expected branch and id in the {what}, found none")
    return branch, number


def _function(element: ET.Element) -> str:
    name = element.findtext("activation", "").strip()
    if name not in FUNCTIONS:
        raise InputError(f"expected activations out of {', '.join(FUNCTIONS)}, found {shown(name, 40)}")
    return name


def _named(key: Key) -> str:
    return shown(f"branch {key[0]} id {key[1]}", 60)


def _list(labels: dict[str, Key]) -> str:
    return shown(", ".join(labels) or "none", 80)


def draw_genome(genome: PicbreederGenome, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Draws a network.

    Grey is min(|ink|, 1). In colour, HSV: the hue is hue + 1 in turns, of which whole turns do not count,
    saturation is cut to [0, 1], and the value is min(|brightness|, 1).

    Args:
      genome: the network.
      height: pixels.
      width: pixels.
    Returns:
      `[height, width, 1]` or, in colour, `[height, width, 3]` uint8, RGB. Levels are rounded.
    Raises:
      InputError: a side is not positive.
    """
    check_counts(height=(height, 1), width=(width, 1))
    y, x = np.meshgrid(_side(height), _side(width), indexing="ij")
    values = [x, y, DISTANCE_SCALE * np.hypot(x, y), np.ones_like(x)]
    # A product that is too large is infinite, and then no number at all: both are cut below.
    with np.errstate(over="ignore", invalid="ignore"):
        for node in genome.nodes:
            total = np.zeros_like(x)
            for source, weight in zip(node.sources, node.weights, strict=True):
                total += weight * values[source]
            values.append(FUNCTIONS[node.function](total))
    found = [np.nan_to_num(values[place]) for place in genome.outputs]
    if genome.in_colour:
        hue, saturation, brightness = found
        hsv = np.mod(hue + 1.0, 1.0), np.clip(saturation, 0.0, 1.0), np.minimum(np.abs(brightness), 1.0)
        levels = np.stack(hsv_to_rgb(*(jnp.asarray(one, jnp.float32) for one in hsv)), axis=-1)
    else:
        levels = np.minimum(np.abs(found[0]), 1.0)[..., None]
    return np.rint(255.0 * levels).astype(np.uint8)


def _side(pixels: int) -> Plane:
    return np.linspace(-1.0, 1.0, pixels) if pixels > 1 else np.zeros(1)
