"""Files of what was trained on the user's machine, once: whole, with a checksum, or absent.

Whatever is wrong with a file, the training is done again, and a notice says so. A folder that cannot be
written is no error either.
"""

import errno
import logging
import re
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fooljax.data.dataset import Dataset
from fooljax.engine.types import Params
from fooljax.errors import FaultError, InputError, shown
from fooljax.identity import unusual_generator
from fooljax.storage.cache import cache_folder
from fooljax.storage.trees import load_tree, save_tree

logger = logging.getLogger("fooljax")
PACKAGES = ("jax", "flax")
"""Packages whose versions are noted beside what they trained."""


def cached_path(dataset: Dataset, kind: str, seed: int, cache: Path | None = None) -> Path:
    """Where the file is, or will be.

    Args:
      dataset: what is learnt from.
      kind: what is trained and how, in a word or two.
      seed: of the training.
      cache: the folder; `cache_folder() / "targets"` by default.
    """
    folder = cache_folder() / "targets" if cache is None else cache
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{kind}-{dataset.name[:80]}")
    return folder / f"{name}-{dataset.digest[:12]}-seed{seed}.npz"


def kept_or_trained(
    path: Path,
    template: Params,
    facts: Mapping[str, Any],
    train: Callable[[], Params],
    check: Callable[[Params], float],
    packages: tuple[str, ...] = PACKAGES,
) -> tuple[Params, float, dict[str, str]]:
    """Reads parameters from their file, or trains them and writes it.

    Args:
      path: of the file, see `cached_path`.
      template: the tree of shapes and dtypes to expect.
      facts: what decides the parameters, beside JAX's generator of random bits; those of the file must be the
        same.
      train: gives the parameters; it is called only where the file does not serve.
      check: measures the accuracy. It raises where the parameters are of no use, which are then not kept.
      packages: whose versions the file must tell.
    Returns:
      The parameters, their accuracy, and the versions of the packages that made them.
    """
    facts = {**facts, **unusual_generator()}
    found = _read(path, template, facts, packages)
    if found is not None:
        params, made_with = found
        return params, check(params), made_with
    keeps = _can_keep(path)
    params, made_with = train(), {name: version(name) for name in packages}
    clean = check(params)
    if keeps:
        _keep(path, params, {**facts, "made_with": made_with})
    return params, clean, made_with


def _read(
    path: Path, template: Params, facts: Mapping[str, Any], packages: tuple[str, ...]
) -> tuple[Params, dict[str, str]] | None:
    """The parameters that a file holds, and what made them; None where there are none that can be used."""
    try:
        if not path.is_file():
            if path.exists():
                logger.warning("%s: expected a file; training again", path)
            return None
        params, found = load_tree(path, template)
        made_with = found.pop("made_with", None)
    # Whatever a damaged file makes the libraries below raise, the network can be made again.
    except Exception as error:
        logger.warning("%s: cannot be used (%s); training again", path, shown(error))
        return None
    if found != facts or not isinstance(made_with, dict) or set(made_with) != set(packages):
        logger.warning("%s: made by another version of the recipe; training again", path)
        return None
    return params, made_with


def _can_keep(path: Path) -> bool:
    """Whether the file can be written, with a notice where it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise FileExistsError(errno.EEXIST, "a folder, a pipe or a device is in the way", str(path))
        with tempfile.TemporaryFile(dir=path.parent):
            return True
    except OSError as error:
        logger.warning("%s: the network will not be kept, since %s", path, shown(error.strerror or error))
        return False


def _keep(path: Path, params: Params, facts: Mapping[str, Any]) -> None:
    try:
        save_tree(path, params, facts)
    except (FaultError, InputError) as error:
        logger.warning("%s; the network is used, but not kept", shown(error))
