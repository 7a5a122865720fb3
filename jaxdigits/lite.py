"""Run a saved model in NumPy alone: no JAX, no scikit-learn, nothing to compile.

Convolutions are patches times a matrix, as in training on a CPU. The weights stay as stored (float16 becomes
float32), so logits differ from the training side's by rounding only.
"""

import math
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from jaxdigits.bundle import Bundle, check_bundle, decode_labels
from jaxdigits.calibration import pool_logits, softmax
from jaxdigits.errors import InputError
from jaxdigits.persistence import read_bundle

__all__ = ["ACTIVATIONS", "LAYERS", "LiteModel", "load_model"]

Floats = npt.NDArray[np.float32]
Step = Callable[[Floats], Floats]

_HALF = np.float32(0.5)
_CHUNK_VALUES = 2**15  # of input at a time, 41 images of 28 x 28: larger chunks are no faster
_CHUNK_ROWS = 512
_PATCH_VALUES = 2**20  # of a convolution at a time, 4 MiB, unless a single image has more


def load_model(path: str | os.PathLike[str]) -> "LiteModel":
    """Read a model file, ready to predict.

    Parameters
    ----------
    path : str or os.PathLike
        A file that `DigitClassifier.save` wrote.

    Returns
    -------
    LiteModel
        The model.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged or no model file.

    Examples
    --------
    >>> load_model("missing.safetensors")
    Traceback (most recent call last):
    jaxdigits.errors.ModelFileError: cannot read model file 'missing.safetensors': ...
    """
    return LiteModel(read_bundle(path))


