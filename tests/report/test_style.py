"""Pictures are the same whatever the user has set Matplotlib to, and show names in any script."""

import functools
import hashlib
import logging
import os
import subprocess
import sys
import warnings

import matplotlib
import numpy as np
import pytest
from pages import texts

from fooljax.cli import starting
from fooljax.errors import FaultError
from fooljax.report import curves, fonts, gallery, label, png_bytes
from fooljax.report.budget import median_curves
from fooljax.report.canvas import cut
from fooljax.report.style import import_matplotlib, own_style

PICTURES = """
import hashlib, numpy as np
from fooljax.report import curves, gallery, png_bytes
from fooljax.report.budget import median_curves
line = np.arange(9.0)[None]
metrics = {"generation": line, "median_log_odds": line, "min_log_odds": line, "replacements": line}
drawn = png_bytes(gallery(np.zeros((1, 2, 4, 4, 1)), [[1.0, 9.5]], ["a", "b"])), png_bytes(curves(metrics))
drawn += (median_curves({"x": (np.arange(1, 9), np.arange(8.0)[None])}),)
"""
HARSH = """
text.usetex: True
font.size: 30
lines.linewidth: 9
savefig.facecolor: red
savefig.bbox: tight
axes.facecolor: blue
figure.dpi: 17
path.sketch: 1, 100, 2
"""


@functools.cache
def pictures():
    scope = {}
    exec(PICTURES, scope)
    return [hashlib.sha256(png).hexdigest() for png in scope["drawn"]]


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "no such backend", "pdf"])
def test_pictures_are_the_same_whatever_the_user_has_set(tmp_path, backend):
    (tmp_path / "matplotlibrc").write_text(HARSH)
    code = PICTURES + "print([hashlib.sha256(png).hexdigest() for png in drawn])"
    env = {**os.environ, "MPLBACKEND": backend, "MATPLOTLIBRC": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == str(pictures())
    assert done.stderr == ""


def test_without_any_folder_that_can_be_written_to_a_command_ends_in_one_line(monkeypatch, capsys):
    def load(name):
        if name == "matplotlib.font_manager":
            raise OSError("a temporary directory could not be created")

    monkeypatch.setattr("importlib.import_module", load)
    with pytest.raises(FaultError, match=r"^MPLCONFIGDIR: expected a folder .*, got none \(a temp") as caught:
        import_matplotlib()
    starting._in_one_line(FaultError, caught.value, None)
    assert capsys.readouterr().err == f"error: {caught.value}\n"


def test_the_user_s_settings_come_back():
    with matplotlib.rc_context({"font.size": 30.0, "text.usetex": True}):
        figure = gallery(np.zeros((1, 1, 4, 4, 1)), [[1.0]], ["a"])
        expected = png_bytes(figure)
        assert matplotlib.rcParams["font.size"] == 30.0
        assert matplotlib.rcParams["text.usetex"]
    assert png_bytes(gallery(np.zeros((1, 1, 4, 4, 1)), [[1.0]], ["a"])) == expected
    backend, level = matplotlib.rcParams["backend"], logging.getLogger("matplotlib").level
    with own_style():
        assert matplotlib.rcParams["font.size"] == 10.0
    assert (matplotlib.rcParams["backend"], logging.getLogger("matplotlib").level) == (backend, level)


# A letter that Matplotlib's own sans-serif lacks and another of its fonts has; and two that no font has: a
# sign of no assigned meaning, and an escape character.
ELSEWHERE, NOWHERE = "\u1d15", ["\U000e01aa", "\x1b", "\u202e"]


def test_a_character_is_looked_for_in_the_fonts_of_the_machine():
    assert fonts.can_draw("Straße, жук, λ")
    assert ord(ELSEWHERE) not in fonts._characters(fonts.OWN)
    assert label(f"a{ELSEWHERE}", 3) == f"a{ELSEWHERE}"
    figure = gallery(np.zeros((1, 2, 4, 4, 1)), [[1.0, 2.0]], [f"a{ELSEWHERE}", "b"])
    families = {text.get_text(): text.get_fontfamily() for text in figure.texts}
    assert families[f"a{ELSEWHERE}"][0] == fonts.OWN
    assert len(families[f"a{ELSEWHERE}"]) == 2
    assert families["b"] == ["sans-serif"]


@pytest.mark.parametrize("character", NOWHERE)
def test_where_no_font_has_a_character_the_index_serves_and_one_line_says_so(character, caplog, monkeypatch):
    fonts._say_once.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = [label(f"x{character}", index) for index in range(3)]
        figure = gallery(np.zeros((1, 3, 4, 4, 1)), [[1.0, 2.0, 3.0]], names)
        png_bytes(figure)
        other = gallery(np.zeros((1, 1, 4, 4, 1)), [[1.0]], [f"x{character}"])
        png_bytes(other)
        median_curves({f"x{character}$\\frac{{$": (np.arange(1, 9), np.arange(8.0)[None])})
    assert names == ["0", "1", "2"]
    assert "0" in texts(other)
    assert [record.message for record in caplog.records] == [
        "no font on this machine has all characters of the class names; the pictures show such classes by "
        "their numbers"
    ]


def test_wide_characters_take_their_place():
    assert cut("a" * 12, 180) == "a" * 12
    assert cut("a" * 13, 180) == "a" * 11 + "…"
    assert cut("猫" * 8, 180) == "猫" * 8
    assert cut("猫" * 9, 180) == "猫" * 7 + "…"
    assert cut("", 180) == ""


def test_curves_take_any_name():
    line = np.arange(9.0)[None]
    metrics = {name: line for name in ("generation", "median_log_odds", "min_log_odds", "replacements")}
    png_bytes(
        curves(metrics | {"net/\x1b_$\\frac{$": line}, sizes=["net/\x1b_$\\frac{$"], title="\x1b$\\frac{$")
    )
