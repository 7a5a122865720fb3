"""
A network from scratch
======================

The smallest network that deserves the name, pixels to ten hidden units to ten classes, in NumPy alone: every
multiplication is there to be seen. We derive its gradients, check them against JAX, train it by gradient descent, and
put it beside the library's.
"""

# %%
# The digits
# ----------

import os

import numpy as np
from sklearn.model_selection import train_test_split

from jaxdigits import load_digits, load_mnist

if os.environ.get("JAXDIGITS_DATA"):  # a folder that holds MNIST
    images, images_test, y_train, y_test = load_mnist()
    images, y_train, images_test, y_test = images[:3000], y_train[:3000], images_test[:2000], y_test[:2000]
else:
    digits = load_digits()
    images, images_test, y_train, y_test = train_test_split(
        digits.images, digits.target, stratify=digits.target, random_state=0
    )
white = float(images.max())
X_train = images.reshape(len(images), -1) / white
X_test = images_test.reshape(len(images_test), -1) / white
print(f"X_train {X_train.shape}, X_test {X_test.shape}, pixels from {X_train.min():g} to {X_train.max():g}")

# %%
# The network and its gradients
# -----------------------------
#
# With :math:`n` images as rows of :math:`X`, the network computes
#
# .. math::
#
#    Z = X W_1 + b_1, \qquad H = \max(Z, 0), \qquad A = H W_2 + b_2, \qquad
#    P_{ik} = \frac{e^{A_{ik}}}{\sum_j e^{A_{ij}}},
#
# and its loss is the mean negative logarithm of the probability that the true labels :math:`y_i` got:
#
# .. math::
#
#    L = -\frac{1}{n} \sum_i \log P_{i y_i}
#      = \frac{1}{n} \sum_i \Bigl( \log \sum_j e^{A_{ij}} - A_{i y_i} \Bigr).
#
# Now go backwards. The derivative of the logarithm of the sum is the softmax itself, so with the labels as rows
# :math:`Y` of zeros and a single one
#
# .. math::
#
#    \frac{\partial L}{\partial A} = \frac{P - Y}{n}.
#
# :math:`A` is linear in :math:`W_2`, :math:`b_2` and :math:`H`, hence
#
# .. math::
#
#    \frac{\partial L}{\partial W_2} = H^\top \frac{\partial L}{\partial A}, \qquad
#    \frac{\partial L}{\partial b_2} = \sum_i \Bigl(\frac{\partial L}{\partial A}\Bigr)_i, \qquad
#    \frac{\partial L}{\partial H} = \frac{\partial L}{\partial A} W_2^\top.
#
# ReLU lets the gradient through where its input was positive, and the first layer repeats the second:
#
# .. math::
#
#    \frac{\partial L}{\partial Z} = \frac{\partial L}{\partial H} \odot [Z > 0], \qquad
#    \frac{\partial L}{\partial W_1} = X^\top \frac{\partial L}{\partial Z}, \qquad
#    \frac{\partial L}{\partial b_1} = \sum_i \Bigl(\frac{\partial L}{\partial Z}\Bigr)_i.
#
# That is all there is to backpropagation. In NumPy:


def init_params(n_pixels, n_hidden, n_classes, generator):
    """Draw weights whose size keeps the variance of what passes through a ReLU layer (He et al., 2015)."""
    W1 = generator.normal(0.0, np.sqrt(2 / n_pixels), (n_pixels, n_hidden))
    W2 = generator.normal(0.0, np.sqrt(1 / n_hidden), (n_hidden, n_classes))
    return [W1, np.zeros(n_hidden), W2, np.zeros(n_classes)]


def forward(params, X):
    """Return Z, H and the probabilities P."""
    W1, b1, W2, b2 = params
    Z = X @ W1 + b1
    H = np.maximum(Z, 0)
    A = H @ W2 + b2
    P = np.exp(A - A.max(axis=1, keepdims=True))  # the shift cancels, and nothing overflows
    return Z, H, P / P.sum(axis=1, keepdims=True)


def loss_and_accuracy(params, X, y):
    """Return the mean cross-entropy and the share of right predictions."""
    P = forward(params, X)[2]
    return -np.log(P[np.arange(len(y)), y]).mean(), (P.argmax(axis=1) == y).mean()


def gradients(params, X, y):
    """Return the derivative of the loss by each parameter."""
    Z, H, P = forward(params, X)
    dA = (P - np.eye(P.shape[1])[y]) / len(y)
    dZ = (dA @ params[2].T) * (Z > 0)
    return [X.T @ dZ, dZ.sum(axis=0), H.T @ dA, dA.sum(axis=0)]


# %%
# Check the gradients
# -------------------
#
# A wrong sign or a forgotten factor often still learns, only worse. So we ask somebody else: JAX differentiates the
# loss by itself, from nothing but its formula.

import jax
import jax.numpy as jnp


def loss_in_jax(params, X, y):
    """Return the mean cross-entropy; only the forward pass is written down."""
    W1, b1, W2, b2 = params
    A = jnp.maximum(X @ W1 + b1, 0) @ W2 + b2
    return -jax.nn.log_softmax(A)[jnp.arange(len(y)), y].mean()


