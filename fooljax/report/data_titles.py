"""What people read for a data set, in place of the short name that rows have for it."""

import re

TITLES = {
    "mnist": "MNIST",
    "mnist-embedded": "MNIST (the embedded digits)",
    "fashion-mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "imagenet": "ImageNet",
}
"""By the name of a file, a folder or a set of networks."""


def data_title(name: str) -> str:
    """What people read for a data set.

    Args:
      name: in a row. It says how the data were read, then the name of their file or folder, which may end in
        a number of images, as "npz-cifar10-2000".
    Returns:
      Its title, as "CIFAR-10 (2,000 images)"; of data that nobody knows, the name of the file or folder.
    """
    own = re.sub(r"^(idx|npz|folder)-|-tfds$", "", name)
    known, _, images = own.rpartition("-")
    if known in TITLES and images.isdecimal():
        return f"{TITLES[known]} ({int(images):,} images)"
    return TITLES.get(own, own)
