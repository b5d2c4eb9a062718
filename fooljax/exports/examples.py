"""One saved image of a data set, with all that is known of it."""

from pathlib import Path
from typing import NamedTuple

from fooljax.errors import InputError, shown
from fooljax.runs.images import read_image
from fooljax.storage.json_files import MAX_JSON_BYTES, parse_json
from fooljax.storage.reading import name_of, read_regular

MAX_IMAGE = 2**30
"""Bytes of a picture, at most."""


class Example(NamedTuple):
    """One saved image.

    Attributes:
      name: of its files in the data set, without an ending: letters, digits and dashes. No two are alike.
      picture: the PNG file in the run's folder.
      shape: `(H, W, K)` of the image.
      genome: the JSON file of its genome beside it; None where the encoding writes none.
      label, class_name: the class that the image was made for.
      log_odds, confidence: of that class, of the saved file; None where the run maximised something else. The
        confidence is cut off, so it is never more than the truth.
      objective: name of what was maximised.
      score: its value, of the saved file.
      source: name of the run's folder in the data set.
      run: index of the run in its folder; for a gradient ascent, of the start image.
      seed: of the run; None where it is not told.
      method: of a gradient ascent; None for a search.
      encoding: what the image is made of.
      network: name of the network that was fooled.
      passes: network passes that its run had spent when the image was made; for a gradient ascent those of
        this image.
      judges: how many judges were asked; None where none was.
      judges_agree: how many of them name the class too.
    """

    name: str
    picture: Path
    shape: tuple[int, int, int]
    genome: Path | None
    label: int
    class_name: str
    log_odds: float | None
    confidence: float | None
    objective: str
    score: float
    source: str
    run: int
    seed: int | None
    method: str | None
    encoding: str
    network: str
    passes: int
    judges: int | None
    judges_agree: int | None

    def picture_bytes(self) -> bytes:
        """The PNG file as the run saved it.

        Raises:
          InputError: it is missing or damaged.
        """
        read_image(self.picture, self.shape)
        return read_regular(self.picture, MAX_IMAGE)

    def genome_bytes(self) -> bytes | None:
        """The genome's file as the run saved it; None where there is none.

        Raises:
          InputError: it is damaged.
        """
        if self.genome is None:
            return None
        text = read_regular(self.genome, MAX_JSON_BYTES)
        try:
            parse_json(text)
        except ValueError as error:
            raise InputError(f"{name_of(self.genome)}: expected a genome, found {shown(error)}") from error
        return text
