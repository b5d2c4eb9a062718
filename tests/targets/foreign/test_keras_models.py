"""Models of Keras 3: inside the compiled program on its JAX backend, asked on the host on others."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax
from fooljax.errors import FaultError, InputError
from fooljax.targets.foreign import from_keras
from fooljax.targets.foreign.keras_models import guessed, read_keras

SHAPE = (6, 5, 3)
IMAGES = np.random.default_rng(0).random((7, *SHAPE), np.float32)


def test_without_the_package_it_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(FaultError, match=r"^keras: .* pip install 'fooljax\[keras\]' brings Keras"):
        from_keras(None, image_shape=SHAPE)


@pytest.fixture(scope="module")
def keras():
    """Keras on its JAX backend."""
    before = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = "jax"
    yield pytest.importorskip("keras")
    if before is None:
        del os.environ["KERAS_BACKEND"]


def make(keras, *last, first=()):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    middle = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Dropout(0.5), layers.Flatten()]
    return keras.Sequential([keras.Input(SHAPE), *first, *middle, *last])


@pytest.fixture(scope="module")
def model(keras):
    return make(keras, keras.layers.Dense(5))


def logits(target, images):
    return np.asarray(target.apply(target.params, jnp.asarray(images)))


def test_logits_are_those_of_the_model_in_inference(model):
    target = from_keras(model, class_names=tuple("abcde"), name="mine")
    np.testing.assert_allclose(logits(target, IMAGES), model(IMAGES, training=False), atol=1e-5)
    assert (target.name, target.image_shape, target.class_names) == ("mine", SHAPE, tuple("abcde"))
    assert target.provenance["framework"].startswith("keras 3.")


def test_the_layers_tell_what_the_model_takes_and_gives(keras, caplog):
    layers, dense = keras.layers, keras.layers.Dense
    scale = layers.Rescaling(1.0 / 127.5, offset=-1.0)
    probabilities = make(keras, dense(5, activation="softmax"), first=(scale,))
    said = guessed(probabilities).how
    assert (said.outputs, said.range) == ("probabilities", (0.0, 255.0))
    found = logits(from_keras(probabilities), IMAGES)
    assert "range 0 to 255 (a layer scales levels down)" in caplog.text
    assert "outputs probabilities (the last layer ends in softmax)" in caplog.text
    np.testing.assert_allclose(np.exp(found), probabilities(255.0 * IMAGES), atol=1e-5)

    assert guessed(make(keras, dense(5), layers.Softmax())).how.outputs == "probabilities"
    assert guessed(make(keras, dense(5), layers.Activation("sigmoid"))).how.outputs == "sigmoids"
    assert guessed(make(keras, dense(5, activation="relu"))).how.outputs == "logits"
    assert guessed(make(keras, dense(5, activation="relu"))).how.range == (0.0, 1.0)
    inner = make(keras, dense(5, activation="softmax"), first=(scale,))
    outer = keras.Sequential([keras.Input(SHAPE), inner])
    assert guessed(outer).how == said


def test_one_sigmoid_becomes_two_classes(keras):
    binary = make(keras, keras.layers.Dense(1, activation="sigmoid"))
    found = logits(from_keras(binary), IMAGES)
    np.testing.assert_array_equal(found[:, 0], 0.0)
    np.testing.assert_allclose(1.0 / (1.0 + np.exp(-found[:, 1])), binary(IMAGES)[:, 0], atol=1e-5)


def test_keras_may_give_its_own_memory_away(keras):
    own = make(keras, keras.layers.Dense(5))
    target = from_keras(own)
    predicted = own.predict_on_batch(IMAGES)  # which donates the weights to its program
    np.testing.assert_allclose(logits(target, IMAGES), predicted, atol=1e-5)


def test_other_layouts(keras):
    layers = keras.layers
    grey = keras.Sequential([keras.Input((4, 4)), layers.Flatten(), layers.Dense(3)])
    target = from_keras(grey)
    assert target.image_shape == (4, 4, 1)
    images = IMAGES[:, :4, :4, :1]
    np.testing.assert_allclose(logits(target, images), grey(images[..., 0]), atol=1e-5)
    flat = keras.Sequential([keras.Input((16,)), layers.Dense(3)])
    target = from_keras(flat, image_shape=(4, 4, 1))
    np.testing.assert_allclose(logits(target, images), flat(images.reshape(7, 16)), atol=1e-5)
    first = keras.Sequential(
        [
            keras.Input((3, 6, 5)),
            layers.GlobalAveragePooling2D(data_format="channels_first"),
            layers.Dense(3),
        ]
    )
    target = from_keras(first)
    assert target.image_shape == SHAPE
    np.testing.assert_allclose(logits(target, IMAGES), first(IMAGES.transpose(0, 3, 1, 2)), atol=1e-5)


def test_it_is_fooled_by_evolution_and_by_its_gradient(model):
    target = from_keras(model)
    result = fooljax.evolve(target, fooljax.encodings.direct(SHAPE), key=0, generations=3)
    scored = fooljax.score(target, result.images[0]).diagonal()
    np.testing.assert_allclose(scored, result.log_odds[0], atol=1e-3)
    assert np.all(np.isfinite(fooljax.ascend(target, [1], key=0, iterations=8).log_odds))


def test_a_file_is_the_model(model, tmp_path):
    model.save(tmp_path / "a.keras")
    of_file, of_object = from_keras(tmp_path / "a.keras"), from_keras(model)
    np.testing.assert_array_equal(logits(of_file, IMAGES), logits(of_object, IMAGES))
    assert of_file.provenance["params_sha256"] == of_object.provenance["params_sha256"]


def test_files_that_hold_code_or_are_none_are_refused_in_one_line(keras, model, tmp_path):
    sneaky = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x)])
    sneaky.save(tmp_path / "code.keras")
    model.save(tmp_path / "whole.keras")
    whole = (tmp_path / "whole.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.keras").write_bytes(b"hello")
    (tmp_path / "old.h5").write_bytes(whole)
    for name, told in {
        "code.keras": r"expected a Keras file that holds no code, got ValueError: .*Lambda",
        "cut.keras": r"expected a Keras file that holds no code, got ",
        "text.keras": r"expected a Keras file, found something else$",
        "old.h5": r"expected a file that ends in \.keras",
        "none.keras": r"^cannot read .*none\.keras",
    }.items():
        with pytest.raises(InputError, match=told) as caught:
            read_keras(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_what_is_wrong_is_one_line(keras, model):
    inputs = [keras.Input(SHAPE), keras.Input(SHAPE)]
    two = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Add()(inputs)))
    unbuilt = keras.Sequential([keras.layers.Dense(3)])
    anything = keras.Sequential([keras.Input((None, None, 3)), keras.layers.GlobalAveragePooling2D()])
    for told, arguments in (
        (r"^model: expected a keras\.Model or the path of a \.keras file, got int$", {"model": 3}),
        (r"^model: expected one input, got ", {"model": two}),
        (r"^model: expected one that is built", {"model": unbuilt, "image_shape": SHAPE}),
        (r"^image_shape: expected \(H, W, K\)", {"model": anything}),
        (r"^target: refused images \[2, 9, 9, 3\]: ", {"model": model, "image_shape": (9, 9, 3)}),
    ):
        with pytest.raises(InputError, match=told) as caught:
            from_keras(**arguments)
        assert "\n" not in str(caught.value)


ON_TORCH = """
import sys
import keras, numpy as np
import fooljax
from fooljax.targets.foreign import from_keras

