# %% [markdown]
# # Audit your PyTorch model
#
# You have a classifier in PyTorch and one question: how easily is it fooled, and would a detector notice?
# This notebook trains a small network for digits, as a stand-in for yours, and audits it by one call. Put
# your own network in its place where the comments say so.
#
# **What you need:** PyTorch. Nothing of JAX: your network stays in PyTorch, which is asked for logits and
# gradients. No graphics card. The digits come with an extra of fooljax; none of them is shown here.

# %%
import logging
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

import fooljax
from fooljax import data
from fooljax.report import format_confidence
from fooljax.targets.foreign import from_torch

logging.getLogger("fooljax").setLevel(logging.ERROR)

# %% [markdown]
# ## The network
#
# Any `torch.nn.Module` in evaluation mode will do. This one learns in a few seconds.

# %%
torch.manual_seed(0)
digits = data.load("embedded")
model = nn.Sequential(
    nn.Conv2d(1, 16, 5, stride=2, padding=2),
    nn.ReLU(),
    nn.Conv2d(16, 32, 5, stride=2, padding=2),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(32 * 7 * 7, 10),
)


def tensor(images):
    """Images `[N, H, W, K]` of 8 bits as the network was taught them: `[N, K, H, W]`, from -1 to 1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def train(steps=300):
    """Some steps of Adam."""
    images, labels = tensor(digits.train_images), torch.from_numpy(np.asarray(digits.train_labels)).long()
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(steps):
        batch = torch.randint(len(images), (64,))
        loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


train()
model.eval()
print(model)

# %% [markdown]
# ## How it takes images
#
# fooljax works on images `[B, H, W, K]` in [0, 1]. `preprocessing` says what your network wants instead: the
# order of the axes, the range of the levels, a mean and a deviation, BGR, probabilities in place of logits.
# Take this from the code that your network is used with. It is the one thing that is easily got wrong, and so
# it is printed.

# %%
target = from_torch(
    model,  # your module, in evaluation mode
    image_shape=(28, 28, 1),  # height, width and channels of the images to be made
    preprocessing={"layout": "nchw", "range": (-1.0, 1.0)},
    class_names=digits.class_names,
    name="my network",
)
print(target.provenance["preprocessing"])

# %% [markdown]
# ## The audit
#
# It wants clean images that the network has not learnt from, with their labels. They tell whether the
# preprocessing is right, and how sure the network usually is. `budget` is how often all attacks together may
# show the network an image. This one is tiny, so that the notebook is quick: take 50,000 or more for a
# network of your own. A call that was broken off goes on when it is made again with the same `outdir`.

# %%
found = fooljax.audit(
    target,
    digits.test_images,
    digits.test_labels,
    outdir="audit",
    budget=8000,
    detectors="none",
    say=lambda line: None,
)
for sentence in found["verdict"]:
    print("-", sentence)

# %% [markdown]
# The folder `audit` has a page, `index.html`, with pictures, tables and the exact settings, and `audit.json`
# with all numbers. Here is some of it: first what was checked before anything was attacked.

# %%
WORDS = {True: "passed:", False: "FAILED:", None: "could not be made:"}
for check in found["checks"]:
    print(WORDS[check["passed"]], check["words"])

# %% [markdown]
# How each attack did, beside its controls. `99.99 %` is the share of images of which the network is that
# sure.

# %%
for attack in found["attacks"]:
    share = attack["shares"]["0.9999"]["share"]
    middle = format_confidence(attack["log_odds"]["median"])
    print(f"{attack['generator']:22s} {attack['passes']:6,} passes   99.99 %: {share:4.0%}   median {middle}")

# %% [markdown]
# And the classes, the easiest first, with the surest image of each.

# %%
for one in found["classes"]:
    print(f"{one['name']:>4s}: {format_confidence(one['log_odds'])} sure, made by {one['generator']}")
print("\nNot tested:", *found["not_tested"], sep="\n- ")

# %% [markdown]
# ## Look at the images yourself
#
# Confidence alone does not make a fooling image: if you recognise the class, the network was right. Who
# looks?

# %%
in_order = sorted(found["classes"], key=lambda one: one["index"])
images = np.stack([np.asarray(Image.open(Path("audit") / one["image"])) for one in in_order])
fooljax.show(
    fooljax.gallery(
        images.reshape(-1, *target.image_shape),
        [one["log_odds"] for one in in_order],
        [one["name"] for one in in_order],
        scale=4,
    ),
    "Ten images, one for each digit: strokes in noise, arcs, rings, each with the network's confidence.",
)

# %% [markdown]
# ## Your own
#
# - Give `fooljax.audit` the budget that you can afford, and leave out `detectors="none"`: detectors are then
#   fitted to clean images, and evolution that knows them attacks.
# - `fooljax audit model.onnx --images DIR` does the same for a file, without any Python.
# - Put a second network into `seconds={"other": ...}` to see whether images carry over to it.
# - [The guide on audits](../guide/audit.md) says what each number means. An audit finds out what this budget
#   and these attacks can do. It never proves that a network is safe.
