"""evosax's algorithms as emitters. This is the only file that imports evosax.

Every algorithm of evosax works on every encoding whose genome is one bounded vector (`Encoding.bounds`). This
file does what lies between the two:

- evosax minimises; here higher fitness is better.
- Children of equal fitness share the weights of their ranks evenly. Algorithms that estimate gradients get
  centred ranks, since differences of log-odds in the hundreds would be too large for them.
- Algorithms work in units of `step`, so that their usual step size of 1 is a small part of a gene's range.
  Genes are kept within their bounds by clipping, or by a sigmoid.
- A search begins anew when its genomes are no longer finite, or its step has become far too small or large.
- evosax's own metrics are left out, since they keep whole solutions, and the types of a state never change.
- Some algorithms forget good children; the archive keeps the best.
"""

import logging
from collections.abc import Callable
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import optax

from fooljax.engine.types import Encoding, Genome, Strategy
from fooljax.errors import InputError
from fooljax.remembered import remembered
from fooljax.strategies._emitters import Emitter, emitters
from fooljax.strategies.evosax_algorithms import ALGORITHMS

logger = logging.getLogger("fooljax")

BOUNDS = ("clip", "squash")
DENSE_GENES = 300
"""With so many genes or more, a warning says that algorithms with a full covariance are slow."""
CHEAP = ("Sep_CMA_ES", "SNES", "Open_ES", "LM_MA_ES")
_POPULATION = 20
_SMALLEST, _LARGEST = 1e-3, 1e3
"""Spreads of a population, in steps, between which a search is healthy."""


@flax.struct.dataclass
class _Search:
    """One search: evosax's state, and whether its first population still waits for its fitness."""

    inner: Any
    fresh: jax.Array


@remembered
def evosax(
    encoding: Encoding,
    *,
    batch_size: int = 200,
    algorithm: str = "Sep_CMA_ES",
    population: int | None = None,
    step: float = 0.05,
    learning_rate: float | None = None,
    bounds: str = "clip",
    allow_pickle: bool = False,
    scheduler: str = "gain",
    turn: int = 40,
    patience: int = 15,
    goal: float = 0.9999,
) -> Strategy:
    """Builds a strategy of emitters that each run an algorithm of evosax.

    Args:
      encoding: one whose genome is a bounded vector.
      batch_size: children per generation.
      algorithm: a name in `ALGORITHMS`.
      population: children of each emitter: an even number, 4 or more, that divides `batch_size`. By default
        the largest such number up to 20.
      step: the first step size, in (0, 1], as a share of the genes' range.
      learning_rate: of Adam, in steps, for algorithms that take an optimiser.
      bounds: how genes are kept within their bounds. "clip" cuts them off; "squash" sends them through a
        sigmoid, which is flat near the bounds.
      allow_pickle: must be True for algorithms whose weights evosax unpickles from files of its own.
      scheduler: how an emitter, one search of the algorithm, gets its next class. "gain" draws a class below
        the goal, in proportion to what such classes have gained lately. "equal" goes through all in order.
      turn: generations after which an emitter may get another class.
      patience: generations without a new elite in its class after which an emitter begins anew.
      goal: the confidence, in (0, 1), at which a class counts as fooled.
    Returns:
      The strategy.
    Raises:
      InputError: an argument is out of range, or the encoding's genome is no bounded vector.
    """
    emitter = evosax_emitter(
        encoding,
        algorithm,
        population=population if population is not None else _even_share(batch_size),
        step=step,
        learning_rate=learning_rate,
        bounds=bounds,
        allow_pickle=allow_pickle,
    )
    return emitters(
        encoding,
        emitter,
        batch_size=batch_size,
        scheduler=scheduler,
        turn=turn,
        patience=patience,
        goal=goal,
    )


