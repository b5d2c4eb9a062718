"""CPPN genomes under mutation: always valid, with the authors' rates and meaning."""

import collections
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lowered_text import KERNEL

from benchmarks.operations import text_for
from fooljax.encodings.cppn import mutation_steps as steps
from fooljax.encodings.cppn.genome import CPPN, Layout, first_genome, pad, validate, validate_all
from fooljax.encodings.cppn.lowering import LOWERINGS
from fooljax.encodings.cppn.mutation import Rates, make_mutate
from fooljax.encodings.cppn.rearranging import ONE_BY_ONE, TOGETHER
from fooljax.errors import InputError

LAYOUT = Layout(4, 1, 24, 30)
USUAL = Rates()
ALWAYS = Rates(1.0, 15.0, *[1.0] * 5)
FORMS = pytest.mark.parametrize("how", [ONE_BY_ONE, TOGETHER], ids=["one by one", "together"])
STILL = Rates(*([0.0, 15.0] + [0.0] * 5))


def many(count, layout=LAYOUT, seed=0):
    return jax.vmap(lambda key: first_genome(key, layout, 4))(jax.random.split(jax.random.key(seed), count))


def one(genomes, index):
    return jax.tree.map(lambda leaf: leaf[index], genomes)


@functools.cache
def step(rates=USUAL, layout=LAYOUT, lowering=None):
    return jax.jit(jax.vmap(make_mutate(layout, 4, rates, lowering)))


@pytest.fixture(scope="module")
def grown():
    """Populations after 0, 5, 40 and 120 mutations without selection: the last ones are full."""
    genomes, advance, seen = many(64), step(), {}
    for generation in range(121):
        if generation in (0, 5, 40, 120):
            seen[generation] = jax.device_get(genomes)
        genomes = advance(jax.random.split(jax.random.key(100 + generation), 64), genomes)
    return seen


@pytest.mark.parametrize("generation", [0, 5, 40, 120])
def test_any_chain_of_mutations_is_valid(grown, generation):
    for index in range(64):
        validate(one(grown[generation], index), LAYOUT, 4)


def test_chains_grow_and_fill_up(grown):
    assert grown[0].num_hidden.max() == 0
    assert 0.5 < grown[5].num_hidden.mean() < 3
    assert grown[120].num_hidden.max() == LAYOUT.max_hidden
    assert grown[120].num_connections.max() == LAYOUT.max_connections


def joined(*populations):
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *populations)


@pytest.fixture(scope="module")
def all_kinds(grown):
    """Thousands of genomes: new, grown and full ones, some without connections, some with one hidden node."""
    bare = many(64).replace(num_connections=np.zeros(64, np.int32))
    bare = jax.tree.map(np.asarray, bare.replace(**{name: 0 * getattr(bare, name) for name in EDGES}))
    alone = bare.replace(num_hidden=np.ones(64, np.int32))
    split = step(STILL._replace(add_node=1.0))(jax.random.split(jax.random.key(2), 64), many(64))
    kinds = joined(*grown.values(), bare, alone, jax.device_get(split))
    validate_all(kinds, LAYOUT, 4)
    return jax.tree.map(lambda leaf: np.tile(leaf, (6, *(1,) * (leaf.ndim - 1))), kinds)


EDGES = ("sources", "targets", "weights")


@pytest.mark.optimised
@pytest.mark.parametrize(
    "rates",
    [pytest.param(USUAL, marks=pytest.mark.slow), ALWAYS, USUAL._replace(fine=0.7, fine_connection=0.5)],
)
def test_all_forms_give_the_same_genomes(all_kinds, rates):
    """Bit for bit, of every kind of genome."""
    keys = jax.random.split(jax.random.key(3), len(all_kinds.num_hidden))
    forms = [step(rates, lowering=lowering)(keys, all_kinds) for lowering in LOWERINGS]
    serial, *others = map(jax.device_get, forms)
    assert differs(serial, all_kinds).any()
    for other in others:
        assert not differs(serial, other).any()
        assert np.array_equal(np.signbit(serial.weights), np.signbit(other.weights))


