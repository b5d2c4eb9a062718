"""Finished runs on ImageNet as rows: classes that a run lacks are None, another kind of run is named."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fooljax.errors import InputError
from fooljax.study import archives, measured_sets
from fooljax.study.archives import agreements, figures, identity

PUBLISHED = Path(__file__).parents[2] / "docs" / "results" / "imagenet_cppn"


@pytest.fixture
def folder(tmp_path):
    for name in ("summary.json", "elites.csv"):
        shutil.copy(PUBLISHED / name, tmp_path / name)
    return tmp_path


def keep(folder, change):
    head, *lines = (folder / "elites.csv").read_text(encoding="utf-8").splitlines()
    (folder / "elites.csv").write_text("\n".join([head, *change(lines)]) + "\n", encoding="utf-8")


def test_classes_that_a_run_lacks_are_none(folder):
    whole = figures(folder)["log_odds"]
    keep(folder, lambda lines: lines[10:20])
    assert figures(folder)["log_odds"] == [None] * 10 + whole[10:20] + [None] * 980


def test_another_table_of_elites_is_another_archive(folder):
    before = identity(folder)
    assert before["network"] == "efficientnet-lite0"
    keep(folder, lambda lines: lines[:-1])
    after = identity(folder)
    assert before["elites_sha256"] != after.pop("elites_sha256")
    assert before.items() >= after.items()


def test_a_run_of_other_classes_is_named(folder):
    keep(folder, lambda lines: [lines[0].replace("0,0,", "0,1000,", 1)])
    with pytest.raises(InputError, match=r"expected a run on ImageNet's 1,000 classes"):
        figures(folder)


def test_images_are_those_of_the_classes_asked_for(monkeypatch, folder):
    """The second run has an image of class 9, the first none."""
    elites = [SimpleNamespace(run=run, class_index=index) for run, index in ((0, 7), (0, 3), (1, 9))]
    pictures = np.arange(6, dtype=np.uint8).reshape(2, 3, 1, 1, 1)
    record = SimpleNamespace(elites=elites, cells=(7, 3, 9), images=lambda: pictures)
    monkeypatch.setattr(archives, "open_folder", lambda path: record)
    images, classes = archives.images(folder, None)
    assert classes.tolist() == [3, 7]
    assert images.ravel().tolist() == [1, 0]
    assert archives.images(folder, (7, 9))[1].tolist() == [7]
    with pytest.raises(InputError, match=r"expected images of the classes asked for, found none"):
        archives.images(folder, (9,))


def test_what_judges_agree_on_is_counted_beside_the_controls(folder):
    with pytest.raises(InputError, match=r"expected a run whose images judges were shown, found none$"):
        agreements(folder)
    shutil.copy(PUBLISHED.with_name("imagenet_cppn_fine") / "summary.json", folder / "summary.json")
    found = agreements(folder)
    assert [name for name, told in found.items() if not told["same_family"]] == ["squeezenet", "tiny-darknet"]
    assert found["squeezenet"]["agrees"]["elites"] == [53, 1000]
    assert set(found["squeezenet"]["agrees"]) == {"elites", "clean", "uniform_noise", "gaussian_noise"}
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    del summary["panel"]["sets"]["clean"]["judges"]["squeezenet"]
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    with pytest.raises(InputError, match=r"expected what judges said of its images, found something else"):
        agreements(folder)


def test_a_finished_run_is_one_set_of_its_own_network(folder):
    config = measured_sets.SetSettings(networks="squeezenet", runs=3, archive=str(folder))
    (task,) = measured_sets.tasks(config, ("archive",))
    assert task.name == "efficientnet-lite0,archive,run=0"
    assert task.settings["budget"] == archives.passes_of(folder) > 100_000
    assert task.settings["elites_sha256"] == identity(folder)["elites_sha256"]
    empty = measured_sets.SetSettings(archive=str(folder.parent))
    with pytest.raises(
        InputError, match=r"^--archive: expected the folder of a finished run, found no summary"
    ):
        list(measured_sets.tasks(empty, ("archive",)))
    with pytest.raises(InputError, match=r"^--archive: expected the folder of a finished run, got none"):
        list(measured_sets.tasks(measured_sets.SetSettings(), ("archive",)))
