"""What `fit` and `predict` accept: parameters, pictures and rows, labels, weights.

scikit-learn's `validate_data` speaks first, before any cast; what is here shapes X for it and takes over after it.
"""

from __future__ import annotations

from functools import lru_cache
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight

from jaxdigits.errors import InputError

__all__ = [
    "check_members",
    "check_same_classes",
    "check_same_shape",
    "check_weights",
    "class_factors",
    "encode_classes",
    "flatten_pictures",
    "parameter_constraints",
    "picture_shape",
    "split_indices",
    "to_rows",
]


def picture_shape(X: Any) -> tuple[int, int] | None:
    """Height and width of X where it comes as pictures; refuses colors."""
    shape = getattr(X, "shape", None)
    if shape is None:
        shape = np.shape(X[0]) if isinstance(X, list | tuple) and len(X) else ()
        shape = (len(X), *shape) if len(shape) >= 2 else ()
    if len(shape) == 4 and shape[3] == 1:
        shape = shape[:3]
    if len(shape) == 4:
        raise InputError(
            f"X must be gray pictures of shape (n, h, w) or (n, h, w, 1), got {tuple(shape)}. Average the channels."
        )
    return (int(shape[1]), int(shape[2])) if len(shape) == 3 else None


def flatten_pictures(X: Any) -> Any:
    """(n, h, w) or (n, h, w, 1) -> (n, h * w), a view where that is possible; anything else as it is."""
    shape = picture_shape(X)
    if shape is None:
        return X
    try:
        pictures = np.asarray(X)
    except ValueError as error:
        shapes = sorted({np.shape(picture) for picture in X}, key=str)
        raise InputError(
            f"X must hold pictures of one shape, got {', '.join(map(str, shapes[:3]))}. Bring them to one size."
        ) from error
    return pictures.reshape(len(pictures), shape[0] * shape[1])


def check_same_shape(X: Any, image_shape: tuple[int, int] | None, n_features: int) -> None:
    """Refuse pictures of another height and width than those of the fit that have as many pixels."""
    shape = picture_shape(X)
    if shape is None or image_shape is None or shape == image_shape or shape[0] * shape[1] != n_features:
        return
    if image_shape[0] * image_shape[1] == n_features:  # else it is the canvas of rows that are no pictures
        raise InputError(f"X must hold pictures of shape {image_shape} as in fit, got {shape}. Turn or resize them.")


def check_same_classes(classes: np.ndarray, known: np.ndarray) -> None:
    """Refuse labels of other classes than those of the fit that goes on."""
    if not np.array_equal(classes, known):
        raise InputError(
            f"y must have the classes of the last fit with warm_start=True, {known.tolist()}, got "
            f"{classes.tolist()}. Set warm_start=False to begin anew."
        )


def to_rows(X: Any) -> np.ndarray:
    """Return validated X as dense uint8 or float32 rows."""
    if sparse.issparse(X):
        X = X.toarray()
    if X.dtype == np.uint8:
        return np.ascontiguousarray(X)
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(X, dtype=np.float32)
    if X.dtype.kind == "f" and X.dtype.itemsize > 4 and not np.isfinite(rows).all():
        raise InputError("X must fit float32 (up to 3.4e38), got a larger value. Rescale X.")
    return rows


def check_weights(sample_weight: Any, X: Any) -> np.ndarray | None:
    """Return sample weights as float64, or None where none are given; refuse negative ones and all zeros."""
    if sample_weight is None:
        return None
    weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not np.any(weights > 0):
        raise InputError("sample_weight must hold a weight above zero, got all zero. Pass None to weigh all alike.")
    return np.asarray(weights)


def class_factors(class_weight: dict[Any, float] | str | None, classes: np.ndarray) -> np.ndarray | str | None:
    """Return what multiplies the weights of each class; labels that a dict does not name count once."""
    if not isinstance(class_weight, dict):
        return class_weight
    return np.array([float(class_weight.get(label, 1.0)) for label in classes.tolist()])


