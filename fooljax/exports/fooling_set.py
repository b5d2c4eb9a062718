"""A data set of fooling images, before it is laid out for one reader or another."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fooljax.exports.examples import Example
from fooljax.exports.sources import Source
from fooljax.exports.table import row_of


@dataclass(frozen=True)
class FoolingSet:
    """The images of some runs, and where they are from.

    Attributes:
      name: of the data set: lower-case letters, digits and dashes.
      sources: the runs; all of networks that know the same classes.
      examples: the images, in the order of the runs.
      licence: of the data set, as an identifier that the Hugging Face hub knows.
    """

    name: str
    sources: tuple[Source, ...]
    examples: tuple[Example, ...]
    licence: str

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of all classes of the networks."""
        return self.sources[0].class_names


def write_files(
    folder: Path, dataset: FoolingSet, place: Callable[[Example], str], beside: str = "."
) -> list[dict[str, Any]]:
    """Writes the pictures, and the genomes into a folder `genomes`.

    Args:
      folder: of the data set.
      dataset: its images.
      place: where the picture of an image goes, relative to `folder`, with `/` between parts.
      beside: the folder in `folder` where the table will stand, which its names are relative to.
    Returns:
      The rows of the table.
    Raises:
      InputError: a picture or a genome of a run is missing or damaged.
    """
    rows = []
    for example in dataset.examples:
        picture = folder / place(example)
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(example.picture_bytes())
        genome = example.genome_bytes()
        file = f"genomes/{example.name}.json"
        if genome is not None:
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_bytes(genome)
        named = picture.relative_to(folder / beside).as_posix()
        rows.append(row_of(example, named, None if genome is None else file))
    return rows
