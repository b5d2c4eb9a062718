"""A network in another process, that is asked over pipes: of any language, with any libraries.

The protocol: fooljax writes one message for each batch of images to the program's standard input, and reads
one message from its standard output. A message is the number of bytes that follow, as 8 bytes, the least
first, and then an array in NumPy's .npy form, of floating-point numbers: images in the form that the
preprocessing says, and back comes a row of outputs for each of them. The program answers message after
message, and ends when its input does. What people shall read it prints to standard error.
"""

import contextlib
import hashlib
import io
import os
import signal
import subprocess
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Target, checked_shape
from fooljax.errors import FaultError, InputError, first_line, printable, shown
from fooljax.probe import probe_images
from fooljax.storage.reading import read_regular
from fooljax.targets.foreign.guessing import UNSAID, first_guess
from fooljax.targets.foreign.on_host import hosted_target
from fooljax.targets.preprocessing import Said, said_of, settled

MOST_BYTES = 2**31
"""Of a file that the command names, and of an answer."""
LENGTH = 8
"""Bytes of the number that a message begins with."""
MOST_WORDS = 4096
"""Bytes of what the program printed last that are kept."""


def from_program(
    command: Sequence[str],
    *,
    image_shape: Sequence[int],
    preprocessing: Said = None,
    class_names: Sequence[str] = (),
    name: str | None = None,
    seconds: float = 60.0,
) -> Target:
    """A target of a network in another process, which is asked over pipes; see the module for the protocol.

    Args:
      command: the program and its words, as `["python", "network.py"]`. No shell reads them.
      image_shape: `(H, W, K)`.
      preprocessing: what images and outputs go through; or a dict of those of its fields that are to be other
        than guessed, as `{"layout": "nchw"}`. By default images are sent as they are, in [0, 1].
      class_names: of the classes, where there are any.
      name: a short name; the program's by default.
      seconds: in which it must answer a batch, and begin.
    Returns:
      The target. Files that the command names are a part of its digest, so that a run is not resumed with a
      program that has changed.
    Raises:
      InputError: it cannot be begun, or answers with something else than outputs of its images.
      FaultError: it ends or does not answer in time.
    """
    words = [str(word) for word in ([command] if isinstance(command, str) else command)]
    if not words or not seconds > 0.0:
        raise InputError(f"command: expected a program that answers in some seconds, got {words}, {seconds}")
    name = Path(words[-1]).stem if name is None else name
    shape = checked_shape(image_shape)
    program = Program(words, seconds)
    guess = first_guess(
        said_of(preprocessing, "layout") or "nhwc",
        {},
        whole_numbers=False,
        channels=shape[2],
        layout_reason=UNSAID,
    )
    outputs = program(settled(guess.how, preprocessing).inputs(probe_images(shape)))
    guess = guess.with_outputs(outputs, None)
    how = settled(guess.how, preprocessing)
    how.logits(outputs)  # wrong words of the user are told at once
    return hosted_target(
        program,
        _digest(words),
        framework=f"another process: {printable(' '.join(words))}",
        name=name,
        image_shape=shape,
        preprocessing=how,
        class_names=class_names,
        outputs=outputs[0].size,
        guessed=guess.unsaid(preprocessing),
    )