params = init_params(X_train.shape[1], 10, 10, np.random.default_rng(0))
ours = gradients(params, X_train, y_train)
theirs = jax.grad(loss_in_jax)([jnp.asarray(each) for each in params], jnp.asarray(X_train), jnp.asarray(y_train))
for name, mine, other in zip(("W1", "b1", "W2", "b2"), ours, theirs, strict=True):
    print(f"{name}: largest entry {np.abs(mine).max():.4f}, largest difference {np.abs(mine - other).max():.1e}")

# %%
# What is left is rounding: JAX calculates in float32, NumPy here in float64.
#
# Train
# -----
#
# Gradient descent on all images at once: go a step of 0.1 against the gradient, 500 times.

RATE, N_ITERATIONS = 0.1, 500
history = []
for iteration in range(N_ITERATIONS + 1):
    if iteration % 50 == 0:
        history.append((iteration, *loss_and_accuracy(params, X_train, y_train)))
        print("iteration {:>3}   loss {:.4f}   accuracy {:.2%}".format(*history[-1]))
    if iteration < N_ITERATIONS:
        steps = gradients(params, X_train, y_train)
        params = [each - RATE * step for each, step in zip(params, steps, strict=True)]

test_loss, test_accuracy = loss_and_accuracy(params, X_test, y_test)
print(f"test images:    loss {test_loss:.4f}   accuracy {test_accuracy:.2%}")

# %%
# Predicted and true labels
# -------------------------

from jaxdigits.plotting import PredictionsDisplay

P = forward(params, X_test)[2]
_ = PredictionsDisplay.from_predictions(images_test, y_test, P.argmax(axis=1), probabilities=P)

# %%
# Beside the library's
# --------------------
#
# The same network, loss and steps, asked of :class:`~jaxdigits.DigitClassifier`. An epoch with a full batch is one
# step. Its weights start from other random numbers, so the curves agree in shape and not in every digit.

from jaxdigits import DigitClassifier

plain_descent = {
    "model": "mlp",
    "hidden_sizes": (10,),
    "optimizer": "sgd",
    "momentum": 0.0,
    "learning_rate": RATE,
    "schedule": "constant",
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "average_weights": False,
    "batch_size": "full",
    "max_epochs": N_ITERATIONS,
}
clf = DigitClassifier(**plain_descent, random_state=0).fit(X_train, y_train)
print(f"test accuracy   NumPy {test_accuracy:.2%}   DigitClassifier {clf.score(X_test, y_test):.2%}")

import matplotlib.pyplot as plt

iterations, losses, accuracies = np.array(history).T
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for ax, values, key, title in ((left, losses, "loss", "loss"), (right, 100 * accuracies, "accuracy", "accuracy, %")):
    factor = 100 if key == "accuracy" else 1
    ax.plot([factor * epoch[key] for epoch in clf.history_], color="#0072B2", label="DigitClassifier")
    ax.plot(iterations, values, "o", color="#D55E00", label="NumPy, every 50 iterations")
    ax.set(title=title, xlabel="iteration")
    ax.legend()

# %%
# Now take away what made it slow to learn: batches instead of all images at once make many steps of each pass, and the
# defaults bring a better optimizer, a rate that rises and falls, and a wider network.

default = DigitClassifier("mlp", random_state=0).fit(X_train, y_train)
print(f"defaults: {default.score(X_test, y_test):.2%} after {default.n_epochs_} epochs")
print({name: default.recipe_[name] for name in ("optimizer", "learning_rate", "schedule", "batch_size")})

# %%
# Exercises
# ---------
#
# **1. Check a gradient without JAX.** Move one weight up and down by a little and compare the change of the loss with
# the gradient.
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        step, row, column = 1e-6, X_train.mean(axis=0).argmax(), 0
#        slopes = gradients(params, X_train, y_train)
#        losses = []
#        for sign in (1, -1):
#            moved = [each.copy() for each in params]
#            moved[0][row, column] += sign * step
#            losses.append(loss_and_accuracy(moved, X_train, y_train)[0])
#        print("difference quotient", (losses[0] - losses[1]) / (2 * step))
#        print("gradient           ", slopes[0][row, column])
#
#    They agree in the leading digits. The quotient costs two passes for each weight, the gradient two for all of them
#    together: that is why backpropagation is used.
#
# **2. Rates.** Train with rates of 0.01, 0.5 and 5. What does each do, and how do you tell from the loss?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        for rate in (0.01, 0.1, 0.5, 5.0):
#            trial = init_params(X_train.shape[1], 10, 10, np.random.default_rng(0))
#            course = []
#            for iteration in range(201):
#                if iteration % 50 == 0:
#                    course.append(loss_and_accuracy(trial, X_train, y_train)[0])
#                steps = gradients(trial, X_train, y_train)
#                trial = [each - rate * step for each, step in zip(trial, steps, strict=True)]
#            accuracy = loss_and_accuracy(trial, X_train, y_train)[1]
#            print(f"rate {rate:<5g} loss", " ".join(f"{each:6.3f}" for each in course), f"  accuracy {accuracy:.2%}")
#
#    A small rate goes the right way and does not get far; a larger one learns faster. Too large a one throws the ten
#    units to where ReLU is flat for every image. They have no gradient there, and the loss stays where guessing is.
