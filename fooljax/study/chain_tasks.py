"""The tasks of chains of retraining: rounds, and attacks on some of the networks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fooljax.analysis.rejection import RATES
from fooljax.defences.chains import Chain
from fooljax.errors import InputError, shown
from fooljax.study import attacks
from fooljax.study.measured_sets import parse_numbers
from fooljax.study.task import Row, Task

NONE = "none"
LEARNT = 2
"""The first network that has learnt from fooling images."""


@dataclass(frozen=True)
class Attacks:
    """What meets which networks of each chain, beside the search that their images come from.

    Attributes:
      numbers: of the networks.
      generators: that meet each of them, out of `fooljax.study.generators.GENERATORS`.
      ends: further ones, for the first network and the last.
      rejects: rates, as text: `cppn` also meets the networks after the first with the bias of their fooling
        class moved, so that they reject this share of clean images.
      passes: network passes of each.
    """

    numbers: tuple[int, ...]
    generators: tuple[str, ...]
    ends: tuple[str, ...]
    rejects: tuple[str, ...]
    passes: int

    def on(self, number: int, last: int) -> Iterator[dict[str, Any]]:
        """What meets a network, as settings of a task."""
        if number not in self.numbers:
            return
        for generator in (*self.generators, *(self.ends if number in (1, last) else ())):
            yield {"generator": generator, "budget": self.passes}
        for rate in self.rejects if number >= LEARNT else ():
            yield {"generator": "cppn", "budget": self.passes, "rejects": rate}


def attacks_of(
    *, numbers: str, most: int | None, generators: str, ends: str, rejects: str, passes: int
) -> Attacks:
    """Reads the flags that say what meets which networks; `none` stands for nothing.

    A number above `most` is refused, where that is given.

    Raises:
      InputError: one of them is not what was expected.
    """
    given = [] if numbers == NONE else parse_numbers(numbers, "--attacked")
    if most is not None and given and max(given) > most:
        raise InputError(f"--attacked: expected numbers up to {most}, the --rounds, got {max(given)}")
    known, rates = (*attacks.FRESH, *attacks.CONTROLS), tuple(map(str, RATES))
    for flag, text, allowed in (
        ("--generators", generators, known),
        ("--end-generators", ends, known),
        ("--rejects", rejects, rates),
    ):
        if unknown := [word for word in _parts(text) if word not in allowed]:
            raise InputError(f"{flag}: expected some of {', '.join(allowed)}, got {shown(unknown[0])}")
    return Attacks(tuple(given), _parts(generators), _parts(ends), _parts(rejects), passes)


def _parts(text: str) -> tuple[str, ...]:
    return () if text == NONE else tuple(dict.fromkeys(text.split(",")))


def chain_tasks(
    starts: Sequence[str],
    seeds: int,
    rounds: int,
    attacked: Attacks,
    common: Mapping[str, Any],
    rows: Sequence[Row],
) -> Iterator[Task]:
    """Round by round for the chains of one seed, each round with its attacks; then for the next seed.

    Args:
      starts: names of the first networks.
      seeds: how many chains begin with each.
      rounds: how many networks a chain has.
      attacked: the attacks.
      common: settings that all tasks have.
      rows: that are there. A round is named when all chains have done the one before.
    """
    there = {row["task"] for row in rows}
    for seed in range(seeds):
        chains = [Chain(start, seed) for start in starts]
        for number in range(1, rounds + 1):
            stage = [_task(chain, number, {"kind": "round", **common}) for chain in chains]
            for one in attacked.on(number, rounds):
                stage += [_task(chain, number, {"kind": "attack", **common, **one}) for chain in chains]
            yield from stage
            if any(task.name not in there for task in stage):
                return


def _task(chain: Chain, number: int, own_settings: Mapping[str, Any]) -> Task:
    words = [own_settings["kind"], chain.name, f"{number:02d}"]
    words += [own_settings["generator"]] if "generator" in own_settings else []
    words += [f"rejects={own_settings['rejects']}"] if "rejects" in own_settings else []
    settings = {"network": chain.start, "seed": chain.seed, "number": number, **own_settings}
    return Task(",".join(words), settings, (chain.network(number),))
