"""The host's side of a fit: epochs, validation, early stopping, time budget, divergence, Ctrl-C.

It draws orders, calls the compiled epoch in pieces of about half a second, and keeps the best state. Short epochs that
nobody watches are handed over one ahead, so that the device does not wait while the host looks at the last one. No
printing: a `Watcher` is told what happens.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from jaxdigits.core import training
from jaxdigits.core.samples import Samples, make_order
from jaxdigits.core.training import Hyperparameters, Info, Program, TrainState

SECONDS_PER_CALL = 0.5
FIRST_CALL_STEPS = 16
FIRST_TIMED_STEPS = 2
BUDGET_CALLS = 20

Record = dict[str, Any]


class Watcher(Protocol):
    """Who wants to know how a fit goes; all calls come from the host, between compiled programs."""

    def on_start(self, max_epochs: int) -> None:
        """Hear how many epochs are planned at most."""

    def on_steps(self, samples_done: int) -> None:
        """Hear how many samples of the current epoch are done."""

    def on_epoch(self, record: Record, snapshot: Callable[[], Any]) -> bool:
        """Hear of a finished epoch; `snapshot()` gives the network as of now. Return True to stop."""


class Validation(NamedTuple):
    """Samples that are watched, not trained on: flat rows in the user's units, class indices, weights."""

    images: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None


@dataclass(frozen=True)
class Plan:
    """How long to train, and what may end it.

    Parameters
    ----------
    max_epochs : int
        Upper bound.
    max_seconds : float or None, default=None
        Time budget, compilation included; the schedule is stretched so that it ends with the budget.
    patience : int or None, default=None
        Epochs without improvement on the validation samples before stopping; None never stops early.
    min_delta : float, default=0.0
        What counts as an improvement of validation accuracy.
    started : float or None, default=None
        Reading of `time.perf_counter` from which the budget counts; None means when `run` is called.
    """

    max_epochs: int
    max_seconds: float | None = None
    patience: int | None = None
    min_delta: float = 0.0
    started: float | None = None


@dataclass
class Fit:
    """What a fit leaves behind; `ending` is "finished", "interrupted" or "diverged"."""

    state: TrainState
    history: list[Record] = field(default_factory=list)
    best_epoch: int = 0
    ending: str = "finished"


@dataclass
class _Run:
    """One fit's moving parts."""

    program: Program
    samples: Samples
    hyperparameters: Hyperparameters
    generator: np.random.Generator
    plan: Plan
    watcher: Watcher | None
    snapshot: Callable[[Fit], Any] | None
    started: float
    n_samples: int
    device: Any
    zero: Info
    samples_done: int = 0
    call_steps: int = FIRST_CALL_STEPS
    is_warm: bool = False
    seconds_per_step: float | None = None
    seconds_to_validate: float = 0.0
    out_of_time: bool = False
    drawn: np.ndarray | None = None
    """An order that was drawn for an epoch which does not count."""

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.n_samples // self.program.batch_size)

    @property
    def runs_ahead(self) -> bool:
        """Whether nothing that happens between two epochs can change the second, and both are short."""
        plan = self.plan
        is_free = plan.max_seconds is None and plan.patience is None and self.watcher is None
        return is_free and self.is_warm and self.call_steps >= self.steps_per_epoch

    def take_order(self) -> np.ndarray:
        """Take the order that is left over, or draw one."""
        order, self.drawn = self.drawn, None
        return make_order(self.generator, self.n_samples, self.program.batch_size) if order is None else order

    def seconds_left(self) -> float:
        """Read what is left of the budget for steps: the validation of the last epoch comes after them."""
        if self.plan.max_seconds is None:
            return math.inf
        return self.plan.max_seconds - (time.perf_counter() - self.started) - self.seconds_to_validate