@pytest.mark.optimised
def test_a_genome_alone_and_runs_of_populations_are_mutated_alike(grown):
    keys = jax.random.split(jax.random.key(3), 64)
    serial = jax.device_get(step(lowering="serial")(keys, grown[120]))
    alone = jax.jit(make_mutate(LAYOUT, 4, USUAL))(keys[5], one(grown[120], 5))
    assert not differs(jax.tree.map(lambda leaf: leaf[None], alone), one(serial, slice(5, 6))).any()
    runs = jax.tree.map(lambda leaf: leaf.reshape(4, 16, *leaf.shape[1:]), grown[120])
    nested = jax.jit(jax.vmap(jax.vmap(make_mutate(LAYOUT, 4, USUAL))))(keys.reshape(4, 16), runs)
    flat = jax.tree.map(lambda leaf: np.asarray(leaf).reshape(64, *leaf.shape[2:]), nested)
    assert not differs(flat, serial).any()


@pytest.mark.parametrize(("platform", "kernels"), [("cuda", 1), ("tpu", 0)])
def test_mutation_is_one_kernel_on_a_gpu_and_has_no_loop(platform, kernels):
    """And no scatter. The forms for CPUs are left out."""
    arguments = jax.eval_shape(lambda: (jax.random.split(jax.random.key(0), 64), many(64)))
    text = text_for(platform, step(), *arguments)
    for absent in ("scatter", "xla_cpu_small_call", "stablehlo.while"):
        assert absent not in text
    assert text.count(KERNEL) == kernels


COLOUR = Layout(4, 3, 40, 30)
LAYOUTS = [Layout(4, 1, 5, 9), Layout(1, 1, 9, 1), COLOUR, Layout(2, 2, 70, 20)]
"""No room for hidden nodes; one connection; colour; two outputs and more nodes than connections."""


@functools.cache
def chain(layout, lowering):
    """Mutates eight genomes a dozen times; compiled once for a layout and a form."""

    def run(key):
        start, *keys = jax.random.split(key, 13)
        genomes = jax.vmap(lambda k: first_genome(k, layout, 4))(jax.random.split(start, 8))
        advance = jax.vmap(make_mutate(layout, 4, USUAL, lowering))
        scanned = jax.lax.scan(
            lambda g, k: (advance(jax.random.split(k, 8), g), None), genomes, jnp.stack(keys)
        )
        return scanned[0]

    return jax.jit(run)


@pytest.mark.parametrize(
    "layout",
    [pytest.param(layout, marks=pytest.mark.slow) if layout == COLOUR else layout for layout in LAYOUTS],
)
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31 - 1))
def test_any_layout_is_kept_valid_and_all_forms_agree(seed, layout):
    serial, *others = (
        jax.device_get(chain(layout, lowering)(jax.random.key(seed))) for lowering in LOWERINGS
    )
    for other in others:
        assert not differs(serial, other).any()
    for index in range(8):
        validate(one(serial, index), layout, 4)


def differs(first, second):
    leaves = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return np.any([np.any((a != b).reshape(len(a), -1), axis=1) for a, b in leaves], axis=0)


@pytest.mark.parametrize("name", ["add_connection", "delete_connection", "add_node", "delete_node"])
def test_each_step_happens_at_its_rate(grown, name):
    genomes = jax.tree.map(lambda leaf: np.repeat(leaf, 40, axis=0), grown[40])
    room = genomes.num_hidden < LAYOUT.max_hidden
    room = np.flatnonzero(room & (genomes.num_connections < LAYOUT.max_connections))
    genomes = jax.tree.map(lambda leaf: leaf[room], genomes)
    genomes = jax.tree.map(lambda leaf: leaf[genomes.num_hidden > 0], genomes)
    count = len(genomes.num_hidden)
    assert count > 500
    after = step(STILL._replace(**{name: 0.4}))(jax.random.split(jax.random.key(5), count), genomes)
    changed = differs(genomes, jax.device_get(after)).mean()
    assert changed == pytest.approx(0.4, abs=4 * np.sqrt(0.24 / count) + 0.01)


