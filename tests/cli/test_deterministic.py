"""`--deterministic`: asks XLA for repeatable programs: in time, once, and again on resuming."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from elsewhere import place

from experiments import mnist_direct
from fooljax.cli.command_line import again_with, parse
from fooljax.environment import DETERMINISTIC, is_deterministic


def flags_after(*words):
    _, flags = parse(mnist_direct.EXPERIMENT.config, "A search.", [*words])
    return os.environ.get("XLA_FLAGS"), flags


def test_xla_is_asked_once_and_its_other_flags_stay(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    before, flags = flags_after()
    assert before == "--xla_force_host_platform_device_count=2"
    assert again_with(flags) == []
    assert not is_deterministic(place("gpu"))
    wanted = " ".join(["--xla_force_host_platform_device_count=2", *DETERMINISTIC])
    assert flags_after("--deterministic")[0] == wanted
    after, flags = flags_after("--deterministic")
    assert after == wanted
    assert again_with(flags) == ["--deterministic"]
    assert is_deterministic(place("gpu"))


SCRIPT = """
import jax._src.xla_bridge as bridge
from fooljax.cli import command_line
command_line.ask_for_determinism = lambda: print("devices were asked for:", bridge.backends_are_initialized())
from experiments import mnist_direct
mnist_direct.main(["--deterministic", "--children", "0"])
"""


def test_it_is_read_before_jax_asks_for_a_device():
    """Later, XLA would not look at its flags any more."""
    if not hasattr(pytest.importorskip("jax._src.xla_bridge"), "backends_are_initialized"):
        pytest.skip("this version of JAX does not say whether it has asked for devices")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "devices were asked for: False", done.stderr[-2000:]
    assert "--children" in done.stderr
