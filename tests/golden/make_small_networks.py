"""Makes tests/golden/small_networks.npz: PyTorch's logits of SqueezeNet, Tiny Darknet and CIFAR-10's ResNets.

    pip install -e '.[golden]' && python tests/golden/make_small_networks.py

An implementation of its own, with PyTorch's operators, in its order of axes, and batch norm not folded. The
weights are random; the tests draw them again. The images are those of imagenet.npz, for CIFAR-10 every eighth
pixel of them.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from drawn_weights import (
    cifar_resnet_shapes,
    darknet_order,
    random_weights,
    squeezenet_shapes,
    tiny_darknet_shapes,
)

HERE = Path(__file__).parent
BLOCKS = {"resnet20": 3, "resnet32": 5, "resnet44": 7, "resnet56": 9}


def squeezenet(state, x):
    """SqueezeNet 1.0 as Caffe has it; x is RGB in [0, 1]."""

    def conv(x, name, **how):
        return F.relu(F.conv2d(x, state[f"{name}.w"], state[f"{name}.b"], **how))

    def pool(x):
        return F.max_pool2d(x, 3, 2, ceil_mode=True)

    x = x.flip(1) * 255 - torch.tensor([104.0, 117.0, 123.0])[None, :, None, None]
    x = pool(conv(x, "conv1", stride=2))
    for index in range(2, 10):
        x = conv(x, f"fire{index}/s")
        x = torch.cat([conv(x, f"fire{index}/e1"), conv(x, f"fire{index}/e3", padding=1)], 1)
        x = pool(x) if index in (4, 8) else x
    return conv(x, "final", padding=1).mean((2, 3))


def tiny_darknet(state, x, order):
    """Tiny Darknet; x is RGB in [0, 1]. Output `o` of the file is class `order[o]`."""
    for index in range(1, 17):
        kernel = state[f"conv2d_{index}/kernel"].permute(3, 2, 0, 1)
        x = F.conv2d(x, kernel, state.get(f"conv2d_{index}/bias"), padding=kernel.shape[-1] // 2)
        if index < 16:
            norm = f"batch_normalization_{index}"
            scale, shift, mean, variance = (
                state[f"{norm}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
            )
            x = F.leaky_relu(F.batch_norm(x, mean, variance, scale, shift, eps=1e-3), 0.1)
        x = F.max_pool2d(x, 2) if index in (1, 2, 6, 10) else x
    logits = torch.empty_like(found := x.mean((2, 3)))
    logits[:, torch.from_numpy(order)] = found
    return logits


def cifar_resnet(state, x, blocks):
    """A ResNet with shortcuts of option A; x is RGB in [0, 1]."""

    def norm(x, name):
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        return F.batch_norm(x, mean, variance, state[f"{name}.weight"], state[f"{name}.bias"])

    mean, deviation = (
        torch.tensor(values)[None, :, None, None] for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    x = F.relu(norm(F.conv2d((x - mean) / deviation, state["conv1.weight"], padding=1), "bn1"))
    for stage in (1, 2, 3):
        for block in range(blocks):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = F.conv2d(x, state[f"{name}.conv1.weight"], stride=stride, padding=1)
            y = F.conv2d(F.relu(norm(y, f"{name}.bn1")), state[f"{name}.conv2.weight"], padding=1)
            if stride == 2:
                quarter = y.shape[1] // 4
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, quarter, quarter))
            x = F.relu(norm(y, f"{name}.bn2") + x)
    return x.mean((2, 3)) @ state["linear.weight"].T + state["linear.bias"]


def as_tensors(weights):
    """The arrays of a network for PyTorch."""
    return {name: torch.from_numpy(array) for name, array in weights.items()}


def as_inputs(images, side):
    """The centres of 8-bit images, in [0, 1], channels first."""
    margin = (images.shape[1] - side) // 2
    cut = images[:, margin : margin + side, margin : margin + side]
    return torch.from_numpy(cut.astype(np.float32) / 255).permute(0, 3, 1, 2).contiguous()


def main():
    """Writes the file."""
    with np.load(HERE / "imagenet.npz") as arrays:
        images = arrays["images_256"]
    logits = {}
    with torch.no_grad():
        state = as_tensors(random_weights(squeezenet_shapes()))
        logits["squeezenet"] = squeezenet(state, as_inputs(images, 227))
        state = as_tensors(random_weights(tiny_darknet_shapes()))
        logits["tiny-darknet"] = tiny_darknet(state, as_inputs(images, 224), darknet_order())
        for name, blocks in BLOCKS.items():
            state = as_tensors(random_weights(cifar_resnet_shapes(blocks)))
            logits[name] = cifar_resnet(state, as_inputs(images[:, ::8, ::8], 32), blocks)
    np.savez_compressed(HERE / "small_networks.npz", **{name: each.numpy() for name, each in logits.items()})


if __name__ == "__main__":
    main()
