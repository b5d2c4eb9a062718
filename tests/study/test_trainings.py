"""Networks that a study trains: their names, their images, and the noise that they are asked about."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
import toys

from fooljax.data.dataset import from_arrays
from fooljax.errors import InputError
from fooljax.scoring import score
from fooljax.study.far_noise import NOISES, noise_images
from fooljax.study.rays import ray_figures
from fooljax.study.trainings import KINDS, Training, clean_of, drawn_from, parse_training, training_of


@pytest.fixture(scope="module")
def digits():
    """400 images of four classes; the first pixel of each is its number."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (200, 6, 6, 1), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(200)
    labels = np.arange(200) % 4
    return from_arrays(images, labels, images, labels, name="numbered")


def test_a_name_says_all():
    one = Training("mlp", "shifted", 4000, 1000, 3)
    assert parse_training(one.name) == training_of(one.name) == one
    assert parse_training("lenet-0") is None
    with pytest.raises(InputError, match=r"^network: expected the name of one that is trained here, got knn"):
        training_of("knn")
    with pytest.raises(
        InputError, match=r"^kind: expected one of plain, .* got shited; did you mean shifted"
    ):
        Training("mlp", "shited", 4000, 1000, 3)
    with pytest.raises(InputError, match=r"^network: expected one of lenet, .*, got vgg"):
        parse_training("vgg.plain.10.10.0")


def test_recipes_of_different_kinds_are_told_apart():
    """Else the cache would hand one network out for another."""
    facts = [Training("mlp", kind, 100, 10, 0).recipe.facts for kind in KINDS if kind != "few"]
    names = {Training("mlp", kind, 100, 10, 0).recipe.name for kind in KINDS}
    assert len(names) == len(KINDS)
    assert len({str(sorted((one | {"name": ""}).items(), key=str)) for one in facts}) == len(facts)


def test_seeds_draw_other_images_each_once(digits):
    one, other = (drawn_from(digits, Training("mlp", "plain", 90, 10, seed)) for seed in (0, 1))
    numbers = [set(drawn.train_images[:, 0, 0, 0].tolist()) for drawn in (one, other)]
    assert [len(found) for found in numbers] == [90, 90]
    assert numbers[0] != numbers[1]
    assert np.array_equal(one.train_labels, one.train_images[:, 0, 0, 0] % 4)
    assert one.digest == drawn_from(digits, Training("mlp", "shifted", 90, 10, 0)).digest
    told = r"^--data: expected at least 300 training images for networks of the kind plain, got 200$"
    with pytest.raises(InputError, match=told):
        drawn_from(digits, Training("mlp", "plain", 300, 10, 0))


def test_half_of_the_classes_and_one_more(digits):
    few, rejecting = (Training("mlp", kind, 80, 10, 0) for kind in ("few", "rejecting"))
    assert drawn_from(digits, few).class_names == ("0", "1")
    assert set(clean_of(digits, few)[1].tolist()) == {0, 1}
    assert drawn_from(digits, rejecting).class_names == ("0", "1", "2", "3", "noise")
    assert rejecting.rejects
    assert not few.rejects


def test_clean_images_are_of_all_classes_also_where_a_file_is_sorted():
    """The first 500 or 2,000 of 4,000 would be of one class, or of half of those that are learnt."""
    images = np.zeros((4000, 2, 2, 1), np.uint8)
    labels = np.repeat(np.arange(4), 1000)
    data = from_arrays(images, labels, images, labels, name="sorted")
    for training, classes, count in (
        (None, 4, 500),
        (Training("mlp", "plain", 64, 10, 0), 4, 2000),
        (Training("mlp", "few", 64, 10, 0), 2, 2000),
    ):
        _, found = clean_of(data, training)
        assert len(found) == count
        assert np.allclose(np.bincount(found, minlength=4)[:classes] / count, 1 / classes, atol=0.05)


@pytest.mark.parametrize("kind", NOISES)
def test_noise_of_a_seed_is_the_same_and_one_kind_fools(kind, digits):
    target = dataclasses.replace(toys.target(0), image_shape=(6, 6, 1))
    one, again = (noise_images(kind, target, digits, 8, 1) for _ in range(2))
    assert one.shape == (8, 6, 6, 1)
    assert one.dtype == np.uint8
    assert np.array_equal(one, again)
    if kind == "adversarial_noise":
        before = score(target, noise_images("smooth_noise", target, digits, 8, 1)).max(axis=1)
        assert np.all(score(target, one).max(axis=1) > before)


def test_a_ray_reaches_a_level_where_it_must():
    """The log-odds of a network of two classes are 4 times the mean brightness."""

    def apply(params, images):
        bright = 4.0 * images.mean(axis=(1, 2, 3))
        return jnp.asarray([[0.5, -0.5]]) * bright[:, None]

    target = dataclasses.replace(
        toys.target(0), apply=apply, params=(), image_shape=(6, 6, 1), class_names=()
    )
    images = np.full((3, 6, 6, 1), 255, np.uint8)
    images[2] = 0
    found = ray_figures(target, images, (1.0, 1.5, 2.0, 4.0))
    assert found["median_log_odds"] == pytest.approx([4.0, 6.0, 8.0, 16.0], abs=1e-3)
    assert found["factor_999"] == 2.0
    assert found["share_ever_999"] == pytest.approx(2.0 / 3.0)
    # In the box an image is never brighter than white, 4 nats: 98 %.
    assert found["clipped_share_999"] == 0.0
    assert found["clipped_share_95"] == pytest.approx(2.0 / 3.0)
