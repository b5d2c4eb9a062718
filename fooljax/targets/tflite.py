"""Networks in TensorFlow Lite files as targets: black boxes, of which only the answers are known.

LiteRT, the package `ai-edge-litert` of the extra `tflite`, runs them on the CPU, one image at a time. It is
written in C++ and trusts its files, so open none from people whom you do not trust.

The answers of such files are probabilities, and targets give logits: here the logarithms of the probabilities
of the classes that are asked about. A file of quantised numbers gives probabilities in steps, with 8 bits of
1/256. There all classes whose answer is 0 share half a step, so that no log-odds are above 6.3, which is a
confidence of 99.8 %.
"""

import dataclasses
import hashlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Target
from fooljax.errors import FaultError, InputError, first_line, shown
from fooljax.host_targets import host_target
from fooljax.storage.reading import name_of, read_regular
from fooljax.storage.trees import digest_tree

LEAST = 1e-30
"""The least probability, instead of 0, whose logarithm is not finite; of answers that are not quantised."""
MOST_BYTES = 2**31
NEAR_ONE = 0.05
"""Quantised probabilities of 1,000 classes are rounded one by one; their sum may miss 1 by a good deal."""

Pixels = npt.NDArray[np.float32]


class Interpreter(Protocol):
    """What is used of LiteRT's interpreter; a test has one of its own."""

    def get_input_details(self) -> list[dict[str, Any]]:
        """The shape, type, index and quantisation of each input."""

    def get_output_details(self) -> list[dict[str, Any]]:
        """The same of each output."""

    def set_tensor(self, index: int, value: npt.NDArray[Any]) -> None:
        """Gives an input."""

    def invoke(self) -> None:
        """Runs the network."""

    def get_tensor(self, index: int) -> npt.NDArray[Any]:
        """A copy of an output."""


def tflite_target(
    path: Path | str,
    *,
    size: int,
    mean: float,
    deviation: float,
    class_names: tuple[str, ...],
    name: str,
) -> Target:
    """The network in a TensorFlow Lite file, as a target without gradients.

    Args:
      path: of the file. Its network takes one image `[1, h, w, 3]` and gives probabilities `[1, C]`, or
        `[1, C + 1]` with a first class for the background, which is left out.
      size: side of the images that the target takes; the network sees their centre.
      mean: of levels in [0, 255]; the network wants to see `(level - mean) / deviation`.
      deviation: see `mean`.
      class_names: of the `C` classes.
      name: a short name.
    Returns:
      The target, of `fooljax.host_target`.
    Raises:
      InputError: it is no such file.
      FaultError: the package that runs it is missing.
    """
    source = name_of(Path(path))
    content = read_regular(Path(path), MOST_BYTES)
    if content[4:8] != b"TFL3":
        raise InputError(f"{source}: expected a TensorFlow Lite file, found something else")
    try:
        interpreter = _interpreter(content)
    except FaultError:
        raise
    except Exception as error:  # LiteRT raises what it likes over a damaged file
        raise InputError(f"{source}: expected a TensorFlow Lite file, got {first_line(error)}") from error
    asked = answers(
        interpreter, source=source, size=size, mean=mean, deviation=deviation, classes=len(class_names)
    )
    target = host_target(asked, image_shape=(size, size, 3), class_names=class_names, name=name)
    # In the place of parameters stands a digest, so that networks of two files differ as other networks do.
    params = {"file_sha256": np.frombuffer(hashlib.sha256(content).digest(), np.uint8)}
    provenance = {
        "network": name,
        "weights": Path(path).name,
        "params_sha256": digest_tree(params),
        "ai-edge-litert": version("ai-edge-litert"),
    }
    return dataclasses.replace(target, params=params, provenance=provenance)


def answers(
    interpreter: Interpreter, *, source: str, size: int, mean: float, deviation: float, classes: int
) -> Callable[[Pixels], Pixels]:
    """The function of a target from an interpreter whose tensors are allocated; arguments as `tflite_target`.

    Args:
      interpreter: of the network.
      source: what messages call its file.
      size: side of the images, at least that of the network's input.
      mean: see `tflite_target`.
      deviation: see `tflite_target`.
      classes: `C`.
    Returns:
      `function(images) -> logits`: images `[B, size, size, 3]` in [0, 1], and the logarithms of their
      probabilities `[B, C]`.
    Raises:
      InputError: the network takes or gives something else.
    """
    given, taken = interpreter.get_output_details(), interpreter.get_input_details()
    shape = tuple(map(int, taken[0]["shape"])) if len(taken) == 1 else ()
    if len(shape) != 4 or shape[0] != 1 or shape[3] != 3 or max(shape[1:3]) > size:
        raise InputError(
            f"{source}: expected a network that takes one image [1, h, w, 3] of at most {size} x {size} "
            f"pixels, got inputs of shape {shown([list(map(int, one['shape'])) for one in taken])}"
        )
    outputs = tuple(map(int, given[0]["shape"])) if len(given) == 1 else ()
    if outputs not in ((1, classes), (1, classes + 1)):
        raise InputError(
            f"{source}: expected a network that gives probabilities of {classes} classes, or of one more "
            f"with the background, got {shown([list(map(int, one['shape'])) for one in given])}"
        )
    top, left = (size - shape[1]) // 2, (size - shape[2]) // 2
    step = float(given[0]["quantization"][0])
    least = step / 2 / classes or LEAST

    def probabilities(image: Pixels) -> npt.NDArray[np.float64]:
        cut = image[top : top + shape[1], left : left + shape[2]]
        real = (cut.astype(np.float64) * 255.0 - mean) / deviation
        interpreter.set_tensor(taken[0]["index"], _stored(real, taken[0])[None])
        interpreter.invoke()
        return _real(interpreter.get_tensor(given[0]["index"])[0], given[0])

    def function(images: Pixels) -> Pixels:
        found = np.stack([probabilities(image) for image in images])
        if np.min(found) < 0.0 or np.max(np.abs(found.sum(axis=1) - 1.0)) > max(NEAR_ONE, step * classes / 2):
            raise InputError(f"{source}: expected a network that gives probabilities, got other numbers")
        return np.log(np.maximum(found[:, -classes:], least)).astype(np.float32)

    return function


def _interpreter(content: bytes) -> Interpreter:
    try:
        from ai_edge_litert.interpreter import Interpreter as LiteRT
    except ImportError:
        raise FaultError(
            "tflite: expected the package ai-edge-litert, got none; pip install 'fooljax[tflite]' brings it"
        ) from None
    interpreter: Any = LiteRT(model_content=content)
    interpreter.allocate_tensors()
    return interpreter


def _stored(real: npt.NDArray[np.float64], of: dict[str, Any]) -> npt.NDArray[Any]:
    """Numbers as a tensor of the network stores them: quantised, where it has a scale."""
    scale, zero = of["quantization"]
    if not scale:
        return real.astype(of["dtype"])
    kind = np.iinfo(of["dtype"])
    return np.clip(np.rint(real / scale) + zero, kind.min, kind.max).astype(of["dtype"])


def _real(stored: npt.NDArray[Any], of: dict[str, Any]) -> npt.NDArray[np.float64]:
    """The numbers that a tensor of the network stands for."""
    scale, zero = of["quantization"]
    numbers = stored.astype(np.float64)
    return (numbers - zero) * scale if scale else numbers
