"""Weighted cross-entropy with label smoothing, and correct counts: in JAX for training, in float64 for reports."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

PADDED_LOGIT = -1e9
"""Logit of a class that only pads the network's width: large, negative and finite, since -inf x 0 would be NaN."""


class Tally(NamedTuple):
    """Sums over samples, each weighted: they add up over batches.

    Attributes
    ----------
    loss : jax.Array
        Sum of weight times cross-entropy.
    correct : jax.Array
        Sum of the weights of what was predicted right.
    weight : jax.Array
        Sum of the weights.
    """

    loss: jax.Array
    correct: jax.Array
    weight: jax.Array


def mask_classes(logits: jax.Array, n_classes: jax.Array) -> jax.Array:
    """Give the columns from `n_classes` on a logit that no softmax notices.

    Parameters
    ----------
    logits : jax.Array of shape (n, width)
        Network outputs.
    n_classes : jax.Array
        Number of real classes; a scalar, traced.

    Returns
    -------
    jax.Array of shape (n, width)

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from jaxdigits.core.losses import mask_classes
    >>> bool(mask_classes(jnp.zeros((1, 4)), jnp.int32(3))[0, 3] < -1e8)
    True
    """
    return jnp.where(jnp.arange(logits.shape[-1]) < n_classes, logits, PADDED_LOGIT)


def weighted_cross_entropy(
    logits: jax.Array,
    labels: jax.Array,
    weights: jax.Array,
    *,
    label_smoothing: jax.Array | float = 0.0,
    n_classes: jax.Array | int | None = None,
) -> tuple[jax.Array, Tally]:
    """Sum the cross-entropy of a batch: the smoothed one to train on, the plain one to report.

    Parameters
    ----------
    logits : jax.Array of shape (n, width)
        Network outputs; columns from `n_classes` on are padding.
    labels : jax.Array of shape (n,)
        Class indices.
    weights : jax.Array of shape (n,)
        Sample weights; 0 for rows that only fill the batch.
    label_smoothing : scalar, default=0.0
        Probability spread evenly over the real classes (Szegedy et al., CVPR 2016).
    n_classes : scalar or None, default=None
        Number of real classes; None means all columns.

    Returns
    -------
    objective : jax.Array of shape ()
        Sum of weight * smoothed loss.
    tally : Tally
        Sums of weight * loss without smoothing, weight * correct, weight.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.losses import weighted_cross_entropy
    >>> objective, tally = weighted_cross_entropy(np.zeros((1, 4)), np.array([2]), np.ones(1))
    >>> round(float(tally.loss), 4) == round(float(np.log(4)), 4)
    True
    """
    width = logits.shape[-1]
    count = jnp.asarray(width if n_classes is None else n_classes)
    masked = mask_classes(logits, count)
    log_probabilities = jax.nn.log_softmax(masked)
    real = jnp.arange(width) < count
    own = labels[:, None] == jnp.arange(width)
    plain = -jnp.sum(jnp.where(own, log_probabilities, 0.0), axis=-1)
    spread = -jnp.sum(jnp.where(real, log_probabilities, 0.0), axis=-1) / count
    objective = jnp.sum(weights * ((1.0 - label_smoothing) * plain + label_smoothing * spread))
    correct = jnp.argmax(masked, axis=-1) == labels
    return objective, Tally(jnp.sum(weights * plain), jnp.sum(weights * correct), jnp.sum(weights))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities in float64, on the host.

    Parameters
    ----------
    logits : ndarray of shape (n, n_classes)
        Network outputs.

    Returns
    -------
    ndarray of shape (n, n_classes), float64

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.losses import softmax
    >>> softmax(np.zeros((1, 4), np.float32)).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


class Evaluation(NamedTuple):
    """Weighted mean loss (natural log) and accuracy over `n_samples` samples.

    Attributes
    ----------
    loss : float
        Mean cross-entropy in nats.
    accuracy : float
        Share of the weight that was predicted right.
    n_samples : int
        Number of samples.
    """

    loss: float
    accuracy: float
    n_samples: int


def evaluate_logits(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> Evaluation:
    """Mean cross-entropy and accuracy in float64, without smoothing.

    Parameters
    ----------
    logits : ndarray of shape (n, n_classes)
        Network outputs.
    labels : ndarray of shape (n,)
        Class indices.
    weights : ndarray of shape (n,) or None, default=None
        Sample weights; None weighs all alike.

    Returns
    -------
    Evaluation

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.losses import evaluate_logits
    >>> evaluate_logits(np.array([[9.0, 0.0], [9.0, 0.0]]), np.array([0, 1])).accuracy
    0.5
    """
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    losses = np.log(np.exp(wide).sum(axis=1)) - wide[np.arange(len(labels)), labels]
    correct = wide.argmax(axis=1) == labels
    loss = float(np.average(losses, weights=weights))
    return Evaluation(loss, float(np.average(correct, weights=weights)), len(labels))