class Program:
    """A program that answers batches; it is begun when it is first asked, and again after it failed.

    Attributes:
      command: the program and its words.
      seconds: in which it must answer a batch.
    """

    def __init__(self, command: Sequence[str], seconds: float) -> None:
        self.command = list(command)
        self.seconds = seconds
        self._running: _Running | None = None

    def __call__(self, inputs: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """The outputs `[B, ...]` of inputs `[B, ...]`.

        Raises:
          InputError, FaultError: see `from_program`. The program is ended then.
        """
        running = self._running or self._begin()
        timer = threading.Timer(self.seconds, running.too_late)
        timer.start()
        try:
            writer = running.write(inputs)
            outputs = _read(running.process.stdout, len(inputs), str(self))
            writer.join()
            return outputs
        except BaseException as error:
            self._running = None
            status = running.end(patience=1.0 if isinstance(error, EOFError) else 0.0)
            if running.late:
                raise FaultError(f"{self}: no answer within {self.seconds:g} seconds") from None
            if isinstance(error, EOFError):
                said = f"; it said: {running.last_words()}" if running.last_words() else ""
                raise FaultError(f"{self}: ended with status {status} before it answered{said}") from None
            raise
        finally:
            timer.cancel()

    def __str__(self) -> str:
        return f"program {shown(' '.join(self.command), 80)}"

    def _begin(self) -> "_Running":
        pipe = subprocess.PIPE
        try:
            # In a session of its own, so that it ends with all processes that it begins, and not by Ctrl-C.
            process = subprocess.Popen(
                self.command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in a word
            reason = error.strerror if isinstance(error, OSError) else shown(error)
            raise InputError(f"{self}: cannot be begun: {reason}") from error
        self._running = running = _Running(process)
        weakref.finalize(self, running.end)
        return running


class _Running:
    """A process, and what it printed last for people."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.late = False
        self._tail = bytearray()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def write(self, inputs: npt.NDArray[np.float32]) -> threading.Thread:
        """Writes a batch beside the reading: a program may answer before it has read all, and then wait."""
        array = io.BytesIO()
        np.save(array, np.ascontiguousarray(inputs), allow_pickle=False)
        content = array.getbuffer()

        def work() -> None:
            assert self.process.stdin is not None
            with contextlib.suppress(OSError, ValueError):  # it ended, which its answer tells
                self.process.stdin.write(len(content).to_bytes(LENGTH, "little"))
                self.process.stdin.write(content)
                self.process.stdin.flush()

        writer = threading.Thread(target=work, daemon=True)
        writer.start()
        return writer

    def too_late(self) -> None:
        self.late = True
        self._kill()

    def end(self, patience: float = 0.0) -> int:
        """Ends the process and all that it began; gives its status.

        Args:
          patience: seconds in which it may end by itself, so that its own status is had.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        self._kill()
        status = self.process.wait()
        self._listener.join(1.0)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.close()  # type: ignore[union-attr]
        return status

    def last_words(self) -> str:
        """The last line that it wrote to standard error, as one printable line."""
        lines = self._tail.decode("utf-8", "replace").splitlines()
        return shown(next((line for line in reversed(lines) if line.strip()), ""))

    def _kill(self) -> None:
        if self.process.poll() is not None:
            return  # its number may be another's by now
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with contextlib.suppress(OSError, ValueError):
            while piece := os.read(self.process.stderr.fileno(), MOST_WORDS):
                self._tail = (self._tail + piece)[-MOST_WORDS:]


def _read(stream: IO[bytes] | None, count: int, program: str) -> npt.NDArray[Any]:
    """An answer to so many images.

    Raises:
      EOFError: the stream ended before.
      InputError: it is no array of outputs.
    """
    assert stream is not None
    wanted = f"{program}: expected outputs [{count}, C] as a message on its standard output"
    begin = _exactly(stream, LENGTH)
    size = int.from_bytes(begin, "little")
    if size > MOST_BYTES:
        raise InputError(
            f"{wanted}, got {shown(repr(begin))}; what people shall read belongs on standard error"
        )
    content = _exactly(stream, size)
    try:
        outputs: npt.NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # NumPy raises what it likes over rubbish
        raise InputError(f"{wanted}, got {first_line(error)}") from error
    if not isinstance(outputs, np.ndarray) or outputs.dtype.kind != "f" or outputs.shape[:1] != (count,):
        found = f"{outputs.dtype} of shape {list(outputs.shape)}" if hasattr(outputs, "dtype") else "a zip"
        raise InputError(f"{wanted}, got {found}")
    return outputs


def _exactly(stream: IO[bytes], count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise EOFError
    return found


def _digest(words: Sequence[str]) -> str:
    """SHA-256 of a command: of the contents of the files that it names, and of its other words."""
    total = hashlib.sha256()
    for place, word in enumerate(words):
        path = Path(word)
        # A program without a folder is looked for where the system has its programs, and not here.
        is_file = path.is_file() and (place > 0 or os.sep in word)
        content = read_regular(path, MOST_BYTES) if is_file else word.encode()
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()
