"""
What the network looks at
=========================

A convolutional network is no black box: its filters can be drawn, its units can be watched while they look at a digit,
and each pixel can be asked how much it mattered.
"""

# %%
# A small network
# ---------------

import os

import numpy as np
from sklearn.model_selection import train_test_split

from jaxdigits import DigitClassifier, load_digits, load_mnist

if os.environ.get("JAXDIGITS_DATA"):  # a folder that holds MNIST
    X_train, X_test, y_train, y_test = load_mnist()
    X_train, y_train, X_test, y_test = X_train[:2000], y_train[:2000], X_test[:500], y_test[:500]
    n_epochs = 4
else:
    digits = load_digits()
    X_train, X_test, y_train, y_test = train_test_split(
        digits.images, digits.target, stratify=digits.target, random_state=0
    )
    n_epochs = 20
white = float(X_train.max())
clf = DigitClassifier(
    "cnn", channels=(8, 16), hidden_sizes=(32,), augment=None, max_epochs=n_epochs, random_state=0
).fit(X_train, y_train)
print(f"test accuracy {clf.score(X_test, y_test):.2%}")
print(clf.summary())

# %%
# The filters
# -----------
#
# Each unit of the first layer looks at a window of 3 x 3 pixels with nine weights. Blue weights want ink, red ones
# want paper: blue beside red is an edge, and its direction is that of the stroke.

import matplotlib.pyplot as plt

kernel = clf.params_["layers.0.kernel"]  # one row for each pixel of the window
filters = kernel.T.reshape(-1, 3, 3)
print("kernel", kernel.shape, "as filters", filters.shape)

limit = np.abs(filters).max()
figure, panels = plt.subplots(1, 8, figsize=(9, 1.7), layout="constrained")
for number, (ax, each) in enumerate(zip(panels, filters, strict=True)):
    picture = ax.imshow(each, cmap="RdBu", vmin=-limit, vmax=limit)
    ax.set(xticks=[], yticks=[], title=f"filter {number}")
_ = figure.colorbar(picture, ax=panels, label="weight")

# %%
# The activations
# ---------------
#
# Slide each filter over a digit, add its bias, and let ReLU cut off what is negative: that is all the first layer does.
# The result is a map of where each filter found what it looks for.

from scipy.ndimage import correlate

chosen = [int(np.flatnonzero(y_test == digit)[0]) for digit in (3, 7)]
bias = clf.params_["layers.0.bias"]
figure, panels = plt.subplots(2, 9, figsize=(9, 2.5), layout="constrained")
for row, index in zip(panels, chosen, strict=True):
    image = X_test[index] / white
    row[0].imshow(image, cmap="gray_r", vmin=0, vmax=1)
    row[0].set_title(f"a {y_test[index]}", fontsize=9)
    maps = [np.maximum(correlate(image, each, mode="constant") + b, 0) for each, b in zip(filters, bias, strict=True)]
    for number, (ax, found) in enumerate(zip(row[1:], maps, strict=True)):
        ax.imshow(found, cmap="viridis", vmin=0, vmax=np.max(maps))
        ax.set_title(f"filter {number}", fontsize=9)
    for ax in row:
        ax.set(xticks=[], yticks=[])

# %%
# Yellow is where the filter answers most. Some mark one side of every stroke, some mark strokes of one direction; two
# filters may be nearly alike, and one may be silent everywhere.
#
# Saliency by gradient
# --------------------
#
# Which pixels matter for the answer? One way to ask is the gradient of the logarithm of the probability by each pixel:
# what would a little more ink do *here*? Blue pixels speak for the digit when inked, orange ones against it.

from jaxdigits.plotting import SaliencyDisplay

shown = np.array([np.flatnonzero(y_test == digit)[1] for digit in (0, 3, 4, 7, 8)])
_ = SaliencyDisplay.from_estimator(clf, X_test[shown])

# %%
# A gradient holds for small changes only. Where the network is very sure, little changes anything, and the map shows
# what is left.
#
# Saliency by occlusion
# ---------------------
#
# The other way: paint a patch over with paper and ask again. What the probability loses is what the patch was worth.
# This needs a hundred predictions or more for an image, and asks about changes that one can see.

_ = SaliencyDisplay.from_estimator(clf, X_test[shown], method="occlusion")

# %%
# The two maps answer different questions. Occlusion can only take ink away, so it shows what *is* there and is needed.
# The gradient also points at paper: where ink would make another digit of it.
#
# Why was this one misread?
# -------------------------
#
# We take the mistake of which the network was surest and ask about the label it gave and about the true one.

probabilities = clf.predict_proba(X_test)
wrong = np.flatnonzero(clf.predict(X_test) != y_test)
print(f"{len(wrong)} of {len(y_test)} test images misread")
asked = wrong[probabilities[wrong].max(axis=1).argmax()] if len(wrong) else int(probabilities.max(axis=1).argmin())
read, true = int(probabilities[asked].argmax()), int(y_test[asked])
second = true if true != read else int(np.argsort(probabilities[asked])[-2])
print(
    f"read as {read} ({probabilities[asked, read]:.1%}), is a {true}; {second} got {probabilities[asked, second]:.1%}"
)
_ = SaliencyDisplay.from_estimator(clf, X_test[[asked, asked]], [read, second], method="occlusion")

# %%
# Exercises
# ---------
#
# **1. Is the map true?** Paint over the pixels that the gradient calls most important, and as many at random. Which
# costs more?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        generator = np.random.default_rng(0)
#        images, labels = X_test[:200].astype(float), y_test[:200]
#        maps = np.abs(clf.saliency(images)).reshape(len(images), -1)
#        n_pixels = maps.shape[1] // 8
#        print(f"nothing painted over   {clf.score(images, labels):.2%}")
#        for name, ranks in (("important", maps), ("random", generator.random(maps.shape))):
#            painted = images.reshape(len(images), -1).copy()
#            np.put_along_axis(painted, ranks.argsort(axis=1)[:, -n_pixels:], 0.0, axis=1)
#            print(f"{n_pixels} {name} pixels {clf.score(painted.reshape(images.shape), labels):.2%}")
#
#    If painting over what the map calls important cost no more than chance, the map would be decoration.
#
# **2. Make it an eight.** Follow the gradient: add ink to a three where it speaks for an eight, until it is read as
# one.
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        image = X_test[chosen[0]].astype(float)[None]
#        for step in range(101):
#            shares = clf.predict_proba(image)[0]
#            if step % 10 == 0 or shares.argmax() == 8:
#                print(f"step {step:>3}: read as {shares.argmax()}, an 8 by {shares[8]:.2%}")
#            if shares.argmax() == 8:
#                break
#            slope = clf.saliency(image, [8])[0]
#            image[0] = np.clip(image[0] + 0.05 * white * slope / np.abs(slope).max(), 0, white)
#        changed = np.abs(image[0] - X_test[chosen[0]]) / white
#        print(f"mean change of a pixel: {changed.mean():.3f} of white")
#
#        figure, panels = plt.subplots(1, 2, figsize=(5, 2.6), layout="constrained")
#        for ax, picture, title in zip(panels, (X_test[chosen[0]], image[0]), ("given", "after"), strict=True):
#            ax.imshow(picture, cmap="gray_r", vmin=0, vmax=white)
#            ax.set(xticks=[], yticks=[], title=title)
#
#    Look at the result: is it an eight to you? Images that are changed to mislead a network and not a human are called
#    *adversarial examples*.
