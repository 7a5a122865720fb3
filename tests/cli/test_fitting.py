"""Tests of jaxdigits.cli.fitting."""

import argparse

import numpy as np
import pytest

from jaxdigits.cli.fitting import hold_out, make_classifier, parse_settings
from jaxdigits.core.recipes import RECIPES
from jaxdigits.data.datasets import Dataset
from jaxdigits.errors import InputError

KNOWN = ["dropout", "hidden_sizes", "optimizer", "early_stopping", "max_epochs", "device"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("dropout=0.5", 0.5),
        ("dropout = 0.5", 0.5),
        ("hidden_sizes=(10,)", (10,)),
        ("hidden_sizes=10,", (10,)),
        ("early_stopping=True", True),
        ("device=None", None),
        ("optimizer=adam", "adam"),
        ("optimizer='adam'", "adam"),
        ("optimizer=__import__('os')", "__import__('os')"),
        ("optimizer=a=b", "a=b"),
        ("optimizer=", ""),
    ],
)
def test_values_are_literals_or_text_and_never_run(setting, value):
    (parsed,) = parse_settings([setting], KNOWN).values()
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["dropout"], "must be NAME=VALUE, got 'dropout'"),
        (["drop_out=1"], "Did you mean dropout?"),
        (["zebra=1"], "Use one of: device, dropout, early_stopping"),
        (["dropout=0", "dropout=1"], "twice"),
        (["max_epochs=3"], "Use --epochs"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings, words):
    with pytest.raises(InputError, match="--set") as caught:
        parse_settings(settings, KNOWN)
    assert words in str(caught.value)


def test_the_options_reach_the_classifier():
    args = argparse.Namespace(epochs=7, recipe=None, seed=3, settings=["dropout=0.25"])
    classifier = make_classifier(args, model="mlp")
    assert (classifier.model, classifier.max_epochs, classifier.random_state) == ("mlp", 7, 3)
    assert (classifier.dropout, classifier.verbose) == (0.25, 0)


def test_options_go_before_the_recipe():
    args = argparse.Namespace(epochs=7, recipe="accurate", seed=3, settings=["dropout=0.25", "augment=shift"])
    classifier = make_classifier(args, model="lenet5")
    assert (classifier.model, classifier.max_epochs, classifier.augment) == ("lenet5", 7, "shift")
    args = argparse.Namespace(epochs=None, recipe="accurate", seed=3, settings=[])
    params = make_classifier(args, model="auto").get_params()
    assert RECIPES["accurate"].items() <= params.items()


def make_dataset(counts):
    y = np.repeat(np.arange(len(counts)), counts)
    return Dataset(np.arange(len(y))[:, None] * np.ones((1, 64)), y)


def test_a_tenth_is_held_out_of_every_class():
    rest, held_out = hold_out(make_dataset([50, 30]), None, seed=0)
    assert np.bincount(rest.y).tolist() == [45, 27]
    assert np.bincount(held_out.y).tolist() == [5, 3]
    assert not set(rest.X[:, 0]) & set(held_out.X[:, 0])


@pytest.mark.parametrize("counts", [[50, 1], [5, 5]])
def test_nothing_is_held_out_of_too_little_unless_it_is_asked_for(counts):
    dataset = make_dataset(counts)
    assert hold_out(dataset, None, seed=0) == (dataset, None)
    with pytest.raises(InputError, match="--holdout must leave a sample or more of each of 2 classes"):
        hold_out(dataset, 0.1, seed=0)


def test_nothing_is_held_out_where_the_share_is_zero():
    dataset = make_dataset([50, 50])
    assert hold_out(dataset, 0.0, seed=0) == (dataset, None)
