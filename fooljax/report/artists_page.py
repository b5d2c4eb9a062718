"""A gallery of evolved pictures that the browser draws from their genomes, and breeds. It is one file."""

import itertools
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from fooljax.report.templates import html_of


class Picture(NamedTuple):
    """A picture on the wall.

    Attributes:
      name: what the network takes it for.
      file: the name of its files, without an ending.
      says: the caption below its name.
      genome: the content of its genome file, see `docs/genome-format.md`.
    """

    name: str
    file: str
    says: str
    genome: Mapping[str, Any]


class Room(NamedTuple):
    """Pictures that hang together, and why."""

    title: str
    about: str
    pictures: Sequence[Picture]


def artists_page(rooms: Sequence[Room], size: str) -> bytes:
    """The page: pictures in frames, each with its network and formulas, and a place to breed others.

    Args:
      rooms: what hangs on the wall.
      size: of the images that the network saw, for people.
    Returns:
      The content of an HTML file that needs nothing else. Equal rooms give equal bytes.
    """
    source = files("fooljax.report")
    script = "\n".join(
        source.joinpath(name).read_text(encoding="utf-8") for name in ("cppn.js", "artists.js")
    )
    places = itertools.count()
    return html_of(
        "artists.html",
        page={"title": "Networks as artists"},
        rooms=[
            {
                "title": room.title,
                "about": room.about,
                "pictures": [{**one._asdict(), "place": next(places)} for one in room.pictures],
            }
            for room in rooms
        ],
        content=[one._asdict() for room in rooms for one in room.pictures],
        size=size,
        script=script,
    )
