"""Tests of jaxdigits.cli.results."""

from types import SimpleNamespace

import numpy as np
import pytest

from jaxdigits.cli.results import count_phrase, describe_confusions, judge
from jaxdigits.errors import InputError

PROBABILITIES = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
MODEL = SimpleNamespace(classes_=np.array([4, 9]), predict_proba=lambda _X: PROBABILITIES)


def test_a_model_is_judged_by_its_probabilities():
    result = judge(MODEL, np.zeros((3, 64)), np.array([4, 4, 4]))
    assert (result.n_right, result.n_samples) == (2, 3)
    assert result.predictions.tolist() == [4, 9, 4]
    assert result.log_loss == pytest.approx(-np.log([0.9, 0.4, 0.7]).mean())


def test_a_label_that_the_model_does_not_know_is_refused():
    with pytest.raises(InputError, match="got 7"):
        judge(MODEL, np.zeros((3, 64)), np.array([4, 7, 4]))


def test_confusions_are_told_in_words():
    y = np.array([4, 4, 4])
    result = judge(MODEL, np.zeros((3, 64)), y)
    assert describe_confusions(y, result, where="in the test").splitlines() == [
        "Commonest confusions in the test:",
        "  4 read as 9: 1 time",
    ]
    assert describe_confusions(result.predictions, result) == "No mistakes."


@pytest.mark.parametrize(("count", "text"), [(0, "0 rows"), (1, "1 row"), (1234, "1,234 rows")])
def test_nouns_are_counted(count, text):
    assert count_phrase(count, "row") == text
