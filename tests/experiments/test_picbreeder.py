"""Images that people bred: what is shown to which network, and counts that are known."""

import json

import numpy as np
import pytest

from experiments import picbreeder
from fooljax.errors import InputError
from fooljax.report.picbreeder import findings, tables


def test_every_state_sees_every_kind():
    config = picbreeder.Config(networks="lenet-0", chains=2, rates="1,5")
    tasks = list(picbreeder.tasks(config, []))
    assert len(tasks) == 4 * (1 + 2 * 2)
    assert tasks[0].settings["genomes"] == ["fruit.xml", "ring.xml", "stripes.xml"]


@pytest.mark.parametrize("rates", ["x", "0", "100", "", "5,5"])
def test_rates_that_are_none(rates):
    with pytest.raises(InputError, match=r"--rates: expected some of 1, 2, .*, 20, got"):
        list(picbreeder.tasks(picbreeder.Config(rates=rates), ()))


def test_a_folder_without_genomes(tmp_path):
    with pytest.raises(InputError, match=r"--genomes: expected a folder with .xml files, found none in"):
        list(picbreeder.tasks(picbreeder.Config(genomes=str(tmp_path)), []))


@pytest.mark.parametrize("name", ["fruit.xml", "ring.xml"])
def test_a_picture_has_the_channels_that_a_network_takes(name):
    genome = picbreeder.read_genome(picbreeder.MADE / name)
    drawn = picbreeder.draw_genome(genome, 9, 9)
    for channels in (1, 3):
        found = picbreeder.with_channels(drawn, channels)
        assert (found.shape, found.dtype) == ((9, 9, channels), np.uint8)
        assert abs(float(found.mean()) - float(drawn.mean())) < 1.0


def row(kind, count, chain, taken, shown):
    named = [3 if place in taken else 0 for place in range(shown)]
    told = {"named": named, "named_before": [0] * shown, "named_log_odds": [1.0] * shown}
    state = {"network": "net", "round": count, "chain": chain, "rate": 1 if count else None}
    return {**state, "images": kind, "taken": taken, "images_shown": shown, "genomes": list("abc"), **told}


ROWS = [
    row("bred", 0, 0, [], 3),
    row("bred", 1, 0, [0, 1], 3),
    row("bred", 1, 1, [0], 3),
    row("bred", 1, 2, [0, 1], 3),
    row("evolved", 1, 0, [0, 1, 2], 4),
    row("evolved", 1, 1, [1], 4),
]


def test_pictures_count_once_and_images_of_chains_each():
    found = findings(ROWS)
    assert found["net_bred_taken"].of == "2 of 3 images"
    assert found["net_evolved_taken"].of == "4 of 8 images"
    assert found["net_evolved_taken"].value.estimate == 0.5
    text = tables(ROWS[::-1])
    assert "| 2 of 3 | 66.6 % [20.7, 93.9] |" in text
    assert "| net | b | 2 of 3 |" in text
    assert tables([]) == "No rows yet.\n"


@pytest.mark.slow
def test_the_smallest_size_runs(tmp_path):
    assert picbreeder.main(["--size", "smoke", "--outdir", str(tmp_path / "p"), "--quiet"]) == 0
    rows = [json.loads(line) for line in (tmp_path / "p" / "rows.jsonl").read_text().splitlines()]
    assert {one["images"] for one in rows} == {"bred", "evolved", "random", "clean"}
    assert all(not one["taken"] for one in rows if not one["round"])
