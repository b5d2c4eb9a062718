"""Scripts in a process of their own, whose one CPU stands for several devices."""

import os
import subprocess
import sys
from pathlib import Path


def printed_on(devices, script, **environment):
    """What a script prints where there are so many devices; it must end well.

    Args:
      devices: how many.
      script: its text.
      **environment: more variables.
    """
    own = {
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path]),
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **own, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
