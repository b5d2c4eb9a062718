"""The elites as files, beside their genomes and large drawings, and on the page; posters of any size."""

import dataclasses
import json
import re
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pages import Page, one_line
from PIL import Image
from recipes import recipe, resume, run
from toys import ENCODING, waves

from experiments import mnist_cppn
from fooljax.cli import lineage, poster
from fooljax.encodings.cppn.genome import Layout
from fooljax.encodings.cppn.serialise import from_json
from fooljax.engine.log_odds import format_confidence
from fooljax.errors import InputError
from fooljax.rendering import draw
from fooljax.report.image_files import large_size
from fooljax.runs.opened import open_folder
from fooljax.targets.mnist_choice import NamedMnistSettings, choose_named

OWN = ["--encoding", "toys:waves"]
EXPERIMENT = recipe("waves", choose_named, waves, NamedMnistSettings)


@pytest.fixture(scope="session")
def waves_run(tmp_path_factory, idx_folder):
    """The folder of a finished run of an encoding that draws at any size; not to be changed."""
    outdir = tmp_path_factory.mktemp("runs") / "waves"
    config = EXPERIMENT.config(runs=2, generations=20, children=16, data=f"idx:{idx_folder}")
    run(EXPERIMENT, config, outdir)
    return outdir


def pixels(path):
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image)


def test_each_elite_has_its_genome_beside_it(waves_run):
    pictures = sorted((waves_run / "elites").glob("*.png"))
    assert len(pictures) == 2 * 4
    assert {path.stem for path in pictures} == {path.stem for path in (waves_run / "elites").glob("*.json")}
    encoding = waves((16, 16, 1))
    for path in pictures:
        genome = json.loads(path.with_suffix(".json").read_text())
        genomes = {name: jnp.asarray(value)[None] for name, value in genome.items()}
        np.testing.assert_array_equal(draw(encoding, genomes)[0, :, :, 0], pixels(path))


def test_large_drawings_hold_the_pixels_of_the_small(waves_run):
    """16 x 17 = 272: the centre of every seventeenth pixel is one of the image's own."""
    drawings = sorted((waves_run / "large").iterdir())
    assert len(drawings) == 8
    for path in drawings:
        (elite,) = (waves_run / "elites").glob(f"{path.stem}-*.png")
        large = pixels(path)
        assert large.shape == (272, 272)
        apart = np.abs(large[8::17, 8::17].astype(int) - pixels(elite))
        assert apart.max() <= 1


@pytest.mark.parametrize(
    ("image_shape", "size"),
    [((28, 28, 1), (252, 252)), ((8, 32, 3), (72, 288)), ((1, 1, 1), (257, 257)), ((227, 227, 3), None)],
)
def test_large_sizes_are_odd_multiples(image_shape, size):
    assert large_size(image_shape) == size


def test_the_page_shows_both_and_says_which_was_scored(waves_run):
    html = Page((waves_run / "index.html").read_text(encoding="utf-8"))
    images = html.of("img")
    first = len(list((waves_run / "first").glob("*.png")))
    assert len(images) == 2 + 2 * 8 + first
    large = [image for image in images if image.get("class") == "large"]
    assert [(image["width"], image["height"]) for image in large] == [("272", "272")] * 8
    assert all("not scored" in image["alt"] for image in large)
    text = " ".join("".join(html.text).split())
    assert "The network never saw the large drawing, and it has no score." in text
    assert text.count("large; not scored") == 9
    links = [a["href"] for a in html.of("a") if not a["href"].startswith("#")]
    assert len(set(links)) == 3 * 8 + 2 * first
    assert len(links) == len(set(links)) + 8  # the table of what judges say has the best images once more
    assert all((waves_run / link).is_file() for link in links)


def test_genomes_are_measured_over_time_on_the_page(waves_run):
    html = (waves_run / "index.html").read_text(encoding="utf-8")
    assert "replacements; steep parts." in html
    assert "how large the genomes are: steep parts, each the mean over the classes" in " ".join(html.split())
    assert "Genomes that are rising" in html
    with Image.open(waves_run / "curves.png") as curves:
        taller = curves.size[1]
    assert taller > 1300


