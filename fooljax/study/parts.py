"""A work is done in parts. This process does them one after another, or workers do several at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

Say = Callable[[str], None]


class PartContext(NamedTuple):
    """What a part is given beside its own arguments, in whatever process it is done.

    Attributes:
      say: prints a line for the user.
      wanted: gives False once nobody waits for the part any more.
    """

    say: Say
    wanted: Callable[[], bool] = lambda: True


class Part(NamedTuple):
    """A part of a work.

    Attributes:
      name: for messages.
      do: `do(here, *arguments) -> results`. It writes no file that another part writes. What it is given and
        what it gives is plain data, since it may have to travel.
      arguments: of `do`.
    """

    name: str
    do: Callable[..., Iterable[Any]]
    arguments: tuple[Any, ...]


class Executor(Protocol):
    """Does parts of a work: this process, or workers."""

    def __call__(self, parts: Sequence[Part], /) -> Iterator[tuple[int, Iterable[Any]]]:
        """Does every part once; gives the position and the results of each, as they end."""


def serial_executor(say: Say) -> Executor:
    """An executor that does one part after another in this process. Results come as they are made."""

    def each(parts: Sequence[Part]) -> Iterator[tuple[int, Iterable[Any]]]:
        for number, part in enumerate(parts):
            yield number, part.do(PartContext(say), *part.arguments)

    return each