def test_weights_and_functions_change_at_their_rates(grown):
    genomes = jax.tree.map(lambda leaf: np.repeat(leaf, 20, axis=0), grown[40])
    keys = jax.random.split(jax.random.key(6), len(genomes.num_hidden))
    after = jax.device_get(step(STILL._replace(weight=0.1))(keys, genomes))
    used = np.arange(LAYOUT.max_connections) < genomes.num_connections[:, None]
    moves = (after.weights - genomes.weights)[used]
    assert np.mean(moves != 0) == pytest.approx(0.1, abs=0.01)
    # The paper's protocol: a mean step of 1.18 in weight units (a little less where weights are clipped).
    assert np.abs(moves[moves != 0]).mean() == pytest.approx(1.15, abs=0.1)
    after = jax.device_get(step(STILL._replace(function=0.1))(keys, genomes))
    row = np.arange(LAYOUT.max_nodes)
    has = ((row >= 4) & (row < 4 + genomes.num_hidden[:, None])) | (row == LAYOUT.first_output)
    # Of the functions drawn again, one in four stays what it was.
    assert np.mean((after.functions != genomes.functions)[has]) == pytest.approx(0.075, abs=0.01)


@pytest.mark.parametrize("lowering", ["serial", "batched"])
def test_fine_children_have_only_their_weights_moved_a_little(grown, lowering):
    genomes = jax.tree.map(lambda leaf: np.repeat(leaf, 20, axis=0), grown[40])
    keys = jax.random.split(jax.random.key(8), len(genomes.num_hidden))
    after = jax.device_get(step(STILL._replace(fine=1.0), lowering=lowering)(keys, genomes))
    chance = 1.0 - 4 / np.maximum(genomes.num_connections, 4)
    moved = after.weights != genomes.weights
    used = np.arange(LAYOUT.max_connections) < genomes.num_connections[:, None]
    assert np.sum(moved[used]) / np.sum(used) == pytest.approx(
        0.3 * np.sum(chance * genomes.num_connections) / np.sum(used), rel=0.05
    )
    # The mean of polynomial steps is the range / (eta + 2).
    assert np.mean(np.abs(after.weights - genomes.weights)[moved]) == pytest.approx(20 / 302, rel=0.05)
    for name in ("num_hidden", "num_connections", "functions", "sources", "targets"):
        np.testing.assert_array_equal(getattr(after, name), getattr(genomes, name))


def test_the_larger_a_drawing_the_more_of_its_children_are_fine(grown):
    for generation in (0, 5, 40):
        genomes = jax.tree.map(lambda leaf: np.repeat(leaf, 40, axis=0), grown[generation])
        some = genomes.num_connections > 0
        genomes = jax.tree.map(functools.partial(np.compress, some, axis=0), genomes)
        keys = jax.random.split(jax.random.key(9), len(genomes.num_hidden))
        after = jax.device_get(step(STILL._replace(delete_connection=1.0, fine=0.8))(keys, genomes))
        expected = 0.8 * np.mean(1.0 - 4 / np.maximum(genomes.num_connections, 4))
        kept = np.mean(after.num_connections == genomes.num_connections)
        assert kept == pytest.approx(expected, abs=2 / np.sqrt(len(keys)))
    assert expected > 0.4


