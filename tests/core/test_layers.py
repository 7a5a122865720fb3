from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy.special import expit

from jaxdigits.core import specs
from jaxdigits.core.layers import (
    ACTIVATIONS,
    ConvLayer,
    DenseLayer,
    DropoutLayer,
    FunctionLayer,
    Noise,
    ResidualLayer,
    convolve,
    draw_kernels,
)
from jaxdigits.errors import InputError

CLOSED_FORMS = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": expit,
    "tanh": np.tanh,
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "log_sigmoid": lambda x: -np.log1p(np.exp(-x)),
}

CONVOLUTIONS = [
    ((7, 5), specs.Conv(3, (5, 3))),
    ((9, 6), specs.Conv(2, (3, 5), padding="VALID")),
    ((12, 11), specs.Conv(2, (5, 5), stride=2)),
    ((8, 7), specs.Conv(3, (3, 3), stride=2)),
    ((8, 8), specs.Conv(3, (2, 2), stride=3, padding="VALID")),
    ((5, 5), specs.Conv(3, (2, 4), stride=3)),
    ((2, 3), specs.Conv(2, (5, 5))),
]


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@partial(jax.jit, static_argnames=("spec", "platform"))
def apply_function(spec, images, platform="cpu"):
    return FunctionLayer(spec, platform=platform)(images, None)


def test_every_activation_has_its_closed_form():
    assert set(ACTIVATIONS) == set(CLOSED_FORMS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    x = np.linspace(-8, 8, 101)
    found = apply_function(specs.Activation(name), x.astype(np.float32))
    np.testing.assert_allclose(found, CLOSED_FORMS[name](x), atol=2e-6)


@partial(jax.jit, static_argnames=("spec", "platform"))
def convolve_and_pull_back(images, kernel, spec, platform):
    """Return the result, and the gradients of its product with fixed numbers."""
    result, pull_back = jax.vjp(lambda *args: convolve(*args, spec, platform=platform), images, kernel)
    return result, *pull_back(jnp.cos(jnp.arange(result.size, dtype=jnp.float32)).reshape(result.shape))


@pytest.mark.parametrize(("size", "spec"), CONVOLUTIONS, ids=str)
def test_patches_equal_the_native_convolution_and_so_do_their_gradients(size, spec):
    images = draw(2, *size, 3)
    kernel = draw(spec.kernel_size[0] * spec.kernel_size[1] * 3, spec.features, seed=1)
    patches, native = (convolve_and_pull_back(images, kernel, spec, platform) for platform in ("cpu", "cuda"))
    for mine, reference in zip(patches, native, strict=True):
        np.testing.assert_allclose(mine, reference, atol=5e-5)


def test_a_convolution_by_hand():
    image = np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1)
    kernel = np.array([[1], [10], [100], [1000]], np.float32)
    found = convolve(image, kernel, specs.Conv(1, (2, 2), padding="VALID"), platform="cpu")
    assert found[0, :, :, 0].tolist() == [[4310.0, 5421.0], [7643.0, 8754.0]]


def test_affine_layers_multiply_their_kernel_and_add_their_bias():
    x, kernel, bias = draw(2, 6), draw(6, 3, seed=1), draw(3, seed=2)
    dense = DenseLayer(6, 3, gain=1.0)
    conv = ConvLayer(specs.Conv(3, (1, 2), padding="VALID"), 3, gain=1.0, platform="cpu")
    for layer, images in ((dense, x), (conv, x.reshape(2, 1, 2, 3))):
        layer.kernel[...], layer.bias[...] = jnp.asarray(kernel), jnp.asarray(bias)
        np.testing.assert_allclose(layer(images, None).reshape(2, 3), x @ kernel + bias, atol=1e-6)


