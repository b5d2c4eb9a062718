"""The generative classifiers that experiments ask for by name, as `vae-0`: a kind and a seed."""

import re

from fooljax.data.dataset import Dataset
from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.generative.trained import KINDS, generative
from fooljax.targets.choice import Say
from fooljax.targets.collection import SEEDS

NAMES = tuple(f"{kind}-{seed}" for kind in KINDS for seed in SEEDS)
"""Those that lists of names have; any other seed may follow the kind."""


def is_generative(name: str) -> bool:
    """Whether a name is one of a generative classifier.

    Args:
      name: of any network.
    Returns:
      True for a kind in `KINDS` with a seed.
    """
    return _parts(name) is not None


def find(name: str, data: Dataset, say: Say) -> Target:
    """The generative classifier of a name, trained on the data or read from the cache.

    Args:
      name: a kind in `KINDS` and a seed, as in `NAMES`.
      data: what it learns from.
      say: takes a line before a training.
    Returns:
      The target.
    Raises:
      InputError: there is no such name; else as `fooljax.generative.generative`.
      FaultError: a package is missing.
    """
    parts = _parts(name)
    if parts is None:
        raise InputError(f"network: expected one of {', '.join(NAMES)}, got {shown(name, 60)}")
    kind, seed = parts
    return generative(data, kind, seed=seed, on_training=say)


def _parts(name: str) -> tuple[str, int] | None:
    found = re.fullmatch(rf"({'|'.join(KINDS)})-([0-9]{{1,9}})", str(name))
    return (found[1], int(found[2])) if found else None
