# %% [markdown]
# # A network fooled in ten minutes
#
# A lesson for a class. You will make images of nothing that a network takes for digits, with hardly any
# doubt. Each part ends with a question. **Write your answer down before you run the next cell.** At the end
# stands a note for teachers, with answers.
#
# **What you need:** Python, no knowledge of networks, no graphics card, no data. The network comes with
# fooljax.

# %%
import numpy as np

import fooljax

network = fooljax.targets.pretrained("lenet", seed=0)
print(f"{network.name} names {network.clean_accuracy:.2%} of {10_000:,} handwritten digits rightly.")

# %% [markdown]
# ## 1. Show it noise
#
# This network has seen 60,000 handwritten digits and nothing else in its life. It answers every image with
# ten numbers that add up to 100 %: how sure it is of each digit. It has no way to say "this is no digit".
#
# **Question 1.** We show it 1,000 images of pure noise, where each pixel is drawn by chance. What will it
# say? Will it be unsure of all of them, will it say the same digit each time, or will it name all digits?

# %%
rng = np.random.default_rng(0)
noise = rng.integers(0, 256, (1000, 28, 28, 1), dtype=np.uint8)
log_odds = fooljax.score(network, noise)  # one row for each image, one column for each digit
named = log_odds.argmax(axis=1)
sure = fooljax.confidence(log_odds.max(axis=1))
for digit in range(10):
    print(f"named {digit}: {np.sum(named == digit):4d} of 1,000 images")
print(f"\nHow sure it was: {np.median(sure):.0%} in the middle, {sure.max():.2%} at most.")

# %% [markdown]
# The third line of code above gives a number called *log-odds*. A confidence of 99 % and one of 99.99 % look
# much alike, and a computer soon rounds both to 1. Log-odds keep them apart: 0 stands for 50 %, 4.6 for 99 %
# and 9.2 for 99.99 %. There is no upper end.

# %%
for confidence in (0.5, 0.9, 0.99, 0.999, 0.9999):
    print(f"{confidence:8.2%} is {fooljax.to_log_odds(confidence):4.1f} in log-odds")

# %% [markdown]
# ## 2. Breed images
#
# Breeders of dogs or pigeons look at a litter, keep the animals that they like best, and let those have
# young. We do the same with images. The network is the judge.
#
# 1. Begin with 40 images of noise. For each digit, keep the image of which the network is surest. That makes
#    ten keepers, one for each digit.
# 2. Make 40 children. A child is a copy of a keeper in which some pixels are changed by chance.
# 3. Show the children to the network. A child that it finds more like a 3 than the keeper of 3 is the new
#    keeper of 3, and so on for every digit.
# 4. Go back to step 2.
#
# One time through steps 2 and 3 is a *generation*.
#
# **Question 2.** How many generations will it take until the network is 99.99 % sure of all ten images? And
# what will the images look like then?

# %%
encoding = fooljax.encodings.direct((28, 28, 1))  # an image is 28 times 28 pixels, each with a number
strategy = fooljax.strategies.focused(encoding, batch_size=40)  # most children for the digits that lag behind
bred = {}
for generations in (0, 25, 100, 400):
    bred[generations] = fooljax.evolve(network, encoding, strategy, key=1, generations=generations)
    shares = bred[generations].success(0.9999)
    print(f"after {generations:3d} generations: {10 * shares[0]:.0f} of 10 images at 99.99 %")

# %% [markdown]
# The same `key` gives the same chance events. So these are four looks at one and the same search. Here are
# the keepers at each look: a row for each look, a column for each digit. Below each image stands how sure the
# network is of it.

# %%
looks = fooljax.gallery(
    np.concatenate([result.images for result in bred.values()]),
    np.concatenate([result.log_odds for result in bred.values()]),
    row_names=[f"{generations} gen." for generations in bred],
    scale=4,
)
fooljax.show(
    looks,
    "Four rows of ten images, for the digits 0 to 9. The first rows are plain noise, the last one is noise "
    "with some light and dark patches. The confidence below grows from row to row, to 99.99 % and more.",
)

# %% [markdown]
# **Question 3.** Look at the last row from a distance, or squint. Which digits can you see? Let everyone in
# the class write down a guess for three of the columns, with the numbers above them covered.
#
# ## 3. Was it breeding, or just luck?
#
# The search showed the network many images. Perhaps one of so many images of noise would have fooled it
# anyway. A fair test gives luck the same chance: as many images, all of them made by chance, and again the
# best one for each digit is kept. A test like this is called a *control*.
#
# **Question 4.** How many of the ten digits will the control bring to 99.99 %?

