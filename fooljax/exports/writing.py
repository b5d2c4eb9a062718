"""Writes a data set: all of it, or nothing."""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from fooljax.engine.log_odds import to_log_odds
from fooljax.errors import FaultError, InputError, shown
from fooljax.exports import hub_layout, openood_layout, pytorch_ood_layout, webdataset_shards
from fooljax.exports.card import UNKNOWN, card
from fooljax.exports.fooling_set import FoolingSet
from fooljax.exports.sources import open_sources
from fooljax.runs.elites import slug
from fooljax.storage.files import new_folder

LICENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}")
"""Identifiers of licences, on the hub and in SPDX's list."""
FORMATS: dict[str, Callable[[Path, FoolingSet], str]] = {
    "pytorch-ood": pytorch_ood_layout.write,
    "openood": openood_layout.write,
    "webdataset": webdataset_shards.write,
    "hub": hub_layout.write,
}
"""Writes the files of a data set, but for its card; by the name of who reads it."""


def write_dataset(
    folders: Sequence[Path],
    output: Path,
    reader: str,
    *,
    least_confidence: float | None = None,
    licence: str = UNKNOWN,
) -> FoolingSet:
    """Writes the saved images of finished runs as a data set with a card.

    Args:
      folders: of the runs: searches and gradient ascents.
      output: the folder to write. It must not exist.
      reader: out of `FORMATS`: who shall read it.
      least_confidence: in (0, 1); images of which the network is less sure are left out. None keeps all.
      licence: of the data set, as an identifier that the Hugging Face hub knows.
    Returns:
      What the data set holds.
    Raises:
      InputError: `output` exists, the licence is no identifier, a folder is not that of a finished run or is
        damaged, no image is left, or the networks of the runs know different classes.
      FaultError: the folder cannot be written.
    """
    if os.path.lexists(output):
        raise InputError(f"--output: expected a new folder, found something at {shown(output)}")
    if not LICENCE.fullmatch(licence):
        raise InputError(f"licence: expected an identifier as cc0-1.0 or mit, got {shown(licence)}")
    sources = open_sources(folders)
    examples = [example for source in sources for example in source.examples]
    if least_confidence is not None:
        least = to_log_odds(least_confidence)
        if other := [one for one in examples if one.log_odds is None]:
            raise InputError(
                f"least_confidence: expected runs that maximised log-odds, got {other[0].source}, which "
                f"maximised {shown(other[0].objective)}"
            )
        examples = [one for one in examples if one.log_odds is not None and one.log_odds >= least]
        if not examples:
            raise InputError(f"least_confidence: expected one that some image has, got {least_confidence:g}")
    if not examples:
        raise InputError(f"RUN: expected runs with images, found none in {shown(folders[0])}")
    dataset = FoolingSet(slug(output.name), tuple(sources), tuple(examples), licence)
    try:
        with new_folder(output) as draft:
            reading = FORMATS[reader](draft, dataset)
            more = hub_layout.FRONT_MATTER if reader == "hub" else ()
            (draft / "README.md").write_bytes(card(dataset, reading, more).encode())
    except OSError as error:
        place = shown(error.filename or output)
        raise FaultError(f"--output: cannot write {place}: {error.strerror or error}") from error
    return dataset
