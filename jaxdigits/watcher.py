"""Between a fit in the core and those who follow it: the progress display and scikit-learn's callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxdigits.progress import TrainingProgress

if TYPE_CHECKING:
    from jaxdigits.core.learner import Learned

__all__ = ["Watcher"]


class Watcher:
    """Hears from the core how a fit goes, and tells the progress display and scikit-learn's callbacks.

    Parameters
    ----------
    clf : DigitClassifier
        Being fitted.
    n_samples : int
        Samples of an epoch.
    fitted_on : (X, y) or None
        What callbacks are shown; None means there are none to tell.
    """

    def __init__(self, clf: Any, n_samples: int, fitted_on: tuple[Any, Any] | None) -> None:
        self.clf = clf
        self.n_samples = n_samples
        self.fitted_on = fitted_on
        self.progress = TrainingProgress(clf.verbose)
        self.context: Any = None

    @property
    def listens(self) -> bool:
        """Whether there is anyone to tell; a fit that nobody follows need not stop after every epoch."""
        return bool(self.clf.verbose) or self._has_callbacks

    @property
    def _has_callbacks(self) -> bool:
        return self.fitted_on is not None and hasattr(self.clf, "_skl_callbacks")

    def on_start(self, max_epochs: int) -> None:
        """Begin."""
        self.progress.start(max_epochs, self.n_samples, max_seconds=self.clf.max_seconds)
        if self.fitted_on is not None and self._has_callbacks:
            self.context = self.clf._init_callback_context(max_subtasks=max_epochs)
            self.context.call_on_fit_task_begin(estimator=self.clf, X=self.fitted_on[0], y=self.fitted_on[1])

    def on_steps(self, samples_done: int) -> None:
        """Hear of samples of the epoch under way."""
        self.progress.advance(samples_done)

    def on_epoch(self, record: dict[str, Any], snapshot: Any) -> bool:
        """Hear of a finished epoch; tell whether a callback asks to stop."""
        self.progress.end_epoch(record)
        if self.context is None or self.fitted_on is None:
            return False
        X, y = self.fitted_on
        task = self.context.subcontext(task_name="epoch")
        task.call_on_fit_task_begin(estimator=self.clf, X=X, y=y)
        stop = task.call_on_fit_task_end(
            estimator=self.clf, X=X, y=y, reconstruction_attributes=self._attributes(snapshot())
        )
        return bool(stop)

    def close(self) -> None:
        """Tell the callbacks that the fit is over."""
        if self.context is not None and self.fitted_on is not None:
            X, y = self.fitted_on
            self.context.call_on_fit_task_end(estimator=self.clf, X=X, y=y)

    def _attributes(self, learned: Learned) -> dict[str, Any]:
        """Return what a copy of the estimator needs to predict as of now."""
        now = type(self.clf)()
        now._take(learned)
        kept = {"classes_": self.clf.classes_, "n_features_in_": self.clf.n_features_in_}
        return {**kept, **{name: value for name, value in vars(now).items() if name.endswith("_")}}
