"""From validated arrays to a trained network and back to NumPy: what stands between the estimator and the programs.

Everything that goes in and comes out is NumPy or plain data, so an estimator can keep it, pickle it and move it to
another machine.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxdigits import runtime
from jaxdigits.core import fitting, inference, joint_fitting, training
from jaxdigits.core.devices import find_device
from jaxdigits.core.inputs import InputView, Normalization
from jaxdigits.core.models import CustomModel, Model, Variables
from jaxdigits.core.padding import pad_arrays, pad_model, trim_arrays
from jaxdigits.core.recipes import Recipe
from jaxdigits.core.saliency import SALIENCY
from jaxdigits.core.specs import ModelSpec
from jaxdigits.core.tasks import Task

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Learned:
    """A trained network in NumPy and plain data.

    Attributes
    ----------
    spec : dict or None
        The network as plain data, in its real sizes; None for a user's own module.
    params, extras : dict of str to ndarray
        Its arrays by flat name, padding cut off.
    view : InputView
        How rows are read.
    normalization : Normalization
        (rows - offset) * scale is what the network sees.
    recipe : Recipe
        What every "auto" became.
    history : list of dict
        One record an epoch.
    best_epoch : int
        The epoch whose parameters these are, counted from 1.
    ending : {"finished", "interrupted", "diverged"}
        How the fit ended.
    device : str
        Platform it ran on.
    opt_leaves : list of ndarray
        Optimizer state, for going on.
    n_steps : int
        Optimizer steps taken.
    n_members : int
        Networks; with several, every array has a first axis of members.
    """

    spec: dict[str, Any] | None
    params: Arrays
    extras: Arrays
    view: InputView
    normalization: Normalization
    recipe: Recipe
    history: list[fitting.Record] = field(default_factory=list)
    best_epoch: int = 0
    ending: str = "finished"
    device: str = "cpu"
    opt_leaves: list[np.ndarray] = field(default_factory=list)
    n_steps: int = 0
    n_members: int = 1


def learn(task: Task, *, watcher: fitting.Watcher | None = None) -> Learned:
    """Train a network.

    Parameters
    ----------
    task : Task
        From `tasks.prepare`.
    watcher : Watcher or None, default=None
        Is told of steps and epochs.

    Returns
    -------
    Learned
    """
    fit = joint_fitting.run_alone(task, watcher=watcher, snapshot=lambda fit: to_host(fit, task))
    return to_host(fit, task)


def predict_logits(
    rows: np.ndarray,
    *,
    model: dict[str, Any] | Any,
    params: Arrays,
    extras: Arrays,
    view: InputView,
    normalization: Normalization,
    n_classes: int,
    device: str | None,
    n_members: int = 1,
) -> np.ndarray:
    """Logits of a trained network, or of each of an ensemble's.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
        uint8 or float32, in the units of the training rows.
    model : dict or callable
        `Learned.spec`, or the user's own callable.
    params, extras : dict of str to ndarray
        Its arrays, with a first axis of members if there are several. They are made read-only, since a copy of them
        is kept on the device between calls.
    view : InputView
        How rows are read.
    normalization : Normalization
        As learned.
    n_classes : int
        Real classes.
    device : {"cpu", "gpu", "tpu"} or None
        Where to run.
    n_members : int, default=1
        Networks.

    Returns
    -------
    ndarray of shape (n_members, n, n_classes), float32
    """
    placed = _place(
        params,
        extras,
        n_features=rows.shape[1],
        model=model,
        view=view,
        normalization=normalization,
        n_classes=n_classes,
        device=device,
        n_members=n_members,
    )
    found = [run(rows) for run in placed.members]
    return (np.stack(found) if len(found) > 1 else found[0][None])[:, :, :n_classes]


def explain(
    rows: np.ndarray,
    labels: np.ndarray,
    *,
    method: str,
    temperature: float,
    model: dict[str, Any] | Any,
    params: Arrays,
    extras: Arrays,
    view: InputView,
    normalization: Normalization,
    n_classes: int,
    device: str | None,
    n_members: int = 1,
) -> np.ndarray:
    """Tell what in each picture speaks for a class.

    Parameters
    ----------
    rows : ndarray of shape (n, height * width)
        Pictures in the units of the training pictures.
    labels : ndarray of shape (n,)
        Column of the class asked for.
    method : str
        A name of `SALIENCY`.
    temperature : float
        Divides the logits.
    model, params, extras, view, normalization, n_classes, device, n_members
        As in `predict_logits`; `view` knows the shape of a picture.

    Returns
    -------
    ndarray of shape (n, height, width), float64
    """
    where = find_device(device)
    real = _restore_model(model, view, normalization, n_classes)
    placed = [
        _put(real, own_params, own_extras, normalization=normalization, n_features=rows.shape[1], device=where)
        for own_params, own_extras in _members_of(params, extras, n_members)
    ]
    return SALIENCY[method](
        rows,
        labels,
        [constants for _, constants in placed],
        predictor=placed[0][0],
        image_shape=view.image_shape,
        temperature=temperature,
    )


class _Placed(NamedTuple):
    owners: tuple[np.ndarray, ...]
    members: list[Callable[[np.ndarray], np.ndarray]]


_placed: OrderedDict[tuple[Any, ...], _Placed] = OrderedDict()
_placed_lock = Lock()
MAX_PLACED = 8


def _place(
    params: Arrays,
    extras: Arrays,
    *,
    n_features: int,
    model: Any,
    view: InputView,
    normalization: Normalization,
    n_classes: int,
    device: str | None,
    n_members: int,
) -> _Placed:
    """Keep what the networks used last run on, so that a call moves only its rows.

    The key is the identity of every array; the entry holds them, so an identity can't be taken over by another.
    """
    owners = (*params.values(), *extras.values(), *normalization)
    where = find_device(device)
    key = (where, *map(id, owners))
    with _placed_lock:
        found = _placed.get(key)
        if found is not None:
            _placed.move_to_end(key)
            return found
    real = _restore_model(model, view, normalization, n_classes)
    prepare = partial(_on_host, real) if inference.runs_on_host(real, where.platform) else partial(_on_device, real)
    members = [
        prepare(own_params, own_extras, normalization=normalization, n_features=n_features, device=where)
        for own_params, own_extras in _members_of(params, extras, n_members)
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


def _members_of(params: Arrays, extras: Arrays, n_members: int) -> list[tuple[Arrays, Arrays]]:
    if n_members == 1:
        return [(params, extras)]
    return [
        ({name: a[index] for name, a in params.items()}, {name: a[index] for name, a in extras.items()})
        for index in range(n_members)
    ]


def _restore_model(model: Any, view: InputView, normalization: Normalization, n_classes: int) -> Model:
    if isinstance(model, dict):
        return ModelSpec.from_plain(model)
    return CustomModel(model, view.image_shape or (len(normalization.offset),), n_classes)


def to_host(fit: fitting.Fit, task: Task) -> Learned:
    """Turn what a fit leaves behind into NumPy and plain data.

    Parameters
    ----------
    fit : Fit
        Its state may lie on the device.
    task : Task
        What was trained.

    Returns
    -------
    Learned
    """
    variables = training.predicting_variables(fit.state, task.program)
    params, extras, leaves = jax.device_get((variables.params, variables.extras, jax.tree.leaves(fit.state.opt_state)))
    return Learned(
        spec=task.model.to_plain() if isinstance(task.model, ModelSpec) else None,
        params=trim_arrays(params, task.model),
        extras={name: np.array(array) for name, array in extras.items()},
        view=_real_view(task.view, task.model),
        normalization=task.normalization,
        recipe=task.recipe,
        history=fit.history,
        best_epoch=fit.best_epoch,
        ending=fit.ending,
        device=task.device.platform,
        opt_leaves=[np.array(leaf) for leaf in leaves],
        n_steps=int(fit.state.step),
    )


def _real_view(view: InputView, model: Model) -> InputView:
    """Name the canvas that an image model lays tabular rows on."""
    if view.image_shape is None and len(model.input_shape) == 2:
        return view._replace(image_shape=(model.input_shape[0], model.input_shape[1]))
    return view
