"""Convolutions in any layout: the same results, and inside loops only in the layout that a CPU is fast at."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from fooljax.encodings import direct
from fooljax.engine.channels_last import channels_last
from fooljax.engine.fitness import evaluate, quantise
from fooljax.engine.log_odds import log_odds
from fooljax.engine.types import Problem, Target
from fooljax.gradient import odds_and_gradient
from fooljax.rendering import draw
from fooljax.scoring import score
from fooljax.targets.networks.kernels import convolve, convolve_few, depthwise, max_pool
from fooljax.targets.networks.lenet import LeNet
from fooljax.targets.networks.trainable import apply_of


def normal(seed, *shape):
    return 0.3 * jax.random.normal(jax.random.key(seed), shape)


def orders(function, *arguments):
    """The `dim_labels` of every convolution in the compiled program, in loops and branches too."""
    text = jax.jit(function).lower(*arguments).compile().as_text()
    return re.findall(r" convolution\(.*dim_labels=(\S+?)[,\s]", text)


def in_a_loop(function):
    return lambda *arguments: lax.map(lambda _: function(*arguments), jnp.arange(2))


def conv(images, kernel, spec, strides=None, **settings):
    rank = images.ndim - 2
    return lax.conv_general_dilated(
        images, kernel, strides or (1,) * rank, [(1, 2)] * rank, dimension_numbers=spec, **settings
    )


KINDS = {
    "2-d": (("NCHW", "OIHW", "NCHW"), (2, 3, 9, 8), (4, 3, 3, 3), {}),
    "1-d": (("NCH", "OIH", "NCH"), (2, 3, 9), (4, 3, 3), {}),
    "3-d": (("NCDHW", "OIDHW", "NCDHW"), (2, 3, 5, 6, 4), (4, 3, 3, 3, 2), {}),
    "strides": (("NCHW", "OIHW", "NCHW"), (2, 3, 9, 8), (4, 3, 3, 3), {"strides": (2, 1)}),
    "groups": (("NCHW", "OIHW", "NCHW"), (2, 4, 9, 8), (6, 2, 3, 3), {"feature_group_count": 2}),
    "depthwise": (("NCHW", "OIHW", "NCHW"), (2, 4, 9, 8), (4, 1, 3, 3), {"feature_group_count": 4}),
    "groups of images": (("NCHW", "OIHW", "NCHW"), (4, 3, 9, 8), (4, 3, 3, 3), {"batch_group_count": 2}),
    "dilated": (("NCHW", "OIHW", "NCHW"), (2, 3, 9, 8), (4, 3, 3, 2), {"rhs_dilation": (2, 3)}),
    "transposed": (("NCHW", "OIHW", "NCHW"), (2, 3, 9, 8), (4, 3, 3, 3), {"lhs_dilation": (2, 3)}),
    "mixed": (("CWNH", "HOIW", "WHNC"), (3, 8, 2, 9), (3, 4, 3, 2), {"strides": (1, 2)}),
    "kernel alone": (("NHWC", "OIHW", "NHWC"), (2, 9, 8, 3), (4, 3, 3, 3), {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_convolution_gives_the_same_with_channels_last(kind):
    spec, images, kernel, settings = KINDS[kind]
    images, kernel = normal(0, *images), normal(1, *kernel)

    def function(images, kernel):
        return conv(images, kernel, spec, **settings)

    rewritten = channels_last(function)
    expected = jax.jit(function)(images, kernel)
    np.testing.assert_allclose(jax.jit(rewritten)(images, kernel), expected, rtol=1e-5, atol=1e-6)
    found = orders(in_a_loop(rewritten), images, kernel)
    space = "".join(str(axis) for axis in range(images.ndim - 2))
    if kind != "groups of images":  # XLA splits those itself, into a form of its own.
        assert set(found) == {f"b{space}f_{space}io->b{space}f"}
    # Also batched and differentiated, from within and from without.
    many = jax.jit(jax.vmap(rewritten, (0, None)))(jnp.stack([images, 2 * images]), kernel)
    np.testing.assert_allclose(many[1], 2 * expected, rtol=1e-5, atol=1e-5)
    slope = jax.grad(lambda *given: jnp.sum(jnp.tanh(function(*given))), (0, 1))
    outside = jax.grad(lambda *given: jnp.sum(jnp.tanh(rewritten(*given))), (0, 1))
    expected_slope = jax.jit(slope)(images, kernel)
    for form in (channels_last(slope), outside):
        for one, other in zip(jax.jit(form)(images, kernel), expected_slope, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


FAST = {"b01f_01io->b01f"}
SPEC = ("NCHW", "OIHW", "NCHW")


def layer(kernel, x):
    return jax.nn.relu(lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=SPEC))


@jax.custom_vjp
def own_slope(kernel, x):
    return layer(kernel, x)


own_slope.defvjp(
    lambda kernel, x: (own_slope(kernel, x), (kernel, x)),
    lambda kept, slope: tuple(2.0 * each for each in jax.vjp(layer, *kept)[1](slope)),
)

WRAPPED = {
    "jit": jax.jit(layer),
    "checkpoint": jax.checkpoint(layer),
    "custom_vjp": own_slope,
    "scan": lambda kernel, x: lax.scan(lambda x, _: (layer(kernel, x), None), x, length=2)[0],
    "while": lambda kernel, x: lax.while_loop(
        lambda state: state[0] < 2, lambda state: (state[0] + 1, layer(kernel, state[1])), (0, x)
    )[1],
    "cond": lambda kernel, x: lax.cond(x[0, 0, 0, 0] > 5.0, lambda x: x, lambda x: layer(kernel, x), x),
    "map": lambda kernel, x: lax.map(lambda each: layer(kernel, each[None])[0], x),
    "vmap": lambda kernel, x: jax.vmap(lambda each: layer(kernel, each[None])[0])(x),
    "pooling": lambda kernel, x: lax.reduce_window(
        layer(kernel, x), -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"
    ),
}


@pytest.mark.parametrize("how", WRAPPED)
def test_convolutions_are_found_wherever_they_stand(how):
    kernel, x = normal(0, 3, 3, 3, 3), normal(1, 2, 3, 6, 6)
    function = WRAPPED[how]
    expected = jax.jit(function)(kernel, x)
    np.testing.assert_allclose(jax.jit(channels_last(function))(kernel, x), expected, rtol=1e-5, atol=1e-6)
    found = orders(in_a_loop(channels_last(function)), kernel, x)
    assert set(found) == FAST
    if how != "while":

        def slope(kernel, x):
            return jax.grad(lambda x: jnp.sum(function(kernel, x) ** 2))(x)

        expected = jax.jit(slope)(kernel, x)
        np.testing.assert_allclose(jax.jit(channels_last(slope))(kernel, x), expected, rtol=1e-5, atol=1e-5)
        assert set(orders(in_a_loop(channels_last(slope)), kernel, x)) == FAST


def small(weights, images):
    """A network in PyTorch's layout, as Equinox's are."""
    x = images.transpose(0, 3, 1, 2)
    x = layer(weights["kernel"], x) + weights["bias"][None, :, None, None]
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    return x.reshape(x.shape[0], -1) @ weights["out"]


WEIGHTS = {"kernel": normal(0, 4, 1, 3, 3), "bias": normal(1, 4), "out": normal(2, 64, 5)}


def test_a_search_an_ascent_and_a_score_meet_no_other_layout():
    """Where XLA leaves it as it is, such a network takes 2 to 60 times as long."""
    encoding = direct((8, 8, 1))
    fitness = functools.partial(evaluate, encoding)
    problem = Problem(WEIGHTS, (), small, tuple(range(5)))
    genomes = jax.random.uniform(jax.random.key(0), (6, 64))
    assert set(orders(in_a_loop(fitness), problem, genomes)) == FAST
    images = genomes.reshape(6, 8, 8, 1)
    look = odds_and_gradient(small)
    assert set(orders(in_a_loop(look), WEIGHTS, (images, jnp.arange(6) % 5))) == FAST
    plain = jax.jit(lambda images: log_odds(small(WEIGHTS, quantise(jnp.floor(images * 255) / 255))))(images)
    np.testing.assert_allclose(jax.jit(fitness)(problem, genomes), plain, rtol=1e-5, atol=1e-6)
    pixels = draw(encoding, genomes)
    np.testing.assert_allclose(score(Target(WEIGHTS, small), pixels), plain, rtol=1e-5, atol=1e-6)


def test_networks_with_channels_last_keep_their_programs():
    """And so every bit; the package's own among them, with their gradients."""
    params = LeNet().init(jax.random.key(0), jnp.zeros((1, 28, 28, 1)))
    images = jax.random.uniform(jax.random.key(1), (4, 28, 28, 1))
    rgb, few, deep, wide = (
        normal(0, 2, 16, 16, 3),
        normal(1, 3, 3, 3, 4),
        normal(2, 3, 3, 4),
        normal(3, 5, 5, 4, 4),
    )

    def layers(few, deep, wide, x):
        x = max_pool(convolve(depthwise(convolve_few(x, few, 2), deep, 1), wide, 2, 2), True)
        return jnp.sum(x**2)

    def slope(params, images):
        return jax.grad(lambda x: jnp.sum(apply_of("lenet", 10)(params, x)[:, 0]))(images)

    lenet = apply_of("lenet", 10)

    def ordinary(kernel, x):
        return conv(x, kernel, ("NHWC", "HWIO", "NHWC"))

    for function, arguments in (
        (lenet, (params, images)),
        (slope, (params, images)),
        (jax.grad(layers, 3), (few, deep, wide, rgb)),
        (ordinary, (few, rgb)),
    ):
        if function in (ordinary, lenet):  # Others have branches for other platforms, which may change.
            assert str(jax.make_jaxpr(channels_last(function))(*arguments)) == str(
                jax.make_jaxpr(function)(*arguments)
            )
        for one, other in zip(
            jax.tree.leaves(jax.jit(function)(*arguments)),
            jax.tree.leaves(jax.jit(channels_last(function))(*arguments)),
            strict=True,
        ):
            np.testing.assert_array_equal(one, other)
