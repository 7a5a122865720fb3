"""
Regularization and augmentation
===============================

With few images a network learns them by heart. We train on 200, measure the gap between images that it knows and images
that it does not, and try what closes it.
"""

# %%
# A small training set
# --------------------

from sklearn.model_selection import train_test_split

from jaxdigits import DigitClassifier, load_digits

digits = load_digits()
X_train, X_test, y_train, y_test = train_test_split(
    digits.images, digits.target, train_size=200, stratify=digits.target, random_state=0
)
print(f"{len(X_train)} images to train on, {len(X_test)} to test on")

# %%
# Six ways
# --------
#
# One network, a perceptron with 128 hidden units, and one thing at a time:
#
# - *weight decay* pulls every weight towards zero in each step, so that only what is needed again and again stays
#   large.
# - *dropout* switches off half of the hidden units at random in each step, so that none can rely on another.
# - *label smoothing* asks for a little less than certainty, so that the loss has nothing to gain from extremes.
# - *augmentation* moves, turns, scales and slants each image anew in each step: the network never sees one twice.
# - *all together*, and for comparison *nothing*.

nothing = {"weight_decay": 0.0, "dropout": 0.0, "label_smoothing": 0.0, "augment": None}
moves = ("shift", "rotation", "scale", "shear")
ways = {
    "nothing": {},
    "weight decay": {"weight_decay": 0.3},
    "dropout": {"dropout": 0.5},
    "label smoothing": {"label_smoothing": 0.1},
    "augmentation": {"augment": moves},
    "all together": {"weight_decay": 0.3, "dropout": 0.2, "label_smoothing": 0.1, "augment": moves},
}


def fit(seed=0, **way):
    """Train the perceptron for 150 epochs with one of the ways."""
    clf = DigitClassifier("mlp", optimizer="adamw", learning_rate=3e-3, max_epochs=150, random_state=seed)
    return clf.set_params(**{**nothing, **way}).fit(X_train, y_train)


# %%
# What augmentation does to an image
# ----------------------------------

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from jaxdigits.core.augmentation import augment

one = jnp.asarray(np.repeat(X_train[:1], 9, axis=0) / 16, jnp.float32)
moved = np.asarray(augment(jax.random.key(0), one, moves))
figure, panels = plt.subplots(1, 10, figsize=(9, 1.3), layout="constrained")
for ax, image, title in zip(panels, [one[0], *moved], ["given", *["moved"] * 9], strict=True):
    ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=9)

# %%
# The gap, measured
# -----------------
#
# Accuracy on the training images minus accuracy on the test images. Three seeds, because one may be lucky.

from jaxdigits.metrics import mean_log_loss

SEEDS = range(3)
results = {}
for name, way in ways.items():
    rows = []
    for seed in SEEDS:
        clf = fit(seed, **way)
        loss = mean_log_loss(y_test, clf.predict_proba(X_test), clf.classes_)
        rows.append((clf.score(X_train, y_train), clf.score(X_test, y_test), loss))
    results[name] = np.array(rows)

print(f"{'':<16} {'training':>9} {'test':>8} {'gap':>6} {'test loss':>10}   lowest and highest test")
for name, rows in results.items():
    known, unknown, loss = rows.mean(axis=0)
    spread = f"{rows[:, 1].min():.2%} to {rows[:, 1].max():.2%}"
    print(f"{name:<16} {known:>9.2%} {unknown:>8.2%} {100 * (known - unknown):>6.2f} {loss:>10.3f}   {spread}")

# %%

figure, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
places = np.arange(len(results))
known, unknown = (np.array([100 * rows[:, column].mean() for rows in results.values()]) for column in (0, 1))
ax.hlines(places, unknown, known, color="0.6", linewidth=3, zorder=1)
ax.plot(known, places, "o", color="#0072B2", label="training images")
ax.plot(unknown, places, "s", color="#D55E00", label="test images")
for place, rows in zip(places, results.values(), strict=True):
    ax.plot(100 * rows[:, 1], np.full(len(SEEDS), place), "|", color="#D55E00", markersize=12)
ax.set_yticks(places, results)
ax.invert_yaxis()
ax.set(xlabel="accuracy, %; the gray bar is the gap, a tick is one seed")
_ = ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)

# %%
# Read the gap together with the test column: a way that closes the gap by reading *training* images worse has gained
# nothing. Augmentation is the only way here that adds knowledge: that a digit is the same digit when it is moved. The
# others only restrain the network. Look at the losses as well: where label smoothing asks for less than certainty, the
# network is less sure of what it reads right, too, and pays for that in the loss.

# %%
# Exercises
# ---------
#
# **1. More images.** How many images without augmentation are worth 200 with it?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        X_more, X_rest, y_more, y_rest = train_test_split(
#            digits.images, digits.target, train_size=1200, stratify=digits.target, random_state=0
#        )
#        for n in (200, 400, 800, 1200):
#            clf = DigitClassifier("mlp", optimizer="adamw", learning_rate=3e-3, max_epochs=40, random_state=0)
#            clf.set_params(**nothing).fit(X_more[:n], y_more[:n])
#            print(f"{n:>5} images: {clf.score(X_rest, y_rest):.2%}")
#
#    Find the line that comes nearest to *augmentation* in the table above (another test set, so only roughly). More
#    images are better than moved ones, and cost more.
#
# **2. Too much of a good thing.** Turn the digits by up to 90 degrees. What happens, and to which digits?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        from functools import partial
#
#        from jaxdigits.core.augmentation import rotation
#        from jaxdigits.metrics import commonest_confusions
#
#        turned = fit(augment=partial(rotation, degrees=90))
#        print(f"turned by up to 90 degrees: {turned.score(X_test, y_test):.2%}")
#        print("true, read as, how often:", commonest_confusions(y_test, turned.predict(X_test)))
#
#    An augmentation says what does *not* matter. How a digit is turned does matter; told the opposite, the network
#    has to leave out what tells some digits apart. An augmentation must be true.
