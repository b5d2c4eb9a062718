"""Words and contracts that every other module shares.

Axis letters, used in every docstring: `R` runs, `B` genomes of a batch, `C` cells or classes, `P` parents,
`G` genes of a flat genome, `H W K` an image's height, width and channels.

An encoding turns genomes into images, a target turns images into logits, a strategy proposes genomes. All
three are bundles of pure functions, so that a whole search compiles into one program. The engine
(`fooljax.engine.loop`) owns the archive and counts the queries.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import flax.struct
import jax
import numpy as np

from fooljax.engine.objective import LOG_ODDS, Objective
from fooljax.errors import InputError, shown

Genome = Any
"""A pytree of arrays; of many genomes, each leaf has a leading axis `B`."""
Coordinates = Any
"""A pytree of arrays that rendering needs besides the genome (empty for direct encodings)."""
Params = Any
"""A pytree of a target's parameters."""
Apply = Callable[[Params, jax.Array], Any]
"""`apply(params, images) -> logits`: images `[B, H, W, K]` in [0, 1], logits `[B, C]`."""


def _nothing(genome: Genome) -> dict[str, jax.Array]:
    del genome
    return {}


MAX_NUMBERS = 1000
"""Parameters that are single numbers, not arrays: a program has an argument for each."""


class Encoding(NamedTuple):
    """How a genome is made, varied and drawn.

    Attributes:
      name: a short name for files and tables.
      image_shape: `(H, W, K)` of the images.
      num_parents: `P`, how many parents `vary` wants.
      init: `init(key) -> genome`, a random genome.
      vary: `vary(key, parents, generation) -> genome`; `parents` has a leading axis `P`.
      render: `render(genome, coordinates) -> image`, `[H, W, K]` in [0, 1].
      coordinates: `coordinates() -> pytree`, made once and passed to `render` as an argument, so that no
        program holds it as a constant.
      measure: `measure(genome) -> dict of scalars`, fixed names; the engine logs their means over the elites.
      coordinates_at: `coordinates_at(height, width, band) -> pytree`, to draw a genome at another size:
        `band` is the slice of rows wanted, `slice(None)` for all. None where a genome has one size only.
      to_json: `to_json(genome) -> str`, for other programs to read; None where the image says it all.
      differentiable: as `render`, but with a useful derivative with respect to the genome's floating-point
        leaves (no truncation to 8 bits); None where there is none.
      bounds: `(low, high)` of every number in the genome's floating-point leaves; None where they have none.
        Strategies for real vectors work on encodings that have bounds and whose genome is one vector `[G]`.
      check: `check(genomes) -> None`, of arrays with leaves `[N, ...]`: raises InputError with the first
        genome that no operator could have made. None where numbers that are finite and within `bounds` are
        all that it takes. Asked before genomes of a file are used.
      settings: what it was made with, by name, so that a file can hold it (`encodings.describe`) and an equal
        one be built again (`encodings.build`). None for an encoding that does not come with fooljax.
    """

    name: str
    image_shape: tuple[int, int, int]
    num_parents: int
    init: Callable[[jax.Array], Genome]
    vary: Callable[[jax.Array, Genome, jax.Array], Genome]
    render: Callable[[Genome, Coordinates], jax.Array]
    coordinates: Callable[[], Coordinates] = tuple
    measure: Callable[[Genome], dict[str, jax.Array]] = _nothing
    coordinates_at: Callable[[int, int, slice], Coordinates] | None = None
    to_json: Callable[[Genome], str] | None = None
    differentiable: Callable[[Genome, Coordinates], jax.Array] | None = None
    bounds: tuple[float, float] | None = None
    check: Callable[[Genome], None] | None = None
    settings: tuple[tuple[str, Any], ...] | None = None


