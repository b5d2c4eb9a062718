"""The gallery's rule: which pictures hang in which room."""

import json

import pytest

from experiments import artists
from fooljax.encodings.cppn.serialise import from_json
from fooljax.errors import InputError


def test_functions_that_no_output_reads_do_not_count():
    genome = {
        "outputs": [5],
        "nodes": [
            {"id": 4, "function": "tanh"},
            {"id": 5, "function": "linear"},
            {"id": 6, "function": "sine"},
        ],
        "connections": [{"source": 0, "target": 4}, {"source": 4, "target": 5}, {"source": 5, "target": 6}],
    }
    assert artists.functions_of(genome) == {"tanh", "linear"}


def test_drawings_are_planned_when_rooms_are_there():
    config = artists.Config(count=2, sizes="30x20,8x8", drawn=1)
    rooms = list(artists.tasks(config, []))
    assert [task.name for task in rooms] == [*artists.ROOMS, "judges"]
    pictures = [{"file": "001-goldfish", "genome": {"a": 1}}, {"file": "002-shark", "genome": {"a": 2}}]
    room = {"kind": "room", "pictures": pictures}
    planned = list(artists.tasks(config, [room, room]))  # a picture may hang in both
    assert [task.name for task in planned[3:]] == ["001-goldfish-30x20", "001-goldfish-8x8"]
    assert planned[3].settings["height"] == 20


@pytest.mark.slow  # CPPNs compile for long
def test_the_small_size_hangs_two_rooms_and_draws(tmp_path):
    out = tmp_path / "out"
    assert artists.main(["--size", "smoke", "--outdir", str(out), "--quiet"]) == 0
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    alike, free, judges, *drawn = rows
    assert artists.findings([judges])["squeezenet_elites"].of == "53 of 1,000 images"
    assert all(picture["agree"] for picture in alike["pictures"])
    assert not any(artists.functions_of(picture["genome"]) & artists.WAVES for picture in free["pictures"])
    assert len(drawn) == 2
    assert len(list((out / "images").glob("*.png"))) == 2
    for picture in (*alike["pictures"], *free["pictures"]):
        from_json((out / f"{picture['file']}.json").read_bytes())


@pytest.mark.parametrize("sizes", ["96x0", "big", "96x64,999999x999999"])
def test_sizes_that_cannot_be_drawn_are_refused_before_any_row(sizes):
    with pytest.raises(InputError, match=r"^sizes: expected "):
        next(artists.tasks(artists.Config(sizes=sizes), ()))
