"""An ensemble: one task trained with several seeds, together where that pays, else one after another.

Its arrays are the members' arrays with a first axis of members (Lakshminarayanan et al., NeurIPS 2017: networks that
differ by nothing but their seeds err in different places).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from jaxdigits.core import joint_fitting
from jaxdigits.core.chunks import Chunk
from jaxdigits.core.fitting import Fit, Record, Watcher
from jaxdigits.core.learner import Learned, to_host
from jaxdigits.core.tasks import Start, Task
from jaxdigits.errors import InputError


def learn_ensemble(task: Task, n_members: int, *, watcher: Watcher | None = None) -> Learned:
    """Train one ensemble, and let a watcher follow.

    Parameters
    ----------
    task : Task
        From `tasks.prepare`; the first member's seed is the task's, the others' follow from it.
    n_members : int
        At least 2.
    watcher : Watcher or None, default=None
        Is told of epochs: of all members of a chunk at once where they train together, with means for figures.

    Returns
    -------
    Learned
        After Ctrl-C of those members that have finished an epoch.

    Raises
    ------
    InputError
        If there is a network to go on with that has another number of members.
    """
    tasks = _member_tasks(task, n_members)
    if joint_fitting.reason_to_train_alone(task) is None:
        fits = _train_together(tasks, watcher)
    else:
        fits = _train_in_turn(tasks, watcher)
    return _pool(fits, tasks)


def learn_many(
    tasks: Sequence[Task], n_members: Sequence[int], *, on_done: Callable[[int], None] | None = None
) -> list[Learned]:
    """Train many tasks, those together that share what must be compiled.

    Parameters
    ----------
    tasks : sequence of Task
        Those that gain from company: see `joint_fitting.reason_to_train_alone`.
    n_members : sequence of int
        Networks of each; the members of an ensemble are tasks like the others.
    on_done : callable or None, default=None
        Hears how many more networks are done, from any thread.

    Returns
    -------
    list of Learned
        In the order of the tasks.
    """
    each = [_member_tasks(task, count) for task, count in zip(tasks, n_members, strict=True)]
    flat = [member for members in each for member in members]
    fits: dict[int, Fit] = {}
    for positions in joint_fitting.group(flat):
        found = joint_fitting.run([flat[position] for position in positions], on_done=on_done)
        fits.update(zip(positions, found, strict=True))
    in_order = iter(fits[position] for position in range(len(flat)))
    return [_pool([next(in_order) for _ in members], members) for members in each]


def member_seeds(seed: int, n_members: int) -> list[int]:
    """Derive the members' seeds; the first is the seed itself, so that it is the network one would have had alone.

    Examples
    --------
    >>> from jaxdigits.core.ensemble import member_seeds
    >>> member_seeds(7, 2)[0], len(set(member_seeds(7, 100)))
    (7, 100)
    """
    return [seed, *(int(other) for other in np.random.SeedSequence(seed).generate_state(n_members - 1))]


def _member_tasks(task: Task, n_members: int) -> list[Task]:
    """Give every member its seed, its start, and with a time budget a deadline: they take equal shares."""
    if task.start is not None and task.start.n_members != n_members:
        raise InputError(
            f"n_members must be {task.start.n_members}, that of the network to go on with, got {n_members}. Set it "
            "back, or fit anew."
        )
    tasks = []
    for index, seed in enumerate(member_seeds(task.seed, n_members)):
        start = None if task.start is None else _member_start(task.start, index)
        plan = task.plan
        if plan.max_seconds is not None:
            started = time.perf_counter() if plan.started is None else plan.started
            plan = replace(plan, started=started, max_seconds=plan.max_seconds * (index + 1) / n_members)
        tasks.append(replace(task, seed=seed, start=start, plan=plan))
    return tasks


def _member_start(start: Start, index: int) -> Start:
    return start._replace(
        params={name: array[index] for name, array in start.params.items()},
        extras={name: array[index] for name, array in start.extras.items()},
        opt_leaves=[leaf[index] for leaf in start.opt_leaves],
        n_members=1,
    )


def _train_together(tasks: Sequence[Task], watcher: Watcher | None) -> list[Fit]:
    """Train chunk after chunk, so that what the watcher is shown is in order."""
    chunks, stop = joint_fitting.deal(tasks), threading.Event()
    fits: list[Fit] = []
    if watcher is not None:
        watcher.on_start(tasks[0].plan.max_epochs * len(chunks))

    def tell(chunk: Chunk, records: list[Record | None]) -> bool:
        told = [record for record in records if record is not None]
        if watcher is None or not told:
            return False
        return watcher.on_epoch(_mean_record(told), lambda: _pool([*fits, *_fits_so_far(chunk)], tasks))

    for chunk in chunks:
        try:
            chunk.train(stop, lambda records, chunk=chunk: tell(chunk, records))  # type: ignore[misc]
        except KeyboardInterrupt:
            return [*fits, *chunk.close("interrupted")]
        closed = zip(chunk.tasks, chunk.close(), strict=True)
        fits += [joint_fitting.run_alone(task) if fit.ending == "diverged" else fit for task, fit in closed]
    return fits


def _fits_so_far(chunk: Chunk) -> list[Fit]:
    return [Fit(state, fit.history, len(fit.history)) for state, fit in zip(chunk.peek(), chunk.fits, strict=True)]


def _train_in_turn(tasks: Sequence[Task], watcher: Watcher | None) -> list[Fit]:
    fits: list[Fit] = []
    relay = None if watcher is None else _Relay(watcher, len(tasks))
    for task in tasks:

        def snapshot(fit: Fit) -> Learned:
            return _pool([*fits, fit], tasks)

        fits.append(joint_fitting.run_alone(task, watcher=relay, snapshot=snapshot))
        if fits[-1].ending == "interrupted":
            break
    return fits


class _Relay:
    """Lets the members' runs look like one long run."""

    def __init__(self, watcher: Watcher, n_members: int) -> None:
        self._watcher = watcher
        self._n_members = n_members
        self._begun = False

    def on_start(self, max_epochs: int) -> None:
        if not self._begun:
            self._watcher.on_start(max_epochs * self._n_members)
        self._begun = True

    def on_steps(self, samples_done: int) -> None:
        self._watcher.on_steps(samples_done)

    def on_epoch(self, record: Record, snapshot: Callable[[], Any]) -> bool:
        return self._watcher.on_epoch(record, snapshot)


