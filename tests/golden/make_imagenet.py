"""Makes tests/golden/imagenet.npz: what PyTorch says of some images, for tests that run without PyTorch.

    pip install -e '.[golden,imagenet]' && python tests/golden/make_imagenet.py

An implementation of its own, with PyTorch's operators and, for EfficientNet-Lite, PyTorch's own reading of
the weights. AlexNet's relatives get random weights, which the tests draw again.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from drawn_weights import caffe_shapes, random_weights, torchvision_shapes
from PIL import Image
from sklearn.datasets import load_sample_image

HERE = Path(__file__).parent
SIDES = {"efficientnet-lite0": 224, "efficientnet-lite1": 240, "efficientnet-lite2": 260}


def photograph(name, side):
    """A square photograph: the centre of one that scikit-learn brings."""
    image = Image.fromarray(load_sample_image(name))
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    return np.asarray(
        image.crop((left, top, left + edge, top + edge)).resize((side, side), Image.Resampling.BICUBIC)
    )


def _same(x, kernel, stride):
    edges = []
    for size in (x.shape[3], x.shape[2]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        edges += [total // 2, total - total // 2]
    return F.pad(x, edges)


def lite(state, x):
    """EfficientNet-Lite by the tensors' own shapes, batch norm not folded."""

    def norm(x, name):
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        return F.batch_norm(x, mean, variance, state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-3)

    x = (x * 255 - 127) / 128
    x = F.relu6(norm(F.conv2d(_same(x, 3, 2), state["_conv_stem.weight"], stride=2), "_bn0"))
    index, channels = 0, 32
    # Blocks with stride 2 are the first ones of their stages: where the width grows, but for 112 and 320.
    while f"_blocks.{index}._bn1.weight" in state:
        block = f"_blocks.{index}"
        out = state[f"{block}._project_conv.weight"].shape[0]
        halves = out != channels and [_stage(out), _stage(channels)] not in ([0, -1], [4, 3], [6, 5])
        y = x
        if f"{block}._expand_conv.weight" in state:
            y = F.relu6(norm(F.conv2d(y, state[f"{block}._expand_conv.weight"]), f"{block}._bn0"))
        depth = state[f"{block}._depthwise_conv.weight"]
        stride = 2 if halves else 1
        y = F.conv2d(_same(y, depth.shape[-1], stride), depth, stride=stride, groups=y.shape[1])
        y = norm(
            F.conv2d(F.relu6(norm(y, f"{block}._bn1")), state[f"{block}._project_conv.weight"]),
            f"{block}._bn2",
        )
        x = x + y if stride == 1 and out == channels else y
        index, channels = index + 1, out
    x = F.relu6(norm(F.conv2d(x, state["_conv_head.weight"]), "_bn1")).mean((2, 3))
    return x @ state["_fc.weight"].T + state["_fc.bias"]


def _stage(width):
    """The stage of a width, for both widths of networks that are read here."""
    stages = [{16}, {24}, {40, 48}, {80, 88}, {112, 120}, {192, 208}, {320, 352}]
    return next((index for index, widths in enumerate(stages) if width in widths), -1)


def caffe(state, x, *, norm_first):
    """CaffeNet, or AlexNet where normalisation comes before pooling."""

    def lrn(x):
        return F.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1.0)

    def pool(x):
        return F.max_pool2d(x, 3, 2, ceil_mode=True)

    def after(x):
        return pool(lrn(x)) if norm_first else lrn(pool(x))

    def conv(x, name, **how):
        return F.relu(F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], **how))

    mean = torch.tensor([104.007, 116.669, 122.679])[None, :, None, None]
    x = x.flip(1) * 255 - mean
    x = after(conv(x, "conv1", stride=4))
    x = after(conv(x, "conv2", padding=2, groups=2))
    x = conv(conv(x, "conv3", padding=1), "conv4", padding=1, groups=2)
    x = pool(conv(x, "conv5", padding=1, groups=2)).flatten(1)
    for name in ("fc6", "fc7"):
        x = F.relu(x @ state[f"{name}.weight"].T + state[f"{name}.bias"])
    return x @ state["fc8.weight"].T + state["fc8.bias"]


def torchvision(state, x):
    """torchvision's AlexNet."""

    def conv(x, name, **how):
        return F.relu(F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], **how))

    mean, deviation = (
        torch.tensor(values)[None, :, None, None] for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    x = (x - mean) / deviation
    x = F.max_pool2d(conv(x, "features.0", stride=4, padding=2), 3, 2)
    x = F.max_pool2d(conv(x, "features.3", padding=2), 3, 2)
    x = conv(conv(x, "features.6", padding=1), "features.8", padding=1)
    x = F.max_pool2d(conv(x, "features.10", padding=1), 3, 2).flatten(1)
    for name in ("classifier.1", "classifier.4"):
        x = F.relu(x @ state[f"{name}.weight"].T + state[f"{name}.bias"])
    return x @ state["classifier.6.weight"].T + state["classifier.6.bias"]


def _inputs(images, side):
    margin = (images.shape[1] - side) // 2
    cut = images[:, margin : margin + side, margin : margin + side]
    return torch.from_numpy(cut.astype(np.float32) / 255).permute(0, 3, 1, 2).contiguous()


def main():
    """Writes the file."""
    from fooljax.targets.imagenet import packaged_weights

    arrays = {}
    for size in (256, 272, 292):
        random = np.random.default_rng(size).integers(0, 256, (size, size, 3), np.uint8)
        evolved = [
            np.asarray(Image.open(path).convert("RGB").resize((size, size), Image.Resampling.NEAREST))
            for path in sorted((HERE / "evolved").glob("*.png"))
        ]
        photographs = [photograph(name, size) for name in ("china.jpg", "flower.jpg")]
        arrays[f"images_{size}"] = np.stack([*photographs, random, *evolved])
    with torch.no_grad():
        for name, side in SIDES.items():
            state = torch.load(packaged_weights(name), weights_only=True)
            arrays[name] = lite(state, _inputs(arrays[f"images_{side + 32}"], side)).numpy()
        for name, norm_first in (("caffenet", False), ("alexnet", True)):
            state = {k: torch.from_numpy(v) for k, v in random_weights(caffe_shapes()).items()}
            arrays[name] = caffe(state, _inputs(arrays["images_256"], 227), norm_first=norm_first).numpy()
        state = {k: torch.from_numpy(v) for k, v in random_weights(torchvision_shapes()).items()}
        inputs = _inputs(arrays["images_256"], 224)
        arrays["alexnet-torchvision"] = torchvision(state, inputs).numpy()
    np.savez_compressed(HERE / "imagenet.npz", **arrays)


if __name__ == "__main__":
    main()
