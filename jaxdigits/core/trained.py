"""Trained networks, asked: NumPy in, NumPy out. What the last ones run on is kept: a call moves only its rows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from jaxdigits import runtime
from jaxdigits.core import inference
from jaxdigits.core.devices import find_device
from jaxdigits.core.inputs import InputView, Normalization
from jaxdigits.core.models import CustomModel, Model, Variables
from jaxdigits.core.padding import pad_arrays, pad_model
from jaxdigits.core.saliency import SALIENCY
from jaxdigits.core.specs import ModelSpec

Arrays = dict[str, np.ndarray]


class TrainedNetwork(NamedTuple):
    """A trained network in NumPy and plain data, or an ensemble of one architecture.

    Attributes
    ----------
    model : dict or callable
        The network as plain data, or the user's own callable.
    params, extras : dict of str to ndarray
        Its arrays by flat name, with a first axis of members if there are several. They are made read-only when the
        network is asked, since a copy of them is kept on the device between calls.
    view : InputView
        How rows are read.
    normalization : Normalization
        (rows - offset) * scale is what the network sees.
    n_classes : int
        Real classes.
    n_members : int, default=1
        Networks.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.inputs import InputView, Normalization
    >>> from jaxdigits.core.models import MODELS, Options
    >>> from jaxdigits.core.trained import TrainedNetwork, predict_logits
    >>> network = TrainedNetwork(
    ...     MODELS["linear"]((2, 2), 3, Options()).to_plain(),
    ...     {"layers.1.kernel": np.eye(4, 3, dtype=np.float32), "layers.1.bias": np.zeros(3, np.float32)},
    ...     {},
    ...     InputView((2, 2), (0.0, 1.0)),
    ...     Normalization(np.zeros(1, np.float32), np.ones(1, np.float32)),
    ...     n_classes=3,
    ... )
    >>> predict_logits(np.eye(4, dtype=np.float32)[:1], network).tolist()
    [[[1.0, 0.0, 0.0]]]
    """

    model: Any
    params: Arrays
    extras: Arrays
    view: InputView
    normalization: Normalization
    n_classes: int
    n_members: int = 1


def predict_logits(rows: np.ndarray, network: TrainedNetwork, *, device: str | None = None) -> np.ndarray:
    """Logits of a trained network, or of each of an ensemble's.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
        uint8 or float32, in the units of the training rows.
    network : TrainedNetwork
        Its arrays become read-only.
    device : {"cpu", "gpu", "tpu"} or None, default=None
        Where to run; None means JAX's default.

    Returns
    -------
    ndarray of shape (n_members, n, n_classes), float32

    Raises
    ------
    InputError
        If there is no such device.
    """
    placed = _place(network, n_features=rows.shape[1], device=device)
    found = [run(rows) for run in placed.members]
    return (np.stack(found) if len(found) > 1 else found[0][None])[:, :, : network.n_classes]


def explain(
    rows: np.ndarray,
    labels: np.ndarray,
    network: TrainedNetwork,
    *,
    method: str,
    temperature: float,
    device: str | None = None,
) -> np.ndarray:
    """Tell what in each picture speaks for a class.

    Parameters
    ----------
    rows : ndarray of shape (n, height * width)
        Pictures in the units of the training pictures.
    labels : ndarray of shape (n,)
        Column of the class asked for.
    network : TrainedNetwork
        Its `view` knows the shape of a picture.
    method : str
        A name of `SALIENCY`.
    temperature : float
        Divides the logits.
    device : {"cpu", "gpu", "tpu"} or None, default=None
        Where to run; None means JAX's default.

    Returns
    -------
    ndarray of shape (n, height, width), float64

    Raises
    ------
    InputError
        If there is no such device.
    """
    where, real = find_device(device), _restore_model(network)
    placed = [
        _put(real, *own, normalization=network.normalization, n_features=rows.shape[1], device=where)
        for own in _members_of(network)
    ]
    return SALIENCY[method](
        rows,
        labels,
        [constants for _, constants in placed],
        predictor=placed[0][0],
        image_shape=network.view.image_shape,
        temperature=temperature,
    )


class _Placed(NamedTuple):
    owners: tuple[np.ndarray, ...]
    members: list[Callable[[np.ndarray], np.ndarray]]


_placed: OrderedDict[tuple[Any, ...], _Placed] = OrderedDict()
_placed_lock = Lock()
MAX_PLACED = 8


def _place(network: TrainedNetwork, *, n_features: int, device: str | None) -> _Placed:
    """Keep what the networks used last run on.

    The key is the identity of every array; the entry holds them, so an identity can't be taken over by another.
    """
    owners = (*network.params.values(), *network.extras.values(), *network.normalization)
    where = find_device(device)
    key = (where, *map(id, owners))
    with _placed_lock:
        found = _placed.get(key)
        if found is not None:
            _placed.move_to_end(key)
            return found
    real = _restore_model(network)
    prepare = partial(_on_host, real) if inference.runs_on_host(real, where.platform) else partial(_on_device, real)
    members = [
        prepare(*own, normalization=network.normalization, n_features=n_features, device=where)
        for own in _members_of(network)
    ]
    placed = _Placed(owners, members)
    for array in owners:
        array.setflags(write=False)
    with _placed_lock:
        _placed[key] = placed
        while len(_placed) > MAX_PLACED:
            _placed.popitem(last=False)
    return placed


def _on_host(
    model: ModelSpec, params: Arrays, extras: Arrays, *, normalization: Normalization, n_features: int, device: Any
) -> Callable[[np.ndarray], np.ndarray]:
    del extras, n_features, device  # dense layers keep no state, and rows tell their own width
    network = inference.HostNetwork(
        runtime.make_steps(model.to_plain()["layers"], params), model.input_shape, model.n_classes, *normalization
    )
    return partial(inference.host_logits, network=network)


def _on_device(
    model: Model, params: Arrays, extras: Arrays, *, normalization: Normalization, n_features: int, device: Any
) -> Callable[[np.ndarray], np.ndarray]:
    predictor, constants = _put(
        model, params, extras, normalization=normalization, n_features=n_features, device=device
    )
    return partial(inference.logits, constants=constants, predictor=predictor)


def _put(
    model: Model, params: Arrays, extras: Arrays, *, normalization: Normalization, n_features: int, device: Any
) -> tuple[inference.Predictor, inference.Constants]:
    padded = pad_model(model)
    predictor = inference.Predictor(padded, device.platform)
    constants = inference.place(
        Variables(pad_arrays(params, padded), extras),
        predictor=predictor,
        offset=normalization.offset,
        scale=normalization.scale,
        n_features=n_features,
        device=device,
    )
    return predictor, constants


def _members_of(network: TrainedNetwork) -> list[tuple[Arrays, Arrays]]:
    """Take the members' own parameters and extras apart."""
    params, extras = network.params, network.extras
    if network.n_members == 1:
        return [(params, extras)]
    return [
        ({name: a[index] for name, a in params.items()}, {name: a[index] for name, a in extras.items()})
        for index in range(network.n_members)
    ]


def _restore_model(network: TrainedNetwork) -> Model:
    if isinstance(network.model, dict):
        return ModelSpec.from_plain(network.model)
    shape = network.view.image_shape or (len(network.normalization.offset),)
    return CustomModel(network.model, shape, network.n_classes)
