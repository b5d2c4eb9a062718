"""How busy the machine was with other work while something ran."""

import os
import resource
import time
from pathlib import Path

QUIET = 0.25
"""Cores that other work may keep busy in a quiet moment."""
PROBE_SECONDS = 2.0
_STAT = Path("/proc/stat")


class OtherWork:
    """CPU time of the whole machine less that of our finished children, between two moments."""

    def __init__(self) -> None:
        self._began = self._now()

    def cores(self) -> float | None:
        """Cores that other work kept busy on average since the beginning; None where Linux does not say."""
        before, now = self._began, self._now()
        if before is None or now is None:
            return None
        seconds, busy, children = (later - earlier for earlier, later in zip(before, now, strict=True))
        return max(0.0, busy - children) / seconds

    @staticmethod
    def _now() -> tuple[float, float, float] | None:
        if not _STAT.exists():
            return None
        user, nice, system, _, _, irq, softirq, *_ = map(int, _STAT.read_text().split("\n")[0].split()[1:])
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
        return time.perf_counter(), busy, children.ru_utime + children.ru_stime


def wait_for_quiet(seconds: float) -> None:
    """Waits for a quiet moment, but not longer than so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        others = OtherWork()
        time.sleep(PROBE_SECONDS)
        if (others.cores() or 0.0) < QUIET:
            return
