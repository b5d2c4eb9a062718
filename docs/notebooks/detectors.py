# %% [markdown]
# # Detectors against evolution
#
# A detector stands beside a network and says how strange an image is. Many catch fooling images well, as long
# as the images were made by someone who does not know of the detector. This notebook fits two detectors,
# shows them fooling images, and then lets evolution know of them.
#
# **What you need:** Python, and to have heard of ROC curves or false alarms. No graphics card. The digits
# come with an extra of fooljax; none of them is shown here.

# %%
import numpy as np

import fooljax
from fooljax import data, detectors
from fooljax.analysis.detection import calibrate

network = fooljax.targets.pretrained("lenet", seed=0)
digits = data.load("embedded")
print(f"{network.name}; {len(digits.train_images):,} and {len(digits.test_images):,} digits")

# %% [markdown]
# ## Two detectors
#
# Both are from the literature, and both are fitted on clean digits alone. A higher score is more suspicious.
#
# - `energy` adds up the network's ten logits, in a soft way. Where no logit is large, the energy is high.
# - `mahalanobis` looks one layer earlier. It takes the network's features of the image, and asks how far they
#   are from those of the nearest class of digits.
#
# Three parts of the digits serve three ends, and none serves two. The first fits the detectors. The second
# gives the threshold: 5 % of clean digits may be rejected. The third says how many really are.

# %%
fitting, second, third = digits.train_images[:2000], digits.test_images[::2], digits.test_images[1::2]
clean = detectors.seen_of_clean(network, fitting, digits.train_labels[:2000])
sure = fooljax.score(network, second).max(axis=1)
fitted, levels = {}, {}
for name in ("energy", "mahalanobis"):
    fitted[name] = detectors.fit(name, network, clean)
    levels[name] = calibrate(fitted[name].scores(second), sure)
    rejected = np.mean(fitted[name].scores(third) > levels[name].thresholds[0.05])
    print(f"{name:11s} rejects {rejected:.1%} of {len(third)} further digits")


# %% [markdown]
# ## Images that know nothing of detectors
#
# A search against the network alone, for images that CPPNs draw, and noise as a control. An image counts as
# *fooling* from 99.99 % on. *Caught* is the share of the images whose score is above the threshold. *Through*
# is what matters: images that fool the network **and** are not caught.


# %%
def told(images, log_odds, asked):
    """What a detector makes of images: the shares that fool the network, are caught, and get through."""
    fooling = np.asarray(log_odds) >= fooljax.to_log_odds(0.9999)
    caught = fitted[asked].scores(images) > levels[asked].thresholds[0.05]
    shares = {"fooling": fooling, "caught": caught, "through": fooling & ~caught}
    return "   ".join(f"{name} {share.mean():4.0%}" for name, share in shares.items())


encoding = fooljax.encodings.cppn(network.image_shape, coordinates="scaled")
strategy = fooljax.strategies.focused(encoding, batch_size=40)
search = {"key": 0, "generations": 150, "runs": 2}

unaware = fooljax.evolve(network, encoding, strategy, **search)
rng = np.random.default_rng(0)
noise = rng.integers(0, 256, (200, *network.image_shape), dtype=np.uint8)
noise_odds = fooljax.score(network, noise).max(axis=1)
images, log_odds = np.concatenate(unaware.images), unaware.log_odds.ravel()
print(f"{int(unaware.metrics['queries'][0, -1]):,} network passes for each run of the search\n")
for name in fitted:
    print(f"{name:11s} noise:   {told(noise, noise_odds, name)}")
    print(f"{name:11s} evolved: {told(images, log_odds, name)}")

# %% [markdown]
# ## Images that know the detector
#
# Whoever builds an attack can get the detector too, or one like it. `guarded` puts network and detector into
# one target, and the objective `FOOL_AND_PASS` is the lesser of two log-odds: that of the digit, and that of
# passing. So a search has to do both. It gets as many network passes as before.

# %%
knowing = {}
for name in fitted:
    threshold = levels[name].thresholds[0.05]
    both = detectors.guarded(fitted[name], threshold=threshold, slope=levels[name].slope)
    found = fooljax.evolve(both, encoding, strategy, objective=detectors.FOOL_AND_PASS, **search)
    images = np.concatenate(found.images)
    own = fooljax.score(network, images)[np.arange(20), np.tile(np.arange(10), 2)]
    knowing[name] = images, own
    print(f"{name:11s} evolved, knowing it: {told(images, own, name)}")

# %% [markdown]
# Compare the last column of this table with that of the table before. Here are the images of one run: above
# those that know nothing of a detector, below those that know `mahalanobis`.

# %%
names = ("no detector", "mahalanobis")
shown = np.stack([unaware.images[0], knowing["mahalanobis"][0][:10]])
odds = np.stack([unaware.log_odds[0], knowing["mahalanobis"][1][:10]])
fooljax.show(
    fooljax.gallery(shown, odds, row_names=names, scale=4),
    "Two rows of ten evolved images. Those above are broad light and dark shapes; those below are thin light "
    "strokes on black. Below each stands the confidence of the network.",
)

# %% [markdown]
# ## What this says, and what it does not
#
# A detector that is only shown images of attackers who do not know it looks better than it is. That is why
# the second table has to be there, and why it has to be made at an equal number of passes.
#
# If a detector did hold above, that would be no proof either. It may be that this search was weak: 40
# children, two runs, few passes. Signs of a weak attack are a fitness that still rises at the end, and
# gradients that vanish. `fooljax.analysis.attack_strength` looks for them. Images that pass a good detector
# may also have become real digits, which is no failure of the detector: ask other networks, or people.
#
# Two runs against one network are an example, not a measurement. [Ten detectors, three networks and more
# runs](../results/detectors.md) are one, with intervals. A detector of your own is a [function of one
# batch](../guide/defences.md), and can take the place of `"energy"` above.
