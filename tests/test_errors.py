"""Errors: what each is a kind of, for those who catch it."""

import inspect
import pickle

import pytest

from jaxdigits import errors
from jaxdigits.errors import DatasetError, DivergenceError, InputError, JaxDigitsError, ModelFileError

ALL = [each for _, each in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("error", ALL)
def test_one_clause_catches_every_error(error):
    with pytest.raises(JaxDigitsError, match="what to do"):
        raise error("what to do")


@pytest.mark.parametrize("error", [InputError, DatasetError, ModelFileError])
def test_the_users_mistakes_are_value_errors(error):
    assert issubclass(error, InputError)
    assert issubclass(error, ValueError)


def test_divergence_is_arithmetic_and_not_the_users_mistake():
    assert issubclass(DivergenceError, ArithmeticError)
    assert not issubclass(DivergenceError, InputError)


@pytest.mark.parametrize("error", ALL)
def test_errors_survive_pickling(error):
    # As joblib sends them back from its workers.
    copy = pickle.loads(pickle.dumps(error("what to do")))
    assert type(copy) is error
    assert str(copy) == "what to do"
