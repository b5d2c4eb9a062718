"""Commands as processes: signals, missing packages, terminals and what the environment says."""

import os
import signal
import subprocess
import sys
import time

import pytest
from pages import one_line

from experiments import mnist_direct
from fooljax.terminal import Interrupted, Signals


def command(*words, **variables):
    """Runs `mnist_direct` as a user does; gives its status and its two streams."""
    environment = {**os.environ, **variables}
    words = [sys.executable, "-m", "experiments.mnist_direct", *words]
    done = subprocess.run(words, capture_output=True, env=environment, check=False, timeout=300)
    return done.returncode, done.stdout.decode("ascii", "replace"), done.stderr.decode("utf-8")


def test_a_platform_that_is_not_there_is_one_line_and_blocks_nothing(settings, tmp_path):
    outdir = tmp_path / "r"
    status, _, errors = command(*settings, "--outdir", str(outdir), JAX_PLATFORMS="rocm")
    assert (status, len(errors.splitlines())) == (1, 1), errors
    assert errors.startswith("error: JAX_PLATFORMS=rocm: expected a device that JAX can use, found none (")
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_without_letters_and_a_reader_that_has_gone(settings, tmp_path):
    """The run folder's name cannot be printed, and `head -1` ends before the run does."""
    outdir = tmp_path / "\u4f8b\u0436"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LANG": "C", "PYTHONUNBUFFERED": "1"}
    words = [sys.executable, "-m", "experiments.mnist_direct", *settings, "--outdir", str(outdir)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    assert process.stdout.readline().decode("ascii").rstrip().endswith("\\u4f8b\\u0436")
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(300) == 0
    assert (outdir / "summary.json").exists()


def test_a_signal_that_python_would_drop_is_raised_again():
    """As where it comes while an object is freed: there Python only prints exceptions."""

    class Freed:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    def free_one():
        with Signals():
            Freed()
            for _ in range(100):  # one long sleep would end before the signal is looked at
                time.sleep(0.05)

    with pytest.raises(Interrupted):
        free_one()


def test_a_closed_terminal_asks_to_stop_once_however_often_it_says_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with Signals() as signals:
            with signals.defer():
                signal.raise_signal(signal.SIGHUP)
                signal.raise_signal(signal.SIGHUP)
            assert signals.received == signal.SIGHUP
        with pytest.raises(Interrupted, match=r"^interrupted$"), Signals():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_command_that_nohup_started_outlives_its_terminal():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            signal.raise_signal(signal.SIGHUP)
        assert not signals.received
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    "pause", [0.6, *(pytest.param(pause, marks=pytest.mark.slow) for pause in (0.3, 0.9))]
)
def test_signals_while_compiling_end_in_a_line(pause, settings, tmp_path, monkeypatch):
    """A signal that falls into a compilation made the process crash at its end."""
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "0")
    monkeypatch.delenv("JAX_DISABLE_MOST_OPTIMIZATIONS", raising=False)  # so that it compiles for longer
    outdir = tmp_path / "run"
    process = start(*settings, "--runs", "3", "--outdir", str(outdir))
    try:
        wait_for(process, "target: ")
        time.sleep(pause)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, errors
    assert len(errors.splitlines()) == 1
    assert (outdir / "config.json").exists()


def test_ctrl_c_while_a_command_loads_is_one_line(tmp_path):
    (tmp_path / "jax.py").write_text("raise KeyboardInterrupt")
    status, _, errors = command("--help", PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '.')}")
    assert status in (130, -2)
    assert errors == "interrupted\n"


def test_ctrl_c_while_a_library_is_being_initialised_is_one_line(tmp_path):
    """Libraries turn the exception into one of their own; the signal must not become one."""
    (tmp_path / "jax.py").write_text(
        "import os, signal\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    sum(range(10**6))\n"
        "except KeyboardInterrupt:\n    raise ImportError('Encountered an error while initializing')\n"
    )
    status, _, errors = command("--help", PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '.')}")
    assert (status, errors) == (130, "interrupted\n")


def test_a_missing_package_is_one_line_and_fooljax_need_not_be_installed(tmp_path):
    (tmp_path / "jax.py").write_text("raise ModuleNotFoundError('no', name='nobodys_package')")
    status, _, errors = command("--help", PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '.')}")
    assert status == 1
    assert errors.startswith("error: the package nobodys_package is missing; ")
    assert len(errors.splitlines()) == 1


def start(*flags):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    words = [sys.executable, "-m", "experiments.mnist_direct", *flags]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(process, beginning):
    for line in process.stdout:
        if line.startswith(beginning):
            return line
    raise AssertionError(f"ended before {beginning!r}: {process.stderr.read()}")


def test_signals_save_and_say_how_to_go_on_and_a_lock_keeps_others_out(settings, tmp_path, capsys):
    outdir = tmp_path / "r"
    process = start(
        *settings, "--generations", "1000000", "--until", "off", "--outdir", str(outdir),
        "--checkpoint-seconds", "1000",
    )  # fmt: skip
    try:
        wait_for(process, "generation 0/")
        assert mnist_direct.main(["--resume", str(outdir)]) == 2
        assert "another process is at work in this run folder" in one_line(capsys)
        time.sleep(1.0)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGTERM
    assert errors.startswith("stopped at generation ")
    assert f"go on with: python -m experiments.mnist_direct --resume {outdir}" in errors
    assert len(errors.splitlines()) == 1
    assert list(outdir.glob("checkpoints/*.npz"))
    assert not (outdir / "summary.json").exists()


def test_settings_of_jax_that_no_search_can_have_are_told_and_left(tmp_path):
    settings = {"JAX_DISABLE_JIT": "1", "JAX_DEBUG_INFS": "1", "JAX_NUMPY_DTYPE_PROMOTION": "strict"}
    words = ["--runs", "1", "--generations", "1", "--children", "4", "--quiet"]
    status, _, errors = command(*words, "--outdir", str(tmp_path / "run"), **settings)
    assert status == 0, errors
    lines = errors.splitlines()
    assert len(lines) == 3
    for name, line in zip(settings, lines, strict=True):
        assert line.startswith(f"note: {name.lower()} is ")
    assert (tmp_path / "run" / "index.html").exists()
