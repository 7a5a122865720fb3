import numpy as np
import pytest

from jaxdigits import DigitClassifier
from jaxdigits.core import chunks, joint_fitting
from jaxdigits.core.ensemble import learn_ensemble, learn_many, member_seeds
from jaxdigits.core.learner import learn
from jaxdigits.core.tasks import Labeled, Start, prepare
from jaxdigits.errors import InputError

ASKED = {
    **DigitClassifier().get_params(),
    **{"model": "mlp", "hidden_sizes": (8,), "max_epochs": 2, "batch_size": 32, "optimizer": "adam"},
}


def make_task(digits, seed=0, start=None, **asked):
    samples = Labeled(digits.rows[:90], digits.labels[:90], None)
    return prepare(samples, {**ASKED, **asked}, n_classes=10, seed=seed, start=start)


def member(learned, index):
    return {name: array[index] for name, array in learned.params.items()}


def assert_close(one, other):
    assert set(one) == set(other)
    for name, array in one.items():
        np.testing.assert_allclose(array, other[name], rtol=0, atol=2e-5)


class Listener:
    """Notes what it is told, and asks for a network as of now."""

    def __init__(self, interrupt_at=None):
        self.max_epochs, self.records, self.networks, self.interrupt_at = None, [], [], interrupt_at

    def on_start(self, max_epochs):
        assert self.max_epochs is None
        self.max_epochs = max_epochs

    def on_steps(self, samples_done):
        pass

    def on_epoch(self, record, snapshot):
        self.records.append(record)
        self.networks.append(snapshot().n_members)
        if len(self.records) == self.interrupt_at:
            raise KeyboardInterrupt
        return False


def test_the_first_member_is_the_network_one_would_have_had_alone(digits):
    learned = learn_ensemble(make_task(digits), 3)
    assert_close(member(learned, 0), learn(make_task(digits)).params)
    assert not np.allclose(member(learned, 1)["layers.1.kernel"], member(learned, 2)["layers.1.kernel"])
    assert (learned.n_members, len(learned.history), learned.best_epoch) == (3, 2, 2)


def test_members_that_train_one_after_another_learn_the_same(digits, monkeypatch):
    together = learn_ensemble(make_task(digits), 2)
    monkeypatch.setattr(joint_fitting, "reason_to_train_alone", lambda _: "so that it does")
    in_turn = learn_ensemble(make_task(digits), 2)
    assert_close(together.params, in_turn.params)
    for one, other in zip(together.history, in_turn.history, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("asked", "epochs", "networks"), [({}, 2, [2, 2]), ({"model": "cnn", "channels": (2,)}, 4, [1, 1, 2, 2])]
)
def test_a_watcher_follows_all_members(digits, asked, epochs, networks):
    listener = Listener()
    learn_ensemble(make_task(digits, **asked), 2, watcher=listener)
    assert listener.max_epochs == len(listener.records) == epochs
    assert listener.networks == networks


@pytest.mark.parametrize(("asked", "n_members"), [({}, 2), ({"model": "cnn", "channels": (2,)}, 1)])
def test_ctrl_c_keeps_the_members_that_have_finished_an_epoch(digits, asked, n_members):
    learned = learn_ensemble(make_task(digits, **asked), 2, watcher=Listener(interrupt_at=1))
    assert learned.ending == "interrupted"
    assert learned.n_members == n_members
    assert len(learned.history) == 1


def test_ctrl_c_at_once_leaves_nothing(digits, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(chunks.Chunk, "set_out", interrupt)
    learned = learn_ensemble(make_task(digits), 2)
    assert (learned.ending, learned.history) == ("interrupted", [])


def test_members_share_a_time_budget(digits):
    learned = learn_ensemble(make_task(digits, max_seconds=0.5, max_epochs=100_000), 2)
    assert learned.n_members == 2
    assert learned.ending == "finished"
    assert learned.n_steps < 100_000


def test_an_ensemble_goes_on_member_by_member(digits):
    first = learn_ensemble(make_task(digits), 2)
    start = Start(
        first.params, first.extras, first.view, first.normalization, first.opt_leaves, first.n_steps, first.n_members
    )
    second = learn_ensemble(make_task(digits, start=start), 2)
    assert second.n_steps == 2 * first.n_steps
    alone = start._replace(params=member(first, 1), opt_leaves=[leaf[1] for leaf in first.opt_leaves], n_members=1)
    assert_close(member(second, 1), learn(make_task(digits, seed=member_seeds(0, 2)[1], start=alone)).params)
    with pytest.raises(InputError, match=r"n_members must be 2, .* got 3"):
        learn_ensemble(make_task(digits, start=start), 3)


def test_many_tasks_of_several_kinds_come_back_in_order(digits):
    kinds = [{}, {"batch_size": 16}, {"learning_rate": 0.1}]
    found = learn_many([make_task(digits, **kind) for kind in kinds], [1, 2, 1])
    assert [learned.n_members for learned in found] == [1, 2, 1]
    for kind, learned in zip(kinds, found, strict=True):
        assert_close(
            learned.params if learned.n_members == 1 else member(learned, 0), learn(make_task(digits, **kind)).params
        )
