"""`DigitClassifier`: what scikit-learn's own checks don't see."""

import functools
import pickle
import subprocess
import sys

import jax
import jax.numpy as jnp
import joblib
import numpy as np
import optax
import pandas as pd
import pytest
import sklearn
from flax import nnx
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from jaxdigits import DigitClassifier, lite, load_digits, load_model
from jaxdigits.core.augmentation import rotation
from jaxdigits.core.models import MODELS
from jaxdigits.core.training import compile_count
from jaxdigits.errors import DivergenceError, InputError
from jaxdigits.progress import TrainingProgress

DIGITS = load_digits()
X, y = DIGITS.data[:400], DIGITS.target[:400]
X_test, y_test = DIGITS.data[1400:1600], DIGITS.target[1400:1600]
WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])

RECORD = {
    *("epoch", "loss", "accuracy", "validation_loss", "validation_accuracy"),
    *("learning_rate", "seconds", "samples_per_second"),
}

# JAX warns of any fork once it has run; joblib's workers run a program of their own right after it.
joblib_forks = pytest.mark.filterwarnings(r"ignore:os\.fork\(\) was called:RuntimeWarning")


def small(**changes):
    """Make a network that trains in a moment; all that leave its shape alone share one program."""
    settings = {"model": "mlp", "hidden_sizes": (32,), "learning_rate": 0.02, "max_epochs": 5, "random_state": 0}
    return DigitClassifier(**settings | changes)


def tiny(model, **changes):
    """Make a network of any kind that trains in a moment."""
    settings = {
        "mlp": {"hidden_sizes": (8,)},
        "cnn": {"channels": (2,), "hidden_sizes": (8,)},
        "strided_cnn": {"channels": (2, 4), "hidden_sizes": (8,)},
        "resnet": {"channels": (2, 4)},
    }
    return DigitClassifier(model, max_epochs=1, random_state=0, **settings.get(model, {}) | changes)


@pytest.fixture(scope="module")
def fitted():
    """One network that tests only read."""
    return small().fit(X, y)


def as_images(rows):
    return rows.reshape(-1, 8, 8)


def fitted_attributes(clf):
    return {name: value for name, value in vars(clf).items() if name.endswith("_")}


def assert_same_params(first, second):
    assert first.params_.keys() == second.params_.keys()
    for name, array in first.params_.items():
        np.testing.assert_array_equal(array, second.params_[name], err_msg=name)


# ---- inside scikit-learn ----


def test_without_arguments_it_reads_digits():
    clf = DigitClassifier(max_epochs=30, random_state=0).fit(X, y)
    assert clf.recipe_["model"] == "cnn"
    assert clf.score(X_test, y_test) > 0.9


@pytest.mark.parametrize("before", [StandardScaler(), PCA(64)], ids=str)
def test_behind_a_transformer_rows_are_no_pictures(before):
    pipeline = make_pipeline(before, DigitClassifier(max_epochs=20, random_state=0)).fit(X, y)
    assert pipeline[-1].recipe_["model"] == "mlp"
    assert pipeline[-1].image_shape_ is None
    assert pipeline.score(X_test, y_test) > 0.7


def test_cross_validation():
    assert cross_val_score(small(), X, y, cv=3).min() > 0.7
    probabilities = cross_val_predict(small(), X, y, cv=3, method="predict_proba")
    assert probabilities.shape == (400, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert (probabilities.argmax(axis=1) == y).mean() > 0.8


def make_grid_search(**changes):
    grid = {"learning_rate": np.array([1e-5, 4e-3]), "weight_decay": [0.0, 0.1]}
    scoring = ["accuracy", "neg_log_loss"]
    return GridSearchCV(small(), grid, cv=2, scoring=scoring, refit="accuracy", error_score="raise", **changes)


@pytest.fixture(scope="module")
def grid_search():
    return make_grid_search().fit(X, WORDS[y])


def test_grid_search_over_string_labels_with_two_metrics(grid_search):
    assert grid_search.best_params_["learning_rate"] == 4e-3
    assert set(grid_search.predict(X_test)) <= set(WORDS)
    assert grid_search.score(X_test, WORDS[y_test]) > 0.4  # trained for five epochs at a small rate
    assert np.isfinite(grid_search.cv_results_["mean_test_neg_log_loss"]).all()


@joblib_forks
def test_grid_search_in_two_processes_finds_the_same(grid_search):
    parallel = make_grid_search(n_jobs=2).fit(X, WORDS[y])
    for metric in ("accuracy", "neg_log_loss"):
        name = f"mean_test_{metric}"
        np.testing.assert_allclose(parallel.cv_results_[name], grid_search.cv_results_[name], rtol=1e-5)


def test_halving_search_spends_epochs():
    search = HalvingGridSearchCV(
        small(),
        {"learning_rate": [1e-6, 1e-5, 4e-3, 1e-2]},
        resource="max_epochs",
        min_resources=1,
        max_resources=4,
        factor=2,
        cv=2,
        error_score="raise",
        random_state=0,
    ).fit(X, y)
    assert search.n_resources_ == [1, 2, 4]
    assert search.best_params_["learning_rate"] >= 4e-3
    assert search.best_estimator_.n_epochs_ == search.best_params_["max_epochs"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: VotingClassifier([("a", small()), ("b", small(random_state=1))], voting="soft"),
        lambda: StackingClassifier([("a", small())], LogisticRegression(max_iter=1000), cv=2),
        lambda: BaggingClassifier(small(), n_estimators=2, random_state=0),
        lambda: AdaBoostClassifier(small(), n_estimators=2, random_state=0),
        lambda: CalibratedClassifierCV(small(), cv=2),
    ],
    ids=["voting", "stacking", "bagging", "boosting", "calibration"],
)
def test_ensembles_and_calibration(make):
    clf = make().fit(X, y)
    assert clf.score(X_test, y_test) > 0.7
    np.testing.assert_allclose(clf.predict_proba(X_test).sum(axis=1), 1.0)


def test_permutation_importance_finds_the_empty_corner(fitted):
    found = permutation_importance(fitted, X_test[:60], y_test[:60], n_repeats=2, random_state=0)
    assert found.importances_mean[0] == 0.0
    assert found.importances_mean.max() > 0.02