def _pool(fits: Sequence[Fit], tasks: Sequence[Task]) -> Learned:
    """Make one of the members that have learned something; of a single one, that one."""
    pairs = [(fit, task) for fit, task in zip(fits, tasks, strict=False) if fit.history]
    endings = {fit.ending for fit in fits}
    ending = next((each for each in ("interrupted", "diverged") if each in endings), "finished")
    if not pairs:
        nothing: dict[str, np.ndarray] = {}
        task = tasks[0]
        return Learned(None, nothing, nothing, task.view, task.normalization, task.recipe, ending=ending)
    each = [to_host(fit, task) for fit, task in pairs]
    if len(each) == 1:
        return replace(each[0], ending=ending)
    return replace(
        each[0],
        params={name: np.stack([one.params[name] for one in each]) for name in each[0].params},
        extras={name: np.stack([one.extras[name] for one in each]) for name in each[0].extras},
        history=_mean_history([one.history for one in each]),
        best_epoch=max(one.best_epoch for one in each),
        ending=ending,
        opt_leaves=[np.stack(leaves) for leaves in zip(*(one.opt_leaves for one in each), strict=True)],
        n_steps=max(one.n_steps for one in each),
        n_members=len(each),
    )


def _mean_history(histories: Sequence[list[Record]]) -> list[Record]:
    """Average, epoch by epoch, over the members that were still training."""
    longest = max(map(len, histories))
    return [_mean_record([records[at] for records in histories if at < len(records)]) for at in range(longest)]


def _mean_record(records: Sequence[Record]) -> Record:
    """Average figures; seconds add up, since a member's are its share of what all took."""
    mean: Record = {"epoch": records[0]["epoch"]}
    for name in ("loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate"):
        known = [record[name] for record in records if record[name] is not None]
        mean[name] = float(np.mean(known)) if known else None
    samples = sum(record["samples_per_second"] * record["seconds"] for record in records)
    mean["seconds"] = sum(record["seconds"] for record in records)
    mean["samples_per_second"] = samples / mean["seconds"]
    return mean
