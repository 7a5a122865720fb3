"""
Searching for hyperparameters
=============================

Batch size, learning rate and optimizer are chosen by trying: each candidate is trained on a part of the training images
and judged on the rest. We let scikit-learn's ``GridSearchCV`` do it, then
:class:`~jaxdigits.VectorizedSearchCV`, which trains many candidates in one program, and compare results and times.
"""

# %%
# What to try
# -----------

from sklearn.model_selection import ParameterGrid, train_test_split

from jaxdigits import DigitClassifier, load_digits

X_train, X_test, y_train, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)

grid = {
    "batch_size": [32, 128],
    "learning_rate": [1e-3, 3e-2, 5e-1],
    "optimizer": ["sgd", "adam"],
}
n_folds = 2
clf = DigitClassifier("mlp", hidden_sizes=(32,), max_epochs=10, random_state=0)
n_candidates = len(ParameterGrid(grid))
print(f"{n_candidates} candidates x {n_folds} folds = {n_candidates * n_folds} fits")

# %%
# One fit after the other
# -----------------------
#
# ``GridSearchCV`` knows nothing of JAX. It compiles little all the same: fits that differ in their learning rate, their
# seed or their fold share one program for training. Only another optimizer or batch size needs another one, so the
# number of programs does not grow with the number of fits.

import time

from sklearn.model_selection import GridSearchCV

from jaxdigits.core.training import compile_count

compiled, start = compile_count(), time.perf_counter()
one_by_one = GridSearchCV(clf, grid, cv=n_folds).fit(X_train, y_train)
seconds = {"GridSearchCV": time.perf_counter() - start}
print(f"{seconds['GridSearchCV']:.1f} s, {compile_count() - compiled} programs compiled")
print(one_by_one.best_params_)

# %%
# All together
# ------------
#
# ``VectorizedSearchCV`` takes the same arguments. Candidates that can share a program train side by side in it, like
# the rows of a matrix. That saves the overhead of many small steps, and costs larger programs, which take longer to
# compile: in a search as small as this one the clock may show either ahead. The longer the training, the more the
# saving counts.

from jaxdigits import VectorizedSearchCV

compiled, start = compile_count(), time.perf_counter()
together = VectorizedSearchCV(clf, grid, cv=n_folds).fit(X_train, y_train)
seconds["VectorizedSearchCV"] = time.perf_counter() - start
print(f"{seconds['VectorizedSearchCV']:.1f} s, {compile_count() - compiled} programs compiled")
print(together.best_params_)

# %%
# The same answers?
# -----------------
#
# The splits, seeds and batches are the same, so the scores should be. Where sums of floating-point numbers are rounded
# in another order, training at a high rate can blow up the difference; so we look.

import numpy as np

scores = [search.cv_results_["mean_test_score"] for search in (one_by_one, together)]
difference = np.abs(scores[0] - scores[1])
print(f"scores differ by {difference.max():.4f} at most, by {difference.mean():.5f} on average")
print(f"{'':<20} {'seconds':>8} {'best score':>11}")
for search in (one_by_one, together):
    name = type(search).__name__
    print(f"{name:<20} {seconds[name]:>8.1f} {search.best_score_:>11.4f}")

# %%
# The heat map
# ------------
#
# One map for each optimizer. A frame marks the best cell.

import matplotlib.pyplot as plt

from jaxdigits.plotting import SearchHeatMapDisplay

figure, panels = plt.subplots(2, 1, figsize=(7, 5.6), layout="constrained")
for ax, optimizer in zip(panels, grid["optimizer"], strict=True):
    SearchHeatMapDisplay.from_estimator(
        together, x="learning_rate", y="batch_size", fixed={"optimizer": optimizer}, ax=ax
    )

# %%
# Read along a row: too small a rate has not arrived when the epochs are over, too large a one never settles. Read
# between the rows: a small batch makes more steps in an epoch and so gets by with a smaller rate. And the two maps
# differ in where their best column is: a rate means something else to each optimizer. That is why rate and optimizer
# must be searched together.
#
# The last word belongs to images that the search has not seen. The score of the winner is a little flattered, for it
# won by its score:

print(f"winner: score in the search {together.best_score_:.2%}, on test images {together.score(X_test, y_test):.2%}")

# %%
# Exercises
# ---------
#
# **1. How sure is the winner?** How many candidates come within one standard deviation (over the folds) of the best?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        results = together.cv_results_
#        best = together.best_index_
#        near = results["mean_test_score"] >= results["mean_test_score"][best] - results["std_test_score"][best]
#        for index in np.flatnonzero(near):
#            mean, std = results["mean_test_score"][index], results["std_test_score"][index]
#            print(f"{mean:.4f} +- {std:.4f}", results["params"][index])
#
#    Between these the search does not decide. Take the one that is simplest or fastest.
#
# **2. Draw instead of listing.** Search the learning rate at random between 1e-4 and 1 with ``n_iter=20``. Is the best
# rate found beside the grid's?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        from scipy.stats import loguniform
#
#        drawn = VectorizedSearchCV(
#            clf.set_params(optimizer="adam", batch_size=32),
#            {"learning_rate": loguniform(1e-4, 1.0)},
#            n_iter=20,
#            cv=n_folds,
#            random_state=0,
#        ).fit(X_train, y_train)
#        order = np.argsort(drawn.cv_results_["param_learning_rate"].astype(float))
#        for index in order:
#            rate, score = (drawn.cv_results_[key][index] for key in ("param_learning_rate", "mean_test_score"))
#            print(f"rate {rate:<8.2g} {score:.4f} {'best' if index == drawn.best_index_ else ''}")
#
#    The scores form a plateau with two slopes. Any rate on the plateau will do, and drawing on a logarithmic scale
#    finds it without knowing where it lies.
