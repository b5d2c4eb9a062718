"""How the images of a set are made: searches, gradient ascent, and the controls that belong beside them.

Each generator gives one image for each class. It sees the network's logits, and `gradient` its gradients; all
images are 8-bit images in the box [0, 255]. The budget is counted in network passes for the whole set.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fooljax import encodings, strategies
from fooljax.engine.log_odds import FOOLED, to_log_odds
from fooljax.engine.objective import LOG_ODDS, Objective
from fooljax.engine.types import Encoding, Genome, Target
from fooljax.errors import InputError
from fooljax.evolution import Replacements, search
from fooljax.gradient import ascend_images, start_images
from fooljax.gradient.ascent import LEVELS
from fooljax.gradient.methods import named_methods
from fooljax.rendering import draw

Shape = tuple[int, int, int]
LOG_ODDS_OF = {"99 %": to_log_odds(0.99), "99.9 %": to_log_odds(0.999), "99.99 %": FOOLED}
"""Log-odds of the levels of confidence that an ascent notes."""
COLOUR_LEVEL = 0.45
"""Grey level near the mean of photographs, from which ascents on coloured images start."""


class GeneratedSet(NamedTuple):
    """The images of one run.

    Attributes:
      images: `[C, H, W, K]` uint8.
      passes: network passes that they cost.
      genomes: of images that CPPNs drew, leaves `[C, ...]`; () of others.
      ancestry: of evolved CPPNs: for each image the query numbers of its genome, its parent, and so on to the
        random genome that all began with. () of others.
      mutations: of CPPNs that were varied: how often, for each image. () of others.
      reached: of generators that search: for each class the network passes of the whole set by which it first
        had 99.99 %, None where it never had. None of others.
      course: of generators that search: network passes of the whole set, and the log-odds that the median
        class had by then, wherever they rose. () of others, and of gradient ascent the levels alone that it
        notes.
    """

    images: npt.NDArray[np.uint8]
    passes: int
    genomes: Genome = ()
    ancestry: tuple[tuple[int, ...], ...] = ()
    mutations: tuple[int, ...] = ()
    reached: tuple[int | None, ...] | None = None
    course: tuple[tuple[int, float], ...] = ()


class GenerationRequest(NamedTuple):
    """What a generator is asked for.

    Attributes:
      target: the network.
      shape: `(H, W, K)` of the images.
      cells: indices of the `C` classes.
      key: run r uses `fold_in(key, r)`.
      runs: indices of the runs that are wanted.
      passes: network passes of a run, at most.
      networks: how many networks the target asks, each pass of which counts.
      objective: what a search maximises.
      mutations: for random CPPNs, of each run: how often each genome is varied.
      check_target: whether the network is shown some images first, see `fooljax.probe`.
    """

    target: Target
    shape: Shape
    cells: tuple[int, ...]
    key: jax.Array
    runs: Sequence[int]
    passes: int
    networks: int = 1
    objective: Objective = LOG_ODDS
    mutations: Sequence[Sequence[int]] = ()
    check_target: bool = True


def direct_encoding(shape: Shape) -> Encoding:
    """One gene for each value of a pixel."""
    return encodings.direct(shape)


def cppn_encoding(shape: Shape) -> Encoding:
    """The CPPNs that were the quickest in `experiments.strategy_comparison`."""
    return encodings.cppn(shape, functions="wide", coordinates="scaled")


def paper_cppn_encoding(shape: Shape) -> Encoding:
    """The paper's CPPNs, which read pixels' indices as they are: many of their images repeat an element."""
    return encodings.cppn(shape)


def _searched(
    encoding_of: Callable[[Shape], Encoding], strategy: str, children: int, request: GenerationRequest
) -> list[GeneratedSet]:
    """Searches until the passes are spent, all runs side by side in one program."""
    encoding = encoding_of(request.shape)
    cost = children * request.networks
    if request.passes < 2 * cost:
        raise InputError(
            f"passes: expected {2 * cost} or more, a first and a second generation, got {request.passes}"
        )
    drawn_by_cppn = encoding.to_json is not None
    parents: dict[tuple[int, int], int] = {}

    def note(found: Replacements) -> None:
        ids = zip(found.run.tolist(), found.id.tolist(), found.parents[:, 0].tolist(), strict=True)
        parents.update({(run, own): parent for run, own, parent in ids})

    evolution = search(
        request.target,
        encoding,
        strategies.build(strategy, encoding, children, {}),
        key=request.key,
        generations=request.passes // cost - 1,
        runs=max(request.runs) + 1,
        cells=request.cells,
        objective=request.objective,
        check_target=request.check_target,
        on_replacements=note if drawn_by_cppn else None,
    )
    images, ids = evolution.images(), np.asarray(evolution.archive.ids)
    first = (np.asarray(evolution.first.ids) + 1) * request.networks  # 0 where there is none
    made = []
    for run in request.runs:
        genomes: Genome = ()
        ancestry: tuple[tuple[int, ...], ...] = ()
        if drawn_by_cppn:
            genomes = jax.tree.map(lambda leaf, run=run: np.asarray(leaf[run]), evolution.archive.genomes)
            ancestry = tuple(_line(parents, run, one) for one in ids[run].tolist())
        passes = int(evolution.metrics["queries"][run, -1]) * request.networks
        mutations = tuple(len(line) - 1 for line in ancestry)
        reached = tuple(one or None for one in first[run].tolist())
        course = _rises(
            evolution.metrics["queries"][run] * request.networks, evolution.metrics["median_log_odds"][run]
        )
        made.append(GeneratedSet(images[run], passes, genomes, ancestry, mutations, reached, course))
    return made


def _rises(passes: npt.NDArray[Any], odds: npt.NDArray[Any]) -> tuple[tuple[int, float], ...]:
    """Where the median log-odds rose; before the first point they were not finite."""
    best = np.maximum.accumulate(odds)
    risen = np.isfinite(best) & np.append(True, best[1:] > best[:-1])
    return tuple(
        (int(one), round(float(value), 3)) for one, value in zip(passes[risen], best[risen], strict=True)
    )


def _line(parents: Mapping[tuple[int, int], int], run: int, own: int) -> tuple[int, ...]:
    """The query numbers from an elite to the random genome that its line began with."""
    line = [own]
    while (own := parents.get((run, own), -1)) >= 0:
        line.append(own)
    return tuple(line)


def _climbed(request: GenerationRequest) -> list[GeneratedSet]:
    """Adam on the log-odds of each class, from a black or grey image with slight noise.

    Source: Nguyen et al. 2015, section 3.9; the start is that of the authors' code around their mean image.
    Black is near the mean image of digits, `COLOUR_LEVEL` near that of photographs. Adam is ours.
    """
    count = len(request.cells)
    if request.passes < 2 * count:
        raise InputError(f"passes: expected {2 * count} or more, 2 for each class, got {request.passes}")
    method = named_methods(iterations=request.passes // (2 * count))["adam"]
    mean = 0.0 if request.shape[2] == 1 else COLOUR_LEVEL
    made = []
    for key in _keys(request):
        found = ascend_images(
            request.target,
            start_images(key, count, request.shape, mean=mean),
            np.asarray(request.cells),
            method.rule,
            iterations=method.iterations,
            mean=mean,
            record_every=method.iterations,
            check_target=request.check_target,
        )
        # In iteration k, from 0, each image has had k forward and backward passes and one forward pass.
        steps = np.asarray(found.reached.iteration)
        reached = tuple(
            (2 * step + 1) * count if step >= 0 else None
            for step in steps[:, LEVELS.index("99.99 %")].tolist()
        )
        made.append(
            GeneratedSet(found.pixels(), int(found.queries), reached=reached, course=_noted(steps, count))
        )
    return made


def _noted(steps: npt.NDArray[Any], count: int) -> tuple[tuple[int, float], ...]:
    """When half of the classes had each confidence that an ascent notes; steps `[C, 4]`, -1 for never."""
    course = []
    for level, odds in LOG_ODDS_OF.items():
        own = np.sort([step for step in steps[:, LEVELS.index(level)] if step >= 0])
        if len(own) >= (needed := (count + 1) // 2):
            course.append((int(2 * own[needed - 1] + 1) * count, round(odds, 3)))
    return tuple(course)


def _random_cppns(encoding_of: Callable[[Shape], Encoding], request: GenerationRequest) -> list[GeneratedSet]:
    """Random CPPNs, each varied as often as the evolved one of its class was, without any selection."""
    encoding = encoding_of(request.shape)
    made = []
    for key, mutations in zip(_keys(request), request.mutations, strict=True):
        genomes = drifted(encoding)(jax.random.split(key, len(request.cells)), jnp.asarray(mutations))
        images = draw(encoding, genomes)
        made.append(GeneratedSet(images, 0, jax.device_get(genomes), mutations=tuple(map(int, mutations))))
    return made


@functools.lru_cache(maxsize=4)
def drifted(encoding: Encoding) -> Callable[[jax.Array, jax.Array], Genome]:
    """The compiled `(keys [C], times [C]) -> genomes`: random ones, varied so often without selection."""

    def one(key: jax.Array, times: jax.Array) -> Genome:
        def vary(number: jax.Array, genome: Genome) -> Genome:
            parents = jax.tree.map(lambda leaf: jnp.stack([leaf] * encoding.num_parents), genome)
            return encoding.vary(jax.random.fold_in(key, number + 1), parents, number)

        return jax.lax.fori_loop(0, times, vary, encoding.init(jax.random.fold_in(key, 0)))

    return jax.jit(jax.vmap(one))


def _noise(
    draw_levels: Callable[[jax.Array, tuple[int, ...]], jax.Array], request: GenerationRequest
) -> list[GeneratedSet]:
    """One image of noise for each class."""
    shape = (len(request.cells), *request.shape)
    levels = [jnp.clip(jnp.round(255.0 * draw_levels(key, shape)), 0.0, 255.0) for key in _keys(request)]
    return [GeneratedSet(np.asarray(one, np.uint8), 0) for one in levels]


def _keys(request: GenerationRequest) -> list[jax.Array]:
    return [jax.random.fold_in(request.key, run) for run in request.runs]


def _gaussian(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    return 0.5 + 0.25 * jax.random.normal(key, shape)


GENERATORS: dict[str, Callable[[GenerationRequest], list[GeneratedSet]]] = {
    "direct": functools.partial(_searched, direct_encoding, "focused", 40),
    "cppn": functools.partial(_searched, cppn_encoding, "focused", 100),
    "cppn_paper": functools.partial(_searched, paper_cppn_encoding, "map_elites", 200),
    "gradient": _climbed,
    "random_search_direct": functools.partial(_searched, direct_encoding, "random_search", 200),
    "random_search_cppn": functools.partial(_searched, cppn_encoding, "random_search", 200),
    "random_search_cppn_paper": functools.partial(_searched, paper_cppn_encoding, "random_search", 200),
    "random_cppn": functools.partial(_random_cppns, cppn_encoding),
    "random_cppn_paper": functools.partial(_random_cppns, paper_cppn_encoding),
    "uniform_noise": functools.partial(_noise, jax.random.uniform),
    "gaussian_noise": functools.partial(_noise, _gaussian),
}
"""By name. The strategies of `direct` and `cppn` are the quickest in `experiments.strategy_comparison`.

