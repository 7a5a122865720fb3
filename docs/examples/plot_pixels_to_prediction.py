"""
From pixels to prediction
=========================

The whole path once: load the digits, look at them, normalize, flatten, train a network, read its curves, count its
mistakes, look at its predictions. After each step we print what it did to the numbers.
"""

# %%
# Load
# ----
#
# An image is a square of numbers, the label is the digit that its writer meant. A part of the images is put aside
# now and not looked at until the end: only images that the network has never seen can tell how good it is. A second
# part, for validation, is watched while the network trains.

import os

from sklearn.model_selection import train_test_split

from jaxdigits import load_digits, load_mnist

if os.environ.get("JAXDIGITS_DATA"):  # a folder that holds MNIST
    images, X_test, labels, y_test = load_mnist()
    images, labels, X_test, y_test = images[:4000], labels[:4000], X_test[:2000], y_test[:2000]
else:
    digits = load_digits()
    images, X_test, labels, y_test = train_test_split(
        digits.images, digits.target, stratify=digits.target, random_state=0
    )
X_train, X_val, y_train, y_val = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0)

for name, X in {"training": X_train, "validation": X_val, "test": X_test}.items():
    print(f"{name:<10}  shape {X.shape!s:<16}  {X.dtype}  from {X.min():g} to {X.max():g}")

# %%
# Look
# ----
#
# Look at the data before anything else: are they upright, is the ink light or dark, do labels and images belong
# together?

from jaxdigits.plotting import DigitSheetDisplay

_ = DigitSheetDisplay.from_samples(X_train, y_train, n_digits=50)

# %%
# To the computer the same image is a table of numbers. Paper is 0 and ink is high.

import numpy as np

with np.printoptions(linewidth=120):
    print(X_train[0].astype(int))
print("label:", y_train[0])

# %%
# Normalize and flatten
# ---------------------
#
# Two steps change the form of the numbers and nothing else. *Normalizing* divides by the largest possible value, white,
# so that ink is 1 and paper 0. *Flattening* lays the rows of pixels end to end, because a dense layer takes a vector:
# it does not know which pixels are neighbors.

white = float(X_train.max())


def to_vectors(X):
    """Bring images to rows of numbers between 0 and 1."""
    return X.reshape(len(X), -1) / white


vectors = to_vectors(X_train)
print(
    f"as loaded   shape {X_train.shape!s:<16}  range {X_train.min():g} to {X_train.max():g}  mean {X_train.mean():.3g}"
)
print(
    f"as vectors  shape {vectors.shape!s:<16}  range {vectors.min():g} to {vectors.max():g}  mean {vectors.mean():.3g}"
)

# %%
# Train
# -----
#
# One hidden layer of 128 ReLU units, ten outputs, softmax and cross-entropy, trained by Adam in batches of 32: what
# most first projects build. The defaults of :class:`~jaxdigits.DigitClassifier` do better than this; the settings here
# switch off what they add, so that overfitting can be seen.

from jaxdigits import DigitClassifier

plain = {
    "model": "mlp",
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "schedule": "constant",
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "average_weights": False,
    "batch_size": 32,
    "max_epochs": 40,
    "random_state": 0,
}
clf = DigitClassifier(**plain)
clf.fit(to_vectors(X_train), y_train, X_val=to_vectors(X_val), y_val=y_val)
print(clf.summary())

# %%
# Each epoch is one pass over all training images. The summary counts the weights: 128 times the pixels and 128 biases
# in the hidden layer, ten times 128 and ten biases in the last one.
#
# Read the curves
# ---------------

from jaxdigits.plotting import TrainingCurvesDisplay

_ = TrainingCurvesDisplay.from_estimator(clf)

# %%
# Blue is measured on the images that the network trains on, orange on those that it only meets for this measurement.
# The distance between the two is called the *generalization gap*, and a network with a large one is said to
# *overfit*: it has learned things about its training images that don't hold for others. Accuracy is a crude measure
# of it; the loss also counts how sure the network is where it is wrong.

last = clf.history_[-1]
print(f"accuracy  training {last['accuracy']:.2%}  validation {last['validation_accuracy']:.2%}")
print(f"loss      training {last['loss']:.4f}  validation {last['validation_loss']:.4f}")
print(f"gap       {100 * (last['accuracy'] - last['validation_accuracy']):.2f} points of accuracy")
print(f"          {last['validation_loss'] / last['loss']:.0f} times the loss")

# %%
# Count the mistakes
# ------------------
#
# Now the test images, for the first and only time. With this few of them the accuracy is an
# estimate, so we give its confidence interval. In the confusion matrix each row is a true digit and each column what it
# was read as; the mistakes stand beside the diagonal, each
# with a picture of its kind.

from jaxdigits.metrics import wilson_interval
from jaxdigits.plotting import ConfusionMatrixDisplay

predictions = clf.predict(to_vectors(X_test))
n_right = int((predictions == y_test).sum())
low, high = wilson_interval(n_right, len(y_test))
print(
    f"{n_right} of {len(y_test)} right: {n_right / len(y_test):.2%}, between {low:.2%} and {high:.2%} (95 % confidence)"
)

_ = ConfusionMatrixDisplay.from_predictions(y_test, predictions, images=X_test)

# %%
# Look at predictions
# -------------------
#
# For one image the network gives ten probabilities. The prediction is the digit with the largest one.

probabilities = clf.predict_proba(to_vectors(X_test[:1]))[0]
for digit, probability in enumerate(probabilities):
    print(f"{digit}  {probability:7.2%}  {'#' * round(40 * probability)}")
print("true label:", y_test[0])

# %%
# The first test images, with the prediction, its probability and the truth:

from jaxdigits.plotting import PredictionsDisplay

