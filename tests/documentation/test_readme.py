"""The README is short, its Python runs as printed, and its links lead somewhere."""

import re

import numpy as np
import pytest
from written_pages import ROOT, blocks

import fooljax

README = ROOT / "README.md"
MOST_LINES = 130
MOST_WORDS_OF_A_CELL = 25


def test_it_is_short():
    lines = README.read_text("utf-8").splitlines()
    assert len(lines) <= MOST_LINES
    for line in lines:
        for cell in line.split("|")[1:-1] if line.startswith("|") else ():
            words = re.sub(r"\]\([^)]*\)", "]", cell).split()
            assert len(words) <= MOST_WORDS_OF_A_CELL, cell


def test_a_network_of_ones_own_takes_five_lines(tmp_path, monkeypatch):
    """As printed but for the number of generations: it runs, and gives a folder with a page."""
    (block,) = [block for block in blocks(README) if block.language == "python"]
    lines = [
        line
        for line in block.text.splitlines()
        if line.strip() and not line.startswith((" ", "def", "import"))
    ]
    assert len(lines) <= 5
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(re.sub(r"generations=\d+", "generations=3", block.text), str(README), "exec"), names)
    assert names["result"].images.shape == (1, 5, 20, 30, 3)
    assert (tmp_path / "my-run" / "index.html").stat().st_size > 10_000
    opened = fooljax.open_run("my-run")
    assert np.array_equal(opened.images, names["result"].images)


@pytest.mark.parametrize("command", ["make run", "make test", "pip install .", "fooljax evolve"])
def test_the_commands_are_there(command):
    assert command in README.read_text("utf-8")


def test_no_link_is_dead():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text("utf-8")):
        assert (ROOT / target).exists(), target


PUBLISHED = sorted(path.parent for path in (ROOT / "docs/results").glob("*/archive.npz"))


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_published_archives_can_be_opened(folder):
    """So that a poster can be made of them, or a search go on from them; no setting is ever added to them."""
    assert np.all(fooljax.open_run(folder).archive.occupied)
