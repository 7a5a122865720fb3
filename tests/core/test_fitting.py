import itertools
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from jaxdigits.core import fitting, training
from jaxdigits.core.fitting import Plan, Validation
from jaxdigits.core.samples import make_samples
from jaxdigits.core.specs import Dense, ModelSpec
from jaxdigits.core.training import Hyperparameters, Program

SPEC = ModelSpec((64,), 10, (Dense(10),))
PROGRAM = Program(SPEC, optimizer="sgd", schedule="one_cycle", batch_size=8)
NUMBERS = Hyperparameters(*map(np.float32, Hyperparameters(learning_rate=0.05, momentum=0.0)))
STEPS = 25  # of an epoch of 200 samples


class Recorder:
    """Writes down what a fit tells; `react` may raise or answer."""

    def __init__(self, react=lambda *_: False):
        self.calls = []
        self.react = react

    def on_start(self, max_epochs):
        self.calls.append(("start", max_epochs))

    def on_steps(self, samples_done):
        self.calls.append(("steps", samples_done))

    def on_epoch(self, record, snapshot):
        self.calls.append(("epoch", record["epoch"]))
        return self.react(record, snapshot)


@pytest.fixture(scope="module")
def samples(digits):
    return make_samples(digits.rows[:200], digits.labels[:200], scale=1 / 16)


@pytest.fixture
def validation(digits):
    return Validation(digits.rows[200:300], digits.labels[200:300], None)


def fit(samples, numbers=NUMBERS, *, program=PROGRAM, seed=0, state=None, plan=None, **options):
    if state is None:
        state = training.init(np.uint32(seed), samples, numbers, program=program)
    plan = Plan(4) if plan is None else plan
    return fitting.run(program, state, samples, numbers, generator=np.random.default_rng(seed), plan=plan, **options)


def weights(result):
    return np.asarray(result.state.params["layers.0.kernel"])


def tick(monkeypatch, seconds):
    """Give the fit a clock that only moves when it is read."""
    readings = itertools.count()
    monkeypatch.setattr(fitting, "time", SimpleNamespace(perf_counter=lambda: seconds * next(readings)))


def test_a_fit_runs_all_epochs_and_writes_a_record_of_each(samples):
    result = fit(samples)
    assert result.ending == "finished"
    assert result.best_epoch == 4
    assert int(result.state.step) == 4 * STEPS
    assert [record["epoch"] for record in result.history] == [1, 2, 3, 4]
    assert set(result.history[0]) == {
        *("epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate"),
        *("seconds", "samples_per_second"),
    }
    assert all(isinstance(value, (int, float, type(None))) for record in result.history for value in record.values())
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    assert result.history[0]["validation_loss"] is None
    assert result.history[-1]["learning_rate"] < 0.05 * 0.05


def test_validation_is_an_evaluation_after_each_epoch(samples, validation):
    result = fit(samples, validation=validation)
    variables = training.predicting_variables(result.state, PROGRAM)
    expected = training.evaluate(variables, *validation[:2], program=PROGRAM, scale=1 / 16)
    last = result.history[-1]
    assert (last["validation_loss"], last["validation_accuracy"]) == (expected.loss, expected.accuracy)


def test_the_seconds_of_an_epoch_leave_validation_out(samples, monkeypatch, validation):
    clock, evaluate = SimpleNamespace(now=0.0), training.evaluate
    monkeypatch.setattr(fitting, "time", SimpleNamespace(perf_counter=lambda: clock.now))

    def evaluate_slowly(*args, **words):
        clock.now += 100.0
        return evaluate(*args, **words)

    epoch = training.epoch

    def train(*args, **words):
        clock.now += 1.0
        return epoch(*args, **words)

    monkeypatch.setattr(training, "evaluate", evaluate_slowly)
    monkeypatch.setattr(training, "epoch", train)
    result = fit(samples, validation=validation)
    assert all(0 < record["seconds"] < 50 for record in result.history)


def test_the_same_seed_refits_bit_for_bit(samples):
    np.testing.assert_array_equal(weights(fit(samples)), weights(fit(samples)))
    assert not np.array_equal(weights(fit(samples)), weights(fit(samples, seed=1)))


@pytest.mark.parametrize("seconds", [1e-9, 0.1, 1e3])
def test_the_pace_of_the_machine_changes_no_bit(samples, monkeypatch, seconds):
    expected = weights(fit(samples))
    tick(monkeypatch, seconds)
    np.testing.assert_array_equal(weights(fit(samples)), expected)


