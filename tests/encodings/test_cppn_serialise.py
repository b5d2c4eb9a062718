import copy
import dataclasses
import json
import random
import re
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import fooljax
from fooljax.encodings.cppn import genome_network, genome_text, serialise
from fooljax.encodings.cppn.genome import CPPN, Layout, validate
from fooljax.encodings.cppn.genome_network import Drawing
from fooljax.encodings.cppn.serialise import from_json, to_json
from fooljax.errors import InputError

PAGE = Path(__file__).parents[2] / "docs" / "genome-format.md"
FUNCTIONS = {
    "sine": np.sin,
    "sigmoid": lambda p: 2 / (1 + np.exp(-p)) - 1,
    "gaussian": lambda p: np.exp(-(p**2)),
    "linear": lambda p: np.clip(p, -3, 3) / 3,
}
DRAWING = Drawing(functions=tuple(FUNCTIONS), coordinates="raw", size=(28, 28), colour="grey")
TEXT = re.search(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
"""The page's example: inputs 0-3, hidden 4 and 5, output 6."""


def read(text, **options):
    return from_json(text, functions=FUNCTIONS, **options)


def changed(change):
    content = json.loads(TEXT)
    change(content)
    return json.dumps(content)


def assert_same(first: CPPN, second: CPPN):
    for name in ("num_hidden", "num_connections", "functions", "sources", "targets", "weights"):
        one, other = np.asarray(getattr(first, name)), np.asarray(getattr(second, name))
        assert one.dtype == other.dtype, name
        assert one.shape == other.shape, name
        assert one.tobytes() == other.tobytes(), name


def evaluate(genome: CPPN, layout: Layout, functions, points):
    """Outputs `[B, K]` at points `[B, I]`, by the definition: node by node, connection by connection."""
    used = int(genome.num_connections)
    sources, targets, weights = (
        np.asarray(leaf)[:used] for leaf in (genome.sources, genome.targets, genome.weights)
    )
    hidden = range(layout.num_inputs, layout.num_inputs + int(genome.num_hidden))
    values = np.zeros((len(points), layout.max_nodes), np.float32)
    values[:, : layout.num_inputs] = points
    for row in (*hidden, *range(layout.first_output, layout.max_nodes)):
        total = np.zeros(len(points), np.float32)
        for index in np.flatnonzero(targets == row):
            total += weights[index] * values[:, sources[index]]
        with np.errstate(over="ignore"):  # exp of a great number: the sigmoid is -1
            values[:, row] = FUNCTIONS[functions[int(genome.functions[row])]](total)
    return values[:, layout.first_output :]


@st.composite
def genomes(draw):
    """Any valid genome of a small layout: parallel connections, dead ends and padding included."""
    colour, num_outputs = draw(st.sampled_from([("grey", 1), ("hls", 3), ("hsv", 3), ("rgb", 3)]))
    num_inputs, num_hidden = draw(st.integers(1, 4)), draw(st.integers(0, 6))
    rows = num_inputs + num_hidden + draw(st.integers(0, 3)) + num_outputs
    functions, connections = np.zeros(rows, np.int32), []
    hidden = range(num_inputs, num_inputs + num_hidden)
    for row in (*hidden, *range(rows - num_outputs, rows)):
        functions[row] = draw(st.integers(0, len(FUNCTIONS) - 1))
        below = min(row, num_inputs + num_hidden)
        ends = st.tuples(st.integers(0, below - 1), st.just(row), st.floats(-10, 10, width=32))
        connections += draw(st.lists(ends, max_size=num_inputs + 3))
    used = len(connections)
    room = max(num_inputs * num_outputs, used) + draw(st.integers(0, 3))
    layout = Layout(num_inputs, num_outputs, rows, room)
    sources, targets = np.zeros(room, np.int32), np.zeros(room, np.int32)
    weights = np.zeros(room, np.float32)
    for index, connection in enumerate(connections):
        sources[index], targets[index], weights[index] = connection
    genome = CPPN(
        num_hidden=np.array(num_hidden, np.int32),
        num_connections=np.array(used, np.int32),
        functions=functions,
        sources=sources,
        targets=targets,
        weights=weights,
    )
    validate(genome, layout, len(FUNCTIONS))
    drawing = Drawing(
        functions=tuple(draw(st.permutations(list(FUNCTIONS)))),
        coordinates=draw(st.sampled_from(["raw", "scaled"])),
        size=(draw(st.integers(1, 65536)), draw(st.integers(1, 65536))),
        colour=colour,
        inputs=("x", "y", "distance", "bias")[:num_inputs],
    )
    return genome, layout, drawing


@settings(deadline=None)
@given(genomes())
def test_round_trip_is_exact(case):
    genome, layout, drawing = case
    text = to_json(genome, layout, drawing)
    again, found_layout, found_drawing = read(text, layout=layout)
    assert_same(again, genome)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(again))
    assert (found_layout, found_drawing) == (layout, drawing)
    assert to_json(again, layout, drawing) == text


