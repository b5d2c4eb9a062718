"""Whether the card repeats itself: the same work in two processes, without and with XLA's flags for that."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from benchmarks.device.report import Found, Wanted
from fooljax.environment import DETERMINISTIC

PROCESS_SECONDS = 300.0
"""A process of the comparison takes this long at most."""
PLAIN = "without flags"
FLAGS: dict[str, tuple[str, ...]] = {PLAIN: (), "with --deterministic": DETERMINISTIC}
"""XLA's flags, by the way in which the work is done."""


def run_twice(flags: tuple[str, ...], children: int, generations: int) -> list[dict[str, Any]]:
    """What `benchmarks.device.repeated` prints in two processes, side by side, that compile everything anew.

    Raises:
      RuntimeError: a process failed.
    """
    words = ["--children", str(children), "--generations", str(generations)]
    environment = {
        **os.environ,
        "XLA_FLAGS": " ".join([*os.environ.get("XLA_FLAGS", "").split(), *flags]),
        "JAX_ENABLE_COMPILATION_CACHE": "false",
    }

    def once(_: int) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.device.repeated", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PROCESS_SECONDS,
        )
        if done.returncode:
            raise RuntimeError(f"the process ended with {done.returncode}: {done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(once, range(2)))


def repeats_itself(way: str, children: int, generations: int, seconds_of: dict[str, float]) -> Found:
    """Two processes of one way, part by part.

    Args:
      way: a name in `FLAGS`.
      children: images of a generation.
      generations: of each search.
      seconds_of: median seconds of the timed search by way; those of this way are added.
    """
    first, second = run_twice(FLAGS[way], children, generations)
    seconds = float(np.median([*first["search_seconds"], *second["search_seconds"]]))
    seconds_of[way] = seconds
    whole = first["searches"]["whole"]
    same = {
        **{f"{name}, in one process": bool(value) for name, value in first["parts"].items()},
        **{
            f"{name}, in two processes": bool(value) and value == second["parts"][name]
            for name, value in first["parts"].items()
        },
        **{
            f"search {name}, in one process": value == whole
            for name, value in first["searches"].items()
            if name != "whole"
        },
        "search, in two processes": whole == second["searches"]["whole"],
    }
    differ = [name for name, equal in same.items() if not equal]
    line = f"differ: {'; '.join(differ)}" if differ else "everything is the same, bit for bit"
    line = f"{line}; a search of {generations} generations takes {seconds:.3f} s"
    figures: dict[str, Any] = {
        "flags": FLAGS[way],
        "same": same,
        "processes": [first, second],
        "search_seconds": seconds,
    }
    wanted = (Wanted("share of comparisons that are the same", float(np.mean([*same.values()])), least=1.0),)
    if way != PLAIN and PLAIN in seconds_of:
        figures["times_the_seconds_without_flags"] = times = seconds / seconds_of[PLAIN]
        line = f"{line}, {times:.2f} times what it takes without the flags"
    return Found(line, figures, wanted)
