# %% [markdown]
# # Fool a digit network
#
# This notebook evolves images that a network takes for digits, looks at the ancestors of one of them, and
# then does the same with a network of your own.
#
# **What you need:** Python. No data and no graphics card; the network comes with fooljax.

# %%
from pathlib import Path
from tempfile import mkdtemp

import jax
import numpy as np

import fooljax
from fooljax.rendering import draw
from fooljax.runs.ancestry import line_of
from fooljax.runs.opened import open_folder

folder = Path(mkdtemp())  # where the two runs of this notebook are kept

# %% [markdown]
# ## A network that comes with fooljax
#
# A LeNet that learnt from MNIST's 60,000 digits. It names about 99 % of the digits that were held out.

# %%
lenet = fooljax.targets.pretrained("lenet", seed=0)
print(lenet.name, f"names {lenet.clean_accuracy:.2%} of held-out digits")

# %% [markdown]
# ## Evolve images
#
# A CPPN is a small network that draws an image. The search changes CPPNs, and keeps for each digit the one
# whose image LeNet is surest of. `lineage=True` records the ancestors.

# %%
encoding = fooljax.encodings.cppn((28, 28, 1), coordinates="scaled", functions="wide")
strategy = fooljax.strategies.focused(encoding, batch_size=100)
result = fooljax.evolve(
    lenet, encoding, strategy, key=0, generations=60, outdir=folder / "digits", lineage=True
)
for name, log_odds in zip(result.class_names, result.log_odds[0], strict=True):
    print(f"digit {name}: LeNet is {fooljax.report.format_confidence(log_odds)} sure")

# %% [markdown]
# The images are `[runs, classes, height, width, channels]`, in 8 bits. `gallery` shows them in a figure.
# The folder has a page with all of it: open its `index.html` in a browser.

# %%
fooljax.show(
    fooljax.gallery(result.images, result.log_odds, result.class_names, scale=4),
    "Ten evolved images of bars, arcs and rings, one for each digit, each with a confidence.",
)

# %% [markdown]
# ## The ancestors of an image
#
# Each elite has a parent, which has a parent, and so on to a random image. `fooljax lineage RUN --cell 3`
# draws this line as a strip of images. From Python, the record of the folder has it.

# %%
record = open_folder(result.folder)
line = line_of(record.ancestry, 0, 3)  # run 0, digit 3
generations = [int(record.ancestry.generation[rows[0]]) for rows in line]
print(f"the image of digit 3 has {len(line) - 1} recorded ancestors, of the generations {generations[:-1]}")
rows = [rows[0] for rows in line]
genomes = record.ancestry.genome[rows]
images = draw(encoding, jax.tree.map(lambda leaf: leaf[genomes], record.ancestry.genomes))
fooljax.show(
    fooljax.report.strip(images, [[f"gen. {generation}"] for generation in generations]),
    "The ancestors of an evolved image, from a random drawing to the image itself.",
)

# %% [markdown]
# ## Bring your own network
#
# A network is any function from images `[B, H, W, K]` in [0, 1] to logits `[B, C]`. This one has 5 classes,
# and its images have 20 x 30 pixels in three channels. It learnt nothing: its weights are random.


# %%
def network(weights, images):
    """One hidden layer."""
    hidden = jax.nn.relu(images.reshape(images.shape[0], -1) @ weights["in"])
    return hidden @ weights["out"]


first, second = jax.random.split(jax.random.key(1))
weights = {
    "in": 0.05 * jax.random.normal(first, (20 * 30 * 3, 32)),
    "out": jax.random.normal(second, (32, 5)),
}
target = fooljax.as_target(
    network, weights, name="my network", class_names=("crane", "lorry", "tram", "ferry", "bicycle")
)
pixels = fooljax.encodings.direct((20, 30, 3))
mine = fooljax.evolve(target, pixels, key=0, generations=200, outdir=folder / "mine")
print("share of classes at 99.99 %:", mine.success(0.9999))

# %% [markdown]
# `open_run` gives a result back at any time, also in another program.

# %%
again = fooljax.open_run(folder / "mine")
assert np.array_equal(again.images, mine.images)
print(again.class_names, again.confidence.round(4))