@pytest.mark.parametrize("wrap", [make_pipeline, lambda clf: clf], ids=["in a pipeline", "alone"])
def test_sample_weights_are_routed(wrap):
    with sklearn.config_context(enable_metadata_routing=True):
        clf = small(max_epochs=1).set_fit_request(sample_weight=True)
        wrapped = wrap(clf)
        grid = {"digitclassifier__momentum" if wrapped is not clf else "momentum": [0.9]}
        scoring = get_scorer("accuracy").set_score_request(sample_weight=False)
        search = GridSearchCV(wrapped, grid, cv=2, scoring=scoring, error_score="raise")
        search.fit(X, y, sample_weight=(y != 9) * 1.0)
    assert search.best_estimator_.classes_.tolist() == list(range(9))


# ---- layouts and units of X ----

LAYOUTS = {
    "flat": lambda rows: rows,
    "3-D": as_images,
    "4-D": lambda rows: rows.reshape(-1, 8, 8, 1),
    "list of pictures": lambda rows: list(as_images(rows)),
    "nested lists": lambda rows: as_images(rows).tolist(),
    "float32": lambda rows: rows.astype(np.float32),
    "uint8": lambda rows: rows.astype(np.uint8),
    "int pictures": lambda rows: as_images(rows.astype(int)),
    "Fortran order": np.asfortranarray,
    "CSR": sparse.csr_matrix,
    "COO array": sparse.coo_array,
}


@pytest.mark.parametrize("predicted", LAYOUTS)
def test_any_layout_predicts_after_flat_rows(fitted, predicted):
    expected = fitted.predict_proba(X_test)
    np.testing.assert_allclose(fitted.predict_proba(LAYOUTS[predicted](X_test)), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout_trains_a_network_for_all_layouts(fitted, layout):
    clf = small().fit(LAYOUTS[layout](X), y)
    assert clf.image_shape_ == (8, 8)
    assert clf.pixel_range_ == (0, 16)
    assert clf.n_features_in_ == 64
    if layout == "uint8":  # the order of rows follows from their bytes, which are others
        assert clf.score(X_test, y_test) > 0.7
    else:
        assert_same_params(clf, fitted)
    np.testing.assert_array_equal(clf.predict_proba(as_images(X_test)), clf.predict_proba(X_test))


def test_data_frames_lend_their_names():
    names = [f"pixel {i}" for i in range(64)]
    frame, labels = pd.DataFrame(X, columns=names), pd.Series(WORDS[y])
    clf = small().fit(frame, labels)
    assert clf.feature_names_in_.tolist() == names
    assert clf.score(pd.DataFrame(X_test, columns=names), WORDS[y_test]) > 0.8
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame[names[::-1]])


def test_pictures_need_not_be_square():
    clf = small().fit(X.reshape(-1, 4, 16), y)
    assert clf.image_shape_ == (4, 16)
    assert clf.score(X_test.reshape(-1, 4, 16), y_test) > 0.8
    with pytest.raises(InputError, match=r"\(4, 16\) as in fit, got \(8, 8\)"):
        clf.predict(as_images(X_test))


def test_another_range_of_pixels_warns_in_one_line():
    clf = small(max_epochs=1).fit((X * 15.9375).astype(np.uint8), y)
    assert clf.pixel_range_ == (0, 255)
    with pytest.warns(UserWarning, match="X lies in 0 to 1, but .* from 0 to 255") as caught:
        clf.predict(X_test / 16)
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)


def test_a_row_is_read_the_same_alone_and_among_others(fitted):
    together = fitted.predict_proba(X_test)
    alone = np.concatenate([fitted.predict_proba(X_test[i : i + 1]) for i in range(40)])
    np.testing.assert_array_equal(alone, together[:40])


def test_training_data_is_neither_changed_nor_kept():
    rows, labels, weights = X.copy(), y.copy(), np.ones(400)
    clf = small().fit(rows, labels, weights)
    np.testing.assert_array_equal(rows, X)
    np.testing.assert_array_equal(weights, 1.0)
    before = clf.predict_proba(X_test)
    rows[:], labels[:] = 0, 0
    np.testing.assert_array_equal(clf.predict_proba(X_test), before)
    before += 1.0  # what comes out is the caller's own


# ---- which network ----

IMAGE_ROWS = np.random.default_rng(0).integers(0, 16, (60, 64)).astype(float)
TABLE_ROWS = np.random.default_rng(0).normal(size=(60, 64))


@pytest.mark.parametrize(
    ("rows", "model", "image_shape"),
    [
        (as_images(IMAGE_ROWS), "cnn", (8, 8)),
        (as_images(TABLE_ROWS), "cnn", (8, 8)),
        (IMAGE_ROWS, "cnn", (8, 8)),
        (IMAGE_ROWS / 16, "cnn", (8, 8)),
        (IMAGE_ROWS.astype(np.uint8), "cnn", (8, 8)),
        (IMAGE_ROWS + 0.5, "mlp", None),
        (TABLE_ROWS, "mlp", None),
        (IMAGE_ROWS[:, :49], "mlp", None),
        (IMAGE_ROWS[:, :63], "mlp", None),
    ],
    ids=["3-D", "negative 3-D", "ints", "units", "uint8", "fractions", "normal", "7x7", "63 wide"],
)
def test_auto_takes_pictures_for_what_they_are(rows, model, image_shape):
    clf = DigitClassifier(hidden_sizes=(8,), max_epochs=1, random_state=0).fit(rows, np.arange(60) % 3)
    assert clf.recipe_["model"] == model
    assert clf.image_shape_ == image_shape
    assert ("Conv" in {layer["kind"] for layer in clf.spec_["layers"]}) == (model == "cnn")
    clf.predict(rows)


def test_the_user_decides_by_hand_what_rows_are():
    labels = np.arange(60) % 3
    auto = DigitClassifier(hidden_sizes=(8,), max_epochs=1, random_state=0)
    assert clone(auto).set_params(image_shape=None).fit(IMAGE_ROWS, labels).recipe_["model"] == "mlp"
    by_hand = clone(auto).set_params(image_shape=(16, 4)).fit(IMAGE_ROWS, labels)
    assert by_hand.recipe_["model"] == "cnn"
    assert by_hand.spec_["input_shape"] == [16, 4]


