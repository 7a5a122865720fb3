"""`VectorizedSearchCV`: GridSearchCV's interface, with candidates and folds trained together in vmapped programs.

scikit-learn's machinery does what it always does: scorers, routing, splits, the table of results, the choice of the
best. What differs is the order in which the fits are made, and that is `trials.Trials`.
"""

from __future__ import annotations

import time
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.model_selection import ParameterGrid, ParameterSampler, check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import _insert_error_scores, _warn_or_raise_about_fit_failures
from sklearn.pipeline import Pipeline
from sklearn.utils import assert_all_finite, indexable
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_method_params

from jaxdigits.trials import Trials, classifier_of

__all__ = ["VectorizedSearchCV"]


class VectorizedSearchCV(BaseSearchCV):  # type: ignore[misc]
    """Search over parameters of a `DigitClassifier`, or of a pipeline that ends in one, many candidates at a time.

    Takes what GridSearchCV takes and leaves what it leaves behind, with the same splits, seeds and batch orders: scores
    differ by the rounding of float32 sums, as between two machines. Candidates whose learning rate, regularization,
    seed, weights of classes or length differ share one compiled program; so do folds. What changes the network, the
    optimizer, the schedule, the batch size or the augmentation begins another program.

    Parameters
    ----------
    estimator : DigitClassifier or Pipeline
        Whatever else is given is searched as GridSearchCV would.
    param_grid : dict or list of dicts
        Parameter name to the values to try; with `n_iter` also to distributions with a method ``rvs``.
    n_iter : int or None, default=None
        Number of candidates to draw, as RandomizedSearchCV does. None tries the whole grid.
    scoring : str, callable, list, tuple, dict or None, default=None
        As in GridSearchCV: one metric or several. None is the accuracy.
    n_jobs : int or None, default=None
        Processes for the fits that are made one at a time; those made together use all visible cores of this process.
    refit : bool, str or callable, default=True
        Fit the best candidate on all samples. A name chooses the metric, a callable the index in `cv_results_`.
    cv : int, splitter, iterable or None, default=None
        How to split; None is five stratified folds.
    verbose : int, default=0
        1 shows progress, more tells of each fit.
    pre_dispatch : int or str, default="2*n_jobs"
        As in GridSearchCV, for fits that are made one at a time.
    random_state : int, RandomState or None, default=None
        Of the draws of `n_iter`.
    error_score : "raise" or float, default=nan
        Score of a fit that failed.
    return_train_score : bool, default=False
        Also score on the training samples.
    vectorize : bool, default=True
        False gives GridSearchCV's results, bit for bit.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        As in GridSearchCV. The fit time of candidates that trained together is their share of the time it took.
    best_estimator_, best_score_, best_params_, best_index_, scorer_, n_splits_, refit_time_, multimetric_, classes_
        As in GridSearchCV.
    single_fits_ : dict of int to str
        Index of each candidate that was fitted one at a time, and why.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : One fit at a time.
    DigitClassifier : What is searched; `n_members` trains an ensemble.

    Examples
    --------
    >>> from jaxdigits import DigitClassifier, VectorizedSearchCV, load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> grid = {"learning_rate": [1e-4, 3e-3], "weight_decay": [0.0, 0.01]}
    >>> clf = DigitClassifier(model="mlp", hidden_sizes=(32,), max_epochs=2, random_state=0)
    >>> search = VectorizedSearchCV(clf, grid, cv=3).fit(X, y)
    >>> search.best_params_["learning_rate"], search.single_fits_
    (0.003, {})
    """

    cv_results_: dict[str, Any]

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012 - scikit-learn's protocol
        **BaseSearchCV._parameter_constraints,
        "param_grid": [dict, list],
        "n_iter": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
        "vectorize": ["boolean"],
    }

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        n_iter: int | None = None,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        vectorize: bool = True,
    ) -> None:
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_grid = param_grid
        self.n_iter = n_iter
        self.random_state = random_state
        self.vectorize = vectorize

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Try every candidate on every fold, and fit the best on all samples.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features), (n, h, w) or (n, h, w, 1)
            Samples.
        y : array-like of shape (n,)
            Labels of any kind.
        **params : dict of str to object
            Passed on to `fit`, the scorers and the splitter; what has as many entries as X, such as `sample_weight`,
            is split with it.

        Returns
        -------
        self : VectorizedSearchCV
        """
        reason = self._reason_against_vectors()
        if reason is not None:
            super().fit(X, y, **params)
            self.single_fits_ = dict.fromkeys(range(len(self.cv_results_["params"])), reason)
            return self
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        assert_all_finite(y, input_name="y")  # a splitter would cast it, with a warning
        routed = self._get_routed_params_for_fit(_check_method_params(X, params=params))
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(splitter.split(X, y, **routed.splitter.split))
        self.n_splits_ = len(splits)
        candidates = list(self._candidates())
        trials = Trials(self, X, y, routed=routed, scorers=scorers, splits=splits, candidates=candidates)
        out = trials.run()
        self.single_fits_ = trials.reasons
        _warn_or_raise_about_fit_failures(out, self.error_score)
        if callable(self.scoring):
            _insert_error_scores(out, self.error_score)
        self.cv_results_ = self._format_results(candidates, self.n_splits_, out, {})
        self._choose(out[0]["test_scores"], refit_metric)
        if self.refit:
            self._refit(X, y, routed.estimator.fit)
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        return self

    def _run_search(self, evaluate_candidates: Any, *, callback_ctx: Any = None) -> None:
        """Try the candidates as scikit-learn would: called by its `fit` where nothing is to be vectorized."""
        candidates = self._candidates()
        if callback_ctx is None:  # scikit-learn before 1.9
            evaluate_candidates(candidates)
            return
        n_fits = len(candidates) * self.n_splits_
        context = callback_ctx.subcontext(task_name="search", max_subtasks=n_fits, sequential_subtasks=False)
        context.call_on_fit_task_begin(estimator=self)
        evaluate_candidates(candidates, callback_ctx=context)
        context.call_on_fit_task_end(estimator=self)

    def _candidates(self) -> Any:
        if self.n_iter is None:
            return ParameterGrid(self.param_grid)
        return ParameterSampler(self.param_grid, self.n_iter, random_state=self.random_state)

    def _reason_against_vectors(self) -> str | None:
        if not self.vectorize:
            return "vectorize=False"
        if classifier_of(self.estimator) is None:
            return "the estimator is neither a DigitClassifier nor a pipeline that ends in one"
        if hasattr(self, "_skl_callbacks"):
            return "callbacks follow each fit"
        if isinstance(self.estimator, Pipeline) and get_config()["enable_metadata_routing"]:
            return "metadata routing through a pipeline"
        return None

    def _choose(self, first_scores: Any, refit_metric: str) -> None:
        """Set what is known of the best candidate, as GridSearchCV does."""
        self.multimetric_ = isinstance(first_scores, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(first_scores)
            refit_metric = self.refit
        if not self.refit and self.multimetric_:
            return
        self.best_index_ = self._select_best_index(self.refit, refit_metric, self.cv_results_)
        if not callable(self.refit):
            self.best_score_ = self.cv_results_[f"mean_test_{refit_metric}"][self.best_index_]
        self.best_params_ = self.cv_results_["params"][self.best_index_]

    def _refit(self, X: Any, y: Any, fit_params: dict[str, Any]) -> None:
        began = time.time()
        self.best_estimator_ = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        self.best_estimator_.fit(X, y, **fit_params)
        self.refit_time_ = time.time() - began
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_