_ = PredictionsDisplay.from_estimator(clf, to_vectors(X_test), y_test, images=X_test)

# %%
# The mistakes of which the network was surest are worth a look: some of these digits a human would misread as well.

from jaxdigits.plotting import MistakesDisplay

_ = MistakesDisplay.from_estimator(clf, to_vectors(X_test), y_test, images=X_test, n_mistakes=10)

# %%
# What the division does
# ----------------------
#
# :class:`~jaxdigits.DigitClassifier` recognizes pixels and divides by white itself, so with it the step above could
# have been left out. The network sees the same numbers, in batches that are put together in another order:

raw = DigitClassifier(**plain).fit(X_train, y_train)
print("range that was found:", raw.pixel_range_)
print(
    f"validation accuracy: divided by us {clf.score(to_vectors(X_val), y_val):.2%}, by it {raw.score(X_val, y_val):.2%}"
)

# %%
# To see what the division is for we take the functional core, which multiplies by the ``scale`` that it is told. The
# same network starts from the same weights and sees the same batches, with and without the division, once trained by
# Adam and once by gradient descent with momentum.

from jaxdigits.core import training
from jaxdigits.core.models import MODELS, Options
from jaxdigits.core.samples import make_order, make_samples

N_EPOCHS = 15


def train(scale, optimizer, learning_rate):
    """Return validation loss and accuracy before training and after each epoch, and the weights."""
    spec = MODELS["mlp"](X_train.shape[1:], 10, Options(hidden_sizes=(128,)))
    program = training.Program(spec, optimizer=optimizer, batch_size=32)
    numbers = training.Hyperparameters(learning_rate=learning_rate)
    samples = make_samples(X_train, y_train, scale=scale)
    generator = np.random.default_rng(0)
    state = training.init(0, samples, numbers, program=program)
    results = []
    for epoch in range(N_EPOCHS + 1):
        if epoch > 0:
            order = make_order(generator, len(y_train), program.batch_size)
            state, _ = training.epoch(state, samples, order, numbers, program=program)
        variables = training.predicting_variables(state, program)
        measured = training.evaluate(variables, X_val, y_val, program=program, scale=scale)
        results.append((measured.loss, measured.accuracy))
    return np.array(results).T, variables.params


def share_of_dead_units(params, scale):
    """Return how many hidden units answer 0 to every validation image."""
    inputs = X_val.reshape(len(X_val), -1) * scale
    hidden = inputs @ params["layers.1.kernel"] + params["layers.1.bias"]
    return float((hidden <= 0).all(axis=0).mean())


import matplotlib.pyplot as plt

figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
print("optimizer  pixels            loss: start       end  accuracy  dead units")
for ax, (optimizer, rate) in zip(panels, (("adam", 1e-3), ("sgd", 0.1)), strict=True):
    for scale, name, style in ((1 / white, f"0 to 1 (/{white:g})", "-"), (1.0, f"0 to {white:g}", "--")):
        (loss, accuracy), params = train(scale, optimizer, rate)
        dead = share_of_dead_units(params, scale)
        print(f"{optimizer:<10} {name:<16} {loss[0]:>12.3f} {loss[-1]:>9.3f} {accuracy[-1]:>9.2%} {dead:>11.0%}")
        ax.plot(100 * accuracy, style, marker="o", markersize=3, label=name)
    ax.set(title=f"{optimizer}, rate {rate:g}", xlabel="epoch", ylim=(0, 102))
    ax.legend(title="pixels", loc="center right")
_ = panels[0].set_ylabel("validation accuracy, %")

# %%
# Before the first step the outputs are a product of weights and pixels: large pixels make large outputs, the softmax is
# very sure of something that nobody has taught it, and the loss at the start is high. The gradient of a first-layer
# weight is a product with its pixel as well, so the steps grow too. Gradient descent takes them as they come: at a rate
# that suits pixels up to 1 it jumps too far, and ReLU units are thrown to where they answer 0 to every image. There
# they have no gradient and can't return. When all are dead, only the biases of the outputs are left to learn, and these
# know no more than how common each digit is. Adam divides each step by the size of recent gradients and so survives
# large ones. Dividing the pixels costs nothing and spares us from having to care.

# %%
# Exercises
# ---------
#
# **1. A smaller rate.** Can gradient descent learn from pixels that were not divided if its rate is small enough? Which
# factor do you expect to need?
#
# .. dropdown:: Solution
#
#    A step changes a weight in proportion to its pixel, and the weight changes the output in proportion to that pixel
#    again. So the rate has to shrink by the square of ``white`` to have the same effect there.
#
#    .. code-block:: python
#
#        for rate in (0.1, 0.1 / white, 0.1 / white**2):
#            (loss, accuracy), params = train(1.0, "sgd", rate)
#            dead = share_of_dead_units(params, 1.0)
#            print(f"rate {rate:.2g}: loss {loss[-1]:.3f}, accuracy {accuracy[-1]:.2%}, dead units {dead:.0%}")
#
#    It can. But this one rate now serves two layers with different needs: what is safe for the weights of the
#    pixels is slow for the biases and for the layer above.
#
# **2. Does the order of pixels matter?** Shuffle the pixels of all images in the same way and train the same network.
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        order = np.random.default_rng(0).permutation(vectors.shape[1])
#        shuffled = DigitClassifier(**plain).fit(to_vectors(X_train)[:, order], y_train)
#        print(f"in order {clf.score(to_vectors(X_test), y_test):.2%}")
#        print(f"shuffled {shuffled.score(to_vectors(X_test)[:, order], y_test):.2%}")
#
#    No: a dense layer has no notion of neighbors, so there is none to lose. The small difference is that of two
#    random starts. Try it with ``model="cnn"``, which does look at neighbors.
