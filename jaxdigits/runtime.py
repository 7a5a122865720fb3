"""The layers in NumPy: what a network is without JAX.

Convolutions are patches times a matrix, as in training on a CPU.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ACTIVATIONS", "LAYERS", "Floats", "Step", "make_steps", "run", "split_members"]

Floats = npt.NDArray[np.float32]
Step = Callable[[Floats], Floats]

_HALF = np.float32(0.5)
_PATCH_VALUES = 2**20  # of a convolution at a time, 4 MiB, unless a single image has more


def run(x: Floats, steps: list[Step]) -> Floats:
    """Run the layers one after the other.

    Parameters
    ----------
    x : ndarray of shape (n, ...), float32
        What the first layer takes.
    steps : list of callable
        From `make_steps`.

    Returns
    -------
    ndarray of shape (n, ...), float32
    """
    for step in steps:
        x = step(x)
    return x


def split_members(arrays: dict[str, Floats], n_members: int) -> list[dict[str, Floats]]:
    """Take an ensemble's arrays apart; those of the input are common to all.

    Parameters
    ----------
    arrays : dict of str to ndarray
        A network's arrays by flat name; with several members each has a first axis of members.
    n_members : int
        Networks.

    Returns
    -------
    list of dict
        One dict of arrays a member.
    """
    if n_members == 1:
        return [arrays]
    layers = {name: array for name, array in arrays.items() if not name.startswith("input.")}
    return [{name: array[index] for name, array in layers.items()} for index in range(n_members)]


def make_steps(layers: list[dict[str, Any]], arrays: dict[str, Floats]) -> list[Step]:
    """Bind each layer's options and arrays to its function.

    Parameters
    ----------
    layers : list of dict
        Layers as plain data, each with its `kind`.
    arrays : dict of str to ndarray
        Arrays by flat name, such as "layers.1.kernel".

    Returns
    -------
    list of callable
        What `run` takes. Partials, since unlike closures they can be pickled.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.runtime import make_steps, run
    >>> steps = make_steps([{"kind": "Flatten"}, {"kind": "Activation", "name": "relu"}], {})
    >>> run(np.array([[[-1.0, 2.0]]], np.float32), steps)
    array([[0., 2.]], dtype=float32)
    """
    steps = []
    for index, layer in enumerate(layers):
        prefix = f"layers.{index}."
        own = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
        steps.append(LAYERS[layer["kind"]](layer, own))
    return steps


def _dense(x: Floats, kernel: Floats, bias: Floats) -> Floats:
    y: Floats = x.dot(kernel)
    y += bias
    return y


def _conv(x: Floats, *, kernel: Floats, bias: Floats, layer: dict[str, Any]) -> Floats:
    (kernel_height, kernel_width), stride = layer["kernel_size"], layer["stride"]
    if layer["padding"] == "SAME":
        x = _pad(
            x,
            _same_padding(x.shape[1], kernel_height, stride),
            _same_padding(x.shape[2], kernel_width, stride),
        )
    height = (x.shape[1] - kernel_height) // stride + 1
    width = (x.shape[2] - kernel_width) // stride + 1
    y = np.empty((len(x), height * width, len(bias)), np.float32)
    n_images = max(_PATCH_VALUES // (height * width * len(kernel)), 1)
    for start in range(0, len(x), n_images):
        images = x[start : start + n_images]
        patches = np.empty((len(images), height, width, kernel_height * kernel_width, x.shape[3]), np.float32)
        for index in range(kernel_height * kernel_width):
            i, j = divmod(index, kernel_width)
            bottom, right = i + stride * (height - 1) + 1, j + stride * (width - 1) + 1
            patches[:, :, :, index] = images[:, i:bottom:stride, j:right:stride]
        np.dot(patches.reshape(-1, len(kernel)), kernel, out=y[start : start + n_images].reshape(-1, len(bias)))
    y += bias
    return y.reshape(len(x), height, width, len(bias))


def _same_padding(size: int, kernel_size: int, stride: int) -> tuple[int, int]:
    """Zeros before and after, as XLA pads for "SAME": the odd one goes after."""
    total = max((-(-size // stride) - 1) * stride + kernel_size - size, 0)
    return total // 2, total - total // 2


def _pad(x: Floats, rows: tuple[int, int], columns: tuple[int, int]) -> Floats:
    # numpy.pad does the same in three times the time, which shows when a single image is read.
    n, height, width, channels = x.shape
    padded = np.zeros((n, sum(rows) + height, sum(columns) + width, channels), np.float32)
    padded[:, rows[0] : rows[0] + height, columns[0] : columns[0] + width] = x
    return padded


def _windows(x: Floats, size: int) -> list[Floats]:
    """Return views of the size * size members of every pooling window; odd edges are dropped."""
    height, width = x.shape[1] // size * size, x.shape[2] // size * size
    return [x[:, i:height:size, j:width:size] for i in range(size) for j in range(size)]


def _max_pool(x: Floats, size: int) -> Floats:
    first, *others = _windows(x, size)
    y = first.copy()
    for other in others:
        np.maximum(y, other, out=y)
    return y


def _average_pool(x: Floats, size: int) -> Floats:
    first, *others = _windows(x, size)
    y = first.copy()
    for other in others:
        y += other
    y /= np.float32(size * size)
    return y


def _global_average_pool(x: Floats) -> Floats:
    y: Floats = x.mean(axis=(1, 2))
    return y


def _flatten(x: Floats) -> Floats:
    return x.reshape(len(x), -1)


def _identity(x: Floats) -> Floats:
    return x


def _residual(x: Floats, scale: Floats, steps: list[Step]) -> Floats:
    return x + scale * run(x, steps)


def _relu(x: Floats) -> Floats:
    return np.maximum(x, np.float32(0))


def _sigmoid(x: Floats) -> Floats:
    # 1 / (1 + exp(-x)) overflows for large negative x; this equals it and can't.
    y: Floats = np.tanh(_HALF * x)
    return _HALF * y + _HALF


def _gelu(x: Floats) -> Floats:
    """Apply GELU's tanh approximation, `jax.nn.gelu`'s default (Hendrycks & Gimpel, arXiv:1606.08415)."""
    # Beyond 10 the tangent is 1 in float32, and a cube could overflow.
    z: Floats = np.clip(x, np.float32(-10), np.float32(10))
    z = np.float32(math.sqrt(2 / math.pi)) * (z + np.float32(0.044715) * z * z * z)
    z = np.tanh(z) + np.float32(1)
    return _HALF * x * z


def _log_sigmoid(x: Floats) -> Floats:
    y: Floats = np.logaddexp(np.float32(0), -x)
    return -y


ACTIVATIONS: dict[str, Step] = {
    "relu": _relu,
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "gelu": _gelu,
    "log_sigmoid": _log_sigmoid,
}
"""Name of an activation -> its function."""

LAYERS: dict[str, Callable[[dict[str, Any], dict[str, Floats]], Step]] = {
    "Conv": lambda layer, arrays: partial(_conv, kernel=arrays["kernel"], bias=arrays["bias"], layer=layer),
    "MaxPool": lambda layer, _: partial(_max_pool, size=layer["size"]),
    "AveragePool": lambda layer, _: partial(_average_pool, size=layer["size"]),
    "GlobalAveragePool": lambda *_: _global_average_pool,
    "Flatten": lambda *_: _flatten,
    "Dense": lambda _, arrays: partial(_dense, kernel=arrays["kernel"], bias=arrays["bias"]),
    "Activation": lambda layer, _: ACTIVATIONS[layer["name"]],
    "Dropout": lambda *_: _identity,
    "Residual": lambda layer, arrays: partial(
        _residual, scale=arrays["scale"], steps=make_steps(layer["layers"], arrays)
    ),
}
"""Layer kind -> what makes its function (images -> images) from the layer's options and arrays."""
