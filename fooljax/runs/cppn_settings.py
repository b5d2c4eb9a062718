"""Settings of the CPPN encoding. Source: Nguyen et al. 2015, section 2.2, and the authors' code."""

from dataclasses import dataclass

from fooljax import encodings
from fooljax.encodings.cppn.coordinates import COORDINATES
from fooljax.encodings.cppn.encoding import MAX_CONNECTIONS, MAX_NODES
from fooljax.encodings.cppn.functions import FUNCTION_SETS
from fooljax.encodings.cppn.mutation import Rates
from fooljax.engine.types import Encoding
from fooljax.runs.memory import TRIED_TOGETHER, check_fits
from fooljax.settings import option

FIXED = ("topology", "fixed")
"""Where the topology does not evolve, most settings of its evolution are looked at by nothing."""


@dataclass(frozen=True)
class CppnSettings:
    """Settings: coordinates and functions found by `strategy_comparison`, rates as in the authors' code."""

    topology: str = option(
        "evolved", "of the drawing networks: evolved, or fixed (weights alone)", choices=("evolved", "fixed")
    )
    functions: str = option(
        "wide", "set of node functions; authors' code: paper", choices=tuple(FUNCTION_SETS)
    )
    coordinates: str = option(
        "scaled", "to [-1, 1], or raw: pixel indices, as the authors' code", choices=tuple(COORDINATES)
    )
    max_nodes: int = option(MAX_NODES, "inputs, outputs and hidden nodes, at most; ours", least=5, idle=FIXED)
    max_connections: int = option(
        MAX_CONNECTIONS, "connections of a genome, at most; ours", least=4, idle=FIXED
    )
    weight_rate: float = option(Rates().weight, "of each weight to move; authors' code", least=0.0, most=1.0)
    function_rate: float = option(
        Rates().function,
        "of each node's function to be drawn again; authors' code",
        least=0.0,
        most=1.0,
        idle=FIXED,
    )
    add_connection_rate: float = option(
        Rates().add_connection, "authors' code", least=0.0, most=1.0, idle=FIXED
    )
    delete_connection_rate: float = option(
        Rates().delete_connection, "authors' code", least=0.0, most=1.0, idle=FIXED
    )
    add_node_rate: float = option(Rates().add_node, "authors' code", least=0.0, most=1.0, idle=FIXED)
    delete_node_rate: float = option(Rates().delete_node, "authors' code", least=0.0, most=1.0, idle=FIXED)
    fine_share: float = option(
        Rates().fine,
        "of a large drawing's children that only have their weights moved, by small steps; ours",
        least=0.0,
        most=1.0,
        idle=FIXED,
    )
    fine_weight_rate: float = option(
        Rates().fine_weight, "of each weight to move in those", least=0.0, most=1.0, idle=FIXED
    )
    fine_eta: float = option(
        Rates().fine_eta, "distribution index of those moves; ours", least=1.0, idle=FIXED
    )
    fine_connection_rate: float = option(
        Rates().fine_connection,
        "of those children to gain a connection with a small weight instead; ours",
        least=0.0,
        most=1.0,
        idle=FIXED,
    )


def encoding(config: CppnSettings, image_shape: tuple[int, int, int]) -> Encoding:
    """The CPPN encoding that the settings describe."""
    if config.topology == "fixed":
        return encodings.fixed_cppn(
            image_shape,
            functions=config.functions,
            coordinates=config.coordinates,
            mutation_rate=config.weight_rate,
        )
    height, width, _ = image_shape
    check_fits(
        config,
        ("max_nodes",),
        TRIED_TOGETHER * config.max_nodes * height * width * 4,
        f"{TRIED_TOGETHER} drawings of {height} x {width} pixels, each computed for every node,",
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
            fine=config.fine_share,
            fine_weight=config.fine_weight_rate,
            fine_eta=config.fine_eta,
            fine_connection=config.fine_connection_rate,
        ),
    )
