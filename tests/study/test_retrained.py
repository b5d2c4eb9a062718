"""Networks that are retrained in rounds: what each learns from, how often it is made, how much it rejects."""

from dataclasses import replace
from types import SimpleNamespace
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from data_samples import make_copy

from fooljax.data.dataset import from_arrays
from fooljax.data.imagenet import class_names, synsets
from fooljax.engine.types import Target
from fooljax.errors import FaultError, InputError
from fooljax.study import measured_sets, retrained, retraining_lessons
from fooljax.study.image_sets import NAME
from fooljax.study.retrained import State, network, state_of
from fooljax.study.retraining_lessons import RetrainingSettings, clean_of
from fooljax.targets import last_layer
from fooljax.targets.networks.trainable import apply_of

SHAPE = (8, 8, 1)
RNG = np.random.default_rng(0)


def noise(count, low, high, shape=SHAPE):
    return RNG.integers(low, high, (count, *shape), dtype=np.uint8)


DATA = from_arrays(noise(90, 0, 120), np.arange(90) % 3, noise(300, 0, 120), np.arange(300) % 3)


class Sets:
    """In the place of a folder of image sets: a set's images all have its run as their first level."""

    asked: ClassVar[list] = []
    shape: ClassVar[tuple] = SHAPE

    def __init__(self, folder):
        pass

    def get_many(self, specs, target):
        Sets.asked.append([(spec.network, spec.run, spec.cells) for spec in specs])
        found = []
        for spec in specs:
            images = noise(4, 130, 255, Sets.shape)
            images[:, 0, 0] = spec.run + (100 if "round" in spec.network else 0)
            found.append(SimpleNamespace(images=images, spec=spec))
        return found

    def get(self, spec, target):
        return self.get_many([spec], target)[0]


@pytest.fixture
def config(tmp_path, monkeypatch):
    module = apply_of("mlp", 3).module
    params = module.init(jax.random.key(0), jnp.zeros((1, *SHAPE)))
    target = Target(params, apply_of("mlp", 3), image_shape=SHAPE, class_names=DATA.class_names)
    monkeypatch.setattr(measured_sets, "network", lambda *_: target)
    for module in (retrained, retraining_lessons):
        monkeypatch.setattr(module, "dataset_of", lambda _: DATA)
    monkeypatch.setattr(retrained, "ImageSets", Sets)
    monkeypatch.setattr(retrained, "first_generation", lambda target, count, key: noise(count, 130, 255))
    Sets.asked.clear()
    return RetrainingSettings(
        networks="mine", runs=3, chains=2, rounds=2, steps=30, images=str(tmp_path), passes=400
    )


@pytest.fixture
def lessons(monkeypatch):
    """What each retraining began with and learnt from."""
    seen, real = [], retrained.fine_tuned

    def noted(target, teacher, lesson, part, steps, key):
        seen.append((len(target.class_names), set(lesson.fooling[:, 0, 0, 0].tolist()), part, steps))
        return real(target, teacher, lesson, part, steps, key)

    monkeypatch.setattr(retrained, "fine_tuned", noted)
    return seen


@pytest.mark.parametrize("state", [State("mine"), State("my-net", 2, 1), State("mine", 1, 0, 5)])
def test_a_name_says_which_state(config, state):
    name = state.name(config)
    assert state_of(name, config) == state
    assert NAME.fullmatch(name)


def test_other_settings_make_other_names(config):
    name = State("mine", 1).name(config)
    for change in (
        {"steps": 31},
        {"share": 0.5},
        {"classes": "0,1"},
        {"part": "all"},
        {"runs": 4},
        {"learnt": 9},
    ):
        other = replace(config, **change)
        assert State("mine", 1).name(other) != name
        with pytest.raises(InputError, match="network: expected one of these settings"):
            state_of(name, other)
    assert State("mine", 1).name(replace(config, rounds=3, chains=3)) == name


@pytest.mark.parametrize(("part", "digest"), [("head", "dcc26c3d"), ("all", "474498ef")])
def test_names_of_published_networks_stay(part, digest):
    config = RetrainingSettings(part=part, imagefolder="photographs")
    assert State("mine", 1).name(config) == f"mine-{digest}-round1-chain0"


def test_the_class_more_is_none_that_images_are_made_for(config):
    assert State("mine").spec(config, "cppn", 400, 3).cells is None
    assert State("mine", chain=2).spec(config, "cppn", 400, 3).run == 2
    spec = State("mine", 1, 1, 5).spec(config, "cppn", 400, 3)
    assert (spec.cells, spec.run) == ((0, 1, 2), 0)


def test_a_chain_learns_from_all_sets_but_its_own_and_later_from_its_own_rounds(config, lessons):
    network(config, State("mine", 2, 1).name(config), print)
    (first, told, part, steps), (second, later, *_) = lessons
    assert (first, second, part, steps) == (3, 4, "head", 30)
    assert {0, 2} <= told
    assert 1 not in told
    assert not {100} & told
    assert {0, 2, 100} <= later
    assert Sets.asked[-1] == [(State("mine", 1, 1, 1).name(config), 0, (0, 1, 2))]