def checked_shape(image_shape: Any) -> tuple[int, int, int]:
    """An image's height, width and channels as whole numbers.

    Raises:
      InputError: they are not three positive ones.
    """
    sides = tuple(image_shape) if isinstance(image_shape, tuple | list) else ()
    whole = all(isinstance(side, int | np.integer) and not isinstance(side, bool) for side in sides)
    if len(sides) != 3 or not whole or min(sides) < 1:
        raise InputError(
            f"image_shape: expected (H, W, K), all positive whole numbers, got {shown(repr(image_shape))}"
        )
    height, width, channels = map(int, sides)
    return height, width, channels


def check_channels(image_shape: tuple[int, int, int]) -> None:
    """Makes sure that images can be saved as pictures.

    Raises:
      InputError: they have neither 1 nor 3 channels.
    """
    if image_shape[2] not in (1, 3):
        raise InputError(f"image_shape: expected 1 or 3 channels, got {image_shape[2]}")


@flax.struct.dataclass
class Target:
    """The classifier being fooled, and what people want to know about it.

    A compiled search takes `params` as an argument and knows `apply`; it looks at nothing else. So targets
    that share `apply` and the shapes of their parameters share one program.

    Attributes:
      params: pytree of parameters.
      apply: `apply(params, images) -> logits`: images `[B, H, W, K]` in [0, 1], logits `[B, C]`. Logits are
        unnormalised log-probabilities: of a softmax network its last layer, of an average over crops the
        log of the mean softmax, of a generative model log p(x, y).
      name: a short name, as "LeNet (paper recipe)".
      image_shape: `(H, W, K)` of the images that it takes; None where it was not said.
      class_names: `C` names; empty where they were not said.
      clean_accuracy: share of held-out images named correctly, in [0, 1]; None where it was not measured.
      confidence: what is called confidence: of which crops, averaged or not.
      provenance: how it came to be: data, recipe, seed, versions, digest of the parameters.
    """

    params: Params
    apply: Apply = flax.struct.field(pytree_node=False)
    name: str = flax.struct.field(default="network", pytree_node=False)
    image_shape: tuple[int, int, int] | None = flax.struct.field(default=None, pytree_node=False)
    class_names: tuple[str, ...] = flax.struct.field(default=(), pytree_node=False)
    clean_accuracy: float | None = flax.struct.field(default=None, pytree_node=False)
    confidence: str = flax.struct.field(default="softmax of one forward pass", pytree_node=False)
    provenance: Mapping[str, Any] = flax.struct.field(default_factory=dict, pytree_node=False)


