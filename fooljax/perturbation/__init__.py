"""Small changes of given images that turn one class into another.

They are the converse of fooling images: the image stays what it was for people, and its class changes for the
network. `perturb` looks for the smallest change of many images in one compiled program. A `Norm` says how
changes are measured, and a `Method` how one of limited size is looked for.
"""

from fooljax.perturbation._lbfgs import lbfgs
from fooljax.perturbation._pgd import pgd
from fooljax.perturbation.attempt import Method
from fooljax.perturbation.driver import METHODS, Perturbed, perturb
from fooljax.perturbation.noise import NOISES, noise_of_length
from fooljax.perturbation.norms import L2, LINF, NORMS, Norm
from fooljax.perturbation.sizes import peak_signal_to_noise

__all__ = [
    "L2",
    "LINF",
    "METHODS",
    "NOISES",
    "NORMS",
    "Method",
    "Norm",
    "Perturbed",
    "lbfgs",
    "noise_of_length",
    "peak_signal_to_noise",
    "perturb",
    "pgd",
]
