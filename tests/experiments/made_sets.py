"""Image sets made in a moment, in place of searches, for tests of what is measured of them."""

import numpy as np

from fooljax.scoring import score
from fooljax.study import measured_sets

Y, X = np.mgrid[:28, :28]


def stripes(seed):
    """Ten images of stripes, upright, level and slanting."""
    rng = np.random.default_rng(seed)
    steps = [(np.cos(angle), np.sin(angle)) for angle in rng.choice([0.0, np.pi / 2, np.pi / 4], 10)]
    waves = [127 + 127 * np.sin(2 * np.pi * (X * dx + Y * dy) / 7 + seed) for dx, dy in steps]
    return np.rint(waves).astype(np.uint8)[..., None]


def measured(workspace, tasks):
    """In the place of `measured_sets.measured`: stripes, or noise, named as the network names them."""
    target = workspace.network(tasks[0].networks[0])
    for task in tasks:
        seed, generator = task.settings["run"], task.settings["generator"]
        rng = np.random.default_rng(seed)
        noise = rng.integers(0, 256, (10, 28, 28, 1), dtype=np.uint8)
        images = noise if "noise" in generator else stripes(seed)
        odds = score(target, images)
        classes = odds.argmax(axis=1)
        own = odds[range(10), classes]
        facts = {"images_digest": f"{seed}", "passes": 0, "log_odds": own.tolist()}
        yield target, measured_sets.Measured(images, classes, own, facts)
