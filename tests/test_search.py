"""VectorizedSearchCV against GridSearchCV, its measure in everything."""

import pickle

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jaxdigits import DigitClassifier, VectorizedSearchCV, load_digits

TIMES = {"mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time"}
GRID = {"learning_rate": [1e-4, 1e-2], "weight_decay": [0.0, 0.1]}


@pytest.fixture(scope="module")
def samples():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))[:203]
    return X[order], np.array(["zero", "one", "two", *"3456789"], dtype=object)[y[order]]


def make_classifier(**options):
    return DigitClassifier(
        "mlp", **{"hidden_sizes": (8,), "batch_size": 32, "max_epochs": 1, "random_state": 0, **options}
    )


def assert_same_results(search, reference, tolerance=0.0):
    assert set(search.cv_results_) == set(reference.cv_results_)
    assert search.cv_results_["params"] == reference.cv_results_["params"]
    for name in set(reference.cv_results_) - TIMES - {"params"}:
        if name.startswith("param_"):
            assert list(search.cv_results_[name]) == list(reference.cv_results_[name])
        elif not name.startswith("rank_") or not tolerance:
            np.testing.assert_allclose(search.cv_results_[name], reference.cv_results_[name], rtol=0, atol=tolerance)


@pytest.fixture(scope="module")
def both(samples):
    options = {"cv": 3, "return_train_score": True}
    return [kind(make_classifier(), GRID, **options).fit(*samples) for kind in (VectorizedSearchCV, GridSearchCV)]


def test_results_are_those_of_a_grid_search(both, samples):
    search, reference = both
    assert_same_results(search, reference, tolerance=0.015)  # one sample of a fold
    assert search.single_fits_ == {}
    assert search.best_params_ == reference.best_params_
    assert search.best_score_ == pytest.approx(reference.best_score_, abs=0.015)
    assert search.n_splits_ == 3
    assert search.classes_.tolist() == reference.classes_.tolist()
    np.testing.assert_array_equal(search.predict(samples[0]), reference.predict(samples[0]))
    assert search.score(*samples) == reference.score(*samples)


def test_the_best_estimator_is_a_fit_like_any_other(both, samples):
    search, _ = both
    alone = clone(make_classifier()).set_params(**search.best_params_).fit(*samples)
    assert search.best_estimator_.n_epochs_ == alone.n_epochs_ == 1
    for name, array in alone.params_.items():
        np.testing.assert_array_equal(search.best_estimator_.params_[name], array)


def test_without_vectors_the_bits_are_those_of_a_grid_search(both, samples):
    search = VectorizedSearchCV(make_classifier(), GRID, cv=3, return_train_score=True, vectorize=False).fit(*samples)
    assert_same_results(search, both[1])
    assert search.single_fits_ == dict.fromkeys(range(4), "vectorize=False")


def test_parameters_agree_after_an_epoch(samples):
    """A scorer sees every network; those of the search and of single fits are compared weight by weight."""
    seen = {True: [], False: []}
    for vectorize, networks in seen.items():

        def keep(estimator, X, y, networks=networks):
            networks.append(estimator.params_)
            return estimator.score(X, y)

        VectorizedSearchCV(make_classifier(), GRID, cv=2, scoring=keep, refit=False, vectorize=vectorize).fit(*samples)
    assert len(seen[True]) == len(seen[False]) == 8
    for one, other in zip(*seen.values(), strict=True):
        for name, array in one.items():
            np.testing.assert_allclose(array, other[name], rtol=0, atol=1e-5)


def test_a_pipeline_fits_its_transformers_once_a_fold_and_setting(samples):
    fits = []

    class CountingPCA(PCA):
        def fit_transform(self, X, y=None):
            fits.append(self.n_components)
            return super().fit_transform(X, y)

    steps = make_pipeline(StandardScaler(), CountingPCA(random_state=0), make_classifier(max_epochs=2))
    grid = {"countingpca__n_components": [5, 9], "digitclassifier__learning_rate": [1e-3, 1e-2, 3e-2]}
    search = VectorizedSearchCV(steps, grid, cv=2).fit(*samples)
    assert sorted(fits[:-1]) == [5, 5, 9, 9]
    assert search.single_fits_ == {}
    reference = GridSearchCV(steps, grid, cv=2).fit(*samples)
    assert_same_results(search, reference, tolerance=0.02)
    assert search.score(*samples) == reference.score(*samples)


def test_sample_weights_and_several_metrics(samples):
    X, y = samples
    weights = np.arange(len(y)) % 3.0
    options = {"cv": 2, "scoring": ["accuracy", "neg_log_loss"], "refit": "neg_log_loss"}
    search = VectorizedSearchCV(make_classifier(), GRID, **options).fit(X, y, sample_weight=weights)
    reference = GridSearchCV(make_classifier(), GRID, **options).fit(X, y, sample_weight=weights)
    assert_same_results(search, reference, tolerance=0.02)
    assert search.multimetric_
    assert search.best_params_ == reference.best_params_
    assert set(search.scorer_) == {"accuracy", "neg_log_loss"}