@pytest.mark.parametrize(("n_features", "side"), [(3, 8), (64, 8), (65, 9), (100, 10)])
def test_a_convolutional_network_lays_rows_on_a_canvas(n_features, side, tmp_path):
    rows = np.random.default_rng(0).normal(size=(60, n_features))
    clf = tiny("cnn").fit(rows, rows[:, 0] > 0)
    assert clf.recipe_["model"] == "cnn"
    assert clf.spec_["input_shape"] == [side, side]
    assert clf.spec_["layers"][0]["kind"] == "Conv"
    clf.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.image_shape_ == clf.image_shape_ == (side, side)
    np.testing.assert_array_equal(loaded.predict_proba(rows), clf.predict_proba(rows))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": "mlp", "channels": (8,)}, "channels"),
        ({"model": "linear", "hidden_sizes": (8,), "activation": "tanh"}, "hidden_sizes, activation"),
    ],
)
def test_a_parameter_that_means_nothing_warns(settings, words):
    with pytest.warns(UserWarning, match=rf"^{words} means nothing for model='{settings['model']}'"):
        DigitClassifier(max_epochs=1, **settings).fit(X, y)


def test_a_missing_device_is_said_in_one_line():
    if any(device.platform == "gpu" for device in jax.devices()):
        pytest.skip("there is a GPU here")
    with pytest.raises(InputError, match=r"device must be one that JAX sees here \(cpu\), got 'gpu'") as caught:
        small(device="gpu").fit(X, y)
    assert "\n" not in str(caught.value)
    assert small(device="cpu", max_epochs=1).fit(X, y).device_ == "cpu"


# ---- a user's own network and optimizer ----


class OwnNetwork(nnx.Module):
    """Keeps what a module may keep beside its weights: running statistics and random state."""

    def __init__(self, n_inputs, n_classes, rngs):
        self.first = nnx.Linear(n_inputs, 32, rngs=rngs)
        self.norm = nnx.BatchNorm(32, rngs=rngs)
        self.dropout = nnx.Dropout(0.2, rngs=rngs)
        self.last = nnx.Linear(32, n_classes, rngs=rngs)

    def __call__(self, images):
        x = self.first(images.reshape(len(images), -1))
        return self.last(self.dropout(nnx.relu(self.norm(x))))


def make_own_network(image_shape, n_classes, rngs):
    return OwnNetwork(int(np.prod(image_shape)), n_classes, rngs)


def make_pictures_network(_image_shape, n_classes, rngs):
    return nnx.Linear(1, n_classes, rngs=rngs)


def make_no_network(image_shape, n_classes, rngs):
    return (image_shape, n_classes, rngs)


def make_momentum():
    return optax.sgd(0.1, momentum=0.9)


def brighten(_key, images):
    return jnp.clip(1.2 * images, 0.0, 1.0)


def spoil_other_ranges(_key, images):
    """Make the fit diverge unless paper is 0 and the brightest ink of a micro-batch 1, or nearly so."""
    return jnp.where((images.min() == 0) & (images.max() > 0.99) & (images.max() < 1.001), images, jnp.nan)


def lose_rows(_key, images):
    return images[:1]


def make_sgd_that_explodes():
    return optax.sgd(lambda step: jnp.where(step < 30, 0.01, 1e30))


def test_a_users_own_network(tmp_path):
    clf = DigitClassifier(make_own_network, max_epochs=20, random_state=0).fit(as_images(X), y)
    assert clf.spec_ is None
    assert clf.score(X_test, y_test) > 0.7
    assert len(clf.extras_) >= 2
    again = DigitClassifier(make_own_network, max_epochs=20, random_state=0).fit(X, y)
    assert_same_params(clf, again)
    copy = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(copy.predict_proba(X_test), clf.predict_proba(X_test))
    assert "make_own_network" in clf.summary()
    with pytest.raises(InputError, match=r"save must be given a built-in model, got model=.*make_own_network.*Pickle"):
        clf.save(tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("build", "match"),
    [(make_pictures_network, r"logits of shape .*got \(32, 8, 8, 10\)"), (make_no_network, "nnx.Module, got tuple")],
)
def test_what_is_wrong_with_a_users_own_network_is_said_in_one_line(build, match):
    with pytest.raises(InputError, match=match) as caught:
        DigitClassifier(build, max_epochs=1).fit(X, y)
    assert "\n" not in str(caught.value)


def test_a_users_own_optimizer():
    clf = small(optimizer=make_momentum, learning_rate="auto", max_epochs=10).fit(X, y)
    assert clf.score(X_test, y_test) > 0.7
    assert clf.history_[-1]["learning_rate"] is None
    copy = pickle.loads(pickle.dumps(clf))
    assert_same_params(copy.partial_fit(X, y), clf.partial_fit(X, y))


# ---- weights ----


def test_a_weight_is_the_same_as_repetition():
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    repeated = np.random.default_rng(1).permutation(np.repeat(np.arange(len(y)), weights))
    weighted = small().fit(X, y, sample_weight=weights)
    assert_same_params(weighted, small().fit(X[repeated], y[repeated]))
    assert_same_params(weighted, small().fit(X, y, sample_weight=weights * 0.25))
    assert not np.array_equal(weighted.params_["layers.1.bias"], small().fit(X, y).params_["layers.1.bias"])


def test_class_weights_are_sample_weights():
    by_class = small(class_weight={3: 5.0, 4: 0.5}).fit(X, y)
    by_sample = small().fit(X, y, sample_weight=np.where(y == 3, 5.0, np.where(y == 4, 0.5, 1.0)))
    np.testing.assert_allclose(by_class.predict_proba(X_test), by_sample.predict_proba(X_test), rtol=0, atol=1e-4)


def test_balanced_class_weights_give_every_class_the_same_say():
    used = (y < 2) & ((y == 0) | (np.arange(400) % 8 == 0))
    clf = small(class_weight="balanced").fit(X[used], y[used])
    weighted = small().fit(X[used], y[used], sample_weight=compute_sample_weight("balanced", y[used]))
    np.testing.assert_allclose(clf.predict_proba(X_test), weighted.predict_proba(X_test), rtol=0, atol=1e-4)
    plain = small().fit(X[used], y[used])
    assert clf.predict_proba(X_test)[:, 1].mean() > plain.predict_proba(X_test)[:, 1].mean()


# ---- going on ----


