import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdigits.core.losses import (
    evaluate_logits,
    mask_classes,
    softmax,
    weighted_cross_entropy,
)


def make_batch(n=40, width=12, n_classes=7, seed=0):
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 4, (n, width)).astype(np.float32)
    return logits, generator.integers(0, n_classes, n), generator.uniform(0, 3, n).astype(np.float32)


def reference(logits, labels, weights, *, smoothing, n_classes):
    wide = logits[:, :n_classes].astype(np.float64)
    log_probabilities = wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
    targets = (1 - smoothing) * np.eye(n_classes)[labels] + smoothing / n_classes
    losses = -(targets * log_probabilities).sum(axis=1)
    correct = wide.argmax(axis=1) == labels
    plain = -log_probabilities[np.arange(len(labels)), labels]
    return (weights * losses).sum(), ((weights * plain).sum(), (weights * correct).sum(), weights.sum())


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("n_classes", [7, 12])
def test_tally_is_a_plain_computation_in_float64(smoothing, n_classes):
    logits, labels, weights = make_batch()
    found = weighted_cross_entropy(logits, labels, weights, label_smoothing=smoothing, n_classes=n_classes)
    expected = reference(logits, labels, weights.astype(np.float64), smoothing=smoothing, n_classes=n_classes)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-5)


def test_no_number_of_classes_means_all_columns():
    logits, labels, weights = make_batch()
    assert weighted_cross_entropy(logits, labels, weights, label_smoothing=0.1) == weighted_cross_entropy(
        logits, labels, weights, label_smoothing=0.1, n_classes=12
    )


def test_tallies_add_up_over_batches():
    logits, labels, weights = make_batch()
    whole = weighted_cross_entropy(logits, labels, weights)[1]
    parts = [
        weighted_cross_entropy(logits[part], labels[part], weights[part])[1] for part in np.split(np.arange(40), 4)
    ]
    np.testing.assert_allclose(np.sum(parts, axis=0), whole, rtol=1e-5)


def test_rows_of_weight_zero_count_for_nothing():
    logits, labels, weights = make_batch()
    weights[10:] = 0
    logits[10:] = 1e6
    found = weighted_cross_entropy(logits, labels, weights, label_smoothing=0.1)
    expected = weighted_cross_entropy(logits[:10], labels[:10], weights[:10], label_smoothing=0.1)
    np.testing.assert_allclose([found[0], *found[1]], [expected[0], *expected[1]], rtol=1e-6)


def test_padded_classes_get_no_probability_and_no_gradient():
    logits, labels, weights = make_batch()
    logits[:, 7:] += 100
    traced = jax.jit(mask_classes)
    probabilities = softmax(np.asarray(traced(logits, 7)))
    assert np.all(probabilities[:, 7:] == 0)
    np.testing.assert_allclose(probabilities[:, :7], softmax(logits[:, :7]), rtol=1e-14)

    def loss(logits):
        return weighted_cross_entropy(logits, labels, weights, label_smoothing=0.3, n_classes=jnp.int32(7))[0]

    gradient = np.asarray(jax.jit(jax.grad(loss))(logits))
    assert np.all(gradient[:, 7:] == 0)
    assert np.all(gradient[:, :7] != 0)


def test_the_gradient_is_finite_where_the_network_is_sure_and_wrong():
    logits = np.array([[1e4, -1e4, 0.0]], np.float32)

    def loss(logits):
        return weighted_cross_entropy(logits, np.array([1]), np.ones(1), label_smoothing=0.1, n_classes=2)[0]

    value, gradient = jax.value_and_grad(loss)(logits)
    assert np.isfinite(value)
    np.testing.assert_allclose(gradient, [[0.95, -0.95, 0.0]], atol=1e-6)


def test_softmax_is_float64_and_survives_large_logits():
    logits = np.array([[1000.0, 999.0, -1000.0], [0.0, 0.0, 0.0]], np.float32)
    before = logits.copy()
    probabilities = softmax(logits)
    assert probabilities.dtype == np.float64
    np.testing.assert_array_equal(logits, before)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_allclose(probabilities[0, 0], 1 / (1 + np.exp(-1)), rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_evaluation_is_a_weighted_mean_without_smoothing(weighted):
    logits, labels, weights = make_batch()
    given = weights if weighted else None
    found = evaluate_logits(logits, labels, given)
    used = weights.astype(np.float64) if weighted else np.ones(40)
    _, (loss, correct, total) = reference(logits, labels, used, smoothing=0.0, n_classes=12)
    assert found == (pytest.approx(loss / total), pytest.approx(correct / total), 40)
    assert isinstance(found.loss, float)


def test_evaluation_survives_large_logits():
    assert evaluate_logits(np.array([[1e4, 0.0]], np.float32), np.array([1])).loss == pytest.approx(1e4)