def test_refit_by_a_callable_and_not_at_all(samples):
    search = VectorizedSearchCV(make_classifier(), GRID, cv=2, refit=lambda _: 3).fit(*samples)
    assert search.best_index_ == 3
    assert not hasattr(search, "best_score_")
    search = VectorizedSearchCV(make_classifier(), GRID, cv=2, refit=False).fit(*samples)
    assert search.best_params_ in search.cv_results_["params"]
    assert not hasattr(search, "best_estimator_")


def test_draws_from_distributions_are_those_of_a_randomized_search(samples):
    space = {"learning_rate": loguniform(1e-4, 1e-1), "label_smoothing": [0.0, 0.1]}
    search = VectorizedSearchCV(make_classifier(), space, n_iter=3, random_state=7, cv=2).fit(*samples)
    reference = RandomizedSearchCV(make_classifier(), space, n_iter=3, random_state=7, cv=2).fit(*samples)
    assert_same_results(search, reference, tolerance=0.02)


def test_groups_of_candidates_and_single_fits_mix(samples):
    grid = [
        {"hidden_sizes": [(8,), (5,)], "learning_rate": [1e-3, 1e-2]},
        {"max_seconds": [60.0], "max_epochs": [1]},
        {"class_weight": ["balanced", None], "max_epochs": [2]},
    ]
    search = VectorizedSearchCV(make_classifier(), grid, cv=2).fit(*samples)
    assert search.single_fits_ == {4: "max_seconds gives each fit a time of its own"}
    assert_same_results(search, GridSearchCV(make_classifier(), grid, cv=2).fit(*samples), tolerance=0.02)


def test_early_stopping_trains_as_long_as_single_fits(samples):
    epochs = {True: [], False: []}
    classifier = make_classifier(early_stopping=True, max_epochs=6, patience=1, validation_fraction=0.2)
    for vectorize, counts in epochs.items():

        def count(estimator, X, y, counts=counts):
            counts.append((estimator.n_epochs_, estimator.best_epoch_))
            return estimator.score(X, y)

        grid = {"learning_rate": [1e-5, 3e-2]}
        VectorizedSearchCV(classifier, grid, cv=2, scoring=count, refit=False, vectorize=vectorize).fit(*samples)
    assert epochs[True] == epochs[False]


def test_a_fit_that_fails_gets_the_error_score(samples):
    grid = {"learning_rate": [-1.0, 1e-2, 3e38], "optimizer": ["sgd"]}
    with pytest.warns(match="4 fits failed out of a total of 6"):
        search = VectorizedSearchCV(make_classifier(), grid, cv=2, error_score=-1.0).fit(*samples)
    assert search.cv_results_["mean_test_score"][[0, 2]].tolist() == [-1.0, -1.0]
    assert search.best_index_ == 1
    assert search.single_fits_ == {0: "it could not be prepared"}
    grid["learning_rate"].pop()
    with pytest.raises(ValueError, match="learning_rate"):
        VectorizedSearchCV(make_classifier(), grid, cv=2, error_score="raise").fit(*samples)


def test_progress_is_shown(samples, capsys):
    VectorizedSearchCV(make_classifier(), GRID, cv=2, verbose=1, refit=False).fit(*samples)
    shown = capsys.readouterr().out
    assert "Fitting 2 folds for each of 4 candidates, totalling 8 fits" in shown
    assert "trained 8 of 8 networks" in shown


def test_pictures_ensembles_and_shuffled_splits(samples):
    X, y = samples
    splits = StratifiedKFold(2, shuffle=True, random_state=0)
    grid = {"n_members": [1, 2], "learning_rate": [1e-2]}
    search = VectorizedSearchCV(make_classifier(), grid, cv=splits).fit(X.reshape(-1, 8, 8), y)
    reference = GridSearchCV(make_classifier(), grid, cv=splits).fit(X.reshape(-1, 8, 8), y)
    assert_same_results(search, reference, tolerance=0.02)
    assert search.single_fits_ == {}


def test_any_other_estimator_is_searched_as_a_grid_search_would(samples):
    grid = {"C": [1e-4, 1.0]}
    search = VectorizedSearchCV(LogisticRegression(max_iter=500), grid, cv=2).fit(*samples)
    assert_same_results(search, GridSearchCV(LogisticRegression(max_iter=500), grid, cv=2).fit(*samples))
    assert "neither a DigitClassifier" in search.single_fits_[0]


def test_a_search_is_an_estimator(both, samples):
    search, _ = both
    assert clone(search).get_params()["param_grid"] == GRID
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(search)).predict(samples[0]), search.predict(samples[0]))
    scores = cross_val_score(clone(search).set_params(cv=2, scoring=make_scorer(accuracy_score)), *samples, cv=2)
    assert scores.shape == (2,)
