"""Fitting many tasks: which of them train together, in how many programs, and on how many threads.

`run` gives for every task what it would have learned alone: the same seed, batch orders and stopping rules, and the
same arithmetic up to rounding.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from jaxdigits.core import fitting, population, training
from jaxdigits.core.chunks import Chunk
from jaxdigits.core.fitting import Fit
from jaxdigits.core.samples import make_order, row_bucket
from jaxdigits.core.tasks import Labeled, Task

FEWEST_MEMBERS = 2
"""Members below which nothing is gained."""


def reason_to_train_alone(task: Task) -> str | None:
    """Say why a task gains nothing from company, or None.

    Parameters
    ----------
    task : Task
        From `tasks.prepare`.

    Returns
    -------
    str or None
        A few words for a person.
    """
    if task.plan.max_seconds is not None:
        return "max_seconds gives each fit a time of its own"
    if callable(task.recipe.model):
        return "the model is a user's function"
    if callable(task.recipe.optimizer):
        return "the optimizer is a user's function"
    if any(map(callable, task.recipe.augment)):
        return "an augmentation is a user's function"
    if population.members_at_once(task.program) < FEWEST_MEMBERS:
        return "networks of this kind and size train fastest one after another here"
    return None


def group(tasks: Sequence[Task]) -> list[list[int]]:
    """Group tasks by what must be compiled for them.

    Parameters
    ----------
    tasks : sequence of Task
        Those that train in company.

    Returns
    -------
    list of list of int
        Positions of the tasks of each group, the shortest runs first, otherwise in the order given.
    """
    groups: dict[Hashable, list[int]] = {}
    for position, task in enumerate(tasks):
        groups.setdefault(_compiled_for(task), []).append(position)
    for members in groups.values():
        members.sort(key=lambda position: tasks[position].n_steps)
    return list(groups.values())


def run(tasks: Sequence[Task], *, on_done: Callable[[int], None] | None = None) -> list[Fit]:
    """Train the tasks of one group, on a CPU with a thread a core: a small network's step keeps only one busy.

    Parameters
    ----------
    tasks : sequence of Task
        Of one group.
    on_done : callable or None, default=None
        Hears how many more tasks are done, from any thread.

    Returns
    -------
    list of Fit
        In the order of the tasks.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, once the epochs under way are over.
    """
    if len(tasks) < FEWEST_MEMBERS:
        return [_tell(run_alone(task), on_done) for task in tasks]
    n_threads = count_threads(tasks[0])
    chunks = deal(tasks, n_threads)
    stop = threading.Event()

    def train(chunk: Chunk) -> list[Fit]:
        chunk.train(stop)
        fits = chunk.close()
        if on_done is not None:
            on_done(len(fits))
        return fits

    chunks[0].set_out()  # compiles, which several threads would do several times
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            futures = [pool.submit(train, chunk) for chunk in chunks]
            fits = [fit for future in futures for fit in future.result()]
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    # alone, the rate of a run that diverges can be halved
    pairs = zip(tasks, fits, strict=True)
    return [_tell(run_alone(task), None) if fit.ending == "diverged" else fit for task, fit in pairs]


def run_alone(
    task: Task, *, watcher: fitting.Watcher | None = None, snapshot: Callable[[Fit], Any] | None = None
) -> Fit:
    """Train one task by itself, through the program that all single fits share.

    Parameters
    ----------
    task : Task
        From `tasks.prepare`.
    watcher, snapshot : as for `fitting.run`, default=None
        Who hears how it goes.

    Returns
    -------
    Fit
    """
    samples = task.make_samples()
    return fitting.run(
        task.program,
        task.first_state(samples),
        samples,
        task.hyperparameters,
        generator=task.make_generator(),
        plan=task.plan,
        validation=None if task.validation is None else fitting.Validation(*task.validation),
        watcher=watcher,
        snapshot=snapshot,
        device=task.device,
    )


def compile_alone(task: Task, n_samples: int) -> None:
    """Compile the program of a single fit ahead of time, so that it is there when it is wanted.

    Parameters
    ----------
    task : Task
        One of the kind.
    n_samples : int
        Rows of the fit to come.
    """
    rows = np.zeros((n_samples, task.training_set.rows.shape[1]), task.training_set.rows.dtype)
    blank = Labeled(rows, np.zeros(n_samples, int), np.ones(n_samples, np.float32))
    task = replace(task, training_set=blank, validation=None, start=None)
    samples = task.make_samples()
    training.epoch(
        task.first_state(samples),
        samples,
        make_order(task.make_generator(), n_samples, task.program.batch_size),
        task.hyperparameters,
        program=task.program,
        n_steps=np.int32(0),
        info=jax.device_put(training.ZERO_INFO, task.device),
    )


def deal(tasks: Sequence[Task], n_threads: int = 1) -> list[Chunk]:
    """Deal the tasks of a group into chunks of one size that keep all threads busy to the end.

    Parameters
    ----------
    tasks : sequence of Task
        Of one group.
    n_threads : int, default=1
        Chunks that train at a time.

    Returns
    -------
    list of Chunk
        The tasks in their order.
    """
    n_chunks = -(-len(tasks) // population.members_at_once(tasks[0].program))
    if len(tasks) >= FEWEST_MEMBERS * n_threads:
        n_chunks = -(-n_chunks // n_threads) * n_threads
    size = -(-len(tasks) // n_chunks)
    parts = [tasks[start : start + size] for start in range(0, len(tasks), size)]
    n_tables = max(len({id(task.training_set.rows) for task in part}) for part in parts)
    lengths = {(task.plan.max_epochs, task.n_steps, task.plan.patience) for task in tasks}
    freezes = len(lengths) > 1 or tasks[0].plan.patience is not None
    return [Chunk(part, size, n_tables=n_tables, freezes=freezes) for part in parts]


def count_threads(task: Task) -> int:
    """Count the chunks to train at a time: one for each visible core on a CPU, one on an accelerator."""
    if task.device.platform != "cpu":
        return 1
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _tell(fit: Fit, on_done: Callable[[int], None] | None) -> Fit:
    if fit.ending == "interrupted":
        raise KeyboardInterrupt
    if on_done is not None:
        on_done(1)
    return fit


def _compiled_for(task: Task) -> Hashable:
    """Tell apart what needs programs of its own; units of one number and of one a feature differ in shape."""
    return (
        task.program,
        task.device,
        task.training_set.rows.dtype,
        task.training_set.rows.shape[1],
        row_bucket(len(task.training_set.rows)),
        task.n_classes,
        len(task.normalization.offset),
        task.hyperparameters.dropout is None,
    )
