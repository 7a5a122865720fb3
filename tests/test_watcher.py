import pytest

from jaxdigits import DigitClassifier
from jaxdigits.watcher import Watcher

RECORD = {"epoch": 1, "loss": 0.5, "accuracy": 0.75, "validation_loss": None, "validation_accuracy": None}


def test_the_display_is_told_of_every_epoch(capsys):
    watcher = Watcher(DigitClassifier(verbose=1), 100, None)
    with watcher.progress:
        watcher.on_start(2)
        watcher.on_steps(50)
        assert watcher.on_epoch(RECORD, None) is False
    watcher.close()
    assert "epoch 1/2  loss 0.5000  accuracy 75.00 %" in capsys.readouterr().err


def test_without_callbacks_no_network_is_made_for_them():
    def snapshot():
        pytest.fail("nobody asked")

    watcher = Watcher(DigitClassifier(), 100, ([[0.0]], [0]))
    watcher.on_start(1)
    assert watcher.on_epoch(RECORD, snapshot) is False


def test_nobody_listens_unless_there_is_a_display_or_a_callback():
    clf = DigitClassifier()
    data = ([[0.0]], [0])
    assert not Watcher(clf, 1, data).listens
    assert Watcher(DigitClassifier(verbose=1), 1, data).listens
    clf._skl_callbacks = []
    assert Watcher(clf, 1, data).listens
    assert not Watcher(clf, 1, None).listens
