"""Every algorithm of evosax through the adapter: its contract, and MNIST's pixels.

    python -m benchmarks.evosax_table --json docs/results/benchmarks/evosax.json

Goes on where it was broken off: algorithms in the JSON file are not run again. `docs.publish` makes
docs/results/evosax.md of it.
"""

import argparse
import time
from typing import Any

import jax
import numpy as np

from benchmarks.timing import machine
from fooljax import data as datasets
from fooljax.encodings import direct
from fooljax.evolution import search
from fooljax.storage.json_files import read_json, write_json
from fooljax.storage.outputs import file_of
from fooljax.strategies import evosax
from fooljax.strategies.evosax_algorithms import ALGORITHMS
from fooljax.targets import lenet
from fooljax.testing import TOY, ContractError, check_strategy

GENERATIONS, CHILDREN = 200, 40


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
    target = lenet(datasets.load("embedded"))
    encoding = direct((28, 28, 1))
    # Dense ones with one search of eight: two cores take a second for each matrix.
    children = 8 if facts.dense else CHILDREN
    strategy = evosax(encoding, batch_size=children, **given)  # type: ignore[arg-type]
    begun = time.perf_counter()
    result = search(
        target, encoding, strategy, key=jax.random.key(0), generations=GENERATIONS, init_size=CHILDREN
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


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Every algorithm of evosax through the adapter.")
    parser.add_argument("--json", type=file_of("a JSON object"), required=True, metavar="FILE")
    flags = parser.parse_args()
    results = read_json(flags.json)["results"] if flags.json.exists() else {}
    for name in sorted(ALGORITHMS, key=lambda name: (name == "EvoTF_ES", ALGORITHMS[name].dense)):
        if name in results:
            continue
        results[name] = examine(name)
        print(name, results[name], flush=True)
        write_json(flags.json, {"machine": machine(), "results": results})


if __name__ == "__main__":
    main()