@remembered
def evosax_emitter(
    encoding: Encoding,
    algorithm: str,
    *,
    population: int = _POPULATION,
    step: float = 0.05,
    learning_rate: float | None = None,
    bounds: str = "clip",
    allow_pickle: bool = False,
) -> Emitter:
    """One algorithm of evosax as an `Emitter`; arguments and errors as `evosax`.

    Args:
      encoding: one whose genome is a bounded vector.
      algorithm: see `evosax`.
      population: genomes that the emitter asks for at a time, even, 4 or more.
      step: see `evosax`.
      learning_rate: see `evosax`.
      bounds: see `evosax`.
      allow_pickle: see `evosax`.
    Returns:
      The emitter.
    Raises:
      InputError: as `evosax`.
    """
    if algorithm not in ALGORITHMS:
        raise InputError(f"algorithm: expected one of {', '.join(ALGORITHMS)}, got {algorithm}")
    facts = ALGORITHMS[algorithm]
    shapes = jax.tree.leaves(jax.eval_shape(encoding.init, jax.random.key(0)))
    if encoding.bounds is None or len(shapes) > 1 or len(shapes[0].shape) != 1:
        raise InputError(
            f"strategy: evosax.{algorithm} searches bounded vectors, which {encoding.name} genomes are not"
        )
    if population < 4 or population % 2:
        raise InputError(f"population: expected an even number, 4 or more, got {population}")
    if not 0.0 < step <= 1.0:
        raise InputError(f"step: expected a number in (0, 1], got {step}")
    if bounds not in BOUNDS:
        raise InputError(f"bounds: expected one of {', '.join(BOUNDS)}, got {bounds}")
    if learning_rate is not None and (facts.rate is None or not 0.0 < learning_rate < float("inf")):
        wanted = "a positive number" if facts.rate else f"none (evosax.{algorithm} takes no optimiser)"
        raise InputError(f"learning_rate: expected {wanted}, got {learning_rate}")
    if facts.pickled and not allow_pickle:
        raise InputError(
            f"allow_pickle: expected true, since evosax.{algorithm} unpickles weights that come with evosax"
        )
    num_genes = int(shapes[0].shape[0])
    if facts.dense and num_genes >= DENSE_GENES:
        logger.warning(
            f"evosax.{algorithm} works with {num_genes} x {num_genes} matrices, up to a second a generation "
            f"for each emitter; cheap ones: {', '.join(CHEAP)}"
        )
    to_genes, from_genes = _space(encoding.bounds, step, bounds)
    parts = 2 if algorithm.startswith("SV_") else 1
    inner = _build(
        algorithm,
        population // parts,
        parts,
        num_genes,
        learning_rate or facts.rate,
        lambda key: from_genes(encoding.init(key)),
    )
    params = _params(algorithm, inner, num_genes)

    def begin(key: jax.Array, mean: jax.Array, crowd: jax.Array, fitness: jax.Array) -> Any:
        with jax.numpy_rank_promotion("allow"):
            if facts.is_population:
                state = inner.init(key, crowd, fitness, params)
            elif parts > 1:
                state = inner.init(key, crowd[:parts], params)
            else:
                state = inner.init(key, mean, params)
        return _strong(state)

    def init(key: jax.Array, genome: Genome) -> _Search:
        crowd_key, init_key = jax.random.split(key)
        mean = from_genes(genome)
        crowd = mean[None] + jax.random.normal(crowd_key, (population, num_genes)).at[0].set(0.0)
        state = begin(init_key, mean, crowd, jnp.zeros(population))
        return _Search(inner=state, fresh=jnp.asarray(facts.is_population))

    def ask(key: jax.Array, search: _Search) -> tuple[Genome, Any]:
        with jax.numpy_rank_promotion("allow"):
            asked, state = inner.ask(key, search.inner, params)
        asked = asked.reshape(population, num_genes)
        if facts.is_population:
            asked = jnp.where(search.fresh, search.inner.population, asked)
        finite = jnp.all(jnp.isfinite(asked))
        asked = jnp.where(jnp.isfinite(asked), asked, 0.0)
        return to_genes(asked), (_Search(_like(state, search.inner), search.fresh), asked, finite)

    def tell(key: jax.Array, pending: Any, fitness: jax.Array) -> tuple[_Search, jax.Array]:
        search, asked, finite = pending
        loss = -fitness
        with jax.numpy_rank_promotion("allow"):
            grouped = (parts, population // parts) if parts > 1 else (population,)
            told = asked.reshape(*grouped, num_genes), loss.reshape(grouped)
            state, _ = inner.tell(key, *told, search.inner, params)
        state = _like(state, search.inner)
        if facts.is_population:
            first = begin(key, asked[0], asked, loss)
            state = jax.tree.map(lambda new, old: jnp.where(search.fresh, new, old), first, state)
        spread = jnp.mean(jnp.std(asked, axis=0))
        healthy = finite & (spread > _SMALLEST) & (spread < _LARGEST)
        return _Search(inner=state, fresh=jnp.zeros((), bool)), healthy

    return Emitter(f"evosax.{algorithm}", population, init, ask, tell)


def _space(bounds: tuple[float, float], step: float, how: str) -> tuple[Any, Any]:
    """Maps between genes and the space that algorithms work in, whose unit is a step."""
    low, size = bounds[0], bounds[1] - bounds[0]
    if how == "clip":
        return (
            lambda z: low + size * jnp.clip(z * step, 0.0, 1.0),
            lambda genes: (genes - low) / (size * step),
        )
    # Four times, since the sigmoid's steepest slope is a quarter.
    return (
        lambda z: low + size * jax.nn.sigmoid(4.0 * step * z),
        lambda genes: jax.scipy.special.logit(jnp.clip((genes - low) / size, 0.001, 0.999)) / (4.0 * step),
    )


def _build(
    algorithm: str,
    population: int,
    parts: int,
    num_genes: int,
    rate: float | None,
    sample: Callable[[jax.Array], jax.Array],
) -> Any:
    from evosax.algorithms import algorithms

    arguments: dict[str, Any] = {"metrics_fn": lambda *_: {}}
    shaping = ALGORITHMS[algorithm].shaping
    if shaping != "raw":
        arguments["fitness_shaping_fn"] = {"weights": _tie_safe_weights, "centred": _centred_ranks}[shaping]
    if rate is not None:
        arguments["optimizer"] = optax.adam(rate)
    if algorithm == "RandomSearch":
        arguments["sampling_fn"] = sample
    if parts > 1:
        arguments["num_populations"] = parts
    with jax.numpy_rank_promotion("allow"):
        return algorithms[algorithm](population, solution=jnp.zeros(num_genes), **arguments)


def _params(algorithm: str, inner: Any, num_genes: int) -> Any:
    with jax.numpy_rank_promotion("allow"):
        params = inner.default_params
    if algorithm == "GradientlessDescent":
        # Its radii are those of single genes already; it has no other step size.
        params = params.replace(radius_min=0.02, radius_max=2.0)
    if algorithm == "CMAAnchoredLES":
        params = params.replace(std_init=1.0)
    if hasattr(params, "std_min"):
        params = params.replace(std_min=_SMALLEST)
    return params


def _tie_safe_weights(population: Any, fitness: jax.Array, state: Any, params: Any) -> jax.Array:
    """Weights by rank, best first, tied members sharing theirs; the sum is always that of all weights."""
    del population, state
    ranks = jnp.argsort(jnp.argsort(fitness, axis=-1), axis=-1)
    tied = (fitness[..., :, None] == fitness[..., None, :]).astype(jnp.float32)
    return jnp.einsum("...ij,...j->...i", tied, params.weights[ranks]) / jnp.sum(tied, axis=-1)


def _centred_ranks(population: Any, fitness: jax.Array, state: Any, params: Any) -> jax.Array:
    """Ranks in [-0.5, 0.5], lowest for the best, tied members sharing theirs."""
    del population, state, params
    below = fitness[..., :, None] > fitness[..., None, :]
    above = fitness[..., :, None] < fitness[..., None, :]
    balance = jnp.sum(below, axis=-1) - jnp.sum(above, axis=-1)
    return balance / (2.0 * (fitness.shape[-1] - 1))


def _strong(state: Any) -> Any:
    """Arrays only, none weakly typed: a loop's first state must be typed as all later ones."""
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, jnp.asarray(leaf).dtype), state)


def _like(state: Any, first: Any) -> Any:
    return jax.tree.map(lambda leaf, other: jnp.asarray(leaf).astype(other.dtype), state, first)


def _even_share(batch_size: int) -> int:
    for size in range(_POPULATION, 3, -2):
        if batch_size % size == 0:
            return size
    raise InputError(
        f"batch_size: expected a multiple of an even number from 4 to {_POPULATION}, got {batch_size}"
    )