def test_fine_children_step_by_one_scale_or_by_many(grown):
    """And with a share above 1 all children of a drawing that has grown to twice its size are fine ones."""
    large = jax.tree.map(lambda leaf: leaf[grown[40].num_connections >= 8], grown[40])
    genomes = jax.tree.map(lambda leaf: np.repeat(leaf, 10, axis=0), large)
    keys = jax.random.split(jax.random.key(11), len(genomes.num_hidden))
    used = np.arange(LAYOUT.max_connections) < genomes.num_connections[:, None]
    # Weights in the middle, where none is clipped.
    genomes = genomes.replace(weights=np.where(used, np.float32(1.0), np.float32(0.0)))

    def sizes(**rates):
        """The middle step of each child."""
        found = step(USUAL._replace(fine=2.0, fine_weight=1.0, **rates))(keys, genomes)
        assert not differs(
            genomes.replace(weights=0 * genomes.weights), found.replace(weights=0 * found.weights)
        ).any()
        moves = np.where(used, np.abs(np.asarray(found.weights) - genomes.weights), np.nan)
        return np.nanmedian(moves, axis=1)

    one, many = sizes(fine_eta=100.0), sizes(fine_eta=10.0, fine_eta_most=10_000.0)
    low, high = np.percentile(one, (10, 90))
    assert high < 3.0 * low
    low, high = np.percentile(many, (10, 90))
    assert 100.0 < high / low < 1_000.0


@pytest.mark.parametrize("lowering", ["serial", "batched"])
def test_some_fine_children_gain_a_connection_that_weighs_little(grown, lowering):
    genomes = jax.tree.map(lambda leaf: np.repeat(leaf, 20, axis=0), grown[40])
    some = (genomes.num_connections > 0) & (genomes.num_connections < LAYOUT.max_connections)
    genomes = jax.tree.map(functools.partial(np.compress, some, axis=0), genomes)
    rates = STILL._replace(fine=1.0, fine_weight=0.0, fine_connection=0.25)
    keys = jax.random.split(jax.random.key(10), len(genomes.num_hidden))
    after = jax.device_get(step(rates, lowering=lowering)(keys, genomes))
    grew = after.num_connections > genomes.num_connections
    chance = 0.25 * np.mean(1.0 - 4 / np.maximum(genomes.num_connections, 4))
    assert np.mean(grew) == pytest.approx(chance, abs=2 / np.sqrt(len(keys)))
    assert not differs(genomes, after)[~grew].any()
    old, new = (jax.tree.map(functools.partial(np.compress, grew, axis=0), tree) for tree in (genomes, after))
    weights = []
    for index in range(len(new.num_hidden)):
        first, second = one(old, index), one(new, index)
        validate(second, LAYOUT, 4)
        gained = collections.Counter(edge[2] for edge in edges(second))
        gained.subtract(edge[2] for edge in edges(first))
        ((weight, count),) = [(weight, count) for weight, count in gained.items() if count]
        assert count == 1
        weights.append(weight)
    assert np.max(np.abs(weights)) <= 0.3
    assert np.mean(np.abs(weights)) == pytest.approx(0.15, abs=0.02)


def test_nothing_changes_at_rate_zero(grown):
    after = step(STILL)(jax.random.split(jax.random.key(7), 64), grown[40])
    assert not differs(grown[40], jax.device_get(after)).any()


def edges(genome):
    """Connections as (source, target, weight), sorted."""
    used = int(genome.num_connections)
    leaves = (np.asarray(leaf)[:used].tolist() for leaf in (genome.sources, genome.targets, genome.weights))
    return sorted(zip(*leaves, strict=True))


def test_a_split_connection_gives_its_weight_to_both_halves():
    genome = first_genome(jax.random.key(0), LAYOUT, 4)
    alone = jax.tree.map(lambda leaf: leaf[None], genome)
    after = one(
        jax.device_get(step(STILL._replace(add_node=1.0))(jax.random.split(jax.random.key(1), 1), alone)), 0
    )
    before, now, output = edges(genome), edges(after), LAYOUT.first_output
    assert after.num_hidden == 1
    (gone,) = set(before) - set(now)
    assert gone[1] == output
    assert set(now) - set(before) == {(gone[0], 4, gone[2]), (4, output, gone[2])}


