import jax
import numpy as np
import pytest

from jaxdigits.core import population, training
from jaxdigits.core.models import MODELS, CustomModel, Options
from jaxdigits.core.samples import Samples, make_order, make_samples
from jaxdigits.core.training import Hyperparameters, Program

OPTIONS = Options(hidden_sizes=(12,), channels=(3, 3))
RATES, SEEDS, SIZES = (1e-3, 3e-2, 1e-2), (0, 1, 2), (90, 97, 60)


def program(model="mlp", **options):
    network = MODELS[model]((8, 8), 10, OPTIONS)
    return Program(network, **{"optimizer": "adamw", "batch_size": 32, "platform": "cpu", **options})


def numbers(rate, dropout=0.0):
    values = Hyperparameters(learning_rate=rate, weight_decay=0.01, dropout=dropout, total_steps=10.0)
    return Hyperparameters(*map(np.float32, values))


@pytest.fixture(scope="module")
def parts(digits):
    """Three members' samples, of different sizes in one bucket, and their orders."""
    generator = np.random.default_rng(0)
    samples = [make_samples(digits.rows[:size], digits.labels[:size], scale=1 / 16, n_classes=10) for size in SIZES]
    return samples, [make_order(generator, size, 32) for size in SIZES]


def gather(samples):
    """One table with every member's rows, and units and weights of their own."""
    bucket = len(samples[0].images)
    weights = np.zeros((len(samples), len(samples) * bucket), np.float32)
    for index, own in enumerate(samples):
        weights[index, index * bucket : (index + 1) * bucket] = own.weights
    return Samples(
        np.concatenate([own.images for own in samples]),
        np.concatenate([own.labels for own in samples]),
        weights,
        np.stack([own.offset for own in samples]),
        np.stack([own.scale for own in samples]),
        np.array([own.n_samples for own in samples], np.int32),
        samples[0].n_features,
        samples[0].n_classes,
    ), bucket


def run_together(parts, rates=RATES, *, active=(True, True, True), dropout=None, calls=1, **options):
    samples, orders = parts
    table, bucket = gather(samples)
    joint = population.joint_program(program(**options))
    each = [numbers(rate, dropout or 0.0) for rate in rates]
    start = states = population.init(SEEDS, samples[0], each, program=program(**options))
    stacked = population.stack(each)
    stacked = stacked._replace(dropout=None) if dropout is None else stacked
    info, first, per_call = population.zero_info(3), 0, 4 // calls
    for _ in range(calls):
        states, info = population.epoch(
            states,
            table,
            np.stack(orders) + bucket * np.arange(3, dtype=np.int32)[:, None],
            stacked,
            program=joint,
            active=None if active is None else np.array(active),
            first_step=np.int32(first),
            n_steps=np.int32(per_call),
            info=info,
        )
        first += per_call
    return population.unstack(start, 3), population.unstack(states, 3), info


def run_alone(parts, rates=RATES, dropout=0.0, **options):
    found = []
    for seed, rate, samples, order in zip(SEEDS, rates, *parts, strict=True):
        each = numbers(rate, dropout)
        state = training.init(seed, samples, each, program=program(**options))
        found.append(training.epoch(state, samples, order, each, program=program(**options)))
    return found


def assert_close(one, other, tolerance=1e-5):
    for name, array in one.params.items():
        np.testing.assert_allclose(array, other.params[name], rtol=0, atol=tolerance)


@pytest.mark.parametrize("options", [{}, {"average_weights": True}, {"model": "cnn", "optimizer": "sgd"}])
def test_members_learn_what_they_learn_alone(parts, options):
    _, states, info = run_together(parts, **options)
    for index, (state, sums) in enumerate(run_alone(parts, **options)):
        assert_close(states[index], state)
        assert int(states[index].step) == int(state.step)
        assert float(info.loss[index]) == pytest.approx(float(sums.loss), rel=1e-4)
        assert float(info.weight[index]) == pytest.approx(float(sums.weight))


def test_without_masks_members_learn_the_same(digits):
    samples = [make_samples(digits.rows[:90], digits.labels[:90], scale=1 / 16, n_classes=10)] * 3
    parts = samples, [make_order(np.random.default_rng(seed), 90, 32) for seed in SEEDS]
    masked, free = run_together(parts), run_together(parts, active=None)
    for one, other in zip(masked[1], free[1], strict=True):
        assert_close(one, other, 1e-7)
    np.testing.assert_allclose(masked[2].loss, free[2].loss, rtol=1e-6)


def test_dropout_draws_what_it_draws_alone(parts):
    _, states, _ = run_together(parts, dropout=0.5)
    for index, (state, _) in enumerate(run_alone(parts, dropout=0.5)):
        assert_close(states[index], state)


def test_a_frozen_member_keeps_every_bit(parts):
    start, states, info = run_together(parts, active=(True, False, True))
    jax.tree.map(np.testing.assert_array_equal, states[1], start[1])
    assert info.weight[1] == 0
    assert not np.array_equal(states[0].params["layers.1.kernel"], start[0].params["layers.1.kernel"])


def test_an_epoch_may_be_cut_anywhere(parts):
    whole, cut = run_together(parts), run_together(parts, calls=2)
    jax.tree.map(np.testing.assert_array_equal, whole[1], cut[1])


def test_other_numbers_compile_nothing(parts):
    run_together(parts)
    before = training.compile_count()
    run_together(parts, rates=(0.5, 0.25, 0.125), active=(False, True, True))
    assert training.compile_count() == before


def test_only_small_dense_networks_train_together_on_a_cpu():
    wide = MODELS["mlp"]((28, 28), 10, Options(hidden_sizes=(2048, 2048)))
    assert population.members_at_once(program()) > 2
    assert population.members_at_once(program("cnn")) == 1
    assert population.members_at_once(program("resnet")) == 1
    assert population.members_at_once(Program(wide, platform="cpu")) == 1


def test_an_accelerator_takes_all_that_fit_its_memory():
    wide = MODELS["mlp"]((28, 28), 10, Options(hidden_sizes=(8192, 8192)))
    assert population.members_at_once(program("cnn", platform="gpu")) == population.MOST_MEMBERS
    assert population.members_at_once(Program(wide, platform="gpu")) < population.MOST_MEMBERS


def make_optimizer():
    raise AssertionError("never called")


def test_what_is_not_known_trains_alone():
    custom = CustomModel(lambda *_: None, (8, 8), 10)
    assert population.members_at_once(Program(custom, platform="gpu")) == 1
    assert population.members_at_once(program(optimizer=make_optimizer)) == 1


def test_members_are_chosen_by_a_mask():
    new, old = {"a": np.ones((2, 3)), "b": np.ones(2)}, {"a": np.zeros((2, 3)), "b": np.zeros(2)}
    found = population.choose(np.array([True, False]), new, old)
    np.testing.assert_array_equal(found["a"], [[1, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(found["b"], [1, 0])
