"""The README's Python runs as printed."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fooljax.runs.opened import open_folder

README = Path(__file__).parents[2] / "README.md"


def test_the_ten_lines_run_as_printed(tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks) == 1
    lines = [line for line in blocks[0].splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) <= 12
    monkeypatch.chdir(tmp_path)
    # As printed but for the number of generations: the claim is that it runs and gives a picture.
    quick = re.sub(r"generations=\d+", "generations=5", blocks[0])
    assert quick != blocks[0]
    names = {}
    exec(compile(quick, str(README), "exec"), names)
    with Image.open(tmp_path / "gallery.png") as picture:
        assert picture.width > 300
    assert names["result"].log_odds.shape == (2, 10)


@pytest.mark.parametrize("word", ["make run", "make test", "python -m experiments.mnist_direct"])
def test_the_commands_are_there(word):
    assert word in README.read_text()


def test_no_link_of_the_readme_is_dead():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text()):
        assert (README.parent / target).exists(), target


PUBLISHED = sorted(path.parent for path in (README.parent / "docs/results").glob("*/archive.npz"))


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_published_archives_can_be_opened(folder):
    """So that a poster can be made of them, or a search go on from them; no setting is ever added to them."""
    assert np.all(open_folder(folder).archive.occupied)
