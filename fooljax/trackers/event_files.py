"""TensorBoard: event files, written by the package tensorboardX, which needs no TensorFlow.

A folder holds one search. When that is gone on with, the files that are there are read, and each number is
written once.

Source: the format of records in `tensorflow/core/lib/io/record_writer.h`: length, its checksum, the event,
its checksum.
"""

import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fooljax.errors import InputError, shown
from fooljax.importing import import_extra
from fooljax.storage.outputs import as_folder
from fooljax.trackers.tracker import Row, Sink, Tracker, is_same

HEAD, TAIL = 12, 4
"""Bytes before and after an event."""


def tensorboard(folder: Path | str) -> Tracker:
    """Writes the metrics of a search as event files for TensorBoard.

    Args:
      folder: that TensorBoard is pointed at, or one in it. It holds one search.
    Returns:
      An `on_chunk` for `fooljax.evolve`.
    Raises:
      InputError: `folder` is no path.
      FaultError: the package tensorboardX is not installed.
    """
    return _EventFiles(as_folder("folder", folder), _module("event_file_writer"))


class _EventFiles(Tracker):
    def __init__(self, folder: Path, library: Any) -> None:
        super().__init__("tensorboard")
        self._folder = folder
        self._library = library

    def open(self, first: Mapping[str, float]) -> Sink:
        files = sorted(self._folder.glob("*tfevents*"))
        last = -1
        for event in _events(files):
            if event.step == 0 and len(event.summary.value):
                known = {value.tag: value.simple_value for value in event.summary.value}
                if not is_same(known, first):
                    raise InputError(
                        f"{shown(self._folder)}: expected a new folder or that of this search, found that of "
                        "another"
                    )
            last = max(last, event.step)
        self._folder.mkdir(parents=True, exist_ok=True)
        # The name of a file tells only the second, and two are never the same.
        writer = self._library.EventsWriter(str(self._folder / "events"), f".{len(files):03d}")
        return _Events(writer, last)


class _Events:
    """One event for each generation, which is whole or absent."""

    def __init__(self, writer: Any, last: int) -> None:
        self._writer = writer
        self._last = last

    def write(self, rows: Iterable[Row]) -> None:
        protocol = _module("proto.event_pb2")
        for step, metrics in rows:
            if step > self._last:
                event = protocol.Event(wall_time=time.time(), step=step)
                for tag, value in metrics.items():
                    event.summary.value.add(tag=tag, simple_value=value)
                self._writer.write_event(event)
                self._last = step
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def _module(name: str) -> Any:
    return import_extra("tensorboard", f"tensorboardX.{name}", "the package tensorboardX", "tensorboard")


def _events(files: Iterable[Path]) -> Iterator[Any]:
    """The events of some files, in order."""
    protocol = _module("proto.event_pb2")
    for path in files:
        content = path.read_bytes()
        place = 0
        while place + HEAD <= len(content):
            (length,) = struct.unpack_from("<Q", content, place)
            end = place + HEAD + length
            if end + TAIL > len(content):
                break  # a killed process wrote a part of it, and TensorBoard does not read it either
            yield protocol.Event.FromString(content[place + HEAD : end])
            place = end + TAIL