def encode_classes(y: np.ndarray, classes: np.ndarray, *, name: str = "y") -> np.ndarray:
    """Turn labels into indices of the sorted classes; refuse others."""
    positions = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    unknown = classes[positions] != y
    if np.any(unknown):
        raise InputError(
            f"{name} must hold known classes, {classes.tolist()}, got {np.unique(y[unknown]).tolist()}. "
            "Fit with all classes, or drop those samples."
        )
    return np.asarray(positions)


def split_indices(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw indices to train on and to validate on, stratified where every class can stand on both sides."""
    if len(labels) < 2:
        raise InputError("early stopping needs 2 different samples or more to split, got 1. Pass X_val and y_val.")
    counts = np.bincount(labels)
    counts = counts[counts > 0]
    stratified = counts.min() > 1 and fraction * len(labels) >= len(counts)
    splitter = (StratifiedShuffleSplit if stratified else ShuffleSplit)(1, test_size=fraction, random_state=seed)
    training, validation = next(splitter.split(labels[:, None], labels))
    return training, validation


def check_members(params: dict[str, Any]) -> None:
    """Refuse parameters that hold several values when one of these makes no sense."""
    for name, example in {"hidden_sizes": "(128,)", "channels": "(32, 64)"}.items():
        if not all(map(_is_size, params[name])):
            raise InputError(f"{name} must hold ints >= 1, got {params[name]!r}. Use, for example, {example}.")
    shape = params["image_shape"]
    if isinstance(shape, tuple | list) and not (len(shape) == 2 and all(map(_is_size, shape))):
        raise InputError(
            f"image_shape must be 'auto', (height, width) or None, got {shape!r}. Use, for example, (28, 28)."
        )
    if params["augment"] != "auto":
        from jaxdigits.core.augmentation import as_augmentations

        as_augmentations(params["augment"])
    weights = params["class_weight"]
    if isinstance(weights, dict) and not all(map(_is_weight, weights.values())):
        raise InputError(f"class_weight must hold finite numbers >= 0, got {weights!r}. Use {{label: weight}}.")


def _is_size(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def _is_weight(value: Any) -> bool:
    return isinstance(value, Real) and 0 <= float(value) < np.inf


@lru_cache
def parameter_constraints() -> dict[str, list[Any]]:
    """Return what every parameter of the estimator may be; the names come from the core's registries."""
    from jaxdigits.core.augmentation import AUGMENTATIONS
    from jaxdigits.core.devices import DEVICES
    from jaxdigits.core.layers import ACTIVATIONS
    from jaxdigits.core.models import MODELS
    from jaxdigits.core.optimizers import OPTIMIZERS, SCHEDULES
    from jaxdigits.core.training import COMPUTE_DTYPES

    auto = StrOptions({"auto"})
    share = Interval(Real, 0, 1, closed="left")
    return {
        "model": [StrOptions({"auto", *MODELS}), callable],
        "image_shape": [auto, tuple, list, None],
        "hidden_sizes": [tuple, list],
        "channels": [tuple, list],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [auto, share],
        "optimizer": [StrOptions({"auto", *OPTIMIZERS}), callable],
        "learning_rate": [auto, Interval(Real, 0, None, closed="neither")],
        "schedule": [StrOptions({"auto", *SCHEDULES})],
        "momentum": [share],
        "nesterov": ["boolean"],
        "weight_decay": [auto, Interval(Real, 0, None, closed="left")],
        "label_smoothing": [auto, share],
        "augment": [StrOptions({"auto", *AUGMENTATIONS}), tuple, list, callable, None],
        "average_weights": [auto, "boolean"],
        "batch_size": [StrOptions({"auto", "full"}), Interval(Integral, 1, None, closed="left")],
        "max_epochs": [auto, Interval(Integral, 1, None, closed="left")],
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "min_delta": [Interval(Real, 0, None, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "precision": [StrOptions(set(COMPUTE_DTYPES))],
        "device": [StrOptions(set(DEVICES)), None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": [Interval(Integral, 0, None, closed="left")],
    }
