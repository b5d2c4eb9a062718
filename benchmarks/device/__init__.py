"""All checks of a card in one call: its speed, its numbers, and whether it repeats itself.

Run as `python -m benchmarks.device --json FILE`. On an NVIDIA H100 it should take less than five minutes.
Every check stands alone: one that fails is reported and the next one follows. The file is written anew after
each, so that a call that is cut off keeps what it has measured. `--budget SECONDS` begins no check after so
many seconds, `--only WORD` does the checks whose names hold a word, and `--size smoke` does all of them in
small, to see on any CPU that they work. Beside what was measured stands what was wanted of one H100. A file
that is there already is replaced only if the same `--size` and `--only` wrote it.
"""

import sys

from fooljax.cli import starting

# While `python -m benchmarks.device` loads; a program that imports this is let alone.
if sys.argv[:1] == ["-m"]:
    starting.begin()
