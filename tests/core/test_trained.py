import jax
import numpy as np
import pytest

from jaxdigits.core import trained
from jaxdigits.core.inputs import InputView, Normalization
from jaxdigits.core.models import MODELS, Options, init_variables
from jaxdigits.core.trained import TrainedNetwork, explain, predict_logits
from jaxdigits.errors import InputError

ROWS = np.random.default_rng(0).random((5, 16), np.float32)
ARCHITECTURES = {"linear": Options(), "mlp": Options(hidden_sizes=(6,)), "cnn": Options((4,), (2,))}


def make_network(seed=0, *, name="linear", n_members=None, offset=0.0, scale=1.0):
    """Draw the weights of a network, or of several, on pictures of 4x4 and 10 classes."""
    spec = MODELS[name]((4, 4), 10, ARCHITECTURES[name])
    drawn = [init_variables(spec, jax.random.key(seed + k)).params for k in range(n_members or 1)]
    params = {key: np.stack([np.asarray(one[key]) for one in drawn]) for key in drawn[0]}
    if n_members is None:
        params = {key: np.array(array[0]) for key, array in params.items()}
    units = Normalization(np.full(1, offset, np.float32), np.full(1, scale, np.float32))
    view = InputView((4, 4), (0.0, 1.0))
    return TrainedNetwork(spec.to_plain(), params, {}, view, units, 10, n_members or 1)


def test_a_linear_network_is_a_product_in_the_units_it_was_trained_in():
    network = make_network(offset=0.25, scale=4.0)
    found = predict_logits(ROWS, network)
    assert found.shape == (1, 5, 10)
    expected = (ROWS - 0.25) * 4 @ network.params["layers.1.kernel"] + network.params["layers.1.bias"]
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_ensemble_says_what_each_of_its_members_says_alone(name):
    together = predict_logits(ROWS, make_network(name=name, n_members=3))
    assert together.shape == (3, 5, 10)
    for seed, logits in enumerate(together):
        np.testing.assert_array_equal(logits, predict_logits(ROWS, make_network(seed, name=name))[0])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_many_networks_are_told_apart_however_often_they_take_turns(name):
    networks = [make_network(seed, name=name) for seed in range(trained.MAX_PLACED + 3)]
    expected = [predict_logits(ROWS, network) for network in networks]
    for _ in range(3):
        for network, logits in zip(networks, expected, strict=True):
            np.testing.assert_array_equal(predict_logits(ROWS, network), logits)
    assert len({logits.tobytes() for logits in expected}) == len(networks)
    assert len(trained._placed) <= trained.MAX_PLACED


def test_weights_that_were_asked_can_no_longer_be_changed_behind_the_back():
    network = make_network()
    predict_logits(ROWS, network)
    with pytest.raises(ValueError, match="read-only"):
        network.params["layers.1.kernel"][0, 0] = 1.0


def test_a_linear_network_is_explained_by_its_weights():
    network = make_network(n_members=2)
    maps = explain(ROWS, np.arange(5), network, method="gradient", temperature=2.0)
    assert maps.shape == (5, 4, 4)
    # more ink moves the members' mean probability, which the temperature acts on
    step = 1e-3 * np.eye(16, dtype=np.float32)[6]
    moved = [_say(predict_logits(ROWS + sign * step, network), temperature=2.0) for sign in (1, -1)]
    slope = (moved[0] - moved[1])[np.arange(5), np.arange(5)] / 2e-3
    np.testing.assert_allclose(maps[:, 1, 2], slope, atol=1e-3)


def test_a_missing_device_is_refused():
    with pytest.raises(InputError, match="got 'gpu'"):
        predict_logits(ROWS, make_network(), device="gpu")


def _say(logits, *, temperature):
    """Logarithms of the probabilities of an ensemble."""
    odds = np.exp(logits.astype(np.float64))
    mean = (odds / odds.sum(axis=2, keepdims=True)).mean(axis=0) ** (1 / temperature)
    return np.log(mean / mean.sum(axis=1, keepdims=True))
