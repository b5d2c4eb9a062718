import jax
import pytest


@pytest.fixture(autouse=True)
def _other_people_s_code():
    """Other frameworks add arrays of different ranks, which the tests of our own code forbid."""
    with jax.numpy_rank_promotion("allow"):
        yield