@settings(deadline=None)
@given(genomes())
def test_smallest_layout_holds_the_same_network(case):
    genome, layout, drawing = case
    text = to_json(genome, layout, drawing)
    small, least, _ = read(text)
    assert least.max_hidden == int(genome.num_hidden)
    assert least.max_connections == max(least.num_inputs * least.num_outputs, int(genome.num_connections))
    assert to_json(small, least, drawing) == text


@settings(deadline=None)
@given(genomes(), st.randoms(use_true_random=False))
def test_shuffled_and_renumbered_network_computes_the_same(case, rng):
    genome, layout, drawing = case
    content = json.loads(to_json(genome, layout, drawing))
    known = [item["id"] for item in (*content["inputs"], *content["nodes"])]
    new = dict(zip(known, rng.sample(range(2**31), len(known)), strict=True))
    for item in (*content["inputs"], *content["nodes"]):
        item["id"] = new[item["id"]]
    content["outputs"] = [new[identity] for identity in content["outputs"]]
    for item in content["connections"]:
        item.update(source=new[item["source"]], target=new[item["target"]])
    rng.shuffle(content["nodes"])
    targets = [item["target"] for item in content["connections"]]
    rng.shuffle(targets)  # interleaves the targets, and keeps the order within each
    queues = {
        target: iter([c for c in content["connections"] if c["target"] == target]) for target in targets
    }
    content["connections"] = [next(queues[target]) for target in targets]
    names = list(content)
    rng.shuffle(names)

    again, _, found = read(json.dumps({name: content[name] for name in names}), layout=layout)
    points = np.random.default_rng(0).uniform(-20, 20, (9, layout.num_inputs)).astype(np.float32)
    expected = evaluate(genome, layout, drawing.functions, points)
    assert np.array_equal(evaluate(again, layout, found.functions, points), expected)
    assert found == drawing


def test_page_example_is_what_is_written_and_means_what_the_page_says():
    genome, layout, drawing = read(TEXT)
    assert layout == Layout(4, 1, 7, 7)
    assert drawing == DRAWING
    assert to_json(genome, layout, drawing) == TEXT
    x, y, distance, bias = 3.0, 7.0, 0.5, 1.0
    v4 = np.sin(0.25 * x - 0.1 * y + bias)
    v5 = np.exp(-((1.75 * v4 - 3.2 * distance) ** 2))
    v6 = np.clip(2.5 * v5 + 0.5 * v4, -3, 3) / 3
    found = evaluate(genome, layout, drawing.functions, np.array([[x, y, distance, bias]], np.float32))
    np.testing.assert_allclose(found, [[v6]], rtol=1e-5)


def test_page_states_the_limits():
    page = PAGE.read_text()
    for limit in (genome_text.MAX_BYTES, genome_network.MAX_NODES, genome_network.MAX_SIZE):
        assert f"{limit:,}" in page
    for name in (
        *genome_network.OUTPUTS,
        *genome_network.COORDINATES,
        *serialise.KNOWN_FUNCTIONS,
        *genome_network._FIELDS,
    ):
        assert f"`{name}`" in page or f'`"{name}"`' in page


def test_known_functions_are_the_default():
    assert set(FUNCTIONS) <= serialise.KNOWN_FUNCTIONS
    assert_same(from_json(TEXT)[0], read(TEXT)[0])


def test_bytes_are_utf8():
    assert_same(read(TEXT.encode())[0], read(TEXT)[0])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0.1", np.float32(0.1)),
        ("3", np.float32(3)),
        ("-0.0", np.float32(-0.0)),
        ("1e-45", np.float32(1e-45)),
        ("1e-60", np.float32(0)),
        ("9.9999999999", np.float32(10)),
        ("1." + "0" * 390, np.float32(1)),
    ],
)
def test_weights_are_rounded_to_float32(written, expected):
    genome, _, _ = read(TEXT.replace("0.25", written))
    assert np.asarray(genome.weights)[0].tobytes() == expected.tobytes()