def test_a_watcher_hears_of_the_start_the_steps_and_the_epochs(samples, monkeypatch):
    tick(monkeypatch, 0.1)  # the first calls take 16 steps, the later ones five times 0.1 s
    watcher = Recorder()
    fit(samples, watcher=watcher, plan=Plan(2))
    assert watcher.calls[0] == ("start", 2)
    assert [call for call in watcher.calls if call[0] == "epoch"] == [("epoch", 1), ("epoch", 2)]
    done = [count for kind, count in watcher.calls if kind == "steps"]
    assert done[0] == 16 * 8
    assert done.count(200) == 2
    assert watcher.calls.index(("steps", 200)) == watcher.calls.index(("epoch", 1)) - 1
    assert all(1 <= count <= 200 for count in done)


def test_a_watcher_gets_a_snapshot_only_if_it_asks(samples):
    made = []

    def snapshot(now):
        made.append((now.best_epoch, len(now.history), int(now.state.step)))
        return "network"

    seen = []

    def ask(record, take):
        if record["epoch"] == 2:
            seen.append(take())
        return False

    fit(samples, watcher=Recorder(ask), snapshot=snapshot, plan=Plan(3))
    assert made == [(2, 2, 2 * STEPS)]
    assert seen == ["network"]


def test_a_watcher_may_stop_the_fit(samples):
    result = fit(samples, watcher=Recorder(lambda record, _: record["epoch"] == 2))
    assert (len(result.history), result.ending) == (2, "finished")


def test_a_fit_goes_on_from_a_state(samples):
    first = fit(samples, plan=Plan(2))
    second = fit(samples, state=first.state, plan=Plan(3))
    assert int(second.state.step) == 5 * STEPS
    assert second.history[-1]["learning_rate"] < second.history[0]["learning_rate"] < 0.05


@pytest.mark.parametrize(("moment", "nth"), [("on_steps", 4), ("on_epoch", 2)])
def test_ctrl_c_keeps_the_last_finished_epoch(samples, monkeypatch, moment, nth):
    """In the middle of the third epoch, or right at the end of the second."""
    tick(monkeypatch, 1e-3)  # the first epoch takes two calls, the later ones one
    expected = fit(samples, watcher=Recorder(lambda record, _: record["epoch"] == 2))
    watcher, told = Recorder(), []

    def interrupt(*_):
        told.append(moment)
        if len(told) == nth:
            raise KeyboardInterrupt
        return False

    setattr(watcher, moment, interrupt)
    result = fit(samples, watcher=watcher)
    assert (result.ending, len(result.history), result.best_epoch) == ("interrupted", 2, 2)
    np.testing.assert_array_equal(weights(result), weights(expected))
    assert int(result.state.step) == 2 * STEPS


def test_ctrl_c_before_the_first_epoch_ends_leaves_the_start(samples):
    watcher = Recorder()

    def interrupt(_):
        raise KeyboardInterrupt

    watcher.on_steps = interrupt
    state = training.init(np.uint32(0), samples, NUMBERS, program=PROGRAM)
    result = fit(samples, state=state, watcher=watcher)
    assert (result.ending, result.history, result.best_epoch) == ("interrupted", [], 0)
    np.testing.assert_array_equal(weights(result), state.params["layers.0.kernel"])


DECAY = 100.0


def decaying(rate):
    """SGD whose kernel shrinks by 1 - rate * DECAY a step: beyond a rate of 2 / DECAY it explodes."""
    return NUMBERS._replace(learning_rate=np.float32(rate), weight_decay=np.float32(DECAY))


CONSTANT = Program(SPEC, optimizer="sgd", batch_size=1)


def test_a_diverging_fit_is_rolled_back_and_goes_on_at_half_the_rate(samples):
    result = fit(samples, decaying(3.5 / DECAY), program=CONSTANT, plan=Plan(3))
    assert result.ending == "finished"
    assert len(result.history) == 3
    assert np.isfinite(weights(result)).all()
    assert [record["learning_rate"] for record in result.history] == pytest.approx([1.75 / DECAY] * 3)
    assert int(result.state.step) == 3 * 200


def test_a_fit_that_diverges_at_half_the_rate_too_ends_with_its_last_good_epoch(samples):
    program = Program(SPEC, optimizer="sgd", schedule="one_cycle", batch_size=1)
    kept = []
    watcher = Recorder(lambda _, take: kept.append(take()))
    result = fit(
        samples,
        decaying(20 / DECAY),
        program=program,
        plan=Plan(100),
        watcher=watcher,
        snapshot=lambda now: weights(now),
    )
    assert result.ending == "diverged"
    assert 1 <= len(result.history) < 100
    assert all(np.isfinite(record["loss"]) for record in result.history)
    np.testing.assert_array_equal(weights(result), kept[-1])
    assert result.best_epoch == len(result.history)


RISING = Program(SPEC, optimizer="sgd", schedule="one_cycle", batch_size=1)


