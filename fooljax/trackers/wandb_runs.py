"""Weights & Biases: a run of its own for each search.

With `id=...` a search that is gone on with goes on in the same run: generations that the server has are not
sent again. Without a server (`mode="offline"`) the package begins a new file each time; each holds the search
from its beginning.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from fooljax.errors import InputError, shown
from fooljax.importing import import_extra
from fooljax.trackers.tracker import Row, Sink, Tracker


def wandb(**settings: Any) -> Tracker:
    """Sends the metrics of a search to Weights & Biases.

    Args:
      **settings: of `wandb.init`, as project, name, id, config, dir, mode.
    Returns:
      An `on_chunk` for `fooljax.evolve`.
    Raises:
      InputError: `resume` is among the settings, which the search decides itself.
      FaultError: the package wandb is not installed.
    """
    if "resume" in settings:
        raise InputError(
            f"resume: expected none, since a run with an id is resumed, got {shown(settings['resume'])}"
        )
    return _Runs(settings, import_extra("wandb", "wandb", "the package wandb", "wandb"))


class _Runs(Tracker):
    def __init__(self, settings: Mapping[str, Any], library: Any) -> None:
        super().__init__("wandb")
        self._settings = dict(settings)
        self._library = library

    def open(self, first: Mapping[str, float]) -> Sink:
        resume = {"resume": "allow"} if "id" in self._settings else {}
        return _Run(self._library.init(**self._settings, **resume))


class _Run:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._next = run.step  # 0 of a new run, and after the last one that the server has

    def write(self, rows: Iterable[Row]) -> None:
        for step, metrics in rows:
            if step >= self._next:
                self._run.log(metrics, step=step)
                self._next = step + 1

    def close(self) -> None:
        self._run.finish()
