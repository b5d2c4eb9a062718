"""Examples of the documentation run as printed, and every command that it shows exists with its flags."""

import contextlib
import importlib.util
import io
import re
from functools import cache
from pathlib import Path

import pytest
from written_pages import PAGES, ROOT, SMALL, blocks, commands, words

MOST_CHARACTERS = 100
CHOSEN = {
    "fooljax.cli.audit": ["lenet"],
    "fooljax.cli.evolve": ["--target", "lenet", "--encoding", "cppn"],
    "fooljax.cli.ascend": ["--target", "lenet"],
}
FILE = re.compile(r"# (\w+\.py)\n")
WITH_PYTHON = [
    page
    for page in PAGES
    if page.name != "README.md" and any(block.language == "python" for block in blocks(page))
]
"""Without the README, whose Python `test_readme.py` runs."""


def name_of(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name_of)
def test_python_runs_as_printed(page, tmp_path, monkeypatch):
    """The blocks of a page run one after the other, as in a notebook; files have a test of their own."""
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks(page):
        if block.language != "python" or block.not_run or FILE.match(block.text):
            continue
        code = block.text
        for pattern, small in SMALL:
            code = re.sub(pattern, small, code)
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, name_of(page), "exec"), names)


def test_a_block_that_is_not_run_says_why():
    for page in PAGES:
        for block in blocks(page):
            assert block.not_run is None or len(block.not_run.split()) >= 3, (page, block)


def test_no_command_is_long():
    for page in PAGES:
        for block in blocks(page):
            if block.language in ("", "sh"):
                assert all(len(line) <= MOST_CHARACTERS for line in block.text.splitlines()), (
                    page,
                    block.text,
                )
        prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
        for span in re.findall(r"`([^`]+)`", prose):
            assert len(" ".join(span.split())) <= MOST_CHARACTERS, (name_of(page), span)


@cache
def help_of(module, network):
    """What `--help` of a command prints, where it is given that network."""
    shown = io.StringIO()
    # Without a target, these list the targets and nothing else.
    chosen = [network if word == "lenet" else word for word in CHOSEN.get(module, [])]
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        importlib.import_module(module).main([*chosen, "--help"])
    return shown.getvalue()


@cache
def makefile():
    return (ROOT / "Makefile").read_text("utf-8")


def meant(line):
    """The module that a command line runs, and the flags that it names."""
    first, *rest = words(line)
    if first == "fooljax":
        module, rest = f"fooljax.cli.{rest[0]}", rest[1:]
    else:
        module, rest = rest[1], rest[2:]
    rest = rest[: rest.index("--")] if "--" in rest else rest  # what follows goes to another command
    return module, [word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)]


LINES = sorted({line for page in PAGES for line in commands(page)})
NOT_RUN = re.compile(r"make |pip |fooljax --|python -m fooljax$")
RUN = [line for line in LINES if not NOT_RUN.match(line) and "tests/" not in line]


@pytest.mark.parametrize("line", RUN)
def test_a_command_of_the_pages_exists_with_its_flags(line):
    module, flags = meant(line)
    if "NAME" in module or module in ("experiments.X", "venv"):
        return  # stands for all of them
    if importlib.util.find_spec(module) is None:
        pytest.xfail("the command is being built")
    if module.startswith("benchmarks"):
        text = Path(importlib.util.find_spec(module).origin).read_text("utf-8")
    else:
        named = next((name for name in ("model.onnx", "resnet20") if name in line), "lenet")
        text = help_of(module, named if module in CHOSEN else "")
        assert "usage:" in text, module
    for flag in flags:
        assert re.search(rf"{flag}\b", text), f"{module} knows no {flag}"


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("make ")])
def test_what_make_is_asked_for_is_a_target(line):
    target = line.split()[1]
    assert re.search(rf"^{re.escape(target)}\s*:", makefile(), re.MULTILINE), line
