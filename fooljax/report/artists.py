"""The table, the sheet and the gallery of `experiments.artists`, from its rows alone."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from fooljax.analysis.rates import wilson_interval
from fooljax.encodings.cppn.encoding import MAX_CONNECTIONS, MAX_NODES, encoding_of
from fooljax.encodings.cppn.genome import Layout
from fooljax.encodings.cppn.genome_text import write_text
from fooljax.encodings.cppn.serialise import from_json
from fooljax.engine.log_odds import format_confidence
from fooljax.engine.types import Encoding, Genome
from fooljax.rendering import draw
from fooljax.report.artists_page import Picture, Room, artists_page
from fooljax.study import Row, markdown, numbers
from fooljax.study.findings import Finding
from fooljax.study.images import sheet_of

ROOMS = {
    "alike": (
        "Other networks see it too",
        "Evolution asked one network only. Others, which had no part in it, gave these pictures the same "
        "name or that of a related class. Some of these networks are of the same family as the one that was "
        "asked, and see much as it does. Networks often share names of random pictures of this kind, too.",
    ),
    "no_waves": (
        "Without waves",
        "Sine and cosine repeat an element all over a picture at no cost. These pictures use neither.",
    ),
}
"""By name, the title of a room and what hangs there."""
SHOWN = 240
"""Pixels of the side of a picture on the sheet."""
SETS = {
    "elites": "evolved pictures",
    "clean": "photographs (control)",
    "uniform_noise": "uniform noise (control)",
    "gaussian_noise": "Gaussian noise (control)",
}
"""What judges were shown, and the head of its column."""
AGREES = """\
The share of all pictures of the run, not of those that hang, in which each network sees the class that the
picture is for, as surely as it names 95 % of photographs and more surely than 90 % of noise. This bound is
for the images of both kinds of noise together, so of one kind alone a network may agree with more than 10 %.
Brackets are Wilson's intervals of 95 % over pictures. Many evolved ones have ancestors in common, so theirs
are too narrow. Noise is for the class that the network that was searched names."""


def _rooms(rows: Sequence[Row]) -> list[Row]:
    """The rows of rooms, in the order of `ROOMS`."""
    names = list(ROOMS)
    return sorted((row for row in rows if row["kind"] == "room"), key=lambda row: names.index(row["room"]))


def _agreeing(picture: Mapping[str, Any]) -> str:
    if not picture["asked"]:
        return "no other network was asked"
    return f"{len(picture['agree'])} of {picture['asked']} other networks agree"


def _says(picture: Mapping[str, Any]) -> str:
    """The caption of a picture."""
    return f"The network was {format_confidence(picture['log_odds'])} sure, and {_agreeing(picture)}."


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      `JUDGE_SET`, for each judge of another family than the searched network, and each set of `SETS`: the
      share of its images in which the judge, too, sees the class that they are for. The interval is over
      images.
    """
    found = {}
    for judge, told in _judges(rows).items():
        for kind in () if told["same_family"] else told["agrees"]:
            hits, count = told["agrees"][kind]
            value = wilson_interval(hits, count)
            found[f"{judge}_{kind}"] = Finding(value, numbers.shares(value), f"{hits} of {count:,} images")
    return found


def _judges(rows: Sequence[Row]) -> dict[str, Any]:
    """What judges said of all pictures, by their names."""
    return next((dict(row["judges"]) for row in rows if row["kind"] == "judges"), {})


def _agreements(rows: Sequence[Row]) -> list[dict[str, str]]:
    return [
        {
            "network": f"{judge}, of the same family" if told["same_family"] else judge,
            **{
                head: numbers.shares(wilson_interval(*told["agrees"][kind]))
                for kind, head in SETS.items()
                if kind in told["agrees"]
            },
        }
        for judge, told in _judges(rows).items()
    ]


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: what hangs in each room, and how often other networks agree."""
    parts = []
    for row in _rooms(rows):
        title, about = ROOMS[row["room"]]
        lines = [
            {
                "picture": picture["class_name"],
                "confidence": format_confidence(picture["log_odds"]),
                "other networks": _agreeing(picture),
                "nodes": str(len(picture["genome"]["nodes"])),
                "connections": str(len(picture["genome"]["connections"])),
            }
            for picture in row["pictures"]
        ]
        parts += [f"### {title}\n", f"{about}\n", markdown(lines), ""]
    if lines := _agreements(rows):
        parts += ["### How often other networks agree\n", f"{AGREES}\n", markdown(lines), ""]
    return "\n".join(parts)


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """The gallery, a sheet of each room, and the genome file of each picture, by file name."""
    made: dict[str, bytes] = {}
    rooms, size = [], ""
    for row in _rooms(rows):
        genomes = [picture["genome"] for picture in row["pictures"]]
        made |= {
            f"{picture['file']}.json": write_text(picture["genome"]).encode() for picture in row["pictures"]
        }
        made[f"{row['room']}.png"] = sheet_of(np.stack([_drawn(genome) for genome in genomes]))
        size = " x ".join(map(str, genomes[0]["size"]))
        pictures = [
            Picture(picture["class_name"], picture["file"], _says(picture), picture["genome"])
            for picture in row["pictures"]
        ]
        rooms.append(Room(*ROOMS[row["room"]], pictures))
    if rooms:
        made["gallery.html"] = artists_page(rooms, size)
    return made


def _drawn(content: Mapping[str, Any]) -> npt.NDArray[np.uint8]:
    encoding, genome = decode_genome(content)
    assert encoding.coordinates_at is not None
    one = jax.tree.map(lambda leaf: np.asarray(leaf)[None], genome)
    return draw(encoding, one, encoding.coordinates_at(SHOWN, SHOWN, slice(None)))[0]


def decode_genome(content: Mapping[str, Any]) -> tuple[Encoding, Genome]:
    """The encoding that draws a genome, and the genome, of the content of its file.

    Usual genomes get the room of the largest of them, so that one program draws them all.

    Raises:
      InputError: it is no genome.
    """
    _, layout, drawing = from_json(json.dumps(content))
    room = Layout(
        layout.num_inputs,
        layout.num_outputs,
        max(layout.max_nodes, MAX_NODES),
        max(layout.max_connections, MAX_CONNECTIONS),
    )
    return encoding_of(room, drawing), from_json(json.dumps(content), layout=room)[0]
