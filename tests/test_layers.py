"""Who may import whom: a room of the package imports only from its own line of `LINES` and from earlier ones.

Imports are read from the files, those inside functions too; nothing is run.
"""

import ast
import functools
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
LINES = (
    "errors checks settings importing",
    "storage",
    "engine",
    "remembered own_settings encodings strategies processes",
    "objectives host_targets joint_targets scoring rendering probe identity environment gradient",
    "data targets",
    "detectors generative defences perturbation",
    "analysis",
    "evolution",
    "terminal trackers",
    "runs",
    "study",
    "labelling exports",
    "report audits",
    "ascent_result ascents result api testing",
    "cli",
    "__main__",
)
RANK = {f"fooljax.{room}": rank for rank, line in enumerate(LINES) for room in line.split()}
OUTSIDE = ("experiments", "benchmarks", "docs")
"""These stand above every line and are imported by no room."""


class Import(NamedTuple):
    """A module or a name of one that a line of a file asks for."""

    file: str
    number: int
    line: str
    importer: str
    module: str
    name: str | None

    def __str__(self):
        return f"{self.file}:{self.number}: {self.line}"


def in_lines(found):
    return "\n" + "\n".join(dict.fromkeys(map(str, found)))


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files():
    tops = ("fooljax", "experiments", "benchmarks")
    return [path for top in tops for path in sorted((ROOT / top).rglob("*.py"))] + [ROOT / "docs/publish.py"]


@functools.cache
def modules():
    return {module_of(path) for path in files()}


def ours(name):
    return name.partition(".")[0] in ("fooljax", *OUTSIDE)


def imports_of(source, importer, file, is_package=False):
    """Every import of the project's own modules in a source text, and every private attribute of one."""
    lines, found, modules_by_name = source.splitlines(), [], {}
    package = importer if is_package else importer.rpartition(".")[0]

    def add(node, module, name=None):
        if ours(module):
            line = lines[node.lineno - 1].strip()
            found.append(Import(file, node.lineno, line, importer, module, name))

    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                add(node, alias.name)
                modules_by_name[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                if whole in modules():
                    add(node, whole)
                    modules_by_name[alias.asname or alias.name] = whole
                else:
                    add(node, base, alias.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            module = modules_by_name.get(ast.unparse(node.value))
            if module is not None:
                add(node, module, node.attr)
    return found


@functools.cache
def imports():
    return [
        each
        for path in files()
        for each in imports_of(
            path.read_text(encoding="utf-8"),
            module_of(path),
            str(path.relative_to(ROOT)),
            path.name == "__init__.py",
        )
    ]


def is_private(name):
    return name.startswith("_") and not name.endswith("__")


def rank_of(module):
    """The line on which a module stands: 0 is the first. What stands on no line is above them all."""
    return RANK.get(".".join(module.split(".")[:2]), len(LINES))


def goes_up(each):
    """Also where a room asks the package itself, whose public names come from every line; not its version."""
    if each.module == "fooljax" and each.name == "__version__":
        return False
    return each.importer != "fooljax" and rank_of(each.module) > rank_of(each.importer)


def is_a_stranger_s_private(each):
    """A private name belongs to its file; a private file, such as `_direct.py`, to the package.

    A benchmark that compares two forms of something may look inside.
    """
    if each.importer.startswith("benchmarks"):
        return False
    file = any(map(is_private, each.module.split(".")))
    name = each.name is not None and is_private(each.name)
    return (file and not each.importer.startswith("fooljax")) or (name and each.module != each.importer)


def circles(edges):
    """Groups of modules that import each other, by way of others or not: what two of them both reach."""
    graph = {}
    for one, other in edges:
        graph.setdefault(one, set()).add(other)
    reached = {}
    for start in graph:
        seen, waiting = set(), [start]
        while waiting:
            new = graph.get(waiting.pop(), set()) - seen
            seen |= new
            waiting.extend(new)
        reached[start] = seen
    return {
        frozenset(other for other in seen if one in reached.get(other, ()))
        for one, seen in reached.items()
        if one in seen
    }


def test_every_room_has_a_line():
    rooms = {".".join(name.split(".")[:2]) for name in modules() if name.startswith("fooljax.")}
    assert rooms == set(RANK)


def test_no_room_imports_from_a_later_line():
    assert not (found := [each for each in imports() if goes_up(each)]), in_lines(found)


def test_no_private_name_is_imported_from_elsewhere():
    """Neither from a sibling nor by a command, an experiment or a benchmark."""
    found = [each for each in imports() if is_a_stranger_s_private(each)]
    assert not found, in_lines(found)


def test_no_modules_import_each_other():
    # The package's own names are loaded when they are first used.
    ties = {(each.importer, each.module): each for each in imports() if each.importer != "fooljax"}
    found = circles(ties)
    assert not found, in_lines(tie for group in found for pair, tie in ties.items() if group.issuperset(pair))


def test_experiments_import_no_other_experiment():
    """What two of them share belongs into the package. The table of published commands is no experiment."""
    found = [
        each
        for each in imports()
        if each.importer.startswith("experiments.")
        and each.module.startswith("experiments.")
        and each.module not in (each.importer, "experiments.published_commands")
    ]
    assert not found, in_lines(found)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("from fooljax.runs import folder", goes_up),
        ("def late():\n    import fooljax.cli.main as main", goes_up),
        ("import experiments.mnist_direct", goes_up),
        ("from ..cli import main", goes_up),
        ("from fooljax import evolve", goes_up),
        ("from fooljax.engine.archive import _best", is_a_stranger_s_private),
        ("from fooljax.engine import archive\narchive._best()", is_a_stranger_s_private),
        ("import fooljax.engine.archive\nfooljax.engine.archive._best()", is_a_stranger_s_private),
    ],
)
def test_a_fault_would_be_found(source, problem):
    found = imports_of(source, "fooljax.targets.shipped", "shipped.py")
    assert [problem(each) for each in found].count(True) == 1


def test_an_experiment_imports_no_private_file():
    (found,) = imports_of("from fooljax.encodings._direct import direct", "experiments.mine", "mine.py")
    assert is_a_stranger_s_private(found)


def test_what_is_allowed_is_not_found():
    source = (
        "from .shipped import _name\nfrom fooljax.engine.archive import Archive\nimport jax._src\n"
        "from fooljax.encodings._direct import direct\nfrom fooljax import __version__\n"
    )
    found = imports_of(source, "fooljax.targets.shipped", "shipped.py")
    assert not [each for each in found if goes_up(each) or is_a_stranger_s_private(each)]


def test_a_circle_is_found():
    assert circles([("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("c", "e")]) == {frozenset("abc")}
    assert circles([("a", "a")]) == {frozenset("a")}
    assert not circles([("a", "b"), ("a", "c"), ("b", "c")])
