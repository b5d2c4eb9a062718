"""MNIST, CPPN encoding: images drawn by small networks. Source: Nguyen et al. 2015, section 3.2 and figure 5.

Run as `python -m experiments.mnist_cppn`; `--help` lists the settings with their sources.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments import fooling, job
from experiments.command_line import option, run_command
from fooljax import encodings
from fooljax.base import Encoding
from fooljax.encodings.cppn.coordinates import COORDINATES
from fooljax.encodings.cppn.encoding import MAX_CONNECTIONS, MAX_NODES
from fooljax.encodings.cppn.functions import FUNCTION_SETS
from fooljax.encodings.cppn.mutation import Rates


@dataclass(frozen=True)
class Config(job.FoolingConfig):
    """Settings: the quickest search in `experiments.strategy_comparison`, rates as in the authors' code.

    The paper's search: `--strategy map_elites --children 200 --coordinates raw --functions paper`.
    """

    generations: int = option(200, "generations of each run; paper 3.2", least=0)
    children: int = option(
        100, "children per generation, and random images to begin with; authors' code: 200", least=1
    )
    strategy: str = option(
        "focused", "search strategy, see python -m experiments.strategies; paper: map_elites"
    )
    lineage: bool = option(True, "record every replacement, for experiments.lineage")
    topology: str = option(
        "evolved", "of the drawing networks: evolved, or fixed (weights alone)", choices=("evolved", "fixed")
    )
    functions: str = option(
        "wide", "set of node functions; authors' code: paper", choices=tuple(FUNCTION_SETS)
    )
    coordinates: str = option(
        "scaled", "to [-1, 1], or raw: pixel indices, as the authors' code", choices=tuple(COORDINATES)
    )
    max_nodes: int = option(MAX_NODES, "inputs, outputs and hidden nodes, at most; ours", least=5)
    max_connections: int = option(MAX_CONNECTIONS, "connections of a genome, at most; ours", least=4)
    weight_rate: float = option(Rates().weight, "of each weight to move; authors' code", least=0.0, most=1.0)
    function_rate: float = option(
        Rates().function, "of each node's function to be drawn again; authors' code", least=0.0, most=1.0
    )
    add_connection_rate: float = option(Rates().add_connection, "authors' code", least=0.0, most=1.0)
    delete_connection_rate: float = option(Rates().delete_connection, "authors' code", least=0.0, most=1.0)
    add_node_rate: float = option(Rates().add_node, "authors' code", least=0.0, most=1.0)
    delete_node_rate: float = option(Rates().delete_node, "authors' code", least=0.0, most=1.0)


def encoding(config: Config, image_shape: tuple[int, int, int]) -> Encoding:
    """The CPPN encoding that the settings describe."""
    if config.topology == "fixed":
        return encodings.fixed_cppn(
            image_shape,
            functions=config.functions,
            coordinates=config.coordinates,
            mutation_rate=config.weight_rate,
        )
    return encodings.cppn(
        image_shape,
        functions=config.functions,
        coordinates=config.coordinates,
        max_nodes=config.max_nodes,
        max_connections=config.max_connections,
        rates=Rates(
            weight=config.weight_rate,
            function=config.function_rate,
            add_connection=config.add_connection_rate,
            delete_connection=config.delete_connection_rate,
            add_node=config.add_node_rate,
            delete_node=config.delete_node_rate,
        ),
    )


EXPERIMENT = job.Experiment(
    name="mnist_cppn",
    title="Fooling a digit network with drawn patterns",
    introduction=(
        "Evolves small pattern-drawing networks whose images a network trained on handwritten digits names "
        "with near certainty, though they are patterns, not digits.",
        "Each image is drawn by a small network of its own (a CPPN, the indirect encoding of Nguyen, "
        "Yosinski and Clune 2015, section 3.2), which is given a pixel's place and answers with a grey. "
        "Evolution changes these drawing networks at random: weights, functions, nodes and connections. "
        "A child whose image the digit network finds more like some digit than the best so far takes that "
        "digit's place. No image of a digit is used in the search.",
    ),
    config=Config,
    encoding=encoding,
)


def run(config: Config, outdir: Path) -> dict[str, Any]:
    """Runs the experiment into a new or empty folder; returns what `summary.json` says."""
    return fooling.run(EXPERIMENT, config, outdir)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: fooling.main(EXPERIMENT, argv), Config)


if __name__ == "__main__":
    sys.exit(main())
