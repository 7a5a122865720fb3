"""A fitted estimator's attributes as a `Bundle` and back: what a model file keeps of a training run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import numpy as np

from jaxdigits.bundle import Bundle, decode_labels, encode_labels
from jaxdigits.errors import InputError

__all__ = ["all_or_nothing", "pack", "unpack"]

RECORDED = ("n_epochs_", "best_epoch_", "history_", "device_")
PAIRS = ("image_shape_", "pixel_range_")
PACKAGES = ("jax", "flax", "optax", "numpy", "scikit-learn")


def pack(params: dict[str, Any], fitted: dict[str, Any]) -> Bundle:
    """Collect what a model file keeps.

    Parameters
    ----------
    params : dict
        Constructor parameters.
    fitted : dict
        Fitted attributes by name, with their trailing underscore.

    Returns
    -------
    Bundle

    Raises
    ------
    InputError
        If the network is a user's own module.
    """
    if fitted["spec_"] is None:
        raise InputError(
            f"save must be given a built-in model, got model={_name_callable(params['model'])}. Pickle the estimator, "
            "or keep params_ with numpy.savez."
        )
    names = fitted.get("feature_names_in_")
    metadata = {
        "classes": encode_labels(fitted["classes_"]),
        "n_features": int(fitted["n_features_in_"]),
        "feature_names": None if names is None else list(names),
        "params": _to_plain(params),
        "recipe": _to_plain(fitted["recipe_"]),
        **{name.rstrip("_"): _to_plain(fitted[name]) for name in (*RECORDED, *PAIRS)},
        "temperature": float(fitted["temperature_"]),
        "n_members": int(fitted["n_members_"]),
        "image_shape": _real_shape(fitted["image_shape_"], fitted["n_features_in_"]),
        "versions": {package: version(package) for package in PACKAGES},
    }
    arrays = {**fitted["params_"], "input.offset": fitted["offset_"], "input.scale": fitted["scale_"]}
    return Bundle(fitted["spec_"], arrays, metadata)


def unpack(bundle: Bundle, defaults: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Recover constructor parameters and fitted attributes.

    Parameters
    ----------
    bundle : Bundle
        From `pack`, or from a file.
    defaults : dict
        Constructor parameters where the bundle has none, and in place of callables, which a file can't hold.

    Returns
    -------
    params : dict
    fitted : dict
    """
    metadata = bundle.metadata
    kept = {name: _from_plain(value) for name, value in metadata.get("params", {}).items() if name in defaults}
    params = {**defaults, **{name: value for name, value in kept.items() if not _holds_callable(value)}}
    arrays = {name: np.array(array, np.float32) for name, array in bundle.arrays.items()}
    fitted: dict[str, Any] = {
        "classes_": decode_labels(metadata["classes"]),
        "n_features_in_": metadata["n_features"],
        "offset_": arrays.pop("input.offset"),
        "scale_": arrays.pop("input.scale"),
        "spec_": bundle.spec,
        "params_": arrays,
        "extras_": {},
        "recipe_": _from_plain(metadata.get("recipe", {})),
        "temperature_": float(metadata.get("temperature", 1.0)),
        "n_members_": int(metadata.get("n_members", 1)),
        "n_steps_": 0,
    }
    if metadata.get("feature_names"):
        fitted["feature_names_in_"] = np.array(metadata["feature_names"], dtype=object)
    for name in (*RECORDED, *PAIRS):
        fitted[name] = metadata.get(name.rstrip("_"))
    for name in PAIRS:
        fitted[name] = None if fitted[name] is None else tuple(fitted[name])
    if math.prod(bundle.spec["input_shape"]) > metadata["n_features"] and len(bundle.spec["input_shape"]) == 2:
        fitted["image_shape_"] = tuple(bundle.spec["input_shape"])
    return params, fitted


@contextmanager
def all_or_nothing(attributes: dict[str, Any]) -> Iterator[None]:
    """Bring back the fitted attributes of before if an error comes before anything was learned.

    Parameters
    ----------
    attributes : dict
        The estimator's `__dict__`; a new `history_` says that something was learned.
    """
    before = {name: value for name, value in attributes.items() if name.endswith("_")}
    try:
        yield
    except BaseException:
        if attributes.get("history_") is before.get("history_"):
            for name in [name for name in attributes if name.endswith("_") and name not in before]:
                del attributes[name]
            attributes.update(before)
        raise


def _real_shape(image_shape: tuple[int, int] | None, n_features: int) -> list[int] | None:
    """Drop the canvas that rows are laid on when they are no pictures: the spec tells it too."""
    return None if image_shape is None or math.prod(image_shape) != n_features else list(image_shape)


def _to_plain(value: Any) -> Any:
    """Turn a value into JSON: a dict keyed by labels is taken apart, a callable is named, a generator forgotten."""
    if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
        return {"labels": encode_labels(list(value)), "weights": [float(weight) for weight in value.values()]}
    if isinstance(value, dict):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | np.ndarray):
        return [_to_plain(item) for item in value]
    if callable(value):
        return {"callable": _name_callable(value)}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return None if isinstance(value, np.random.RandomState) else value


def _from_plain(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"labels", "weights"}:
        return dict(zip(decode_labels(value["labels"]).tolist(), value["weights"], strict=True))
    if isinstance(value, dict) and not _is_callable(value):
        return {key: _from_plain(item) for key, item in value.items()}
    return tuple(_from_plain(item) for item in value) if isinstance(value, list) else value


def _is_callable(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"callable"}


def _holds_callable(value: Any) -> bool:
    return _is_callable(value) or (isinstance(value, tuple) and any(map(_is_callable, value)))


def _name_callable(value: Any) -> str:
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}:{named.__qualname__}"
