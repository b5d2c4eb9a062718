"""How a damaged or hostile file has to be refused."""

import tracemalloc

import pytest

from fooljax.errors import InputError
from fooljax.targets.weights import read_weights


def refused(path, told, read=read_weights):
    """Makes sure that a file is refused in one line, in memory that its size bounds; gives the line."""
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=told) as caught:
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= max(4 * path.stat().st_size, 2**24)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600
    return str(caught.value)


def written(path, content):
    path.write_bytes(content)
    return path