def test_partial_fit_goes_on():
    clf = small()
    for _ in range(6):
        for part in np.array_split(np.arange(400), 2):
            clf.partial_fit(X[part], WORDS[y[part]], classes=WORDS)
    assert clf.n_steps_ == 6 * 2 * 7
    assert clf.classes_.tolist() == sorted(WORDS)
    assert clf.score(X_test, WORDS[y_test]) > 0.8


def test_partial_fit_may_meet_its_classes_later():
    clf = small().partial_fit(X[y < 5], y[y < 5], classes=range(10))
    assert clf.predict_proba(X_test).shape == (200, 10)
    with pytest.raises(InputError, match=r"known classes, .* got \[11, 12\]"):
        clf.partial_fit(X[:3], [0, 11, 12])


def test_partial_fit_keeps_the_optimizers_state():
    clf = small().fit(X, y)
    copy, fresh = pickle.loads(pickle.dumps(clf)), pickle.loads(pickle.dumps(clf))
    fresh._opt_leaves = []
    clf.partial_fit(X, y)
    assert_same_params(copy.partial_fit(X, y), clf)
    fresh.partial_fit(X, y)
    assert not np.array_equal(fresh.params_["layers.1.kernel"], clf.params_["layers.1.kernel"])
    assert clf.n_steps_ == 5 * 13 + 13


def test_partial_fit_takes_over_from_another_optimizer(fitted):
    clf = pickle.loads(pickle.dumps(fitted)).set_params(optimizer="sgd").partial_fit(X, y)
    assert clf.score(X_test, y_test) > 0.7


def test_partial_fit_weighs_classes():
    weights = np.where(y == 3, 5.0, 1.0)
    by_class = small(class_weight={3: 5.0}).partial_fit(X, y, classes=range(10))
    assert_same_params(by_class, small().partial_fit(X, y, classes=range(10), sample_weight=weights))
    with pytest.raises(InputError, match="class_weight must be a dict or None in partial_fit"):
        small(class_weight="balanced").partial_fit(X, y, classes=range(10))


@pytest.mark.parametrize("change", ["features", "layers", "first call"])
def test_partial_fit_refuses_what_does_not_go_on(change, fitted):
    clf = small() if change == "first call" else pickle.loads(pickle.dumps(fitted))
    if change == "layers":
        clf.set_params(hidden_sizes=(16,))
    words = {
        "features": "X has 30 features, but DigitClassifier is expecting 64",
        "layers": "the network to go on with must have the layers asked for, 1210 weights, got other layers with 2410",
        "first call": "classes must be passed on the first call",
    }
    with pytest.raises(ValueError, match=words[change]):
        clf.partial_fit(X[:, :30] if change == "features" else X, y)


def test_warm_start_begins_with_the_last_weights(fitted):
    clf = pickle.loads(pickle.dumps(fitted)).set_params(warm_start=True, learning_rate=1e-9, max_epochs=1)
    clf.fit(X, y)
    for name, array in fitted.params_.items():
        np.testing.assert_allclose(clf.params_[name], array, rtol=0, atol=1e-6)
    with pytest.raises(InputError, match=r"classes of the last fit with warm_start=True, .* got \[0, 1\]"):
        clf.fit(X, y % 2)
    with pytest.raises(InputError, match="Leave the model's parameters as they were, or fit anew"):
        clf.set_params(hidden_sizes=(64,)).fit(X, y)
    clf.set_params(warm_start=False).fit(X, y % 2)
    assert clf.classes_.tolist() == [0, 1]


# ---- validation and early stopping ----


def test_without_validation_the_record_says_so(fitted):
    assert len(fitted.history_) == fitted.n_epochs_ == fitted.best_epoch_ == 5
    for number, record in enumerate(fitted.history_, start=1):
        assert set(record) == RECORD
        assert record["epoch"] == number
        assert record["validation_loss"] is record["validation_accuracy"] is None
        assert record["seconds"] > 0
        assert record["samples_per_second"] > 0
    assert fitted.history_[-1]["loss"] < fitted.history_[0]["loss"]
    assert fitted.history_[-1]["accuracy"] > 0.8


@pytest.mark.parametrize("weighted", [False, True])
def test_early_stopping_restores_the_best_epoch(weighted):
    weights = np.where(y_test < 5, 3.0, 0.5) if weighted else None
    clf = small(early_stopping=True, patience=3, max_epochs=200, learning_rate=3e-2)
    clf.fit(X, y, X_val=as_images(X_test), y_val=y_test, sample_weight_val=weights)
    accuracies = [record["validation_accuracy"] for record in clf.history_]
    assert clf.n_epochs_ == clf.best_epoch_ + 3 < 200
    assert accuracies[clf.best_epoch_ - 1] == max(accuracies)
    assert clf.score(X_test, y_test, weights) == pytest.approx(max(accuracies), abs=1e-12)
    truth = np.log(clf.predict_proba(X_test))[np.arange(200), y_test]
    recorded = clf.history_[clf.best_epoch_ - 1]["validation_loss"]
    assert recorded == pytest.approx(-np.average(truth, weights=weights), rel=1e-5)


def test_early_stopping_splits_off_its_own_samples():
    clf = small(early_stopping=True, patience=2, max_epochs=100).fit(X, WORDS[y])
    assert clf.history_[0]["validation_accuracy"] is not None
    assert clf.n_epochs_ < 100
    assert clf.score(X_test, WORDS[y_test]) > 0.8
    assert_same_params(clf, small(early_stopping=True, patience=2, max_epochs=100).fit(X, WORDS[y]))


def test_validation_samples_are_watched_without_stopping():
    clf = small(max_epochs=2).fit(X, WORDS[y], X_val=sparse.csr_matrix(X_test), y_val=WORDS[y_test])
    assert clf.n_epochs_ == 2
    assert clf.score(X_test, WORDS[y_test]) == pytest.approx(clf.history_[-1]["validation_accuracy"])


# ---- how long ----


def test_augmented_pictures_are_others_at_every_fit_of_another_seed_and_the_same_at_that_of_the_same():
    first, same, other = (small(augment=["rotation", brighten], random_state=seed).fit(X, y) for seed in (0, 0, 1))
    assert_same_params(first, same)
    assert first.score(X_test, y_test) > 0.7
    assert first.recipe_["augment"] == ("rotation", brighten)
    assert not np.array_equal(first.params_["layers.1.kernel"], small().fit(X, y).params_["layers.1.kernel"])
    assert not np.array_equal(first.params_["layers.1.kernel"], other.params_["layers.1.kernel"])


