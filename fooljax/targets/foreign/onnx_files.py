"""Networks in ONNX files as targets, run by ONNX Runtime, the package `onnxruntime` of the extra `onnx`.

ONNX Runtime is written in C++ and trusts much of its files, so open none from people whom you do not trust.
Weights in other files are read only where those lie in the folder of the network.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Target
from fooljax.environment import cpu_threads
from fooljax.errors import InputError, first_line, shown
from fooljax.importing import import_extra
from fooljax.probe import probe_images
from fooljax.storage.reading import name_of, open_regular, read_regular
from fooljax.targets.foreign.batches import Network, in_batches, stored
from fooljax.targets.foreign.guessing import first_guess, layout_and_shape
from fooljax.targets.foreign.metadata import read_metadata
from fooljax.targets.foreign.on_host import checked_names, hosted_target
from fooljax.targets.foreign.onnx_reading import read_facts
from fooljax.targets.preprocessing import Said, said_of, settled

MOST_BYTES = 2**31
"""Of a file, which is as much as a protocol buffer may have."""
MOST_OUTSIDE = 2**34
"""Bytes of all files of weights together."""
MOST_IMAGES, MOST_VALUES = 1024, 2**21
"""Images that the network is shown at a time, and their values: 13 images of 224 x 224 pixels in colour."""
TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}
"""What an input may be, by its name in ONNX Runtime."""
FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")


class Port(NamedTuple):
    """An input or output of a network: its name, its type, and the lengths of its axes, None for any."""

    name: str
    kind: str
    axes: tuple[int | None, ...]

    def __str__(self) -> str:
        axes = ", ".join("any" if one is None else str(one) for one in self.axes)
        return f"{shown(self.name, 60)} {shown(self.kind, 60)} [{axes}]"


def from_onnx(
    path: Path | str,
    *,
    image_shape: Sequence[int] | None = None,
    preprocessing: Said = None,
    class_names: Sequence[str] = (),
    name: str | None = None,
    output_name: str | None = None,
) -> Target:
    """The network in an ONNX file, as a target without gradients.

    What the file does not say is guessed, and a note says what was guessed and why.

    Args:
      path: of the file.
      image_shape: `(H, W, K)` of the images; needed where the network takes images of any size.
      preprocessing: what images and outputs go through; or a dict of those of its fields that are to be other
        than guessed, as `{"range": (0, 255)}`.
      class_names: of the classes; by default those in the file's metadata, if there are any.
      name: a short name; the file's by default.
      output_name: the output that holds the logits, where the network has several that could.
    Returns:
      The target.
    Raises:
      InputError: it is no such file, is damaged, needs operations that this ONNX Runtime lacks, or names
        files outside its folder; the network has several inputs, or is none of images and classes.
      FaultError: the package onnxruntime is missing.
    """
    path = Path(path)
    source = name_of(path)
    content = read_regular(path, MOST_BYTES)
    facts = read_facts(content, source)
    outside = _digests(path, facts.files, source)
    session = _session(path, content, bool(outside), source)
    taken, given = _input(session, source), _output(session, output_name, source)
    metadata = read_metadata(facts.metadata)
    layout, shape = layout_and_shape(
        taken.axes, source=source, layout=said_of(preprocessing, "layout"), image_shape=image_shape
    )
    whole_numbers = np.issubdtype(TYPES[taken.kind], np.integer)
    guess = first_guess(layout, metadata.fields, whole_numbers=whole_numbers, channels=shape[2])
    before = settled(guess.how, preprocessing)
    network, outputs = _tried(session, taken, given, before.inputs(probe_images(shape)), source)
    guess = guess.with_outputs(outputs, facts.operations.get(given.name, "unknown"))
    names = checked_names(class_names) or metadata.class_names
    guess = guess.with_names(names, outputs[0].size)
    how = settled(guess.how, preprocessing)
    how.logits(outputs)  # wrong words of the user are told at once
    digest = hashlib.sha256(content)
    digest.update(outside + json.dumps({"output": given.name, "image_shape": shape}).encode())
    return hosted_target(
        network,
        digest.hexdigest(),
        framework=f"onnxruntime {version('onnxruntime')}",
        name=path.stem if name is None else name,
        image_shape=shape,
        preprocessing=how,
        class_names=names,
        outputs=outputs[0].size,
        guessed=guess.unsaid(preprocessing),
        weights=path.name,
    )


def _digests(path: Path, files: Sequence[str], source: str) -> bytes:
    """Digests of the other files that hold weights, which must lie in the folder of the network."""
    folder, total = path.resolve().parent, hashlib.sha256()
    left = MOST_OUTSIDE
    for name in sorted(files):
        found = (folder / name).resolve()
        if not found.is_relative_to(folder) or not name or "\0" in name:
            raise InputError(
                f"{source}: expected weights in the folder of the file, got the path {shown(name)}, which "
                "leads outside"
            )
        with open_regular(found) as file:
            left -= os.fstat(file.fileno()).st_size
            if left < 0:
                raise InputError(f"{source}: expected at most {MOST_OUTSIDE:,} bytes of weights, found more")
            while piece := file.read(2**20):
                total.update(piece)
    return total.digest() if files else b""


def _session(path: Path, content: bytes, has_files: bool, source: str) -> Any:
    onnxruntime = import_extra("onnx", "onnxruntime", "the package onnxruntime", "onnx")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised, too
    # A number of its own keeps it from binding its threads to cores, which is not allowed everywhere.
    options.intra_op_num_threads = cpu_threads()
    options.use_deterministic_compute = True
    known = onnxruntime.get_available_providers()
    providers = [one for one in ("CUDAExecutionProvider", "CPUExecutionProvider") if one in known]
    try:
        return onnxruntime.InferenceSession(str(path) if has_files else content, options, providers)
    except Exception as error:  # it raises what it likes over a damaged file
        raise InputError(f"{source}: ONNX Runtime cannot load it: {first_line(error)}") from error


def _port(node: Any) -> Port:
    axes = tuple(one if isinstance(one, int) and one > 0 else None for one in node.shape)
    return Port(node.name, node.type, axes)


def _input(session: Any, source: str) -> Port:
    found = [_port(node) for node in session.get_inputs()]
    if len(found) != 1:
        raise InputError(
            f"{source}: expected a network of one input, got {len(found)}: {_listed(found)}; give the others "
            "their values when you export it"
        )
    if found[0].kind not in TYPES:
        raise InputError(f"{source}: expected an input of numbers, got {found[0]}")
    return found[0]


def _output(session: Any, name: str | None, source: str) -> Port:
    """The output that has the name, or the only one that may be logits."""
    found = [_port(node) for node in session.get_outputs()]
    if name is not None:
        named = [one for one in found if one.name == name]
        if not named:
            raise InputError(f"output_name: expected one of {_listed(found)}, got {shown(name)}")
        if named[0].kind not in FLOATS:
            raise InputError(f"output_name: expected an output of floating-point numbers, got {named[0]}")
        return named[0]
    fitting = [one for one in found if one.kind in FLOATS]
    if len(fitting) > 1:
        fitting = [one for one in fitting if len(one.axes) == 2]
    if len(fitting) != 1:
        hint = "; name the one that holds the logits (output_name)" if fitting else ""
        raise InputError(f"{source}: expected one output [batch, classes], got {_listed(found)}{hint}")
    return fitting[0]


def _listed(ports: Sequence[Port]) -> str:
    return ", ".join(map(str, ports[:8])) + (" and others" if len(ports) > 8 else "")


def _tried(
    session: Any, taken: Port, given: Port, inputs: npt.NDArray[np.float32], source: str
) -> tuple[Network, npt.NDArray[Any]]:
    """The network, asked in batches that it takes, and its outputs for some images."""
    kind = TYPES[taken.kind]

    def run(batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        found: npt.NDArray[Any] = session.run([given.name], {taken.name: stored(batch, kind)})[0]
        return found

    most = max(1, min(MOST_IMAGES, MOST_VALUES // inputs[0].size))
    sizes = [taken.axes[0]] if taken.axes[0] is not None else [None, 1]
    for size in sizes:
        network = in_batches(run, size, most)
        try:
            outputs = network(inputs)
            if len(outputs) == len(inputs):
                return network, outputs
            reason = f"outputs of shape {list(outputs.shape)} for {len(inputs)} images"
        except Exception as error:  # as the session
            reason = first_line(error)
    raise InputError(f"{source}: ONNX Runtime cannot run it on images {list(inputs.shape[1:])}: {reason}")