def test_a_network_is_made_once_and_rejects_at_the_rate_that_it_is_asked_for(config, lessons):
    name = State("mine", 1, 0).name(config)
    plain = network(config, name, print)
    again = network(config, name, print)
    assert len(lessons) == 1
    assert plain.provenance["params_sha256"] == again.provenance["params_sha256"]
    tuning = clean_of(config, plain).tuning
    shares = []
    for rate in (1, 20):
        found = network(config, State("mine", 1, 0, rate).name(config), print)
        shares.append(float(np.mean(last_layer.logits(found, tuning).argmax(axis=1) == 3)))
    assert shares[0] <= 0.01
    assert shares[1] == pytest.approx(0.2, abs=0.01)


@pytest.fixture
def photographs(tmp_path):
    """A copy of photographs of five of ImageNet's classes, as TensorFlow Datasets prepares one."""
    import tensorflow_datasets as tfds

    features = {
        "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
        "label": tfds.features.ClassLabel(names=list(synsets()[:5])),
        "id": tfds.features.Text(),
    }
    count = {
        "train_images": noise(5, 0, 120, (9, 9, 3)),
        "train_labels": np.arange(5),
        "test_images": [noise(1, 0, 120, (8 + index % 2, 9, 3))[0] for index in range(160)],
        "test_labels": np.arange(160) % 5,
    }
    made = {"name": "imagenet2012", "splits": ("train", "validation"), "features": features}
    return make_copy(tmp_path / "tfds", count, **made)


@pytest.mark.parametrize("part", ["block", "all"])
def test_a_thousand_and_one_classes_on_photographs(config, lessons, photographs, part, monkeypatch):
    """What whoever has the photographs of ImageNet does, with made images and a small network."""
    monkeypatch.setattr(Sets, "shape", (8, 8, 3))
    monkeypatch.setattr(
        retrained, "first_generation", lambda _, count, key: noise(count, 130, 255, (8, 8, 3))
    )
    apply = apply_of("mlp", 1000)
    params = apply.module.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    of_imagenet = Target(params, apply, image_shape=(8, 8, 3), class_names=class_names())
    kernel, bias = last_layer.layer_of(of_imagenet)  # a network that is not sure of anything
    of_imagenet = last_layer.with_last_layer(
        of_imagenet, last_layer.LastLayer(0.1 * kernel, bias), class_names()
    )
    monkeypatch.setattr(measured_sets, "network", lambda *_: of_imagenet)
    whole = replace(config, imagefolder=str(photographs), part=part, rounds=1, steps=100)
    found = network(whole, State("mine", 1, 0, 5).name(whole), print)
    assert len(found.class_names) == 1001
    assert lessons[0][2] == part
    fooling = noise(50, 130, 255, (8, 8, 3))
    assert np.mean(last_layer.logits(found, fooling).argmax(axis=1) == 1000) > 0.9
    clean = clean_of(whole, found)
    assert [len(images) for images in clean] == [80, 40, 40, 40]
    assert np.mean(last_layer.logits(found, clean.held_out).argmax(axis=1) == 1000) < 0.4


def test_a_damaged_network_is_told_in_one_line(config, lessons, tmp_path):
    name = State("mine", 1, 0).name(config)
    network(config, name, print)
    path = tmp_path / name / "network.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"network.npz") as told:
        network(config, name, print)
    assert "\n" not in str(told.value)


def test_clean_images_are_in_one_part_each(config):
    clean = clean_of(config, None)
    parts = [{image.tobytes() for image in part} for part in (clean.learnt, clean.tuning, clean.held_out)]
    assert [len(part) for part in parts] == [90, 150, 150]
    assert not parts[1] & parts[2]
    assert len(clean.labels) == 150
    assert np.array_equal(clean_of(replace(config, learnt=64), None).learnt, clean.learnt[:64])


def test_photographs_are_split_by_chance_and_in_the_same_way_each_time(config, monkeypatch):
    images, labels = noise(40, 0, 255), np.arange(40)
    monkeypatch.setattr(retraining_lessons, "photographs", lambda *_: (images, labels))
    one, other = (
        clean_of(replace(config, imagefolder="here"), Target((), print, image_shape=SHAPE)) for _ in "ab"
    )
    assert [len(part) for part in one] == [20, 10, 10, 10]
    assert np.array_equal(one.held_out, other.held_out)
    assert np.array_equal(images[one.labels], one.held_out)


def test_a_folder_that_cannot_be_made_is_told_in_one_line(config, tmp_path):
    (tmp_path / "file").touch()
    under = replace(config, images=str(tmp_path / "file"))
    with pytest.raises(FaultError, match=r"^images: .*file/mine-\w+-round1-chain0 cannot be made: Not a dir"):
        network(under, State("mine", 1, 0).name(under), print)
