"""Judges by name: a target of one's own whose classes bear no names."""

import sys

import pytest

import fooljax
from fooljax.data.imagenet import class_names
from fooljax.errors import FaultError
from fooljax.runs import judge_names
from fooljax.runs.judge_names import judges_in, named_judges
from fooljax.targets.own_choice import choice_of


@pytest.mark.parametrize("shape", [" image_shape=(2, 2, 1)", ""])
def test_a_judge_without_class_names_has_numbers_as_the_network_has(shape, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_judge.py").write_text(
        "import fooljax\n"
        f"target = fooljax.as_target(lambda images: images.reshape(len(images), -1)[:, :3],{shape})\n"
    )
    monkeypatch.delitem(sys.modules, "own_judge", raising=False)
    choice = choice_of(fooljax.as_target(lambda images: images[:, 0, :3, 0], image_shape=(3, 3, 1)))
    judges = named_judges("own_judge:target", choice, print)
    assert judges["own_judge:target"].class_names == ("0", "1", "2")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with files of three networks, of which one wants a package that is missing."""

    def find(name, weights):
        if name == "mobilenet-v2":
            raise FaultError("tflite: expected ai-edge-litert, got none")
        return of_imagenet(name)

    for file in ("squeezenet_v1.npz", "tiny_darknet.npz", "mobilenet_v2_quant.tflite", "resnet20.th"):
        (tmp_path / file).touch()
    monkeypatch.setattr(judge_names, "find", find)
    return tmp_path


def of_imagenet(name):
    return fooljax.as_target(lambda images: images, name=name, class_names=class_names())


def test_networks_of_another_architecture_are_found_in_a_folder(folder):
    said = []
    assert list(judges_in(folder, of_imagenet("squeezenet"), said.append)) == ["tiny-darknet"]
    assert said == ["judges: mobilenet-v2 is not asked: tflite: expected ai-edge-litert, got none"]
    found = judges_in(folder, of_imagenet("efficientnet-lite0"), said.append)
    assert list(found) == ["squeezenet", "tiny-darknet"]


def test_a_network_that_knows_other_classes_has_no_judges_there(folder):
    assert judges_in(folder, fooljax.as_target(lambda images: images, class_names=("a", "b")), print) == {}