@pytest.mark.parametrize("factor", [1 / 16, 1, 4095])
def test_an_augmentation_sees_ink_between_0_and_1_whatever_the_units(factor):
    assert small(augment=spoil_other_ranges).fit(factor * X, y).score(factor * X_test, y_test) > 0.8


def test_clones_with_strengths_set_compile_nothing_new():
    clf = small(max_epochs=1, augment=functools.partial(rotation, degrees=3.0)).fit(X, y)
    compiled = compile_count()
    clone(clf).fit(X, y)
    assert compile_count() == compiled


def test_auto_moves_the_ink_of_few_pictures_alone():
    few = tiny("cnn").fit(X, y)
    assert "shift" in few.recipe_["augment"]
    assert tiny("cnn").fit(16 - X, y).recipe_["augment"] == ()
    assert tiny("cnn").fit(X[:, :50], y).recipe_["augment"] == ()
    assert small(max_epochs=1).fit(X, y).recipe_["augment"] == ()
    assert few.partial_fit(X, y).recipe_["augment"] == ()


def test_a_full_batch_is_one_step_an_epoch():
    assert small(batch_size="full").fit(X, y).n_steps_ == 5


def test_a_time_budget_ends_the_fit():
    clf = small(max_epochs="auto", max_seconds=0.3).fit(X, y)
    assert 1 <= clf.n_epochs_ < clf.recipe_["max_epochs"]
    assert np.isfinite(clf.predict_proba(X_test)).all()


def test_verbose_reports_every_so_many_epochs(capsys):
    small(verbose=2, max_epochs=5).fit(X, y)
    shown = capsys.readouterr()
    assert [line.split("  ")[0] for line in shown.err.splitlines()] == ["epoch 2/5", "epoch 4/5"]
    assert "accuracy" in shown.err
    assert "samples/s" in shown.err
    assert not shown.out


def test_by_default_it_is_silent(capsys):
    small().fit(X, y).predict(X_test)
    shown = capsys.readouterr()
    assert not shown.out
    assert not shown.err


# ---- callbacks of scikit-learn 1.9 ----


