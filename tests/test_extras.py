"""What every installation has, and what only an extra brings: read from pyproject.toml and the files."""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
BASE = {re.match(r"[\w-]+", line)[0] for line in PROJECT["dependencies"]}
IMPORTED_AS = {"pillow": "PIL"}
WITH_JAX = {"jaxlib", "ml_dtypes"}
NEED_AN_EXTRA = {"fooljax/study/dask_workers.py"}
"""Modules that are loaded only where their extra is used."""
FILES = sorted((ROOT / "fooljax").rglob("*.py"))


def imported_at_once(path):
    """The packages that a module imports when it is loaded: not what a function imports when it is called."""
    waiting, found = [ast.parse(path.read_text("utf-8"))], set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.partition(".")[0])
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_for_types(node):
            waiting += ast.iter_child_nodes(node)
    return found - {"fooljax"} - sys.stdlib_module_names


def is_for_types(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def test_modules_are_loaded_with_what_every_installation_has():
    light = WITH_JAX | {IMPORTED_AS.get(package, package).replace("-", "_") for package in BASE}
    for path in FILES:
        if str(path.relative_to(ROOT)) not in NEED_AN_EXTRA:
            assert imported_at_once(path) <= light, path


def test_every_installation_has_the_packages_that_this_project_is_about():
    assert {"jax", "flax", "optax", "evosax", "numpy", "tensorflow-datasets", "pillow"} <= BASE


def test_no_version_is_too_new():
    lines = [*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)]
    assert [line for line in lines if re.search(r"<|==|~=", line.partition(";")[0])] == []


def test_an_extra_that_a_message_or_a_page_names_is_there():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *FILES]
    for path in [*pages, ROOT / "Makefile", ROOT / "pyproject.toml"]:
        for names in re.findall(r"(?:fooljax|\.)\[([a-z,]+)\]", path.read_text("utf-8")):
            assert set(names.split(",")) <= set(EXTRAS), path


def test_every_extra_is_explained():
    page = (ROOT / "docs/guide/install.md").read_text("utf-8")
    assert [name for name in EXTRAS if f"`{name}`" not in page] == []
