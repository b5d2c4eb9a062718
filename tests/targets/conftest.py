import signal

import pytest
from bars import bars

from fooljax.data import from_arrays


@pytest.fixture(scope="session")
def dataset():
    """400 images of bars in four classes to learn from, and 200 to test on."""
    train_images, train_labels = bars()
    test_images, test_labels = bars(200, seed=1)
    return from_arrays(train_images, train_labels, test_images, test_labels, name="bars")


@pytest.fixture
def no_hanging():
    """What would take for ever fails."""

    def fail(*_):
        raise AssertionError("still reading after two minutes")

    signal.signal(signal.SIGALRM, fail)
    signal.alarm(120)
    yield
    signal.alarm(0)
