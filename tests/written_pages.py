"""The documentation's pages as tests read them: their blocks of code, and the commands that they show."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if "templates" not in path.parts),
]
COMMAND = re.compile(r"(?:fooljax \w|python -m |make |pip install )")

SMALL = (
    (r"generations=\d+", "generations=2"),
    (r"batch_size=\d+", "batch_size=8"),
    (r"runs=\d+", "runs=1"),
    (r"passes=[\d_]+", "passes=400"),
    (r"functions=\"wide\"", 'functions="paper"'),  # fewer functions compile sooner
)
"""What a test changes in an example: it claims that the example runs, not what it finds."""


class Block(NamedTuple):
    """A fenced block: its language, its text, and why it is not run, where it is not."""

    language: str
    text: str
    not_run: str | None


def blocks(page):
    """The fenced blocks of a page; `<!-- not run: reason -->` above one says that its code is not run."""
    pattern = r"(?:<!-- not run: (.*?) -->\n)?^```(\w*)\n(.*?)^```$"
    found = re.findall(pattern, page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [Block(language, text, reason or None) for reason, language, text in found]


def commands(page):
    """Every command on a page, in blocks and in lines, as it would be typed."""
    text = page.read_text(encoding="utf-8")
    in_blocks = [
        re.sub(r"\\\n\s*", "", line)
        for block in blocks(page)
        if block.language in ("", "sh")
        for line in re.findall(r"^(?:.*\\\n)*.*$", block.text, re.MULTILINE)
    ]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    in_lines = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    return [line for line in in_blocks + in_lines if COMMAND.match(line.removeprefix(".venv/bin/"))]


def words(command):
    """The words of a command line."""
    return shlex.split(command.removeprefix(".venv/bin/"))