@FORMS
def test_delete_after_add_restores_the_genome(how):
    """A new connection taken away again leaves the genome that was there, bit for bit."""
    genome = first_genome(jax.random.key(0), LAYOUT, 4)
    add_connection, add_node, delete_node = (
        jax.jit(step, static_argnums=(2, 3))
        for step in (steps.add_connection, steps.add_node, steps.delete_node)
    )
    delete_connection = jax.jit(steps.delete_connection, static_argnums=2)
    with_edge = add_connection(jnp.asarray([0.0, 0.3, 0.0, 0.7]), genome, LAYOUT, how, 1.0)
    assert int(with_edge.num_connections) == 5
    without = delete_connection(jnp.asarray([0.0, 0.99]), with_edge, how, 1.0)
    for before, after in zip(jax.tree.leaves(genome), jax.tree.leaves(without), strict=True):
        np.testing.assert_array_equal(before, after)
    with_node = add_node(jnp.asarray([0.0, 0.6, 0.2]), genome, LAYOUT, how, 4, 1.0)
    without = delete_node(jnp.asarray([0.0, 0.0]), with_node, LAYOUT, how, 1.0)
    assert int(without.num_hidden) == 0
    # The node's two connections go with it, so the split one is gone; the others are as they were.
    assert set(edges(without)) < set(edges(genome))
    assert int(without.num_connections) == 3


def reachable(genome, start):
    """Rows from which `start` can be reached, and itself, by plain search."""
    found, frontier = {start}, [start]
    while frontier:
        row = frontier.pop()
        for source, target, _ in edges(genome):
            if target == row and source not in found:
                found.add(source)
                frontier.append(source)
    return found


@FORMS
def test_ancestors_equal_plain_search(grown, how):
    rows = jnp.arange(LAYOUT.max_nodes)
    ancestors = jax.jit(jax.vmap(lambda g, row: how.with_ancestors(g, rows == row)))
    for row in (0, 4, 7, 12):
        found = np.asarray(ancestors(grown[40], jnp.full(64, row)))
        for index in range(0, 64, 5):
            if row < 4 + grown[40].num_hidden[index]:
                assert set(np.flatnonzero(found[index])) == reachable(one(grown[40], index), row)


def test_new_connections_reach_every_target_that_keeps_the_graph_acyclic():
    """Targets standing before the source are reached too: the order gives way, not the choice."""
    layout = Layout(1, 1, 10, 6)
    chain = CPPN(  # Three hidden nodes, each reading only the input.
        num_hidden=np.int32(3),
        num_connections=np.int32(3),
        functions=np.zeros(10, np.int32),
        sources=np.zeros(6, np.int32),
        targets=np.asarray([1, 2, 3, 0, 0, 0], np.int32),
        weights=np.asarray([1, 2, 3, 0, 0, 0], np.float32),
    )
    validate(chain, layout, 4)
    count = 4000
    genomes = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *np.shape(leaf))), chain)
    add = step(STILL._replace(add_connection=1.0), layout)
    after = jax.device_get(add(jax.random.split(jax.random.key(0), count), genomes))
    seen = {}
    for index in range(count):
        genome = one(after, index)
        validate(genome, layout, 4)
        # The weight from the input tells which node a row is, wherever it now stands.
        name = {0: "in", 9: "out", **{target: int(w) for _, target, w in edges(genome) if w in (1, 2, 3)}}
        new = [(source, target) for source, target, w in edges(genome) if w not in (1, 2, 3)]
        assert len(new) == 1
        pair = (name[new[0][0]], name[new[0][1]])
        seen[pair] = seen.get(pair, 0) + 1
    nodes = [1, 2, 3]
    expected = {("in", n): 1 / 16 for n in [*nodes, "out"]}
    expected |= {(a, b): 1 / 12 for a in nodes for b in [*nodes, "out"] if a != b}
    assert set(seen) == set(expected)
    for pair, share in expected.items():
        assert seen[pair] / count == pytest.approx(share, abs=5 * np.sqrt(share / count))


