"""Every algorithm of evosax through the adapter: its contract, and MNIST's pixels; writes docs/evosax.md.

    python -m benchmarks.evosax_table --json docs/results/benchmarks/evosax.json --markdown docs/evosax.md

Goes on where it was broken off: algorithms in the JSON file are not run again.
"""

import argparse
import time
from typing import Any

import jax
import numpy as np

from benchmarks.timing import machine
from experiments.outputs import file_of
from fooljax import datasets
from fooljax.encodings import direct
from fooljax.evolution import evolve
from fooljax.storage import read_json, write_bytes, write_json
from fooljax.strategies import evosax
from fooljax.strategies.from_evosax import ALGORITHMS
from fooljax.targets.trained import lenet
from fooljax.testing import TOY, ContractError, check_strategy

GENERATIONS, CHILDREN = 200, 40

HEAD = """# evosax through the adapter

`python -m experiments.mnist_direct --strategy evosax.NAME`: every algorithm of evosax {evosax} as emitters
of the class archive (`fooljax.strategies.evosax`), on any encoding whose genome is a bounded vector: pixels
(`direct`) and the weights of a CPPN of fixed topology (`fixed_cppn`, `python -m experiments.mnist_cppn
--topology fixed`). `--set NAME=VALUE` sets `population`, `step` (first step size, a share of the genes'
range), `learning_rate` (for those that take an optimiser), `bounds` (clip or squash), `scheduler` (gain or
equal), `turn`, `patience`.

What the adapter changes: fitness is log-odds, higher is better; ranks and weights are safe against ties; a
search that is not finite any more, or whose spread left [0.001, 1000] steps, or that brought its class
nothing for `patience` generations, begins anew at an elite; the archive keeps the best of all; genes are
clipped (the default) or squashed. Algorithms marked "pickle" unpickle weights that come with evosax and
need `--set allow_pickle=true`. CMA_ES and the others marked "dense" hold 784 x 784 matrices here: their
seconds a generation say what that costs; Sep_CMA_ES, SNES, Open_ES and LM_MA_ES are the cheap ones.

Below: what `fooljax.testing.check_strategy` says, and {generations} generations of {children} children
({passes:,} network passes, one run, seed 0) on MNIST's pixels against the paper's LeNet: digits at 99.99 %,
median log-odds of the ten (9.21 is 99.99 %; the first random images had {first:.1f}), with the children in
brackets where they are fewer, and seconds a generation. Small budgets like this one favour quick starters;
[the comparison](results/strategy_comparison/table.md) is the fair one. Made by `python -m
benchmarks.evosax_table` on 2 cores, which were busy with other work.

| name | what it is | source | marks | contract | NaN | digits | median log-odds | restarts | s/generation |
|---|---|---|---|---|---|---|---|---|---|
"""


def examine(name: str) -> dict[str, Any]:
    """One algorithm's line."""
    facts = ALGORITHMS[name]
    given = {"algorithm": name, "allow_pickle": facts.pickled}
    try:
        strategy = evosax(TOY, batch_size=8, **given)  # type: ignore[arg-type]
        check_strategy(strategy, uncompiled=name != "EvoTF_ES")
        contract = "kept"
    except ContractError as error:
        contract = f"broken: {error}"
    target, _ = lenet(datasets.load("embedded"))
    encoding = direct((28, 28, 1))
    # Dense ones with one search of eight: two cores take a second for each matrix.
    children = 8 if facts.dense else CHILDREN
    strategy = evosax(encoding, batch_size=children, **given)  # type: ignore[arg-type]
    begun = time.perf_counter()
    result = evolve(
        encoding, target, strategy, key=jax.random.key(0), generations=GENERATIONS, init_size=CHILDREN
    )
    return {
        "contract": contract,
        "children": children,
        "nan": bool(np.any(np.isnan(result.log_odds)) or np.any(np.isnan(result.archive.genomes))),
        "digits": int(np.sum(result.log_odds >= 9.2102)),
        "median_log_odds": float(np.median(result.log_odds)),
        "first_median_log_odds": float(result.metrics["median_log_odds"][0, 0]),
        "restarts": int(np.nansum(result.metrics[f"{strategy.name}/restarts"])),
        "seconds_per_generation": result.seconds_search / GENERATIONS,
        "seconds_in_all": time.perf_counter() - begun,
    }


def markdown(results: dict[str, Any], first: float) -> str:
    """The page."""
    from importlib.metadata import version

    text = HEAD.format(
        evosax=version("evosax"),
        generations=GENERATIONS,
        children=CHILDREN,
        passes=CHILDREN * (GENERATIONS + 1),
        first=first,
    )
    for name, facts in ALGORITHMS.items():
        if name not in results:
            why = "not measured: it takes more than ten minutes uncompiled"
            text += f"| {name} | {facts.line} | {facts.paper} | pickle | {why} | - | - | - | - | - |\n"
            continue
        line = results[name]
        marks = ", ".join(word for word, yes in (("dense", facts.dense), ("pickle", facts.pickled)) if yes)
        children = "" if line["children"] == CHILDREN else f" ({line['children']} children)"
        cells = [
            name,
            facts.line,
            facts.paper,
            marks or "-",
            line["contract"],
            "yes" if line["nan"] else "none",
        ]
        cells += [
            f"{line['digits']} of 10{children}",
            f"{line['median_log_odds']:.1f}",
            str(line["restarts"]),
        ]
        cells += [f"{line['seconds_per_generation']:.3f}"]
        text += f"| {' | '.join(cells)} |\n"
    return text


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Every algorithm of evosax through the adapter.")
    parser.add_argument("--json", type=file_of("a JSON object"), required=True, metavar="FILE")
    parser.add_argument("--markdown", type=file_of("a table of evosax"), required=True, metavar="FILE")
    flags = parser.parse_args()
    results = read_json(flags.json)["results"] if flags.json.exists() else {}
    for name in sorted(ALGORITHMS, key=lambda name: (name == "EvoTF_ES", ALGORITHMS[name].dense)):
        if name in results:
            continue
        results[name] = examine(name)
        print(name, results[name], flush=True)
        write_json(flags.json, {"machine": machine(), "results": results})
        first = next(iter(results.values()))["first_median_log_odds"]
        write_bytes(flags.markdown, markdown(results, first).encode())


if __name__ == "__main__":
    main()
