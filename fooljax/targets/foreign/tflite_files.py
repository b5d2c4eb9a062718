"""Networks in TensorFlow Lite files as targets: black boxes, of which only the answers are known.

LiteRT, the package `ai-edge-litert` of the extra `tflite`, runs them on the CPU, one image at a time. It is
written in C++ and trusts its files, so open none from people whom you do not trust.

The answers of such files are often probabilities, and targets give logits: here their logarithms. A file
of quantised numbers gives probabilities in steps, with 8 bits of 1/256. There all classes whose answer is 0
share half a step, so that no log-odds are above 6.3, which is a confidence of 99.8 %.
"""

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Target
from fooljax.environment import cpu_threads
from fooljax.errors import InputError, first_line, shown
from fooljax.importing import import_extra
from fooljax.probe import probe_images
from fooljax.storage.reading import name_of, read_regular
from fooljax.targets.foreign.batches import Network, Numbers, stored
from fooljax.targets.foreign.guessing import first_guess, layout_and_shape
from fooljax.targets.foreign.on_host import checked_names, hosted_target
from fooljax.targets.foreign.tflite_reading import read_facts
from fooljax.targets.preprocessing import Said, said_of, settled

MOST_BYTES = 2**31

Details = dict[str, Any]


class Interpreter(Protocol):
    """What is used of LiteRT's interpreter; a test has one of its own."""

    def get_input_details(self) -> list[Details]:
        """The shape, type, index and quantisation of each input."""

    def get_output_details(self) -> list[Details]:
        """The same of each output."""

    def set_tensor(self, index: int, value: Numbers) -> None:
        """Gives an input."""

    def invoke(self) -> None:
        """Runs the network."""

    def get_tensor(self, index: int) -> Numbers:
        """A copy of an output."""


def from_tflite(
    path: Path | str,
    *,
    image_shape: Sequence[int] | None = None,
    preprocessing: Said = None,
    class_names: Sequence[str] = (),
    name: str | None = None,
    output_name: str | None = None,
) -> Target:
    """The network in a TensorFlow Lite file, as a target without gradients.

    What the file does not say is guessed, and a note says what was guessed and why. A quantised input takes
    levels from 0 to 255 as they are. A first output whose name is "background" is left out, and so is that of
    1,001 outputs for 1,000 classes.

    Args:
      path: of the file.
      image_shape: `(H, W, K)` of the images, where the file leaves it open.
      preprocessing: what images and outputs go through; or a dict of those of its fields that are to be other
        than guessed, as `{"range": (0, 255)}`.
      class_names: of the classes; by default those in the file's metadata, if there are any.
      name: a short name; the file's by default.
      output_name: the output that holds the logits, where the network has several.
    Returns:
      The target.
    Raises:
      InputError: it is no such file, is damaged, or the network is none of images and classes.
      FaultError: the package ai-edge-litert is missing.
    """
    path = Path(path)
    source = name_of(path)
    content = read_regular(path, MOST_BYTES)
    if content[4:8] != b"TFL3":
        raise InputError(f"{source}: expected a TensorFlow Lite file, found something else")
    facts, interpreter = read_facts(content), _interpreter(content, source)
    taken = _only(interpreter.get_input_details(), "input", source)
    place, given = _output(interpreter.get_output_details(), output_name, source)
    layout, shape = layout_and_shape(
        [int(side) for side in taken["shape"]],
        source=source,
        layout=said_of(preprocessing, "layout"),
        image_shape=image_shape,
    )
    guess = first_guess(
        layout,
        facts.fields,
        whole_numbers=np.issubdtype(taken["dtype"], np.integer),
        channels=shape[2],
        stored_range=stored_range(taken),
    )
    network = asked(interpreter, taken, given)
    try:
        outputs = network(settled(guess.how, preprocessing).inputs(probe_images(shape)))
    except InputError:
        raise
    except Exception as error:  # LiteRT raises what it likes
        raise InputError(f"{source}: LiteRT cannot run it: {first_line(error)}") from error
    count = outputs[0].size
    names = checked_names(class_names)
    names = names or next((one for one in facts.names if count - 1 <= len(one) <= count), ())
    operation = facts.operations[place] if place < len(facts.operations) else None
    guess = guess.with_outputs(outputs, operation, step=float(given["quantization"][0]))
    guess = guess.with_names(names, count)
    how = settled(guess.how, preprocessing)
    how.logits(outputs)  # wrong words of the user are told at once
    digest = hashlib.sha256(content)
    digest.update(json.dumps({"output": place, "image_shape": shape}).encode())
    return hosted_target(
        network,
        digest.hexdigest(),
        framework=f"ai-edge-litert {version('ai-edge-litert')}",
        name=path.stem if name is None else name,
        image_shape=shape,
        preprocessing=how,
        class_names=names,
        outputs=count,
        guessed=guess.unsaid(preprocessing),
        weights=path.name,
    )


