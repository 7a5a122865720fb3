from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxdigits.core import training
from jaxdigits.core.augmentation import as_augmentations, rotation
from jaxdigits.core.losses import evaluate_logits
from jaxdigits.core.models import MODELS, CustomModel, Options, Variables, apply
from jaxdigits.core.optimizers import OPTIMIZERS, scheduled_rate
from jaxdigits.core.samples import make_order, make_samples, row_bucket
from jaxdigits.core.specs import Activation, Conv, Dense, Flatten, MaxPool, ModelSpec
from jaxdigits.core.training import Hyperparameters, Program
from jaxdigits.errors import InputError

LINEAR = ModelSpec((8, 8), 10, (Flatten(), Dense(10)))
PERCEPTRON = ModelSpec((8, 8), 10, (Flatten(), Dense(16), Activation("relu"), Dense(10)))
CONVOLUTIONAL = ModelSpec(
    (8, 8), 10, (Conv(4), Activation("relu"), MaxPool(), Conv(6), MaxPool(), Flatten(), Dense(10))
)
SPEC = MODELS["mlp"]((8, 8), 10, Options(hidden_sizes=(16,)))
PROGRAM = Program(SPEC, optimizer="adamw", average_weights=True, schedule="one_cycle", micro_batch_size=16)
NUMBERS = Hyperparameters(*map(np.float32, Hyperparameters(learning_rate=1e-2, dropout=0.2, total_steps=40)))


@pytest.fixture(scope="module")
def samples(digits):
    """250 samples: seven whole batches of 32 and a tail of 26."""
    return make_samples(digits.rows[:250], digits.labels[:250], scale=1 / 16)


def run_epochs(samples, program=PROGRAM, numbers=NUMBERS, *, n=1, seed=0):
    state = training.init(np.uint32(seed), samples, numbers, program=program)
    generator = np.random.default_rng(seed)
    for _ in range(n):
        order = make_order(generator, int(samples.n_samples), program.batch_size)
        state, info = training.epoch(state, samples, order, numbers, program=program)
    return state, info


