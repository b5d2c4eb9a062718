"""The notebooks run, and each .ipynb file is what its Python file says, with outputs of no other kind."""

import contextlib
import io
import json
import re
import runpy
import tempfile

import pytest
from written_pages import SMALL

from docs.notebook_files import EXTRAS, FOLDER, REPOSITORY, Cell, cells_of, main, whole

SOURCES = {path.stem: path for path in sorted(FOLDER.glob("*.py"))}
IN_CI = "fool_a_digit_network"
"""Runs with the fast tests; the others take longer to compile."""
MOST_BYTES = 400_000
SMALLER = [(pattern, small) for pattern, small in SMALL if "batch_size" not in pattern]
"""What the test changes; batches stay, since a notebook may divide them into populations."""


def content(name):
    return json.loads(SOURCES[name].with_suffix(".ipynb").read_text("utf-8"))


def outputs(name):
    return [one for cell in content(name)["cells"] for one in cell.get("outputs", ())]


@pytest.mark.parametrize(
    "name", [name if name == IN_CI else pytest.param(name, marks=pytest.mark.slow) for name in SOURCES]
)
def test_a_notebook_runs(name, tmp_path, monkeypatch):
    if "torch" in EXTRAS.get(name, ""):
        pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = SOURCES[name].read_text("utf-8")
    for pattern, small in SMALLER:
        code = re.sub(pattern, small, code)
    (tmp_path / f"{name}.py").write_text(code)
    with contextlib.redirect_stdout(io.StringIO()):
        runpy.run_path(str(tmp_path / f"{name}.py"))


@pytest.mark.parametrize("name", SOURCES)
def test_the_notebook_for_colab_has_the_cells_of_the_python_file(name):
    notebook = content(name)
    wanted = whole(SOURCES[name].read_text("utf-8"), name, notebook["metadata"]["fooljax"])
    found = [Cell(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    assert found == wanted, f"run python -m docs.notebook_files {name}"


@pytest.mark.parametrize("name", SOURCES)
def test_a_notebook_was_run_whole_and_shows_pictures_with_words(name):
    code = [cell for cell in content(name)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    for one in outputs(name):
        assert one["output_type"] in ("stream", "execute_result")
        if "image/png" in one.get("data", {}):
            assert one["metadata"]["image/png"]["alt"].endswith(".")
    assert SOURCES[name].with_suffix(".ipynb").stat().st_size < MOST_BYTES


@pytest.mark.parametrize("name", SOURCES)
def test_a_notebook_says_what_it_needs_and_names_no_folder_of_ours(name):
    assert "**What you need:**" in cells_of(SOURCES[name].read_text("utf-8"))[0].text
    text = json.dumps([one.get("text", one.get("data", {}).get("text/plain")) for one in outputs(name)])
    assert not re.search(r"/(tmp|home|root|work)/", text)


def test_every_notebook_file_has_a_python_file_and_the_address_stands_in_one_place():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(SOURCES)
    for path in SOURCES.values():
        assert REPOSITORY not in path.read_text("utf-8")


def test_the_opening_says_what_is_installed():
    source = "# %% [markdown]\n# # A head\n\n# %%\nx = 1\n"
    head, opening, install, rest = whole(source, "audit_pytorch", {"seconds": 7})
    assert (head, rest) == (Cell("markdown", "# A head"), Cell("code", "x = 1"))
    assert "took 7 s" in opening.text
    assert f"{REPOSITORY}/blob/main/docs/notebooks/audit_pytorch.ipynb" in opening.text
    assert (
        install.text
        == f"# %pip install 'fooljax[analysis,digits,torch] @ git+https://github.com/{REPOSITORY}'"
    )


def test_an_unknown_notebook_is_refused_in_one_line(capsys):
    assert main(["nothing"]) == 2
    assert re.search(r"names: expected some of .*lesson.*, got .?nothing", capsys.readouterr().err)
