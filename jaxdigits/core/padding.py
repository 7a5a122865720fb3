"""Between a network's real sizes and the buckets that it is padded to, so that neighboring sizes share a program."""

from __future__ import annotations

from functools import lru_cache

import jax
import numpy as np

from jaxdigits.core.models import CustomModel, Model, init_variables
from jaxdigits.core.samples import class_bucket, feature_bucket
from jaxdigits.errors import InputError

Arrays = dict[str, np.ndarray]


def pad_model(model: Model) -> Model:
    """Widen tabular rows and class columns to their buckets.

    Parameters
    ----------
    model : ModelSpec or CustomModel
        In its real sizes; a user's own network is left as it is.

    Returns
    -------
    ModelSpec or CustomModel

    Examples
    --------
    >>> from jaxdigits.core.models import Options, make_mlp
    >>> from jaxdigits.core.padding import pad_model
    >>> padded = pad_model(make_mlp((4,), 3, Options()))
    >>> padded.input_shape, padded.n_classes
    ((64,), 10)
    """
    if isinstance(model, CustomModel):
        return model
    shape = model.input_shape
    return model.widened(
        input_shape=shape if len(shape) == 2 else (feature_bucket(shape[0]),),
        n_classes=class_bucket(model.n_classes),
    )


@lru_cache(maxsize=128)
def param_shapes(model: Model) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter by its flat name, without making any.

    Parameters
    ----------
    model : ModelSpec or CustomModel
        The network.

    Returns
    -------
    dict of str to tuple of int
        To be read only: it is kept between calls.
    """
    variables = jax.eval_shape(lambda: init_variables(model, jax.random.key(0)))
    return {name: leaf.shape for name, leaf in variables.params.items()}


def trim_arrays(arrays: Arrays, model: Model) -> Arrays:
    """Cut padding off: the real network's arrays are the leading corners of the padded one's.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Parameters of the padded network.
    model : ModelSpec or CustomModel
        The network in its real sizes.

    Returns
    -------
    dict of str to ndarray
        Copies.
    """
    shapes = param_shapes(model)
    return {
        name: np.array(array[tuple(map(slice, shapes[name]))]) if array.ndim else np.array(array)
        for name, array in arrays.items()
    }


def pad_arrays(arrays: Arrays, padded: Model) -> Arrays:
    """Put zeros beside parameters, up to the sizes of the padded network.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Parameters of the network in its real sizes.
    padded : ModelSpec or CustomModel
        The padded network.

    Returns
    -------
    dict of str to ndarray
    """
    shapes = param_shapes(padded)
    padded_arrays = {}
    for name, array in arrays.items():
        padding = [(0, wide - real) for wide, real in zip(shapes[name], array.shape, strict=True)]
        padded_arrays[name] = np.pad(array, padding) if padding else array  # np.pad refuses scalars
    return padded_arrays


def check_same_network(params: Arrays, model: Model) -> None:
    """Refuse parameters that are not those of a network.

    Parameters
    ----------
    params : dict of str to ndarray
        Parameters by flat name.
    model : ModelSpec or CustomModel
        The network that is asked for.

    Raises
    ------
    InputError
        If a name or a shape differs.
    """
    shapes = param_shapes(model)
    if {name: array.shape for name, array in params.items()} != shapes:
        n_weights = sum(int(np.prod(shape)) for shape in shapes.values())
        raise InputError(
            f"the network to go on with must have the layers asked for, {n_weights} weights, got other layers with "
            f"{sum(array.size for array in params.values())}. Leave the model's parameters as they were, or fit anew."
        )
