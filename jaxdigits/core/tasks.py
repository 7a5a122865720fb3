"""From validated arrays and an estimator's parameters to a `Task`: one network to train, nothing left to decide.

A task is plain data but for the device. Whether it is then trained alone or in a population is decided by others.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxdigits.core import inputs, training
from jaxdigits.core.devices import find_device
from jaxdigits.core.fitting import Plan
from jaxdigits.core.inputs import InputView, Normalization
from jaxdigits.core.models import CustomModel, Model, Options
from jaxdigits.core.padding import check_same_network, pad_arrays, pad_model
from jaxdigits.core.recipes import Recipe, ignored_options, is_image_model, make_spec, resolve_recipe
from jaxdigits.core.samples import Merged, Samples, make_samples, row_bucket
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


class Start(NamedTuple):
    """Where training begins when not from new weights; `opt_leaves` is empty for a fresh optimizer.

    With several members every array has a first axis of members.
    """

    params: Arrays
    extras: Arrays
    view: InputView
    normalization: Normalization
    opt_leaves: list[np.ndarray]
    n_steps: int
    n_members: int = 1


@dataclass(frozen=True)
class Task:
    """One network to train.

    Attributes
    ----------
    training_set : Labeled
        Canonical samples with weights: see `canonical`.
    validation : Labeled or None
        Samples to watch.
    model, padded : ModelSpec or CustomModel
        The network in its real sizes, and as it runs.
    program : Program
        What is compiled.
    hyperparameters : Hyperparameters
        All but `total_steps`, which follows from the plan.
    device : jax.Device
        Where it runs.
    view : InputView
        How rows are read.
    normalization : Normalization
        (rows - offset) * scale is what the network sees.
    recipe : Recipe
        What every "auto" became.
    n_classes : int
        Real classes.
    plan : Plan
        How long to train.
    seed : int
        The one source of randomness.
    start : Start or None
        Go on from there.
    """

    training_set: Labeled
    validation: Labeled | None
    model: Model
    padded: Model
    program: Program
    hyperparameters: Hyperparameters
    device: Any
    view: InputView
    normalization: Normalization
    recipe: Recipe
    n_classes: int
    plan: Plan
    seed: int
    start: Start | None

    @property
    def width(self) -> int:
        """Columns of the rows as the network sees them."""
        return int(np.prod(self.padded.input_shape))

    @property
    def n_steps(self) -> int:
        """Steps of the whole run, unless something ends it early."""
        return self.plan.max_epochs * -(-len(self.training_set.rows) // self.program.batch_size)

    def make_generator(self) -> np.random.Generator:
        """Make the source of the batch orders."""
        return np.random.default_rng([self.seed, 0 if self.start is None else self.start.n_steps])

    def make_samples(self) -> Samples:
        """Pad the training samples and move them to the device."""
        rows, labels, weights = self.training_set
        return make_samples(
            rows,
            labels,
            weights=weights,
            offset=self.normalization.offset,
            scale=self.normalization.scale,
            n_classes=self.n_classes,
            width=self.width,
            device=self.device,
        )

    def first_state(self, samples: Samples) -> TrainState:
        """Draw the initial state, or take up that of `start`."""
        state = training.init(np.uint32(self.seed), samples, self.hyperparameters, program=self.program)
        if self.start is None:
            return state
        check_same_network(self.start.params, self.model)
        params = jax.device_put(pad_arrays(self.start.params, self.padded), self.device)
        average = params if self.program.average_weights else {}
        opt_state, step = state.opt_state, state.step
        fresh, structure = jax.tree.flatten(opt_state)
        # else they are another optimizer's
        if [np.shape(leaf) for leaf in self.start.opt_leaves] == [leaf.shape for leaf in fresh]:
            opt_state = jax.device_put(jax.tree.unflatten(structure, self.start.opt_leaves), self.device)
            step = jax.device_put(np.int32(self.start.n_steps), self.device)
        extras = jax.device_put(self.start.extras, self.device)
        return TrainState(params, extras, opt_state, average, step, state.key)


def prepare(
    training_set: Labeled,
    asked: dict[str, Any],
    *,
    n_classes: int,
    seed: int,
    given_shape: tuple[int, int] | None = None,
    validation: Labeled | None = None,
    start: Start | None = None,
    incremental: bool = False,
    started: float | None = None,
) -> Task:
    """Decide everything about a network to train.

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
    started : float or None, default=None
        Reading of `time.perf_counter` from which a time budget counts; None means when the first step begins.

    Returns
    -------
    Task

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
    device = find_device(asked["device"])
    model = _make_model(recipe.model, _options(asked), view, rows.shape[1], n_classes)
    program = _make_program(asked, recipe, pad_model(model), device.platform, n_samples=len(rows))
    return Task(
        training_set=Labeled(rows, labels, weights),
        validation=validation,
        model=model,
        padded=program.model,
        program=program,
        hyperparameters=_make_hyperparameters(asked, recipe, _average_decay(len(rows), program.batch_size)),
        device=device,
        view=view,
        normalization=normalization,
        recipe=recipe,
        n_classes=n_classes,
        plan=_make_plan(asked, recipe, validation, started),
        seed=seed,
        start=start,
    )


