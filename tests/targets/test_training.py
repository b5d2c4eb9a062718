"""Training: Caffe's solver, on arrays alone, in any number of parts, and a signal is answered."""

import dataclasses
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bars import QUICK

from fooljax.engine.types import Target
from fooljax.storage.trees import digest_tree
from fooljax.targets import (
    LeNet,
    accuracy,
    fitting,
    train,
)
from fooljax.targets.fitting import fit
from fooljax.targets.losses import CrossEntropy, UnsureOfNoise
from fooljax.targets.networks.trainable import NETWORKS, apply_of
from fooljax.targets.training import RECIPES, shifted


def test_sgd_is_caffes_solver():
    """Three steps against Caffe's update: v = 0.9 v + rate (g + decay w), biases at twice the rate."""
    recipe = RECIPES["paper"]
    optimizer = recipe.make_optimizer()
    params = {"kernel": jnp.asarray([[1.0, -2.0]]), "bias": jnp.asarray([0.5])}
    state = optimizer.init(params)
    plain = {name: np.asarray(value, np.float64) for name, value in params.items()}
    velocity = {name: np.zeros_like(value) for name, value in plain.items()}
    for step in range(3):
        gradient = {"kernel": jnp.asarray([[0.3, 0.1 * step]]), "bias": jnp.asarray([-0.2])}
        updates, state = optimizer.update(gradient, state, params)
        params = jax.tree.map(jnp.add, params, updates)
        rate = 0.01 * (1 + 1e-4 * step) ** -0.75
        for name, factor in (("kernel", 1), ("bias", 2)):
            pull = np.asarray(gradient[name], np.float64) + 0.0005 * plain[name]
            velocity[name] = 0.9 * velocity[name] + rate * factor * pull
            plain[name] = plain[name] - velocity[name]
    for name in plain:
        np.testing.assert_allclose(params[name], plain[name], rtol=1e-6)


def test_training_learns_and_stacks_under_vmap(dataset):
    apply = apply_of("lenet", 4)
    images, labels = jnp.asarray(dataset.train_images), jnp.asarray(dataset.train_labels)
    keys = jax.random.split(jax.random.key(0), 2)
    blank = jnp.zeros((1, *dataset.image_shape))
    starts = jax.vmap(lambda key: LeNet(4).init(key, blank))(keys)
    stacked, losses = jax.jit(jax.vmap(lambda k, p: train(apply, QUICK, k, p, images, labels)))(keys, starts)
    assert losses.shape == (2, 40)
    assert float(losses[:, -5:].mean()) < 0.5 * float(losses[:, :5].mean())
    first = jax.tree.map(lambda leaf: leaf[0], starts)
    alone, _ = jax.jit(lambda k, p: train(apply, QUICK, k, p, images, labels))(keys[0], first)
    for one, many in zip(jax.tree.leaves(alone), jax.tree.leaves(stacked), strict=True):
        np.testing.assert_allclose(one, many[0], atol=2e-3)
    assert accuracy(Target(alone, apply), dataset.test_images, dataset.test_labels) > 0.95


def test_shifts_move_whole_images():
    images = jnp.zeros((50, 8, 8, 1)).at[:, 4, 4].set(1.0)
    moved = np.asarray(shifted(jax.random.key(0), images, 2))[..., 0]
    places = np.argwhere(moved == 1.0)
    assert len(places) == 50
    assert set(map(tuple, places[:, 1:] - 4)) <= {(i, j) for i in range(-2, 3) for j in range(-2, 3)}
    assert len(set(map(tuple, places[:, 1:]))) > 15


@pytest.mark.optimised
@pytest.mark.parametrize(
    ("network", "loss"),
    [
        ("mlp", CrossEntropy()),
        pytest.param("lenet", CrossEntropy(), marks=pytest.mark.slow),
        pytest.param("mlp", UnsureOfNoise(steps=2), marks=pytest.mark.slow),
    ],
)
def test_the_parts_of_a_training_change_no_bit(network, loss, dataset, monkeypatch):
    recipe = dataclasses.replace(RECIPES["strong"], steps=12, batch_size=32, loss=loss)
    init_key, train_key = jax.random.split(jax.random.key(3))
    start = NETWORKS[network][1](4).init(init_key, jnp.zeros((1, *dataset.image_shape)))
    arrays = jnp.asarray(dataset.train_images), jnp.asarray(dataset.train_labels)
    whole, losses = jax.jit(lambda k, p: train(apply_of(network, 4), recipe, k, p, *arrays))(train_key, start)
    monkeypatch.setattr(fitting, "PART_SECONDS", 0.0)
    in_parts = fit(dataset, recipe, network, 3)
    assert digest_tree(jax.device_get(whole)) == digest_tree(in_parts)
    assert np.all(losses > 0)


def test_a_signal_in_the_middle_of_a_training_is_answered(dataset, monkeypatch, caplog):
    """Not after it, and with a line on what is lost."""
    monkeypatch.setattr(fitting, "PART_SECONDS", 0.05)
    long = dataclasses.replace(QUICK, steps=100_000)

    def ring(*_):
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 5.0)
        with pytest.raises(KeyboardInterrupt):
            fit(dataset, long, "lenet", 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    (line,) = [record.getMessage() for record in caplog.records]
    done = int(line.split()[3])
    assert line == f"training stopped after {done} of 100000 steps, which are lost"
    assert done < 100_000