`cppn_paper` is the search of Nguyen et al. 2015, section 2.3, with the encoding of its authors' code.
"""
SEARCHES = tuple(
    f"{kind}{name}" for kind in ("", "random_search_") for name in ("direct", "cppn", "cppn_paper")
)
"""Those that maximise an objective."""
NOISE = ("uniform_noise", "gaussian_noise")
"""Each value of a pixel is drawn alone: uniformly, or from a normal distribution around mid-grey with a
standard deviation of a quarter of the range."""
CPPNS: dict[str, Callable[[Shape], Encoding]] = {
    "cppn": cppn_encoding,
    "cppn_paper": paper_cppn_encoding,
    "random_search_cppn": cppn_encoding,
    "random_search_cppn_paper": paper_cppn_encoding,
    "random_cppn": cppn_encoding,
    "random_cppn_paper": paper_cppn_encoding,
}
"""Those whose images have genomes, and the encoding that draws these."""
VARIED_LIKE = {"random_cppn": "cppn", "random_cppn_paper": "cppn_paper"}
"""Random genomes, and the evolved ones that tell how often each is varied."""
EXPLANATIONS: dict[str, Any] = {
    "direct": "evolved images, one gene a pixel",
    "cppn": "evolved images drawn by CPPNs",
    "cppn_paper": "evolved images drawn by the paper's CPPNs, by its MAP-Elites",
    "gradient": "gradient ascent with Adam",
    "random_search_direct": "the best of as many images of uniform noise",
    "random_search_cppn": "the best of as many random CPPNs",
    "random_search_cppn_paper": "the best of as many of the paper's random CPPNs",
    "random_cppn": "random CPPNs, mutated as often as the evolved ones, without selection",
    "random_cppn_paper": "the paper's random CPPNs, mutated as often as its evolved ones",
    "uniform_noise": "uniform noise",
    "gaussian_noise": "Gaussian noise",
}
"""What each generator makes, for people."""
SHORT_NAMES = {
    "direct": "evolved pixels",
    "cppn": "evolved CPPNs",
    "cppn_paper": "evolved CPPNs of the paper",
    "gradient": "gradient ascent",
    "random_search_direct": "best of random pixels (control)",
    "random_search_cppn": "best of random CPPNs (control)",
    "random_search_cppn_paper": "best of the paper's random CPPNs (control)",
    "random_cppn": "random CPPNs, mutated as often (control)",
    "random_cppn_paper": "the paper's random CPPNs, mutated as often (control)",
    "uniform_noise": "uniform noise (control)",
    "gaussian_noise": "Gaussian noise (control)",
}
"""What tables call each generator."""
