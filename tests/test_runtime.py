"""Layers in NumPy: that all of the format are there, and each activation against JAX's own.

Whole networks are compared in test_lite.py, through the door that users take.
"""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdigits.bundle import LAYER_SHAPES, encode_labels, expected_shapes
from jaxdigits.runtime import ACTIVATIONS, LAYERS, make_steps, run, split_members

REFERENCE_ACTIVATIONS = {
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "gelu": jax.nn.gelu,
    "log_sigmoid": jax.nn.log_sigmoid,
}


def test_every_layer_of_the_format_can_be_run():
    assert set(LAYERS) == set(LAYER_SHAPES)
    for name in ACTIVATIONS:
        expected_shapes(
            {"input_shape": [1], "n_classes": 1, "layers": [{"kind": "Activation", "name": name}]},
            {"classes": encode_labels([0]), "n_features": 1},
        )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_neither_warn_nor_drift_far_from_zero(name):
    x = np.concatenate([np.linspace(-12, 12, 4801), [0.0, -0.0, 1e-30, 88, -88, 1e4, -1e4, 3e38, -3e38]])
    x = x.astype(np.float32)
    before = x.copy()
    y = ACTIVATIONS[name](x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, REFERENCE_ACTIVATIONS[name](jnp.asarray(x)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(x, before)


def test_steps_run_in_order_with_the_arrays_of_their_layer_and_can_be_pickled():
    layers = [
        {"kind": "Dense", "features": 1},
        {"kind": "Activation", "name": "relu"},
        {"kind": "Dense", "features": 2},
    ]
    arrays = {
        "layers.0.kernel": np.array([[1.0], [-1.0]], np.float32),
        "layers.0.bias": np.array([1.0], np.float32),
        "layers.2.kernel": np.array([[10.0, 20.0]], np.float32),
        "layers.2.bias": np.array([0.5, 0.0], np.float32),
    }
    steps = pickle.loads(pickle.dumps(make_steps(layers, arrays)))
    x = np.array([[2.0, 1.0], [0.0, 5.0]], np.float32)
    np.testing.assert_array_equal(run(x, steps), [[20.5, 40.0], [0.5, 0.0]])


def test_members_have_their_own_layers_and_a_common_input():
    arrays = {"input.scale": np.ones(3), "layers.0.bias": np.arange(6).reshape(3, 2)}
    assert split_members(arrays, 1) == [arrays]
    members = split_members(arrays, 3)
    assert [member["layers.0.bias"].tolist() for member in members] == [[0, 1], [2, 3], [4, 5]]
    assert all(member.keys() == {"layers.0.bias"} for member in members)