class Listener:
    """A `FitCallback` that keeps what it hears."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.events = []
        self.scores = []

    def setup(self, **_):
        self.events.append("setup")

    def teardown(self, **_):
        self.events.append("teardown")

    def on_fit_task_begin(self, _estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, _estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.events.append(f"end {context.task_name}")
        if fitted_estimator is None:
            return False
        self.scores.append(fitted_estimator.score(X, y))
        return len(self.scores) == self.stop_after


def test_callbacks_hear_of_every_epoch():
    pytest.importorskip("sklearn.callback")
    listener = Listener()
    clf = small(max_epochs=3).set_callbacks(listener).fit(X, y)
    epoch = ["begin epoch", "end epoch"]
    assert listener.events == ["setup", "begin fit", *epoch * 3, "end fit", "teardown"]
    assert listener.scores[-1] == clf.score(X, y)
    assert len(set(listener.scores)) > 1
    assert not [name for name in vars(clf) if "callback" in name and name != "_skl_callbacks"]


def test_a_callback_may_stop_the_fit():
    pytest.importorskip("sklearn.callback")
    clf = small(max_epochs=10).set_callbacks(Listener(stop_after=2)).fit(X, y)
    assert clf.n_epochs_ == 2


def test_scikit_learns_scoring_monitor():
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    clf = small(max_epochs=3).set_callbacks(monitor).fit(X, y)
    scores = [row["accuracy"] for row in monitor.get_logs().data]
    assert len(scores) == 3
    assert scores[-1] == clf.score(X, y)


def test_scikit_learns_monitor_and_bar_inside_a_grid_search(capsys):
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    inner = small(max_epochs=2).set_callbacks(monitor)
    search = GridSearchCV(inner, {"momentum": [0.8, 0.9]}, cv=2, error_score="raise")
    search.set_callbacks(callback.ProgressBar()).fit(X, y)
    rows = monitor.get_logs().data
    assert len(rows) == (2 * 2 + 1) * 2  # candidates by folds and the last fit, of two epochs each
    assert {row["estimator_name"] for row in rows} == {"DigitClassifier"}
    assert "DigitClassifier" in capsys.readouterr().out


# ---- ensembles ----


@pytest.fixture(scope="module")
def ensemble():
    return small(n_members=3).fit(X, y)


def alone(clf, index):
    """One member as a classifier of its own."""
    single = clone(clf)
    single.__dict__.update({name: value for name, value in vars(clf).items() if name.endswith("_")})
    single.params_ = {name: array[index].copy() for name, array in clf.params_.items()}
    single.n_members_ = 1
    return single


def test_an_ensemble_answers_with_its_members_mean_probability(ensemble):
    members = [alone(ensemble, index) for index in range(3)]
    mean = np.mean([member.predict_proba(X_test) for member in members], axis=0)
    np.testing.assert_allclose(ensemble.predict_proba(X_test), mean, rtol=1e-12)
    np.testing.assert_array_equal(ensemble.predict(X_test), mean.argmax(axis=1))
    np.testing.assert_allclose(ensemble.decision_function(X_test), np.log(mean), rtol=1e-9)
    np.testing.assert_array_equal(ensemble.predict_log_proba(X_test), np.log(ensemble.predict_proba(X_test)))


def test_an_ensembles_first_member_is_the_network_of_a_single_fit(ensemble):
    single = small().fit(X, y)
    for name, array in single.params_.items():
        np.testing.assert_allclose(ensemble.params_[name][0], array, rtol=0, atol=1e-3)


def test_an_ensemble_is_saved_and_read_without_jax(ensemble, tmp_path):
    path = tmp_path / "ensemble.safetensors"
    ensemble.save(path)
    np.testing.assert_array_equal(load_model(path).predict_proba(X_test), ensemble.predict_proba(X_test))
    np.testing.assert_allclose(lite.load_model(path).predict_proba(X_test), ensemble.predict_proba(X_test), atol=1e-5)
    loaded = load_model(path).partial_fit(X[:100], y[:100])
    assert loaded.n_members_ == 3
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(ensemble)).predict_proba(X_test), ensemble.predict_proba(X_test)
    )


def test_an_ensemble_is_calibrated_as_one(ensemble):
    clf = pickle.loads(pickle.dumps(ensemble))
    before = clf.predict(X_test)
    clf.calibrate(X_test, y_test)
    assert clf.temperature_ != 1.0
    np.testing.assert_array_equal(clf.predict(X_test), before)
    assert 0 < clf.rejection_threshold(X_test, y_test, risk=0.2) <= 1


def test_an_ensemble_goes_on_with_as_many_members(ensemble):
    clf = pickle.loads(pickle.dumps(ensemble)).set_params(warm_start=True, max_epochs=1, learning_rate=1e-5)
    clf.fit(X, y)
    np.testing.assert_allclose(clf.params_["layers.1.kernel"], ensemble.params_["layers.1.kernel"], atol=1e-2)
    with pytest.raises(InputError, match="n_members must be 3"):
        clf.set_params(n_members=1).fit(X, y)
    assert clf.n_members_ == 3


def test_partial_fit_trains_every_member():
    clf = small(n_members=2)
    for _ in range(2):
        clf.partial_fit(X, y, classes=range(10))
    assert clf.params_["layers.1.kernel"].shape == (2, 64, 32)
    assert clf.n_steps_ == 26


def test_members_stop_early_by_themselves():
    clf = small(n_members=3, early_stopping=True, patience=1, max_epochs=12).fit(X, y)
    assert clf.best_epoch_ <= clf.n_epochs_ == len(clf.history_) < 12
    assert clf.score(X_test, y_test) > 0.7


def test_the_summary_counts_the_networks(ensemble):
    assert "3 networks, each mlp, 2,410 weights" in ensemble.summary()


def test_callbacks_follow_an_ensemble():
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    clf = small(n_members=2, max_epochs=3).set_callbacks(monitor).fit(X, y)
    scores = [row["accuracy"] for row in monitor.get_logs().data]
    assert len(scores) == 3
    assert scores[-1] == clf.score(X, y)


def test_ctrl_c_keeps_an_ensemble(monkeypatch):
    interrupt_after(monkeypatch, 2)
    clf = small(n_members=2, max_epochs=10, verbose=1)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert (clf.n_members_, clf.n_epochs_) == (2, 2)


# ---- a fit that ends badly ----


def interrupt_after(monkeypatch, n_epochs):
    """Have Ctrl-C pressed while the end of an epoch is being shown."""
    show = TrainingProgress.end_epoch

    def show_and_interrupt(self, record):
        show(self, record)
        if record["epoch"] == n_epochs:
            raise KeyboardInterrupt

    monkeypatch.setattr(TrainingProgress, "end_epoch", show_and_interrupt)


def test_ctrl_c_keeps_what_was_learned(monkeypatch):
    interrupt_after(monkeypatch, 3)
    clf = small(max_epochs=10, learning_rate=1e-2, verbose=1)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert clf.n_epochs_ == clf.best_epoch_ == 3
    assert clf.score(X_test, y_test) > 0.7
    assert "kept epoch 3" in clf.summary()


def test_ctrl_c_keeps_the_best_epoch(monkeypatch):
    interrupt_after(monkeypatch, 12)
    clf = small(max_epochs=50, learning_rate=3e-2, early_stopping=True, patience=50, verbose=1)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y, X_val=X_test, y_val=y_test)
    accuracies = [record["validation_accuracy"] for record in clf.history_]
    assert len(accuracies) == 12
    assert clf.score(X_test, y_test) == pytest.approx(max(accuracies), abs=1e-12)


def test_ctrl_c_before_the_first_epoch_ends_leaves_everything_as_it_was(monkeypatch):
    def press(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingProgress, "advance", press)
    clf = small(verbose=1)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert not fitted_attributes(clf)


def test_a_diverging_fit_loses_nothing():
    clf = small().fit(X, WORDS[y])
    before, probabilities = fitted_attributes(clf), clf.predict_proba(X_test)
    clf.set_params(optimizer="sgd", learning_rate=1e30)
    with pytest.raises(DivergenceError, match=r"not finite, again at half .* nothing was learned\. Use a") as caught:
        clf.fit(X[:, :30], y)
    assert "\n" not in str(caught.value)
    after = fitted_attributes(clf)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    np.testing.assert_array_equal(clf.predict_proba(X_test), probabilities)


def test_a_fit_that_diverges_late_keeps_its_best_epoch():
    clf = small(optimizer=make_sgd_that_explodes, learning_rate="auto", max_epochs=10)
    with pytest.raises(DivergenceError, match="not finite, twice; epoch 2 is kept"):
        clf.fit(X, y)
    assert clf.n_epochs_ == 2
    assert np.isfinite(clf.predict_proba(X_test)).all()
    assert all(np.isfinite(array).all() for array in clf.params_.values())


# ---- randomness ----


def test_the_same_seed_gives_the_same_bits(fitted):
    assert_same_params(fitted, clone(fitted).fit(X, y))
    assert_same_params(fitted, small(random_state=np.random.RandomState(0)).fit(X, y))


def test_other_seeds_differ(fitted):
    state = np.random.RandomState(0)
    seeds = [{"random_state": 1}, {"random_state": None}, {"random_state": None}]
    networks = [fitted, *(small(**seed).fit(X, y) for seed in seeds)]
    networks += [small(random_state=state).fit(X, y).partial_fit(X, y) for _ in range(2)]
    kernels = {clf.params_["layers.1.kernel"].tobytes() for clf in networks}
    assert len(kernels) == len(networks)


# ---- what comes out ----


def test_one_class_is_no_question():
    clf = small(max_epochs=1).fit(X[:30], ["three"] * 30)
    assert set(clf.predict(X_test)) == {"three"}
    np.testing.assert_array_equal(clf.predict_proba(X_test), np.ones((200, 1)))


def test_two_classes_have_one_decision():
    two = y < 2
    clf = small().fit(X[two], WORDS[y[two]])
    decision, probabilities = clf.decision_function(X_test), clf.predict_proba(X_test)
    assert clf.classes_.tolist() == ["one", "zero"]
    assert decision.shape == (200,)
    np.testing.assert_array_equal(clf.predict(X_test), clf.classes_[(decision > 0).astype(int)])
    np.testing.assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-decision)))


def test_weights_put_in_by_hand_are_used():
    clf = small(max_epochs=1).fit(X, y)
    clf.predict(X_test)
    clf.params_ = {name: np.zeros_like(array) for name, array in clf.params_.items()}
    np.testing.assert_allclose(clf.predict_proba(X_test), 0.1)


def test_summary_lists_the_layers(fitted):
    lines = fitted.summary().splitlines()
    assert lines[0] == "DigitClassifier: mlp, 2,410 weights, 10 classes"
    rows = [line.split() for line in lines[1:-1]]
    assert ["Dense", "32", "32", "2,080"] in rows
    assert ["relu", "32", "0"] in rows
    assert "trained 5 epochs on cpu, kept epoch 5" in lines[-1]


# ---- copies, pickles and model files ----


def test_a_clone_knows_nothing(fitted):
    copy = clone(fitted)
    assert not fitted_attributes(copy)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(sklearn.exceptions.NotFittedError):
        copy.predict(X_test)


def test_pickles_predict_the_same(fitted, tmp_path):
    expected = fitted.predict_proba(X_test)
    joblib.dump(fitted, tmp_path / "model.joblib")
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "model.joblib", mmap_mode="r")):
        np.testing.assert_array_equal(copy.predict_proba(X_test), expected)


WITHOUT_JAX = """
import pickle, sys
for name in ("jax", "jaxlib", "flax", "optax"):
    sys.modules[name] = None  # importing it raises
