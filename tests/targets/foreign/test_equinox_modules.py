"""Models of Equinox: the same logits as the model itself in inference, inside the compiled program."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax
from fooljax.errors import FaultError, InputError
from fooljax.targets.foreign import from_equinox

SHAPE = (6, 5, 3)
IMAGES = np.random.default_rng(0).random((7, *SHAPE), np.float32)


def test_without_the_package_it_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "equinox", None)
    with pytest.raises(FaultError, match=r"^equinox: .* pip install 'fooljax\[equinox\]' brings it$"):
        from_equinox(None, image_shape=SHAPE)


@pytest.fixture(scope="module")
def made():
    """Two models of one make, each with its state."""
    eqx = pytest.importorskip("equinox")

    class Net(eqx.Module):
        conv: eqx.nn.Conv2d
        norm: eqx.nn.BatchNorm
        drop: eqx.nn.Dropout
        out: eqx.nn.Linear

        def __init__(self, key):
            first, second = jax.random.split(key)
            self.conv = eqx.nn.Conv2d(3, 4, 3, key=first)
            self.norm = eqx.nn.BatchNorm(4, "batch", mode="batch")
            self.drop = eqx.nn.Dropout()
            self.out = eqx.nn.Linear(4, 5, key=second)

        def __call__(self, image, state, key=None):
            found, state = self.norm(jax.nn.relu(self.conv(image)), state)
            return self.out(self.drop(found.mean((1, 2)), key=key)), state

    return [eqx.nn.make_with_state(Net)(jax.random.key(seed)) for seed in (0, 1)]


def logits(target, images):
    return np.asarray(target.apply(target.params, jnp.asarray(images)))


def test_logits_are_those_of_the_model_in_inference(made):
    import equinox as eqx

    model, state = made[0]
    target = from_equinox(model, state, image_shape=SHAPE)
    assert model.drop.inference is False, "the model itself was not switched"
    still = eqx.nn.inference_mode(model)
    one_by_one = [still(jnp.asarray(image.transpose(2, 0, 1)), state)[0] for image in IMAGES]
    np.testing.assert_allclose(logits(target, IMAGES), one_by_one, atol=1e-5)
    assert target.name == "Net"
    assert target.provenance["framework"].startswith("equinox ")
    assert "[batch, channels, height, width]" in target.provenance["preprocessing"]


def test_a_model_without_state(made):
    import equinox as eqx

    model = eqx.nn.MLP(4 * 4, 3, 8, 1, key=jax.random.key(0))
    target = from_equinox(model, image_shape=(4, 4, 1), preprocessing={"layout": "flat"})
    images = IMAGES[:, :4, :4, :1]
    np.testing.assert_allclose(
        logits(target, images), jax.vmap(model)(images.reshape(len(images), -1)), atol=1e-5
    )


def test_models_of_one_make_share_a_program_and_differ_in_their_digest(made):
    one, other = (from_equinox(*each, image_shape=SHAPE) for each in made)
    assert one.apply == other.apply
    assert hash(one.apply) == hash(other.apply)
    assert one.provenance["params_sha256"] != other.provenance["params_sha256"]


def test_it_is_fooled_by_evolution_and_by_its_gradient(made):
    target = from_equinox(*made[0], image_shape=SHAPE)
    result = fooljax.evolve(target, fooljax.encodings.direct(SHAPE), key=0, generations=3)
    scored = fooljax.score(target, result.images[0]).diagonal()
    np.testing.assert_allclose(scored, result.log_odds[0], atol=1e-3)
    assert np.all(np.isfinite(fooljax.ascend(target, [1], key=0, iterations=8).log_odds))


def test_what_is_wrong_is_one_line(made):
    model, _ = made[0]
    for told, arguments in {
        r"^model: expected an equinox\.Module, got int$": (3, None),
        r"^target: refused images \[2, 6, 5, 3\]: ": (model, None),
    }.items():
        with pytest.raises(InputError, match=told):
            from_equinox(*arguments, image_shape=SHAPE)
