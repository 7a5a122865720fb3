import pickle

import jax
import numpy as np
import pytest
from flax import nnx

from jaxdigits import DigitClassifier
from jaxdigits.core import training
from jaxdigits.core.learner import learn
from jaxdigits.core.samples import merge_repeated
from jaxdigits.core.tasks import Labeled, Start, canonical, prepare
from jaxdigits.core.trained import TrainedNetwork, predict_logits
from jaxdigits.errors import InputError

ASKED = {**DigitClassifier().get_params(), "model": "mlp", "hidden_sizes": (16,), "max_epochs": 3}


@pytest.fixture(scope="module")
def training_set(digits):
    return canonical(merge_repeated(digits.rows[:250], digits.labels[:250], None), None)


@pytest.fixture(scope="module")
def tabular():
    """90 rows of 5 columns in odd units, 3 classes."""
    generator = np.random.default_rng(0)
    labels = np.arange(90) % 3
    rows = generator.normal(size=(90, 5)) * [1, 100, 0.01, 5, 2] + [50, -300, 1, 0, 7]
    rows[:, 0] += 3 * labels
    return Labeled(rows.astype(np.float32), labels, None)


def teach(labeled, n_classes=10, *, seed=0, **options):
    asked = {**ASKED, **{name: options.pop(name) for name in list(options) if name in ASKED}}
    watcher = options.pop("watcher", None)
    return learn(prepare(labeled, asked, n_classes=n_classes, seed=seed, **options), watcher=watcher)


def ask(learned, rows, n_classes=10, model=None):
    network = TrainedNetwork(
        learned.spec if model is None else model,
        learned.params,
        learned.extras,
        learned.view,
        learned.normalization,
        n_classes,
    )
    return predict_logits(rows, network)[0]


def go_on(learned, *, keep_optimizer):
    leaves, steps = (learned.opt_leaves, learned.n_steps) if keep_optimizer else ([], 0)
    return Start(learned.params, learned.extras, learned.view, learned.normalization, leaves, steps)


def assert_same_arrays(one, other):
    assert set(one) == set(other)
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


def by_hand(learned, rows):
    """Run a perceptron with one hidden layer in NumPy."""
    x = (rows - learned.normalization.offset) * learned.normalization.scale
    params = learned.params
    hidden = np.maximum(x @ params["layers.1.kernel"] + params["layers.1.bias"], 0)
    return hidden @ params["layers.4.kernel"] + params["layers.4.bias"]


def test_what_is_learned_is_numpy_and_plain_data(training_set):
    learned = teach(training_set, max_epochs=10, learning_rate=0.03)
    assert not any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(vars(learned)))
    arrays = [*learned.params.values(), *learned.extras.values(), *learned.opt_leaves]
    assert all(type(array) is np.ndarray and array.flags.owndata and array.flags.writeable for array in arrays)
    assert_same_arrays(pickle.loads(pickle.dumps(learned)).params, learned.params)
    assert (learned.device, learned.ending, learned.best_epoch, learned.n_steps) == ("cpu", "finished", 10, 80)
    assert learned.spec["input_shape"] == [8, 8]
    accuracy = (ask(learned, training_set.rows).argmax(axis=1) == training_set.labels).mean()
    assert accuracy > 0.9


def test_padding_is_cut_off_and_the_rest_is_the_network(tabular):
    learned = teach(tabular, 3, max_epochs=20, learning_rate=0.05)
    assert learned.params["layers.1.kernel"].shape == (5, 16)
    assert learned.params["layers.4.kernel"].shape == (16, 3)
    assert (learned.spec["input_shape"], learned.spec["n_classes"]) == ([5], 3)
    logits = ask(learned, tabular.rows, 3)
    np.testing.assert_allclose(logits, by_hand(learned, tabular.rows), atol=1e-4)
    assert (logits.argmax(axis=1) == tabular.labels).mean() > 0.85


def test_one_column_far_from_zero_is_a_network_of_one_column(tabular):
    rows = tabular.rows[:, :1]
    learned = teach(tabular._replace(rows=rows), 3, max_epochs=1, dropout=0.0, learning_rate=1e-30)
    np.testing.assert_allclose(ask(learned, rows, 3), by_hand(learned, rows), atol=1e-5)
    # the network that was trained is the one that is left: their losses agree
    logits = by_hand(learned, rows).astype(np.float64)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(90), tabular.labels]
    assert learned.history[0]["loss"] == pytest.approx(losses.mean(), rel=1e-4)


def test_an_image_network_lays_other_rows_on_a_canvas_and_stays_one(tabular):
    learned = teach(tabular, 3, model="cnn", channels=(3,), hidden_sizes=(), max_epochs=1)
    assert learned.spec["input_shape"] == [8, 8]
    assert learned.view.image_shape == (8, 8)
    assert learned.view.pixel_range is None
    assert "Conv" in {layer["kind"] for layer in learned.spec["layers"]}
    assert ask(learned, tabular.rows, 3).shape == (90, 3)


