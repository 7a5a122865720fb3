"""From validated arrays to a trained network and back to NumPy: what stands between the estimator and the programs.

Everything that goes in and comes out is NumPy or plain data, so an estimator can keep it, pickle it and move it to
another machine.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxdigits.core import fitting, inference, inputs, training
from jaxdigits.core.devices import find_device
from jaxdigits.core.inputs import InputView, Normalization
from jaxdigits.core.models import CustomModel, Model, Options, Variables
from jaxdigits.core.padding import check_same_network, pad_arrays, pad_model, trim_arrays
from jaxdigits.core.recipes import Recipe, ignored_options, is_image_model, make_spec, resolve_recipe
from jaxdigits.core.samples import (
    Merged,
    Samples,
    make_samples,
    merge_repeated,
    row_bucket,
)
from jaxdigits.core.specs import ModelSpec
from jaxdigits.core.training import Hyperparameters, Program, TrainState
from jaxdigits.errors import InputError

Arrays = dict[str, np.ndarray]


class Labeled(NamedTuple):
    """Flat rows (uint8 or float32), class indices, and weights >= 0 or None."""

    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None

    def part(self, indices: np.ndarray) -> Labeled:
        """Return the samples at `indices`."""
        weights = None if self.weights is None else self.weights[indices]
        return Labeled(self.rows[indices], self.labels[indices], weights)


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


class Start(NamedTuple):
    """Where training begins when not from new weights; `opt_leaves` is empty for a fresh optimizer."""

    params: Arrays
    extras: Arrays
    view: InputView
    normalization: Normalization
    opt_leaves: list[np.ndarray]
    n_steps: int


class _Setting(NamedTuple):
    """A network in its real and its padded sizes, ready to run."""

    model: Model
    padded: Model
    program: Program
    hyperparameters: Hyperparameters
    device: Any


def learn(
    training_set: Labeled,
    asked: dict[str, Any],
    *,
    n_classes: int,
    seed: int,
    given_shape: tuple[int, int] | None = None,
    validation: Labeled | None = None,
    start: Start | None = None,
    incremental: bool = False,
    watcher: fitting.Watcher | None = None,
    started: float | None = None,
) -> Learned:
    """Train a network.

    Parameters
    ----------
    training_set : Labeled
        Canonical samples: see `canonical`.
    asked : dict
        The estimator's parameters by name.
    n_classes : int
        Number of classes.
    seed : int
        The one source of randomness.
    given_shape : (height, width) or None, default=None
        Shape of the pictures where X came as pictures.
    validation : Labeled or None, default=None
        Samples to watch.
    start : Start or None, default=None
        Go on from there.
    incremental : bool, default=False
        One pass at a constant rate.
    watcher : Watcher or None, default=None
        Is told of steps and epochs.
    started : float or None, default=None
        Reading of `time.perf_counter` from which a time budget counts; None means when the first step begins.

    Returns
    -------
    Learned

    Raises
    ------
    InputError
        If settings contradict each other or the data, or the device is missing.
    """
    rows, labels, weights = training_set
    weights = np.ones(len(labels), np.float32) if weights is None else weights
    if start is None:
        view = inputs.view_input(rows, image_shape=asked["image_shape"], given_shape=given_shape)
        normalization = inputs.fit_normalization(rows, weights, view)
    else:
        view, normalization = start.view, start.normalization
    _warn_of_ranges(view, rows if start is not None else None, None if validation is None else validation.rows)
    is_image = view.image_shape is not None
    is_ink = inputs.is_ink_on_paper(rows, view)
    recipe = resolve_recipe(asked, is_image=is_image, n_samples=len(labels), is_ink=is_ink, incremental=incremental)
    inputs.check_augment(recipe.augment, view)
    setting = _make_setting(asked, recipe, view, n_features=rows.shape[1], n_classes=n_classes, n_samples=len(rows))
    samples = make_samples(
        rows,
        labels,
        weights=weights,
        offset=normalization.offset,
        scale=normalization.scale,
        n_classes=n_classes,
        width=int(np.prod(setting.padded.input_shape)),
        device=setting.device,
    )
    state = _first_state(setting, samples, seed, start)

    def to_host(fit: fitting.Fit) -> Learned:
        return _to_host(fit, setting, view, normalization, recipe)

    fit = fitting.run(
        setting.program,
        state,
        samples,
        setting.hyperparameters,
        generator=np.random.default_rng([seed, 0 if start is None else start.n_steps]),
        plan=_make_plan(asked, recipe, validation, started),
        validation=None if validation is None else fitting.Validation(*validation),
        watcher=watcher,
        snapshot=to_host,
        device=setting.device,
    )
    return to_host(fit)


def _warn_of_ranges(view: InputView, rows: np.ndarray | None, validation_rows: np.ndarray | None) -> None:
    """Warn of samples that live in another range than those that decided how rows are read."""
    for part in (rows, validation_rows):
        mismatch = None if part is None or view.pixel_range is None else inputs.range_mismatch(part, view.pixel_range)
        if mismatch:
            warnings.warn(mismatch, UserWarning, stacklevel=2)


def canonical(training_set: Labeled, class_factors: np.ndarray | str | None) -> Labeled:
    """Merge repeated samples and apply class weights; weights come out with mean 1.

    Parameters
    ----------
    training_set : Labeled
        Samples as given.
    class_factors : ndarray of shape (n_classes,), "balanced" or None
        What multiplies the weights of each class; "balanced" gives all classes the same sum.

    Returns
    -------
    Labeled
    """
    merged: Merged = merge_repeated(*training_set)
    weights = merged.weights
    if class_factors is not None:
        if isinstance(class_factors, str):
            sums = np.bincount(merged.labels, weights=weights)
            class_factors = 1.0 / np.maximum(sums, 1e-30)
        weighted = weights * class_factors[merged.labels]
        if not weighted.any():
            raise InputError("class_weight must leave some sample a weight above zero, got 0 for all of their classes.")
        weights = (weighted / weighted.mean()).astype(np.float32)
    return Labeled(merged.images, merged.labels, weights)


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
) -> np.ndarray:
    """Logits of a trained network.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
        uint8 or float32, in the units of the training rows.
    model : dict or callable
        `Learned.spec`, or the user's own callable.
    params, extras : dict of str to ndarray
        Its arrays. They are made read-only, since a copy of them is kept on the device between calls.
    view : InputView
        How rows are read.
    normalization : Normalization
        As learned.
    n_classes : int
        Real classes.
    device : {"cpu", "gpu", "tpu"} or None
        Where to run.

    Returns
    -------
    ndarray of shape (n, n_classes), float32
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
    )
    found = inference.logits(rows, placed.constants, predictor=placed.predictor)
    return found[:, :n_classes]


