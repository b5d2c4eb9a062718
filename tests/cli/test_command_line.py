"""How a command ends: whatever goes wrong is one line."""

from pathlib import Path

import jax
import pytest
from pages import one_line

from experiments import mnist_direct
from fooljax.cli.command_line import run_command
from fooljax.errors import FaultError, InputError
from fooljax.terminal import Interrupted, Terminal


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (MemoryError("2 GiB"), 1, "error: out of memory: 2 GiB"),
        (jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 9 bytes"), 1, "error: out of memory: RESOURCE_EX"),
        (OSError(28, "No space left on device"), 1, "error: a file or stream: No space left on device"),
        (InputError("a\x1b[31m\u202eb\nc"), 2, "error: a\\x1b[31m\\u202eb c"),
        (FaultError("x" * 10**6), 1, "error: xxx"),
        (Interrupted(15, "told\x07"), 143, "told\\x07"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_whatever_ends_a_command_is_one_printable_line(error, status, line, capsys):
    def fail():
        raise error

    assert run_command(fail, mnist_direct.EXPERIMENT.config) == status
    told = one_line(capsys)
    assert told.startswith(line)
    assert told.isprintable()
    assert len(told) < 5000


def test_a_message_about_one_of_several_names_their_flag(capsys):
    def fail():
        raise InputError("network: expected one of lenet-0, got lemet-0")

    assert run_command(fail, lambda: ("networks", "data")) == 2
    assert one_line(capsys).startswith("error: --networks: expected one of")
    assert run_command(fail, lambda: ("networks", "network")) == 2
    assert one_line(capsys).startswith("error: --network: expected one of")


def test_a_bug_keeps_its_traceback():
    def fail():
        raise AssertionError("a bug")

    with pytest.raises(AssertionError, match="a bug"):
        run_command(fail, mnist_direct.EXPERIMENT.config)


def test_without_a_home_the_cache_is_where_it_was_told(monkeypatch, tmp_path):
    from fooljax.storage.cache import cache_folder

    def none():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    monkeypatch.setenv("FOOLJAX_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("FOOLJAX_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "fooljax"
    monkeypatch.delenv("XDG_CACHE_HOME")
    with pytest.raises(FaultError, match=r"^FOOLJAX_CACHE: expected a folder"):
        cache_folder()


def test_a_terminal_obeys_no_name(capsys):
    Terminal().say("a  \x1b[2Jb")
    assert capsys.readouterr().out == "a  \\x1b[2Jb\n"
