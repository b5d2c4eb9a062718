"""Functions of Haiku: the same logits as the function itself, inside the compiled program."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax
from fooljax.errors import FaultError, InputError
from fooljax.targets.foreign import from_haiku

SHAPE = (6, 5, 3)
IMAGES = np.random.default_rng(0).random((7, *SHAPE), np.float32)


def test_without_the_package_it_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "haiku", None)
    with pytest.raises(FaultError, match=r"^haiku: .* pip install 'fooljax\[haiku\]' brings it$"):
        from_haiku(None, {}, image_shape=SHAPE)


def network(inputs, is_training):
    import haiku as hk

    found = hk.Conv2D(4, 3)(inputs)
    found = hk.BatchNorm(True, True, 0.9)(found, is_training)
    return hk.Linear(5)(jax.nn.relu(found).mean((1, 2)))


@pytest.fixture(scope="module")
def made():
    """A function with a state, its parameters and its state."""
    hk = pytest.importorskip("haiku")
    with jax.numpy_rank_promotion("allow"):
        params, state = hk.transform_with_state(lambda inputs: network(inputs, True)).init(
            jax.random.key(0), IMAGES
        )
    return hk.transform_with_state(lambda inputs: network(inputs, False)), params, state


def logits(target, images):
    return np.asarray(target.apply(target.params, jnp.asarray(images)))


def test_logits_are_those_of_the_function(made):
    function, params, state = made
    target = from_haiku(function, params, state, image_shape=SHAPE)
    expected = function.apply(params, state, None, IMAGES)[0]
    np.testing.assert_allclose(logits(target, IMAGES), expected, atol=1e-5)
    assert target.provenance["framework"].startswith("dm-haiku ")


def test_a_function_without_state(made):
    import haiku as hk

    function = hk.transform(lambda inputs: hk.nets.MLP([8, 3])(inputs))
    images = IMAGES.reshape(len(IMAGES), -1)
    params = function.init(jax.random.key(0), images)
    target = from_haiku(function, params, image_shape=SHAPE, preprocessing={"layout": "flat"})
    np.testing.assert_allclose(logits(target, IMAGES), function.apply(params, None, images), atol=1e-5)


def test_it_is_fooled_by_evolution_and_by_its_gradient(made):
    target = from_haiku(*made, image_shape=SHAPE)
    result = fooljax.evolve(target, fooljax.encodings.direct(SHAPE), key=0, generations=3)
    scored = fooljax.score(target, result.images[0]).diagonal()
    np.testing.assert_allclose(scored, result.log_odds[0], atol=1e-3)
    assert np.all(np.isfinite(fooljax.ascend(target, [1], key=0, iterations=8).log_odds))


def test_batch_norm_in_training_is_found(made):
    import haiku as hk

    training = hk.transform_with_state(lambda inputs: 100.0 * network(inputs, True))
    target = from_haiku(training, *made[1:], image_shape=SHAPE)
    with pytest.raises(InputError, match="switch batch norm and dropout to inference"):
        fooljax.evolve(target, fooljax.encodings.direct(SHAPE), key=0, generations=1)


def test_what_is_wrong_is_one_line(made):
    function, params, state = made
    for told, arguments in {
        r"^transformed: expected what hk\.transform or .* gives, got function$": (network, params),
        r"^state: expected a state for this function, got none$": (function, params),
        r"^target: refused images \[2, 6, 5, 3\]: ": (function, {}, state),
    }.items():
        with pytest.raises(InputError, match=told):
            from_haiku(*arguments, image_shape=SHAPE)
