"""Networks in PyTorch for `benchmarks.foreign_networks`, with published shapes and random weights."""

import torch
from torch import nn

CLASSES = 1000


def digits() -> nn.Module:
    """A small convolutional network for 28 x 28 digits."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(800, 128), nn.ReLU(), nn.Linear(128, 10)),
    )


def convolution(before: int, after: int, kernel: int, stride: int, groups: int = 1) -> list[nn.Module]:
    """A convolution without bias, and its batch norm."""
    padding = kernel // 2
    conv = nn.Conv2d(before, after, kernel, stride, padding, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(after)]


class Residual(nn.Module):
    """A block whose input is added to its output; by way of a convolution where their shapes differ."""

    def __init__(self, body: list[nn.Module], shortcut: list[nn.Module], last: nn.Module) -> None:
        super().__init__()
        self.body, self.shortcut = nn.Sequential(*body), nn.Sequential(*shortcut)
        self.last = last

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The sum."""
        return self.last(self.body(images) + self.shortcut(images))


def resnet18() -> nn.Module:
    """ResNet-18 of He et al. 2015."""
    parts = [*convolution(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    before = 64
    for after in (64, 128, 256, 512):
        for stride in (1 if after == 64 else 2, 1):
            body = [*convolution(before, after, 3, stride), nn.ReLU(), *convolution(after, after, 3, 1)]
            shortcut = [] if before == after else convolution(before, after, 1, stride)
            parts.append(Residual(body, shortcut, nn.ReLU()))
            before = after
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, CLASSES))


def mobilenet_v2() -> nn.Module:
    """MobileNet v2 of Sandler et al. 2018, width 1."""
    parts, before = [*convolution(3, 32, 3, 2), nn.ReLU6()], 32
    stages = (
        *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)),
        *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
    )
    for wider, after, count, first in stages:
        for stride in (first, *(1,) * (count - 1)):
            inner = before * wider
            body = [*convolution(before, inner, 1, 1), nn.ReLU6()] if wider > 1 else []
            body += [
                *convolution(inner, inner, 3, stride, inner),
                nn.ReLU6(),
                *convolution(inner, after, 1, 1),
            ]
            same = stride == 1 and before == after
            parts += [Residual(body, [], nn.Identity())] if same else body
            before = after
    parts += [*convolution(before, 1280, 1, 1), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*parts, nn.Dropout(0.2), nn.Linear(1280, CLASSES))


class VisionTransformer(nn.Module):
    """A vision transformer of Dosovitskiy et al. 2020: patches of 16, width 192, 6 layers of 3 heads."""

    def __init__(self, side: int = 224, width: int = 192, layers: int = 6, heads: int = 3) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 16, 16)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(0.02 * torch.randn(1, (side // 16) ** 2 + 1, width))
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, 0.1, "gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of the first token."""
        patches = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(images), -1, -1), patches], 1)
        return self.head(self.encoder(tokens + self.places)[:, 0])


NETWORKS = {
    "MNIST CNN": (digits, (28, 28, 1)),
    "ResNet-18": (resnet18, (224, 224, 3)),
    "MobileNet v2": (mobilenet_v2, (224, 224, 3)),
    "small ViT": (VisionTransformer, (224, 224, 3)),
}
"""Each with the shape of its images."""


def made(name: str) -> nn.Module:
    """A network with random weights whose batch norms have seen something, in evaluation mode."""
    torch.manual_seed(0)
    make, (height, width, channels) = NETWORKS[name]
    module: nn.Module = make()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0  # one batch is all that it sees; else the logits would nearly vanish
    with torch.no_grad():
        module(torch.rand(4, channels, height, width))
    return module.eval()
