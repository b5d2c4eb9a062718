"""A small CNN in PyTorch, trained on 4,000 digits."""

import torch
from torch import nn

from fooljax import data

model = nn.Sequential(
    nn.Conv2d(1, 16, 5, stride=2, padding=2),
    nn.ReLU(),
    nn.Conv2d(16, 32, 5, stride=2, padding=2),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(32 * 7 * 7, 10),
)

if __name__ == "__main__":
    torch.manual_seed(0)
    digits = data.load("embedded")
    images = torch.tensor(digits.train_images).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    labels = torch.tensor(digits.train_labels).long()
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(300):
        batch = torch.randint(len(images), (64,))
        loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    torch.save(model.state_dict(), "torch_digits.pth")
