"""Targets of any callable."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.engine.types import Target, as_target
from fooljax.errors import InputError
from fooljax.host_targets import host_target
from fooljax.scoring import score


def test_any_callable_becomes_a_target():
    plain = as_target(lambda images: images.sum((1, 2)))
    np.testing.assert_allclose(plain.apply(plain.params, jnp.ones((2, 3, 3, 2))), 9.0)
    with_params = as_target(lambda params, images: images.sum((1, 2)) * params, jnp.float32(2))
    np.testing.assert_allclose(with_params.apply(with_params.params, jnp.ones((2, 3, 3, 2))), 18.0)
    assert as_target(plain) is plain
    with pytest.raises(InputError, match=r"^target: expected a JAX callable or a Target, got str"):
        as_target("lenet")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"name": 3}, "^name: expected text, got 3$"),
        ({"class_names": "abc"}, "^class_names: expected a list of names, got 'abc'$"),
        ({"image_shape": 8}, "^image_shape: expected "),
    ],
)
def test_facts_are_checked(facts, message):
    for make in (as_target, host_target):
        with pytest.raises(InputError, match=message):
            make(lambda images: images, **facts)


def test_a_function_that_cannot_be_hashed_is_one_line():
    @dataclasses.dataclass
    class Network:
        def __call__(self, params, images):
            return images[:, 0, :4, 0]

    message = r"^target: expected a function that can be hashed, .*got unhashable type: 'Network'$"
    with pytest.raises(InputError, match=message):
        as_target(Network(), 0)
    with pytest.raises(InputError, match=message):
        score(Target((), Network()), np.zeros((2, 6, 6, 1), np.uint8))


def test_parameters_that_are_missing_are_told():
    with pytest.raises(InputError, match=r"give them as fooljax\.as_target\(model, params\)$"):
        as_target(lambda params, images: images)