def test_sorting_keeps_the_first_order_there_is():
    def change(content):  # 9 reads 7; 8 stands alone
        content["nodes"] = [{"id": identity, "function": "sine"} for identity in (9, 8, 7, 6)]
        content["nodes"][1]["function"], content["nodes"][2]["function"] = "sigmoid", "gaussian"
        content["connections"] = [{"source": 7, "target": 9, "weight": 1}]

    genome, _, drawing = read(changed(change))
    names = [drawing.functions[function] for function in genome.functions[4:]]
    assert names == ["sigmoid", "gaussian", "sine", "sine"]  # 8, 7, 9, the output
    assert (int(genome.sources[0]), int(genome.targets[0])) == (5, 6)


def change_at(path, value):
    def change(content):
        *steps, last = path
        for step in steps:
            content = content[step]
        content[last] = value

    return changed(change)


def removed(*path):
    def change(content):
        for step in path[:-1]:
            content = content[step]
        del content[path[-1]]

    return changed(change)


def joined(source, target, weight=1.0):
    return changed(
        lambda content: content["connections"].append({"source": source, "target": target, "weight": weight})
    )


def many_nodes(content):
    content["nodes"] += [{"id": 10 + index, "function": "sine"} for index in range(genome_network.MAX_NODES)]


def long_cycle(content):
    count = 20_000
    content["nodes"] += [{"id": 10 + index, "function": "sine"} for index in range(count)]
    content["connections"] += [
        {"source": 10 + index, "target": 10 + (index + 1) % count, "weight": 1} for index in range(count)
    ]


