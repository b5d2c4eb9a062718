"""The direct encoding: one gene for each value of each pixel.

Source: Nguyen et al. 2015, section 2.2, and the authors' code. Genes start as uniform noise in [0, 1]; each
is chosen with a rate of 0.1, halved every 1,000 generations, and moved by polynomial mutation (Deb 2001,
eta 15) without the bound-aware term, then clipped. The image is `floor(255 * gene)`; in colour the three
genes of a pixel are hue, lightness and saturation in the authors' code (the paper says HSV).
Differs: the halving has a floor, since literally halved it would leave less than one changed gene a child
on MNIST from generation 7,000; crossover (in the authors' code, not in the paper) is off by default, and so
is that code's resetting of genes that both parents share to mid-grey.
"""

import math

import jax
import jax.numpy as jnp

from fooljax.checks import check_positive, check_switches, check_within
from fooljax.encodings import colour as colours
from fooljax.encodings.described import carries_settings
from fooljax.encodings.polynomial import polynomial
from fooljax.engine.types import Coordinates, Encoding, Genome, checked_shape
from fooljax.errors import InputError, shown
from fooljax.remembered import remembered

STORAGES = ("float32", "uint8")
MUTATION_RATE = 0.1
"""Share of genes changed per child at the start. Source: Nguyen et al. 2015, section 2.2."""
HALVING_GENERATIONS = 1000
"""The rate halves every so many generations. Source: Nguyen et al. 2015, section 2.2."""
MUTATION_ETA = 15.0
"""Distribution index of the mutation ("mutation strength"). Source: Nguyen et al. 2015, section 2.2."""
RATE_FLOOR = 0.1 / 64
"""Ours: at least 1.2 of MNIST's 784 genes change per child, however long the run."""
CROSSOVER_ETA = 10.0
"""Distribution index of SBX. Source: the authors' code (eta_c)."""


