"""Networks of Keras 3 as targets: in the compiled program on its JAX backend, else asked on the host."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.engine.types import Params, Target, checked_shape
from fooljax.errors import FaultError, InputError, first_line, shown
from fooljax.storage.reading import name_of, open_regular
from fooljax.storage.trees import digest_tree
from fooljax.targets.foreign.compiled import compiled_target
from fooljax.targets.foreign.guessing import Guess
from fooljax.targets.foreign.on_host import hosted_target
from fooljax.targets.preprocessing import Preprocessing, Said, settled

ENDING = ".keras"
ZIP = b"PK"
"""What such a file begins with."""
SEED = "seed_generator_state"
"""The name of variables that dropout draws from, and inference does not."""
SCALED = 0.1
"""A layer that multiplies what comes in by less than this takes levels up to 255."""


@dataclass(frozen=True)
class KerasNetwork:
    """A model on Keras's JAX backend, as a function of its variables."""

    model: Any

    def __call__(self, params: Params, inputs: jax.Array) -> jax.Array:
        """The model's outputs in inference. What it changes in itself is forgotten."""
        trained, others = params[0], iter(params[1])
        # Random numbers are drawn in training alone.
        rest = [
            jnp.zeros(one.shape, one.dtype) if _is_seed(one) else next(others)
            for one in self.model.non_trainable_variables
        ]
        outputs: jax.Array = self.model.stateless_call(trained, rest, inputs, training=False)[0]
        return outputs


def from_keras(
    model: Any,
    *,
    image_shape: tuple[int, int, int] | None = None,
    preprocessing: Said = None,
    class_names: tuple[str, ...] = (),
    name: str | None = None,
) -> Target:
    """A target of a Keras 3 model, always in inference. The model is not changed.

    On Keras's JAX backend the model becomes part of the compiled program and has gradients; the target holds
    the weights as they are now. On other backends Keras is asked on the host, and there are no gradients.

    Args:
      model: a `keras.Model` of one input and one output, or the path of a `.keras` file. Such a file is
        opened in Keras's safe mode, which refuses code; where Keras was not imported before and
        `KERAS_BACKEND` says nothing, on its JAX backend.
      image_shape: `(H, W, K)` of the images that are evolved; by default what the model says of its input.
      preprocessing: what happens to an image before the model sees it, and to its outputs after, as a
        `Preprocessing` or a dict of its fields. What is not given is guessed from the model's layers, see
        `guessed`.
      class_names: `C` names, where there are any.
      name: a short name; the model's by default.
    Returns:
      The target.
    Raises:
      InputError: it is no such model or file, its image shape is neither given nor known, it does not take
        such images, or gives no outputs `[B, C]`.
      FaultError: Keras 3 is not installed, or its backend is not.
    """
    keras = _keras()
    if isinstance(model, str | Path):
        model = read_keras(Path(model))
    if not isinstance(model, keras.Model):
        raise InputError(
            f"model: expected a keras.Model or the path of a .keras file, got {type(model).__name__}"
        )
    layout, shape = _input_of(model)
    shape = checked_shape(image_shape if image_shape is not None else shape)
    guess = guessed(model, layout)
    facts: dict[str, Any] = {
        "name": name if name is not None else model.name,
        "image_shape": shape,
        "preprocessing": settled(guess.how, preprocessing),
        "class_names": class_names,
        "guessed": guess.unsaid(preprocessing),
    }
    if not model.built:
        raise InputError(
            f"model: expected one that is built, so that it has weights, got {shown(model.name)}"
        )
    if keras.backend.backend() == "jax":
        kinds = (model.trainable_variables, model.non_trainable_variables)
        params = [[one.value for one in kind if not _is_seed(one)] for kind in kinds]
        return compiled_target(KerasNetwork(model), params, package="keras", **facts)
    return hosted_target(
        lambda inputs: np.asarray(model.predict_on_batch(inputs)),
        digest_tree([keras.ops.convert_to_numpy(one) for one in model.variables if not _is_seed(one)]),
        framework=f"keras {keras.__version__}, backend {keras.backend.backend()}",
        **facts,
    )


