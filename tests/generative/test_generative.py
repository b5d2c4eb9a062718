"""Generative classifiers: trained once, calibrated on held-out images, open to attack, and able to reject."""

import logging

import jax
import numpy as np
import pytest
from bars import bars

import fooljax
from fooljax import encodings, generative
from fooljax.data.dataset import from_arrays
from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError
from fooljax.generative import vae_training
from fooljax.generative.vae_training import VaeRecipe
from fooljax.gradient import ascend_images
from fooljax.gradient.methods import named_methods
from fooljax.targets import pretrained

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (40, 16, 16, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def dataset():
    images, labels = bars(600, 4)
    test, named = bars(200, 4, seed=1)
    return from_arrays(images, labels, test, named, name="bars")


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vae_training, "recipe_for", lambda images: VaeRecipe(steps=60))
        yield


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", params=[pytest.param("vae", marks=pytest.mark.slow), "mixture"])
def target(request, dataset, cache):
    return generative.generative(dataset, request.param, seed=1, cache=cache)


def test_it_names_images_and_its_confidence_fits(target, dataset):
    assert target.clean_accuracy > 0.95
    assert target.clean_accuracy == np.mean(
        fooljax.score(target, dataset.test_images).argmax(1) == dataset.test_labels
    )
    assert target.provenance["temperature"] > 0.0


def test_it_is_trained_once(target, dataset, cache, caplog):
    kind, said = target.provenance["kind"], []
    again = generative.generative(dataset, kind, seed=1, cache=cache, on_training=said.append)
    assert not said
    assert again.provenance == target.provenance
    assert jax.tree.all(jax.tree.map(np.array_equal, again.params, target.params))
    (path,) = cache.glob(f"{kind}-*.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[:-500])
    with caplog.at_level(logging.WARNING):
        generative.generative(dataset, kind, seed=1, cache=cache, on_training=said.append)
    assert "training again" in caplog.records[0].getMessage()
    assert len(said) == 1
    assert path.read_bytes() == whole  # equal seeds, equal bits


def test_it_rejects_as_many_clean_images_as_it_says_and_all_noise(target, dataset):
    density = generative.log_density(target, dataset.test_images)
    for rate, level in target.provenance["levels"].items():
        assert np.mean(density < level) < 4 * float(rate) + 0.05
        assert np.all(generative.log_density(target, NOISE) < level)
        rejecting = generative.rejecting(target, level)
        assert rejecting.class_names[-1] == "rejected"
        named = fooljax.score(rejecting, NOISE)
        assert np.all(named.argmax(1) == 4)
        assert named[:, :4].max() < 0.0


def test_the_log_odds_of_one_that_rejects_are_the_lesser_of_two(target, dataset):
    level = target.provenance["levels"]["0.05"]
    images = np.concatenate([dataset.test_images[:40], NOISE[:10]])
    found = fooljax.score(generative.rejecting(target, level), images)[:, :4]
    joint = generative.log_joint(target, images)
    above = (joint - level) / target.provenance["temperature"] + FOOLED
    lesser = np.minimum(fooljax.score(target, images), above)
    assert np.all(found < lesser + 1e-3 * np.abs(lesser) + 1e-3)
    assert np.all(found > lesser - np.log(2.0) - 1e-3 * np.abs(lesser) - 1e-3)


def test_log_p_of_x_and_y_sums_to_log_p_of_x(target):
    joint = generative.log_joint(target, NOISE[:3])
    np.testing.assert_allclose(np.logaddexp.reduce(joint, 1), generative.log_density(target, NOISE[:3]))


@pytest.mark.slow
def test_evolution_and_gradients_go_through_the_whole_inference(target, dataset):
    result = fooljax.evolve(target, encodings.direct(dataset.image_shape), key=0, generations=15)
    fitness = result.metrics["median_log_odds"].reshape(-1)
    assert fitness[-1] > fitness[0]
    start = np.full((4, 16, 16, 1), 0.3, np.float32)
    method = named_methods(iterations=8)["adam"]
    found = ascend_images(target, start, np.arange(4), method.rule, iterations=8, record_every=8)
    before = fooljax.score(target, np.full((4, 16, 16, 1), 76, np.uint8)).diagonal()
    assert np.all(fooljax.score(target, found.pixels()).diagonal() > before)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda data: generative.generative(data, "gan"), "kind: expected one of vae, mixture, got gan"),
        (lambda data: generative.generative(3, "mixture"), "dataset: expected a Dataset, got int"),
        (lambda data: generative.generative(data, "mixture", seed="a"), "seed: expected a whole number"),
        (
            lambda data: generative.rejecting(pretrained("lenet", 0), 1.0),
            "target: expected a generative classifier, got LeNet",
        ),
        (
            lambda data: generative.find("vae", data, print),
            "network: expected one of vae-0, .*, mixture-4, got vae",
        ),
    ],
)
def test_a_wrong_argument_is_told_in_a_line(call, line, dataset):
    with pytest.raises(InputError, match=f"^{line}"):
        call(dataset)


def test_too_few_images_are_told():
    images, labels = bars(60, 4)
    few = from_arrays(images, labels, images, labels)
    with pytest.raises(InputError, match=r"^dataset: expected 80 training images or more, got 60$"):
        generative.generative(few, "mixture")
