"""Tests of jaxdigits.report.values."""

import functools

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from jaxdigits import DigitClassifier, __version__
from jaxdigits.report.values import constructor_call, list_versions, write_value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(0.5), "0.5"),
        ((64,), "(64,)"),
        ([1, "a"], "[1, 'a']"),
        ({"b": np.int64(2)}, "{'b': 2}"),
        (None, "None"),
        (parse := functools.partial, "partial"),
        (parse(int, base=2), "partial"),
        (MinMaxScaler(), "MinMaxScaler()"),
        (MinMaxScaler, "MinMaxScaler"),
    ],
    ids=["float", "tuple", "list", "dict", "none", "class", "partial", "estimator", "type"],
)
def test_values_are_written_without_addresses_and_types_of_numpy(value, text):
    assert write_value(value) == text


def test_the_call_makes_the_same_estimator_again():
    clf = DigitClassifier("cnn", hidden_sizes=(32, 16), class_weight={0: 2.0}, random_state=5)
    again = eval(constructor_call(clf))
    assert again.get_params() == clf.get_params()


def test_the_call_names_only_what_is_not_at_its_default():
    assert constructor_call(DigitClassifier(model="mlp")) == "DigitClassifier(model='mlp')"


def test_a_pipeline_is_written_with_its_steps():
    call = constructor_call(make_pipeline(StandardScaler(with_mean=False), DigitClassifier("linear")))
    assert "StandardScaler(with_mean=False)" in call
    assert "DigitClassifier(model='linear')" in call


def test_versions_are_those_installed():
    versions = list_versions()
    assert versions["jaxdigits"] == __version__
    assert versions["numpy"] == np.__version__
    assert all(isinstance(each, str) and each for each in versions.values())
