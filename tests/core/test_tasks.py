import numpy as np
import pytest

from jaxdigits import DigitClassifier
from jaxdigits.core.samples import merge_repeated
from jaxdigits.core.tasks import Labeled, Start, canonical, prepare, unused_options
from jaxdigits.errors import InputError

ASKED = {**DigitClassifier().get_params(), "model": "mlp", "hidden_sizes": (8,), "max_epochs": 3, "batch_size": 32}


def make_task(digits, seed=0, start=None, **asked):
    samples = Labeled(digits.rows[:100], digits.labels[:100], None)
    return prepare(samples, {**ASKED, **asked}, n_classes=10, seed=seed, start=start)


def build_plain(*_):
    raise AssertionError("never called")


def test_balanced_classes_have_the_same_sum_of_weights(digits):
    labels = np.minimum(digits.labels[:200], 2)
    found = canonical(merge_repeated(digits.rows[:200], labels, np.arange(200.0)), "balanced")
    sums = np.bincount(found.labels, weights=found.weights)
    np.testing.assert_allclose(sums, sums.mean(), rtol=1e-5)
    assert found.weights.mean() == pytest.approx(1)


def test_class_factors_multiply_the_weights_of_their_class(digits):
    labels = digits.labels[:200] % 2
    merged = merge_repeated(digits.rows[:200], labels, None)
    plain, found = canonical(merged, None), canonical(merged, np.array([1.0, 3.0]))
    ratios = found.weights / plain.weights
    np.testing.assert_allclose(ratios[found.labels == 1], 3 * ratios[found.labels == 0][0], rtol=1e-6)
    assert found.weights.mean() == pytest.approx(1)


def test_class_factors_must_leave_something(digits):
    with pytest.raises(InputError, match="class_weight must leave some sample a weight above zero"):
        canonical(merge_repeated(digits.rows[:20], digits.labels[:20], None), np.zeros(10))


def test_unused_options_are_named_and_a_users_own_network_has_none():
    asked = {**ASKED, "channels": (5,)}
    assert unused_options("mlp", asked, (8, 8)) == ["channels"]
    assert unused_options(build_plain, asked, (8, 8)) == []


def test_numbers_change_no_program(digits):
    one, other = make_task(digits), make_task(digits, seed=1, learning_rate=0.5, dropout=0.5, max_epochs=7)
    assert one.program == other.program
    assert make_task(digits, batch_size=16).program != one.program


def test_a_task_knows_how_many_steps_it_takes(digits):
    assert make_task(digits).n_steps == 3 * 4  # 100 samples in batches of 32


def test_without_weights_all_samples_count_once(digits):
    np.testing.assert_array_equal(make_task(digits).training_set.weights, np.ones(100))


def test_a_start_decides_how_rows_are_read(digits):
    first = make_task(digits)
    start = Start({}, {}, first.view, first.normalization._replace(offset=np.float32([3.0])), [], 5)
    task = make_task(digits, start=start)
    assert task.normalization.offset == 3.0
    assert task.make_generator().random() != first.make_generator().random()