class LiteModel:
    """A trained model that predicts with NumPy alone.

    Parameters
    ----------
    bundle : Bundle
        The model as plain data. It is copied where types differ, else shared: don't change it afterwards.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, as they were given to `fit`.
    n_features_in_ : int
        Number of features; height x width for images.
    image_shape_ : tuple of int or None
        (height, width), or None if the features are no pixels.
    pixel_range_ : tuple of float or None
        Lowest and highest pixel value of the training images.
    temperature_ : float
        By which logits are divided before softmax; 1.0 unless the model was calibrated.
    metadata_ : dict
        What else the model file says, as JSON values.

    Raises
    ------
    ModelFileError
        If the parts of the bundle contradict each other.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.bundle import Bundle, encode_labels
    >>> model = LiteModel(
    ...     Bundle(
    ...         spec={"input_shape": [2], "n_classes": 2, "layers": [{"kind": "Dense", "features": 2}]},
    ...         arrays={
    ...             "input.offset": np.zeros(1, np.float32),
    ...             "input.scale": np.ones(1, np.float32),
    ...             "layers.0.kernel": np.eye(2, dtype=np.float32),
    ...             "layers.0.bias": np.zeros(2, np.float32),
    ...         },
    ...         metadata={"classes": encode_labels(["left", "right"]), "n_features": 2},
    ...     )
    ... )
    >>> model.predict([[3.0, 1.0], [0.0, 1.0]])
    array(['left', 'right'], dtype='<U5')
    """

    def __init__(self, bundle: Bundle) -> None:
        check_bundle(bundle)
        spec, metadata = bundle.spec, bundle.metadata
        image_shape, pixel_range = metadata.get("image_shape"), metadata.get("pixel_range")
        self.classes_: npt.NDArray[Any] = decode_labels(metadata["classes"])
        self.n_features_in_ = int(metadata["n_features"])
        self.image_shape_ = (int(image_shape[0]), int(image_shape[1])) if image_shape else None
        self.pixel_range_ = (float(pixel_range[0]), float(pixel_range[1])) if pixel_range else None
        self.temperature_ = float(metadata.get("temperature", 1.0))
        self.metadata_: dict[str, Any] = metadata
        # C-ordered float32 once and for all: a matrix product copies anything else at each call.
        arrays = {name: np.array(a, np.float32, order="C", copy=None) for name, a in bundle.arrays.items()}
        offset, scale = arrays["input.offset"], arrays["input.scale"]
        self._offset = offset if offset.any() else None
        self._scale = scale if (scale != 1).any() else None
        input_shape = tuple(spec["input_shape"])
        self._n_inputs = math.prod(input_shape)
        self._shape = (-1, *input_shape, 1) if len(input_shape) == 2 else (-1, *input_shape)
        members = _split_members(arrays, int(metadata.get("n_members", 1)))
        self._steps = [_make_steps(spec["layers"], own) for own in members]
        self._n_rows = min(max(_CHUNK_VALUES // self._n_inputs, 1), _CHUNK_ROWS)

    def logits(self, X: npt.ArrayLike) -> Floats:
        """Return the logits of each row.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, height, width) or (n, height, width, 1)
            Rows or images, of any bool, integer or float type, in the range of the training data.

        Returns
        -------
        ndarray of shape (n, n_classes), float32
            One logit a class; of an ensemble the logarithm of its members' mean probability.

        Raises
        ------
        InputError
            If X is empty, of another shape or type, or holds NaN, infinity or values far out of range.
        """
        rows = self._check_rows(X)
        # Values too large for the network become infinite; _forward says so better than a warning.
        with np.errstate(over="ignore", invalid="ignore"):
            if len(rows) <= self._n_rows:
                return self._forward(rows)
            starts = range(0, len(rows), self._n_rows)
            return np.concatenate([self._forward(rows[i : i + self._n_rows]) for i in starts])

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, height, width) or (n, height, width, 1)
            As for `logits`.

        Returns
        -------
        ndarray of shape (n, n_classes), float64
            Softmax of the logits over `temperature_`; each row sums to 1.

        Raises
        ------
        InputError
            As `logits` does.
        """
        return softmax(self.logits(X).astype(np.float64) / self.temperature_)

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the likeliest label of each row.

        Parameters
        ----------
        X : array-like of shape (n, n_features), (n, height, width) or (n, height, width, 1)
            As for `logits`.

        Returns
        -------
        ndarray of shape (n,)
            Labels from `classes_`.

        Raises
        ------
        InputError
            As `logits` does.
        """
        labels: npt.NDArray[Any] = self.classes_[self.logits(X).argmax(axis=1)]
        return labels

    def _check_rows(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return X as a numeric array of shape (n, n_features)."""
        try:
            rows = X if type(X) is np.ndarray else np.asarray(X)
        except (TypeError, ValueError) as error:
            raise InputError(f"X must be an array of numbers, got {type(X).__name__}: {error}.") from error
        if rows.dtype.kind not in "fuib":
            raise InputError(f"X must hold numbers, got {rows.dtype}. Convert it, e.g. with X.astype(float).")
        shape, n_features = rows.shape, self.n_features_in_
        image_shape = shape[1:3] if len(shape) == 3 or (len(shape) == 4 and shape[3] == 1) else None
        fits = len(shape) == 2 and shape[1] == n_features
        if image_shape:
            fits = image_shape == self.image_shape_ if self.image_shape_ else math.prod(image_shape) == n_features
        if not fits:
            sizes = "{0}, {1}) or (n, {0}, {1}, 1".format(*self.image_shape_ or ("h", "w"))
            advice = "A single row takes X.reshape(1, -1); images take the size of the training images."
            raise InputError(f"X must have shape (n, {n_features}), (n, {sizes}), got {shape}. {advice}")
        if shape[0] == 0:
            raise InputError(f"X must have at least one row, got shape {shape}. Leave out the empty batch.")
        return rows.reshape(shape[0], n_features) if image_shape else rows

    def _forward(self, rows: npt.NDArray[Any]) -> Floats:
        """Run the layers on a chunk of rows of shape (n, n_features)."""
        x: Floats = rows.astype(np.float32, order="C", copy=False)
        if not _is_finite(x):
            advice = "Fill gaps first, for example with SimpleImputer."
            raise InputError(f"X must be finite, got NaN or infinity (or beyond float32's range). {advice}")
        if self._offset is not None:
            x = x - self._offset
        if self._scale is not None:
            x = x * self._scale
        if x.shape[1] < self._n_inputs:
            padded = np.zeros((len(x), self._n_inputs), np.float32)
            padded[:, : x.shape[1]] = x
            x = padded
        outputs = [_run(x.reshape(self._shape), steps) for steps in self._steps]
        x = outputs[0] if len(outputs) == 1 else pool_logits(outputs).astype(np.float32)
        if not _is_finite(x):
            advice = "Scale X as the training data were."
            raise InputError(f"X must be in the range of the training data, got values too large. {advice}")
        return x


def _is_finite(x: Floats) -> bool:
    # The sum of squares is the fastest pass over all values; only if it overflows need each be looked at.
    flat = x.reshape(-1)
    return math.isfinite(flat.dot(flat)) or bool(np.isfinite(flat).all())


# ---- layers ----


def _run(x: Floats, steps: list[Step]) -> Floats:
    for step in steps:
        x = step(x)
    return x


def _split_members(arrays: dict[str, Floats], n_members: int) -> list[dict[str, Floats]]:
    """Take an ensemble's arrays apart; those of the input are common to all."""
    if n_members == 1:
        return [arrays]
    layers = {name: array for name, array in arrays.items() if not name.startswith("input.")}
    return [{name: array[index] for name, array in layers.items()} for index in range(n_members)]


def _make_steps(layers: list[dict[str, Any]], arrays: dict[str, Floats]) -> list[Step]:
    """Bind each layer's options and arrays to its function; partials, unlike closures, can be pickled."""
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
    return x + scale * _run(x, steps)


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
        _residual, scale=arrays["scale"], steps=_make_steps(layer["layers"], arrays)
    ),
}
"""Layer kind -> what makes its function (images -> images) from the layer's options and arrays."""
