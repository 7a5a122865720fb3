"""The fits of a search: prepared fold by fold, trained together, judged one by one.

Of a fold, transformers are fitted once for each of their settings and every candidate is prepared. Of as many folds as
there is room for, the candidates that share a compiled program train together. What can't train so is left to the end,
and to scikit-learn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import _fit_and_score
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_method_params, _num_samples

from jaxdigits.estimator import DigitClassifier

if TYPE_CHECKING:
    from jaxdigits.core.learner import Learned
    from jaxdigits.core.tasks import Task

__all__ = ["Trials", "classifier_of"]

GATHERED_BYTES = 1 << 28
"""Rows of folds that are held at a time: more folds make fuller programs, but every fold is a copy of its samples."""


@dataclass
class _Job:
    """One candidate on one fold, ready to train or trained; the position is that among all fits, candidates first."""

    position: int
    estimator: Any
    head: Pipeline | None
    task: Task
    seconds: float
    learned: Learned | None = None

    @property
    def classifier(self) -> DigitClassifier:
        classifier = classifier_of(self.estimator)
        assert classifier is not None
        return classifier


class Trials:
    """The fits of a search.

    Parameters
    ----------
    search : BaseSearchCV
        Whose parameters decide.
    X, y : indexable
        All samples.
    routed : Bunch
        What goes to the estimator's fit and to the scorers.
    scorers : callable or scikit-learn's scorer of several metrics
        Judge each fit.
    splits : list of (train, test)
        Indices of each fold.
    candidates : list of dict
        Parameters of each candidate.

    Attributes
    ----------
    reasons : dict of int to str
        Candidates that are fitted by themselves, and why.
    """

    def __init__(
        self,
        search: BaseSearchCV,
        X: Any,
        y: Any,
        *,
        routed: Any,
        scorers: Any,
        splits: list[tuple[np.ndarray, np.ndarray]],
        candidates: list[dict[str, Any]],
    ) -> None:
        self.search = search
        self.X, self.y = X, y
        self.fit_params = routed.estimator.fit
        self.splits = splits
        self.candidates = candidates
        self.base = clone(search.estimator)
        self.judging = {
            "scorer": scorers,
            "score_params": routed.scorer.score,
            "return_train_score": search.return_train_score,
            "return_n_test_samples": True,
            "return_times": True,
            "error_score": search.error_score,
            "verbose": search.verbose,
        }
        self.reasons: dict[int, str] = {}
        self.results: dict[int, dict[str, Any]] = {}
        self.compiler = ThreadPoolExecutor(1)
        self.compiles = False

    def run(self) -> list[dict[str, Any]]:
        """Fit and judge everything.

        Returns
        -------
        list of dict
            What scikit-learn's own fits would have returned, in its order: candidate by candidate, fold by fold.
        """
        n_fits = len(self.candidates) * len(self.splits)
        if n_fits == 0:
            raise ValueError("No fits were performed. Was the CV iterator empty? Were there no candidates?")
        if self.search.verbose > 0:
            counts = f"{len(self.splits)} folds for each of {len(self.candidates)} candidates"
            print(f"Fitting {counts}, totalling {n_fits} fits")
        for jobs in self._gather():
            self._train(jobs)
            for job in sorted(jobs, key=lambda job: job.position):  # scorers are called in scikit-learn's order
                self.results[job.position] = self._judge(job)
        self._fit_singly([position for position in range(n_fits) if position not in self.results])
        self.compiler.shutdown()
        return [self.results[position] for position in range(n_fits)]

    def _gather(self) -> Iterator[list[_Job]]:
        """Prepare every candidate on every fold; yield jobs once their folds fill the room for them."""
        jobs: list[_Job] = []
        for split in range(len(self.splits)):
            jobs += self._prepare_fold(split)
            rows = {id(job.task.training_set.rows): job.task.training_set.rows.nbytes for job in jobs}
            if sum(rows.values()) >= GATHERED_BYTES:
                yield jobs
                jobs = []
        if jobs:
            yield jobs

    def _prepare_fold(self, split: int) -> list[_Job]:
        train, _ = self.splits[split]
        fit_params = _check_method_params(self.X, params=self.fit_params, indices=train)
        samples = _safe_split(self.base, self.X, self.y, train)
        heads: dict[Any, tuple[Pipeline | None, Any, dict[Any, Any]]] = {}
        jobs = []
        for index, parameters in enumerate(self.candidates):
            if index in self.reasons:
                continue
            began = time.perf_counter()
            try:
                prepared = self._prepare(parameters, samples, fit_params, heads)
            except Exception:  # the fit by itself, later, will fail alike and be recorded as scikit-learn does
                prepared = "it could not be prepared"
            if isinstance(prepared, str):
                self.reasons[index] = prepared
                continue
            estimator, head, task = prepared
            position = index * len(self.splits) + split
            jobs.append(_Job(position, estimator, head, task, time.perf_counter() - began))
        return jobs

    def _prepare(
        self, parameters: dict[str, Any], samples: Any, fit_params: dict[str, Any], heads: dict[Any, Any]
    ) -> tuple[Any, Pipeline | None, Task] | str:
        """Make a candidate's task for a fold, or say why it is to be fitted by itself.

        `heads` keeps, by their settings, the transformers that are fitted on this fold, what they made of its samples,
        and what the classifiers know of those.
        """
        from jaxdigits.core.joint_fitting import reason_to_train_alone

        estimator = clone(self.base).set_params(**clone(parameters, safe=False))
        classifier = classifier_of(estimator)
        if classifier is None:
            return "its last step is no DigitClassifier"
        if type(classifier).fit is not DigitClassifier.fit or classifier.warm_start:
            return "its fit is not that of a fresh DigitClassifier"
        if hasattr(classifier, "_skl_callbacks"):
            return "callbacks follow its epochs"
        own, for_head = _split_fit_params(estimator, fit_params)
        if set(own) - {"sample_weight"}:
            return "it takes more than sample weights"
        key = _settings_of_head(estimator, parameters)
        if key not in heads:
            head = Pipeline(estimator.steps[:-1]) if _has_head(estimator) else None
            X = samples[0] if head is None else head.fit_transform(*samples, **for_head)
            heads[key] = (head, X, {})
        head, X, known = heads[key]
        classifier._validate_params()
        task = classifier._prepare(X, samples[1], own.get("sample_weight"), known=known)
        return reason_to_train_alone(task) or (estimator, head, task)

    def _train(self, jobs: list[_Job]) -> None:
        from jaxdigits.core.ensemble import learn_many

        self._compile_refit(jobs)
        done, began, lock = [0], time.perf_counter(), threading.Lock()
        total = sum(job.classifier.n_members for job in jobs)

        def on_done(count: int) -> None:
            with lock:
                done[0] += count
                if self.search.verbose > 0:
                    print(f"trained {done[0]} of {total} networks, {time.perf_counter() - began:.1f} s", flush=True)

        n_members = [job.classifier.n_members for job in jobs]
        found = learn_many([job.task for job in jobs], n_members, on_done=on_done)
        for job, learned in zip(jobs, found, strict=True):
            job.learned = learned

    def _compile_refit(self, jobs: list[_Job]) -> None:
        """Compile the program that the best candidate will be fitted with, beside the training, if it is known."""
        from jaxdigits.core.joint_fitting import compile_alone

        programs = {job.task.program for job in jobs}
        if self.search.refit and len(programs) == 1 and not self.reasons and not self.compiles:
            self.compiles = True  # if it fails, the fit will fail alike, and say so
            self.compiler.submit(compile_alone, jobs[0].task, _num_samples(self.X))

    def _judge(self, job: _Job) -> dict[str, Any]:
        """Have scikit-learn score a fit that has happened already: its `fit` only takes over what was learned."""
        learned, estimator = job.learned, job.estimator
        assert learned is not None

        def take_over(*_: Any, **__: Any) -> None:
            del estimator.fit
            if job.head is not None:
                estimator.steps[:-1] = job.head.steps
            job.classifier._finish(learned)

        estimator.fit = take_over
        result: dict[str, Any] = _fit_and_score(estimator, **self._arguments(job.position))
        result["fit_time"] = job.seconds + sum(record["seconds"] for record in learned.history)
        job.learned = None
        return result

    def _fit_singly(self, positions: list[int]) -> None:
        parallel = Parallel(n_jobs=self.search.n_jobs, pre_dispatch=self.search.pre_dispatch)
        found = parallel(
            delayed(_fit_and_score)(
                clone(self.base),
                **self._arguments(position) | {"parameters": self.candidates[position // len(self.splits)]},
            )
            for position in positions
        )
        self.results.update(zip(positions, found, strict=True))

    def _arguments(self, position: int) -> dict[str, Any]:
        """Collect what scikit-learn wants to know of a fit."""
        candidate, split = divmod(position, len(self.splits))
        train, test = self.splits[split]
        return {
            "X": self.X,
            "y": self.y,
            "train": train,
            "test": test,
            "parameters": None,
            "fit_params": self.fit_params,
            "split_progress": (split, len(self.splits)),
            "candidate_progress": (candidate, len(self.candidates)),
            **self.judging,
        }


def classifier_of(estimator: Any) -> DigitClassifier | None:
    """Find the classifier: the estimator itself, or the last step of a pipeline, but for pipelines of another kind."""
    last = estimator.steps[-1][1] if type(estimator) is Pipeline and estimator.steps else estimator
    return last if isinstance(last, DigitClassifier) else None


def _has_head(estimator: Any) -> bool:
    return isinstance(estimator, Pipeline) and len(estimator.steps) > 1


def _split_fit_params(estimator: Any, fit_params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part the parameters of `fit` into the classifier's own and those of the steps before it."""
    if not isinstance(estimator, Pipeline):
        return fit_params, {}
    prefix = f"{estimator.steps[-1][0]}__"
    own = {name.removeprefix(prefix): value for name, value in fit_params.items() if name.startswith(prefix)}
    return own, {name: value for name, value in fit_params.items() if not name.startswith(prefix)}


def _settings_of_head(estimator: Any, parameters: dict[str, Any]) -> Any:
    """Tell apart settings of the transformers; values of a grid are the same objects for all candidates."""
    if not isinstance(estimator, Pipeline):
        return ()
    last = estimator.steps[-1][0]
    return tuple(
        (name, id(value))
        for name, value in sorted(parameters.items())
        if name != last and not name.startswith(f"{last}__")
    )