def run(
    program: Program,
    state: TrainState,
    samples: Samples,
    hyperparameters: Hyperparameters,
    *,
    generator: np.random.Generator,
    plan: Plan,
    validation: Validation | None = None,
    watcher: Watcher | None = None,
    snapshot: Callable[[Fit], Any] | None = None,
    device: Any = None,
) -> Fit:
    """Train until the plan says stop.

    A diverging run (a loss that is not finite) is rolled back to the last good epoch once and goes on at half the
    rate; if it diverges again, the best state so far is returned with the ending "diverged". Ctrl-C ends with
    "interrupted". Both leave a usable state if an epoch was finished.

    Parameters
    ----------
    program : Program
        Static.
    state : TrainState
        From `training.init`, or of an earlier run.
    samples : Samples
        On the device.
    hyperparameters : Hyperparameters
        `total_steps` is filled in here.
    generator : numpy.random.Generator
        Draws an order an epoch.
    plan : Plan
        When to stop.
    validation : Validation or None, default=None
        Watched after every epoch.
    watcher : Watcher or None, default=None
        Is told of steps and epochs.
    snapshot : callable or None, default=None
        Makes what the watcher gets of a running fit; called only if the watcher asks.
    device : jax.Device or None, default=None
        Where validation runs.

    Returns
    -------
    Fit
    """
    n_samples = int(samples.n_samples)
    started = time.perf_counter() if plan.started is None else plan.started
    zero = jax.device_put(training.ZERO_INFO, device)
    moving = _Run(
        *(program, samples, hyperparameters, generator, plan, watcher, snapshot, started, n_samples, device, zero)
    )
    if plan.max_seconds is not None:
        moving.call_steps = FIRST_TIMED_STEPS
    first_step = int(state.step)
    total = first_step + plan.max_epochs * moving.steps_per_epoch
    moving.hyperparameters = hyperparameters._replace(total_steps=np.float32(total))
    fit = Fit(state)
    if watcher is not None:
        watcher.on_start(plan.max_epochs)
    try:
        _run_epochs(moving, fit, validation=validation, device=device)
    except KeyboardInterrupt:
        fit.ending = "interrupted"
    return fit


def _run_epochs(moving: _Run, fit: Fit, *, validation: Validation | None, device: Any) -> None:
    """Run epochs until the plan, the watcher or a second divergence says stop."""
    latest, halved, ahead, ended = fit.state, False, None, 0.0
    while len(fit.history) < moving.plan.max_epochs and not moving.out_of_time:
        began = time.perf_counter() if ahead is None else ended  # what was handed over ahead has begun already
        candidate, info = _run_epoch(moving, latest) if ahead is None else ahead
        ahead, order = None, None
        if validation is None and moving.runs_ahead and len(fit.history) + 1 < moving.plan.max_epochs:
            order = moving.take_order()
            ahead = _call(moving, candidate, order)
        info = Info(*map(float, info))
        if not is_finite(candidate.params, info.loss):
            if halved:
                fit.ending = "diverged"
                return
            halved, ahead, moving.drawn = True, None, order
            moving.hyperparameters = _halve_rate(moving.hyperparameters)
            continue
        latest, ended = candidate, time.perf_counter()
        record = make_record(
            info,
            number=len(fit.history) + 1,
            seconds=ended - began,
            samples_done=moving.samples_done,
            has_rate=not callable(moving.program.optimizer),
        )
        if _finish_epoch(moving, fit, latest, record, validation=validation, device=device):
            return
        _adapt_to_budget(moving, int(latest.step), 0)  # validation took its time


def _run_epoch(moving: _Run, state: TrainState) -> tuple[TrainState, Info]:
    """Run one pass over all samples, in calls of about half a second."""
    order = moving.take_order()
    info, done = moving.zero, 0
    while done < moving.steps_per_epoch:
        steps = min(moving.call_steps, moving.steps_per_epoch - done)
        began = time.perf_counter()
        state, info = _call(moving, state, order, first_step=done, n_steps=steps, info=info)
        jax.block_until_ready(info)
        done += steps
        _keep_pace(moving, time.perf_counter() - began, steps)
        moving.samples_done = min(done * moving.program.batch_size, moving.n_samples)
        if moving.watcher is not None:
            moving.watcher.on_steps(moving.samples_done)
        if _adapt_to_budget(moving, int(state.step), done):
            break
    return state, info


def _call(
    moving: _Run,
    state: TrainState,
    order: np.ndarray,
    *,
    first_step: int = 0,
    n_steps: int | None = None,
    info: Info | None = None,
) -> tuple[TrainState, Info]:
    """Hand steps of an epoch, or all of it, to the device; don't wait for them."""
    return training.epoch(
        state,
        moving.samples,
        order,
        moving.hyperparameters,
        program=moving.program,
        first_step=np.int32(first_step),
        n_steps=np.int32(moving.steps_per_epoch if n_steps is None else n_steps),
        info=moving.zero if info is None else info,
    )


def _keep_pace(moving: _Run, seconds: float, steps: int) -> None:
    """Size the next call. Where an epoch is cut changes nothing in its result, so timing it is harmless."""
    if not moving.is_warm:
        moving.is_warm = True
        return  # the first call may hold the compilation
    latest = max(seconds / steps, 1e-9)
    before = moving.seconds_per_step or latest
    moving.seconds_per_step = 0.5 * (before + latest)  # a busy machine's pace jumps, and the schedule with it
    target = SECONDS_PER_CALL
    if moving.plan.max_seconds is not None:
        target = min(target, moving.plan.max_seconds / BUDGET_CALLS)
    moving.call_steps = max(1, int(target / moving.seconds_per_step))