def test_an_encoding_of_one_size_has_neither(finished):
    assert not (finished / "large").exists()
    assert not list((finished / "elites").glob("*.json"))
    html = (finished / "index.html").read_text(encoding="utf-8")
    assert "drawn large" not in html
    assert "JSON" not in html


def test_a_run_again_replaces_what_was_there(waves_run, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(waves_run, folder)
    for name in ("elites", "large"):
        (folder / name / "left-over.png").touch()
    resume(EXPERIMENT, folder, {})
    for name in ("elites", "large"):
        found = {path.name: path.read_bytes() for path in (folder / name).iterdir()}
        assert found == {path.name: path.read_bytes() for path in (waves_run / name).iterdir()}


def test_a_cppn_run_leaves_networks_that_draw_its_images(idx_folder, tmp_path, capsys):
    flags = ["--data", f"idx:{idx_folder}", "--runs", "1", "--children", "8", "--generations", "5", "--quiet"]
    # Few functions compile in half the time, and judges have programs of their own.
    flags += ["--functions", "paper", "--judges", "none"]
    assert mnist_cppn.main([*flags, "--outdir", str(tmp_path / "r")]) == 0
    found = open_folder(tmp_path / "r")
    pictures = sorted((tmp_path / "r" / "elites").glob("*.png"))
    assert len(pictures) == 4
    layout = Layout(max_nodes=found.settings["max_nodes"], max_connections=found.settings["max_connections"])
    for path in pictures:
        genome, _, drawing = from_json(path.with_suffix(".json").read_text(), layout=layout)
        assert drawing.size == (16, 16)
        genomes = jax.tree.map(lambda leaf: leaf[None], genome)
        np.testing.assert_array_equal(draw(found.encoding, genomes)[0, :, :, 0], pixels(path))
    assert len(list((tmp_path / "r" / "large").iterdir())) == 4
    html = (tmp_path / "r" / "index.html").read_text(encoding="utf-8")
    assert "connections and hidden nodes" in html
    assert "Genomes in which no more nodes or no more connections fit" in html
    output = tmp_path / "p.png"
    assert poster.main([str(tmp_path / "r"), "--cell", "1", "--size", "64x48", "--output", str(output)]) == 0
    assert pixels(output).shape == (48, 64)
    # At the size that the network takes, a poster is the image that evolved.
    capsys.readouterr()
    flags = ["--cell", "1", "--size", "16x16", "--score", "--output", str(output)]
    assert poster.main([str(tmp_path / "r"), *flags]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    (row,) = (row for row in found.elites if row.class_index == 1)
    sure = format_confidence(row.log_odds)
    assert re.fullmatch(rf"score: .* {re.escape(sure)} for 1.*; .* evolved has {re.escape(sure)}", line)
    assert lineage.main([str(tmp_path / "r"), "--cell", "1"]) == 0
    assert "lineage: " in capsys.readouterr().out


GENOME = {"slope": jnp.asarray([0.3, -0.2]), "phase": jnp.asarray(0.1)}


@pytest.mark.parametrize(("height", "width"), [(1, 1), (6, 6), (37, 50), (50, 3), (64, 1000)])
def test_a_poster_in_bands_is_the_picture_drawn_at_once(monkeypatch, height, width):
    encoding = waves((6, 6, 1))
    genomes = {name: leaf[None] for name, leaf in GENOME.items()}
    whole = draw(encoding, genomes, encoding.coordinates_at(height, width, slice(None)))[0]
    monkeypatch.setattr(poster, "BAND_PIXELS", 160)
    np.testing.assert_array_equal(poster.poster(encoding, GENOME, height, width), whole)


@pytest.mark.parametrize(
    ("encoding", "height", "width", "message"),
    [
        (ENCODING, 9, 9, "encoding: direct genomes have one size only"),
        (waves((6, 6, 1)), 0, 9, "size: expected sides of 1 to 65,536 pixels, got 9x0"),
        (waves((6, 6, 1)), 1, 65_537, "size: expected sides of 1 to 65,536 pixels, got 65537x1"),
        (waves((6, 6, 1)), 65_536, 65_536, "size: expected at most 268,435,456 pixels in all, got"),
    ],
)
def test_posters_that_cannot_be_drawn(encoding, height, width, message):
    with pytest.raises(InputError, match=message):
        poster.poster(encoding, GENOME, height, width)


def test_the_command_draws_a_poster_of_the_elite(waves_run, tmp_path, capsys):
    output = tmp_path / "p.png"
    flags = ["--cell", "2", "--run", "1", "--size", "16x48", "--output", str(output)]
    assert poster.main([str(waves_run), *OWN, *flags]) == 0
    path, note = capsys.readouterr().out.splitlines()
    assert path == str(output)
    assert "the network was never shown this picture" in note
    (elite,) = (waves_run / "elites").glob("run01-class002-*.png")
    drawn = pixels(output)
    assert drawn.shape == (48, 16)
    assert np.abs(drawn[1::3].astype(int) - pixels(elite)).max() <= 1


def test_posters_are_named_by_what_they_show(waves_run, tmp_path, monkeypatch):
    folder = tmp_path / "copy"
    shutil.copytree(waves_run, folder)
    monkeypatch.setattr(poster, "LONGER_SIDE", 40)
    assert poster.main([str(folder), *OWN, "--cell", "3"]) == 0
    assert pixels(folder / "poster_run0_class3_40x40.png").shape == (40, 40)


def test_a_poster_of_a_published_archive_leaves_its_folder_alone(waves_run, tmp_path, monkeypatch):
    folder = tmp_path / "published"
    shutil.copytree(waves_run, folder, ignore=shutil.ignore_patterns("elites", "first"))
    before = sorted(folder.iterdir())
    monkeypatch.setattr(poster, "LONGER_SIDE", 40)
    monkeypatch.chdir(tmp_path)
    assert poster.main([str(folder), *OWN, "--cell", "3"]) == 0
    assert sorted(folder.iterdir()) == before
    assert pixels(tmp_path / "runs" / "published-poster_run0_class3_40x40.png").shape == (40, 40)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--cell", "4"], "--cell: expected a class of"),
        (["--cell", "0", "--run", "9"], "--run: expected 0 to 1 for"),
        (["--cell", "0", "--size", "2048"], "--size: expected WIDTHxHEIGHT, as 2048x2048, got 2048"),
        (["--cell", "0", "--size=-1x5"], "--size: expected WIDTHxHEIGHT, as 2048x2048, got -1x5"),
        (["--cell", "0", "--size", "0x5"], "--size: expected sides of 1 to 65,536 pixels, got 0x5"),
        (["--cell", "0", "--size", "99999x5"], "--size: expected sides of 1 to 65,536 pixels, got 99999x5"),
        (["--cell", "0", "--size", "65536x65536"], "--size: expected at most 268,435,456 pixels in all"),
        (["--cell", "0", "--output", "x"], "--output: expected a name that ends in .png, got x"),
        ([], "the following arguments are required: --cell"),
    ],
)
def test_bad_flags_are_one_line(flags, message, waves_run, capsys):
    assert poster.main([str(waves_run), *OWN, *flags]) == 2
    assert message in one_line(capsys)


def test_what_is_not_a_finished_run_is_one_line(finished, tmp_path, capsys):
    assert poster.main([str(finished), "--cell", "0"]) == 2
    assert "are of the encoding direct and have one size; expected" in one_line(capsys)
    assert poster.main([str(tmp_path / "none"), "--cell", "0"]) == 2
    assert "expected a run folder, found nothing there" in one_line(capsys)
    assert poster.main([str(finished), "--cell", "0", "--output", str(tmp_path / "none" / "x.png")]) == 2


def test_an_empty_cell_has_no_poster(waves_run):
    found = open_folder(waves_run, waves((16, 16, 1)))
    fitness = np.array(found.archive.fitness)
    fitness[0, 1] = -np.inf
    emptied = dataclasses.replace(found)
    vars(emptied)["archive"] = found.archive.replace(fitness=fitness)
    assert emptied.place(0, 2) == 2
    with pytest.raises(InputError, match="has no elite of class 1 in run 0"):
        emptied.place(0, 1)
