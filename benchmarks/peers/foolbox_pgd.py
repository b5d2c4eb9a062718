"""Foolbox's projected gradient descent beside `fooljax.perturb`, on the same network and the same digits.

    pip install -r benchmarks/peers/foolbox.txt
    python -m benchmarks.peers.foolbox_pgd docs/results/hidden/foolbox.json

Foolbox is given a largest change and says which images it fools within it; from a random start, so that it is
asked with several seeds. Fooljax looks for the smallest change, and fools an image within a limit if that is
no larger. Both see float images, aim at the same classes and must reach the arg-max. Foolbox
looks at the gradient of an image `STEPS` times for each limit, fooljax as often as by its defaults in all.
"""

import argparse
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import fooljax
from fooljax.data import load
from fooljax.storage.json_files import write_json
from fooljax.study.perturbed_images import other_classes
from fooljax.targets import pretrained

LIMITS = {
    "linf": (0.1, 0.2, 0.3),
    "l2": (1.0, 2.0, 3.0),
}
IMAGES, STEPS, SEEDS = 20, 80, 3
ROUNDS, OWN_STEPS = 12, 20
"""The defaults of `fooljax.perturb`."""
STEP = 0.1
"""Foolbox's step, as a share of the limit. Its own, a thirtieth, hardly crosses the ball in so many steps."""


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Embedded test digits, and a class other than its own for each."""
    dataset = load("embedded")
    chosen = slice(0, None, len(dataset.test_labels) // IMAGES)
    labels = dataset.test_labels[chosen][:IMAGES]
    return dataset.test_images[chosen][:IMAGES], other_classes(labels, dataset.num_classes, seed=0)


def of_foolbox(network: Any, images: np.ndarray, aims: np.ndarray, norm: str) -> list[list[float]]:
    """The share of images fooled within each limit, for each seed."""
    import foolbox  # type: ignore[import-not-found]

    model = foolbox.models.JAXModel(jax.jit(lambda x: network.apply(network.params, x)), bounds=(0, 1))
    attacks = foolbox.attacks
    kind = {
        "linf": attacks.LinfProjectedGradientDescentAttack,
        "l2": attacks.L2ProjectedGradientDescentAttack,
    }
    criterion = foolbox.criteria.TargetedMisclassification(jnp.asarray(aims))
    shares = []
    for seed in range(SEEDS):
        np.random.seed(seed)  # noqa: NPY002  Foolbox draws its starts from NumPy's own generator
        attack = kind[norm](rel_stepsize=STEP, steps=STEPS, random_start=True)
        _, _, done = attack(model, jnp.asarray(images, jnp.float32) / 255.0, criterion, epsilons=LIMITS[norm])
        shares.append([float(np.mean(np.asarray(one))) for one in done])
    return shares


def main() -> None:
    """Writes the shares of both."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("output", type=Path, help="The JSON file to write.")
    output = parser.parse_args().output
    import foolbox

    network, (images, aims) = pretrained("lenet", 0), digits()
    found: dict[str, Any] = {
        "network_sha256": network.provenance["params_sha256"],
        "images": IMAGES,
        "steps": STEPS,
        "step": STEP,
        "own_looks": ROUNDS * OWN_STEPS,
        "versions": {"foolbox": foolbox.__version__, "fooljax": fooljax.__version__, "jax": jax.__version__},
        "norms": {},
    }
    for norm, limits in LIMITS.items():
        ours = fooljax.perturb(
            network, images, aims, norm=norm, rounded=False, rounds=ROUNDS, steps=OWN_STEPS
        )
        found["norms"][norm] = {
            "limits": list(limits),
            "foolbox": of_foolbox(network, images, aims, norm),
            "fooljax": [float(np.mean(ours.found & (ours.length <= limit))) for limit in limits],
        }
        print(norm, found["norms"][norm])
    output.parent.mkdir(parents=True, exist_ok=True)
    write_json(output, found)


if __name__ == "__main__":
    main()
