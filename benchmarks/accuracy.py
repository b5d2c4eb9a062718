"""The CPPN renderer against a float64 NumPy oracle, on random evolved genomes.

Run as `python -m benchmarks.accuracy --json FILE`. With coordinates in [-1, 1] and continuous functions the
images must be the oracle's. With raw coordinates a rounding error grows through chained sines and weights of
10 until a pixel may be anything; there the yardstick is a plain float32 NumPy renderer, quantile by quantile.
"""

import argparse
import json
from functools import partial
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from benchmarks.genomes import evolved_genomes
from benchmarks.timing import machine
from fooljax.encodings.cppn.coordinates import COORDINATES
from fooljax.encodings.cppn.functions import FUNCTION_SETS
from fooljax.encodings.cppn.genome import CPPN, Layout, validate
from fooljax.encodings.cppn.render import make_render
from fooljax.storage.outputs import file_of
from tests.oracles.cppn_oracle import fold, outputs

LAYOUT = Layout()
SIDE = 28
LONGEST = 100
"""Mutations of a genome at most: by then it has some 30 hidden nodes, four times those of an elite."""
QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
CASES = (("paper", "scaled"), ("no_sine", "scaled"), ("paper", "raw"), ("no_sine", "raw"), ("wide", "raw"))
FORMS = ("serial", "batched")
CONTINUOUS = (("paper", "scaled"), ("no_sine", "scaled"))
"""Cases that must agree with the oracle outright."""
MUST_AGREE = 0.999
ONE_LEVEL = 1.01


def levels(render: Any, genomes: CPPN, pixels: jax.Array) -> npt.NDArray[np.float64]:
    """Grey levels, `[B, H, W]`."""
    return np.asarray(render(genomes, pixels)[..., 0], np.float64) * 255.0


def compare(set_name: str, scaling: str, count: int, seed: int) -> dict[str, Any]:
    """Errors in grey levels of the two plain forms and of plain float32, against float64."""
    names = FUNCTION_SETS[set_name]
    genomes = evolved_genomes(seed, LAYOUT, len(names), np.arange(count) % (LONGEST + 1))
    pixels = COORDINATES[scaling](SIDE, SIDE)
    images = {
        lowering: levels(
            jax.jit(jax.vmap(make_render(LAYOUT, names, "grey", lowering), (0, None))), genomes, pixels
        )
        for lowering in FORMS
    }
    host = jax.device_get(genomes)
    exact, plain = np.empty((2, count, SIDE, SIDE))
    for index in range(count):
        genome = jax.tree.map(lambda leaf, index=index: leaf[index], host)
        if index % 100 == 0:
            validate(genome, LAYOUT, len(names))
        draw = partial(outputs, genome, LAYOUT, names, pixels)
        exact[index], plain[index] = fold(draw(np.float64))[0], fold(draw(np.float32))[0]
    errors = {name: np.abs(image - exact) for name, image in images.items()}
    errors["plain float32"] = np.abs(plain - exact)
    errors["serial against batched"] = np.abs(images["serial"] - images["batched"])
    report = {
        name: {
            "within_a_level": float(np.mean(error < ONE_LEVEL)),
            "quantiles": np.quantile(error, QUANTILES).round(3).tolist(),
        }
        for name, error in errors.items()
    }
    yardstick = np.asarray(report["plain float32"]["quantiles"])
    met = {}
    for name in ("serial", "batched", "serial against batched"):
        if (set_name, scaling) in CONTINUOUS:
            met[name] = report[name]["within_a_level"] >= MUST_AGREE
        else:
            met[name] = bool(np.all(np.asarray(report[name]["quantiles"]) <= 2.0 * yardstick + ONE_LEVEL))
    sizes = {
        "mean_hidden": float(np.mean(host.num_hidden)),
        "mean_connections": float(np.mean(host.num_connections)),
        "full": float(np.mean(host.num_hidden == LAYOUT.max_hidden)),
    }
    return {"functions": set_name, "coordinates": scaling, "genomes": count, **sizes, "met": met, **report}


def main() -> None:
    """Compares every case and prints the gates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--json", type=file_of("a JSON object"), metavar="FILE", help="write the numbers here"
    )
    parser.add_argument("--genomes", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows = []
    for set_name, scaling in CASES:
        row = compare(set_name, scaling, arguments.genomes, arguments.seed)
        rows.append(row)
        print(
            f"{set_name}, {scaling}: {row['genomes']:,} genomes, {row['mean_hidden']:.1f} hidden nodes, "
            f"{row['mean_connections']:.1f} connections"
        )
        for name in ("serial", "batched", "serial against batched", "plain float32"):
            figures = ", ".join(f"{value:g}" for value in row[name]["quantiles"])
            gate = {True: "met", False: "MISSED", None: ""}[row["met"].get(name)]
            print(f"  {name:<23} within a level {row[name]['within_a_level']:.5f}; {figures}  {gate}")
    print(f"error in grey levels at the quantiles {', '.join(f'{q:g}' for q in QUANTILES)}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
