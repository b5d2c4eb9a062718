"""Modules of Flax NNX: the same logits as the module itself in inference, inside the compiled program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import fooljax
from fooljax.errors import InputError
from fooljax.targets.foreign import from_nnx

SHAPE = (6, 5, 3)
IMAGES = np.random.default_rng(0).random((7, *SHAPE), np.float32)


class Net(nnx.Module):
    """A small network with batch norm and dropout."""

    def __init__(self, seed):
        rngs = nnx.Rngs(seed)
        self.conv = nnx.Conv(3, 4, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(4, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.out = nnx.Linear(4, 5, rngs=rngs)

    def __call__(self, inputs):
        return self.out(self.drop(nnx.relu(self.norm(self.conv(inputs))).mean((1, 2))))


@pytest.fixture(scope="module")
def module():
    net = Net(0)
    with jax.numpy_rank_promotion("allow"):
        net(20.0 * IMAGES - 3.0)  # in training, so that the running averages are none of a new network
    return net


def logits(target, images):
    return np.asarray(target.apply(target.params, jnp.asarray(images)))


def test_logits_are_those_of_the_module_in_inference(module):
    target = from_nnx(module, image_shape=SHAPE, class_names=tuple("abcde"))
    assert module.drop.deterministic is False, "the module itself was not switched"
    assert module.norm.use_running_average is False
    copy = nnx.clone(module)
    copy.eval()
    np.testing.assert_allclose(logits(target, IMAGES), copy(IMAGES), atol=1e-5)
    assert (target.name, target.image_shape, target.class_names) == ("Net", SHAPE, tuple("abcde"))
    assert target.provenance["framework"].startswith("flax ")
    assert "levels from 0 to 1" in target.provenance["preprocessing"]
    slope = jax.grad(lambda images: target.apply(target.params, images)[:, 1].sum())(jnp.asarray(IMAGES))
    assert np.max(np.abs(slope)) > 0.0


def test_what_is_said_of_images_is_done_to_them(module):
    target = from_nnx(module, image_shape=SHAPE, preprocessing={"range": (-1, 1), "order": "bgr"})
    copy = nnx.clone(module)
    copy.eval()
    np.testing.assert_allclose(logits(target, IMAGES), copy(2.0 * IMAGES[..., ::-1] - 1.0), atol=1e-5)


def test_the_target_keeps_the_weights_of_its_day():
    net = Net(0)
    target = from_nnx(net, image_shape=SHAPE)
    before = logits(target, IMAGES)
    net.out.bias[...] = net.out.bias[...] + 3.0
    for weights in jax.tree.leaves(nnx.state(net, nnx.Param)):
        weights.delete()  # as a training step does that is given them
    np.testing.assert_array_equal(logits(target, IMAGES), before)


def test_modules_of_one_make_share_a_program_and_differ_in_their_digest():
    one, other = (from_nnx(Net(seed), image_shape=SHAPE) for seed in (0, 1))
    assert one.apply == other.apply
    assert hash(one.apply) == hash(other.apply)
    assert one.provenance["params_sha256"] != other.provenance["params_sha256"]
    assert not np.allclose(logits(one, IMAGES), logits(other, IMAGES))


@pytest.mark.slow
def test_it_is_fooled_by_evolution_and_by_its_gradient(module):
    target = from_nnx(module, image_shape=SHAPE)
    result = fooljax.evolve(target, fooljax.encodings.direct(SHAPE), key=0, generations=3)
    scored = fooljax.score(target, result.images[0]).diagonal()
    np.testing.assert_allclose(scored, result.log_odds[0], atol=1e-3)
    ascent = fooljax.ascend(target, [1], key=0, iterations=8)
    assert np.all(np.isfinite(ascent.log_odds))


def test_dropout_that_stays_on_is_found():
    class Always(nnx.Module):
        def __init__(self):
            self.rngs = nnx.Rngs(0)
            self.net = Net(0)

        def __call__(self, inputs):
            noise = jax.random.bernoulli(self.rngs(), 0.5, inputs.shape)
            return self.net(jnp.where(noise, 3.0 * inputs, -inputs)) * 100.0

    target = from_nnx(Always(), image_shape=SHAPE)
    with pytest.raises(InputError, match="switch batch norm and dropout to inference"):
        fooljax.evolve(target, fooljax.encodings.direct(SHAPE), key=0, generations=1)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"module": Net}, r"^module: expected a flax\.nnx\.Module, got ModuleMeta$"),
        ({"image_shape": (6, 5)}, r"^image_shape: expected \(H, W, K\)"),
        ({"image_shape": (6, 5, 1)}, r"^target: refused images \[2, 6, 5, 1\]: "),
        ({"preprocessing": {"layouts": "nchw"}}, r"^preprocessing: .*did you mean layout"),
        ({"preprocessing": {"layout": "nhw"}}, r"^layout: nhw is of images with 1 channel, got 3$"),
    ],
)
def test_what_is_wrong_is_one_line(given, told):
    given = {"module": Net(0), "image_shape": SHAPE, **given}
    with pytest.raises(InputError, match=told) as caught:
        from_nnx(given.pop("module"), **given)
    assert "\n" not in str(caught.value)
