"""No file is long, and nothing stands twice."""

import io
import statistics
import tokenize
from itertools import groupby, pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_LINES = 400
MEDIAN_LINES = 200
SAME_LINES = 12
"""The longest run of equal lines that two places may share."""
FILES = sorted(
    path for top in ("fooljax", "experiments", "benchmarks") for path in (ROOT / top).rglob("*.py")
)
LEFT_OUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def name_of(path):
    return str(path.relative_to(ROOT))


def lines_of(source):
    """The lines that say something, as `(number, tokens)`: no comments, docstrings, imports or blanks."""
    tokens = [
        each for each in tokenize.generate_tokens(io.StringIO(source).readline) if each.type not in LEFT_OUT
    ]
    found = []
    for number, line in groupby(tokens, key=lambda token: token.start[0]):
        words = [token.string for token in line]
        if words[0][0] in "\"'" and len(words) == 1:
            continue  # a docstring
        if words[0] in ("import", "from") or words in ([")"], ["}"], ["]"]):
            continue
        found.append((number, " ".join(words).removesuffix(" ,")))
    return found


def repeated(sources, most=SAME_LINES):
    """The runs of more than `most` equal lines, as `(name, number, name, number, length)`."""
    places = {}
    for name, source in sources.items():
        lines = lines_of(source)
        for start in range(len(lines) - most):
            run = tuple(words for _, words in lines[start : start + most + 1])
            places.setdefault(run, []).append((name, start, lines[start][0]))
    found = {}
    for same in places.values():
        for one, other in pairwise(same):
            # Runs that go on are told once: by the distance between the two places.
            key = (one[0], other[0], other[1] - one[1])
            first = found.setdefault(key, [one[2], other[2], most])
            first[2] += 1
    return [(key[0], first[0], key[1], first[1], first[2]) for key, first in found.items()]


def test_no_file_is_long():
    long = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: lines for name, lines in long.items() if lines > MOST_LINES} == {}


def test_half_of_the_modules_are_short():
    sizes = [len(path.read_text(encoding="utf-8").splitlines()) for path in FILES if "fooljax" in path.parts]
    assert statistics.median(sizes) <= MEDIAN_LINES


def test_nothing_stands_twice():
    found = repeated({name_of(path): path.read_text(encoding="utf-8") for path in FILES})
    lines = [f"{one}:{line} and {other}:{same}: {count} lines" for one, line, other, same, count in found]
    assert not found, "\n" + "\n".join(lines)


ROWS = "\n".join(f"value_{number} = {number}" for number in range(13))


@pytest.mark.parametrize(
    "other", [ROWS, "# a comment\n\n" + ROWS.replace("\n", "\n\n"), f"x = 1\n{ROWS}\ny = 2"]
)
def test_thirteen_equal_lines_are_found(other):
    ((one, _, two, _, count),) = repeated({"one.py": ROWS, "two.py": other})
    assert (one, two, count) == ("one.py", "two.py", 13)


def test_twelve_equal_lines_may_be():
    assert not repeated({"one.py": ROWS, "two.py": ROWS.replace("value_6 = 6", "value_6 = 7")})
    assert not repeated({"one.py": ROWS.rpartition("\n")[0], "two.py": ROWS})