def _adapt_to_budget(moving: _Run, step: int, done: int) -> bool:
    """Stretch the schedule to end with the time budget; tell whether the budget is spent."""
    if moving.plan.max_seconds is None:
        return False
    left = moving.seconds_left()
    pace = moving.seconds_per_step or 0.0
    if left < pace or left <= 0.0:
        moving.out_of_time = True
        return True
    if moving.seconds_per_step is None:
        return False
    affordable = _count_affordable(moving, left, pace, done)
    moving.call_steps = min(moving.call_steps, affordable)
    total = min(step + affordable, moving.plan.max_epochs * moving.steps_per_epoch)
    moving.hyperparameters = moving.hyperparameters._replace(total_steps=np.float32(max(total, step + 1)))
    return False


def _count_affordable(moving: _Run, left: float, pace: float, done: int) -> int:
    """Count the steps that fit in the seconds left, when `done` of this epoch are done and each epoch is validated."""
    epoch, first = moving.steps_per_epoch, moving.steps_per_epoch - done
    rest = left - first * pace - moving.seconds_to_validate
    if rest < 0.0:
        return min(first, int(left / pace))
    whole = int(rest / (epoch * pace + moving.seconds_to_validate))
    rest -= whole * (epoch * pace + moving.seconds_to_validate)
    return first + whole * epoch + min(epoch, int(rest / pace))


def make_record(info: Info, *, number: int, seconds: float, samples_done: int, has_rate: bool) -> Record:
    """Make an epoch's record for `history_`.

    Parameters
    ----------
    info : Info
        The epoch's sums, as plain floats.
    number : int
        Of the epoch, from 1.
    seconds : float
        What it took.
    samples_done : int
        Samples trained on in that time.
    has_rate : bool
        Whether the learning rate is known: that of a user's own optimizer is not.

    Returns
    -------
    dict
        Validation is None until it is filled in.
    """
    weight = max(info.weight, 1e-30)
    return {
        "epoch": number,
        "loss": info.loss / weight,
        "accuracy": info.correct / weight,
        "validation_loss": None,
        "validation_accuracy": None,
        "learning_rate": info.learning_rate if has_rate else None,
        "seconds": seconds,
        "samples_per_second": samples_done / seconds,
    }


def _finish_epoch(
    moving: _Run,
    fit: Fit,
    state: TrainState,
    record: Record,
    *,
    validation: Validation | None,
    device: Any,
) -> bool:
    """Validate, remember the best state, tell the watcher; return whether to stop."""
    variables = training.predicting_variables(state, moving.program)
    if validation is not None:
        began = time.perf_counter()
        result = training.evaluate(
            variables,
            validation.images,
            validation.labels,
            program=moving.program,
            weights=validation.weights,
            offset=np.asarray(moving.samples.offset),
            scale=np.asarray(moving.samples.scale),
            n_classes=int(moving.samples.n_classes),
            device=device,
        )
        record["validation_loss"], record["validation_accuracy"] = result.loss, result.accuracy
        moving.seconds_to_validate = time.perf_counter() - began
    fit.history.append(record)
    patience = moving.plan.patience
    if patience is None or improves(fit, record, moving.plan.min_delta):
        fit.state, fit.best_epoch = state, record["epoch"]
    stop = _tell(moving, fit, state, record)
    return stop or (patience is not None and record["epoch"] - fit.best_epoch >= patience)


def _tell(moving: _Run, fit: Fit, state: TrainState, record: Record) -> bool:
    if moving.watcher is None:
        return False
    now = Fit(state, fit.history, record["epoch"])
    make = moving.snapshot
    return moving.watcher.on_epoch(record, lambda: None if make is None else make(now))


def improves(fit: Fit, record: Record, min_delta: float) -> bool:
    """Tell whether an epoch is better than the best so far: better accuracy, or the same with a lower loss."""
    if fit.best_epoch == 0:
        return True
    best = fit.history[fit.best_epoch - 1]
    gain = record["validation_accuracy"] - best["validation_accuracy"]
    return gain > min_delta or (gain == 0 and min_delta == 0 and record["validation_loss"] < best["validation_loss"])


def is_finite(params: Any, loss: float) -> bool:
    """Tell whether an epoch went well. The weights are looked at too: the last step may spoil them after the loss."""
    leaves = jax.device_get(params).values()
    return bool(np.isfinite(loss)) and all(np.isfinite(leaf).all() for leaf in leaves)


def _halve_rate(hyperparameters: Hyperparameters) -> Hyperparameters:
    return hyperparameters._replace(learning_rate=np.float32(0.5 * hyperparameters.learning_rate))
