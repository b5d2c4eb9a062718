"""The networks by the names that experiments use."""

import jax
import numpy as np
import pytest
from bars import QUICK
from golden.drawn_weights import cifar_resnet_shapes, random_weights

from fooljax.errors import InputError
from fooljax.targets import accuracy, collection, pretrained, trained
from fooljax.targets.collection import NETWORKS_OF, find
from fooljax.targets.networks.trainable import apply_of


def test_a_shipped_network_has_its_seed_in_its_name():
    target = find("lenet-3")
    assert target.provenance == pretrained("lenet", 3).provenance
    assert target.apply is find("lenet-0").apply


def test_a_network_is_trained_once_on_the_data_given(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("FOOLJAX_CACHE", str(tmp_path))
    monkeypatch.setattr(collection, "trained", lambda data, _, **how: trained(data, QUICK, **how))
    said = []
    target = find("mlp-7", data=dataset, say=said.append)
    assert said == ["training MLP on bars (quick recipe, 40 steps), once"]
    assert target.provenance["seed"] == 7
    assert target.clean_accuracy == accuracy(target, dataset.test_images, dataset.test_labels) > 0.8
    again = find("mlp-7", data=dataset, say=said.append)
    assert len(said) == 1
    jax.tree.map(np.testing.assert_array_equal, target.params, again.params)
    assert target.apply is apply_of("mlp", 4)
    assert find("mlp-8", data=dataset).provenance["params_sha256"] != target.provenance["params_sha256"]


def test_the_names_of_a_data_set_are_different_networks():
    for names in NETWORKS_OF.values():
        assert len(set(names)) == len(names)
    assert {"lenet-4", "mlp-0", "alexnet-small-4"} <= set(NETWORKS_OF["mnist"])


def test_weights_are_found_in_a_folder(tmp_path):
    np.savez(tmp_path / "resnet20-mine.npz", **random_weights(cifar_resnet_shapes(3)))
    target = find("resnet20", weights=tmp_path)
    assert (target.name, target.image_shape) == ("resnet20", (32, 32, 3))
    with pytest.raises(InputError, match=r"^weights: resnet32 wants one file resnet32\* in .*, found none$"):
        find("resnet32", weights=tmp_path)
    (tmp_path / "resnet20-other.th").write_bytes(b"")
    with pytest.raises(InputError, match=r"found resnet20-mine\.npz, resnet20-other\.th$"):
        find("resnet20", weights=tmp_path)
    with pytest.raises(InputError, match=r"^weights: squeezenet wants a folder with a file squeezenet\*"):
        find("squeezenet")


def test_the_nearest_neighbours_are_those_of_the_data_given(dataset):
    target = find("knn", data=dataset)
    assert target.provenance["dataset"] == dataset.digest
    assert target.clean_accuracy > 0.8
    assert "knn" in NETWORKS_OF["mnist"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("lenet-5", r"^network: expected one of lenet-0, .*, got lenet-5"),
        ("lenet", r"got lenet; did you mean lenet-"),
        ("mlp", r"^network: expected one of lenet-0, .*, got mlp; did you mean mlp-"),
        ("lenet--1", r"^network: expected one of lenet-0, "),
        (3, r"^network: expected one of lenet-0, .*, got 3$"),
        ("vgg-0", r"^network: expected one of lenet-0, .*, got vgg-0"),
        ("efficientnet-lite9", r"did you mean efficientnet-lite"),
    ],
)
def test_what_is_no_network(name, told):
    with pytest.raises(InputError, match=told) as caught:
        find(name)
    assert "\n" not in str(caught.value)
