"""Chains of retraining: names, sizes, and a first network whose new class is never given."""

import jax
import numpy as np
import pytest

from fooljax.defences.chains import NEVER, Chain, fooling_images, network_of, runs_for
from fooljax.defences.fine_tuning import rejecting, with_rejection
from fooljax.engine.log_odds import log_odds
from fooljax.errors import InputError
from fooljax.targets.shipped import pretrained


def test_a_network_with_a_class_that_it_never_gives_is_the_network_that_it_was():
    target = pretrained("lenet", 0)
    images = jax.random.uniform(jax.random.key(1), (7, 28, 28, 1))
    never = rejecting(with_rejection(target), NEVER)
    before, after = (jax.jit(one.apply)(one.params, images) for one in (target, never))
    np.testing.assert_array_equal(after[:, 10], np.full(7, NEVER, np.float32))
    np.testing.assert_allclose(log_odds(after)[:, :10], log_odds(before), rtol=1e-5, atol=1e-5)


def test_fooling_images_of_all_rounds_count_as_often_as_they_are_to():
    sets = [np.full((count, 2, 2, 1), count, np.uint8) for count in (3, 2)]
    images, labels = fooling_images(sets, 10, copies=4)
    assert images.shape == (20, 2, 2, 1)
    assert labels.tolist() == [10] * 20
    assert np.bincount(images[:, 0, 0, 0]).tolist() == [0, 0, 8, 12]


def test_names_of_networks_lead_back_to_their_chains():
    chain = Chain("alexnet-small-3", 12)
    assert network_of(chain.network(15)) == (chain, 15)
    # The first network is that of all chains that begin with it.
    assert chain.network(1) == Chain("alexnet-small-3", 0).network(1)
    assert network_of(chain.network(1)) == (Chain("alexnet-small-3", 0), 1)


@pytest.mark.parametrize("name", ["lenet-0", "lenet-0-dnn2", "lenet-0-seed1-dnn1", "lenet-0-seed1-dnnx", ""])
def test_other_names_are_refused(name):
    with pytest.raises(InputError, match=r"^network: expected a name as lenet-0-seed1-dnn2, got"):
        network_of(name)


def test_the_papers_sizes_are_300_and_50_runs():
    assert runs_for(6000, 10) == 300
    assert runs_for(1000, 10) == 50
    with pytest.raises(
        InputError, match=r"^images: expected a multiple of 20, what one run gives, got 1,010"
    ):
        runs_for(1010, 10)
