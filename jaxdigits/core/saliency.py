"""What in a picture speaks for a class: by the gradient, and by hiding a patch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from jaxdigits.core.inference import Constants, Predictor, logits
from jaxdigits.core.models import apply

__all__ = ["SALIENCY", "gradient", "occlusion"]

PATCHES_A_SIDE = 7
"""A hidden patch is this part of the shorter side: 4 pixels of 28, and never less than 2."""


@partial(jax.jit, static_argnames="predictor")
def chunk_gradients(
    members: tuple[Constants, ...], images: Any, labels: Any, temperature: Any, *, predictor: Predictor
) -> jax.Array:
    """Differentiate the log probability of each row's label by its features, for one chunk; pure.

    Parameters
    ----------
    members : tuple of Constants
        The network, or several whose probabilities are averaged.
    images : array of shape (chunk, n_features), float32
        Flat rows in the user's units.
    labels : array of shape (chunk,), int
        Column of the class asked for.
    temperature : float
        Divides the logits.
    predictor : Predictor
        Static.

    Returns
    -------
    jax.Array of shape (chunk, n_features)
        In nats per unit of the rows.
    """

    def log_probabilities(x: jax.Array) -> jax.Array:
        with jax.default_matmul_precision("highest"):
            found = jnp.stack(
                [
                    apply(predictor.model, each.variables, (x - each.offset) * each.scale, platform=predictor.platform)[
                        0
                    ]
                    for each in members
                ]
            )
        pooled = jax.nn.logsumexp(jax.nn.log_softmax(found), axis=0) if len(members) > 1 else found[0]
        return jnp.take_along_axis(jax.nn.log_softmax(pooled / temperature), labels[:, None], axis=1).sum()

    gradients: jax.Array = jax.grad(log_probabilities)(images)
    return gradients


def gradient(
    rows: NDArray[Any],
    labels: NDArray[np.integer[Any]],
    members: Sequence[Constants],
    *,
    predictor: Predictor,
    image_shape: tuple[int, int],
    temperature: float = 1.0,
) -> NDArray[np.float64]:
    """Tell how the log probability of a class would change with a little more ink at each pixel.

    Parameters
    ----------
    rows : ndarray of shape (n, height * width)
        Pictures in the units of the training pictures.
    labels : ndarray of shape (n,), int
        Column of the class asked for.
    members : sequence of Constants
        From `inference.place`: a network, or several whose probabilities are averaged.
    predictor : Predictor
        Static.
    image_shape : (height, width)
        Shape of a picture.
    temperature : float, default=1.0
        Divides the logits.

    Returns
    -------
    ndarray of shape (n, height, width)
        Nats per unit of the rows. Above 0, a higher value there speaks for the class; below 0, against it.

    References
    ----------
    K. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks: visualising image classification
    models and saliency maps", ICLR 2014 (workshop).

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.inference import Predictor, place
    >>> from jaxdigits.core.models import Variables
    >>> from jaxdigits.core.saliency import gradient
    >>> from jaxdigits.core.specs import Dense, ModelSpec
    >>> predictor = Predictor(ModelSpec((4,), 2, (Dense(2),)))
    >>> kernel = np.array([[0, 0], [0, 2], [0, 0], [0, 0]], np.float32)
    >>> weights = {"layers.0.kernel": kernel, "layers.0.bias": np.zeros(2, np.float32)}
    >>> network = place(Variables(weights, {}), predictor=predictor)
    >>> gradient(np.zeros((1, 4)), np.array([1]), [network], predictor=predictor, image_shape=(2, 2))
    array([[[0., 1.],
            [0., 0.]]])
    """
    size = predictor.chunk_size
    width = int(np.prod(predictor.model.input_shape))
    found = []
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        images, wanted = np.zeros((size, width), np.float32), np.zeros(size, np.int32)
        images[: len(part), : part.shape[1]] = part
        wanted[: len(part)] = labels[start : start + size]
        gradients = chunk_gradients(tuple(members), images, wanted, temperature, predictor=predictor)
        found.append(np.asarray(gradients, np.float64)[: len(part), : rows.shape[1]])
    return np.concatenate([np.zeros((0, rows.shape[1])), *found]).reshape(-1, *image_shape)


def occlusion(
    rows: NDArray[Any],
    labels: NDArray[np.integer[Any]],
    members: Sequence[Constants],
    *,
    predictor: Predictor,
    image_shape: tuple[int, int],
    temperature: float = 1.0,
) -> NDArray[np.float64]:
    """Tell how much log probability a class loses where a patch of the picture is painted over with paper.

    A square patch, a seventh of the shorter side wide, moves over the picture in steps of half its width. A pixel's
    value is the mean over the patches that hide it.

    Parameters
    ----------
    rows, labels, members, predictor, image_shape, temperature
        As in `gradient`.

    Returns
    -------
    ndarray of shape (n, height, width)
        Nats. Above 0, what stands there speaks for the class; below 0, against it. Paper that is hidden by paper
        changes nothing and is 0.

    References
    ----------
    M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.inference import Predictor, place
    >>> from jaxdigits.core.models import Variables
    >>> from jaxdigits.core.saliency import occlusion
    >>> from jaxdigits.core.specs import Dense, ModelSpec
    >>> predictor = Predictor(ModelSpec((4,), 2, (Dense(2),)))
    >>> weights = {"layers.0.kernel": np.eye(4, 2, dtype=np.float32), "layers.0.bias": np.zeros(2, np.float32)}
    >>> network = place(Variables(weights, {}), predictor=predictor)
    >>> ink = np.array([[3.0, 0.0, 0.0, 0.0]])
    >>> bool(occlusion(ink, np.array([0]), [network], predictor=predictor, image_shape=(2, 2))[0, 0, 0] > 0)
    True
    """
    windows = _windows(image_shape)
    covered = np.zeros(image_shape)
    for window in windows:
        covered[window] += 1
    maps = np.zeros((len(rows), *image_shape))
    for row, label, drops in zip(rows, labels, maps, strict=True):
        hidden = np.repeat(row[None], len(windows) + 1, axis=0)
        paper = _paper_of(row)
        for picture, window in zip(hidden[1:].reshape(-1, *image_shape), windows, strict=True):
            picture[window] = paper
        whole, *rest = _log_probabilities(hidden, members, predictor, temperature)[:, label]
        for window, left in zip(windows, rest, strict=True):
            drops[window] += whole - left
    return maps / covered


SALIENCY: dict[str, Callable[..., NDArray[np.float64]]] = {"gradient": gradient, "occlusion": occlusion}
"""Ways to tell what in a picture speaks for a class, by name."""


def _windows(image_shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Where a patch stands, so that every pixel is hidden at least once."""
    height, width = image_shape
    side = min(max(2, round(min(image_shape) / PATCHES_A_SIDE)), height, width)
    tops, lefts = (sorted({*range(0, length - side, max(1, side // 2)), length - side}) for length in (height, width))
    return [(slice(top, top + side), slice(left, left + side)) for top in tops for left in lefts]


def _paper_of(row: NDArray[Any]) -> Any:
    """Level of the paper: the end of the picture's range that more of it is near to."""
    low, high = row.min(), row.max()
    return low if row.mean() <= (float(low) + float(high)) / 2 else high


def _log_probabilities(
    rows: NDArray[Any], members: Sequence[Constants], predictor: Predictor, temperature: float
) -> NDArray[np.float64]:
    found = np.stack([logits(rows, each, predictor=predictor).astype(np.float64) for each in members])
    if len(members) > 1:
        found = _log_softmax(found)
    pooled = np.logaddexp.reduce(found, axis=0)
    return _log_softmax(pooled / temperature)


def _log_softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = values - values.max(axis=-1, keepdims=True)
    logs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logs
