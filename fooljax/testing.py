"""Checks for strategies and encodings of your own.

    from fooljax.testing import check_encoding, check_strategy

    check_strategy(my_strategy)            # one built for `TOY`, or a builder
    check_encoding(my_encoding)

Each raises `ContractError`, which names the first promise that is broken. fooljax's own tests check all
built-in strategies and encodings in the same way.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax.encodings._direct import direct
from fooljax.engine.archive import Archive, empty, insert
from fooljax.engine.fitness import evaluate
from fooljax.engine.types import Encoding, Offspring, Outcome, Problem, Strategy

TOY = direct((6, 6, 1))
"""The encoding that strategies are checked on by default."""
CLASSES = 4
BATCH = 8
_TOLERANCE = 1e-3


class ContractError(AssertionError):
    """A strategy or an encoding breaks a promise; the message says which, and how."""


def _must(holds: Any, message: str) -> None:
    if not bool(holds):
        raise ContractError(message)


def toy_network(params: Any, images: jax.Array) -> jax.Array:
    """A linear network with four classes: images `[B, H, W, K]`, logits `[B, 4]`.

    Args:
      params: weights `[H * W * K, 4]`.
      images: `[B, H, W, K]` in [0, 1].
    Returns:
      Logits `[B, 4]`.
    """
    return images.reshape(images.shape[0], -1) @ params


def check_strategy(
    strategy: Strategy | Callable[..., Strategy],
    encoding: Encoding = TOY,
    *,
    generations: int = 3,
    uncompiled: bool = True,
) -> None:
    """Checks that a strategy does what `fooljax.Strategy` promises.

    - Shapes and dtypes are as promised, and the same in every generation.
    - A generation is traced once, however many are run.
    - The same key gives the same children, and another key gives others.
    - Compiled, uncompiled and vmapped over seeds it does the same.
    - It goes on after generations in which no fitness is finite.
    - Its genomes are finite and within the encoding's bounds, and its metrics are scalars.

    Args:
      strategy: built for `encoding`; or a builder, `builder(encoding, batch_size=...)`.
      encoding: what it proposes genomes for.
      generations: generations of each check, 2 or more.
      uncompiled: whether to compare with an uncompiled generation, which takes minutes with large models.
    Raises:
      ContractError: a promise is broken.
    """
    if not isinstance(strategy, Strategy):
        strategy = strategy(encoding, batch_size=BATCH)
    _must(isinstance(strategy, Strategy), f"expected a Strategy, got {type(strategy).__name__}")
    shape = jax.eval_shape(encoding.init, jax.random.key(0))
    weights = jax.random.normal(jax.random.key(1), (int(np.prod(encoding.image_shape)), CLASSES))
    cells = tuple(range(CLASSES))
    problem = Problem(weights, encoding.coordinates(), toy_network, cells)

    @jax.jit
    def begin(key: jax.Array) -> tuple[Archive, Any]:
        genomes = jax.vmap(encoding.init)(jax.random.split(key, BATCH))
        fitness = evaluate(encoding, problem, genomes)
        blank = empty(shape, CLASSES, encoding.num_parents)
        parents = jnp.full((BATCH, encoding.num_parents), -1, jnp.int32)
        archive, _ = insert(blank, genomes, fitness, jnp.arange(BATCH), parents, jnp.int32(0))
        return archive, strategy.init(key, genomes, fitness)

    traces: list[None] = []

    def step(carry: Any, key: jax.Array, blind: Any = False) -> tuple[Any, Any]:
        traces.append(None)
        archive, state = carry
        ask_key, tell_key = jax.random.split(key)
        offspring, state = strategy.ask(ask_key, state, archive, problem)
        fitness = jnp.where(blind, -jnp.inf, evaluate(encoding, problem, offspring.genomes))
        ids, generation = jnp.arange(strategy.batch_size), jnp.int32(1)
        archive, improved = insert(archive, offspring.genomes, fitness, ids, offspring.parents, generation)
        outcome = Outcome(fitness=fitness, improved=improved, ids=ids, generation=generation)
        state, metrics = strategy.tell(tell_key, state, offspring, outcome)
        return (archive, state), (offspring, metrics)

    first = begin(jax.random.key(2))
    _check_shapes(
        strategy,
        encoding,
        shape,
        first,
        lambda key, archive, state: strategy.ask(key, state, archive, problem),
        step,
    )

    # Another function than the one whose shapes were asked, whose trace would be found again.
    compiled = jax.jit(lambda carry, key, blind=False: step(carry, key, blind))
    keys = jax.random.split(jax.random.key(3), (2, generations))
    traces.clear()
    carries, children = [], []
    for seed in range(2):
        carry = first
        for key in keys[seed]:
            carry, (asked, _) = compiled(carry, key)
            _check_genomes(encoding, asked.genomes)
        carries.append(carry)
        children.append(asked.genomes)
    _must(len(traces) == 1, f"traced once: expected 1 trace of a step, got {len(traces)}")
    _, (once, _) = compiled(first, keys[0, 0])
    _, (again, _) = compiled(first, keys[0, 0])
    _must(_close(once.genomes, again.genomes, 0.0), "same key: expected the same children, got others")
    _must(not _close(children[0], children[1], 0.0), "another key: expected other children, got the same")
    if uncompiled:
        _, (eager, _) = step(first, keys[0, 0])
        same = _close(once.genomes, eager.genomes)
        _must(same, "jit: expected the children that it gives uncompiled, got others")

    scanned = jax.jit(jax.vmap(lambda keys: jax.lax.scan(step, first, keys)))
    try:
        (archives, _), (asked, _) = scanned(keys)
    except TypeError as error:
        raise ContractError(f"scan: {str(error).splitlines()[0]}") from error
    for seed in range(2):
        last = jax.tree.map(lambda leaf, seed=seed: leaf[seed, -1], asked)
        _must(
            _close(last.genomes, children[seed]),
            "vmap: expected the children of a loop over seeds, got others",
        )
        lone = jax.tree.map(lambda leaf, seed=seed: leaf[seed], archives)
        _must(_close(lone.fitness, carries[seed][0].fitness, 1e-2), "vmap: the archive differs from a loop's")

    carry = first
    for key in keys[0]:
        carry, (asked, _) = compiled(carry, key, True)
        _check_genomes(encoding, asked.genomes, "no finite fitness: ")


def _check_shapes(
    strategy: Strategy, encoding: Encoding, shape: Any, first: Any, ask: Any, step: Any
) -> None:
    try:
        offspring, asked = jax.eval_shape(ask, jax.random.key(0), *first)
        _check_offspring(strategy, encoding, shape, offspring)
        after, (_, metrics) = jax.eval_shape(step, first, jax.random.key(0))
    except (TypeError, ValueError) as error:
        raise ContractError(f"shapes: {str(error).splitlines()[0]}") from error
    for name, value in metrics.items():
        _must(jnp.shape(value) == (), f"metrics: expected a scalar {name}, got {list(jnp.shape(value))}")
    for state, of in ((asked, " of ask"), (after[1], "")):
        _must(_types(state) == _types(first[1]), f"state{of}: {_difference(first[1], state)}")


def _check_offspring(strategy: Strategy, encoding: Encoding, shape: Any, offspring: Any) -> None:
    _must(isinstance(offspring, Offspring), f"ask: expected an Offspring, got {type(offspring).__name__}")
    batch = strategy.batch_size
    wanted = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((batch, *leaf.shape), leaf.dtype), shape)
    _must(_types(offspring.genomes) == _types(wanted), f"genomes: {_difference(wanted, offspring.genomes)}")
    for name, array, expected in (
        ("parents", offspring.parents, (batch, encoding.num_parents)),
        ("extra_passes", offspring.extra_passes, ()),
    ):
        _must(
            array.shape == expected and array.dtype == jnp.int32,
            f"{name}: expected int32 {list(expected)}, got {array.dtype} {list(array.shape)}",
        )


def _check_genomes(encoding: Encoding, genomes: Any, when: str = "") -> None:
    for leaf in map(np.asarray, jax.tree.leaves(genomes)):
        if not np.issubdtype(leaf.dtype, np.floating):
            continue
        _must(np.all(np.isfinite(leaf)), f"{when}genomes: expected finite numbers, got NaN or infinity")
        if encoding.bounds is not None:
            low, high = encoding.bounds
            _must(
                np.all((leaf >= low) & (leaf <= high)),
                f"{when}bounds: expected genes in [{low:g}, {high:g}], got {leaf.min():g} to {leaf.max():g}",
            )


def check_encoding(encoding: Encoding, *, generations: int = 20) -> None:
    """Checks that an encoding does what `fooljax.Encoding` promises.

    - `vary` gives genomes of the shapes and types that `init` gives, within `bounds`, for many generations,
      and is traced once.
    - `render` gives float32 images of the promised shape in [0, 1]: the same, to a grey level, compiled,
      uncompiled and vmapped.
    - The same key gives the same genome, and another key gives another.
    - Measures are scalars, and `to_json` gives text.
    - `coordinates_at` the encoding's own size draws the same image.
    - `differentiable` agrees with `render` to two grey levels at the median pixel; its gradient is finite.

    Args:
      encoding: the encoding.
      generations: mutations in a row.
    Raises:
      ContractError: a promise is broken.
    """
    key = jax.random.key(0)
    init = jax.jit(encoding.init)
    shape = jax.eval_shape(encoding.init, key)
    _must(_close(init(key), init(key), 0.0), "init: same key, expected the same genome, got another")
    _must(not _close(init(key), init(jax.random.key(1)), 0.0), "init: another key gave the same genome")
    traces: list[None] = []

    def vary(key: jax.Array, parents: Any, generation: jax.Array) -> Any:
        traces.append(None)
        return encoding.vary(key, parents, generation)

    compiled = jax.jit(vary)
    population = [init(jax.random.key(seed)) for seed in range(encoding.num_parents)]
    genomes = [init(jax.random.key(99)), *population]
    for generation in range(generations):
        parents = jax.tree.map(lambda *leaves: jnp.stack(leaves), *population)
        if generation == 0:
            child = jax.eval_shape(encoding.vary, key, parents, jnp.int32(0))
            _must(_types(child) == _types(shape), f"vary: {_difference(shape, child)}")
            once, again = (compiled(key, parents, jnp.int32(0)) for _ in range(2))
            _must(_close(once, again, 0.0), "vary: same key, expected the same child, got another")
        child = compiled(jax.random.fold_in(key, generation), parents, jnp.int32(generation))
        population = [*population[1:], child]
        genomes.append(child)
    _must(len(traces) == 1, f"traced once: expected 1 trace of vary, got {len(traces)}")
    many = jax.tree.map(lambda *leaves: jnp.stack(leaves), *genomes)
    coordinates = encoding.coordinates()
    _check_genomes(encoding, many)

    drawn = jax.eval_shape(encoding.render, shape, coordinates)
    _must(
        drawn.shape == encoding.image_shape and drawn.dtype == jnp.float32,
        f"render: expected float32 {list(encoding.image_shape)}, got {drawn.dtype} {list(drawn.shape)}",
    )
    images = np.asarray(jax.jit(jax.vmap(encoding.render, (0, None)))(many, coordinates))
    _must(np.all(np.isfinite(images)), "render: expected finite levels, got NaN or infinity")
    _must(
        images.min() >= 0.0 and images.max() <= 1.0,
        f"render: expected levels in [0, 1], got {images.min():g} to {images.max():g}",
    )
    level, lone = 1.01 / 255.0, jax.jit(encoding.render)
    for index in (0, len(genomes) - 1):
        one = np.asarray(lone(genomes[index], coordinates))
        _must(np.max(np.abs(one - images[index])) <= level, "render: vmapped it gives another image")
    eager = np.asarray(encoding.render(genomes[-1], coordinates))
    _must(np.max(np.abs(eager - images[-1])) <= level, "render: uncompiled it gives another image")
    for name, value in encoding.measure(genomes[-1]).items():
        _must(jnp.shape(value) == (), f"measure: expected a scalar {name}, got {list(jnp.shape(value))}")
    if encoding.coordinates_at is not None:
        height, width, _ = encoding.image_shape
        same = np.asarray(lone(genomes[-1], encoding.coordinates_at(height, width, slice(None))))
        _must(np.max(np.abs(same - images[-1])) <= level, "coordinates_at: its own size gives another image")
    if encoding.to_json is not None:
        _must(isinstance(encoding.to_json(genomes[-1]), str), "to_json: expected text")
    if encoding.differentiable is not None:
        _check_differentiable(encoding, many, coordinates, images)


def _check_differentiable(
    encoding: Encoding, many: Any, coordinates: Any, images: npt.NDArray[np.float32]
) -> None:
    draw = encoding.differentiable
    assert draw is not None
    smooth = np.asarray(jax.jit(jax.vmap(draw, (0, None)))(many, coordinates))
    # Colours turn a level's step into several; a grey image is off by one level at most.
    apart = np.median(np.abs(smooth - images))
    _must(apart <= 2.0 / 255.0, f"differentiable: expected render's images, got some {apart:g} apart")

    def brightness(genomes: Any) -> jax.Array:
        return jnp.sum(jax.vmap(draw, (0, None))(genomes, coordinates))

    gradient = jax.jit(jax.grad(brightness, allow_int=True))(many)
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(gradient) if leaf.dtype != jax.dtypes.float0]
    _must(leaves, "differentiable: expected a genome with floating-point leaves")
    _must(all(np.all(np.isfinite(leaf)) for leaf in leaves), "differentiable: its gradient is not finite")
    _must(any(np.any(leaf != 0.0) for leaf in leaves), "differentiable: its gradient is zero everywhere")


def _types(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    return structure, [
        (jnp.shape(leaf), jnp.result_type(leaf), bool(getattr(leaf, "weak_type", False))) for leaf in leaves
    ]


def _difference(wanted: Any, found: Any) -> str:
    """In words, the first leaf in which two trees differ in type."""
    (structure, first), (other, second) = _types(wanted), _types(found)
    if structure != other:
        return f"expected the structure {structure}, got {other}"
    different = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    if not different:
        return ""
    a, b = different[0]
    weak = {True: " weakly typed", False: ""}
    told = f"expected {a[1]} {list(a[0])}{weak[a[2]]}, got {b[1]} {list(b[0])}{weak[b[2]]}"
    if a[:2] == b[:2]:
        told += "; give it a type where it is made, as in jnp.full(3, 0.1, jnp.float32)"
    return told


def _close(first: Any, second: Any, tolerance: float = _TOLERANCE) -> bool:
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all(
        np.allclose(
            np.asarray(a, np.float64), np.asarray(b, np.float64), rtol=0.0, atol=tolerance, equal_nan=True
        )
        for a, b in pairs
    )
