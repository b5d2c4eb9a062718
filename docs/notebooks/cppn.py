# %% [markdown]
# # Breed pictures, and look inside one
#
# A CPPN is a small network that draws: it is given the place of a pixel and answers how bright the pixel is.
# In this notebook you look inside one, see what a single weight does to its picture, breed pictures by your
# own choice, and ask networks for digits what they see in them.
#
# **What you need:** Python. No data and no graphics card; the networks come with fooljax.

# %%
import json

import jax
import jax.numpy as jnp
import numpy as np

import fooljax
from fooljax.encodings import formulas
from fooljax.encodings.cppn.genome import Layout
from fooljax.encodings.cppn.mutation import Rates
from fooljax.rendering import draw
from fooljax.report import draw_network, format_confidence, strip

encoding = fooljax.encodings.cppn((28, 28, 1), coordinates="scaled")


def children_of(parent, key, count=8, encoding=encoding):
    """Mutated copies of a genome."""
    parents = jax.tree.map(lambda leaf: leaf[None], parent)  # an encoding may want several; this wants one
    keys = jax.random.split(key, count)
    return jax.vmap(lambda one: encoding.vary(one, parents, jnp.int32(0)))(keys)


def one_of(genomes, number):
    """One genome out of many."""
    return jax.tree.map(lambda leaf: leaf[number], genomes)


