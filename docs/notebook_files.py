"""Runs the notebooks of `docs/notebooks` and writes them as .ipynb files, with what they printed and drew.

    python -m docs.notebook_files            # all of them
    python -m docs.notebook_files lesson     # one

A notebook is written as a Python file in Jupytext's percent form: that is what people edit and what a test
runs. Colab and GitHub want .ipynb files, and readers want to see results without running anything. So this
command runs the Python file and keeps both, and a test compares them. `docs.site_pages` makes the pages of
the site of the .ipynb files. The extra `notebooks` brings what this command needs.
"""

import re
import resource
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fooljax.cli.command_line import Parser, run_command
from fooljax.errors import InputError, shown
from fooljax.importing import import_extra
from fooljax.storage.files import write_bytes

REPOSITORY = "OWNER/fooljax"
"""Owner and name of the repository on GitHub, for Colab. The project has no public address yet: this stands
for it, and it is written here alone. Once there is one, the last sentence of `OPENING` goes."""
FOLDER = Path(__file__).parent / "notebooks"
EXTRAS = {"audit_pytorch": "analysis,digits,torch", "detectors": "analysis,digits"}
"""What a notebook needs besides fooljax itself: extras of `pyproject.toml`."""
COLAB = "https://colab.research.google.com/github/{repository}/blob/main/docs/notebooks/{name}.ipynb"
OPENING = """Open [the notebook]({name}.ipynb) in Jupyter, or [in Colab]({colab}). Where fooljax is not \
installed yet, take the `#` out of the next line and run it first. The project has no public address yet: \
put the owner of your copy in the place of `OWNER`.

All cells together took {seconds} s of a CPU core when this page was made, most of them while JAX compiled. \
On a GPU this was not measured."""
INSTALL = "# %pip install '{what} @ git+https://github.com/{repository}'"


class Cell(NamedTuple):
    """A cell of a notebook.

    Attributes:
      kind: "markdown" or "code".
      text: without the marks of the percent form.
    """

    kind: str
    text: str


def cells_of(source: str) -> list[Cell]:
    """The cells of a Python file in Jupytext's percent form."""
    parts = re.split(r"^# %%(.*)\n", source, flags=re.MULTILINE)
    return [
        Cell("markdown", re.sub(r"^# ?", "", text.strip(), flags=re.MULTILINE))
        if "[markdown]" in kind
        else Cell("code", text.strip())
        for kind, text in zip(parts[1::2], parts[2::2], strict=True)
    ]


def whole(source: str, name: str, cost: Mapping[str, int]) -> list[Cell]:
    """The cells of a .ipynb file: those of the Python file, and two on how to open and install it.

    Args:
      source: of the Python file.
      name: of the notebook.
      cost: the `seconds` of a CPU core that it took.
    """
    first, *others = cells_of(source)
    what = f"fooljax[{EXTRAS[name]}]" if name in EXTRAS else "fooljax"
    colab = COLAB.format(repository=REPOSITORY, name=name)
    opening = Cell("markdown", OPENING.format(colab=colab, name=name, **cost))
    return [first, opening, Cell("code", INSTALL.format(what=what, repository=REPOSITORY)), *others]


def run_notebook(path: Path) -> str:
    """Runs a Python file as a notebook in a folder of its own; gives the content of its .ipynb file.

    What it says on stderr is left out, since that is of the machine and not of the notebook.
    """
    nbclient, nbformat = (
        import_extra("notebooks", name, f"the package {name}", "notebooks")
        for name in ("nbclient", "nbformat")
    )
    v4 = nbformat.v4

    def notebook(cost: Mapping[str, int]) -> Any:
        made = v4.new_notebook(metadata={"fooljax": dict(cost), "language_info": {"name": "python"}})
        made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        for number, cell in enumerate(whole(source, path.stem, cost)):
            new = v4.new_markdown_cell if cell.kind == "markdown" else v4.new_code_cell
            made.cells.append(new(cell.text, id=f"cell-{number}"))
        return made

    source = path.read_text(encoding="utf-8")
    before = _seconds_of_children()
    with tempfile.TemporaryDirectory() as folder:
        run = notebook({"seconds": 0})
        client = nbclient.NotebookClient(
            run,
            timeout=None,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        )
        client.execute()
    done = notebook({"seconds": round(_seconds_of_children() - before)})
    for cell, ran in zip(done.cells, run.cells, strict=True):
        if cell.cell_type == "code":
            cell.execution_count = ran.execution_count
            cell.outputs = [one for one in ran.outputs if one.get("name") != "stderr"]
    return str(nbformat.writes(done)) + "\n"


def _seconds_of_children() -> float:
    """CPU time of the processes that were begun here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_notebooks(argv: Sequence[str] | None) -> None:
    """The command."""
    parser = Parser(
        prog="python -m docs.notebook_files",
        description="Runs the notebooks of docs/notebooks and writes .ipynb files with their outputs.",
        allow_abbrev=False,
    )
    parser.add_argument("names", nargs="*", help="names of notebooks without an ending; all by default")
    known = {path.stem: path for path in sorted(FOLDER.glob("*.py"))}
    names = parser.parse_args(argv).names or list(known)
    for name in names:
        if name not in known:
            raise InputError(f"names: expected some of {', '.join(known)}, got {shown(name)}")
    for name in names:
        write_bytes(known[name].with_suffix(".ipynb"), run_notebook(known[name]).encode())
        print(known[name].with_suffix(".ipynb").name, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: write_notebooks(argv))


if __name__ == "__main__":
    sys.exit(main())