# %%
by_luck = fooljax.strategies.random_search(encoding, batch_size=40)
control = fooljax.evolve(network, encoding, by_luck, key=1, generations=400)
final = bred[max(bred)]
for name, result in (("breeding", final), ("luck", control)):
    shown = int(result.metrics["queries"][0, -1])
    middle = fooljax.report.format_confidence(np.median(result.log_odds[0]))
    print(
        f"{name:8s}: {shown:,} images shown, {10 * result.success(0.9999)[0]:.0f} of 10 digits at 99.99 %, "
        f"{middle} sure in the middle"
    )

# %% [markdown]
# ## 4. Does it fool another network?
#
# Here is a second network. It was built and taught in the same way, but it began with other random numbers.
# It had no part in the breeding.
#
# **Question 5.** What will it say of the ten images that fool the first one?

# %%
second = fooljax.targets.pretrained("lenet", seed=1)
says = fooljax.score(second, final.images[0])
for digit, row in enumerate(says):
    other = row.argmax()
    sure = fooljax.report.format_confidence(row[other])
    print(f"bred as {digit}: the second network says {other}, {sure} sure")

# %% [markdown]
# ## 5. Break the images
#
# **Question 6.** Move each image by one pixel to the right, or make it a little darker. Will the first
# network still be fooled? A child who knows what a 3 looks like would not mind.

# %%
images = final.images[0]
changed = {
    "as they were": images,
    "moved by one pixel": np.roll(images, 1, axis=2),
    "moved by three pixels": np.roll(images, 3, axis=2),
    "half as bright": images // 2,
    "upside down": images[:, ::-1],
}
for name, some in changed.items():
    own = fooljax.score(network, some).diagonal()
    print(f"{name:21s}: {np.sum(own > 0)} of 10 are still named as bred, {np.sum(own >= 9.21)} at 99.99 %")

# %% [markdown]
# ## 6. Your turn
#
# Change one thing and run its cell again. Write down first what you expect.
#
# - Give part 2 another `key`. Does the network find the same digits easy?
# - Let networks draw the images, instead of changing pixel by pixel: `encoding = fooljax.encodings.cppn((28,
#   28, 1), coordinates="scaled")`. Are these images easier to recognise? [Another lesson](cppn.ipynb) is
#   about them.
# - Put a picture of your own in: an array of 28 times 28 numbers from 0 to 255. Draw a 3 with `image[5:8,
#   8:20] = 255` and the like, and let `fooljax.score` say what it is.
#
# **Question 7.** A bank reads cheques with such a network, and a robot sorts parcels with another. Where
# would images like these do harm, and where not? What would you ask the maker of the network?
#
# ## For teachers
#
# The lesson takes one period of 45 minutes, of which the computer takes few. Pupils of 14 years and older can
# do all of it. They need no calculus. It works on one screen for all, too.
#
# *What it is about.* A classifier was asked "which of these ten?" and was never asked "is it one of these?"
# It divides the whole space of images among ten names, and nearly all of this space has no digits in it. That
# it is right on digits says nothing about the rest.
#
# 1. It names nearly all noise alike, and is quite sure of some of it. There is no "none of these" among its
#    answers, so 100 % must go somewhere. If noise looked to it like nothing in particular, each digit would
#    get about 10 %.
# 2. Most people guess thousands of generations, and images that become digits. It takes a few hundred, and
#    the images stay noise. Let the class see the second as the surprise that it is: nobody told the search
#    that the images should look like digits.
# 3. Guessing right by chance happens once in ten times. Compare what the class scored with that. Some do see
#    strokes in some columns. That is worth talking about: a fooling image is one that people do *not*
#    recognise, and this has to be asked of people.
# 4. Luck gets few or none. Selection makes the difference: each generation builds on the last. This is also
#    the best known answer to "how can chance make anything useful?" in biology.
# 5. The table above says how many of the ten the second network names alike. When a fooling image works on a
#    network that had no part in making it, both have learnt the same wrong thing from the same digits.
#    Keeping a network secret does not protect it.
# 6. The table above tells. An image that fails after a small change fooled the network by a thin thread; one
#    that stays says that the network is wrong in a whole region.
# 7. There is no single answer. Someone must be able to feed the network an image of their choice: a camera at
#    a gate and an upload field are of that kind, a scanner inside a closed machine is less so. Good things to
#    ask the maker: what does it do with images of nothing? Is there a class for "none of these", and was it
#    tested with images that were bred against it? ([Such defences were tested](../results/retraining.md).)
#
# *What it does not show.* One network, one search, and small grey images. It is about networks that choose
# among names, not about all of machine learning. People are fooled by images, too, but by others. The numbers
# for many networks and searches stand in [the results](../results/mnist_direct.md).
#
# *Words.* The network's "confidence" is what its last layer (the softmax) gives. It is a number that the
# network was trained to make large on digits. It is no probability that somebody measured.
#
# The method is that of Nguyen, Yosinski and Clune, "Deep Neural Networks are Easily Fooled" (CVPR 2015).
