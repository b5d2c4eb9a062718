"""The task: every kind of image is there, drawn by the seed, and its key tells what each is."""

import json
from collections import Counter

import numpy as np
import pytest
from people import CLASSES, asked, task
from PIL import Image

from fooljax import data
from fooljax.data import imagenet
from fooljax.errors import InputError
from fooljax.labelling.images import Source, draw, held_out, noise_images, photographs
from fooljax.labelling.task import make_task, read_key, write_key

SHAPE = (8, 8, 1)


def dataset(names=CLASSES, shape=SHAPE):
    images = np.zeros((2 * len(names), *shape), np.uint8)
    labels = np.arange(2 * len(names)) % len(names)
    return data.from_arrays(images, labels, images + 9, labels, class_names=names, name="made")


def sources(count=1, names=CLASSES):
    return [
        Source(names, {0: "pets"}, [asked("evolved", n % 4, n, f"run {k}") for n in range(12)])
        for k in range(count)
    ]


def made(seed=0, count=2):
    return make_task(sources(count), held_out(dataset(), CLASSES), evolved=6, clean=5, noise=4, seed=seed)


def test_it_has_as_many_of_each_kind_as_were_asked_for():
    of = Counter((image.kind, image.source) for image in made().images)
    assert of == {
        ("evolved", "run 0"): 6,
        ("evolved", "run 1"): 6,
        ("clean", "made"): 5,
        ("noise", "uniform noise"): 2,
        ("noise", "Gaussian noise"): 2,
    }


def test_clean_images_are_those_held_out():
    assert all(np.all(image.pixels == 9) for image in made().images if image.kind == "clean")


def test_the_seed_decides_images_and_order():
    assert made(0).digest == made(0).digest != made(1).digest
    kinds = [image.kind for image in made().images]
    assert kinds != sorted(kinds)
    assert kinds != sorted(kinds, reverse=True)


def test_every_class_comes_once_before_one_comes_twice():
    classes = [number % 4 for number in range(40)]
    drawn = draw(np.random.default_rng(0), classes, 10)
    assert len(set(drawn)) == 10
    assert sorted(Counter(classes[place] for place in drawn).values()) == [2, 2, 3, 3]
    assert sorted(draw(np.random.default_rng(0), classes, 99)) == list(range(40))


def test_photographs_are_read_from_the_folders_of_their_classes(tmp_path):
    for index, level in ((3, 40), (761, 90)):
        (tmp_path / str(index)).mkdir()
        Image.new("RGB", (40, 30), (level,) * 3).save(tmp_path / str(index) / "one.png")
    pool = photographs(tmp_path, imagenet.class_names(), 24)
    assert sorted(pool.classes) == [3, 761]
    for place, index in enumerate(pool.classes):
        assert pool.pixels(place).shape == (24, 24, 3)
        assert pool.pixels(place).mean() == {3: 40, 761: 90}[index]
    with pytest.raises(InputError, match="ImageNet's 1,000 classes"):
        photographs(tmp_path, CLASSES, 24)


def test_noise_is_uniform_and_gaussian():
    uniform, gaussian = (one.pixels for one in noise_images(np.random.default_rng(0), (200, 200, 3), 2))
    assert abs(uniform.mean() - 127.5) < 1
    assert abs(uniform.std() - 73.9) < 1
    assert abs(gaussian.mean() - 127.5) < 1
    assert 60 < gaussian.std() < 64


def test_a_key_is_read_as_it_was_written(tmp_path):
    of = task()
    write_key(of, tmp_path / "key.json")
    key = read_key(tmp_path / "key.json")
    assert (key.task, key.class_names, key.groups) == (of.digest, of.class_names, of.groups)
    assert list(key.images) == list(of.names)
    assert [one["class_index"] for one in key.images.values()] == [image.class_index for image in of.images]


def test_the_key_of_another_task_is_not_replaced(tmp_path):
    write_key(task(), tmp_path / "key.json")
    before = (tmp_path / "key.json").read_bytes()
    with pytest.raises(InputError, match="key of another task"):
        write_key(task(noise=1), tmp_path / "key.json")
    write_key(task(), tmp_path / "key.json")
    assert (tmp_path / "key.json").read_bytes() == before


def test_what_does_not_go_together_is_refused():
    with pytest.raises(InputError, match="expected classes that the network of the runs knows, got bird"):
        held_out(dataset(("cat", "bird")), CLASSES)
    with pytest.raises(InputError, match=r"one shape, .* got \[8, 8, 1\] in run 0 and \[9, 9, 1\] in made"):
        make_task(sources(), held_out(dataset(shape=(9, 9, 1)), CLASSES), evolved=1, clean=1, noise=1, seed=0)
    other = sources(1, ("a", "b", "c", "d"))
    with pytest.raises(InputError, match="know the same classes"):
        make_task([*sources(), *other], held_out(dataset(), CLASSES), evolved=1, clean=1, noise=1, seed=0)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "another"},
        {"task": 1},
        {"class_names": []},
        {"groups": ["pets"]},
        {"images": []},
        {"images": {"image-001": {"kind": "evolved", "source": "run", "class_index": 4}}},
        {"images": {"image-001": {"kind": "noise", "source": "run", "class_index": 0}}},
        {"images": {"image-001": "noise"}},
    ],
)
def test_a_key_that_is_none_is_refused(tmp_path, change):
    write_key(task(), tmp_path / "key.json")
    content = json.loads((tmp_path / "key.json").read_text())
    (tmp_path / "key.json").write_text(json.dumps(content | change))
    with pytest.raises(InputError, match="expected the key of a task"):
        read_key(tmp_path / "key.json")
