"""A run folder is opened again from its files alone: new folders, those of version 0.1, and archives."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toys import waves

from fooljax import encodings
from fooljax.errors import InputError
from fooljax.rendering import draw
from fooljax.runs.opened import open_folder

PUBLISHED = sorted(path.parent for path in (Path(__file__).parents[2] / "docs/results").glob("*/archive.npz"))


def edited(folder, **entries):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


@pytest.fixture
def old(finished, tmp_path):
    """The same run as version 0.1 left it."""
    folder = tmp_path / "old"
    shutil.copytree(finished, folder)
    config = json.loads((folder / "config.json").read_text())
    settings = {name: value for name, value in config["settings"].items() if name != "encoding"}
    versions = config["versions"]
    old = {"experiment": "mnist_direct", "settings": settings, "versions": versions}
    (folder / "config.json").write_text(json.dumps(old))
    return folder


def test_what_a_folder_holds(finished):
    run = open_folder(finished)
    assert run.title == "Fooling a digit network, pixel by pixel"
    assert (run.runs, run.cells, run.image_shape) == (2, (0, 1, 2, 3), (16, 16, 1))
    assert run.encoding == encodings.direct((16, 16, 1))
    assert run.class_names == ("0", "1", "2", "3")
    assert run.metrics["queries"].tolist() == [[16 * (g + 1) for g in range(31)]] * 2
    np.testing.assert_allclose(run.metrics["min_log_odds"][:, -1], run.archive.fitness.min(axis=1), rtol=1e-6)
    assert [(row.run, row.class_index) for row in run.elites] == list(np.ndindex(2, 4))
    odds = [row.log_odds for row in run.elites]
    np.testing.assert_allclose(odds, run.archive.fitness.ravel(), rtol=1e-3, atol=1e-3)
    assert len(run.first_rows) == int(np.sum(run.first.occupied))
    assert run.summary["target_sha256"] == run.target_sha256
    assert run.ancestry.cell.max() == 3
    assert run.file_of(run.elites[0]).is_file()


def test_a_folder_of_version_0_1_says_the_same(old, finished):
    before, now = open_folder(old), open_folder(finished)
    assert before.encoding == now.encoding
    assert before.title == now.title
    assert before.elites == now.elites


def test_images_are_read_from_files_or_else_drawn(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    read = open_folder(folder).images()
    (folder / open_folder(folder).elites[3].file).unlink()
    np.testing.assert_array_equal(open_folder(folder).images(), read)
    shutil.rmtree(folder / "elites")
    (folder / "elites.csv").rename(folder / "kept.csv")
    (folder / "elites.csv").write_text((folder / "kept.csv").read_text().splitlines()[0] + "\n")
    np.testing.assert_array_equal(open_folder(folder).images(), read)


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_published_archives_can_be_opened(folder):
    """So that a page or a poster can be made of them, or a search go on from them."""
    run = open_folder(folder)
    assert np.all(run.archive.occupied)
    assert run.title == "Fooling a photograph network with drawn patterns"
    assert len(run.elites) == 1000
    assert run.first is None
    assert run.first_rows == []
    assert run.metrics["queries"].shape[0] == 1


def test_an_encoding_of_ones_own_is_given_again(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    described = {"name": "mine", "image_shape": [16, 16, 1], "settings": None}
    edited(folder, format=2, encoding=described, title="Mine", introduction=["Own."], notes=[], command=None)
    run = open_folder(folder)
    assert run.encoding is None
    assert run.title == "Mine"
    assert run.images().shape == (2, 4, 16, 16, 1)
    assert run.archive.fitness.shape == (2, 4)
    shutil.rmtree(folder / "elites")
    with pytest.raises(InputError, match="encoding 'mine', which does not come with fooljax; give it"):
        open_folder(folder).images()
    given = open_folder(folder, encodings.direct((16, 16, 1)))
    flat = given.archive.genomes.reshape(8, -1)
    np.testing.assert_array_equal(given.images().reshape(8, 16, 16, 1), draw(given.encoding, flat))
    with pytest.raises(InputError, match=r"encoding: expected one for images \[16, 16, 1\]"):
        open_folder(folder, waves((6, 6, 1)))
    with pytest.raises(InputError, match=r"archive.npz: expected genomes/phase"):
        open_folder(folder, waves((16, 16, 1)))


def test_a_place_is_checked(finished):
    run = open_folder(finished)
    assert run.place(1, 3) == 3
    with pytest.raises(InputError, match=r"run: expected 0 to 1 for .*, got 2"):
        run.place(2, 0)
    with pytest.raises(InputError, match=r"cell: expected a class of .*, 0 to 3, got 4"):
        run.place(0, 4)


CONFIG = {"format": 2, "title": "", "introduction": [], "notes": [], "command": None, "encoding": {}}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"settings": None}, "expected an entry settings, found none"),
        ({"format": 3}, "expected a run of format 2 or older, found 3"),
        ({"format": 1, "experiment": "os"}, "expected an experiment that evolves images .*, found 'os'"),
        ({"format": 1, "experiment": ["os"]}, "expected an experiment that evolves images"),
        (CONFIG | {"title": 1}, "expected text as title, found 1"),
        (CONFIG | {"notes": [1]}, r"expected text as notes, found \[1\]"),
        (CONFIG, "expected an entry encoding, found {}"),
        (CONFIG | {"encoding": {"name": "direct"}}, r"expected an encoding of images \[16, 16, 1\]"),
        (
            CONFIG | {"encoding": {"name": "x", "image_shape": [16, 16, 1], "settings": {}}},
            "expected one of direct, cppn, fixed_cppn, got 'x'",
        ),
        (
            CONFIG | {"encoding": {"name": "direct", "image_shape": [16, 16, 1], "settings": {"x": 1}}},
            "settings: direct does not take them",
        ),
        (
            CONFIG | {"encoding": {"name": "direct", "image_shape": [16, 16, 1], "settings": {"eta": "x"}}},
            "config.json: eta: expected a positive number, got 'x'",
        ),
        (
            CONFIG | {"encoding": {"name": "direct", "image_shape": [16, 16, 1], "settings": [1]}},
            "settings: expected the settings of direct",
        ),
    ],
)
def test_an_edited_configuration_is_one_line(entries, message, finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    edited(folder, **entries)
    with pytest.raises(InputError, match=message) as told:
        open_folder(folder)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0,9,0,,0.5,0.0,1,1,elites/a.png,,,", "expected images of"),
        ("7,0,0,,0.5,0.0,1,1,elites/a.png,,,", "expected images of"),
        ("0,0,0,,0.5,0.0,1,1,../a.png,,,", "elites.csv: expected the name of a file in the run's folder"),
        ("0,0,0,,0.5,0.0,1,1,/etc/passwd,,,", "elites.csv: expected the name of a file in the run's folder"),
        ("0,0,0,,0.9,0.0,1,1,elites/a.png,,,", "a confidence of 0.9 with log-odds 0"),
        ("0,0,0,,0.5,nan,1,1,elites/a.png,,,", "expected a table of saved images"),
        ("0,0,0,,0.5,0.0,-1,1,elites/a.png,,,", "the number -1"),
        ("0,0,0,,0.5,0.0,1,1,elites/a.png,9,9,0.5", "expected a class, found 9"),
        ("0,0,0,,0.5,0.0,1,1,elites/a.png,1,1,1.5", "a confidence of 1.5"),
        ("0,0,0", "3 cells in row 1 below a header of 1"),
        ("\n".join(["0,0,0,,0.5,0.0,1,1,elites/a.png,,,"] * 2), "expected each run and class once"),
    ],
)
def test_a_damaged_table_is_one_line(row, message, finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    header = (folder / "elites.csv").read_text().splitlines()[0]
    (folder / "elites.csv").write_text(f"{header}\n{row}\n")
    with pytest.raises(InputError, match=message):
        _ = open_folder(folder).elites


def test_an_image_that_is_none_is_one_line(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    path = folder / open_folder(folder).elites[0].file
    Image.new("RGB", (16, 16)).save(path)
    with pytest.raises(InputError, match="expected 16 x 16 pixels in 1 channels, found 16 x 16 pixels in 3"):
        open_folder(folder).images()
    path.write_bytes(b"no image")
    with pytest.raises(InputError, match="expected a PNG file, found something else"):
        open_folder(folder).images()


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("config.json", "expected a run folder, found no config.json in it"),
        ("archive.npz", "expected a finished run, found no archive.npz in it"),
        ("summary.json", "expected a finished run, found no summary.json in it"),
        ("target.json", "target.json"),
    ],
)
def test_what_is_missing_is_told(file, message, finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    (folder / file).unlink()
    with pytest.raises(InputError, match=message):
        open_folder(folder)


def test_a_target_without_its_classes_names_the_file(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    path = folder / "target.json"
    facts = json.loads(path.read_text())
    del facts["class_names"]
    path.write_text(json.dumps(facts))
    with pytest.raises(InputError, match=r"target\.json: expected a list class_names, found none"):
        open_folder(folder)