@remembered
@carries_settings
def direct(
    image_shape: tuple[int, int, int],
    *,
    mutation_rate: float = MUTATION_RATE,
    halving_generations: int = HALVING_GENERATIONS,
    rate_floor: float = RATE_FLOOR,
    eta: float = MUTATION_ETA,
    crossover_rate: float = 0.0,
    crossover_eta: float = CROSSOVER_ETA,
    reset_equal_genes: bool = False,
    colour: str | None = None,
    storage: str = "float32",
) -> Encoding:
    """Builds the direct encoding. A genome is one array `[G]`, `G = H * W * K`.

    Args:
      image_shape: `(H, W, K)`.
      mutation_rate: probability in [0, 1] that a gene changes, in the first generations.
      halving_generations: the rate halves every so many generations; 0 keeps it constant, as the authors'
        code does.
      rate_floor: the rate falls no further; at most `mutation_rate`.
      eta: distribution index of polynomial mutation, positive; larger is smaller steps.
      crossover_rate: probability in [0, 1] that a child is made by SBX of two parents (authors' code: 0.5).
      crossover_eta: distribution index of SBX, positive.
      reset_equal_genes: with SBX, sets genes that are equal in both parents to 0.5, a side effect of the
        authors' code.
      colour: "grey" for K = 1; "hls" (the authors' code), "hsv" (the paper's word) or "rgb" for K = 3; by
        default the first of them that fits.
      storage: of genes: "float32", in [0, 1]; or "uint8", levels, a quarter of the memory: steps of less than
        half a level are lost, 3 % of them at an eta of 15, and there is no gradient.
    Returns:
      The encoding.
    Raises:
      InputError: an argument is out of its range.
    """
    image_shape = checked_shape(image_shape)
    check_within(mutation_rate=(mutation_rate, 0.0, 1.0), crossover_rate=(crossover_rate, 0.0, 1.0))
    check_within(rate_floor=(rate_floor, 0.0, mutation_rate))
    check_positive(eta=eta, crossover_eta=crossover_eta)
    if not isinstance(halving_generations, int) or halving_generations < 0:
        raise InputError(
            f"halving_generations: expected a whole number, 0 or more, got {shown(repr(halving_generations))}"
        )
    check_switches(reset_equal_genes=reset_equal_genes)
    if storage not in STORAGES:
        raise InputError(f"storage: expected one of {', '.join(STORAGES)}, got {storage}")
    conversion = colours.lookup(colours.fitting(image_shape, colour))
    num_genes, in_levels = math.prod(image_shape), storage == "uint8"

    def stored(genes: jax.Array) -> Genome:
        return jnp.round(genes * 255.0).astype(jnp.uint8) if in_levels else genes

    def numbers(genome: Genome) -> jax.Array:
        return genome.astype(jnp.float32) / 255.0 if in_levels else genome

    def init(key: jax.Array) -> Genome:
        return stored(jax.random.uniform(key, (num_genes,)))

    def vary(key: jax.Array, parents: Genome, generation: jax.Array) -> Genome:
        parents = numbers(parents)
        child = parents[0]
        if crossover_rate > 0.0:
            key, cross_key = jax.random.split(key)
            child = _maybe_cross(cross_key, parents, crossover_rate, crossover_eta, reset_equal_genes)
        rate: jax.Array | float = mutation_rate
        if halving_generations:
            halvings = (generation // halving_generations).astype(jnp.float32)
            rate = jnp.maximum(rate * jnp.exp2(-halvings), rate_floor)
        return stored(polynomial(jax.random.uniform(key, (num_genes,)), child, rate, eta))

    def render(genome: Genome, coordinates: Coordinates) -> jax.Array:
        del coordinates
        genes = numbers(genome)
        return image(genes if in_levels else jnp.floor(genes * 255.0) / 255.0)

    def image(genes: jax.Array) -> jax.Array:
        genes = genes.reshape(image_shape)
        return jnp.stack(conversion.convert(*(genes[..., k] for k in range(image_shape[2]))), axis=-1)

    return Encoding(
        name="direct",
        image_shape=image_shape,
        num_parents=2 if crossover_rate > 0.0 else 1,
        init=init,
        vary=vary,
        render=render,
        differentiable=None if in_levels else lambda genome, coordinates: image(genome),
        bounds=None if in_levels else (0.0, 1.0),
    )


def _maybe_cross(
    key: jax.Array, parents: jax.Array, rate: float, eta: float, reset_equal_genes: bool
) -> jax.Array:
    """One of the two SBX children with probability `rate`, else the first parent."""
    gate_key, spread_key, side_key = jax.random.split(key, 3)
    child = sbx(spread_key, side_key, parents[0], parents[1], eta)
    if reset_equal_genes:
        child = jnp.where(parents[0] == parents[1], 0.5, child)
    return jnp.where(jax.random.uniform(gate_key) < rate, child, parents[0])


def sbx(
    spread_key: jax.Array, side_key: jax.Array, first: jax.Array, second: jax.Array, eta: float
) -> jax.Array:
    """Simulated binary crossover on bounds [0, 1]: one of the two children, by the toss of a coin a gene.

    Args:
      spread_key: draws how far each gene is spread.
      side_key: draws which child's gene is taken.
      first: one parent, `[G]` in [0, 1].
      second: the other; genes equal in both are kept.
      eta: distribution index, positive.
    Returns:
      `[G]` in [0, 1].
    Source: Deb and Agrawal 1995, in the bounded form of Deb's NSGA-II code.
    """
    low, high = jnp.minimum(first, second), jnp.maximum(first, second)
    gap = jnp.maximum(high - low, 1e-6)
    u = jax.random.uniform(spread_key, first.shape)

    def spread(room: jax.Array) -> jax.Array:
        alpha = 2.0 - (1.0 + 2.0 * room / gap) ** (-(eta + 1.0))
        inside = u * alpha
        beta = jnp.where(inside <= 1.0, inside, 1.0 / jnp.maximum(2.0 - inside, 1e-6))
        return beta ** (1.0 / (eta + 1.0))

    middle = 0.5 * (low + high)
    lower = middle - 0.5 * spread(low) * gap
    upper = middle + 0.5 * spread(1.0 - high) * gap
    child = jnp.where(jax.random.bernoulli(side_key, 0.5, first.shape), lower, upper)
    return jnp.where(first == second, first, jnp.clip(child, 0.0, 1.0))