@pytest.mark.parametrize(
    ("program", "rate", "ending", "halves"),
    [(PROGRAM, None, "finished", False), (RISING, 3.9, "finished", True), (RISING, 20, "diverged", True)],
    ids=["well", "diverging once", "diverging twice"],
)
def test_a_fit_that_nobody_watches_runs_ahead_and_gives_the_same(samples, program, rate, ending, halves):
    numbers = NUMBERS if rate is None else decaying(rate / DECAY)
    plan = Plan(40)
    watched = fit(samples, numbers, program=program, plan=plan, watcher=Recorder())
    alone = fit(samples, numbers, program=program, plan=plan)
    assert (alone.ending, alone.best_epoch) == (watched.ending, watched.best_epoch)
    assert alone.ending == ending
    assert len(alone.history) > 1
    for ours, theirs in zip(alone.history, watched.history, strict=True):
        untimed = [name for name in ours if "second" not in name]
        assert [ours[name] for name in untimed] == [theirs[name] for name in untimed]
        assert ours["seconds"] > 0
    np.testing.assert_array_equal(weights(alone), weights(watched))
    peak = max(record["learning_rate"] for record in alone.history)
    assert (peak < 0.75 * float(numbers.learning_rate)) == halves


def test_the_device_is_not_kept_waiting_between_short_epochs(samples, monkeypatch):
    """The next epoch is handed over before the sums of the last are read."""
    told, epoch, check = [], training.epoch, fitting.is_finite
    monkeypatch.setattr(training, "epoch", lambda *args, **words: told.append("hand over") or epoch(*args, **words))
    monkeypatch.setattr(fitting, "is_finite", lambda *args: told.append("look") or check(*args))
    fit(samples, plan=Plan(5))
    assert told[-5:] == ["hand over", "look", "hand over", "look", "look"]


def test_weights_spoiled_by_the_last_step_of_an_epoch_are_noticed(samples):
    """With one step an epoch, the loss is finite and the weights are not."""
    program = Program(SPEC, optimizer="sgd", batch_size=256)
    state = training.init(np.uint32(0), samples, NUMBERS, program=program)
    numbers = NUMBERS._replace(learning_rate=np.float32(1e30), weight_decay=np.float32(1e30))
    result = fit(samples, numbers, program=program, state=state)
    assert (result.ending, result.history) == ("diverged", [])
    np.testing.assert_array_equal(weights(result), state.params["layers.0.kernel"])


def test_early_stopping_keeps_the_weights_of_the_best_epoch(samples, validation):
    wrong = Validation(validation.images, (validation.labels + 1) % 10, None)  # the more it learns, the worse
    result = fit(samples, validation=wrong, plan=Plan(30, patience=3))
    assert result.ending == "finished"
    assert len(result.history) == result.best_epoch + 3 < 30
    best = result.history[result.best_epoch - 1]
    assert best["validation_accuracy"] == max(record["validation_accuracy"] for record in result.history)
    variables = training.predicting_variables(result.state, PROGRAM)
    found = training.evaluate(variables, *wrong[:2], program=PROGRAM, scale=1 / 16)
    assert (found.loss, found.accuracy) == (best["validation_loss"], best["validation_accuracy"])
    assert int(result.state.step) == result.best_epoch * STEPS


def test_without_patience_the_last_epoch_is_kept_whatever_the_validation_says(samples, validation):
    wrong = Validation(validation.images, (validation.labels + 1) % 10, None)
    result = fit(samples, validation=wrong, plan=Plan(5))
    assert result.best_epoch == len(result.history) == 5
    assert int(result.state.step) == 5 * STEPS


def test_gains_up_to_min_delta_count_for_nothing(samples, validation):
    result = fit(samples, validation=validation, plan=Plan(30, patience=2, min_delta=0.99))
    assert (result.best_epoch, len(result.history)) == (1, 3)
    patient = fit(samples, validation=validation, plan=Plan(8, patience=8))
    assert patient.best_epoch > 1


def test_equal_accuracy_with_a_lower_loss_is_better(samples, validation):
    one = Validation(validation.images[:1], validation.labels[:1], None)  # accuracy is 0 or 1, loss falls on
    result = fit(samples, validation=one, plan=Plan(8, patience=8))
    losses = [(-record["validation_accuracy"], record["validation_loss"]) for record in result.history]
    assert result.best_epoch == 1 + losses.index(min(losses))
    assert result.best_epoch > 1


def test_validation_weights_count(samples, validation):
    heavy = np.zeros(100)
    heavy[3] = 2.0
    weighted = fit(samples, validation=validation._replace(weights=heavy), plan=Plan(1))
    single = fit(samples, validation=Validation(validation.images[3:4], validation.labels[3:4], None), plan=Plan(1))
    assert weighted.history[0]["validation_loss"] == pytest.approx(single.history[0]["validation_loss"], rel=1e-6)


