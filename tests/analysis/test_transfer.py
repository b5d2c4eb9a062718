"""Transfer: what is counted of made log-odds whose answers are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fooljax.analysis import transfer
from fooljax.analysis.thresholds import Thresholds

LEVELS = {"0.9": np.log(9.0), "0.9999": np.log(9999.0)}
THRESHOLDS = Thresholds(raw=LEVELS, scaled=LEVELS, temperature=1.0, fitted_on=0, taken_on=0)
ODDS = np.array([[10.0, -10.0, -12.0], [-11.0, 3.0, -3.0], [9.5, -9.5, -10.0], [-0.2, -0.4, -1.5]])
CLASSES = np.array([0, 1, 2, 0])


def test_what_a_network_says_of_made_images():
    seen = transfer.network_answers(ODDS, CLASSES, THRESHOLDS)
    assert seen["own"] == [10.0, 3.0, -10.0, -0.2]
    assert seen["named"] == [0, 1, 0, 0]
    assert seen["same"]["raw"] == {"0.9": 0.5, "0.9999": 0.25}
    assert seen["any"]["raw"] == {"0.9": 0.75, "0.9999": 0.5}
    # Two images are named surely, the first and the third, and only the first by its own name.
    assert transfer.agreement(seen, CLASSES) == 0.5
    assert transfer.agreement(seen, CLASSES, level=20.0) is None


def test_a_name_counts_first_with_whatever_confidence():
    assert transfer.named_first({"named": [1, 2, 3, 4]}, [1, 2, 3, 9]) == 0.75


def test_only_images_that_fool_their_own_network_can_transfer():
    source, target = [10.0, 12.0, 5.0, 30.0], [9.3, 2.0, 50.0, 9.2]
    assert transfer.transfer_rate(source, target) == pytest.approx(1 / 3)
    assert transfer.transfer_rate([1.0, 2.0], [50.0, 50.0]) is None
    assert transfer.transfer_rate(source, target, level=2.0) == 1.0


def test_a_curve_has_a_share_and_a_count_for_each_bin():
    shares, counts = transfer.curve(
        [-1.0, 0.0, 4.9, 5.0, 9.0, 10.0], [20, 20, 0, 20, 20, 20], [0.0, 5.0, 10.0]
    )
    assert counts.tolist() == [2, 2]
    assert shares.tolist() == [0.5, 1.0]
    shares, counts = transfer.curve([1.0], [20.0], [0.0, 5.0, 10.0])
    assert np.isnan(shares[1])
    assert counts.tolist() == [1, 0]


@given(arrays.arrays(np.float64, (2, 30), elements=st.floats(-40, 40)))
def test_bins_hold_every_image_once(odds):
    shares, counts = transfer.curve(*odds, [-41.0, 0.0, 9.0, 20.0, 41.0])
    assert counts.sum() == 30
    assert np.nansum(shares * counts) == pytest.approx(np.sum(odds[1] >= np.log(9999.0)))


def test_kinds_are_compared_where_both_fool_their_own_network_as_surely():
    edges, far = [0.0, 10.0, 20.0, 30.0], [20.0, 20.0]
    # In the first bin 1 of 2 against 0 of 2; the second and third are filled by one kind each.
    first, second = ([5.0, 5.0, 15.0], [20.0, 0.0, 20.0]), ([5.0, 5.0, 25.0], [0.0, 0.0, 20.0])
    assert transfer.matched_rate_difference(first, second, edges) == 0.5
    assert transfer.matched_rate_difference(second, first, edges) == -0.5
    assert transfer.matched_rate_difference(([5.0] * 2, far), ([15.0] * 2, far), edges) is None
    # Two bins, weights 1 * 1 / 2 and 1 * 3 / 4: (0.5 * 1 + 0.75 * 0) / 1.25.
    second = ([5.0, 15.0, 15.0, 15.0], [0.0, 20.0, 20.0, 20.0])
    assert transfer.matched_rate_difference(([5.0, 15.0], far), second, edges) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("lenet-0", "lenet-0", transfer.SAME),
        ("lenet-0", "lenet-3", transfer.SEED),
        ("lenet-0", "mlp-0", transfer.OTHER),
        ("resnet20", "resnet56", transfer.OTHER),
        ("efficientnet-lite0", "efficientnet-lite1", transfer.OTHER),
        ("mobilenet-v2", "mobilenet-v3-small", transfer.OTHER),
        ("knn", "knn", transfer.SAME),
    ],
)
def test_networks_are_related_by_their_names(source, target, expected):
    assert transfer.relation(source, target) == expected


def test_pairs_are_of_one_network_and_run():
    first = {("a", 0): 0.9, ("a", 1): 0.8, ("b", 0): 0.5, ("c", 0): 1.0}
    second = {("a", 0): 0.4, ("a", 1): 0.8, ("b", 0): 0.7}
    assert transfer.paired(first, second) == [[pytest.approx(0.5), 0.0], [pytest.approx(-0.2)]]


def test_a_mean_leaves_out_what_there_is_not():
    assert transfer.mean_known([1.0, None, 0.0]) == 0.5
    assert transfer.mean_known([None]) is None
