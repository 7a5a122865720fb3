from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxdigits.core import optimizers
from jaxdigits.core.optimizers import (
    ADAM_SHARE,
    NEWTON_SCHULZ,
    NEWTON_SCHULZ_STEPS,
    OPTIMIZERS,
    SCHEDULES,
    WARMUP,
    Settings,
    make_optimizer,
    orthogonalize,
    scheduled_rate,
)

RATE, DECAY = 0.1, 0.5

CLOSED_FORMS = {
    "constant": np.ones_like,
    "cosine": lambda p: (1 + np.cos(np.pi * p)) / 2,
    "one_cycle": lambda p: np.where(p < 0.2, 5 * p, 1.25 * (1 - p)),
}


def make_params(seed=0):
    generator = np.random.default_rng(seed)
    shapes = {"layers.7.kernel": (18, 5), "layers.7.bias": (5,), "layers.10.kernel": (6, 4), "layers.12.scale": ()}
    return {name: jnp.asarray(generator.normal(size=shape), jnp.float32) for name, shape in shapes.items()}


@partial(jax.jit, static_argnames=("name", "nesterov"))
def take_steps(name, params, gradients, *, momentum=0.9, decay=0.0, nesterov=False, rate=RATE):
    settings = Settings(jnp.float32(rate), jnp.float32(momentum), jnp.float32(decay), nesterov)
    optimizer = make_optimizer(name, settings)
    state = optimizer.init(params)
    for gradient in gradients:
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    return params


def is_kernel(name):
    return name.endswith("kernel")


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_is_its_closed_form(name):
    progress = np.linspace(0, 1, 201)
    found = SCHEDULES[name](jnp.asarray(progress, jnp.float32))
    np.testing.assert_allclose(found, CLOSED_FORMS[name](progress), atol=1e-6)


@pytest.mark.parametrize("name", ["cosine", "one_cycle"])
def test_schedule_ends_at_zero_and_peaks_at_one(name):
    assert float(SCHEDULES[name](jnp.float32(1.0))) == pytest.approx(0, abs=1e-7)
    assert float(SCHEDULES[name](jnp.linspace(0, 1, 1001)).max()) == pytest.approx(1)


def test_one_cycle_starts_at_zero_and_peaks_after_its_warm_up():
    assert float(SCHEDULES["one_cycle"](jnp.float32(0.0))) == 0
    assert float(SCHEDULES["one_cycle"](jnp.float32(WARMUP))) == pytest.approx(1)


@pytest.mark.parametrize("name", SCHEDULES)
def test_scheduled_rate_takes_a_traced_total_and_the_middle_of_a_step(name):
    traced = jax.jit(lambda step, total: scheduled_rate(name, 0.3, step=step, total_steps=total))
    for total in (1, 7, 100):
        for step in range(total):
            expected = 0.3 * CLOSED_FORMS[name](np.float64((step + 0.5) / total))
            assert float(traced(jnp.int32(step), np.float32(total))) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
def test_rate_beyond_the_planned_end_is_that_of_the_end(name):
    beyond = scheduled_rate(name, 0.3, step=jnp.int32(150), total_steps=100)
    assert float(beyond) == pytest.approx(0.3 * float(SCHEDULES[name](jnp.float32(1.0))), abs=1e-7)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_is_momentum_with_decay_in_the_gradient(nesterov):
    params, gradients = make_params(), [make_params(1), make_params(2)]
    found = take_steps("sgd", params, gradients, momentum=0.8, decay=DECAY, nesterov=nesterov)
    for name, value in params.items():
        expected, velocity = np.asarray(value, np.float64), 0.0
        for gradient in gradients:
            total = gradient[name] + (DECAY * expected if is_kernel(name) else 0.0)
            velocity = total + 0.8 * velocity
            expected = expected - RATE * (total + 0.8 * velocity if nesterov else velocity)
        np.testing.assert_allclose(found[name], expected, atol=1e-5)


@pytest.mark.parametrize("most_flat", [0, 10**6], ids=["an array each", "one vector"])
@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_adam_with_decay_in_the_gradient_or_decoupled(optimizer, most_flat, monkeypatch):
    monkeypatch.setattr(optimizers, "MOST_FLAT", most_flat)
    params, gradients = make_params(), [make_params(1), make_params(2)]
    found = take_steps(optimizer, params, gradients, decay=DECAY)
    for name, value in params.items():
        expected, mean, square = np.asarray(value, np.float64), 0.0, 0.0
        decay = DECAY if is_kernel(name) else 0.0
        for count, gradient in enumerate(gradients, 1):
            total = gradient[name] + (decay * expected if optimizer == "adam" else 0.0)
            mean, square = 0.9 * mean + 0.1 * total, 0.999 * square + 0.001 * total**2
            step = mean / (1 - 0.9**count) / (np.sqrt(square / (1 - 0.999**count)) + 1e-8)
            expected = expected - RATE * (step + (decay * expected if optimizer == "adamw" else 0.0))
        np.testing.assert_allclose(found[name], expected, atol=1e-5)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_weight_decay_shrinks_kernels_and_nothing_else(optimizer):
    params = {name: leaf + jnp.sign(leaf) for name, leaf in make_params().items()}
    nothing = jax.tree.map(jnp.zeros_like, params)
    decayed = take_steps(optimizer, params, [nothing] * 2, decay=DECAY)
    kept = take_steps(optimizer, params, [nothing] * 2, decay=0.0)
    for name, value in params.items():
        np.testing.assert_array_equal(kept[name], value)
        if is_kernel(name):
            assert np.all(np.abs(decayed[name]) < np.abs(value))
        else:
            np.testing.assert_array_equal(decayed[name], value)


