"""
A linear model, perceptrons and convolutions compared
=====================================================

Six networks, one task: how well does each read, how many weights does it have, and how long does it train?
"""

# %%
# The digits
# ----------

from sklearn.model_selection import train_test_split

from jaxdigits import load_digits

digits = load_digits()
X_train, X_test, y_train, y_test = train_test_split(
    digits.images, digits.target, stratify=digits.target, random_state=0
)
print(f"{len(X_train)} images to train on, {len(X_test)} to test on, {X_train.shape[1]} x {X_train.shape[2]} pixels")

# %%
# The networks
# ------------
#
# - *linear*: each class sums up the pixels, weighted; the largest sum wins. No hidden layer.
# - *mlp*: a hidden layer of 32 or 128 ReLU units between pixels and classes, all connected with all.
# - *cnn*: small filters slide over the image, so that what is learned about a stroke in one place holds in all. Each
#   convolution is followed by max-pooling, which keeps the strongest answer of each 2 x 2 block.
# - *lenet5*: the network of LeCun et al. (1998): larger filters, tanh replaced by ReLU here unless you ask for it.
# - *resnet*: 3 x 3 convolutions in blocks that add what they find to their input, then the mean over the image.
#
# All train for the same number of epochs, by the recipe that :class:`~jaxdigits.DigitClassifier` has for each family.
# Augmentation is off, so that all see the same images.

import time

from jaxdigits import DigitClassifier

networks = {
    "linear": {"model": "linear"},
    "mlp 32": {"model": "mlp", "hidden_sizes": (32,)},
    "mlp 128": {"model": "mlp", "hidden_sizes": (128,)},
    "cnn": {"model": "cnn", "channels": (16, 32), "hidden_sizes": (64,)},
    "lenet5": {"model": "lenet5"},
    "resnet": {"model": "resnet", "channels": (16,)},
}

N_EPOCHS = 10
fitted, results = {}, {}
for name, network in networks.items():
    start = time.perf_counter()
    clf = DigitClassifier(**network, augment=None, max_epochs=N_EPOCHS, random_state=0).fit(X_train, y_train)
    seconds = time.perf_counter() - start
    later = [epoch["seconds"] for epoch in clf.history_[1:]]
    fitted[name] = clf
    results[name] = {
        "accuracy": clf.score(X_test, y_test),
        "weights": sum(array.size for array in clf.params_.values()),
        "seconds": seconds,
        "seconds an epoch": sum(later) / len(later),
    }

# %%
# The table
# ---------
#
# *Seconds* are those of the whole fit. The first epoch contains the compilation: JAX translates the training loop into
# machine code once for each network, which takes longer for more layers. *Seconds an epoch* are the mean of the others.

from jaxdigits.metrics import wilson_interval

print(f"{'network':<12} {'accuracy':>9} {'95 % interval':>20} {'weights':>9} {'seconds':>8} {'s an epoch':>11}")
for name, row in results.items():
    low, high = wilson_interval(round(row["accuracy"] * len(y_test)), len(y_test))
    print(
        f"{name:<12} {row['accuracy']:>9.2%} {f'{low:.2%} to {high:.2%}':>20} {row['weights']:>9,} "
        f"{row['seconds']:>8.1f} {row['seconds an epoch']:>11.3f}"
    )

# %%
# The interval says how far the accuracy may be off because the test set is small. Where two intervals overlap widely,
# this experiment does not say which network is better.

import matplotlib.pyplot as plt
import numpy as np

blue, names, places = "#0072B2", list(results), np.arange(len(results))
columns = {key: np.array([row[key] for row in results.values()]) for key in ("accuracy", "weights", "seconds")}
ends = [wilson_interval(round(each * len(y_test)), len(y_test)) for each in columns["accuracy"]]

figure, (first, second, third) = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained", sharey=True)
first.hlines(places, *(100 * np.transpose(ends)), color=blue, linewidth=2)
first.plot(100 * columns["accuracy"], places, "o", color=blue)
first.set(title="accuracy, %, with 95 % interval", yticks=places, yticklabels=names)
second.bar_label(second.barh(places, columns["weights"], color=blue), fmt="{:,.0f}", padding=3)
second.set(title="weights", xscale="log", xlim=(100, 8 * columns["weights"].max()))
third.bar_label(third.barh(places, columns["seconds"], color=blue), fmt="{:.1f}", padding=3)
third.set(title="seconds to fit", xlim=(0, 1.25 * columns["seconds"].max()))
for ax in (first, second, third):
    ax.spines[["top", "right"]].set_visible(False)
first.grid(axis="x", alpha=0.3)
first.invert_yaxis()

# %%
# The number of weights is no measure of quality: a convolution has few, because one filter serves the whole image. Nor
# is it one of work: each of these weights is used again at every place of the image.
#
# What the linear model can't do
# ------------------------------
#
# A linear model has one template for each class. These are its weights, laid out as images: blue pixels speak for the
# digit, red ones against it.

kernel = fitted["linear"].params_["layers.1.kernel"].T.reshape(10, *X_train.shape[1:])
limit = np.abs(kernel).max()
figure, panels = plt.subplots(2, 5, figsize=(8, 3.6), layout="constrained")
for digit, ax in enumerate(panels.flat):
    picture = ax.imshow(kernel[digit], cmap="RdBu", vmin=-limit, vmax=limit)
    ax.set(title=str(digit), xticks=[], yticks=[])
_ = figure.colorbar(picture, ax=panels, label="weight")

# %%
# Two ways of writing a seven, with a bar and without, have to share one template. Hidden units give each class several.

# %%
# Exercises
# ---------
#
# **1. Is it the seed?** Fit ``mlp 32`` with five seeds. How large is the spread beside the differences in the table?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        scores = [
#            DigitClassifier("mlp", hidden_sizes=(32,), max_epochs=N_EPOCHS, random_state=seed)
#            .fit(X_train, y_train)
#            .score(X_test, y_test)
#            for seed in range(5)
#        ]
#        print(f"mean {np.mean(scores):.2%}, lowest {min(scores):.2%}, highest {max(scores):.2%}")
#
#    Only differences that are larger than this spread say something about the networks. The seeds share one compiled
#    program, so the later fits take a fraction of the first one's time.
#
# **2. Where are the weights?** In which layer of *mlp 128* and of *cnn* do most weights lie?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        for name in ("mlp 128", "cnn"):
#            print(fitted[name].summary(), end="\n\n")
#
#    In the first dense layer of both: it connects everything below with everything above. In the convolutional network
#    that comes after two poolings, when little is left of the image. The convolutions themselves, which do most of the
#    work, hold few.
