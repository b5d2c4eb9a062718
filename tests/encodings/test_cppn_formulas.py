"""Formulas of a genome, and its network drawn: a genome of the documentation has known ones."""

import json
import re
from pathlib import Path

import jax
import numpy as np
import pytest

import fooljax
from fooljax.encodings import cppn, formulas
from fooljax.encodings.cppn.formulas import nodes_of
from fooljax.errors import InputError
from fooljax.report import draw_network
from fooljax.report.network_drawing import NEGATIVE, POSITIVE

PAGE = Path(__file__).parents[2] / "docs" / "genome-format.md"
TEXT = re.search(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]


def test_the_formulas_are_those_of_the_documentation():
    assert formulas(TEXT) == [
        "v1 = sine(0.25 x - 0.10 y + 1.00)",
        "v2 = gaussian(1.75 v1 - 3.20 distance)",
        "grey = linear(2.50 v2 + 0.50 v1)",
    ]


def test_a_node_that_nothing_reads_is_left_out():
    content = json.loads(TEXT)
    content["connections"] = [one for one in content["connections"] if one["target"] != 5]
    content["connections"] = [one for one in content["connections"] if one["source"] != 4]
    assert formulas(json.dumps(content)) == ["v1 = gaussian(0)", "grey = linear(2.50 v1)"]
    assert [node.name for node in nodes_of(json.dumps(content))] == ["v1", "grey"]


def test_colours_have_their_names():
    encoding = cppn((4, 4, 3), colour="hls")
    lines = formulas(encoding.to_json(encoding.init(jax.random.key(0))))
    assert [line.partition(" ")[0] for line in lines] == ["hue", "lightness", "saturation"]


def test_the_drawing_has_every_node_and_connection():
    figure = draw_network(TEXT)
    (axes,) = figure.axes
    words = [text.get_text() for text in axes.texts]
    assert {"x", "y", "distance", "bias", "v1\nsine", "v2\ngaussian", "grey\nlinear"} <= set(words)
    assert {"0.25", "-0.10", "1.00", "1.75", "-3.20", "2.50", "0.50"} <= set(words)
    assert [line.get_color() for line in axes.lines].count(NEGATIVE) == 2
    assert [line.get_color() for line in axes.lines].count(POSITIVE) == 5


@pytest.mark.parametrize("seed", range(3))
def test_grown_genomes_of_every_shape_can_be_drawn(seed):
    encoding = cppn((4, 4, 1))
    vary = jax.jit(lambda key, genome: encoding.vary(key, jax.tree.map(lambda leaf: leaf[None], genome), 0))
    genome = encoding.init(jax.random.key(seed))
    for key in jax.random.split(jax.random.key(seed), 40):
        genome = vary(key, genome)
        text = encoding.to_json(genome)
        nodes = nodes_of(text)
        depths = {node.name: node.depth for node in nodes}
        assert all(depths[source] < node.depth for node in nodes for source, _ in node.reads)
    figure = draw_network(text)
    assert len(figure.axes[0].lines) == sum(len(node.reads) for node in nodes)
    places = [text.get_position() for text in figure.axes[0].texts if text.get_text() in depths]
    assert len(set(places)) == len(places)
    assert np.isfinite(places).all()


@pytest.mark.parametrize("function", [formulas, draw_network])
def test_what_is_no_genome_is_refused(function):
    with pytest.raises(InputError, match="genome: expected the field 'format', found none"):
        function("{}")


def test_formulas_say_what_a_genome_draws():
    """The oracle: the formulas, computed by hand, give the encoding's pixels."""
    genome, layout, drawing = fooljax.from_json(TEXT)
    encoding = fooljax.encodings.encoding_of(layout, drawing)
    x, y, distance, _ = np.asarray(encoding.coordinates(), np.float64)
    v1 = np.sin(0.25 * x - 0.1 * y + 1.0)
    v2 = np.exp(-((1.75 * v1 - 3.2 * distance) ** 2))
    grey = np.clip(2.5 * v2 + 0.5 * v1, -3.0, 3.0) / 3.0
    drawn = np.asarray(encoding.render(genome, encoding.coordinates()))[..., 0]
    assert np.abs(drawn * 255.0 - np.abs(np.trunc(255.0 * grey))).max() <= 1.0