class _Placed(NamedTuple):
    owners: tuple[np.ndarray, ...]
    predictor: inference.Predictor
    constants: inference.Constants


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
) -> _Placed:
    """Keep the device copies of the networks used last, so that a call moves only its rows.

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
    padded = pad_model(real)
    variables = Variables(pad_arrays(params, padded), extras)
    predictor = inference.Predictor(padded, where.platform)
    constants = inference.place(
        variables,
        predictor=predictor,
        offset=normalization.offset,
        scale=normalization.scale,
        n_features=n_features,
        device=where,
    )
    placed = _Placed(owners, predictor, constants)
    for array in owners:
        array.setflags(write=False)
    with _placed_lock:
        _placed[key] = placed
        while len(_placed) > MAX_PLACED:
            _placed.popitem(last=False)
    return placed


def unused_options(recipe_model: Any, asked: dict[str, Any], input_shape: tuple[int, ...]) -> list[str]:
    """Name the parameters that were set but mean nothing to a built-in model; see `recipes.ignored_options`."""
    if callable(recipe_model):
        return []
    return ignored_options(recipe_model, input_shape, _options(asked))


def _options(asked: dict[str, Any]) -> Options:
    return Options(tuple(asked["hidden_sizes"]), tuple(asked["channels"]), asked["activation"])


def _make_setting(
    asked: dict[str, Any], recipe: Recipe, view: InputView, *, n_features: int, n_classes: int, n_samples: int
) -> _Setting:
    device = find_device(asked["device"])
    options = _options(asked)
    model = _make_model(recipe.model, options, view, n_features, n_classes)
    padded = pad_model(model)
    batch_size = row_bucket(n_samples) if recipe.batch_size == "full" else int(recipe.batch_size)
    program = Program(
        padded,
        optimizer=recipe.optimizer,
        schedule=recipe.schedule,
        nesterov=bool(asked["nesterov"]),
        average_weights=recipe.average_weights,
        batch_size=batch_size,
        precision=asked["precision"],
        augment=recipe.augment,
        platform=device.platform,
    )
    numbers = Hyperparameters(
        learning_rate=np.float32(recipe.learning_rate),
        momentum=np.float32(asked["momentum"]),
        weight_decay=np.float32(recipe.weight_decay),
        label_smoothing=np.float32(recipe.label_smoothing),
        dropout=np.float32(recipe.dropout),
        average_decay=np.float32(_average_decay(n_samples, batch_size)),
        total_steps=np.float32(1),
    )
    return _Setting(model, padded, program, numbers, device)


def _make_model(model: Any, options: Options, view: InputView, n_features: int, n_classes: int) -> Model:
    shape: tuple[int, ...] = view.image_shape or (n_features,)
    if callable(model):
        return CustomModel(model, shape, n_classes)
    if view.image_shape is None and is_image_model(model):
        shape = inputs.square_canvas(n_features)
    return make_spec(model, shape, n_classes, options)


def _restore_model(model: Any, view: InputView, normalization: Normalization, n_classes: int) -> Model:
    if isinstance(model, dict):
        return ModelSpec.from_plain(model)
    return CustomModel(model, view.image_shape or (len(normalization.offset),), n_classes)


def _first_state(setting: _Setting, samples: Samples, seed: int, start: Start | None) -> TrainState:
    state: TrainState = training.init(np.uint32(seed), samples, setting.hyperparameters, program=setting.program)
    if start is None:
        return state
    check_same_network(start.params, setting.model)
    params = jax.device_put(pad_arrays(start.params, setting.padded), setting.device)
    average = params if setting.program.average_weights else {}
    opt_state, step = state.opt_state, state.step
    fresh, structure = jax.tree.flatten(opt_state)
    if [np.shape(leaf) for leaf in start.opt_leaves] == [leaf.shape for leaf in fresh]:  # else another optimizer's
        opt_state = jax.device_put(jax.tree.unflatten(structure, start.opt_leaves), setting.device)
        step = jax.device_put(np.int32(start.n_steps), setting.device)
    extras = jax.device_put(start.extras, setting.device)
    return TrainState(params, extras, opt_state, average, step, state.key)


def _make_plan(
    asked: dict[str, Any], recipe: Recipe, validation: Labeled | None, started: float | None
) -> fitting.Plan:
    stops_early = asked["early_stopping"] and validation is not None
    return fitting.Plan(
        max_epochs=recipe.max_epochs,
        max_seconds=asked["max_seconds"],
        patience=int(asked["patience"]) if stops_early else None,
        min_delta=float(asked["min_delta"]),
        started=started,
    )


def _to_host(
    fit: fitting.Fit, setting: _Setting, view: InputView, normalization: Normalization, recipe: Recipe
) -> Learned:
    variables = training.predicting_variables(fit.state, setting.program)
    params, extras, leaves = jax.device_get((variables.params, variables.extras, jax.tree.leaves(fit.state.opt_state)))
    return Learned(
        spec=setting.model.to_plain() if isinstance(setting.model, ModelSpec) else None,
        params=trim_arrays(params, setting.model),
        extras={name: np.array(array) for name, array in extras.items()},
        view=_real_view(view, setting.model),
        normalization=normalization,
        recipe=recipe,
        history=fit.history,
        best_epoch=fit.best_epoch,
        ending=fit.ending,
        device=setting.device.platform,
        opt_leaves=[np.array(leaf) for leaf in leaves],
        n_steps=int(fit.state.step),
    )


def _real_view(view: InputView, model: Model) -> InputView:
    """Name the canvas that an image model lays tabular rows on."""
    if view.image_shape is None and len(model.input_shape) == 2:
        return view._replace(image_shape=(model.input_shape[0], model.input_shape[1]))
    return view


def _average_decay(n_samples: int, batch_size: int) -> float:
    """Average over about an epoch of steps."""
    steps = -(-n_samples // batch_size)
    return 1.0 - 1.0 / min(max(steps, 10), 1000)
