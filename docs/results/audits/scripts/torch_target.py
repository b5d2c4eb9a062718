import torch
from torch_digits import model

from fooljax.targets.foreign import from_torch

model.load_state_dict(torch.load("torch_digits.pth", weights_only=True))
how = {"range": (-1, 1)}
target = from_torch(model.eval(), image_shape=(28, 28, 1), preprocessing=how, name="PyTorch CNN")