def canonical(merged: Merged, class_factors: np.ndarray | str | None) -> Labeled:
    """Apply class weights to merged samples; weights come out with mean 1.

    Parameters
    ----------
    merged : Merged
        From `samples.merge_repeated`.
    class_factors : ndarray of shape (n_classes,), "balanced" or None
        What multiplies the weights of each class; "balanced" gives all classes the same sum.

    Returns
    -------
    Labeled

    Raises
    ------
    InputError
        If nothing is left with a weight.
    """
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


def unused_options(recipe_model: Any, asked: dict[str, Any], input_shape: tuple[int, ...]) -> list[str]:
    """Name the parameters that were set but mean nothing to a built-in model; see `recipes.ignored_options`."""
    if callable(recipe_model):
        return []
    return ignored_options(recipe_model, input_shape, _options(asked))


def _warn_of_ranges(view: InputView, rows: np.ndarray | None, validation_rows: np.ndarray | None) -> None:
    """Warn of samples that live in another range than those that decided how rows are read."""
    for part in (rows, validation_rows):
        mismatch = None if part is None or view.pixel_range is None else inputs.range_mismatch(part, view.pixel_range)
        if mismatch:
            warnings.warn(mismatch, UserWarning, stacklevel=2)


def _options(asked: dict[str, Any]) -> Options:
    return Options(tuple(asked["hidden_sizes"]), tuple(asked["channels"]), asked["activation"])


def _make_model(model: Any, options: Options, view: InputView, n_features: int, n_classes: int) -> Model:
    shape: tuple[int, ...] = view.image_shape or (n_features,)
    if callable(model):
        return CustomModel(model, shape, n_classes)
    if view.image_shape is None and is_image_model(model):
        shape = inputs.square_canvas(n_features)
    return make_spec(model, shape, n_classes, options)


def _make_program(asked: dict[str, Any], recipe: Recipe, padded: Model, platform: str, *, n_samples: int) -> Program:
    return Program(
        padded,
        optimizer=recipe.optimizer,
        schedule=recipe.schedule,
        nesterov=bool(asked["nesterov"]),
        average_weights=recipe.average_weights,
        batch_size=row_bucket(n_samples) if recipe.batch_size == "full" else int(recipe.batch_size),
        precision=asked["precision"],
        augment=recipe.augment,
        platform=platform,
    )


def _make_hyperparameters(asked: dict[str, Any], recipe: Recipe, average_decay: float) -> Hyperparameters:
    return Hyperparameters(
        learning_rate=np.float32(recipe.learning_rate),
        momentum=np.float32(asked["momentum"]),
        weight_decay=np.float32(recipe.weight_decay),
        label_smoothing=np.float32(recipe.label_smoothing),
        dropout=np.float32(recipe.dropout) if recipe.dropout > 0 else None,
        average_decay=np.float32(average_decay),
        total_steps=np.float32(1),
    )


def _make_plan(asked: dict[str, Any], recipe: Recipe, validation: Labeled | None, started: float | None) -> Plan:
    stops_early = asked["early_stopping"] and validation is not None
    return Plan(
        max_epochs=recipe.max_epochs,
        max_seconds=asked["max_seconds"],
        patience=int(asked["patience"]) if stops_early else None,
        min_delta=float(asked["min_delta"]),
        started=started,
    )


def _average_decay(n_samples: int, batch_size: int) -> float:
    """Average over about an epoch of steps."""
    steps = -(-n_samples // batch_size)
    return 1.0 - 1.0 / min(max(steps, 10), 1000)