def read_keras(path: Path) -> Any:
    """The model in a `.keras` file, opened in Keras's safe mode.

    Raises:
      InputError: there is no such file, it is of another kind, damaged, or holds code.
      FaultError: Keras 3 is not installed.
    """
    source = name_of(path)
    if path.suffix != ENDING:
        raise InputError(
            f"{source}: expected a file that ends in {ENDING}; others Keras opens without its safe mode"
        )
    with open_regular(path) as file:
        if file.read(len(ZIP)) != ZIP:
            raise InputError(f"{source}: expected a Keras file, found something else")
    keras = _keras()
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises what it likes over a damaged file
        raise InputError(
            f"{source}: expected a Keras file that holds no code, got {first_line(error)}"
        ) from error


def guessed(model: Any, layout: str = "nhwc") -> Guess:
    """What a model's layers say of its preprocessing.

    Args:
      model: of Keras.
      layout: of its input.
    Returns:
      Levels up to 255 where a first layer scales them down, else up to 1. Probabilities where the last layer
      is a softmax, "sigmoids" where it is a sigmoid, else logits. Binary where there is one output.
    """
    keras = _keras()
    layers = _layers(model)
    last = layers[-1] if layers else None
    activation = keras.activations.serialize(getattr(last, "activation", None) or keras.activations.linear)
    if isinstance(last, keras.layers.Softmax):
        activation = "softmax"
    before = next((i for i, layer in enumerate(layers) if layer.weights), len(layers))
    scales = [layer.scale for layer in layers[:before] if isinstance(layer, keras.layers.Rescaling)]
    is_scaled = any(np.max(np.abs(scale)) < SCALED for scale in scales)
    shape = getattr(model, "output_shape", None)
    how = Preprocessing(
        layout=layout,
        range=(0.0, 255.0) if is_scaled else (0.0, 1.0),
        outputs={"softmax": "probabilities", "sigmoid": "sigmoids"}.get(activation, "logits"),
        binary=isinstance(shape, tuple) and shape[1:] == (1,),
    )
    reasons = {
        "layout": "from the shape of its input",
        "range": "a layer scales levels down" if is_scaled else "no layer scales levels down",
        "order": "the model does not say",
        "outputs": f"the last layer ends in {shown(activation)}",
    }
    return Guess(how, reasons)


def _keras() -> Any:
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", "jax")
    try:
        import keras
    except ImportError as error:
        missing = error.name or "keras"
        raise FaultError(
            f"keras: expected Keras 3 and its backend, found no {missing}; pip install 'fooljax[keras]' "
            "brings Keras, and with KERAS_BACKEND=jax nothing else is needed"
        ) from None
    if not hasattr(keras, "ops"):
        raise FaultError(f"keras: expected version 3 or later, got {keras.__version__}")
    return keras


def _is_seed(variable: Any) -> bool:
    """Whether a variable is the state of random numbers, which is another each time a file is opened."""
    return bool(variable.name == SEED)


def _layers(model: Any) -> list[Any]:
    """The layers in order, those of models inside a model in its place."""
    keras = _keras()
    found: list[Any] = []
    for layer in model.layers:
        found += _layers(layer) if isinstance(layer, keras.Model) else [layer]
    return [layer for layer in found if not isinstance(layer, keras.layers.InputLayer)]


def _input_of(model: Any) -> tuple[str, Any]:
    """The layout of a model's input and the shape of its images; None where it does not say."""
    try:
        shape = model.input_shape
    except AttributeError:  # of a model that is a class of the user's
        return "nhwc", None
    if not isinstance(shape, tuple):
        raise InputError(f"model: expected one input, got {shown(shape)}")
    sides = shape[1:]
    known = sides if all(isinstance(side, int) for side in sides) else None
    if len(sides) == 2:
        return "nhw", (*known, 1) if known else None
    if len(sides) == 1:
        return "flat", None
    formats = [getattr(layer, "data_format", None) for layer in _layers(model)]
    if next(filter(None, formats), None) == "channels_first":
        return "nchw", (*known[1:], known[0]) if known else None
    return "nhwc", known
