"""What `Trials` decides before anything trains; `test_search.py` compares what comes out with GridSearchCV."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import Bunch

from jaxdigits import DigitClassifier, VectorizedSearchCV, load_digits, trials
from jaxdigits.trials import Trials, classifier_of


class OwnFit(DigitClassifier):
    """A classifier with a fit of its own."""

    def fit(self, X, y, sample_weight=None, **options):
        """Fit as its parent does."""
        return super().fit(X, y, sample_weight, **options)


class OwnPipeline(Pipeline):
    """A pipeline that might do anything."""


def small(**options):
    return DigitClassifier("linear", **{"batch_size": 32, "max_epochs": 1, "random_state": 0, **options})


def make_trials(estimator, candidates, *, refit=False, **fit_params):
    X, y = load_digits(return_X_y=True)
    rows = np.arange(120)
    routed = Bunch(estimator=Bunch(fit=fit_params), scorer=Bunch(score={}))
    search = VectorizedSearchCV(estimator, {}, refit=refit, error_score="raise")
    splits = [(rows[:80], rows[80:]), (rows[40:], rows[:40]), (rows[:100], rows[100:])]
    scorer = get_scorer("accuracy")
    return Trials(search, X[rows], y[rows], routed=routed, scorers=scorer, splits=splits, candidates=candidates)


def test_the_classifier_is_the_last_step_of_a_plain_pipeline():
    clf = small()
    assert classifier_of(clf) is clf
    assert classifier_of(make_pipeline(PCA(2), clf)) is clf
    assert classifier_of(make_pipeline(clf, LogisticRegression())) is None
    assert classifier_of(OwnPipeline([("clf", clf)])) is None


@pytest.mark.parametrize(
    ("estimator", "parameters", "words"),
    [
        (OwnFit("linear", max_epochs=1), {}, "its fit is not that"),
        (small(warm_start=True), {}, "its fit is not that"),
        (make_pipeline("passthrough", small()), {"digitclassifier": LogisticRegression()}, "no DigitClassifier"),
        (small(max_seconds=9.0), {}, "max_seconds"),
    ],
)
def test_who_is_fitted_singly_is_told_why(estimator, parameters, words):
    tried = make_trials(estimator, [parameters])
    assert len(tried.run()) == 3
    assert words in tried.reasons[0]


def test_results_come_candidate_by_candidate_whoever_was_first():
    tried = make_trials(small(), [{"max_seconds": 9.0}, {"learning_rate": 0.1}, {"random_state": 1}])
    out = tried.run()
    assert [result["n_test_samples"] for result in out] == [40, 40, 20] * 3
    assert list(tried.reasons) == [0]
    assert all(result["fit_time"] > 0 for result in out)


def test_folds_that_fill_the_room_train_before_the_next_ones_come(monkeypatch):
    monkeypatch.setattr(trials, "GATHERED_BYTES", 1)
    tried = make_trials(small(), [{"learning_rate": 0.1}, {"learning_rate": 0.2}])
    assert [len(jobs) for jobs in tried._gather()] == [2, 2, 2]


def test_the_same_samples_are_merged_once_a_fold():
    tried = make_trials(small(), [{"class_weight": None}, {"class_weight": "balanced"}])
    (jobs,) = tried._gather()
    tables = [id(job.task.training_set.rows) for job in jobs]
    assert tables[0::2] == tables[1::2]
    assert len(set(tables)) == 3


def test_no_candidates_are_no_search():
    with pytest.raises(ValueError, match="No fits were performed"):
        make_trials(small(), []).run()
