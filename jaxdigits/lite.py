"""Run a saved model in NumPy alone: no JAX, no scikit-learn, nothing to compile.

The weights stay as stored (float16 becomes float32), so logits differ from the training side's by rounding only.
"""

import math
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from jaxdigits.bundle import Bundle, check_bundle, decode_labels
from jaxdigits.calibration import pool_logits, softmax
from jaxdigits.errors import InputError
from jaxdigits.persistence import read_bundle
from jaxdigits.runtime import Floats, make_steps, run, split_members

__all__ = ["LiteModel", "load_model"]

_CHUNK_VALUES = 2**15  # of input at a time, 41 images of 28 x 28: larger chunks are no faster
_CHUNK_ROWS = 512


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
        members = split_members(arrays, int(metadata.get("n_members", 1)))
        self._steps = [make_steps(spec["layers"], own) for own in members]
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
        outputs = [run(x.reshape(self._shape), steps) for steps in self._steps]
        x = outputs[0] if len(outputs) == 1 else pool_logits(outputs).astype(np.float32)
        if not _is_finite(x):
            advice = "Scale X as the training data were."
            raise InputError(f"X must be in the range of the training data, got values too large. {advice}")
        return x


def _is_finite(x: Floats) -> bool:
    # The sum of squares is the fastest pass over all values; only if it overflows need each be looked at.
    flat = x.reshape(-1)
    return math.isfinite(flat.dot(flat)) or bool(np.isfinite(flat).all())
