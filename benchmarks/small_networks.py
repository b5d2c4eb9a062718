"""SqueezeNet, Tiny Darknet and ResNet-20 for `benchmarks.targets`: their work, weights, and PyTorch's form.

The weights are random, which cost as much as real ones.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn

from fooljax.engine.types import Params
from fooljax.targets import cifar10, imagenet
from fooljax.targets.crops import Crops
from fooljax.targets.networks import cifar_resnet, squeezenet, tiny_darknet
from fooljax.targets.weights import NamedTensors

GOLDEN = Path(__file__).parent.parent / "tests" / "golden"
SMALL = ("squeezenet", "tiny-darknet", "resnet20")


class SmallNetwork(NamedTuple):
    """A network that is measured.

    Attributes:
      module: of Flax.
      how: what its images go through.
      params: random ones.
      sides: of the maps that each convolution gives, in the order of `params`' kernels.
    """

    module: nn.Module
    how: Crops
    params: Params
    sides: tuple[int, ...]

    @property
    def flops(self) -> float:
        """Floating-point operations of one image: multiplications and additions of all weights."""
        kernels = [array for name, array in self.params["params"].items() if name.endswith("_kernel")]
        return sum(2.0 * kernel.size * side**2 for kernel, side in zip(kernels, self.sides, strict=True))


def _arrays(name: str) -> dict[str, Any]:
    sys.path.insert(0, str(GOLDEN))
    import drawn_weights

    if name == "squeezenet":
        return drawn_weights.random_weights(drawn_weights.squeezenet_shapes())
    if name == "tiny-darknet":
        order = {tiny_darknet.ORDER: drawn_weights.darknet_order()}
        return drawn_weights.random_weights(drawn_weights.tiny_darknet_shapes()) | order
    return drawn_weights.random_weights(drawn_weights.cifar_resnet_shapes(cifar_resnet.VARIANTS[name]))


def small_network(name: str) -> SmallNetwork:
    """A network by its name in `SMALL`."""
    tensors = NamedTensors(_arrays(name), name)
    sides: tuple[int, ...]
    if name == "squeezenet":
        sides = (111, *(55,) * 9, *(27,) * 12, *(13,) * 3, 13)
        params = squeezenet.params_from(tensors)
        return SmallNetwork(imagenet.network(name), imagenet.crops_of(name), params, sides)
    if name == "tiny-darknet":
        sides = (224, 112, *(56,) * 4, *(28,) * 4, *(14,) * 6)
        params = tiny_darknet.params_from(tensors)
        return SmallNetwork(imagenet.network(name), imagenet.crops_of(name), params, sides)
    blocks = cifar_resnet.VARIANTS[name]
    sides = (*(32,) * (1 + 2 * blocks), *(16,) * 2 * blocks, *(8,) * 2 * blocks, 1)
    params = cifar_resnet.params_from(tensors, name)
    return SmallNetwork(cifar_resnet.CifarResNet(name), cifar10.HOW, params, sides)


def torch_of_small(name: str) -> Callable[[Any], Any]:
    """PyTorch's form of a network: a function of images `[B, 3, S, S]` in [0, 1]. Wants PyTorch."""
    arrays = _arrays(name)  # which finds the folder of the next line
    import make_small_networks as theirs

    order = arrays.pop(tiny_darknet.ORDER, None)
    state = theirs.as_tensors(arrays)
    if name == "squeezenet":
        return lambda images: theirs.squeezenet(state, images)
    if name == "tiny-darknet":
        return lambda images: theirs.tiny_darknet(state, images, order)
    return lambda images: theirs.cifar_resnet(state, images, cifar_resnet.VARIANTS[name])
