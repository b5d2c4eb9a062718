"""Networks that come with the package, trained. Nothing is downloaded and no dataset is read.

`python -m experiments.train_lenet` made them. `card.json` beside the weights says from what data, by which
recipe, and how well they name the digits that were held out.
"""

import functools
import hashlib
from pathlib import Path
from typing import Any

import jax

from fooljax.engine.placement import own_device
from fooljax.engine.types import Target
from fooljax.errors import FaultError, InputError, shown
from fooljax.own_settings import with_own_settings
from fooljax.storage.json_files import read_json
from fooljax.storage.trees import load_tree
from fooljax.targets.networks.trainable import NETWORKS, apply_of, blank_params

FOLDER = Path(__file__).with_name("shipped_weights")
SHIPPED_NETWORK = "lenet"


@with_own_settings
def pretrained(network: str = "lenet", seed: int = 0) -> Target:
    """A network that comes with the package: "lenet", trained on MNIST's 60,000 digits.

    Args:
      network: "lenet", the only one so far.
      seed: 0 to 4; the five networks differ in their first weights and in the order of the digits.
    Returns:
      The target, which takes images `[B, 28, 28, 1]` in [0, 1]. Its accuracy was measured on
      MNIST's 10,000 test digits.
    Raises:
      InputError: there is no such network or seed.
      FaultError: the installed files are damaged.
    """
    shipped = shipped_facts()
    own_device()  # where JAX finds none, its error is no fault of the installed files
    try:
        return _read(shipped, network, seed)
    except (InputError, FaultError):
        raise
    except Exception as error:  # a network of a wrong shape makes Flax raise what it likes
        found = f"{type(error).__name__}: {shown(error)}"
        raise FaultError(f"{FOLDER / 'card.json'}: damaged ({found}); install fooljax again") from error


def _read(shipped: dict[str, Any], network: str, seed: int) -> Target:
    """The network; an error of another kind than ours where `card.json` is not of its form."""
    if network != shipped["network"]:
        known = shown(shipped["network"])
        raise InputError(f"network: expected one that is shipped ({known}), got {network}")
    entry = next((entry for entry in shipped["weights"] if entry["seed"] == seed), None)
    if entry is None:
        seeds = [entry["seed"] for entry in shipped["weights"]]
        known = f"{shown(seeds[0], 40)} to {shown(seeds[-1], 40)}"
        raise InputError(f"seed: expected {known} for the shipped networks, got {seed}")
    path = FOLDER / entry["file"]
    title, _ = NETWORKS[network]
    image_shape = tuple(shipped["image_shape"])
    if min(image_shape) < 1:  # not every Flax refuses it
        raise ValueError(f"image_shape {shown(image_shape)}")
    template = blank_params(network, len(shipped["class_names"]), image_shape)
    try:
        intact = hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
        params, _ = load_tree(path, template)
    except (OSError, InputError) as error:
        raise FaultError(f"{path}: cannot be read ({error}); install fooljax again") from error
    if not intact:
        raise FaultError(f"{path}: does not match its checksum; install fooljax again")
    facts = {name: shipped[name] for name in ("recipe", "dataset", "dataset_name", "train_images")}
    return Target(
        jax.device_put(params),
        apply_of(network, len(shipped["class_names"])),
        name=f"{title} ({shipped['recipe']['name']} recipe)",
        image_shape=image_shape,
        class_names=tuple(shipped["class_names"]),
        clean_accuracy=entry["accuracy"],
        provenance={
            "network": title,
            **facts,
            "test_images": shipped["test_images"],
            "seed": entry["seed"],
            "params_sha256": entry["params_sha256"],
            "jax": shipped["versions"]["jax"],
            "flax": shipped["versions"]["flax"],
        },
    )


def shipped_seeds() -> tuple[int, ...]:
    """The seeds of the shipped networks.

    Raises:
      FaultError: the installed files are damaged.
    """
    return tuple(entry["seed"] for entry in shipped_facts()["weights"])


@functools.cache
def shipped_facts() -> dict[str, Any]:
    """The facts in `card.json`, of all shipped networks together.

    Raises:
      FaultError: it is missing or damaged.
    """
    try:
        return read_json(FOLDER / "card.json")
    except InputError as error:
        raise FaultError(f"{error}; install fooljax again") from error
