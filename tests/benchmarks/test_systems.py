"""The published systems as data."""

import json

import numpy as np
import pytest
from flax import nnx

from benchmarks.systems import ROWS, make_sigmoid_network
from jaxdigits import DigitClassifier

by_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def test_names_are_unique():
    assert len({row.name for row in ROWS}) == len(ROWS)


@by_row
def test_no_default_of_the_library_steps_in(row):
    classifier = DigitClassifier(**row.parameters())
    left = {name for name, value in classifier.get_params().items() if value == "auto"}
    assert left <= {"image_shape"}


@by_row
def test_a_row_survives_json(row):
    assert json.loads(json.dumps(row.to_plain())) == row.to_plain()


@by_row
def test_a_quick_row_is_shorter_and_trains_what_the_row_trains(row):
    quick = row.quick()
    assert quick.epochs <= row.epochs
    assert quick.n_images == 2_000
    assert quick.parameters() == row.parameters() | {"max_epochs": quick.epochs}


def test_published_accuracies_are_percentages():
    assert all(50 < row.published <= 100 and row.wording for row in ROWS if row.published is not None)


def test_sigmoid_outputs_are_log_probabilities_of_the_sizes_asked_for():
    network = make_sigmoid_network((5,))((8, 8), 10, nnx.Rngs(0))
    outputs = np.asarray(network(np.ones((3, 8, 8), np.float32)))
    assert outputs.shape == (3, 10)
    assert (outputs < 0).all()
    x = np.ones((3, 8, 8, 1), np.float32)
    for layer in list(network.layers)[:-1]:
        x = layer(x, None)
    logits = np.asarray(x)
    np.testing.assert_allclose(outputs, -np.log1p(np.exp(-logits)), rtol=1e-5)


def test_one_network_has_one_builder_so_that_it_compiles_once():
    assert make_sigmoid_network((5,)) is make_sigmoid_network((5,))
