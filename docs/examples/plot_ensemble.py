"""
An ensemble, and how far the seeds differ
=========================================

Train the same network twice with different seeds and you get two networks with different mistakes. How different, what
does that say about an accuracy that somebody reports, and what is won by asking several at once?
"""

# %%
# Eight seeds
# -----------
#
# A seed decides the initial weights and the order of the images, nothing else. With few training images, a small
# network and a high rate there are enough mistakes to look at.

import numpy as np
from sklearn.model_selection import train_test_split

from jaxdigits import DigitClassifier, load_digits

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=400, stratify=y, random_state=0)
N_SEEDS = 8
settings = {
    "model": "mlp",
    "hidden_sizes": (16, 16),
    "learning_rate": 0.02,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "max_epochs": 60,
}
singles = [DigitClassifier(**settings, random_state=seed).fit(X_train, y_train) for seed in range(N_SEEDS)]
scores = np.array([single.score(X_test, y_test) for single in singles])
for seed, score in enumerate(scores):
    print(f"seed {seed}: {score:.2%}")
print(f"mean {scores.mean():.2%}, standard deviation {100 * scores.std(ddof=1):.2f} points")
print(f"from the worst to the best seed: {100 * (scores.max() - scores.min()):.2f} points")

# %%
# A difference between two methods that is smaller than the spread between seeds of one of them says nothing. And
# "the best of eight runs" is a statement about luck.
#
# Do they make the same mistakes?
# -------------------------------
#
# For each pair: the share of test images that the two read differently.

import matplotlib.pyplot as plt

predictions = np.stack([single.predict(X_test) for single in singles])
differ = (predictions[:, None] != predictions[None]).mean(axis=2)

figure, ax = plt.subplots(figsize=(5.6, 4.6), layout="constrained")
picture = ax.imshow(100 * differ, cmap="Blues", vmin=0)
for row in range(N_SEEDS):
    for column in range(N_SEEDS):
        color = "white" if differ[row, column] > 0.6 * differ.max() else "black"
        ax.text(column, row, f"{100 * differ[row, column]:.1f}", ha="center", va="center", color=color, fontsize=9)
ax.set(xlabel="seed", ylabel="seed", title="% of test images that two seeds read differently")
_ = figure.colorbar(picture, label="%")

wrong = predictions != y_test
print(f"wrong in every seed: {wrong.all(axis=0).sum()} images, in at least one: {wrong.any(axis=0).sum()}")

# %%
# The first number are the hard images, that no seed reads. The difference to the second is chance, and chance can be
# averaged out.
#
# An ensemble
# -----------
#
# ``n_members`` trains several networks that differ in nothing but their seeds, in one program, and
# :meth:`~jaxdigits.DigitClassifier.predict_proba` is the mean of their probabilities.

from jaxdigits.metrics import mean_log_loss

sizes = (1, 2, 4, 8)
ensembles = {n: DigitClassifier(**settings, n_members=n, random_state=0) for n in sizes}
print(f"{'members':>7} {'accuracy':>9} {'log loss':>9}")
losses = {}
for n, ensemble in ensembles.items():
    ensemble.fit(X_train, y_train)
    losses[n] = mean_log_loss(y_test, ensemble.predict_proba(X_test), ensemble.classes_)
    print(f"{n:>7} {ensemble.score(X_test, y_test):>9.2%} {losses[n]:>9.4f}")

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
single_losses = [mean_log_loss(y_test, single.predict_proba(X_test), single.classes_) for single in singles]
ax.plot(np.ones(N_SEEDS), single_losses, "o", color="#0072B2", alpha=0.6, label="eight single networks")
ax.plot(sizes, [losses[n] for n in sizes], "s--", color="#D55E00", label="ensemble")
ax.set(xlabel="members", ylabel="log loss on test images", xscale="log", ylim=(0, None))
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
_ = ax.legend()

# %%
# An ensemble gains most in the loss: where members disagree, the mean is less sure, as it should be.
#
# Disagreement knows where mistakes are
# -------------------------------------
#
# Sort the test images by how many of the eight networks agree with the majority, and count mistakes.

votes = np.stack([(predictions == digit).sum(axis=0) for digit in range(10)])
most = votes.max(axis=0)
majority = votes.argmax(axis=0)
print("agree  images  mistakes of the majority")
for count in range(N_SEEDS, 0, -1):
    group = most == count
    if group.any():
        print(f"{count:>5} {group.sum():>7} {(majority[group] != y_test[group]).mean():>9.1%}")

# %%
# Here are the images that the seeds agree on least, with what the ensemble makes of them.

from jaxdigits.plotting import PredictionsDisplay

disputed = np.argsort(most, kind="stable")[:10]
_ = PredictionsDisplay.from_estimator(ensembles[8], X_test[disputed], y_test[disputed])

# %%
# Exercises
# ---------
#
# **1. Mean or vote?** The ensemble averages probabilities. Is a vote of the eight single networks as good?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        mean = np.mean([single.predict_proba(X_test) for single in singles], axis=0)
#        print(f"mean of probabilities {(mean.argmax(axis=1) == y_test).mean():.2%}")
#        print(f"vote                  {(majority == y_test).mean():.2%}")
#        print(f"votes that were ties: {(np.sort(votes, axis=0)[-1] == np.sort(votes, axis=0)[-2]).sum()}")
#
#    Close. The mean also counts how sure each member is, knows no ties, and leaves probabilities behind.
#
# **2. Seeds or data?** Keep the seed and train on other images instead. Which differs more?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        others = []
#        for part in range(N_SEEDS):
#            X_part, X_left, y_part, y_left = train_test_split(X, y, train_size=400, stratify=y, random_state=part)
#            other = DigitClassifier(**settings, random_state=0).fit(X_part, y_part)
#            others.append(other.score(X_left, y_left))
#        print(f"other seeds:  standard deviation {100 * scores.std(ddof=1):.2f} points")
#        print(f"other images: standard deviation {100 * np.std(others, ddof=1):.2f} points")
#
#    The seeds are only one source of chance. Which images one happens to have is another, and no ensemble of one
#    training set averages that out.
