"""Finished runs as the sources of a data set: their saved images, and what is known of their networks."""

import itertools
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fooljax.errors import InputError, shown
from fooljax.exports.examples import Example
from fooljax.runs.ascent_record import AscentRecord, open_ascent
from fooljax.runs.elites import slug
from fooljax.runs.kinds import is_ascent_folder
from fooljax.runs.opened import open_folder
from fooljax.runs.panel_table import PanelRow
from fooljax.runs.record import RunRecord
from fooljax.runs.scored import cut_off


class Source(NamedTuple):
    """The folder of one run.

    Attributes:
      name: of the folder in the data set.
      class_names: of all classes of the network.
      target_facts: what is known of the network.
      encoding: what the images are made of.
      seed: of the run; None where it is not told.
      runs: how many independent runs it has; for a gradient ascent, how many start images.
      passes: network passes of all of them together.
      command: that does the same again; None where there is none.
      judges: facts of each judge by its name.
      examples: its images.
    """

    name: str
    class_names: tuple[str, ...]
    target_facts: Mapping[str, Any]
    encoding: str
    seed: int | None
    runs: int
    passes: int
    command: str | None
    judges: Mapping[str, Mapping[str, Any]]
    examples: tuple[Example, ...]

    @property
    def network(self) -> str:
        """The name of the network that was fooled."""
        return str(self.target_facts.get("name", "network"))


def open_sources(folders: Sequence[Path]) -> list[Source]:
    """The images of finished runs.

    Args:
      folders: of searches and of gradient ascents.
    Raises:
      InputError: one is not the folder of a finished run, is damaged or has no saved images, or their
        networks know different classes.
    """
    sources: list[Source] = []
    for folder in folders:
        name = _unlike(slug(folder.resolve().name), {source.name for source in sources})
        sources.append(_of_ascent(folder, name) if is_ascent_folder(folder) else _of_search(folder, name))
    for source, folder in zip(sources, folders, strict=True):
        if source.class_names != sources[0].class_names:
            raise InputError(
                "RUN: expected runs whose networks know the same classes, got "
                f"{shown(folders[0])} and {shown(folder)}"
            )
    return sources


def _unlike(name: str, taken: Set[str]) -> str:
    """A name, with a number after it where others have taken it."""
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([name], numbered) if one not in taken)


def _of_search(folder: Path, name: str) -> Source:
    record = open_folder(folder)
    known = record.encoding
    encoding = known.name if known else str(record.config.get("encoding", {}).get("name", "unknown"))
    seed = _seed(record.settings)
    return Source(
        name=name,
        class_names=record.class_names,
        target_facts=record.target_facts,
        encoding=encoding,
        seed=seed,
        runs=record.runs,
        passes=int(np.sum(record.metrics["queries"][:, -1])),
        command=record.command,
        judges=_judges(record.summary),
        examples=tuple(_elites(record, name, encoding, seed)),
    )


def _elites(record: RunRecord, source: str, encoding: str, seed: int | None) -> Iterator[Example]:
    panel = _panel(record.panel_rows)
    for row in sorted(record.elites, key=lambda row: (row.run, row.class_index)):
        picture = record.file_of(row)
        if picture is None:
            raise InputError(
                f"{shown(record.path)}: expected the saved images of the run, found no {shown(row.file)}"
            )
        genome = picture.with_suffix(".json")
        asked, agree = panel.get(("elites", row.run, row.class_index), (None, None))
        class_name = record.class_names[row.class_index]
        yield Example(
            name=f"{source}-run{row.run:02d}-class{row.class_index:03d}-{slug(class_name)}",
            picture=picture,
            shape=record.image_shape,
            genome=genome if genome.is_file() else None,
            label=row.class_index,
            class_name=class_name,
            log_odds=row.log_odds if record.is_log_odds else None,
            confidence=row.confidence if record.is_log_odds else None,
            objective=record.objective,
            score=row.log_odds,
            source=source,
            run=row.run,
            seed=seed,
            method=None,
            encoding=encoding,
            network=str(record.target_facts.get("name", "network")),
            passes=row.query + 1,  # queries are counted from 0
            judges=asked,
            judges_agree=agree,
        )


def _of_ascent(folder: Path, name: str) -> Source:
    record = open_ascent(folder)
    seed = _seed(record.config["settings"])
    return Source(
        name=name,
        class_names=record.class_names,
        target_facts=record.target_facts,
        encoding="pixels",
        seed=seed,
        runs=record.starts,
        passes=sum(int(ascent.queries) for ascent in record.ascents.values()),
        command=record.config.get("command"),
        judges=_judges(record.summary),
        examples=tuple(_climbed(record, name, seed)),
    )


def _climbed(record: AscentRecord, source: str, seed: int | None) -> Iterator[Example]:
    panel = _panel(record.panel_rows)
    for method, ascent in record.ascents.items():
        odds, files = record.log_odds[method], record.files(method)
        passes = int(ascent.queries) // odds.size
        for start, place in np.ndindex(*odds.shape):
            index, value = record.cells[place], float(odds[start, place])
            class_name = record.class_names[index]
            asked, agree = panel.get((method, start, index), (None, None))
            yield Example(
                name=f"{source}-{slug(method)}-start{start:02d}-class{index:03d}-{slug(class_name)}",
                picture=files[start][place],
                shape=record.image_shape,
                genome=None,
                label=index,
                class_name=class_name,
                log_odds=value,
                confidence=cut_off(value),
                objective="log_odds",
                score=value,
                source=source,
                run=start,
                seed=seed,
                method=method,
                encoding="pixels",
                network=str(record.target_facts.get("name", "network")),
                passes=passes,
                judges=asked,
                judges_agree=agree,
            )


def _seed(settings: Mapping[str, Any]) -> int | None:
    """The seed of a run: as a command was given it, or as the key of Python has it."""
    seed, key = settings.get("seed"), settings.get("key")
    if type(seed) is int:
        return seed
    if isinstance(key, list) and len(key) == 2 and all(type(word) is int for word in key):
        return int(key[0] << 32 | key[1])
    return None


def _judges(summary: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """What a summary says of each judge, by its name; nothing where none was asked."""
    panel = summary.get("panel")
    judges = panel.get("judges") if isinstance(panel, dict) else None
    return (
        judges if isinstance(judges, dict) and all(isinstance(one, dict) for one in judges.values()) else {}
    )


def _panel(rows: Sequence[PanelRow]) -> dict[tuple[str, int, int], tuple[int, int]]:
    """How many judges saw each image, and how many agreed: by its set, run and class."""
    return {
        (row.kind, row.run, row.class_index): (
            len(row.judges),
            sum(says.agrees for says in row.judges.values()),
        )
        for row in rows
    }
