"""Whole commands in processes of their own: what a user waits for, and a run of the card scored on a CPU."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import jax

from benchmarks.device.report import Found, Wanted
from fooljax.storage.json_files import read_json

COMPILE, REPORT = 4.0, 2.0
"""Seconds that `mnist_cppn` may take to compile its search, and to make its page."""
COMMAND_SECONDS = 300.0


def _run(words: list[str], **environment: str) -> str:
    """The output of a command.

    Raises:
      RuntimeError: it failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"{words[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def command(flags: tuple[str, ...]) -> Found:
    """`experiments.mnist_cppn` with nothing compiled before, and its images scored again on the CPU."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        words = ["experiments.mnist_cppn", *flags, "--outdir", str(folder)]
        told = _run(words, JAX_COMPILATION_CACHE_DIR=str(Path(place) / "compiled"))
        summary = read_json(folder / "summary.json")
        again = _run(
            ["fooljax.cli.main", "report", str(folder), "--rescore"], JAX_PLATFORMS="cpu"
        ).splitlines()[-1]
    seconds = {name: float(value) for name, value in re.findall(r"(\w+) ([0-9.]+) s\b", told)}
    kept = ("evaluations", "evaluations_per_second", "precision", "device", "rescored")
    figures: dict[str, Any] = {"seconds": seconds, "scored_on_a_cpu": again}
    figures |= {name: summary[name] for name in kept}
    wanted = (
        Wanted("compile seconds", seconds["compile"], most=COMPILE),
        Wanted("report seconds", seconds["report"], most=REPORT),
        Wanted("on the CPU the same scores", float(again.startswith("scored again: all")), least=1.0),
    )
    line = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    return Found(f"{line}; {again}", figures, wanted)


def memory() -> Found:
    """The most memory of the card that this process has held."""
    stats = jax.devices()[0].memory_stats() or {}
    peak = stats.get("peak_bytes_in_use", 0)
    return Found(f"{peak / 2**30:.2f} GiB at most", {name: int(value) for name, value in stats.items()})


def devices() -> Found:
    """The devices that JAX finds."""
    names = [f"{device.platform}: {device.device_kind}" for device in jax.devices()]
    capability = getattr(jax.devices()[0], "compute_capability", None)
    return Found(", ".join(names), {"devices": names, "compute_capability": capability})