import numpy as np
from sklearn.base import clone
from jaxdigits import DigitClassifier

def check(value):
    assert isinstance(value, (np.ndarray, np.generic, str, bytes, int, float, type(None), tuple, list, dict)), value
    assert not isinstance(value, np.ndarray) or value.dtype != object, value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ():
        check(part)

clf = pickle.load(open(sys.argv[1], "rb"))
check(vars(clf))
assert clf.params_["layers.1.kernel"].shape == (64, 32)
print(clf.summary().splitlines()[0], repr(clone(clf)), DigitClassifier("cnn").get_params()["model"])
"""


def test_a_pickle_opens_and_an_estimator_is_made_without_jax(fitted, tmp_path):
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
    command = [sys.executable, "-c", WITHOUT_JAX, tmp_path / "model.pickle"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "mlp, 2,410 weights" in done.stdout


@pytest.mark.parametrize("model", MODELS)
def test_a_model_file_predicts_the_same_bits_and_nearly_so_without_jax(model, tmp_path):
    path = tmp_path / "model.safetensors"
    clf = tiny(model).fit(as_images(X), WORDS[y])
    clf.save(path)
    loaded = load_model(path)
    expected = clf.predict_proba(X_test)
    np.testing.assert_array_equal(loaded.predict_proba(X_test), expected)
    np.testing.assert_array_equal(loaded.predict(as_images(X_test)), clf.predict(X_test))
    assert loaded.get_params() == clf.get_params()
    assert loaded.summary() == clf.summary()
    assert loaded.history_ == clf.history_
    assert (loaded.image_shape_, loaded.pixel_range_) == (clf.image_shape_, clf.pixel_range_)
    np.testing.assert_allclose(lite.load_model(path).predict_proba(X_test), expected, rtol=0, atol=1e-5)


def test_a_loaded_model_can_be_trained_on(fitted, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    loaded = DigitClassifier.load(tmp_path / "model.safetensors")
    assert isinstance(loaded, DigitClassifier)
    assert loaded.partial_fit(X, y).score(X_test, y_test) > 0.7


@pytest.mark.parametrize(
    ("labels", "settings", "kept"),
    [
        (y, {"class_weight": {0: 2.0, 9: 0.5}}, {"class_weight": {0: 2.0, 9: 0.5}}),
        (WORDS[y], {"class_weight": {"one": 2.0}}, {"class_weight": {"one": 2.0}}),
        (y, {"class_weight": "balanced"}, {"class_weight": "balanced"}),
        (WORDS[y].astype(object), {}, {}),
        (y > 4, {}, {}),
        (y.astype(float), {"random_state": np.random.RandomState(0)}, {"random_state": None}),
        (y, {"optimizer": make_momentum, "learning_rate": "auto"}, {"optimizer": "auto"}),
        (y, {"optimizer": functools.partial(optax.adam, 1e-3), "learning_rate": "auto"}, {"optimizer": "auto"}),
        (y, {"hidden_sizes": [np.int64(32)], "weight_decay": np.float32(0.5)}, {"weight_decay": 0.5}),
        (y, {"image_shape": (8, 8), "max_seconds": 60.0}, {"image_shape": (8, 8), "max_seconds": 60.0}),
        (y, {"augment": ["shift", "blur"]}, {"augment": ("shift", "blur")}),
        (y, {"augment": ["shift", brighten]}, {"augment": "auto"}),
    ],
    ids=["int", "str", "balanced", "object", "bool", "float", "factory", "partial", "numpy", "tuple", "names", "own"],
)
def test_any_labels_and_parameters_can_be_saved(labels, settings, kept, tmp_path):
    clf = small(**{"max_epochs": 1} | settings).fit(X, labels)
    clf.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.classes_.dtype == clf.classes_.dtype
    np.testing.assert_array_equal(loaded.predict(X_test), clf.predict(X_test))
    assert {name: loaded.get_params()[name] for name in kept} == kept
    assert loaded.hidden_sizes == (32,)


def test_a_training_record_with_gaps_can_be_saved(tmp_path):
    clf = small(max_epochs=2).fit(X, y)
    clf.history_[0]["validation_loss"], clf.history_[1]["validation_loss"] = np.nan, np.float32(np.inf)
    clf.save(tmp_path / "model.safetensors")
    assert [record["validation_loss"] for record in load_model(tmp_path / "model.safetensors").history_] == [None, None]


def test_column_names_are_saved(tmp_path):
    names = [f"pixel {i}" for i in range(64)]
    frame = pd.DataFrame(X, columns=names)
    clf = small(max_epochs=1).fit(frame, y)
    clf.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(frame), clf.predict_proba(frame))


# ---- what is refused ----


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"model": "vgg"}, r"'model' parameter .*'resnet'.*Got 'vgg'"),
        ({"batch_size": 0}, r"'batch_size' parameter .*'full'.*Got 0"),
        ({"batch_size": 2.5}, r"'batch_size' parameter .*Got 2\.5"),
        ({"max_epochs": -1}, r"'max_epochs' parameter .*Got -1"),
        ({"learning_rate": 0.0}, r"'learning_rate' parameter .*Got 0\.0"),
        ({"optimizer": "lion"}, r"'optimizer' parameter .*'muon'.*Got 'lion'"),
        ({"schedule": "step"}, r"'schedule' parameter .*'one_cycle'.*Got 'step'"),
        ({"activation": "swish"}, r"'activation' parameter .*Got 'swish'"),
        ({"dropout": 1.0}, r"'dropout' parameter .*Got 1\.0"),
        ({"class_weight": "even"}, r"'class_weight' parameter .*Got 'even'"),
        ({"class_weight": {3: -1.0}}, r"class_weight must hold finite numbers >= 0, got \{3: -1\.0\}"),
        ({"class_weight": dict.fromkeys(range(10), 0)}, "class_weight must leave some sample a weight above zero"),
        ({"hidden_sizes": 128}, r"'hidden_sizes' parameter .*Got 128"),
        ({"hidden_sizes": (64, 0)}, r"hidden_sizes must hold ints >= 1, got \(64, 0\)"),
        ({"hidden_sizes": (64.0,)}, r"hidden_sizes must hold ints >= 1, got \(64\.0,\)"),
        ({"augment": "turn"}, r"'augment' parameter .*'shear'.*Got 'turn'"),
        ({"augment": ["shift", "turn"]}, r"augment must hold names of shift, .* or callables, got 'turn'"),
        (
            {"augment": "shift", "image_shape": None},
            "augment must be None where rows are no pictures .*, got .'shift',.",
        ),
        (
            {"augment": lose_rows},
            r"the augmentation lose_rows must return images of shape \(32, 8, 8\), got \(1, 8, 8\)",
        ),
        ({"channels": ("8",)}, r"channels must hold ints >= 1, got \('8',\)"),
        ({"image_shape": (8, 8, 1)}, r"image_shape must be 'auto', \(height, width\) or None, got \(8, 8, 1\)"),
        ({"image_shape": (7, 9)}, r"image_shape must hold the 64 features of a row, got \(7, 9\) = 63"),
        ({"optimizer": make_momentum, "learning_rate": 0.1}, "learning_rate must stay at the default .*, got 0.1"),
        (
            {"optimizer": make_momentum, "nesterov": True, "momentum": 0.5},
            "learning_rate, momentum, nesterov must stay",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_parameter_is_named_in_one_line(settings, match):
    clf = small(**settings)
    with pytest.raises(ValueError, match=match) as caught:
        clf.fit(X, y)
    assert "\n" not in str(caught.value)
    assert not fitted_attributes(clf)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"X": np.zeros((400, 8, 8, 3))}, r"gray pictures .* got \(400, 8, 8, 3\)\. Average the channels"),
        ({"X": np.zeros((400, 8, 8, 1, 1))}, "Found array with dim 5"),
        ({"X": [np.zeros((8, 8))] * 399 + [np.zeros((7, 8))]}, r"one shape, got \(7, 8\), \(8, 8\)"),
        ({"X": X * 1e200}, "X must fit float32"),
        ({"X": X[:300]}, "inconsistent numbers of samples"),
        ({"y": y + 0.5}, "Unknown label type: continuous"),
        ({"y": None}, "requires y to be passed"),
        ({"sample_weight": -np.ones(400)}, "Negative values in data passed to `sample_weight`"),
        ({"sample_weight": np.ones(300)}, "sample_weight.shape"),
        ({"sample_weight": np.zeros(400)}, "non-zero|all zero"),
        ({"X_val": X_test}, "X_val and y_val must be given together, got X_val alone"),
        ({"y_val": y_test}, "X_val and y_val must be given together, got y_val alone"),
        ({"sample_weight_val": y_test}, "sample_weight_val must come with X_val and y_val"),
        ({"X_val": X_test[:, :9], "y_val": y_test}, "X has 9 features, but DigitClassifier is expecting 64"),
        ({"X_val": X_test, "y_val": y_test + 5}, r"y_val must hold known classes, .* got \[10, 11, 12, 13, 14\]"),
        ({"X_val": X_test, "y_val": WORDS[y_test]}, "y_val must hold known classes"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_wrong_data_is_named_in_one_line(arguments, match):
    clf = small()
    with pytest.raises(ValueError, match=match) as caught:
        clf.fit(**{"X": X, "y": y} | arguments)
    assert "\n" not in str(caught.value)
    assert not fitted_attributes(clf)


def test_a_single_sample_cannot_be_split():
    with pytest.raises(InputError, match="2 different samples or more to split, got 1"):
        small(early_stopping=True).fit(np.repeat(X[:1], 5, axis=0), y[:1].repeat(5))


def test_an_error_leaves_the_last_fit_as_it_was(fitted):
    clf = pickle.loads(pickle.dumps(fitted))
    before = fitted_attributes(clf)
    with pytest.raises(InputError):
        clf.set_params(image_shape=(4, 4)).fit(X[:, :30], WORDS[y])
    after = fitted_attributes(clf)
    assert all(after[name] is before[name] for name in before)
    assert after.keys() == before.keys()


@pytest.mark.parametrize("method", ["predict", "predict_proba", "save", "summary"])
def test_nothing_is_told_before_fit(method, tmp_path):
    argument = {"save": [tmp_path / "model.safetensors"], "summary": []}.get(method, [X])
    with pytest.raises(sklearn.exceptions.NotFittedError):
        getattr(small(), method)(*argument)


def test_validation_pictures_of_another_shape_or_range_are_noticed():
    X, y = load_digits(return_X_y=True)
    pictures = X[:100].reshape(-1, 8, 8)
    clf = DigitClassifier("linear", max_epochs=2, random_state=0)
    with pytest.raises(InputError, match=r"X must hold pictures of shape \(8, 8\)"):
        clf.fit(pictures, y[:100], X_val=X[100:150].reshape(-1, 4, 16), y_val=y[100:150])
    with pytest.warns(UserWarning, match="X lies in 0 to 1, .* from 0 to 16"):
        clf.fit(pictures, y[:100], X_val=pictures / 16, y_val=y[:100])
