"""From a task to a trained network in NumPy: what stands between the estimator and the training programs.

Everything that comes out is NumPy or plain data, so an estimator can keep it, pickle it and move it to another machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from jaxdigits.core import fitting, joint_fitting, training
from jaxdigits.core.inputs import InputView, Normalization
from jaxdigits.core.models import Model
from jaxdigits.core.padding import trim_arrays
from jaxdigits.core.recipes import Recipe
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