assert keras.backend.backend() == "torch"
model = keras.saving.load_model(sys.argv[1], compile=False)
target = from_keras(model)
images = np.load(sys.argv[2])
np.save(sys.argv[3], target.apply(target.params, images))
encoding = fooljax.encodings.direct(target.image_shape)
result = fooljax.evolve(target, encoding, key=0, generations=2)
assert np.allclose(fooljax.score(target, result.images[0]).diagonal(), result.log_odds[0], atol=1e-3)
"""


def test_on_another_backend_keras_is_asked_on_the_host(model, tmp_path):
    pytest.importorskip("torch")
    model.save(tmp_path / "a.keras")
    np.save(tmp_path / "images.npy", IMAGES)
    paths = [str(tmp_path / name) for name in ("a.keras", "images.npy", "logits.npy")]
    subprocess.run(
        [sys.executable, "-c", ON_TORCH, *paths], env={**os.environ, "KERAS_BACKEND": "torch"}, check=True
    )
    found = np.load(tmp_path / "logits.npy")
    np.testing.assert_allclose(found, model(IMAGES, training=False), atol=1e-4)
    slope = jax.grad(lambda images: logits_sum(model, images))(jnp.asarray(IMAGES))
    assert np.max(np.abs(slope)) > 0.0


def logits_sum(model, images):
    target = from_keras(model)
    return target.apply(target.params, images)[:, 2].sum()