def test_refits_are_bit_identical_and_seeds_differ(training_set):
    first, again, other = (teach(training_set, seed=seed, dropout=0.2) for seed in (0, 0, 1))
    assert_same_arrays(first.params, again.params)
    assert [record["loss"] for record in first.history] == [record["loss"] for record in again.history]
    assert not np.array_equal(first.params["layers.1.kernel"], other.params["layers.1.kernel"])


def test_neighboring_problems_share_their_programs(tabular):
    """Rows, columns and classes are padded to buckets, and numbers are traced."""
    ask(teach(tabular, 3, dropout=0.2), tabular.rows, 3)
    before = training.compile_count()
    smaller = Labeled(tabular.rows[tabular.labels < 2][:50, :4], tabular.labels[tabular.labels < 2][:50], None)
    ask(teach(smaller, 2, learning_rate=0.5, weight_decay=0.25, dropout=0.5), smaller.rows, 2)
    assert training.compile_count() == before


def test_training_goes_on_where_it_stopped_with_the_optimizer_it_had(training_set):
    first = teach(training_set, incremental=True)
    kept = teach(training_set, incremental=True, start=go_on(first, keep_optimizer=True))
    fresh = teach(training_set, incremental=True, start=go_on(first, keep_optimizer=False))
    assert [one.n_steps for one in (first, kept, fresh)] == [8, 16, 8]
    assert kept.history[0]["loss"] < first.history[0]["loss"]
    assert not np.array_equal(kept.params["layers.1.kernel"], fresh.params["layers.1.kernel"])
    counts = [int(leaf) for leaf in kept.opt_leaves if leaf.ndim == 0]
    assert set(counts) == {16}


def test_training_goes_on_with_the_view_and_units_of_the_start_and_warns_of_others(training_set):
    first = teach(training_set)
    dark = Labeled(training_set.rows // 16, training_set.labels, training_set.weights)
    with pytest.warns(UserWarning, match="X lies in 0 to 1, .* from 0 to 16"):
        second = teach(dark, start=go_on(first, keep_optimizer=False), max_epochs=1)
    assert second.view == first.view
    np.testing.assert_array_equal(second.normalization.scale, first.normalization.scale)


def test_a_start_of_another_network_is_refused(training_set):
    first = teach(training_set)
    with pytest.raises(InputError, match="must have the layers asked for"):
        teach(training_set, hidden_sizes=(17,), start=go_on(first, keep_optimizer=False))


def test_early_stopping_takes_the_validation_samples_given(training_set, digits):
    validation = Labeled(digits.rows[300:400], digits.labels[300:400], None)
    learned = teach(training_set, validation=validation, early_stopping=True, patience=2, max_epochs=6)
    assert learned.recipe.average_weights
    best = learned.history[learned.best_epoch - 1]
    logits = ask(learned, validation.rows)
    assert best["validation_accuracy"] == pytest.approx((logits.argmax(axis=1) == validation.labels).mean())
    assert len(learned.history) <= learned.best_epoch + 2


def test_a_full_batch_is_one_step_an_epoch(training_set):
    learned = teach(training_set, batch_size="full", max_epochs=5)
    assert learned.n_steps == 5


def test_a_missing_device_is_refused_before_anything_runs(training_set):
    with pytest.raises(InputError, match="got 'gpu'"):
        teach(training_set, device="gpu")


class Plain(nnx.Module):
    def __init__(self, shape, n_classes, rngs):
        self.norm = nnx.BatchNorm(shape[0] * shape[1], rngs=rngs)
        self.out = nnx.Linear(shape[0] * shape[1], n_classes, rngs=rngs)

    def __call__(self, images):
        return self.out(self.norm(images.reshape(images.shape[0], -1)))


def build_plain(shape, n_classes, rngs):
    return Plain(shape, n_classes, rngs)


def test_a_network_of_the_users_own_is_learned_asked_and_continued(training_set):
    learned = teach(training_set, model=build_plain, max_epochs=12, learning_rate=0.1)
    assert learned.spec is None
    assert learned.params["out.kernel"].shape == (64, 10)
    assert set(learned.extras) == {"norm.mean", "norm.var"}
    logits = ask(learned, training_set.rows, model=build_plain)
    assert (logits.argmax(axis=1) == training_set.labels).mean() > 0.9
    np.testing.assert_array_equal(ask(learned, training_set.rows[:1], model=build_plain), logits[:1])
    more = teach(training_set, model=build_plain, max_epochs=1, start=go_on(learned, keep_optimizer=True))
    assert more.history[0]["loss"] < learned.history[0]["loss"]
