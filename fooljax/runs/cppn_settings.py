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
"""Where the topology does not evolve, most settings of its evolution have no effect."""


@dataclass(frozen=True)
class CppnSettings:
    """How the networks that draw images look, and how they change."""

    topology: str = option(
        "evolved",
        "Whether nodes and connections of the drawing networks evolve, or only the weights of fixed ones.",
        choices=("evolved", "fixed"),
    )
    functions: str = option(
        "wide",
        "Which functions the nodes may have.",
        source="The authors' code has paper. wide was the quickest in our comparison.",
        choices=tuple(FUNCTION_SETS),
    )
    coordinates: str = option(
        "scaled",
        "How a drawing network gets the place of a pixel: scaled to [-1, 1], or raw as indices.",
        source="The authors' code has raw. scaled was the quickest in our comparison.",
        choices=tuple(COORDINATES),
    )
    max_nodes: int = option(
        MAX_NODES,
        "Number of nodes of a drawing network, at most; inputs and outputs count.",
        source="The paper has no such limit.",
        least=5,
        idle=FIXED,
    )
    max_connections: int = option(
        MAX_CONNECTIONS,
        "Number of connections of a drawing network, at most.",
        source="The paper has no such limit.",
        least=4,
        idle=FIXED,
    )
    weight_rate: float = option(
        Rates().weight,
        "Probability that a weight changes in a child.",
        source="The default is that of the authors' code.",
        least=0.0,
        most=1.0,
    )
    function_rate: float = option(
        Rates().function,
        "Probability that the function of a node is drawn again in a child.",
        source="The default is that of the authors' code.",
        least=0.0,
        most=1.0,
        idle=FIXED,
    )
    add_connection_rate: float = option(
        Rates().add_connection,
        "Probability that a child gains a connection.",
        source="The default is that of the authors' code.",
        least=0.0,
        most=1.0,
        idle=FIXED,
    )
    delete_connection_rate: float = option(
        Rates().delete_connection,
        "Probability that a child loses a connection.",
        source="The default is that of the authors' code.",
        least=0.0,
        most=1.0,
        idle=FIXED,
    )
    add_node_rate: float = option(
        Rates().add_node,
        "Probability that a child gains a node.",
        source="The default is that of the authors' code.",
        least=0.0,
        most=1.0,
        idle=FIXED,
    )
    delete_node_rate: float = option(
        Rates().delete_node,
        "Probability that a child loses a node.",
        source="The default is that of the authors' code.",
        least=0.0,
        most=1.0,
        idle=FIXED,
    )
    fine_share: float = option(
        Rates().fine,
        "Share of the children that change only a little: small steps of their weights, or one new "
        "connection with a small weight. For a drawing network that has grown from m to n connections, the "
        "share is this times 1 - m / n. So a network that has not grown has no such children. With more "
        "than 1, all children of the largest networks are such ones.",
        source="The paper has no such children.",
        least=0.0,
        most=10.0,
        idle=FIXED,
    )
    fine_weight_rate: float = option(
        Rates().fine_weight,
        "Probability that a weight changes in a child that changes only a little.",
        source="The paper has no such children.",
        least=0.0,
        most=1.0,
        idle=FIXED,
    )
    fine_eta: float = option(
        Rates().fine_eta,
        "Index of the polynomial mutation of those weights. A larger one makes smaller steps.",
        source="The paper has no such children.",
        least=1.0,
        idle=FIXED,
    )
    fine_eta_most: float = option(
        Rates().fine_eta_most,
        "Where this is not 0, each child that changes only a little draws its index between --fine-eta and "
        "this one, uniformly by its logarithm. So small and smaller steps are tried side by side.",
        source="The paper has no such children.",
        least=0.0,
        idle=FIXED,
    )
    fine_connection_rate: float = option(
        Rates().fine_connection,
        "Probability that a child which changes only a little gains a connection instead.",
        source="The paper has no such children.",
        least=0.0,
        most=1.0,
        idle=FIXED,
    )


def encoding(settings: CppnSettings, image_shape: tuple[int, int, int]) -> Encoding:
    """The CPPN encoding that the settings describe.

    Raises:
      InputError: its drawings would not fit into memory, or a size is not what was expected.
    """
    if settings.topology == "fixed":
        return encodings.fixed_cppn(
            image_shape,
            functions=settings.functions,
            coordinates=settings.coordinates,
            mutation_rate=settings.weight_rate,
        )
    height, width, _ = image_shape
    check_fits(
        settings,
        ("max_nodes",),
        TRIED_TOGETHER * settings.max_nodes * height * width * 4,
        f"{TRIED_TOGETHER} drawings of {height} x {width} pixels, each computed for every node,",
    )
    return encodings.cppn(
        image_shape,
        functions=settings.functions,
        coordinates=settings.coordinates,
        max_nodes=settings.max_nodes,
        max_connections=settings.max_connections,
        rates=Rates(
            weight=settings.weight_rate,
            function=settings.function_rate,
            add_connection=settings.add_connection_rate,
            delete_connection=settings.delete_connection_rate,
            add_node=settings.add_node_rate,
            delete_node=settings.delete_node_rate,
            fine=settings.fine_share,
            fine_weight=settings.fine_weight_rate,
            fine_eta=settings.fine_eta,
            fine_connection=settings.fine_connection_rate,
            fine_eta_most=settings.fine_eta_most,
        ),
    )
