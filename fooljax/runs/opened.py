"""Opens the folder of a finished run: of this version, or of 0.1, or one with only some of the files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fooljax import encodings
from fooljax.engine.types import Encoding
from fooljax.errors import InputError, shown
from fooljax.runs import version_0_1
from fooljax.runs.encoding_kinds import own_encoding
from fooljax.runs.folder import FORMAT, MARK, check_config, is_finished
from fooljax.runs.kinds import check_is_search
from fooljax.runs.record import RunRecord
from fooljax.storage.json_files import read_json
from fooljax.storage.reading import name_of
from fooljax.storage.trees import load_arrays

MAX_SIDE = 65_536


def open_folder(path: Path | str, encoding: Encoding | str | None = None) -> RunRecord:
    """Opens the folder of a finished run.

    Args:
      path: the folder.
      encoding: draws the genomes, where that is an encoding which does not come with fooljax: the encoding,
        or MODULE:NAME of it, which the user has given.
    Raises:
      InputError: it is not the folder of a finished run of a search, or a file in it is damaged.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{shown(path)}: expected a run folder, found nothing there")
    if (path / "config.json").exists():
        check_is_search(read_json(path / "config.json"), path)
    for name, missing in (("config.json", "a run folder"), ("archive.npz", "a finished run")):
        if not (path / name).exists():
            raise InputError(f"{shown(path)}: expected {missing}, found no {name} in it")
    if not is_finished(path):
        raise InputError(f"{shown(path)}: expected a finished run, found no {MARK} in it")
    if isinstance(encoding, str):
        encoding = own_encoding(encoding, _cells_and_shape(path)[1])
    return open_unfinished(path, encoding)


def open_unfinished(
    path: Path, encoding: Encoding | None, summary: Mapping[str, Any] | None = None
) -> RunRecord:
    """Opens the folder of a run, finished or not: its page is made before its summary marks it as finished.

    Args:
      path: the folder.
      encoding: see `open_folder`.
      summary: what `summary.json` will say; None to read it.
    Raises:
      InputError: a file is missing or damaged.
    """
    file = path / "config.json"
    config = read_json(file)
    check_config(config, file)
    settings = config["settings"]
    target = read_json(path / "target.json")
    cells, image_shape = _cells_and_shape(path)
    for entry, kind, what in (("class_names", list, "a list"), ("params_sha256", str, "a text")):
        if not isinstance(target.get(entry), kind):
            raise InputError(
                f"{name_of(path / 'target.json')}: expected {what} {entry}, found "
                f"{shown(repr(target[entry])) if entry in target else 'none'}"
            )
    names = tuple(str(name) for name in target["class_names"])
    digest = target["params_sha256"]
    if not set(cells) <= set(range(len(names))) or len(set(cells)) < len(cells) or not cells:
        raise InputError(f"{path}: expected cells of {len(names)} classes, each once, found {shown(cells)}")
    if encoding is not None and encoding.image_shape != image_shape:
        raise InputError(
            f"encoding: expected one for images {list(image_shape)}, as in {path}, got one for "
            f"{list(encoding.image_shape)}"
        )
    if config.get("format", 1) != FORMAT:
        experiment: Any = config.get("experiment")
        if encoding is None:
            encoding = version_0_1.encoding_of(experiment, settings, image_shape, str(file))
        title, introduction = version_0_1.words_of(experiment)
        words: tuple[Any, ...] = (experiment, title, introduction, (), None)
    else:
        words = _words_of(config, file)
        encoding = encoding or _encoding_of(config, image_shape, file)
    experiment, title, introduction, notes, command = words
    record = RunRecord(
        path=path,
        config=config,
        target_facts=target,
        experiment=experiment,
        title=title,
        introduction=introduction,
        notes=notes,
        command=command,
        settings=settings,
        encoding=encoding,
        image_shape=image_shape,
        cells=cells,
        class_names=names,
        target_sha256=digest,
        given_summary=summary,
    )
    _ = record.archive
    return record


def _cells_and_shape(path: Path) -> tuple[tuple[int, ...], tuple[int, int, int]]:
    """The class index of each cell, and the shape of the images, as the archive has them."""
    facts = load_arrays(path / "archive.npz")[2]
    try:
        cells = tuple(int(cell) for cell in facts["cells"])
        height, width, channels = (int(side) for side in facts["image_shape"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{path}: expected the folder of a run of this version ({type(error).__name__}: {shown(error)})"
        ) from error
    if not all(1 <= side <= MAX_SIDE for side in (height, width, channels)):
        raise InputError(
            f"{path}: expected images of 1 to {MAX_SIDE} pixels a side, found {height} x {width} x {channels}"
        )
    return cells, (height, width, channels)


def _words_of(config: Mapping[str, Any], file: Path) -> tuple[Any, ...]:
    """Experiment, title, introduction, notes and command, as a configuration of this version has them."""
    experiment, command = config.get("experiment"), config.get("command")
    title, introduction, notes = config.get("title"), config.get("introduction"), config.get("notes")
    for name, value, is_right in (
        ("experiment", experiment, experiment is None or isinstance(experiment, str)),
        ("command", command, command is None or isinstance(command, str)),
        ("title", title, isinstance(title, str)),
        ("introduction", introduction, _is_texts(introduction)),
        ("notes", notes, _is_texts(notes)),
    ):
        if not is_right:
            raise InputError(f"{file}: expected text as {name}, found {shown(repr(value))}")
    return experiment, title, tuple(introduction or ()), tuple(notes or ()), command


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _encoding_of(config: Mapping[str, Any], image_shape: Sequence[int], file: Path) -> Encoding | None:
    """The encoding that a configuration of this version describes; None where it is the user's own."""
    found = config.get("encoding")
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        raise InputError(f"{file}: expected an entry encoding, found {shown(repr(found))}")
    if found.get("image_shape") != list(image_shape):
        raise InputError(f"{file}: expected an encoding of images {list(image_shape)}, found another")
    if found.get("settings") is None:
        return None
    try:
        return encodings.build(found["name"], image_shape, found["settings"])
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
