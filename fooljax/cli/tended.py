"""Runs a module as a program that ends with the process that began it.

    python -m fooljax.cli.tended fooljax.cli.main evolve --target lenet

It ends at once when its input ends, which the system sees to, even where that process was killed. A run that
ends so goes on from its last checkpoint.
"""

import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """The program."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    module, *words = sys.argv[1:]
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(128 + signal.SIGHUP)


if __name__ == "__main__":
    main()
