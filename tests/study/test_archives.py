"""Finished runs on ImageNet as rows: classes that a run lacks are None, another kind of run is named."""

import shutil
from pathlib import Path

import pytest

from fooljax.errors import InputError
from fooljax.study.archives import figures, identity

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
