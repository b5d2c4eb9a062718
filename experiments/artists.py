r"""Networks as artists: a gallery of evolved pictures, chosen by rule, drawn large, bred on in the browser.

    python -m experiments.artists --outdir runs/artists

Pictures of a finished run on ImageNet hang in two rooms. In the first are those that other networks, which
had no part in the search, named as the searched one did. In the second are pictures without sine and cosine,
which repeat an element at no cost. Within a room those hang that differ most. `gallery.html` draws them in
the browser from their genomes, which lie beside it, and lets the visitor breed others. Posters and wallpapers
are in the folder `images`. Source: Nguyen et al. 2015, figure 8 and section 3.6; the authors' talk calls the
networks artists.
"""

import functools
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from fooljax import study
from fooljax.analysis.spread import spread
from fooljax.cli.poster import poster, read_size
from fooljax.cli.study import run_study
from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.rendering import draw
from fooljax.report.artists import ROOMS, decode_genome, figures, findings, tables
from fooljax.runs.elites import slug
from fooljax.runs.opened import open_folder
from fooljax.runs.record import RunRecord
from fooljax.runs.tables import EliteRow
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace, archives

__all__ = ["STUDY", "findings", "main"]

ROOT = Path(__file__).parent.parent
WAVES = frozenset({"sine", "cos"})
"""Functions that repeat."""
POOL = 6
"""Candidates for each place on the wall, the best ones, out of which those are taken that differ most."""
SIDE = 32
"""Pixels of the side of the small drawings by which pictures are told apart."""


@dataclass(frozen=True)
class Config:
    """Settings; the defaults are those of the published gallery."""

    archive: str = option(
        "docs/results/imagenet_cppn_fine", "Folder of a finished run whose pictures CPPNs draw."
    )
    count: int = option(6, "Pictures in each room.", least=1, most=100)
    sizes: str = option(
        "2048x2048,3840x2160,1170x2532",
        "Sizes of posters and wallpapers as WIDTHxHEIGHT, with commas between.",
    )
    drawn: int = option(1, "Pictures of each room that are drawn in these sizes.", least=0, most=100)


SIZES: dict[str, dict[str, Any]] = {"smoke": {"count": 2, "sizes": "96x64", "drawn": 1}, "paper": {}}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """The choice of each room; what other networks say of all pictures; then the large drawings."""
    common = {"archive": _at(config.archive).name, **archives.identity(_at(config.archive))}
    sizes = [read_size(size, (SIDE, SIDE, 1), "sizes") for size in config.sizes.split(",")]
    for room in ROOMS:
        yield Task(room, {"kind": "room", "room": room, "count": config.count, **common})
    drawings: dict[str, Task] = {}  # by name, since a picture may hang in both rooms
    for row in [row for row in rows if row["kind"] == "room"]:
        for picture in row["pictures"][: config.drawn]:
            for height, width in sizes:
                settings = {"kind": "drawing", "genome": picture["genome"], "height": height, "width": width}
                name = f"{picture['file']}-{width}x{height}"
                drawings[name] = Task(name, settings)
    yield Task("judges", {"kind": "judges", **common})
    yield from drawings.values()


def _at(folder: str) -> Path:
    """Where a folder is: below the current one, or else in this tree, as those that are published."""
    return Path(folder) if Path(folder).exists() else ROOT / folder


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[Mapping[str, Any]]:
    """The pictures of a room with their genomes, what judges say, or a drawing, saved beside the row."""
    (task,) = tasks
    settings = task.settings
    if settings["kind"] == "judges":
        yield {"judges": archives.agreements(_at(workspace.config.archive))}
        return
    if settings["kind"] == "drawing":
        encoding, genome = decode_genome(settings["genome"])
        picture = poster(encoding, genome, settings["height"], settings["width"])
        workspace.save_images(task, picture[None])
        yield {"pixels": picture.size // picture.shape[2]}
        return
    record = open_folder(_at(workspace.config.archive))
    found = list(itertools.islice(_candidates(record, settings["room"]), POOL * settings["count"]))
    if not found:
        raise InputError(
            f"--archive: expected a run with pictures for the room {settings['room']}, found none"
        )
    encoding = record.known_encoding()
    cells = [record.place(0, row.class_index) for row, *_ in found]
    genomes = jax.tree.map(lambda leaf: np.asarray(leaf[0])[cells], record.archive.genomes)
    assert encoding.coordinates_at is not None
    small = draw(encoding, genomes, encoding.coordinates_at(SIDE, SIDE, slice(None)))
    hung = [_written(*found[place]) for place in spread(small, settings["count"])]
    yield {"candidates": len(found), "pictures": hung}


def _candidates(record: RunRecord, room: str) -> Iterator[tuple[EliteRow, list[str], int, dict[str, Any]]]:
    """Pictures for a room, the best first: the row, the judges that agree, how many were asked, the genome.

    The network was more than half sure of each. In the first room those come first that most judges agree
    on, then the surest; in the second the surest.
    """
    encoding, says = record.known_encoding(), {row.class_index: row.judges for row in record.panel_rows}
    if encoding.to_json is None:
        raise InputError(f"--archive: expected a run with CPPNs, got one of {shown(encoding.name)}")
    found = []
    for row in record.elites:
        judges = says.get(row.class_index, {})
        agree = [name for name, said in judges.items() if said.agrees]
        if row.run == 0 and row.log_odds > 0.0 and (agree or room != "alike"):
            found.append((row, agree, len(judges)))
    for row, agree, asked in sorted(
        found, key=lambda one: (-len(one[1]) if room == "alike" else 0, -one[0].log_odds)
    ):
        cell = record.place(0, row.class_index)
        genome = jax.tree.map(lambda leaf, cell=cell: leaf[0, cell], record.archive.genomes)
        content = json.loads(encoding.to_json(genome))
        if room == "alike" or not functions_of(content) & WAVES:
            yield row, agree, asked, content


def functions_of(genome: Mapping[str, Any]) -> set[str]:
    """The functions of the nodes that an output of a genome reads, directly or through others."""
    reads: dict[int, list[int]] = {}
    for one in genome["connections"]:
        reads.setdefault(one["target"], []).append(one["source"])
    used, left = set(), list(genome["outputs"])
    while left:
        node = left.pop()
        if node not in used:
            used.add(node)
            left += reads.get(node, [])
    return {node["function"] for node in genome["nodes"] if node["id"] in used}


def _written(row: EliteRow, agree: Sequence[str], asked: int, genome: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "file": f"{row.class_index:03d}-{slug(row.class_name)}",
        "class": row.class_index,
        "class_name": row.class_name,
        "log_odds": row.log_odds,
        "agree": list(agree),
        "asked": asked,
        "genome": dict(genome),
    }


def network(config: Config, name: str, say: Callable[[str], None]) -> Target:
    """Pictures and what networks say of them come from a finished run: none is asked."""
    raise InputError(f"network: expected none to be asked for, got {shown(name)}")


STUDY = study.Study(
    "artists",
    "Hangs evolved pictures of a finished run in a gallery, and draws them large.",
    Config,
    tasks,
    network,
    measure,
    tables,
    figures,
)
main = functools.partial(run_study, STUDY, sizes=SIZES)

if __name__ == "__main__":
    sys.exit(main())