def many_of(genomes):
    """Many genomes as one value, whose arrays have a leading axis."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *genomes)


# %% [markdown]
# ## A network that draws
#
# Here is a genome as [its file](../genome-format.md) has it. Four inputs come in for each pixel: its place
# from left to right (`x`) and from top to bottom (`y`), both from -1 to 1, its distance from the centre, and
# a bias, which is always 1. Two hidden nodes and one output read them. It came from a random genome by three
# mutations; only its weights were rounded.

# %%
text = json.dumps(
    {
        "format": "fooljax-cppn",
        "version": 1,
        "coordinates": "scaled",
        "size": [28, 28],
        "colour": "grey",
        "functions": ["sine", "sigmoid", "gaussian", "linear"],
        "inputs": [{"id": i, "name": name} for i, name in enumerate(("x", "y", "distance", "bias"))],
        "nodes": [
            {"id": 4, "function": "sine"},
            {"id": 5, "function": "gaussian"},
            {"id": 6, "function": "gaussian"},
        ],
        "outputs": [6],
        "connections": [
            {"source": 0, "target": 4, "weight": -1.95},
            {"source": 1, "target": 5, "weight": 6.34},
            {"source": 4, "target": 6, "weight": -1.95},
            {"source": 5, "target": 6, "weight": 6.34},
            {"source": 2, "target": 6, "weight": -5.24},
            {"source": 3, "target": 6, "weight": 1.38},
        ],
    }
)
genome, _, _ = fooljax.from_json(text, layout=Layout())  # as arrays, with room to grow
print("\n".join(formulas(text)))

# %%
fooljax.show(draw_network(text), "The network of the formulas above, with the weights of its connections.")

# %% [markdown]
# Read the formulas from below. `grey` is the pixel: 1 or -1 is white, 0 is black. What it reads is computed
# in the lines above it. Each node adds up what it reads, each times a weight, and sends the sum through its
# function. The Gaussian is 1 where its sum is 0 and falls to 0 on both sides, so the picture is bright along
# the curve where the sum in the last line is 0. This is the picture, at the size that networks see it and
# larger. A CPPN has no pixels of its own, so it can be drawn at any size.

# %%
large = draw(encoding, many_of([genome]), encoding.coordinates_at(168, 168, slice(None)))
small = draw(encoding, many_of([genome])).repeat(6, axis=1).repeat(6, axis=2)
fooljax.show(
    strip(np.concatenate([small, large]), [["28 x 28"], ["168 x 168"]]),
    "The same picture twice: once in coarse squares, once with smooth edges.",
)

# %% [markdown]
# ## What one weight does
#
# Take one connection, give it eight weights from -10 to 10, and leave all else as it is. Connection 0 leads
# from `x` to `v1`, whose function is a sine. Put another number there, from 0 to 5, and run the cell again.

# %%
connection = 0
used = json.loads(text)["connections"]
sweep = np.linspace(-10.0, 10.0, 8)
swept = many_of([genome.replace(weights=genome.weights.at[connection].set(weight)) for weight in sweep])
pictures = draw(encoding, swept)
fooljax.show(
    strip(pictures, [[f"weight {weight:.1f}"] for weight in sweep]),
    "Eight pictures of one network, in which one weight grows from -10 to 10.",
)

# %% [markdown]
# A larger weight puts more waves of the sine into the picture, and a weight with the other sign mirrors it.
# Evolution has to find such changes by chance. Where one weight has so plain a meaning, one mutation gives a
# picture of the same family.
#
# Which weight matters most? Here each is moved by 1, which is a twentieth of its range. What counts is the
# share of pixels that change by more than a tenth of the way from black to white.

# %%
moved = many_of([genome.replace(weights=genome.weights.at[one].add(1.0)) for one in range(len(used))])
before = draw(encoding, many_of([genome])).astype(float) / 255
changed = np.mean(np.abs(draw(encoding, moved) / 255 - before) > 0.1, axis=(1, 2, 3))
for one in np.argsort(-changed):
    print(f"connection {one}, weight {used[one]['weight']:5.2f}: {changed[one]:4.0%} of the pixels change")

# %% [markdown]
# ## Breed by choice
#
# Eight children of the picture. Mutation moves some of the weights, draws some functions anew, and adds or
# takes away connections and nodes.


# %%
def family(children, words):
    """Children side by side."""
    captions = [[f"child {number}"] for number in range(len(children.num_hidden))]
    return fooljax.show(strip(draw(encoding, children), captions), words)


children = children_of(genome, jax.random.key(1))
family(children, "Eight children of the picture; some look like it, and some like nothing at all.")

# %% [markdown]
# Now you are the selection. Choose a child by its number, look at its own children, and choose again. We took
# the ones below; put your own numbers there.

# %%
choices = [5, 0]
parent = genome
for generation, choice in enumerate(choices):
    parent = one_of(children_of(parent, jax.random.key(1 + generation)), choice)
grandchildren = children_of(parent, jax.random.key(1 + len(choices)))
family(grandchildren, "Eight children of the picture that was chosen last.")

# %% [markdown]
# One kind of mutation alone is a setting: the rates of all others are 0. Here only weights move, each with a
# chance of one in two. The children stay in the family.

# %%
weights_only = fooljax.encodings.cppn(
    (28, 28, 1),
    coordinates="scaled",
    rates=Rates(weight=0.5, function=0, add_connection=0, delete_connection=0, add_node=0, delete_node=0),
)
gentle = children_of(genome, jax.random.key(7), encoding=weights_only)
family(gentle, "Eight children whose networks have the same nodes and other weights.")

# %% [markdown]
# ## Who says what of it?
#
# No network had a part in breeding these pictures. What do networks for digits take them for? Each of the
# three below names about 99 % of handwritten digits rightly. They differ in their first weights only.

# %%
networks = [fooljax.targets.pretrained("lenet", seed=seed) for seed in range(3)]
shown = draw(encoding, children)
said = np.stack([fooljax.score(network, shown) for network in networks])  # [networks, pictures, digits]
for number in range(len(shown)):
    words = [f"{row.argmax()} ({format_confidence(row.max())})" for row in said[:, number]]
    print(f"child {number}: " + ", ".join(f"{word:>17s}" for word in words))
alike = np.mean(said[0].argmax(axis=1) == said[1].argmax(axis=1))
print(f"\nThe first two networks give {alike:.0%} of these pictures the same name.")

# %% [markdown]
# Nobody looked for these confidences. Even so, some of them are high: a network that has to choose among ten
# digits chooses one.
#
# ## What the network does to the sweep
#
# The same sweep again, with the eyes of the first network. A network's name for a picture can jump where
# people see a small step, and stay where they see a large one.

# %%
odds = fooljax.score(networks[0], pictures)
captions = [
    [f"weight {weight:.1f}", f"named {row.argmax()}", format_confidence(row.max())]
    for weight, row in zip(sweep, odds, strict=True)
]
fooljax.show(
    strip(pictures, captions), "The pictures of the sweep, each with the digit that the network names it."
)

# %% [markdown]
# ## Let the network breed
#
# The last step is to put the network in your place. For each digit, evolution keeps the picture of which it
# is surest.

# %%
strategy = fooljax.strategies.focused(encoding, batch_size=100)
result = fooljax.evolve(networks[0], encoding, strategy, key=0, generations=60)
fooljax.show(
    fooljax.gallery(result.images, result.log_odds, result.class_names, scale=4),
    "Ten evolved pictures of bars, arcs, rings and waves, one for each digit, each with a confidence.",
)

# %%
best = int(np.argmax(result.log_odds[0]))
print(f"The formulas of the picture of digit {best}:")
print("\n".join(formulas(encoding.to_json(one_of(one_of(result.archive.genomes, 0), best)))))

# %% [markdown]
# `fooljax poster RUN --cell 3` draws such a picture at any size, and `fooljax lineage RUN --cell 3` its
# ancestors. [A gallery of evolved pictures](../results/artists.md) draws and breeds them in the browser. [The
# genome format](../genome-format.md) says how to draw one with a program of your own.