def assert_same_bits(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for mine, theirs in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def differs(one, other):
    return any(not np.array_equal(one.params[name], other.params[name]) for name in one.params)


@pytest.mark.parametrize(
    ("n_samples", "batch_size", "micro_batch_size"),
    [
        (256, 32, None),
        (250, 32, 8),
        (250, 48, 20),  # neither batches nor micro-batches divide anything
        (256, 96, 40),  # the last micro-batch looks beyond the end of the order
        (250, "full", 100),
    ],
)
def test_an_epoch_uses_every_sample_exactly_once(n_samples, batch_size, micro_batch_size):
    """Each sample has a column of its own, so what the epoch did with it can be read off one row of the kernel."""
    batch_size = row_bucket(n_samples) if batch_size == "full" else batch_size
    spec = ModelSpec((256,), 2, (Dense(2),))
    program = Program(spec, optimizer=make_plain_descent, batch_size=batch_size, micro_batch_size=micro_batch_size)
    samples = make_samples(np.eye(n_samples, 256, dtype=np.uint8), np.arange(n_samples) % 2, n_classes=2)
    numbers = Hyperparameters()
    state = training.init(0, samples, numbers, program=Program(spec, optimizer=make_plain_descent))
    before = np.asarray(state.params["layers.0.kernel"], np.float64)[:n_samples]
    order = make_order(np.random.default_rng(0), n_samples, batch_size)
    after, info = training.epoch(state, samples, order, numbers, program=program)

    probabilities = np.exp(before) / np.exp(before).sum(axis=1, keepdims=True)
    places = np.empty(n_samples, int)
    places[order[:n_samples]] = np.arange(n_samples)
    in_batch = np.minimum(batch_size, n_samples - places // batch_size * batch_size)
    once = (np.eye(2)[np.arange(n_samples) % 2] - probabilities) / in_batch[:, None]
    uses = (np.asarray(after.params["layers.0.kernel"])[:n_samples] - before) / (RATE * once)
    np.testing.assert_allclose(uses, 1, atol=0.1)
    assert int(after.step) == -(-n_samples // batch_size)
    assert float(info.weight) == n_samples


RATE = 0.01


def make_plain_descent():
    return optax.sgd(RATE)


@pytest.mark.parametrize("cuts", [[1], [7], [3, 4], [1, 2, 3, 4, 5, 6, 7]])
def test_an_epoch_cut_anywhere_is_the_same_bit_for_bit(samples, cuts):
    order = make_order(np.random.default_rng(0), 250, 32)
    state = training.init(np.uint32(0), samples, NUMBERS, program=PROGRAM)
    whole = training.epoch(state, samples, order, NUMBERS, program=PROGRAM)
    info = training.ZERO_INFO
    for first, stop in zip([0, *cuts], [*cuts, 100], strict=True):
        part = {"first_step": np.int32(first), "n_steps": np.int32(stop - first), "info": info}
        state, info = training.epoch(state, samples, order, NUMBERS, program=PROGRAM, **part)
    assert_same_bits((state, info), whole)


def test_a_convolutional_epoch_cut_in_two_is_the_same_bit_for_bit(samples):
    program = Program(CONVOLUTIONAL, optimizer="sgd", micro_batch_size=12)
    order = make_order(np.random.default_rng(0), 250, 32)
    state = training.init(np.uint32(0), samples, NUMBERS, program=program)
    whole = training.epoch(state, samples, order, NUMBERS, program=program)
    state, info = training.epoch(state, samples, order, NUMBERS, program=program, n_steps=np.int32(5))
    rest = training.epoch(state, samples, order, NUMBERS, program=program, first_step=np.int32(5), info=info)
    assert_same_bits(rest, whole)


def test_no_steps_change_nothing(samples):
    state = training.init(np.uint32(0), samples, NUMBERS, program=PROGRAM)
    order = make_order(np.random.default_rng(0), 250, 32)
    same, info = training.epoch(state, samples, order, NUMBERS, program=PROGRAM, n_steps=np.int32(0))
    assert_same_bits(same, state)
    assert_same_bits(info, training.ZERO_INFO)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(samples):
    first = run_epochs(samples, n=2)
    assert_same_bits(first, run_epochs(samples, n=2))
    starts = [training.init(np.uint32(seed), samples, NUMBERS, program=PROGRAM) for seed in (0, 0, 1)]
    assert_same_bits(starts[0], starts[1])
    assert differs(starts[0], starts[2])
    assert not np.array_equal(starts[0].key, starts[2].key)


def test_calls_leave_their_arguments_alive(samples):
    state = training.init(np.uint32(0), samples, NUMBERS, program=PROGRAM)
    before = jax.tree.map(np.array, state)
    order = make_order(np.random.default_rng(0), 250, 32)
    first = training.epoch(state, samples, order, NUMBERS, program=PROGRAM)
    assert_same_bits(state, before)
    assert_same_bits(training.epoch(state, samples, order, NUMBERS, program=PROGRAM), first)


@pytest.mark.parametrize("name", ["learning_rate", "weight_decay", "label_smoothing", "dropout"])
def test_every_number_matters_and_compiles_nothing(samples, name):
    base, _ = run_epochs(samples)
    compiled = training.compile_count()
    other, _ = run_epochs(samples, numbers=NUMBERS._replace(**{name: np.float32(0.3)}))
    assert differs(base, other)
    assert training.compile_count() == compiled


def test_momentum_matters_to_sgd_and_so_does_nesterov(samples):
    numbers = NUMBERS._replace(learning_rate=np.float32(0.1))
    program = Program(LINEAR, optimizer="sgd")
    base, _ = run_epochs(samples, program, numbers)
    assert differs(base, run_epochs(samples, program, numbers._replace(momentum=np.float32(0.5)))[0])
    assert differs(base, run_epochs(samples, Program(LINEAR, optimizer="sgd", nesterov=True), numbers)[0])


def test_a_rate_of_zero_measures_the_samples_and_changes_no_weight(samples, digits):
    numbers = NUMBERS._replace(learning_rate=np.float32(0), dropout=np.float32(0), label_smoothing=np.float32(0.1))
    start = training.init(np.uint32(0), samples, numbers, program=PROGRAM)
    state, info = run_epochs(samples, numbers=numbers)
    assert_same_bits(state.params, start.params)
    variables = training.predicting_variables(state, PROGRAM)
    result = training.evaluate(variables, digits.rows[:250], digits.labels[:250], program=PROGRAM, scale=1 / 16)
    assert float(info.weight) == result.n_samples == 250
    assert float(info.loss) / 250 == pytest.approx(result.loss, rel=1e-5)
    assert float(info.correct) / 250 == pytest.approx(result.accuracy)


def test_dropout_is_drawn_anew_at_every_step(samples):
    numbers = NUMBERS._replace(learning_rate=np.float32(0), dropout=np.float32(0.5))
    state = training.init(np.uint32(0), samples, numbers, program=PROGRAM)
    order = make_order(np.random.default_rng(0), 250, 32)
    losses = []
    for _ in range(3):
        state, info = training.epoch(state, samples, order, numbers, program=PROGRAM)
        losses.append(float(info.loss))
    assert len(set(losses)) == 3


def test_dropout_is_drawn_anew_in_every_micro_batch(digits):
    numbers = NUMBERS._replace(learning_rate=np.float32(0), dropout=np.float32(0.5))
    losses = []
    for n in (16, 32):  # one micro-batch and two, of one and the same picture
        samples = make_samples(np.repeat(digits.rows[:1], n, axis=0), np.zeros(n, int), scale=1 / 16, n_classes=10)
        losses.append(float(run_epochs(samples, numbers=numbers)[1].loss))
    assert losses[1] != pytest.approx(2 * losses[0], rel=1e-4)


def test_evaluation_is_weighted_and_in_the_units_of_the_training_images(samples, digits):
    state, _ = run_epochs(samples)
    variables = training.predicting_variables(state, PROGRAM)
    images, labels = digits.rows[:100], digits.labels[:100]
    logits, _ = apply(SPEC, variables, jnp.asarray(images / 16, jnp.float32), platform="cpu")
    weights = np.arange(100.0)
    expected = evaluate_logits(np.asarray(logits), labels, weights)
    for kind, scale in ((images, 1 / 16), (images.reshape(-1, 8, 8) / 16, 1.0)):
        found = training.evaluate(variables, kind, labels, program=PROGRAM, weights=weights, scale=scale)
        assert found == pytest.approx(expected, rel=1e-4)


def test_micro_batches_sum_to_the_gradient_of_the_batch(samples):
    numbers = NUMBERS._replace(dropout=np.float32(0))
    whole, parts = (
        run_epochs(samples, Program(CONVOLUTIONAL, optimizer="sgd", micro_batch_size=size), numbers)[0].params
        for size in (32, 12)
    )
    for name, array in whole.items():
        np.testing.assert_allclose(parts[name], array, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 2, 31, 32, 127, 128, 2048, 1031])
def test_preferred_micro_batch_is_whole_for_dense_networks_up_to_a_bound(batch_size):
    size = training.preferred_micro_batch(SPEC, batch_size, "cpu")
    assert size == batch_size if batch_size <= training.LARGEST_MICRO_BATCH else 500 < size <= 1024


@pytest.mark.parametrize("batch_size", [1, 2, 31, 32, 127, 128, 2048])
@pytest.mark.parametrize("side", [8, 28, 128])
def test_preferred_micro_batch_of_a_convolution_keeps_near_the_cache_on_a_cpu(batch_size, side):
    spec = MODELS["cnn"]((side, side), 10, Options())
    size = training.preferred_micro_batch(spec, batch_size, "cpu")
    patches = side * side * 9 * 32 / 4 * 4  # about the bytes of one image's largest patch matrix
    assert 1 <= size <= batch_size
    assert size >= min(batch_size, 4) / 2
    assert size <= 4 or size * patches <= 16 * training.cache_bytes()
    assert training.preferred_micro_batch(spec, batch_size, "cuda") == min(batch_size, 1024)


def test_the_schedule_is_stretched_over_a_traced_number_of_steps(samples):
    order = make_order(np.random.default_rng(0), 250, 32)
    compiled = training.compile_count()
    for total in (8, 80):
        numbers = NUMBERS._replace(total_steps=np.float32(total))
        state = training.init(np.uint32(0), samples, numbers, program=PROGRAM)
        for step in range(8):
            part = {"first_step": np.int32(step), "n_steps": np.int32(1)}
            state, info = training.epoch(state, samples, order, numbers, program=PROGRAM, **part)
            expected = scheduled_rate("one_cycle", 1e-2, step=jnp.int32(step), total_steps=total)
            assert float(info.learning_rate) == pytest.approx(float(expected), rel=1e-5)
    assert training.compile_count() <= compiled + 2


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_learns_and_honors_weight_decay(samples, optimizer):
    program = Program(PERCEPTRON, optimizer=optimizer, schedule="one_cycle")
    rate = {"sgd": 0.05, "muon": 0.05}.get(optimizer, 0.01)
    numbers = NUMBERS._replace(learning_rate=np.float32(rate), total_steps=np.float32(80))
    _, first = run_epochs(samples, program, numbers)
    state, last = run_epochs(samples, program, numbers, n=10)
    assert float(last.loss) < 0.3 * float(first.loss)
    assert float(last.correct) / 250 > 0.85
    decayed, _ = run_epochs(samples, program, numbers._replace(weight_decay=np.float32(0.5)), n=10)
    for name in ("layers.1.kernel", "layers.3.kernel"):
        assert np.linalg.norm(decayed.params[name]) < 0.95 * np.linalg.norm(state.params[name])


def test_a_factory_of_the_users_own_learns(samples):
    program = Program(LINEAR, optimizer=partial(optax.chain, optax.clip(1.0), optax.adam(1e-2)))
    _, info = run_epochs(samples, program, n=10)
    assert float(info.correct) / 250 > 0.9


def test_weights_are_averaged_with_a_decay_that_grows_with_age(samples):
    numbers = NUMBERS._replace(average_decay=np.float32(0.4))
    state = training.init(np.uint32(0), samples, numbers, program=PROGRAM)
    order = make_order(np.random.default_rng(0), 250, 32)
    expected = np.asarray(state.params["layers.1.kernel"], np.float64)
    for step in range(8):
        part = {"first_step": np.int32(step), "n_steps": np.int32(1)}
        state, _ = training.epoch(state, samples, order, numbers, program=PROGRAM, **part)
        decay = min(0.4, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * np.asarray(state.params["layers.1.kernel"])
    np.testing.assert_allclose(state.average["layers.1.kernel"], expected, atol=1e-6)
    assert_same_bits(training.predicting_variables(state, PROGRAM).params, state.average)


def test_a_program_that_averages_nothing_predicts_with_its_params(samples):
    state = training.init(np.uint32(0), samples, NUMBERS, program=Program(LINEAR, optimizer="sgd"))
    assert state.average == {}
    assert_same_bits(training.predicting_variables(state, Program(LINEAR, optimizer="sgd")).params, state.params)


def test_padded_classes_and_columns_learn_nothing(digits):
    rows = digits.rows[digits.labels < 3][:200, 16:48]
    labels = digits.labels[digits.labels < 3][:200]
    spec = ModelSpec((64,), 10, (Dense(16), Activation("relu"), Dense(10)))
    samples = make_samples(rows, labels, scale=1 / 16, width=64, n_classes=3)
    program = Program(spec, batch_size=16)
    numbers = NUMBERS._replace(label_smoothing=np.float32(0.1))
    start = training.init(np.uint32(0), samples, numbers, program=program).params
    state, info = run_epochs(samples, program, numbers, n=5)
    assert float(info.correct) / 200 > 0.9
    np.testing.assert_array_equal(state.params["layers.2.kernel"][:, 3:], start["layers.2.kernel"][:, 3:])
    np.testing.assert_array_equal(state.params["layers.0.kernel"][32:], start["layers.0.kernel"][32:])
    assert not np.array_equal(state.params["layers.2.kernel"][:, :3], start["layers.2.kernel"][:, :3])


def test_columns_that_only_pad_do_not_shrink_the_initial_weights():
    spec = MODELS["mlp"]((64,), 10, Options(hidden_sizes=(1000,)))
    samples = make_samples(np.zeros((5, 4)), np.arange(5), width=64)
    kernel = training.init(0, samples, Hyperparameters(), program=Program(spec)).params["layers.1.kernel"]
    assert np.var(kernel) * 4 == pytest.approx(2, rel=0.05)


class Normalized(nnx.Module):
    """A user's own module, with batch statistics and dropout."""

    def __init__(self, n_classes, rngs):
        self.hidden = nnx.Linear(64, 24, rngs=rngs)
        self.norm = nnx.BatchNorm(24, momentum=0.8, rngs=rngs)
        self.dropout = nnx.Dropout(0.2, rngs=rngs)
        self.out = nnx.Linear(24, n_classes, rngs=rngs)

    def __call__(self, images):
        x = self.hidden(images.reshape(images.shape[0], -1))
        return self.out(self.dropout(nnx.relu(self.norm(x))))


def build_normalized(_shape, n_classes, rngs):
    return Normalized(n_classes, rngs)


def test_a_module_of_the_users_own_learns_and_predicts_with_its_running_statistics(samples, digits):
    program = Program(CustomModel(build_normalized, (8, 8), 10))
    state, info = run_epochs(samples, program, n=8)
    assert float(info.correct) / 250 > 0.8
    variables = training.predicting_variables(state, program)
    images, labels = digits.rows[:250], digits.labels[:250]
    result = training.evaluate(variables, images, labels, program=program, scale=1 / 16)
    assert result.accuracy > 0.9
    # alone, a row has no batch statistics: it must be read with those of training
    alone = [
        training.evaluate(variables, images[i : i + 1], labels[i : i + 1], program=program, scale=1 / 16)
        for i in range(20)
    ]
    among = training.evaluate(variables, images[:20], labels[:20], program=program, scale=1 / 16)
    assert np.mean([one.loss for one in alone]) == pytest.approx(among.loss, rel=1e-6)
    hidden = images / 16 @ state.params["hidden.kernel"] + state.params["hidden.bias"]
    np.testing.assert_allclose(state.extras["norm.mean"], hidden.mean(axis=0), atol=1.0)
    assert int(state.extras["dropout.rngs.count"]) == 8 * 8
    assert_same_bits(run_epochs(samples, program, n=8)[0], state)


def test_bfloat16_learns_and_keeps_its_params_in_float32(samples):
    program = Program(LINEAR, precision="bfloat16")
    state, info = run_epochs(samples, program, n=8)
    assert {leaf.dtype for leaf in state.params.values()} == {np.dtype("float32")}
    assert float(info.correct) / 250 > 0.8
    order = make_order(np.random.default_rng(0), 250, 32)
    for precision, used in (("bfloat16", True), ("float32", False)):
        program = Program(LINEAR, precision=precision)
        lowered = jax.jit(partial(training.epoch, program=program)).lower(state, samples, order, NUMBERS)
        assert ("bf16" in lowered.as_text()) is used


def test_the_core_runs_inside_anyones_vmap(samples):
    program = Program(PERCEPTRON, optimizer="adamw", schedule="one_cycle")
    order = make_order(np.random.default_rng(0), 250, 32)

    def fit(seed, learning_rate):
        numbers = NUMBERS._replace(learning_rate=learning_rate)
        state = training.init(seed, samples, numbers, program=program)
        return training.epoch(state, samples, order, numbers, program=program)[0].params

    seeds, rates = np.arange(2, dtype=np.uint32), np.array([1e-2, 1e-3], np.float32)
    members = jax.jit(jax.vmap(fit))(seeds, rates)
    for member in range(2):
        for name, array in fit(seeds[member], rates[member]).items():
            np.testing.assert_allclose(members[name][member], array, atol=1e-5)


def test_part_of_an_epoch_is_the_same_program_as_all_of_it(samples):
    program = Program(LINEAR, optimizer="sgd", batch_size=64)
    run_epochs(samples, program)
    before = training.compile_count()
    state = training.init(np.uint32(0), samples, NUMBERS, program=program)
    order = make_order(np.random.default_rng(0), 250, 64)
    for part in ({"n_steps": np.int32(1)}, {"first_step": np.int32(1)}, {"info": training.ZERO_INFO}):
        training.epoch(state, samples, order, NUMBERS, program=program, **part)
    assert training.compile_count() == before


def test_compile_count_counts_programs_once(samples):
    program = Program(LINEAR, batch_size=64)
    before = training.compile_count()
    state, _ = run_epochs(samples, program, n=3)
    assert training.compile_count() == before + 2
    training.evaluate(Variables(state.params, {}), np.zeros((40, 64), np.uint8), np.zeros(40, int), program=program)
    assert training.compile_count() == before + 3


# ---- augmentation ----

STILL = NUMBERS._replace(learning_rate=np.float32(0), dropout=np.float32(0))


def augmented(*members, **changes):
    return replace(PROGRAM, augment=as_augmentations(members), **changes)


def test_augmented_training_repeats_bit_for_bit_and_differs_from_plain(samples):
    program = augmented("shift", "rotation", "blur", "speckle")
    first = run_epochs(samples, program, n=2)
    assert_same_bits(first, run_epochs(samples, program, n=2))
    assert differs(first[0], run_epochs(samples, n=2)[0])
    order = make_order(np.random.default_rng(0), 250, 32)
    state = training.init(np.uint32(0), samples, NUMBERS, program=program)
    whole = training.epoch(state, samples, order, NUMBERS, program=program)
    state, info = training.epoch(state, samples, order, NUMBERS, program=program, n_steps=np.int32(3))
    rest = training.epoch(state, samples, order, NUMBERS, program=program, first_step=np.int32(3), info=info)
    assert_same_bits(rest, whole)


def test_an_augmentation_gets_normalized_pictures_in_the_models_shape():
    shapes = []

    def whiten(_key, images):
        shapes.append(images.shape)
        return 0.5 * images

    spec = ModelSpec((2, 3), 2, (Flatten(), Dense(2)))
    samples = make_samples(np.full((40, 6), 200, np.uint8), np.arange(40) % 2, scale=1 / 200)
    plain = make_samples(np.full((40, 6), 100, np.uint8), np.arange(40) % 2, scale=1 / 200)
    program = Program(spec, augment=(whiten,), micro_batch_size=8)
    found = run_epochs(samples, program)
    assert set(shapes) == {(8, 2, 3)}
    assert_same_bits(found[0].params, run_epochs(plain, replace(program, augment=()))[0].params)


def test_draws_are_new_at_every_step_and_in_every_micro_batch(digits):
    losses = []
    for n in (16, 32):  # one micro-batch and two, of one and the same picture
        samples = make_samples(np.repeat(digits.rows[:1], n, axis=0), np.zeros(n, int), scale=1 / 16, n_classes=10)
        losses.append(float(run_epochs(samples, augmented("speckle"), STILL)[1].loss))
    assert losses[1] != pytest.approx(2 * losses[0], rel=1e-6)
    state = training.init(np.uint32(0), samples, STILL, program=augmented("speckle"))
    order = make_order(np.random.default_rng(0), 32, 32)
    epochs = []
    for _ in range(3):
        state, info = training.epoch(state, samples, order, STILL, program=augmented("speckle"))
        epochs.append(float(info.loss))
    assert len(set(epochs)) == 3


def test_dropout_draws_the_same_beside_an_augmentation(samples):
    def nothing(_key, images):
        return images

    numbers = NUMBERS._replace(dropout=np.float32(0.5))
    assert_same_bits(
        run_epochs(samples, augmented(nothing), numbers)[0].params, run_epochs(samples, numbers=numbers)[0].params
    )


def test_evaluation_is_not_augmented(samples, digits):
    state, _ = run_epochs(samples, augmented("speckle", "blur"))
    variables = training.predicting_variables(state, PROGRAM)
    results = [
        training.evaluate(variables, digits.rows[:100], digits.labels[:100], program=program, scale=1 / 16)
        for program in (PROGRAM, augmented("speckle", "blur"))
    ]
    assert results[0] == results[1]


def test_equal_strengths_share_a_program_and_others_do_not(samples):
    run_epochs(samples, augmented(partial(rotation, degrees=7.0)))
    compiled = training.compile_count()
    run_epochs(samples, augmented(partial(rotation, degrees=7.0)))
    assert training.compile_count() == compiled
    run_epochs(samples, augmented(partial(rotation, degrees=8.0)))
    assert training.compile_count() > compiled


def test_rows_that_are_no_pictures_are_not_augmented(samples):
    program = Program(ModelSpec((64,), 10, (Dense(10),)), augment=("shift",))
    with pytest.raises(
        InputError, match=r"^augment must be \(\) where rows are no pictures, got \('shift',\) .* \(64,\)"
    ):
        run_epochs(samples, program)


def test_bfloat16_rounds_after_the_augmentation(samples):
    full, half = (
        run_epochs(samples, augmented("rotation", precision=precision), STILL)[1]
        for precision in ("float32", "bfloat16")
    )
    assert float(half.loss) != float(full.loss)
    assert float(half.loss) == pytest.approx(float(full.loss), rel=0.02)
