"""Targets that are files: a network of any framework that has a format of its own, named by its path."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.settings import flag_of, option
from fooljax.targets import class_names
from fooljax.targets.choice import CLASSES_HELP, Say, TargetChoice
from fooljax.targets.foreign.torch_programs import ENDINGS
from fooljax.targets.own_choice import choice_of
from fooljax.targets.preprocessing import LAYOUTS, ORDERS, OUTPUTS

AUTO = "auto"


class FileFormat(NamedTuple):
    """A kind of file that holds a network.

    Attributes:
      line: what it is, in a few words.
      entrance: MODULE:NAME of the function of `fooljax.targets.foreign` that reads it.
      has_outputs: whether one of several outputs can be named.
    """

    line: str
    entrance: str
    has_outputs: bool


FORMATS = {
    ".onnx": FileFormat("a network in an ONNX file", "onnx_files:from_onnx", True),
    ".tflite": FileFormat("a network in a TensorFlow Lite file", "tflite_files:from_tflite", True),
    ".keras": FileFormat("a network in a Keras file", "keras_models:from_keras", False),
}
"""By the ending of the file's name."""
REFUSED = {
    ending: FileFormat("a network in a PyTorch file", "torch_programs:refuse_file", False)
    for ending in ENDINGS
}
"""Files that are not opened; their entrance says why."""


@dataclass(frozen=True)
class PreprocessingSettings:
    """What happens to an image before a network sees it, and to its outputs after."""

    image_shape: str = option(
        AUTO,
        "Height, width and channels of the network's images, as 224,224,3. auto takes them from the file.",
    )
    layout: str = option(
        AUTO,
        "Where the network has its channels: nchw has them first, as PyTorch, nhwc last, nhw has none, and "
        "flat takes an image as one row of numbers. auto looks at the shape of its input.",
        choices=(AUTO, *LAYOUTS),
    )
    range: str = option(
        AUTO,
        "The numbers that stand for black and white, as 0,255. For negative ones write --range=-1,1. auto "
        "means 0,1, unless the file says otherwise or wants whole numbers.",
    )
    mean: str = option(
        AUTO,
        "What is subtracted after that: one number, or one for each channel, as 0.485,0.456,0.406. auto "
        "subtracts nothing, unless the file says so.",
    )
    deviation: str = option(
        AUTO,
        "What the rest is divided by, as 0.229,0.224,0.225. auto means nothing, unless the file says so.",
    )
    order: str = option(
        AUTO,
        "The order of the network's colours. auto means rgb, unless the file says otherwise.",
        choices=(AUTO, *ORDERS),
    )
    outputs: str = option(
        AUTO,
        "What the network gives: logits, probabilities of a softmax, or sigmoids, which are a probability "
        "for each class alone. auto shows it some images and looks.",
        choices=(AUTO, *OUTPUTS),
    )
    left_out: str = option(
        "none",
        "Numbers, from 0, of outputs that stand for no class, as 0 for the background of some networks.",
    )
    output_name: str = option(
        AUTO, "The name of the output that holds the logits, where the network has several."
    )
    class_names: str | None = option(None, class_names.HELP, kind=str)


@dataclass(frozen=True)
class FileSettings(PreprocessingSettings):
    """The same, and which classes images are made for."""

    classes: str = option("all", CLASSES_HELP)


class _Settings(Protocol):
    @property
    def image_shape(self) -> str: ...
    @property
    def layout(self) -> str: ...
    @property
    def range(self) -> str: ...
    @property
    def mean(self) -> str: ...
    @property
    def deviation(self) -> str: ...
    @property
    def order(self) -> str: ...
    @property
    def outputs(self) -> str: ...
    @property
    def left_out(self) -> str: ...
    @property
    def output_name(self) -> str: ...
    @property
    def class_names(self) -> str | None: ...
    @property
    def classes(self) -> str: ...


def is_file_name(text: str) -> bool:
    """Whether a target's name is that of a file, by its ending."""
    return Path(text).suffix.lower() in {**FORMATS, **REFUSED}


def load_file(path: Path | str, settings: Any = None) -> Target:
    """The network in a file of any known format.

    Args:
      path: of the file.
      settings: what the user says of its images and outputs, see `PreprocessingSettings`; what is `auto`
        there is guessed, and a note says so.
    Raises:
      InputError: there is no such file, it is damaged, or a setting does not fit it.
      FaultError: the package that runs it is missing.
    """
    settings = settings or PreprocessingSettings()
    path = Path(path)
    if not is_file_name(str(path)):
        raise InputError(f"target: expected a file ending in {', '.join(FORMATS)}, got {shown(path.name)}")
    known = {**FORMATS, **REFUSED}[path.suffix.lower()]
    more: dict[str, Any] = {}
    if settings.output_name != AUTO:
        if not known.has_outputs:
            raise InputError(f"output_name: {known.line} has one output, got {shown(settings.output_name)}")
        more["output_name"] = settings.output_name
    if settings.class_names is not None:
        more["class_names"] = class_names.read_class_names(settings.class_names)
    if settings.image_shape != AUTO:
        more["image_shape"] = _whole("image_shape", settings.image_shape)
    module, _, function = known.entrance.partition(":")
    entrance = getattr(importlib.import_module(f"fooljax.targets.foreign.{module}"), function)
    target: Target = entrance(path, preprocessing=_said(settings), **more)
    return target


def choose(path: str, settings: _Settings) -> TargetChoice:
    """The choice of the network in a file, which is read at once.

    Raises:
      InputError, FaultError: see `load_file`; or the classes are not among the network's.
    """
    target = load_file(path, settings)
    source = f"the file {shown(Path(path).name)}"
    choice = choice_of(target, source=source, classes=settings.classes)
    sentence, guessed = target.provenance["preprocessing"], target.provenance.get("guessed", [])
    notes = [f"The network {shown(target.name, 80)} is {source}. {sentence}"]
    if guessed:
        notes.append(f"Guessed of it: {'; '.join(guessed)}.")

    def load(say: Say) -> Target:
        if not guessed:  # else it was told with what was guessed
            say(sentence)
        return choice.load(say)

    facts = {**choice.facts, "preprocessing": sentence, "guessed": guessed}
    return choice._replace(facts=facts, notes=tuple(notes), load=load)


def _said(settings: _Settings) -> dict[str, Any]:
    """The fields of a `Preprocessing` that the user says."""
    found: dict[str, Any] = {
        name: getattr(settings, name)
        for name in ("layout", "order", "outputs")
        if getattr(settings, name) != AUTO
    }
    for name in ("range", "mean", "deviation"):
        if getattr(settings, name) != AUTO:
            found[name] = _numbers(name, getattr(settings, name))
    if settings.left_out != "none":
        found["left_out"] = _whole("left_out", settings.left_out)
    return found


def _numbers(name: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        raise InputError(
            f"{name}: expected numbers with commas between them, got {shown(repr(text), 60)}; a negative one "
            f"is written {flag_of(name)}=-1,1"
        ) from None


def _whole(name: str, text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in parts):
        raise InputError(f"{name}: expected whole numbers with commas between them, got {shown(text, 60)}")
    return tuple(map(int, parts))