class Machine:
    """Takes `pace(now)` seconds a step by a clock of its own, `compilation` for the first call, `validation` a look."""

    def __init__(self, monkeypatch, *, pace=lambda _: 0.01, compilation=0.0, validation=0.0):
        self.now, self.rates, self.calls = 0.0, [], []
        epoch, evaluate = training.epoch, training.evaluate

        def run_steps(*args, **options):
            state, info = epoch(*args, **options)
            steps = min(int(options["n_steps"]), STEPS - int(options["first_step"]))
            self.now += steps * pace(self.now) + (0.0 if self.calls else compilation)
            self.calls.append(steps)
            self.rates.append(float(info.learning_rate))
            return state, info

        def look(*args, **options):
            self.now += validation
            return evaluate(*args, **options)

        monkeypatch.setattr(fitting, "time", SimpleNamespace(perf_counter=lambda: self.now))
        monkeypatch.setattr(training, "epoch", run_steps)
        monkeypatch.setattr(training, "evaluate", look)


@pytest.mark.parametrize("compilation", [0.0, 4.0])
def test_a_time_budget_ends_the_fit_and_the_schedule_with_it(samples, monkeypatch, compilation):
    """On a machine that takes 10 ms a step, after compiling in the first call."""
    machine = Machine(monkeypatch, compilation=compilation)
    result = fit(samples, plan=Plan(10_000, max_seconds=10.0))
    rates, peak = machine.rates, np.argmax(machine.rates)
    assert result.ending == "finished"
    assert 9.9 <= machine.now <= 10.0
    assert int(result.state.step) == pytest.approx((machine.now - compilation) / 0.01)
    assert max(rates) == pytest.approx(0.05, rel=0.1)
    assert 0 < rates[-1] < 0.01 * max(rates)
    assert rates[:peak] == sorted(rates[:peak])  # the slow first call makes no jump
    assert len(result.history) == -(-int(result.state.step) // STEPS)


@pytest.mark.parametrize("pace", [lambda now: 0.01 if now < 5 else 0.03, lambda now: 0.03 if now < 5 else 0.01])
def test_the_rate_comes_to_rest_in_time_when_the_machine_changes_its_pace(samples, monkeypatch, pace):
    machine = Machine(monkeypatch, pace=pace)
    fit(samples, plan=Plan(10_000, max_seconds=10.0))
    assert 9.8 <= machine.now <= 10.3
    assert 0 < machine.rates[-1] < 0.02 * 0.05


def test_no_step_is_wasted_at_a_rate_of_zero(samples, monkeypatch):
    machine = Machine(monkeypatch)
    fit(samples, plan=Plan(10_000, max_seconds=3.0))
    assert min(machine.rates) > 0


def test_validation_counts_and_the_last_one_is_paid_for_in_advance(samples, monkeypatch, validation):
    machine = Machine(monkeypatch, validation=0.5)
    result = fit(samples, plan=Plan(10_000, max_seconds=5.0), validation=validation)
    assert 4.5 <= machine.now <= 5.1
    assert result.history[-1]["validation_accuracy"] is not None
    assert 0 < machine.rates[-1] < 0.05 * 0.05


def test_a_budget_may_have_begun_earlier(samples, monkeypatch):
    machine = Machine(monkeypatch)
    machine.now = 100.0
    fit(samples, plan=Plan(10_000, max_seconds=5.0, started=98.0))
    assert machine.now == pytest.approx(103.0, abs=0.1)


def test_the_first_steps_of_a_budget_are_few(samples, monkeypatch):
    """However slow they are, they must not eat the budget."""
    machine = Machine(monkeypatch, pace=lambda _: 1.0)
    fit(samples, plan=Plan(10_000, max_seconds=10.0))
    assert machine.calls[0] <= 2
    assert machine.now <= 11.0


def test_a_budget_longer_than_the_fit_changes_nothing(samples):
    expected = fit(samples)
    np.testing.assert_array_equal(weights(fit(samples, plan=Plan(4, max_seconds=1e6))), weights(expected))


def test_a_budget_of_nothing_still_leaves_a_record(samples):
    result = fit(samples, plan=Plan(10, max_seconds=1e-6))
    assert len(result.history) == 1
    assert np.isfinite(result.history[0]["loss"])
    assert 1 <= int(result.state.step) <= STEPS


def test_what_a_fit_leaves_is_on_the_device_of_its_samples(digits):
    device = jax.devices("cpu")[0]
    samples = make_samples(digits.rows[:200], digits.labels[:200], scale=1 / 16, device=device)
    result = fit(samples, plan=Plan(1), device=device)
    assert {leaf.device for leaf in jax.tree.leaves(result.state)} == {device}
