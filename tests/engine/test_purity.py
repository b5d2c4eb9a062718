"""The engine is pure JAX: it holds no file, clock, thread or plot."""

import ast
from pathlib import Path

import pytest

import fooljax

FILES = sorted((Path(fooljax.__file__).parent / "engine").glob("*.py"))
ALLOWED = {
    *("collections", "dataclasses", "decimal", "functools", "inspect", "itertools", "math", "typing"),
    *("flax", "jax", "numpy"),
    *("fooljax.engine", "fooljax.errors", "fooljax.settings"),
}

THREADS = {"compiled.py": {"concurrent"}}
"""Two programs of a search are compiled side by side; no thread computes anything."""


def imports(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_engine_imports_nothing_that_is_not_pure(path):
    source = path.read_text()
    rooms = {".".join(name.split(".")[: 2 if name.startswith("fooljax") else 1]) for name in imports(source)}
    assert rooms <= ALLOWED | THREADS.get(path.name, set())
    assert "open(" not in source.replace("is_open(", "")


def test_there_are_files():
    assert len(FILES) > 10
