"""
Confidence, calibration and when to abstain
===========================================

A classifier that says how sure it is can be asked to stay silent where it is not. For that its word must be worth
something: of the digits that it is 90 % sure of, nine in ten should be right. We measure that, mend it with one number,
and choose a threshold that keeps a promise about mistakes.
"""

# %%
# Four parts
# ----------
#
# Images to train on, images to calibrate on, images to choose the threshold on, and images to test all of it. None may
# stand in for another: a network is surer of what it was trained on, and a threshold fits the images it was chosen on.

from sklearn.model_selection import train_test_split

from jaxdigits import DigitClassifier, load_digits

X, y = load_digits(return_X_y=True)
X_train, X_rest, y_train, y_rest = train_test_split(X, y, train_size=300, stratify=y, random_state=0)
X_known, X_test, y_known, y_test = train_test_split(X_rest, y_rest, train_size=0.6, stratify=y_rest, random_state=0)
X_cal, X_choose, y_cal, y_choose = train_test_split(X_known, y_known, train_size=0.4, stratify=y_known, random_state=0)
for name, part in (("train", X_train), ("calibrate", X_cal), ("choose", X_choose), ("test", X_test)):
    print(f"{name:<10} {len(part):>4} images")

# %%
# A network that is too sure
# --------------------------
#
# Trained for long on few images and rewarded for certainty, a network becomes surer than it is right.

settings = {"model": "mlp", "optimizer": "adam", "learning_rate": 1e-2, "schedule": "constant", "max_epochs": 60}
clf = DigitClassifier(**settings, label_smoothing=0.0, average_weights=False, random_state=0).fit(X_train, y_train)

before = clf.predict_proba(X_test)
print(f"right: {clf.score(X_test, y_test):.2%}   says it is sure by: {before.max(axis=1).mean():.2%} on average")

# %%
# Calibrate
# ---------
#
# :meth:`~jaxdigits.DigitClassifier.calibrate` finds one number, the *temperature* (Guo et al., 2017). All logits are
# divided by it: above 1 every answer becomes less sure, below 1 surer. The order of the classes stays as it is, so no
# prediction changes.

import numpy as np

from jaxdigits.calibration import expected_calibration_error
from jaxdigits.metrics import mean_log_loss

N_BINS = 6
clf.calibrate(X_cal, y_cal)
after = clf.predict_proba(X_test)

print(f"temperature {clf.temperature_:.2f}")
print(f"{'':<8} {'accuracy':>9} {'mean confidence':>16} {'calibration error':>18} {'log loss':>9}")
for name, probabilities in (("before", before), ("after", after)):
    accuracy = (probabilities.argmax(axis=1) == y_test).mean()
    error = expected_calibration_error(probabilities, y_test, n_bins=N_BINS)
    loss = mean_log_loss(y_test, probabilities, clf.classes_)
    print(f"{name:<8} {accuracy:>9.2%} {probabilities.max(axis=1).mean():>16.2%} {error:>18.4f} {loss:>9.4f}")

# %%
# In the diagram each point is a bin of test images: how sure the network was of them against how many of them were
# right. Below the diagonal it was too sure. The bars are 95 % intervals, long where a bin holds few images.

from jaxdigits.plotting import ReliabilityDisplay

display = ReliabilityDisplay.from_predictions(y_test, before, clf.classes_, n_bins=N_BINS, name="before")
ReliabilityDisplay.from_predictions(y_test, after, clf.classes_, n_bins=N_BINS, name="calibrated", ax=display.ax_)
_ = display.ax_[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)

# %%
# When to abstain
# ---------------
#
# Accept a prediction only if its probability reaches a threshold; leave the others to a human. The higher the
# threshold, the fewer mistakes among the accepted and the more work is left over.
#
# :meth:`~jaxdigits.DigitClassifier.rejection_threshold` chooses it so that a promise holds: with a confidence of 95 %,
# at most the stated share of *all* accepted digits like these is wrong, not only of those that were looked at. That
# takes an allowance for chance: the share among those that were looked at has to be smaller than the stated one.

RISK = 0.03
threshold = clf.rejection_threshold(X_choose, y_choose, risk=RISK, confidence=0.95)

surest = after.max(axis=1)
right = clf.classes_[after.argmax(axis=1)] == y_test
accepted = surest >= threshold
print(f"threshold {threshold:.3f} for at most {RISK:.0%} wrong")
print(f"test images: {accepted.mean():.1%} accepted, {(~right[accepted]).mean():.2%} of them wrong")
print(f"             {(~right).mean():.2%} would have been wrong without a threshold")
print(f"             {(~right[~accepted]).sum()} of {(~right).sum()} mistakes were sent to a human")

from jaxdigits.plotting import RiskCoverageDisplay

_ = RiskCoverageDisplay.from_predictions(y_test, after, clf.classes_, threshold=threshold)

# %%
# What it was unsure of
# ---------------------
#
# The digits of which the network was least sure. Many of them are hard for us as well; that is what makes abstaining
# worth its price.

from jaxdigits.plotting import PredictionsDisplay

unsure = np.argsort(surest)[:10]
_ = PredictionsDisplay.from_predictions(
    X_test[unsure], y_test[unsure], after[unsure].argmax(axis=1), probabilities=surest[unsure]
)

# %%
# Exercises
# ---------
#
# **1. A stricter promise.** Ask for a risk of 0.1 %. What does the library answer, and why?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        try:
#            clf.rejection_threshold(X_choose, y_choose, risk=0.001)
#        except ValueError as error:
#            print(error)
#
#    Even without a single mistake among *n* images, a share of about 3 / *n* of all images may be wrong. A promise
#    that is ten times as strict takes ten times as many images.
#
# **2. Sure of nonsense.** How sure is the network of random pixels? Would the threshold have caught them?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        noise = np.random.default_rng(0).integers(0, 17, (1000, 64))
#        confidence = clf.predict_proba(noise).max(axis=1)
#        print(f"median confidence {np.median(confidence):.1%}, accepted {(confidence >= threshold).mean():.1%}")
#
#    A probability says which of the ten digits it is *if it is one*. Calibration and threshold hold for images like
#    those that they were made with, and random pixels are not. The packaged models know a class of their own for
#    what is no digit.