def test_padding_keeps_a_genome_valid(grown):
    wide = Layout(4, 1, 60, 90)
    for index in range(0, 64, 9):
        genome = one(grown[40], index)
        padded = pad(genome, LAYOUT, wide)
        validate(padded, wide, 4)
        renamed = [(s, 59 if t == LAYOUT.first_output else t, w) for s, t, w in edges(genome)]
        assert edges(padded) == sorted(renamed)
    with pytest.raises(InputError, match=r"^new: expected a layout with at least the room"):
        pad(genome, LAYOUT, Layout(4, 1, 20, 30))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_hidden": np.int32(20)}, r"^num_hidden: expected 0 to 19, got 20"),
        ({"num_hidden": np.float32(0)}, r"^num_hidden: expected integers"),
        ({"num_connections": np.int32(41)}, r"^num_connections: expected 0 to 30, got 41"),
        ({"weights": (0, 10.5)}, r"^weights: expected numbers in \[-10, 10\]"),
        ({"weights": (0, np.nan)}, r"^weights: expected numbers"),
        ({"weights": (5, 1.0)}, r"^weights: expected 0 in the places beyond 4"),
        ({"sources": (0, 4)}, r"^sources\[0\]: expected a row below 4, got 4"),
        ({"sources": (0, -1)}, r"^sources\[0\]: expected a row below 4, got -1"),
        ({"targets": (1, 22)}, r"^targets\[1\]: expected a hidden node or an output, got 22"),
        ({"targets": (1, 24)}, r"^targets\[1\]: expected a hidden node or an output, got 24"),
        (
            {"num_hidden": np.int32(1), "targets": (1, 4)},
            r"^targets\[1\]: expected 23 or more \(sorted\), got 4",
        ),
        ({"functions": (23, 4)}, r"^functions\[23\]: expected 0 to 3, got 4"),
        ({"functions": (2, 1)}, r"^functions\[2\]: expected 0 in an input or padding, got 1"),
    ],
)
def test_broken_genomes_are_named(change, message):
    genome = jax.device_get(first_genome(jax.random.key(0), LAYOUT, 4))
    changed = {}
    for name, value in change.items():
        if isinstance(value, tuple):
            place, number = value
            changed[name] = np.array(getattr(genome, name))
            changed[name][place] = number
        else:
            changed[name] = value
    with pytest.raises(InputError, match=message):
        validate(genome.replace(**changed), LAYOUT, 4)


def test_many_genomes_are_checked_as_one_is(grown):
    """One place after the other of grown genomes gets a wrong number, or another right one."""
    rng = np.random.default_rng(0)
    sound = grown[40]
    count = len(sound.num_hidden)
    validate_all(sound, LAYOUT, 4)
    refused = 0
    for turn in range(300):
        genomes = jax.tree.map(np.array, sound)
        name = ("num_hidden", "num_connections", "functions", "sources", "targets", "weights")[turn % 6]
        leaf, index = getattr(genomes, name), int(rng.integers(count))
        numbers = [-(2**31), -1, 0, 1, 2, 3, 4, 5, 23, 24, 10_000, 50_000_000, 2**31 - 1]
        if name == "weights":
            numbers = [np.nan, np.inf, -np.inf, 10.5, -10.0, 0.0, 1.0]
        place = (index, *(int(rng.integers(size)) for size in leaf.shape[1:]))
        leaf[place] = rng.choice(numbers)
        try:
            validate(one(genomes, index), LAYOUT, 4)
        except InputError as error:
            refused += 1
            with pytest.raises(InputError, match=rf"^genome {index}: {re.escape(str(error))}$"):
                validate_all(genomes, LAYOUT, 4)
        else:
            validate_all(genomes, LAYOUT, 4)
    assert 100 < refused < 290


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (Layout(4, 1, 4, 8), r"^max_nodes: expected at least 5 \(inputs and outputs\), got 4"),
        (Layout(4, 2, 20, 7), r"^max_connections: expected at least 8 \(inputs x outputs\), got 7"),
        (Layout(0, 1, 20, 3), r"^num_inputs: expected 1 or more, got 0"),
    ],
)
def test_layouts_that_hold_nothing_are_named(layout, message):
    with pytest.raises(InputError, match=message):
        validate(None, layout, 4)