REFUSALS = {
    "empty": ("", "text: expected JSON, found an error: Expecting value"),
    "not JSON": ("{\n'a': 1}", "text: expected JSON, found an error"),
    "cut off": (TEXT[:300], "text: expected JSON"),
    "trailing": (TEXT + "{}", "text: expected JSON, found an error: Extra data"),
    "byte order mark": ("\ufeff" + TEXT, "text: expected JSON"),
    "not UTF-8": (TEXT.encode("utf-16"), "text: expected JSON, found an error: 'utf-8'"),
    "null": ("null", "text: expected a JSON object, found null"),
    "list": ("[1, 2]", "text: expected a JSON object, found a list of 2"),
    "string": (json.dumps("a\nb" * 99), r"text: expected a JSON object, found 'a\\nb"),
    "too long": (" " * (genome_text.MAX_BYTES + 1), "text: expected at most 16777216 bytes, found more"),
    "too long in UTF-8": (
        "\u00e9" * (genome_text.MAX_BYTES // 2 + 1),
        "text: expected at most 16777216 bytes",
    ),
    "too long bytes": (b" " * (genome_text.MAX_BYTES + 1), "text: expected at most 16777216 bytes"),
    "lone surrogate": ('{"\ud800": 1}', "genome: expected the field 'format'"),
    "deep lists": ("[" * 200_000, "nested too deeply"),
    "deep objects": ('{"a":' * 200_000, "nested too deeply"),
    "field twice": (TEXT.replace('"version": 1', '"version": 1, "version": 1'), "found 'version' twice"),
    "empty object": ("{}", "genome: expected the field 'format', found none"),
    "format": (change_at(["format"], "neat"), "format: expected 'fooljax-cppn', found 'neat'"),
    "format type": (change_at(["format"], ["fooljax-cppn"]), "format: expected .*, found a list of 1"),
    "version": (change_at(["version"], 2), "version: expected 1, found 2"),
    "version bool": (change_at(["version"], True), "version: expected 1, found true"),
    "version float": (change_at(["version"], 1.0), "version: expected 1, found 1.0"),
    "version missing": (removed("version"), "expected the field 'version', found none"),
    **{
        f"{name} missing": (removed(name), f"genome: expected the field '{name}', found none")
        for name in genome_network._FIELDS
    },
    **{
        f"{name} null": (change_at([name], None), f"{name}: expected .*, found null")
        for name in genome_network._FIELDS
    },
    "unknown field": (change_at(["author"], "A"), "genome: expected only .*, found 'author'"),
    "coordinates": (
        change_at(["coordinates"], "polar"),
        "coordinates: expected raw or scaled, found 'polar'",
    ),
    "colour": (change_at(["colour"], "cmyk"), "colour: expected grey or hls or hsv or rgb, found 'cmyk'"),
    "colour object": (change_at(["colour"], {}), "colour: expected .*, found an object"),
    "size one": (change_at(["size"], [28]), "size: expected height and width, found a list of 1"),
    "size zero": (change_at(["size", 0], 0), r"size\[0\]: expected an integer in 1 to 65536, found 0"),
    "size great": (
        change_at(["size", 1], 65537),
        r"size\[1\]: expected an integer in 1 to 65536, found 65537",
    ),
    "size bool": (change_at(["size", 1], True), r"size\[1\]: expected an integer .*, found true"),
    "size float": (change_at(["size", 1], 28.0), r"size\[1\]: expected an integer .*, found 28.0"),
    "no functions": (change_at(["functions"], []), "functions: expected at least 1, found none"),
    "unknown function": (
        change_at(["functions", 0], "step"),
        r"functions\[0\]: expected one of gaussian, linear, sigmoid, sine, found 'step'",
    ),
    "function twice": (change_at(["functions", 1], "sine"), r"functions\[1\]: .* found 'sine' twice"),
    "function name type": (change_at(["functions", 1], 7), r"functions\[1\]: expected a name .*, found 7"),
    "no inputs": (change_at(["inputs"], []), "inputs: expected at least 1, found none"),
    "input name type": (
        change_at(["inputs", 1, "name"], None),
        r"inputs\[1\]: expected a name .* found null",
    ),
    "input name empty": (change_at(["inputs", 1, "name"], ""), r"inputs\[1\]: expected a name .*, found ''"),
    "input name lines": (change_at(["inputs", 1, "name"], "a\n\u2028b"), r"inputs\[1\]: expected a name"),
    "input name long": (
        change_at(["inputs", 1, "name"], "a" * 65),
        r"inputs\[1\]: expected a name .*aaa\.\.\.",
    ),
    "input name twice": (change_at(["inputs", 1, "name"], "x"), r"inputs\[1\]: .* found 'x' twice"),
    "input without name": (removed("inputs", 1, "name"), r"inputs\[1\]: expected the field 'name'"),
    "input unknown field": (
        change_at(["inputs", 1, "z"], 1),
        r"inputs\[1\]: expected only id, name, found 'z'",
    ),
    "input type": (change_at(["inputs", 1], "x"), r"inputs\[1\]: expected an object, found 'x'"),
    "id bool": (change_at(["inputs", 1, "id"], True), r"inputs\[1\].id: expected an integer .* found true"),
    "id negative": (change_at(["inputs", 1, "id"], -1), r"inputs\[1\].id: expected an integer .* found -1"),
    "id string": (change_at(["nodes", 1, "id"], "5"), r"nodes\[1\].id: expected an integer .* found '5'"),
    "id great": (change_at(["nodes", 1, "id"], 2**31), r"nodes\[1\].id: .* found 2147483648"),
    "id huge": (change_at(["nodes", 1, "id"], 10**300), r"nodes\[1\].id: .* found 1000000000.*\.\.\."),
    "id twice": (change_at(["nodes", 1, "id"], 4), r"nodes\[1\].id: expected each id once, found 4 twice"),
    "id of an input": (change_at(["nodes", 1, "id"], 0), r"nodes\[1\].id: .* found 0 twice"),
    "number huge": (TEXT.replace("0.25", "1" * 5000), "numbers of at most 400 characters, found 5000"),
    "node function": (change_at(["nodes", 0, "function"], "tanh5"), r"nodes\[0\].function: .* found 'tanh5'"),
    "node function type": (change_at(["nodes", 0, "function"], []), r"nodes\[0\].function: .* a list of 0"),
    "node function missing": (removed("nodes", 0, "function"), r"nodes\[0\]: expected the field 'function'"),
    "too many nodes": (changed(many_nodes), "nodes: expected at most 65536 with the inputs, found 65543"),
    "outputs two": (change_at(["outputs"], [5, 6]), "outputs: expected 1 for colour grey, found 2"),
    "outputs none": (change_at(["outputs"], []), "outputs: expected 1 for colour grey, found 0"),
    "outputs colour": (change_at(["colour"], "hls"), "outputs: expected 3 for colour hls, found 1"),
    "output unknown": (change_at(["outputs"], [77]), r"outputs\[0\]: expected the id of a node, found 77"),
    "output an input": (change_at(["outputs"], [3]), r"outputs\[0\]: expected the id of a node, found 3"),
    "output type": (change_at(["outputs"], [6.0]), r"outputs\[0\]: expected an integer .* found 6.0"),
    "output twice": (
        changed(lambda content: content.update(colour="rgb", outputs=[6, 5, 6])),
        r"outputs\[2\]: expected each node once, found 6 twice",
    ),
    "dangling source": (joined(99, 6), r"connections\[7\].source: .* input or node, found 99"),
    "dangling target": (joined(0, 99), r"connections\[7\].target: .* input or node, found 99"),
    "end type": (joined("0", 6), r"connections\[7\].source: expected an integer .* found '0'"),
    "into an input": (joined(4, 0), r"connections\[7\].target: expected a hidden node .* the input 0"),
    "out of an output": (joined(6, 4), r"connections\[7\].source: expected an input .* the output 6"),
    "cycle of one": (joined(4, 4), "connections: expected no cycle, found one through node 4"),
    "cycle of two": (joined(5, 4), "connections: expected no cycle, found one through node [45]"),
    "cycle of many": (changed(long_cycle), "connections: expected no cycle, found one through node 10$"),
    "weight NaN": (joined(0, 6, float("nan")), "text: expected finite numbers, found NaN"),
    "weight infinite": (joined(0, 6, float("-inf")), "text: expected finite numbers, found -Infinity"),
    "weight overflow": (TEXT.replace("0.25", "1e999"), r"connections\[0\].weight: .* found Infinity"),
    "weight great": (joined(0, 6, 10.000001), r"weight: expected a number in \[-10, 10\], found 10.000001"),
    "weight huge": (
        joined(0, 6, -(10**350)),
        r"weight: expected a number in \[-10, 10\], found -1000.*\.\.\.",
    ),
    "weight bool": (joined(0, 6, True), "weight: expected a number .*, found true"),
    "weight string": (joined(0, 6, "1"), "weight: expected a number .*, found '1'"),
    "weight missing": (removed("connections", 0, "weight"), r"connections\[0\]: expected the field 'weight'"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refuses_in_one_line(name):
    text, message = REFUSALS[name]
    with pytest.raises(InputError, match=message) as refusal:
        read(text)
    assert len(str(refusal.value).splitlines()) == 1
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (Layout(3, 1, 9, 10), "inputs: expected 3 for this layout, found 4"),
        (Layout(4, 3, 9, 12), "outputs: expected 3 for this layout, found 1"),
        (Layout(4, 1, 6, 10), "nodes: expected at most 1 hidden ones for this layout, found 2"),
        (Layout(4, 1, 7, 9), "connections: expected at most 9 for this layout, found 10"),
        (Layout(4, 1, 2, 10), "max_nodes: expected at least 5"),
        (Layout(4, 1, 7, 3), "max_connections: expected at least 4"),
    ],
)
def test_refuses_a_layout_without_room(layout, message):
    text = changed(
        lambda content: content["connections"].extend(copy.deepcopy(content["connections"][5:6] * 3))
    )
    with pytest.raises(InputError, match=message) as refusal:
        read(text, layout=layout)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": ("x", "y")}, "inputs: expected 4 names, found 2"),
        ({"inputs": ("x", "y", "distance", "a b")}, r"inputs\[3\]: expected a name .*, found 'a b'"),
        ({"colour": "rgb"}, "outputs: expected 3 for colour rgb, found 1"),
        ({"coordinates": "polar"}, "coordinates: expected raw or scaled"),
        ({"size": (28, 0)}, r"size\[1\]: expected an integer in 1 to 65536, found 0"),
        ({"size": (28, np.int64(28))}, r"size\[1\]: expected an integer .*, found np.int64\(28\)"),
        ({"functions": ("sine", "sine", "gaussian", "linear")}, r"functions\[1\]: .* 'sine' twice"),
        ({"functions": ("sine",)}, r"functions\[5\]: expected 0 to 0, got 2"),
    ],
)
def test_does_not_write_what_it_would_not_read(change, message):
    genome, layout, drawing = read(TEXT)
    with pytest.raises(InputError, match=message) as refusal:
        to_json(genome, layout, dataclasses.replace(drawing, **change))
    assert "\n" not in str(refusal.value)


