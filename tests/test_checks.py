"""Numbers of Python calls that are no numbers, or too large, are refused in one line that names them."""

import numpy as np
import pytest
import toys

import fooljax
from fooljax.encodings import direct, fixed_cppn
from fooljax.errors import InputError
from fooljax.evolution import search
from fooljax.scoring import score
from fooljax.strategies import focused, map_elites, random_search

SHAPE = (6, 6, 1)
IMAGES = np.zeros((1, *SHAPE), np.uint8)


def searched(**changes):
    search(toys.target(), toys.ENCODING, toys.STRATEGY, **{"key": 0, "generations": 1, **changes})


def ascended(**changes):
    target = toys.target().replace(image_shape=SHAPE, class_names=tuple("abcd"))
    fooljax.ascend(target, key=0, iterations=2, **changes)


@pytest.mark.parametrize(
    ("call", "arguments", "message"),
    [
        (direct, {"mutation_rate": "x"}, r"mutation_rate: expected a number in \[0, 1\], got 'x'"),
        (direct, {"rate_floor": None}, r"rate_floor: expected a number in \[0, 0.1\], got None"),
        (direct, {"crossover_rate": "a"}, "crossover_rate: expected a number"),
        (direct, {"eta": "x"}, "eta: expected a positive number, got 'x'"),
        (direct, {"crossover_eta": None}, "crossover_eta: expected a positive number, got None"),
        (fixed_cppn, {"eta": True}, "eta: expected a positive number, got True"),
        *(
            (strategy, {"batch_size": size}, "batch_size: expected a whole number, 1 or more, got ")
            for strategy in (map_elites, focused, random_search)
            for size in ("x", None, 1.5, True)
        ),
        (focused, {"focus": "half"}, r"focus: expected a number in \[0, 1\], got 'half'"),
        (searched, {"runs": 2**31}, "runs: expected at most 2,147,483,647, got 2147483648"),
        (searched, {"runs": 10**30}, "runs: expected at most"),
        (score, {"tile": True}, "tile: expected a whole number, 1 or more, got True"),
        (score, {"objective": "log_odds"}, "objective: expected"),
        (ascended, {"mean": "a"}, r"mean: expected numbers in \[0, 1\], got "),
        (ascended, {"starts": np.full((1, *SHAPE), np.nan)}, r"starts: expected floats in \[0, 1\]"),
        (ascended, {"starts": IMAGES}, r"starts: expected floats in \[0, 1\], got uint8"),
        (ascended, {"start_mode": "x"}, "start_mode: expected one of mean_plus, randu, zero, got 'x'"),
        (fooljax.start_distributed, {"coordinator_address": 5}, "coordinator_address: expected HOST:PORT"),
        (fooljax.start_distributed, {"coordinator_address": b"x"}, "coordinator_address: expected HOST:PORT"),
    ],
)
def test_what_is_no_number_or_too_large_is_named(call, arguments, message):
    first = {direct: (SHAPE,), fixed_cppn: (SHAPE,), score: (toys.target(), IMAGES)}
    first |= {strategy: (toys.ENCODING,) for strategy in (map_elites, focused, random_search)}
    with pytest.raises(InputError, match="^" + message) as caught:
        call(*first.get(call, ()), **arguments)
    assert "\n" not in str(caught.value)
