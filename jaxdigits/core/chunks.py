"""A chunk: the tasks that train in one vmapped program, and the host's loop over their epochs.

For each of its tasks it does what `fitting.run` does for one: orders, validation, early stopping, best weights.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from jaxdigits.core import fitting, population, training
from jaxdigits.core.fitting import Fit, Record
from jaxdigits.core.models import Variables
from jaxdigits.core.samples import Samples, make_order, pad_normalization, row_bucket
from jaxdigits.core.tasks import Task
from jaxdigits.core.training import Hyperparameters, Info, TrainState

OnEpoch = Callable[[list[Record | None]], bool]


class Chunk:
    """Tasks of one group, trained together.

    Parameters
    ----------
    tasks : sequence of Task
        They share what must be compiled, and the number of rows up to its bucket.
    size : int
        Members of the program: copies of the last task, frozen from the start, fill up what is missing.
    n_tables : int
        Different training sets that the table of rows has room for.
    freezes : bool
        Whether members may be done before others. These three are the same for all chunks of a group, so that all
        share one compiled program.

    Attributes
    ----------
    fits : list of Fit
        What each task has learned so far; `state` is filled in by `close`.
    running : bool ndarray of shape (size,)
        Who still trains.
    """

    def __init__(self, tasks: Sequence[Task], size: int, *, n_tables: int, freezes: bool) -> None:
        self.tasks = list(tasks)
        self.size = size
        self.members = self.tasks + [self.tasks[-1]] * (size - len(self.tasks))
        self.fits = [Fit(None) for _ in self.tasks]  # type: ignore[arg-type]
        self.running = np.arange(size) < len(self.tasks)
        self._n_tables = n_tables
        self._freezes = freezes
        self._program = population.joint_program(self.tasks[0].program)
        self._keeps_best = any(task.plan.patience is not None for task in self.tasks)
        self._call_steps, self._is_warm = fitting.FIRST_CALL_STEPS, False
        self._samples: Samples | None = None

    def set_out(self) -> None:
        """Put samples and initial states on the device, and compile the program unless it is known."""
        if self._samples is not None:
            return
        first = self.tasks[0]
        samples, self._first_rows = _make_table(self.members, self._n_tables)
        self._samples = jax.device_put(samples, first.device)
        states = self._first_states(self._samples)
        self._numbers = jax.device_put(_stack_numbers(self.members, states.step), first.device)
        self._latest: TrainState = jax.device_put(states, first.device)
        self._best = self._latest
        batch_size = self._program.batch_size
        length = -(-row_bucket(len(first.training_set.rows)) // batch_size) * batch_size
        self._orders = np.zeros((self.size, length), np.int32)
        # on the device already, as the sums that a second call goes on with: else JAX compiles once more for those
        self._zero = jax.device_put(population.zero_info(self.size), first.device)
        self._step(self._zero, first_step=0, n_steps=0)

    def train(self, stop: threading.Event, on_epoch: OnEpoch | None = None) -> None:
        """Train until every task is done.

        Parameters
        ----------
        stop : threading.Event
            Set by anyone to end after the current epoch.
        on_epoch : callable or None, default=None
            Hears which record each task got; returning True stops.
        """
        self.set_out()
        generators = [task.make_generator() for task in self.tasks]
        while self.running.any() and not stop.is_set():
            self._draw_orders(generators)
            began = time.perf_counter()
            info = self._run_epoch()
            records = self._finish_epoch(info, time.perf_counter() - began)
            if on_epoch is not None and on_epoch(records):
                return

    def close(self, ending: str = "finished") -> list[Fit]:
        """Bring home what was learned, and leave the device to the next chunk.

        Parameters
        ----------
        ending : {"finished", "interrupted"}, default="finished"
            How those ended that are still running.

        Returns
        -------
        list of Fit
            Without history, a task got nowhere.
        """
        if self._samples is not None:
            for fit, state in zip(self.fits, self.peek(best=True), strict=True):
                fit.state = state
        for index in map(int, np.flatnonzero(self.running)):
            if index < len(self.fits):
                self.fits[index].ending = ending
        self._samples = None
        return self.fits

    def peek(self, *, best: bool = False) -> list[TrainState]:
        """Return every task's state as of now, on the host."""
        return population.unstack(self._best if best else self._latest, len(self.tasks))

    def _first_states(self, samples: Samples) -> TrainState:
        if any(task.start is not None for task in self.members):
            states: TrainState = population.stack([task.first_state(samples) for task in self.members])
            return states
        seeds = [np.uint32(task.seed) for task in self.members]
        numbers = [task.hyperparameters for task in self.members]
        return population.init(seeds, samples, numbers, program=self.tasks[0].program)

    def _draw_orders(self, generators: list[np.random.Generator]) -> None:
        for index, (task, generator) in enumerate(zip(self.tasks, generators, strict=True)):
            if self.running[index]:
                order = make_order(generator, len(task.training_set.rows), self._program.batch_size)
                self._orders[index] = order + self._first_rows[index]

    def _run_epoch(self) -> Info:
        """Run one epoch of those that are running, in calls of about half a second, and fetch its sums."""
        info, done = self._zero, 0
        longest = max(len(task.training_set.rows) for task in self.tasks)
        steps_per_epoch = -(-longest // self._program.batch_size)
        while done < steps_per_epoch:
            steps = min(self._call_steps, steps_per_epoch - done)
            began = time.perf_counter()
            info = self._step(info, first_step=done, n_steps=steps)
            done += steps
            if self._is_warm:
                pace = max((time.perf_counter() - began) / steps, 1e-9)
                self._call_steps = max(1, int(fitting.SECONDS_PER_CALL / pace))
            self._is_warm = True
        return Info(*jax.device_get(info))

    def _step(self, info: Info, *, first_step: int, n_steps: int) -> Info:
        assert self._samples is not None, "set_out comes first"
        self._latest, info = population.epoch(
            self._latest,
            self._samples,
            self._orders,
            self._numbers,
            program=self._program,
            active=self.running if self._freezes else None,
            first_step=np.int32(first_step),
            n_steps=np.int32(n_steps),
            info=info,
        )
        waited: Info = jax.block_until_ready(info)
        return waited

    def _finish_epoch(self, info: Info, seconds: float) -> list[Record | None]:
        """Record the epoch, validate, keep the best weights, and see who is done."""
        share = seconds / int(self.running.sum())
        improved = np.zeros(self.size, bool)
        records: list[Record | None] = [None] * len(self.tasks)
        went_well = _are_finite(self._latest.params, info.loss)
        for index in map(int, np.flatnonzero(self.running)):
            sums = Info(*(float(values[index]) for values in info))
            fit, task = self.fits[index], self.tasks[index]
            if not went_well[index]:
                fit.ending, self.running[index] = "diverged", False
                continue
            n_samples = len(task.training_set.rows)
            records[index] = record = fitting.make_record(
                sums, number=len(fit.history) + 1, seconds=share, samples_done=n_samples, has_rate=True
            )
            self._validate(index, record)
            improved[index] = self._remember(index, record)
        if self._keeps_best:
            self._best = population.choose(improved, self._latest, self._best)
        else:  # the frozen have not moved since
            self._best = self._latest
        return records

    def _validate(self, index: int, record: Record) -> None:
        task = self.tasks[index]
        if task.validation is None:
            return
        variables = training.predicting_variables(self._latest, self._program)
        own = Variables(*jax.tree.map(lambda leaf: np.asarray(leaf[index]), tuple(variables)))
        result = training.evaluate(
            own,
            task.validation.rows,
            task.validation.labels,
            program=task.program,
            weights=task.validation.weights,
            offset=task.normalization.offset,
            scale=task.normalization.scale,
            n_classes=task.n_classes,
            device=task.device,
        )
        record["validation_loss"], record["validation_accuracy"] = result.loss, result.accuracy

    def _remember(self, index: int, record: Record) -> bool:
        """Note a task's epoch and whether it is done; tell whether its weights are the ones to keep."""
        fit, plan, number = self.fits[index], self.tasks[index].plan, record["epoch"]
        improved = plan.patience is None or fitting.improves(fit, record, plan.min_delta)
        fit.history.append(record)
        if improved:
            fit.best_epoch = number
        waited_in_vain = plan.patience is not None and number - fit.best_epoch >= plan.patience
        self.running[index] = not waited_in_vain and number < plan.max_epochs
        return improved


def _make_table(members: Sequence[Task], n_tables: int) -> tuple[Samples, list[int]]:
    """Lay every training set once into one table of rows; tasks share a set by its identity.

    Returns the samples, on the host, and the row at which each member's own begin.
    """
    first = members[0]
    bucket, n_features = row_bucket(len(first.training_set.rows)), first.training_set.rows.shape[1]
    dtype = np.uint8 if first.training_set.rows.dtype == np.uint8 else np.float32
    images = np.zeros((n_tables * bucket, first.width), dtype)
    labels = np.zeros(n_tables * bucket, np.int32)
    weights = np.zeros((len(members), n_tables * bucket), np.float32)
    begins: dict[int, int] = {}
    for task, own_weights in zip(members, weights, strict=True):
        rows, classes, factors = task.training_set
        begin = begins.setdefault(id(rows), len(begins) * bucket)
        here = slice(begin, begin + len(rows))
        images[here, :n_features], labels[here], own_weights[here] = rows, classes, factors
    units = [pad_normalization(*task.normalization, n_features=n_features, width=first.width) for task in members]
    samples = Samples(
        images,
        labels,
        weights,
        np.stack([offset for offset, _ in units]),
        np.stack([scale for _, scale in units]),
        np.array([len(task.training_set.rows) for task in members], np.int32),
        np.int32(n_features),
        np.int32(first.n_classes),
    )
    return samples, [begins[id(task.training_set.rows)] for task in members]


def _are_finite(params: Any, losses: Any) -> np.ndarray:
    """Tell for all members at once whose epoch went well, as `fitting.is_finite` does for one."""
    leaves = [np.isfinite(leaf).reshape(len(losses), -1).all(axis=1) for leaf in jax.device_get(params).values()]
    well: np.ndarray = np.logical_and.reduce([np.isfinite(losses), *leaves])
    return well


def _stack_numbers(members: Sequence[Task], first_steps: Any) -> Hyperparameters:
    """Stack the members' numbers; each one's schedule ends with its own last step."""
    stacked: Hyperparameters = population.stack(
        [
            task.hyperparameters._replace(total_steps=np.float32(int(step) + task.n_steps))
            for task, step in zip(members, first_steps, strict=True)
        ]
    )
    return stacked
