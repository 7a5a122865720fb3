r"""
Why ten sigmoids worked
=======================

Many a first project ends its network in ten sigmoids instead of a softmax, trains it with the cross-entropy of classes,
and gets a good accuracy all the same. The ten numbers don't sum to one, so they are no probabilities. Why did it work?
"""

# %%
# Ten numbers that don't sum to one
# ---------------------------------
#
# A linear layer gives ten numbers :math:`z_k`. The sigmoid :math:`s(z) = 1 / (1 + e^{-z})` brings each of them between
# 0 and 1 by itself. The softmax looks at all ten and shares out one whole.

import numpy as np

from jaxdigits.calibration import softmax


def sigmoid(z):
    """Return 1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


z = np.random.default_rng(0).normal(0, 2, (1, 10))
print("sigmoid", sigmoid(z).round(2)[0], " sum", sigmoid(z).sum().round(2))
print("softmax", softmax(z).round(2)[0], " sum", softmax(z).sum().round(2))

# %%
# What the loss makes of them
# ---------------------------
#
# The cross-entropy of classes is computed from logits, with a softmax inside. Given numbers that are called
# probabilities, a framework can take their logarithm and treat *that* as logits. A softmax follows, whether one asked
# for it or not:
#
# .. math::
#
#    \operatorname{softmax}_k(\log s(z))
#    = \frac{e^{\log s(z_k)}}{\sum_j e^{\log s(z_j)}}
#    = \frac{s(z_k)}{\sum_j s(z_j)}.
#
# The sigmoids are divided by their sum. Not the sigmoids are the probabilities, their shares are:

shares = sigmoid(z) / sigmoid(z).sum(axis=1, keepdims=True)
print("shares ", shares.round(2)[0], " sum", shares.sum().round(2))
print("largest difference from softmax(log s):", np.abs(softmax(np.log(sigmoid(z))) - shares).max())

# %%
# The sigmoid rises everywhere, so the largest :math:`z_k` has the largest sigmoid and the largest share: for the same
# outputs the prediction is that of the softmax. What differs is how the network learns.
#
# What the gradient becomes
# -------------------------
#
# Write :math:`q_k` for the shares and :math:`y` for the true class. Since :math:`\frac{d}{dz} \log s(z) = 1 - s(z)`,
# the loss :math:`-\log q_y = \log \sum_j s(z_j) - \log s(z_y)` has the gradient
#
# .. math::
#
#    \frac{\partial}{\partial z_k} (-\log q_y) = (q_k - [k = y]) \, (1 - s(z_k)),
#
# where the softmax has :math:`p_k - [k = y]`. The signs are the same: the true class is pulled up, the others are
# pushed down. The factor :math:`1 - s(z_k)` slows down outputs that are near 1 already, whether they ought to be or
# not. JAX agrees with the formula:

import jax
import jax.numpy as jnp


def loss_of_shares(z, label):
    """Return the cross-entropy of sigmoids that are divided by their sum."""
    return -jax.nn.log_softmax(jax.nn.log_sigmoid(z))[label]


label = 3
by_hand = (shares[0] - np.eye(10)[label]) * (1 - sigmoid(z[0]))
by_jax = jax.grad(loss_of_shares)(jnp.asarray(z[0], jnp.float32), label)
print("by hand", by_hand.round(3))
print("by JAX ", np.asarray(by_jax).round(3))

# %%
# Train both
# ----------
#
# One layer from pixels to classes, once with each ending. A network of one's own is a Flax module that returns logits;
# logarithms of sigmoids will do. Everything else is the same in both.

from flax import nnx
from sklearn.model_selection import train_test_split

from jaxdigits import DigitClassifier, load_digits


class Softmax(nnx.Module):
    """Pixels to ten logits."""

    def __init__(self, image_shape, n_classes, rngs):
        self.dense = nnx.Linear(image_shape[0] * image_shape[1], n_classes, rngs=rngs)

    def __call__(self, images):
        """Return what a softmax is to follow."""
        return self.dense(images.reshape(len(images), -1))


class TenSigmoids(Softmax):
    """The same with ten sigmoids at its end."""

    def __call__(self, images):
        """Return the logarithms of the sigmoids."""
        return jax.nn.log_sigmoid(super().__call__(images))


X_train, X_test, y_train, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
settings = {"optimizer": "adam", "learning_rate": 1e-3, "schedule": "constant", "average_weights": False}
fitted = {}
for model in (Softmax, TenSigmoids):
    clf = DigitClassifier(model, **settings, batch_size=32, max_epochs=60, random_state=0)
    fitted[model.__name__] = clf.fit(X_train, y_train, X_val=X_test, y_val=y_test)

import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for (name, clf), color, style in zip(fitted.items(), ("#0072B2", "#D55E00"), ("-", "--"), strict=True):
    last = clf.history_[-1]
    print(f"{name:<12} test accuracy {last['validation_accuracy']:.2%}, training loss {last['loss']:.3f}")
    left.plot([epoch["loss"] for epoch in clf.history_], style, color=color, label=name)
    right.plot([100 * epoch["validation_accuracy"] for epoch in clf.history_], style, color=color, label=name)
left.set(title="training loss", xlabel="epoch", yscale="log")
right.set(title="test accuracy, %", xlabel="epoch")
for ax in (left, right):
    ax.legend()

agree = (fitted["Softmax"].predict(X_test) == fitted["TenSigmoids"].predict(X_test)).mean()
print(f"both say the same about {agree:.1%} of the test images")

# %%
# So it worked because the loss turned the sigmoids into probabilities behind the scenes. What the network printed were
# the sigmoids before that division. Here are the sums that the division takes care of:

sums = np.exp(fitted["TenSigmoids"].decision_function(X_test)).sum(axis=1)  # its logits are logarithms of sigmoids
print(f"sum of the ten sigmoids: from {sums.min():.3f} to {sums.max():.3f}, median {np.median(sums):.3f}")

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.hist(sums, bins=40, color="#0072B2")
ax.axvline(1, color="#D55E00", linestyle="--", label="what probabilities would sum to")
ax.set(xlabel="sum of the ten sigmoids", ylabel="test images")
_ = ax.legend()

# %%
# Nothing in the loss holds the sum near one: if all ten sigmoids become ten times smaller, their shares stay as they
# are. Don't report them as probabilities; end the network in logits and leave the softmax to the loss, as
# :class:`~jaxdigits.DigitClassifier` does.

# %%
# Exercises
# ---------
#
# **1. Is the sum of any use?** Is it smaller where the network is wrong?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        from jaxdigits.metrics import auroc
#
#        clf = fitted["TenSigmoids"]
#        right = clf.predict(X_test) == y_test
#        surest = clf.predict_proba(X_test).max(axis=1)
#        print("sums    median where right", np.median(sums[right]).round(3), "wrong", np.median(sums[~right]).round(3))
#        print("how well each tells right from wrong (1 is perfect, 0.5 is guessing):")
#        print("  sum          ", round(auroc(sums[~right], sums[right]), 3))
#        print("  largest share", round(auroc(surest[~right], surest[right]), 3))
#
#    Compare the two numbers: what tells right from wrong is the largest share, which does sum to one with the others.
#
# **2. One sigmoid too many.** Some projects put a softmax at the end of the network and then train with a loss that
# applies another one. What does that do to the largest probability that can be reached?
#
# .. dropdown:: Solution
#
#    .. code-block:: python
#
#        certain = np.eye(10)[:1]  # the first softmax can't say more than this
#        print("after the second softmax", softmax(certain).round(3)[0])
#
#    The second softmax sees numbers between 0 and 1, so its largest answer is :math:`e / (e + 9)`. The loss can't come
#    near zero and the network is pushed to extremes for it. Accuracy may still be good, the probabilities are not.