def asked(interpreter: Interpreter, taken: Details, given: Details) -> Network:
    """An interpreter whose tensors are allocated, as a function of inputs `[B, ...]`.

    Args:
      interpreter: of the network.
      taken: details of its input.
      given: details of the output that is read.
    Returns:
      The function. It gives real numbers, `[B, C]` float32, whatever the network stores.
    """

    def one(image: npt.NDArray[np.float32]) -> Numbers:
        interpreter.set_tensor(taken["index"], _stored(image[None], taken))
        interpreter.invoke()
        return _real(interpreter.get_tensor(given["index"]), given)[0]

    return lambda inputs: np.stack([one(image) for image in inputs])


def stored_range(of: Details) -> tuple[float, float] | None:
    """The numbers that the least and the largest number of a quantised tensor stand for; None of others."""
    scale, zero = of["quantization"]
    if not scale or not np.issubdtype(of["dtype"], np.integer) or np.dtype(of["dtype"]).itemsize > 1:
        return None
    ends = np.iinfo(of["dtype"])
    return (ends.min - zero) * float(scale), (ends.max - zero) * float(scale)


def _interpreter(content: bytes, source: str) -> Interpreter:
    litert = import_extra("tflite", "ai_edge_litert.interpreter", "the package ai-edge-litert", "tflite")
    try:
        interpreter: Any = litert.Interpreter(model_content=content, num_threads=cpu_threads())
        interpreter.allocate_tensors()
    except Exception as error:  # it raises what it likes over a damaged file
        raise InputError(f"{source}: expected a TensorFlow Lite file, got {first_line(error)}") from error
    return interpreter


def _only(details: list[Details], kind: str, source: str) -> Details:
    if len(details) != 1:
        raise InputError(f"{source}: expected a network of one {kind}, got {_listed(details)}")
    return details[0]


def _output(details: list[Details], name: str | None, source: str) -> tuple[int, Details]:
    """The place of the output that has the name, or of the only one, and its details."""
    if name is None:
        if len(details) > 1:
            raise InputError(
                f"{source}: expected one output [1, classes], got {_listed(details)}; name the one that "
                "holds the logits (output_name)"
            )
        return 0, _only(details, "output", source)
    for place, one in enumerate(details):
        if one["name"] == name:
            return place, one
    raise InputError(f"output_name: expected one of {_listed(details)}, got {shown(name)}")


def _listed(details: list[Details]) -> str:
    return (
        ", ".join(f"{shown(one['name'], 60)} {list(map(int, one['shape']))}" for one in details[:8]) or "none"
    )


def _stored(real: Numbers, of: Details) -> Numbers:
    """Numbers as a tensor of the network stores them: quantised, where it has a scale."""
    scale, zero = of["quantization"]
    return stored(real / scale + zero if scale else real, of["dtype"])


def _real(numbers: Numbers, of: Details) -> Numbers:
    """The numbers that a tensor of the network stands for."""
    scale, zero = of["quantization"]
    return ((numbers.astype(np.float64) - zero) * scale if scale else numbers).astype(np.float32)
