from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxdigits.core.layers import ACTIVATIONS, Noise
from jaxdigits.core.models import (
    CNN,
    IMAGE_MODELS,
    MLP,
    MODELS,
    CustomModel,
    Network,
    Options,
    Variables,
    apply,
    init_variables,
    make_network,
)
from jaxdigits.core.specs import Activation, Conv, Dense, Flatten, GlobalAveragePool, MaxPool, ModelSpec
from jaxdigits.errors import InputError

SMALL = Options(hidden_sizes=(6,), channels=(3, 4))


class Normalized(nnx.Module):
    """A user's own module, with batch statistics and dropout."""

    def __init__(self, shape, n_classes, rngs):
        self.hidden = nnx.Linear(shape[0] * shape[1], 6, rngs=rngs)
        self.norm = nnx.BatchNorm(6, momentum=0.5, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.out = nnx.Linear(6, n_classes, rngs=rngs)

    def __call__(self, images):
        x = self.hidden(images.reshape(images.shape[0], -1))
        return self.out(self.dropout(nnx.relu(self.norm(x))))


def build_normalized(shape, n_classes, rngs):
    return Normalized(shape, n_classes, rngs)


def shapes_of(model):
    variables = jax.eval_shape(lambda: init_variables(model, jax.random.key(0)))
    assert not variables.extras or isinstance(model, CustomModel)
    return {name: leaf.shape for name, leaf in variables.params.items()}


def n_weights(model):
    return sum(int(np.prod(shape)) for shape in shapes_of(model).values())


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("size", [(28, 28), (8, 8), (9, 11)])
def test_every_architecture_maps_images_to_logits_and_keeps_nothing_but_parameters(name, size):
    spec = MODELS[name](size, 7, SMALL)
    assert ModelSpec.from_plain(spec.to_plain()) == spec
    variables = jax.eval_shape(lambda: init_variables(spec, jax.random.key(0)))
    assert variables.extras == {}
    assert {leaf.dtype for leaf in variables.params.values()} == {np.dtype(np.float32)}
    images = jax.ShapeDtypeStruct((5, size[0] * size[1]), jnp.float32)
    logits, _ = jax.eval_shape(lambda v, x: apply(spec, v, x, platform="cpu"), variables, images)
    assert logits.shape == (5, 7)


@pytest.mark.parametrize("name", ["linear", "mlp"])
def test_dense_architectures_take_rows_that_are_no_pictures(name):
    assert name not in IMAGE_MODELS
    assert shapes_of(MODELS[name]((30,), 3, SMALL))["layers.1.kernel"][0] == 30


@pytest.mark.parametrize("name", sorted(set(IMAGE_MODELS) - {"lenet5"}))
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5)])
def test_image_architectures_take_tiny_pictures(name, size):
    assert shapes_of(MODELS[name](size, 3, SMALL))


