"""A search while it runs: its state, what was measured, and its checkpoints."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from fooljax.engine.loop import EvolutionState
from fooljax.engine.placement import own_copy
from fooljax.errors import InputError
from fooljax.evolution.arguments import MAX_QUERIES, Plan
from fooljax.evolution.checkpoints import SECONDS, load_checkpoint
from fooljax.evolution.programs import Shapes, advance_program, start_program
from fooljax.evolution.results import Metrics, Progress, Replacements
from fooljax.processes import file_of_writer

MOST_NAN = 0.5
"""A target whose logits are NaN for a larger share of the first images is refused."""


@dataclass
class Journal:
    """A search while it runs: where it is, what it has measured, and whom it tells.

    Attributes:
      plan: the checked arguments.
      identity: what its checkpoints say of it.
      on_chunk, on_replacements: as in `search`.
      state: of all runs.
      history: metrics `[R, n]` by name, of all generations so far, in parts.
      spent: seconds by name.
      saved_at: when the last checkpoint was written, and of which generation (-1 for none yet).
    """

    plan: Plan
    identity: dict[str, Any]
    on_chunk: Callable[[Progress], None] | None
    on_replacements: Callable[[Replacements], None] | None
    state: EvolutionState | None = None
    history: list[Metrics] = field(default_factory=list)
    spent: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SECONDS, 0.0))
    saved_at: tuple[float, int] = (0.0, -1)

    @property
    def generation(self) -> int:
        """Generations done."""
        return int(self.history[-1]["generation"][0, -1])

    def load(self, shapes: Shapes) -> bool:
        """Goes on from the newest checkpoint, if the plan says so and there is one."""
        plan = self.plan
        newest = plan.store.latest() if plan.store is not None and plan.resume else None
        with file_of_writer("checkpoint", newest) as path:
            if path is None:
                return False
            self.state, metrics, facts = load_checkpoint(path, plan, shapes, self.identity)
        self.history = [metrics]
        self.spent = {name: facts[name] for name in SECONDS}
        self.saved_at = time.perf_counter(), -1
        self.identity |= {name: facts[name] for name in ("init_size", "init_genomes") if name in facts}
        if plan.generations < (done := self.generation):
            raise InputError(
                f"generations: expected {done} or more, as many as are done, got {plan.generations}"
            )
        self._tell(0.0)
        return True

    def begin(self, shapes: Shapes) -> None:
        """Compiles and runs generation 0."""
        plan = self.plan
        program = self._timed("seconds_compile", start_program, plan, shapes)
        self.state, (metrics, replaced) = self._timed("seconds_search", program)
        metrics = {name: np.asarray(value)[:, None] for name, value in metrics.items()}
        if (bad := int(np.sum(metrics["nan"]))) > MOST_NAN * plan.runs * plan.init_size:
            images = plan.runs * plan.init_size
            raise InputError(f"target: its logits are NaN for {bad} of the first {images} images")
        # A strategy's own metrics begin with generation 1.
        blank = {name: np.full((plan.runs, 1), np.nan, np.float32) for name in shapes.own}
        self.history.append({**metrics, **blank})
        self.saved_at = time.perf_counter(), -1
        self._record(jax.tree.map(lambda leaf: leaf[:, None], jax.device_get(replaced)))
        self._tell(0.0)

    def advance(self, generations: int) -> None:
        """Runs some generations; what was not compiled yet is compiled."""
        assert self.state is not None
        program = self._timed("seconds_compile", advance_program, self.plan, self.state, generations)
        before = self.spent["seconds_search"]
        try:
            self.state, (metrics, replaced) = self._timed("seconds_search", program, self.state)
        except InputError:  # a target that is asked on the host has failed; what was done until then is kept
            self.save()
            raise
        self.history.append({name: np.asarray(value) for name, value in metrics.items()})
        if np.any(self.history[-1]["queries"] < 0):
            raise InputError(f"generations: expected at most {MAX_QUERIES:,} queries a run, got more")
        self._record(replaced)
        children = self.plan.runs * self.plan.search.strategy.batch_size * generations
        self._tell(children / (self.spent["seconds_search"] - before))

    def save(self) -> None:
        """Writes a checkpoint, where any are wanted and there is something new."""
        if self.plan.store is None or self.saved_at[1] == self.generation:
            return
        metrics = self.metrics()
        self.history = [metrics]
        tree = {"state": own_copy(self.state), "metrics": metrics}
        self.plan.store.save(self.generation, tree, {**self.identity, **self.spent})
        self.saved_at = time.perf_counter(), self.generation

    def save_if_whole(self) -> None:
        """Writes a checkpoint after an error, unless that came in the midst of a chunk. It raises nothing."""
        with suppress(Exception):  # a chunk takes the memory of the state that it begins with
            assert self.state is not None
            if np.all(np.asarray(self.state.generation) == self.generation):
                self.save()

    def save_after(self, seconds: float) -> None:
        """Writes a checkpoint if the last one is so many seconds old."""
        if time.perf_counter() - self.saved_at[0] > seconds:
            self.save()

    def metrics(self) -> Metrics:
        """All metrics, `[R, T + 1]`."""
        parts = self.history
        return {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}

    def _timed(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        clock = time.perf_counter()
        result = jax.block_until_ready(function(*arguments))
        self.spent[name] += time.perf_counter() - clock
        return result

    def _record(self, replaced: Any) -> None:
        if self.on_replacements:
            self.on_replacements(_rows(replaced))

    def _tell(self, rate: float) -> None:
        if self.on_chunk:
            metrics = self.history[-1]
            queries = int(np.sum(metrics["queries"][:, -1]))
            self.on_chunk(Progress(self.generation, self.plan.generations, metrics, queries, rate))


def _rows(replaced: Any) -> Replacements:
    improved, generation, ids, parents, genomes = jax.device_get(replaced)
    run, when, cell = np.nonzero(improved)
    return Replacements(
        run=run,
        generation=generation[run, when],
        cell=cell,
        id=ids[run, when, cell],
        parents=parents[run, when, cell],
        genomes=jax.tree.map(lambda leaf: leaf[run, when, cell], genomes),
    )