def test_writes_one_valid_float32_genome_only():
    genome, layout, drawing = read(TEXT)
    weights = np.asarray(genome.weights)
    for wrong, message in (
        (genome.replace(weights=weights.astype(np.float64)), "weights: expected float32, got float64"),
        (genome.replace(weights=weights * np.nan), "weights: expected numbers in"),
        (jax.tree.map(lambda leaf: np.asarray(leaf)[None], genome), "num_hidden: expected integers"),
    ):
        with pytest.raises(InputError, match=message):
            to_json(wrong, layout, drawing)


def test_does_not_write_too_long_a_text(monkeypatch):
    case = read(TEXT)
    monkeypatch.setattr(serialise, "MAX_BYTES", 500)
    with pytest.raises(InputError, match="genome: expected at most 500 bytes as JSON, found 841"):
        to_json(*case)


def test_a_long_chain_listed_backwards_is_read():
    count = 5000

    def change(content):
        content["nodes"] = [{"id": 10 + index, "function": "sine"} for index in reversed(range(count))]
        content["outputs"] = [10 + count - 1]
        content["connections"] = [
            {"source": 9 + index, "target": 10 + index, "weight": 1} for index in range(1, count)
        ]

    genome, layout, _ = read(changed(change))
    assert layout.max_hidden == int(genome.num_hidden) == count - 1
    assert np.array_equal(genome.sources, np.arange(4, 3 + count))
    assert np.array_equal(genome.targets, np.arange(5, 4 + count))


