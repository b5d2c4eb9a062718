import pytest
from searches import run


@pytest.fixture(scope="session")
def whole():
    """A search that ran without a stop; not to be changed."""
    return run()
