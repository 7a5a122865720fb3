"""Values and estimators as Python writes them, the same in every run."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from jaxdigits import __version__

__all__ = ["constructor_call", "list_versions", "write_value"]

LIBRARIES = ("jax", "jaxlib", "flax", "optax", "numpy", "scikit-learn", "matplotlib")


def write_value(value: Any) -> str:
    """Write a value as Python does, a function by its name: an address would differ in every run.

    Parameters
    ----------
    value : Any
        A parameter of an estimator.

    Returns
    -------
    text : str

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.report.values import write_value
    >>> write_value((np.float64(0.5), "adam", len))
    "(0.5, 'adam', len)"
    """
    if isinstance(value, tuple | list):
        inside = ", ".join(map(write_value, value))
        return f"({inside}{',' if len(value) == 1 else ''})" if isinstance(value, tuple) else f"[{inside}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{write_value(key)}: {write_value(each)}" for key, each in value.items()) + "}"
    if hasattr(value, "get_params") and not isinstance(value, type):
        return constructor_call(value)
    if callable(value):
        return str(getattr(value, "__qualname__", type(value).__qualname__))
    return repr(value.item() if isinstance(value, np.generic) else value)


def constructor_call(estimator: Any) -> str:
    """Write the call that makes an estimator like this one, with the parameters that are not at their defaults.

    Parameters
    ----------
    estimator : object
        Anything with `get_params`, such as an estimator or a pipeline.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from jaxdigits.report.values import constructor_call
    >>> constructor_call(GaussianNB(var_smoothing=0.01))
    'GaussianNB(var_smoothing=0.01)'
    """
    params = estimator.get_params(deep=False)
    # What can't be made without arguments, such as a pipeline, shows all of them.
    try:
        defaults = type(estimator)().get_params(deep=False)
    except TypeError:
        defaults = {}
    written = {name: write_value(value) for name, value in params.items()}
    changed = [
        f"{name}={text}"
        for name, text in written.items()
        if name not in defaults or text != write_value(defaults[name])
    ]
    return f"{type(estimator).__name__}({', '.join(changed)})"


def list_versions() -> dict[str, str]:
    """List the versions of what the results depend on.

    Returns
    -------
    versions : dict of str to str
        By name, with the kind of machine.

    Examples
    --------
    >>> from jaxdigits.report.values import list_versions
    >>> list(list_versions())[:3]
    ['jaxdigits', 'python', 'jax']
    """
    found = {"jaxdigits": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | {"machine": f"{platform.system()} {platform.machine()}"}