def test_muon_rotates_hidden_matrices_whatever_their_gradient():
    params = make_params()
    gradient = jax.tree.map(lambda leaf: 1000 * leaf, make_params(1))
    moved = take_steps("muon", params, [gradient])
    update = np.asarray(moved["layers.7.kernel"] - params["layers.7.kernel"]) / RATE
    assert np.all(np.abs(np.linalg.svd(update, compute_uv=False) - 1) < 0.5)
    alignment = np.sum(-update * np.asarray(gradient["layers.7.kernel"]))
    assert alignment > 0


@pytest.mark.parametrize("shape", [(60, 7), (7, 60), (12, 12), (1, 5), (5, 1)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_orthogonalize_is_newton_schulz_on_the_matrix_itself(shape, scale):
    matrix = np.random.default_rng(0).normal(size=shape)
    expected = matrix / np.linalg.norm(matrix)
    a, b, c = NEWTON_SCHULZ
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = expected @ expected.T
        expected = (a * np.eye(len(gram)) + b * gram + c * gram @ gram) @ expected
    found = orthogonalize(jnp.asarray(scale * matrix, jnp.float32))
    # where the matrix is as small as what keeps it from dividing by zero, it is scaled a little
    np.testing.assert_allclose(found, expected, atol=2e-2 if scale < 1e-3 else 2e-5)


@pytest.mark.parametrize("decades", [2, 4, 6])
def test_orthogonalize_takes_singular_values_of_many_sizes(decades):
    generator = np.random.default_rng(0)
    left, right = (np.linalg.qr(generator.normal(size=(n, 32)))[0] for n in (200, 32))
    before = np.logspace(0, -decades, 32)
    expected = before / np.linalg.norm(before)
    a, b, c = NEWTON_SCHULZ
    for _ in range(NEWTON_SCHULZ_STEPS):
        expected = a * expected + b * expected**3 + c * expected**5
    found = orthogonalize(jnp.asarray(left * before @ right.T, jnp.float32))
    np.testing.assert_allclose(left.T @ np.asarray(found) @ right, np.diag(expected), atol=5e-3)
    assert np.all((expected[before > 0.03] > 0.65) & (expected[before > 0.03] < 1.25))


def test_orthogonalize_leaves_zeros_and_knows_low_rank():
    assert not np.asarray(orthogonalize(jnp.zeros((5, 3)))).any()
    line = np.outer(np.arange(1, 9), np.arange(1, 5)).astype(np.float32)
    singular = np.linalg.svd(np.asarray(orthogonalize(jnp.asarray(line))), compute_uv=False)
    assert abs(singular[0] - 1) < 0.5
    assert np.all(singular[1:] < 1e-3)


def test_muon_scales_wide_matrices_up():
    params = {"layers.0.kernel": jnp.zeros((4, 64)), "layers.1.kernel": jnp.zeros((64, 4))}
    gradient = {name: jnp.asarray(np.random.default_rng(0).normal(size=leaf.shape)) for name, leaf in params.items()}
    moved = take_steps("muon", params, [jax.tree.map(jnp.float32, gradient)])
    singular = np.linalg.svd(np.asarray(moved["layers.0.kernel"]) / RATE, compute_uv=False)
    assert np.all(np.abs(singular / np.sqrt(64 / 4) - 1) < 0.5)


def test_muon_leaves_biases_scales_and_the_last_layer_to_adam():
    params, gradient = make_params(), make_params(1)
    moved = take_steps("muon", params, [gradient])
    for name in ("layers.7.bias", "layers.10.kernel", "layers.12.scale"):
        step = np.asarray(moved[name] - params[name])
        np.testing.assert_allclose(step, -ADAM_SHARE * RATE * np.sign(gradient[name]), atol=1e-5)


def test_muon_takes_kernels_that_are_no_matrices():
    params = {"conv.kernel": jnp.ones((3, 3, 1, 8)), "hidden.kernel": jnp.ones((8, 8)), "out.kernel": jnp.ones((8, 2))}
    moved = take_steps("muon", params, [jax.tree.map(jnp.ones_like, params)], decay=DECAY)
    assert all(np.isfinite(leaf).all() for leaf in moved.values())
    assert not np.array_equal(moved["conv.kernel"], params["conv.kernel"])


def test_a_factory_brings_its_own_numbers():
    settings = Settings(jnp.float32(99.0), jnp.float32(0.5), jnp.float32(9.0), False)
    optimizer = make_optimizer(lambda: optax.sgd(0.25), settings)
    updates, _ = optimizer.update({"bias": jnp.ones(3)}, optimizer.init({"bias": jnp.ones(3)}))
    np.testing.assert_array_equal(updates["bias"], [-0.25] * 3)
