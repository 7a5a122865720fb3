"""
ReLU, sigmoid, tanh and GELU
============================

Without a nonlinearity between them two layers are one: a product of matrices is a matrix. Which nonlinearity it is
matters for how fast a network learns. Here are four of them, on one axis, and what their slopes do to training.
"""

# %%
# The functions and their slopes
# ------------------------------
#
# A layer passes the gradient back multiplied by the slope of its activation. Where the slope is near zero, what lies
# below that unit learns nothing.

import jax
import matplotlib.pyplot as plt
import numpy as np

from jaxdigits.core.layers import ACTIVATIONS

names = ("relu", "sigmoid", "tanh", "gelu")
colors = dict(zip(names, ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), strict=True))
styles = dict(zip(names, ("-", "--", "-.", (0, (1, 1))), strict=True))

x = np.linspace(-4, 4, 401, dtype=np.float32)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for name in names:
    function = ACTIVATIONS[name]
    slope = jax.vmap(jax.grad(function))(x)
    left.plot(x, function(x), color=colors[name], linestyle=styles[name], linewidth=2, label=name)
    right.plot(x, slope, color=colors[name], linestyle=styles[name], linewidth=2, label=name)
    near_zero = float(jax.grad(function)(1e-6))
    print(f"{name:<8} slope just above 0: {near_zero:.2f}, largest {slope.max():.2f}, at -4 {slope[0]:.4f}")
left.set(title="value", xlabel="input", ylim=(-1.2, 4))
right.set(title="slope", xlabel="input")
for ax in (left, right):
    ax.grid(alpha=0.2)
    ax.legend()

# %%
# The largest slope of the sigmoid is a quarter, so each sigmoid layer makes the gradient at least four times smaller.
# Tanh reaches 1, but only near zero; like the sigmoid it is flat on both sides. ReLU has slope 1 on its whole positive
# side and none on the other. GELU is a ReLU with a rounded corner.
#
# The training curves
# -------------------
#
# The same network, two hidden layers of 64, the same seed and gradient descent at the same rate; only the activation
# differs.

from sklearn.model_selection import train_test_split

from jaxdigits import DigitClassifier, load_digits

X_train, X_test, y_train, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
settings = {
    "model": "mlp",
    "hidden_sizes": (64, 64),
    "optimizer": "sgd",
    "momentum": 0.0,
    "learning_rate": 0.05,
    "schedule": "constant",
    "label_smoothing": 0.0,
    "average_weights": False,
    "max_epochs": 50,
    "random_state": 0,
}

fitted = {}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for name in names:
    clf = DigitClassifier(activation=name, **settings).fit(X_train, y_train, X_val=X_test, y_val=y_test)
    fitted[name] = clf
    look = {"color": colors[name], "linestyle": styles[name], "linewidth": 2, "label": name}
    epochs = [epoch["epoch"] for epoch in clf.history_]
    left.plot(epochs, [epoch["loss"] for epoch in clf.history_], **look)
    right.plot(epochs, [100 * epoch["validation_accuracy"] for epoch in clf.history_], **look)
    at_90 = next((epoch["epoch"] for epoch in clf.history_ if epoch["validation_accuracy"] >= 0.9), "never")
    print(f"{name:<8} epochs to 90 %: {at_90:<6} test accuracy at the end: {clf.score(X_test, y_test):.2%}")
left.set(title="training loss", xlabel="epoch", yscale="log")
right.set(title="test accuracy, %", xlabel="epoch", ylim=(0, 102))
for ax in (left, right):
    ax.grid(alpha=0.2)
    ax.legend()

# %%
# Where the gradient gets lost
# ----------------------------
#
# To see the cause we compute the gradient of the loss in each layer, before any training. The initial weights are those
# of :class:`~jaxdigits.MLP`, so that nothing but the activation differs here either.

import jax.numpy as jnp
import optax
from flax import nnx

from jaxdigits import MLP

images, labels = jnp.asarray(X_train / 16, jnp.float32), jnp.asarray(y_train)


def gradient_sizes(activation, hidden_sizes):
    """Return the root mean square of the loss gradient in each layer's weights, from the first layer to the last."""
    network = MLP((8, 8), hidden_sizes=hidden_sizes, activation=activation, rngs=nnx.Rngs(0))

    def loss(network):
        return optax.softmax_cross_entropy_with_integer_labels(network(images), labels).mean()

    leaves = jax.tree.leaves(nnx.jit(nnx.grad(loss))(network))
    return [float(jnp.sqrt((leaf**2).mean())) for leaf in leaves if leaf.ndim == 2]


print("root mean square of the gradient, first layer to last")
for name in names:
    print(f"{name:<8}", "  ".join(f"{size:.5f}" for size in gradient_sizes(name, (64, 64))))

# %%
# Exercises
# ---------
#
# **1. Deeper.** Compare the gradients of ``relu`` and ``sigmoid`` in a network with six hidden layers.
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        for name in ("relu", "sigmoid"):
#            print(f"{name:<8}", "  ".join(f"{size:.1e}" for size in gradient_sizes(name, (64,) * 6)))
#
#    With sigmoids the gradient shrinks from layer to layer on its way back, and the first layer receives next to
#    nothing. This is the *vanishing gradient*, the reason why deep networks waited for ReLU.
#
# **2. Does Adam mend it?** Train the sigmoid network with ``optimizer="adam"`` and ``learning_rate=3e-3``.
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        with_adam = {**settings, "optimizer": "adam", "learning_rate": 3e-3}
#        for name in ("relu", "sigmoid"):
#            clf = DigitClassifier(activation=name, **with_adam).fit(X_train, y_train)
#            print(f"{name:<8} gradient descent {fitted[name].score(X_test, y_test):.2%}", end="  ")
#            print(f"Adam {clf.score(X_test, y_test):.2%}")
#
#    Largely: Adam divides each weight's step by the size of its recent gradients, so that small gradients no longer
#    mean small steps. At this depth that is enough.
