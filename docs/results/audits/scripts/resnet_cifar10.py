"""torchvision's ResNet-18 with ten classes, trained on CIFAR-10 for some minutes, as an ONNX file."""

import sys
import time

import numpy as np
import torch
from torch import nn
from torchvision.models import resnet18

MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class Normalised(nn.Module):
    """A network whose images are in [0, 1]."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1))

    def forward(self, images):
        return self.network((images - self.mean) / self.deviation)


def images_of(folder, name):
    file = np.load(f"{folder}/{name}.npz")
    return file["images"], file["labels"]


def learnt_from():
    """All images at hand but those that the audit is made with."""
    held_out = {image.tobytes() for image in images_of("cifar10-2000", "test")[0]}
    parts = [images_of("cifar10", name) for name in ("train", "test")]
    images, labels = (np.concatenate(both) for both in zip(*parts, strict=True))
    kept = np.array([image.tobytes() not in held_out for image in images])
    return tensor(images[kept]), torch.from_numpy(labels[kept]).long()


def tensor(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def accuracy(model):
    images, labels = images_of("cifar10-2000", "test")
    model.eval()
    with torch.inference_mode():
        named = torch.cat([model(part.float() / 255).argmax(1) for part in tensor(images).split(500)])
    return np.mean(named.numpy() == labels)


if __name__ == "__main__":
    minutes, most = float(sys.argv[1]), 0.004
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = resnet18(num_classes=10)
    network.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
    model = Normalised(network).to(memory_format=torch.channels_last)
    images, labels = learnt_from()
    optimiser = torch.optim.AdamW(model.parameters(), lr=most, weight_decay=0.05)
    begun, steps, seen = time.process_time(), 0, 0
    while (done := (time.process_time() - begun) / (60 * minutes)) < 1:
        rate = most * min(done / 0.2, (1 - done) / 0.8 + 1e-3)
        optimiser.param_groups[0]["lr"] = rate
        batch = torch.randint(len(images), (64,))
        part = images[batch]
        down, across = torch.randint(9, (2,)).tolist()
        part = nn.functional.pad(part, (4, 4, 4, 4))[:, :, down : down + 32, across : across + 32]
        part = part.flip(3) if torch.rand(()) < 0.5 else part
        part = (part.float() / 255).contiguous(memory_format=torch.channels_last)
        loss = nn.functional.cross_entropy(model(part), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        steps, seen = steps + 1, seen + 64
        if steps % 100 == 0:
            print(steps, seen, f"{done:.2f}", loss.item(), flush=True)
    print("learnt from", len(images), "images seen", seen, "accuracy", accuracy(model))
    torch.save(network.state_dict(), "resnet18_cifar10.pth")
    examples = (torch.zeros(2, 3, 32, 32),)
    batch = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(model.eval(), examples, "resnet18_cifar10.onnx", dynamic_shapes=batch, dynamo=True)
