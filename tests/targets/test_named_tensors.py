"""Tensors that do not fit a network are told in one line."""

import numpy as np
import pytest

from fooljax.errors import InputError
from fooljax.targets.weights import NamedTensors

pytestmark = pytest.mark.usefixtures("no_hanging")


def test_tensors_that_do_not_fit_are_named_in_one_line():
    arrays = {"a": np.zeros(2), "b": np.zeros(3), "x": np.zeros(1), "n.num_batches_tracked": np.zeros(())}
    naming = NamedTensors(arrays, "file.pth")
    naming.take("a", (2,))
    naming.take("b", (4,))
    naming.take("c", (1,))
    with pytest.raises(InputError) as caught:
        naming.finish(ignored=(".num_batches_tracked",))
    assert str(caught.value) == (
        "file.pth: its tensors do not fit this network: missing c; unexpected x; "
        "misshapen b (expected [4], got [3])"
    )


def test_many_misfits_are_counted():
    naming = NamedTensors({}, "file.pth")
    for index in range(10):
        naming.take(f"t{index}", (1,))
    with pytest.raises(InputError, match="missing t0, t1, t2 and 7 more"):
        naming.finish()


def test_weights_that_are_not_finite():
    naming = NamedTensors({"a": np.asarray([1.0, np.nan])}, "file.pth")
    naming.take("a", (2,))
    with pytest.raises(InputError, match="found NaN or infinity in a"):
        naming.finish()