def checked_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts of a target, as `Target` wants them.

    Raises:
      InputError: the name is no text, the class names are not several texts, or the shape is none of images.
    """
    found = dict(facts)
    known = [one.name for one in dataclasses.fields(Target) if one.name not in ("params", "apply")]
    if unknown := [name for name in found if name not in known]:
        raise InputError(
            f"{shown(unknown[0], 60)}: expected facts of a target, which are {', '.join(known)}, got another"
        )
    if not isinstance(found.get("name", ""), str):
        raise InputError(f"name: expected text, got {shown(repr(found['name']))}")
    if "class_names" in found:
        names = found["class_names"]
        if isinstance(names, str | bytes) or not isinstance(names, Iterable):
            raise InputError(f"class_names: expected a list of names, got {shown(repr(names))}")
        found["class_names"] = tuple(names)
    if found.get("image_shape") is not None:
        found["image_shape"] = checked_shape(found["image_shape"])
    return found


def as_target(model: Target | Callable[..., jax.Array], params: Params | None = None, **facts: Any) -> Target:
    """Makes a target of any JAX callable.

    Args:
      model: `model(images) -> logits`, or `model(params, images) -> logits` where `params` is given (better:
        weights that are arguments are not compiled into the program as constants). A `Target` passes as is.
      params: pytree of parameters, or None.
      **facts: of the target: name, image_shape, class_names and so on, see `Target`.
    Returns:
      The target.
    Raises:
      InputError: a fact is not what was expected, `model` is not callable or wants parameters that were not
        given, or its parameters are thousands of numbers instead of arrays, or it cannot be hashed.
    """
    facts = checked_facts(facts)
    if isinstance(model, Target):
        _check_hashable(model.apply)
        return dataclasses.replace(model, **facts) if facts else model
    if not callable(model):
        raise InputError(f"target: expected a JAX callable or a Target, got {type(model).__name__}")
    if sum(isinstance(leaf, int | float) for leaf in jax.tree.leaves(params)) > MAX_NUMBERS:
        raise InputError("target: expected parameters that are arrays, got lists of numbers")
    if params is None:
        if _wants_parameters(model):
            raise InputError(
                "target: expected a function (images), since no parameters were given, got one of more "
                "arguments; give them as fooljax.as_target(model, params)"
            )
        return Target((), lambda _, images: model(images), **facts)
    _check_hashable(model)
    return Target(params, model, **facts)


def _check_hashable(apply: Any) -> None:
    """Programs are kept for equal functions, so that each must have a hash."""
    try:
        hash(apply)
    except TypeError as error:
        raise InputError(
            f"target: expected a function that can be hashed, such as a frozen dataclass, got {shown(error)}"
        ) from error


def _wants_parameters(model: Callable[..., Any]) -> bool:
    """Whether a function takes two arguments and cannot be called with one."""
    try:
        signature = inspect.signature(model)
        signature.bind(None, None)
    except (TypeError, ValueError):  # other arguments, or Python does not know which
        return False
    try:
        signature.bind(None)
    except TypeError:
        return True
    return False


@flax.struct.dataclass
class Problem:
    """What a search has to solve: an argument of the compiled program, which never changes during a search.

    Attributes:
      params: the target's parameters.
      coordinates: what the encoding renders with.
      apply: the target's `apply(params, images) -> logits`, also for strategies that ask for gradients.
      cells: `C` indices: the columns of the objective's values that are the cells of the archive. With the
        default objective they are indices of classes.
      objective: what is maximised.
    """

    params: Params
    coordinates: Coordinates
    apply: Apply = flax.struct.field(pytree_node=False)
    cells: tuple[int, ...] = flax.struct.field(pytree_node=False)
    objective: Objective = flax.struct.field(pytree_node=False, default=LOG_ODDS)


@flax.struct.dataclass
class Offspring:
    """What a strategy proposes.

    Attributes:
      genomes: leaves `[B, ...]`.
      parents: `[B, P]` int32, ids of the parents; -1 where there is none.
      extra_passes: `[]` int32, network passes spent while proposing (a gradient: 2 for each image, one
        forward and one backward). The engine adds them to the count of queries.
    """

    genomes: Genome
    parents: jax.Array
    extra_passes: jax.Array


@flax.struct.dataclass
class Outcome:
    """How the children of a generation did. It is what a strategy learns from.

    Attributes:
      fitness: `[B, C]` float32, each child in each cell; higher is better. -inf stands for NaN.
      improved: `[C]` bool, the cells whose elite was replaced.
      ids: `[B]` int32, the children's numbers. An archive's `ids` and `parents` use the same numbers. The
        first random genomes of a run are numbered from 0.
      generation: `[]` int32, the children's generation. It is 1 after the first random genomes.
    """

    fitness: jax.Array
    improved: jax.Array
    ids: jax.Array
    generation: jax.Array


class Strategy(NamedTuple):
    """How new genomes are proposed. The engine owns the archive; a strategy has a state of its own.

    Attributes:
      name: a short name for files and tables.
      batch_size: `B`, children per generation; a constant of the compiled program.
      init: `init(key, genomes, fitness) -> state`. It is called once, after the first genomes (leaves
        `[B0, ...]`) were evaluated; `fitness` is `[B0, C]` and never NaN.
      ask: `ask(key, state, archive, problem) -> (offspring, state)`.
      tell: `tell(key, state, offspring, outcome) -> (state, metrics)`. `outcome` is an `Outcome`; `metrics`
        is a dict of scalars with fixed names.
    """

    name: str
    batch_size: int
    init: Callable[..., Any]
    ask: Callable[..., tuple[Offspring, Any]]
    tell: Callable[..., tuple[Any, dict[str, jax.Array]]]
