"""Checks one after another: each in its own `try`, with a line on the terminal and an entry in the file."""

import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fooljax.errors import InputError, shown
from fooljax.storage.json_files import plain, read_json, write_json

LINES = 12
"""Of an error's trace that are kept, the last ones."""


class Wanted(NamedTuple):
    """What was wanted of a number, and what came.

    Attributes:
      what: the number in words.
      found: its value.
      least: what it must be at least; None where it has no such bound.
      most: what it must be at most; None where it has no such bound.
      aim: what would be good.
    """

    what: str
    found: float
    least: float | None = None
    most: float | None = None
    aim: float | None = None

    @property
    def met(self) -> bool:
        """Whether the number is within its bounds; NaN never is."""
        above = self.least is None or self.found >= self.least
        below = self.most is None or self.found <= self.most
        return above and below and self.found == self.found

    def __str__(self) -> str:
        bound = f"at least {self.least:,g}" if self.least is not None else f"at most {self.most:,g}"
        aim = "" if self.aim is None else f", aim {self.aim:,g}"
        return f"{self.what} {self.found:,.4g}, must be {bound}{aim}: {'met' if self.met else 'MISSED'}"


class Found(NamedTuple):
    """What a check gives.

    Attributes:
      line: in a few words.
      figures: for the file.
      wanted: bounds, which are those of one H100.
    """

    line: str
    figures: Mapping[str, Any]
    wanted: tuple[Wanted, ...] = ()


class LeftOutError(Exception):
    """What a check raises where there is nothing to measure."""


class Report:
    """The entries so far. The file is written anew after each, and says whether it is finished.

    Attributes:
      entries: by the name of the check.
    """

    def __init__(
        self, path: Path | None, budget: float, facts: Mapping[str, Any], asked: Mapping[str, str]
    ) -> None:
        """Begins the file.

        Args:
          path: of the file; None for none.
          budget: seconds after which no further check is begun.
          facts: of the machine.
          asked: the flags that say which checks are done.
        Raises:
          InputError: the file holds something else than numbers that the same flags gave.
        """
        if path is not None and path.exists() and read_json(path).get("asked") != asked:
            raise InputError(
                f"--json: expected a new file, or one that the same --size and --only wrote, to replace; "
                f"{shown(path)} is neither"
            )
        self._path, self._budget, self._facts, self._asked = path, budget, facts, asked
        self._begun = time.perf_counter()
        self.entries: dict[str, dict[str, Any]] = {}
        self._write(finished=False)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.perf_counter() - self._begun

    def check(self, name: str, function: Callable[[], Found]) -> None:
        """Does a check, unless the budget is spent; whatever it raises, the next one can follow."""
        if self.seconds >= self._budget:
            self._add(name, {"status": "left out", "seconds": 0.0}, "the budget is spent")
            return
        begun = time.perf_counter()
        entry: dict[str, Any]
        try:
            found = function()
        except LeftOutError as reason:
            entry, line = {"status": "left out"}, str(reason)
        except Exception as error:
            first = (str(error).strip().splitlines() or [""])[0]
            entry = {"status": "failed", "error": f"{type(error).__name__}: {first}"}
            entry["trace"] = "\n".join(traceback.format_exc().splitlines()[-LINES:])
            line = entry["error"][:200]
        else:
            wanted = [{**one._asdict(), "met": one.met} for one in found.wanted]
            entry = {"status": "ok", "figures": found.figures, "wanted": wanted}
            line = "; ".join([found.line, *map(str, found.wanted)])
        self._add(name, {**entry, "seconds": round(time.perf_counter() - begun, 2)}, line)

    def _add(self, name: str, entry: dict[str, Any], line: str) -> None:
        self.entries[name] = plain(entry)
        print(f"[{entry['status']}] {name} ({entry['seconds']:.1f} s): {line}", flush=True)
        self._write(finished=False)

    def finish(self) -> None:
        """Writes the file for the last time."""
        self._write(finished=True)

    def _write(self, finished: bool) -> None:
        if self._path is not None:
            counts = {status: 0 for status in ("ok", "failed", "left out")}
            for each in self.entries.values():
                counts[each["status"]] += 1
            head = {"finished": finished, "asked": self._asked, "machine": self._facts}
            seconds = round(self.seconds, 1)
            write_json(self._path, {**head, "seconds": seconds, **counts, "checks": self.entries})