def test_initial_kernels_have_their_variance_and_zero_biases():
    layers = [DenseLayer(400, 300, gain=2.0), DenseLayer(300, 500, gain=1.0)]
    network = ResidualLayer(layers)
    draw_kernels(network, jax.random.key(0))
    for layer in layers:
        kernel = np.asarray(layer.kernel[...])
        assert kernel.var() * kernel.shape[0] == pytest.approx(layer.gain, rel=0.02)
        assert abs(kernel.mean()) < 1e-3
        assert not layer.bias[...].any()
    first, second = (layer.kernel[:100, :100] for layer in layers)
    assert abs(np.corrcoef(np.ravel(first), np.ravel(second))[0, 1]) < 0.05


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (5, 4)])
@pytest.mark.parametrize("window", [2, 3])
@pytest.mark.parametrize("platform", ["cpu", "cuda"])
def test_max_pool_takes_the_largest_of_each_window_and_drops_odd_edges(size, window, platform):
    images = draw(2, *size, 3)
    found = apply_function(specs.MaxPool(window), images, platform)
    height, width = size[0] // window, size[1] // window
    cut = images[:, : height * window, : width * window].reshape(2, height, window, width, window, 3)
    np.testing.assert_array_equal(found, cut.max(axis=(2, 4)))


def test_max_pool_has_the_same_gradient_on_every_platform():
    images, target = draw(2, 7, 6, 3), draw(2, 3, 3, 3, seed=1)

    def loss(images, platform):
        return jnp.sum(target * apply_function(specs.MaxPool(2), images, platform))

    np.testing.assert_array_equal(jax.grad(loss)(images, "cpu"), jax.grad(loss)(images, "tpu"))


@pytest.mark.parametrize("size", [(8, 8), (7, 5)])
def test_average_pool(size):
    images = draw(2, *size, 3)
    height, width = size[0] // 2, size[1] // 2
    cut = images[:, : 2 * height, : 2 * width].reshape(2, height, 2, width, 2, 3)
    np.testing.assert_allclose(apply_function(specs.AveragePool(), images), cut.mean(axis=(2, 4)), atol=1e-6)


def test_global_average_pool_and_flatten():
    images = draw(2, 4, 3, 5)
    np.testing.assert_allclose(apply_function(specs.GlobalAveragePool(), images), images.mean(axis=(1, 2)), atol=1e-6)
    np.testing.assert_array_equal(apply_function(specs.Flatten(), images), images.reshape(2, -1))


def test_unknown_layer_is_refused():
    with pytest.raises(InputError, match="Dropout is no layer"):
        apply_function(specs.Dropout(), draw(1, 2))


@partial(jax.jit, static_argnames="position")
def drop(x, rate, *, position=0, seed=0):
    return DropoutLayer(position)(jnp.asarray(x), Noise(jax.random.key(seed), rate))


def test_dropout_of_rate_zero_is_the_identity_bit_for_bit():
    x = draw(400, 500)
    np.testing.assert_array_equal(drop(x, 0.0), x)


def test_dropout_is_the_identity_at_prediction():
    x = draw(5, 6)
    np.testing.assert_array_equal(DropoutLayer(0)(x, None), x)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_zeroes_at_its_rate_and_keeps_the_mean(rate):
    x = np.ones((400, 500), np.float32)
    found = np.asarray(drop(x, rate))
    error = 5 * np.sqrt(rate * (1 - rate) / x.size)
    assert abs((found == 0).mean() - rate) < error
    assert abs(found.mean() - 1) < error / (1 - rate)
    np.testing.assert_allclose(found[found != 0], 1 / (1 - rate), rtol=1e-6)


def test_dropout_draws_anew_by_key_and_by_position():
    x = np.ones((400, 500), np.float32)
    masks = [drop(x, 0.5), drop(x, 0.5, position=1), drop(x, 0.5, seed=1)]
    assert not np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0], masks[2])
    np.testing.assert_array_equal(masks[0], drop(x, 0.5))


def test_residual_starts_as_the_identity_and_can_leave_it():
    inner = [DenseLayer(6, 6, gain=2.0)]
    layer = ResidualLayer(inner)
    draw_kernels(layer, jax.random.key(0))
    x = draw(4, 6)
    np.testing.assert_array_equal(layer(x, None), x)
    gradient = nnx.grad(lambda layer: jnp.sum(jnp.square(layer(x, None))))(layer)
    assert float(gradient["scale"][...]) != 0.0
    layer.scale[...] = jnp.float32(0.5)
    np.testing.assert_allclose(layer(x, None), x + 0.5 * inner[0](x, None), atol=1e-6)