@pytest.mark.parametrize("hidden_sizes", [(), (5,), (7, 6, 5)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_mlp_has_any_hidden_sizes(hidden_sizes, activation):
    spec = MODELS["mlp"]((4, 4), 3, Options(hidden_sizes=hidden_sizes, activation=activation))
    widths = (16, *hidden_sizes, 3)
    assert n_weights(spec) == sum(a * b + b for a, b in pairwise(widths))
    assert [layer.name for layer in spec.layers if isinstance(layer, Activation)] == [activation] * len(hidden_sizes)


def test_textbook_sizes():
    assert n_weights(MODELS["linear"]((28, 28), 10, Options())) == 7_850
    assert n_weights(MODELS["lenet5"]((28, 28), 10, Options())) == 61_706  # LeCun et al. with full connections
    assert shapes_of(MODELS["cnn"]((28, 28), 10, Options()))["layers.3.kernel"] == (3 * 3 * 32, 64)
    assert shapes_of(MODELS["strided_cnn"]((28, 28), 10, Options()))["layers.5.kernel"] == (5 * 5 * 64, 128)


def test_one_key_draws_one_network():
    spec = MODELS["mlp"]((4, 4), 3, SMALL)
    draw = jax.jit(lambda seed: init_variables(spec, jax.random.key(seed)).params)
    first, again, other = draw(0), draw(0), draw(1)
    assert list(first) == ["layers.1.bias", "layers.1.kernel", "layers.4.bias", "layers.4.kernel"]
    np.testing.assert_array_equal(first["layers.1.kernel"], again["layers.1.kernel"])
    assert not np.allclose(first["layers.1.kernel"], other["layers.1.kernel"])
    assert not np.allclose(first["layers.1.kernel"][:3, :3], first["layers.4.kernel"][:3, :3])


def test_a_layer_before_a_rectifier_starts_twice_as_wide():
    def variance(activation):
        spec = ModelSpec((400,), 300, (Dense(300), Activation(activation)))
        return float(np.var(init_variables(spec, jax.random.key(0)).params["layers.0.kernel"]) * 400)

    assert variance("relu") == pytest.approx(2, rel=0.02)
    assert variance("tanh") == pytest.approx(1, rel=0.02)


def test_network_takes_every_layout_of_a_picture():
    network = MLP((4, 3), 5, hidden_sizes=(6,), rngs=nnx.Rngs(0))
    images = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    logits = network(images)
    assert logits.shape == (2, 5)
    np.testing.assert_array_equal(network(images[..., None]), logits)
    np.testing.assert_array_equal(network(images.reshape(2, 12)), logits)


def test_network_drops_only_with_a_key():
    network = MLP((4, 3), 5, hidden_sizes=(50,), rngs=nnx.Rngs(0))
    images = np.ones((2, 4, 3), np.float32)
    np.testing.assert_array_equal(network(images, dropout=0.5), network(images))
    assert not np.allclose(network(images, dropout=0.5, key=jax.random.key(0)), network(images))


def test_cnn_is_a_module_that_a_hand_written_loop_trains(digits):
    images = digits.rows[:128].reshape(-1, 8, 8).astype(np.float32) / 16
    labels = digits.labels[:128]
    network = CNN((8, 8), channels=(4,), hidden_sizes=(16,), activation="tanh", rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(network, optax.adam(2e-2), wrt=nnx.Param)

    def loss(network):
        return optax.softmax_cross_entropy_with_integer_labels(network(images), labels).mean()

    @nnx.jit
    def step(network, optimizer):
        value, gradient = nnx.value_and_grad(loss)(network)
        optimizer.update(network, gradient)
        return value

    losses = [float(step(network, optimizer)) for _ in range(40)]
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((Flatten(), Dense(4)), r"must end in 3 logits, got shape \(4,\)"),
        ((Conv(3),), r"must end in 3 logits, got shape \(8, 8, 3\)"),
        ((Flatten(), Dense(3), Activation("swish")), "activation must be one of relu, .* got 'swish'"),
        ((MaxPool(9), Flatten(), Dense(3)), "leaves nothing of an input of shape"),
        ((Flatten(), GlobalAveragePool(), Dense(3)), "can't take an input of shape"),
        ((Flatten(), Conv(3), Flatten(), Dense(3)), "can't take an input of shape"),
    ],
)
def test_layers_that_do_not_fit_are_refused_in_one_line(layers, message):
    with pytest.raises(InputError, match=message) as caught:
        Network(ModelSpec((8, 8), 3, layers), rngs=nnx.Rngs(0))
    assert "\n" not in str(caught.value)


def test_a_callable_must_return_a_module():
    model = CustomModel(lambda *_: np.zeros, (4, 4), 3)
    with pytest.raises(InputError, match=r"must return a flax\.nnx\.Module, got builtin_function_or_method"):
        make_network(model, platform=None, rngs=nnx.Rngs(0))


class Wrong(nnx.Module):
    def __init__(self, result):
        self.result = result

    def __call__(self, images):
        return self.result(images)


@pytest.mark.parametrize(
    ("result", "got"),
    [(lambda x: x, r"\(2, 4, 4, 1\)"), (lambda x: x[:, 0, 0, 0], r"\(2,\)"), (lambda _: None, "NoneType")],
)
def test_a_module_must_return_logits(result, got):
    model = CustomModel(lambda *_: Wrong(result), (4, 4), 3)
    with pytest.raises(InputError, match=rf"= \(2, 3\), got {got}"):
        apply(model, Variables({}, {}), np.zeros((2, 16), np.float32), platform="cpu")


def test_a_module_of_the_users_own_is_told_apart_by_its_callable():
    assert CustomModel(build_normalized, (4, 4), 3) == CustomModel(build_normalized, (4, 4), 3)
    assert CustomModel(build_normalized, (4, 4), 3) != CustomModel(lambda *args: Normalized(*args), (4, 4), 3)


def test_a_module_of_the_users_own_keeps_statistics_and_dropout_while_training():
    model = CustomModel(build_normalized, (4, 4), 3)
    variables = init_variables(model, jax.random.key(0))
    images = np.random.default_rng(0).normal(2, 3, size=(50, 16)).astype(np.float32)
    forward = jax.jit(lambda v, x: apply(model, v, x, platform="cpu"))
    train = jax.jit(lambda v, x: apply(model, v, x, platform="cpu", noise=Noise(jax.random.key(0), 0.0)))

    predicted, unchanged = forward(variables, images)
    for name, array in variables.extras.items():
        np.testing.assert_array_equal(unchanged[name], array)
    np.testing.assert_allclose(forward(variables, images[:1])[0], predicted[:1], atol=1e-6)

    first, extras = train(variables, images)
    hidden = images @ variables.params["hidden.kernel"] + variables.params["hidden.bias"]
    np.testing.assert_allclose(extras["norm.mean"], 0.5 * hidden.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(extras["norm.var"], 0.5 + 0.5 * hidden.var(axis=0), rtol=1e-3)
    second, _ = train(Variables(variables.params, extras), images)
    assert not np.allclose(first, second)  # the next draw of dropout

    learned = Variables(variables.params, extras)
    scaled = (hidden - extras["norm.mean"]) / np.sqrt(extras["norm.var"] + 1e-5)
    expected = np.maximum(scaled, 0) @ learned.params["out.kernel"] + learned.params["out.bias"]
    np.testing.assert_allclose(forward(learned, images)[0], expected, atol=1e-4)


def test_what_a_module_keeps_is_plain_arrays():
    extras = init_variables(CustomModel(build_normalized, (4, 4), 3), jax.random.key(0)).extras
    assert set(extras) == {"norm.mean", "norm.var", "dropout.rngs.count", "dropout.rngs.key"}
    assert all(np.asarray(array).dtype.kind in "fu" for array in extras.values())
