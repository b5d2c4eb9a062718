"""fooljax beside QDax and pyribs: same network, same machine, processes that take turns.

Run by `make bench-peers ARGS='--json FILE'`, which makes the environments first, on an otherwise idle
machine. Each round runs every worker once, one after another, every second round in reverse order. Ratios are
between runs of one round.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.peers import summary
from benchmarks.peers.contenders import COMPARISONS, CONTENDERS, Contender
from benchmarks.peers.load import OtherWork, wait_for_quiet
from benchmarks.peers.protocol import CHUNK, Task, read_report, write_task
from benchmarks.peers.target import export
from benchmarks.timing import machine, spread
from fooljax.storage.outputs import file_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "peers"


def interpreter(contender: Contender) -> Path:
    """The Python that has the contender's library."""
    if contender.library == "fooljax":
        return Path(sys.executable)
    return FOLDER / f"{contender.library}-env" / "bin" / "python"


def run(contender: Contender, weights: Path, evaluations: int, seed: int) -> summary.Run:
    """Runs one worker to its end.

    Raises:
      SystemExit: the worker failed; with its last line.
    """
    chunks = -(-evaluations // (contender.batch * CHUNK))
    folder = FOLDER / "runs" / contender.name.replace(" ", "-")
    write_task(folder, Task(str(weights), contender.batch, chunks * CHUNK, contender.variation, seed))
    command = [str(interpreter(contender)), "-m", f"benchmarks.peers.run_{contender.library}", str(folder)]
    # A cache of programs would hide what compiling costs.
    environment = {**os.environ, "JAX_ENABLE_COMPILATION_CACHE": "false"}
    others = OtherWork()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{contender.name}: {(done.stderr.strip() or 'failed').splitlines()[-1]}")
    return summary.Run(*read_report(folder), others.cores())


def main() -> None:
    """Runs all rounds, prints the table and the ratios, and writes them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--json", type=file_of("a JSON object"), metavar="FILE", help="write the numbers here"
    )
    parser.add_argument("--rounds", type=int, default=9, help="7 or more to report")
    parser.add_argument("--evaluations", type=int, default=60_000, help="network passes of each run")
    parser.add_argument(
        "--wait", type=float, default=0.0, help="seconds, at most, for a quiet machine before a run"
    )
    arguments = parser.parse_args()
    for contender in CONTENDERS:
        if not interpreter(contender).exists():
            raise SystemExit(f"no environment for {contender.library}: `make bench-peers` makes it")
    FOLDER.mkdir(parents=True, exist_ok=True)
    facts, weights = machine(), FOLDER / "lenet.npz"
    target = export(weights)
    print(f"{target.name}: names {target.clean_accuracy:.1%} of held-out digits")
    runs: dict[Contender, list[summary.Run]] = {contender: [] for contender in CONTENDERS}
    for number in range(arguments.rounds):
        for contender in CONTENDERS[::-1] if number % 2 else CONTENDERS:
            wait_for_quiet(arguments.wait)
            one = run(contender, weights, arguments.evaluations, seed=number)
            runs[contender].append(one)
            busy = "" if one.other_cores is None else f"; other work kept {one.other_cores:.1f} cores busy"
            print(f"round {number + 1}, {contender.name}: {one.rate:,.0f} evaluations/s{busy}", flush=True)
    rows = [summary.row(contender, runs[contender], target) for contender in CONTENDERS]
    ratios = [summary.ratio(pair, runs) for pair in COMPARISONS]
    others = [one.other_cores for each in runs.values() for one in each if one.other_cores is not None]
    print(summary.HEADER, *map(summary.show_row, rows), *map(summary.show_ratio, ratios), sep="\n")
    print(*(f"- {remark}" for remark in summary.REMARKS), sep="\n")
    if arguments.json:
        content = {
            "machine": facts | {"other_cores_busy": spread(others) if others else None},
            "network": {"name": target.name, "clean_accuracy": target.clean_accuracy, **target.provenance},
            "settings": {"rounds": arguments.rounds, "evaluations": arguments.evaluations},
            "rows": rows,
            "ratios": ratios,
            "remarks": summary.REMARKS,
        }
        arguments.json.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