def survives(text):
    """Either a refusal of one line, or a genome that validates and round-trips."""
    try:
        genome, layout, drawing = read(text)
    except InputError as error:
        refusal = str(error)
        genome = None
    if genome is None:
        assert len(refusal.splitlines()) == 1
        return
    validate(genome, layout, len(drawing.functions))
    assert_same(read(to_json(genome, layout, drawing), layout=layout)[0], genome)


SNIPPETS = st.one_of(
    st.sampled_from(
        ["", "null", "true", "-", "1e999", "NaN", "[", "]", "{", "}", ",", '"', "\\ud800", "0.5", "-7"]
    ),
    st.text(max_size=5),
    st.integers(-20, 20).map(str),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(TEXT)), st.integers(0, 12), SNIPPETS), min_size=1, max_size=4))
@example([(0, 0, "")])
def test_mutated_text_is_refused_or_valid(edits):
    text = TEXT
    for start, length, snippet in edits:
        text = text[:start] + snippet + text[start + length :]
    survives(text)


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 9),
        st.integers(),
        st.floats(),
        st.sampled_from(["sine", "hls", "scaled", "x"]),
        st.text(max_size=3),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.randoms(use_true_random=False), VALUES), min_size=1, max_size=3))
@example([(random.Random(0), 0)])
def test_mutated_values_are_refused_or_valid(edits):
    content = json.loads(TEXT)
    for rng, value in edits:
        inside = content
        while True:
            if not isinstance(inside, dict | list) or not inside:
                break
            key = rng.choice(list(inside) if isinstance(inside, dict) else range(len(inside)))
            if not isinstance(inside[key], dict | list) or rng.random() < 0.2:
                inside[key] = value
                break
            inside = inside[key]
    survives(json.dumps(content))


def test_a_genome_that_was_read_is_drawn_as_before():
    encoding = fooljax.encodings.cppn((9, 14, 3), functions=("cos", "linear"), coordinates="scaled")
    genome = encoding.init(jax.random.key(3))
    text = encoding.to_json(genome)
    read, layout, drawing = fooljax.from_json(text)
    again = fooljax.encodings.encoding_of(layout, drawing)
    assert again.image_shape == (9, 14, 3)
    images = [
        np.asarray(jax.jit(made.render)(one, made.coordinates()))
        for made, one in ((encoding, genome), (again, read))
    ]
    np.testing.assert_array_equal(*images)
    other = dataclasses.replace(drawing, inputs=("x", "y", "distance", "time"))
    with pytest.raises(InputError, match=r"^inputs: expected x, y, distance, bias, got x, y, distance, time"):
        fooljax.encodings.encoding_of(layout, other)
    with pytest.raises(InputError, match=r"^functions: expected one of paper, no_sine, wide, got odd"):
        fooljax.encodings.cppn((9, 14, 3), functions="odd")
