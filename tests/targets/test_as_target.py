"""Targets of any callable."""

import jax.numpy as jnp
import numpy as np
import pytest

from fooljax.engine.types import as_target
from fooljax.errors import InputError


def test_any_callable_becomes_a_target():
    plain = as_target(lambda images: images.sum((1, 2)))
    np.testing.assert_allclose(plain.apply(plain.params, jnp.ones((2, 3, 3, 2))), 9.0)
    with_params = as_target(lambda params, images: images.sum((1, 2)) * params, jnp.float32(2))
    np.testing.assert_allclose(with_params.apply(with_params.params, jnp.ones((2, 3, 3, 2))), 18.0)
    assert as_target(plain) is plain
    with pytest.raises(InputError, match=r"^target: expected a JAX callable or a Target, got str"):
        as_target("lenet")
