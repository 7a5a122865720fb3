"""Every check that scikit-learn has for estimators: no expected failures, no exemption by tags."""

import os
import unittest

import pytest
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, parametrize_with_checks

from jaxdigits import DigitClassifier, VectorizedSearchCV

# What the environment lacks, not the estimator: the check of array API dispatch asks for this variable at start-up.
SKIPS = set() if os.environ.get("SCIPY_ARRAY_API") else {"check_array_api_input"}


def run_check(estimator, check):
    name = getattr(check, "func", check).__name__
    try:
        check(estimator)
    except unittest.SkipTest:
        assert name in SKIPS
        raise


# The checks seed an estimator's own `random_state` only, not that of the estimator inside.
SEARCH = VectorizedSearchCV(
    DigitClassifier("linear", random_state=0), {"learning_rate": [0.01, 0.05]}, cv=2, error_score="raise"
)


@parametrize_with_checks(
    [
        DigitClassifier(),
        DigitClassifier("linear"),
        DigitClassifier("mlp"),
        DigitClassifier("linear", n_members=2),
    ]
)
def test_scikit_learn_accepts(estimator, check):
    run_check(estimator, check)


@parametrize_with_checks([SEARCH])
def test_scikit_learn_accepts_a_search(estimator, check):
    run_check(estimator, check)


@pytest.mark.slow
@parametrize_with_checks([DigitClassifier("cnn"), DigitClassifier("mlp", n_members=2)])
def test_scikit_learn_accepts_a_convolutional_network(estimator, check):
    run_check(estimator, check)


@pytest.mark.parametrize("model", ["auto", "linear"])
def test_column_names_are_kept_and_compared(model):
    check_dataframe_column_names_consistency("DigitClassifier", DigitClassifier(model, max_epochs=1))


def test_no_tag_asks_for_lenience():
    tags = DigitClassifier().__sklearn_tags__()
    assert not tags.non_deterministic
    assert not tags.no_validation
    assert not tags._skip_test
    assert not tags.array_api_support
    assert not tags.classifier_tags.poor_score
    assert not tags.classifier_tags.multi_label
    assert tags.classifier_tags.multi_class
    assert tags.input_tags.two_d_array
    assert tags.input_tags.three_d_array
    assert tags.input_tags.sparse
    assert not tags.input_tags.allow_nan
    assert not tags.input_tags.positive_only
    assert tags.target_tags.required
