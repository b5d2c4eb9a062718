"""Images that a LeNet learns in a second, and a recipe that is as quick."""

import numpy as np

from fooljax.targets import Recipe

QUICK = Recipe("quick", steps=40, optimizer="sgd", learning_rate=0.02, weight_decay=0.0005, batch_size=32)


def bars(count=400, classes=4, seed=0, size=16):
    """Images whose class is the place of a bright bar, in noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = rng.integers(0, 90, (count, size, size), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 3 * label : 3 * label + 3] += 150
    return images, labels.astype(np.int32)
