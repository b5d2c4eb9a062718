"""Trains the LeNets that fooljax ships, on MNIST's 60,000 digits.

    python -m experiments.train_lenet --data idx:DIR --outdir OTHER

DIR holds MNIST's four IDX files. A file of weights for each seed is written to OTHER, and `card.json`, which
says what they are. A seed whose weights are there is not trained again, so the command can be stopped and
given anew. The weights are the same, bit for bit, on any number of cores of one kind of processor with one
JAX.
"""

import argparse
import hashlib
import re
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from fooljax import data as datasets
from fooljax.cli.command_line import Parser, run_command
from fooljax.data.dataset import Dataset
from fooljax.engine.placement import own_device
from fooljax.engine.types import Target
from fooljax.errors import FaultError, InputError
from fooljax.storage.json_files import write_json
from fooljax.storage.outputs import check_output
from fooljax.storage.trees import digest_tree, load_tree, save_tree
from fooljax.targets.fitting import check_trained, facts_of, fit
from fooljax.targets.mnist_choice import MnistSettings
from fooljax.targets.networks.trainable import NETWORKS, apply_of, blank_params
from fooljax.targets.training import RECIPES, Recipe
from fooljax.terminal import Signals, Terminal

MNIST = "e8c6c4d85670f7ccfa422119af485b7575b00c9f2fc86ac6776227068f2ad29b"
"""`Dataset.digest` of MNIST's four files."""
MOST_SEED = 2**31 - 1
COMMAND = "python -m experiments.train_lenet"


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: _main(argv), MnistSettings)


def _main(argv: Sequence[str] | None) -> None:
    parser = Parser(
        prog=COMMAND,
        description="Trains the LeNets that come with fooljax. It can be stopped between two seeds.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--data", required=True, metavar="TEXT", help="The digits, as idx:DIR with MNIST's four IDX files."
    )
    parser.add_argument(
        "--seeds",
        default="0-4",
        type=_seeds,
        metavar="N-N",
        help="One network is trained for each seed in this range. (default: 0-4)",
    )
    parser.add_argument(
        "--outdir", required=True, metavar="DIR", help="The folder for the weights and card.json."
    )
    parser.add_argument(
        "--recipe",
        default="paper-full",
        choices=tuple(RECIPES),
        help="The recipe of the training. (default: paper-full, as in Caffe's example)",
    )
    flags = parser.parse_args(argv)
    with Signals():
        train_all(datasets.load(flags.data), RECIPES[flags.recipe], flags.seeds, Path(flags.outdir))


def train_all(dataset: Dataset, recipe: Recipe, seeds: Sequence[int], folder: Path) -> None:
    """Trains the networks that the folder lacks, and writes its `card.json`.

    Args:
      dataset: the digits.
      recipe: of the training.
      seeds: one network for each.
      folder: for the weights and the facts.

    Raises:
      InputError: a file of weights there is damaged, or of other data or another recipe.
      FaultError: the folder cannot be written.
    """
    say = Terminal().say
    title, _ = NETWORKS["lenet"]
    apply = apply_of("lenet", dataset.num_classes)
    template = blank_params("lenet", dataset.num_classes, dataset.image_shape)
    name, count = "mnist" if dataset.digest == MNIST else dataset.name, len(dataset.train_labels)
    own_device()  # where JAX finds none, no folder is made
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FaultError(f"--outdir {folder}: cannot be made: {error.strerror}") from error
    check_output(folder / "card.json", "--outdir", "a JSON object")
    entries = []
    for seed in seeds:
        path = folder / f"lenet-{name}-{count}-seed{seed}.npz"
        facts = facts_of(dataset, recipe, seed)
        if path.exists():
            params, found = load_tree(path, template)
            if {key: found.get(key) for key in facts} != facts:
                raise InputError(f"{path}: made from other data or by another recipe; choose another folder")
        else:
            say(f"{title}, seed {seed}: {recipe.steps:,} steps on {count:,} images")
            params = fit(dataset, recipe, "lenet", seed)
            save_tree(path, params, facts)
        accuracy = check_trained(Target(params, apply), dataset)
        say(f"{path}: names {accuracy:.2%} of {len(dataset.test_labels):,} held-out images")
        entries.append(
            {
                "seed": seed,
                "file": path.name,
                "accuracy": accuracy,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "params_sha256": digest_tree(params),
            }
        )
    write_json(
        folder / "card.json",
        {
            "network": "lenet",
            "image_shape": list(dataset.image_shape),
            "class_names": list(dataset.class_names),
            "dataset_name": name,
            "train_images": count,
            "test_images": len(dataset.test_labels),
            **{key: value for key, value in facts.items() if key != "seed"},
            "command": f"{COMMAND} --data idx:DIR --outdir DIR --recipe {recipe.name}",
            "versions": {
                package: version(package) for package in ("jax", "jaxlib", "flax", "optax", "numpy")
            },
            "licence": "MIT, as fooljax; docs/licences.md says what the digits come under",
            "weights": entries,
        },
    )


def _seeds(text: str) -> range:
    """Reads `0-4`, or a single seed."""
    found = re.fullmatch(r"([0-9]{1,10})(?:-([0-9]{1,10}))?", text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, -1)
    if not first <= last <= MOST_SEED:
        raise argparse.ArgumentTypeError(f"expected seeds as 0-4, or one, got {text[:40]!r}")
    return range(first, last + 1)


if __name__ == "__main__":
    sys.exit(main())
