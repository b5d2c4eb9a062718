"""Clean images beside evolved ones: those that the network names right, one of each class."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from fooljax.data import load
from fooljax.data.imagenet import synsets
from fooljax.engine.types import Target
from fooljax.errors import InputError
from fooljax.study import measured_sets
from fooljax.study.clean_images import from_data, from_photographs


def by_red(count, shape=(4, 4, 3)):
    """A network that names an image by its mean of red, 0 to 255."""

    def apply(params, images):
        red = 255.0 * images[..., 0].mean((1, 2))
        return -((red[:, None] - params[None]) ** 2)

    return Target(
        jnp.arange(float(count)), apply, "by red", shape, tuple(f"class {index}" for index in range(count))
    )


@pytest.fixture
def data(tmp_path):
    """Two classes with three test images each, of which the last of class 1 looks like class 0."""
    images = np.zeros((6, 4, 4, 3), np.uint8)
    labels = np.array([0, 1, 0, 1, 0, 1])
    images[..., 0] = np.array([0, 1, 0, 1, 0, 0])[:, None, None]
    images[..., 1] = np.arange(6)[:, None, None]  # tells them apart
    for half in ("train", "test"):
        np.savez(tmp_path / f"{half}.npz", images=images, labels=labels)
    return load(f"npz:{tmp_path}")


def test_each_run_has_other_images_that_are_named_right(data):
    clean = from_data(by_red(2), data, None)
    assert [clean(run).images[:, 0, 0, 1].tolist() for run in (0, 1)] == [[0, 1], [2, 3]]
    assert clean(0).classes.tolist() == [0, 1]
    assert np.all(clean(0).log_odds > 0)
    with pytest.raises(InputError, match="expected 3 test images of class 1 that the network names right"):
        clean(2)


def test_data_of_other_images_are_refused_in_a_line(data):
    told = r"^data: expected images of \(2, 4, 3\) and 5 classes for by red, got \(4, 4, 3\) and 2$"
    with pytest.raises(InputError, match=told):
        from_data(by_red(5, (2, 4, 3)), data, None)


def test_of_some_classes(data):
    clean = from_data(by_red(2), data, (0,))
    assert clean(2).classes.tolist() == [0]
    assert clean(2).images[0, 0, 0, 1] == 4


@pytest.fixture
def folder(tmp_path):
    """A photograph of each of five classes, of which class 7 looks like class 8."""
    for index, red in ((12, 12), (3, 3), (7, 8), (5, 5), (6, 6)):
        inner = tmp_path / synsets()[index]
        inner.mkdir()
        Image.new("RGB", (9, 6), (red, 0, 0)).save(inner / "a.png")
    return tmp_path


def test_photographs_that_are_named_wrongly_are_left_out(folder):
    clean = from_photographs(by_red(1000), folder, None)
    assert clean.classes.tolist() == [3, 5, 6, 12]
    assert clean.images[:, 0, 0, 0].tolist() == [3, 5, 6, 12]
    assert from_photographs(by_red(1000), folder, (5, 7)).classes.tolist() == [5]
    with pytest.raises(InputError, match=r"^--imagefolder: expected photographs that by red names right"):
        from_photographs(by_red(1000), folder, (7,))
    with pytest.raises(InputError, match=r"^--imagefolder: expected networks for ImageNet's 1,000 classes"):
        from_photographs(by_red(2), folder, None)


def test_what_is_wrong_with_photographs_is_told_before_anything_is_measured(tmp_path):
    config = measured_sets.SetSettings(networks="efficientnet-lite0", imagefolder=str(tmp_path))
    with pytest.raises(InputError, match=r"^--imagefolder: expected images in folders of classes"):
        measured_sets.network(config, "efficientnet-lite0", print)
    config = measured_sets.SetSettings(networks="lenet-0,squeezenet")
    assert list(measured_sets.tasks(config, ("cppn",)))
    with pytest.raises(InputError, match=r"^--imagefolder: expected a folder with clean images for squ"):
        list(measured_sets.tasks(config, ("cppn", "clean")))


def test_photographs_are_one_set_and_classes_stand_in_the_rows():
    config = measured_sets.SetSettings(networks="a", runs=2, classes="subset100", imagefolder="photographs")
    found = {task.name: task.settings for task in measured_sets.tasks(config, ("cppn", "clean"))}
    assert list(found) == ["a,cppn,run=0", "a,cppn,run=1", "a,clean,run=0"]
    assert all(settings["classes"] == "subset100" for settings in found.values())
    assert found["a,clean,run=0"]["data"] == "photographs"
    others = measured_sets.tasks(measured_sets.SetSettings(networks="a", runs=2), ("clean",))
    assert all("classes" not in task.settings for task in others)
