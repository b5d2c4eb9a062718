"""The algorithms of evosax, by evosax's own names, and what the adapter must know of each."""

from typing import NamedTuple


class Algorithm(NamedTuple):
    """What the adapter must know of one algorithm of evosax.

    Attributes:
      line: what it is.
      paper: where it is from.
      shaping: of fitness: "weights" by rank, "centred" ranks, or "raw" where generations are compared.
      is_population: it needs an evaluated population to begin with, not a mean.
      rate: learning rate of Adam, in steps, for those that take an optimiser; None for all others.
      dense: its state holds `[G, G]` matrices.
      pickled: evosax unpickles a bundled file for it.
    """

    line: str
    paper: str
    shaping: str
    is_population: bool = False
    rate: float | None = None
    dense: bool = False
    pickled: bool = False


ALGORITHMS: dict[str, Algorithm] = {
    "ARS": Algorithm("augmented random search", "Mania et al. 2018", "centred", rate=0.2),
    "ASEBO": Algorithm(
        "ES in the active subspace of past gradients",
        "Choromanski et al. 2019",
        "centred",
        rate=0.2,
        dense=True,
    ),
    "CMAAnchoredLES": Algorithm("separable CMA-ES with learned gates", "evosax", "raw", pickled=True),
    "CMA_ES": Algorithm("covariance matrix adaptation", "Hansen and Ostermeier 2001", "weights", dense=True),
    "CR_FM_NES": Algorithm("cost-reduced fast-moving natural ES", "Nomura and Ono 2022", "weights"),
    "DES": Algorithm("ES found by meta-evolution, in closed form", "Lange et al. 2023", "weights"),
    "DifferentialEvolution": Algorithm("differences of members", "Storn and Price 1997", "raw", True),
    "DiffusionEvolution": Algorithm("denoising as evolution", "Zhang et al. 2024", "raw", True, dense=True),
    "ESMC": Algorithm("ES with clipped losses", "Merchant et al. 2021", "centred", rate=0.2),
    "EvoTF_ES": Algorithm("evolution transformer", "Lange et al. 2024", "raw", pickled=True),
    "GESMR_GA": Algorithm("GA, elites of groups of mutation rates", "Kumar et al. 2022", "raw", True),
    "GradientlessDescent": Algorithm("steps of many radii", "Golovin et al. 2019", "raw"),
    "GuidedES": Algorithm("ES guided by past gradients", "Maheswaranathan et al. 2018", "centred", rate=0.2),
    "HillClimbing": Algorithm("Gaussian steps from the best", "folklore", "raw"),
    "LES": Algorithm("learned ES", "Lange et al. 2023", "raw", pickled=True),
    "LGA": Algorithm("learned GA", "Lange et al. 2023", "raw", True, pickled=True),
    "LM_MA_ES": Algorithm("limited-memory matrix adaptation", "Loshchilov et al. 2017", "weights"),
    "MA_ES": Algorithm("matrix adaptation", "Beyer and Sendhoff 2017", "weights", dense=True),
    "MR15_GA": Algorithm("GA with the 1/5 rule", "Rechenberg 1987", "raw", True),
    "NoiseReuseES": Algorithm("ES that reuses its noise", "Li et al. 2023", "centred", rate=0.2),
    "Open_ES": Algorithm("OpenAI's ES", "Salimans et al. 2017", "centred", rate=0.2),
    "PGPE": Algorithm("parameter-exploring policy gradients", "Sehnke et al. 2010", "centred", rate=0.2),
    "PSO": Algorithm("particle swarm", "Kennedy and Eberhart 1995", "raw", True),
    "PersistentES": Algorithm("persistent ES", "Vicol et al. 2021", "centred", rate=0.2),
    "RandomSearch": Algorithm("uniform genomes; a control", "-", "raw"),
    "Rm_ES": Algorithm("rank-m ES, m directions", "Li and Zhang 2017", "weights"),
    "SAMR_GA": Algorithm("GA with self-adapting mutation rates", "Clune et al. 2008", "raw", True),
    "SNES": Algorithm("separable natural ES", "Wierstra et al. 2014", "weights"),
    "SV_CMA_ES": Algorithm("Stein variational CMA-ES", "Braun et al. 2024", "weights", dense=True),
    "SV_Open_ES": Algorithm("Stein variational OpenAI ES", "Liu et al. 2017", "centred", rate=0.2),
    "Sep_CMA_ES": Algorithm("CMA-ES with a diagonal covariance", "Ros and Hansen 2008", "weights"),
    "SimpleES": Algorithm("mean and deviation of the best", "Rechenberg 1973", "weights"),
    "SimpleGA": Algorithm("GA with Gaussian mutation", "Such et al. 2017", "raw", True),
    "SimulatedAnnealing": Algorithm("cooling random walk", "Kirkpatrick et al. 1983", "raw"),
    "iAMaLGaM_Full": Algorithm("estimated Gaussian, full", "Bosman et al. 2013", "raw", dense=True),
    "iAMaLGaM_Univariate": Algorithm("estimated Gaussian, diagonal", "Bosman et al. 2013", "raw"),
    "xNES": Algorithm("exponential natural ES", "Wierstra et al. 2014", "weights", dense=True),
}
"""By evosax's own names."""
