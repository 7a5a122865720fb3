"""The layers as Flax modules, and the one place where the platform decides how a convolution is computed.

On a CPU, XLA's convolution inside a loop is 20 times slower than patches x matmul (200 s against 10 s for an MNIST
epoch of the 32-64-128 network), and working through a batch in micro-batches whose patches stay in the cache takes
that to 7 s. On GPU and TPU the native convolution is the fast path.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from jaxdigits.core import draws, specs
from jaxdigits.errors import InputError

ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "gelu": jax.nn.gelu,
    "log_sigmoid": jax.nn.log_sigmoid,
}

RECTIFIERS = ("relu", "gelu")
"""Activations that halve the variance, so that the layer before them starts at He's scale."""


class Noise(NamedTuple):
    """What training adds to a forward pass; `None` in its place means prediction.

    `key` is a JAX key or its words. A `dropout` of None compiles no dropout at all.
    """

    key: jax.Array
    dropout: jax.Array | float | None


class Affine(nnx.Module):
    """A kernel matrix and a bias: what `Dense` and `Conv` learn.

    Kernels are zero until `draw_kernels` fills those of a whole network.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Shape of the kernel. A convolution's kernel is a matrix too, of shape (kernel height * kernel width * input
        channels, output channels): patches multiply it as it is, and optimizers for matrices see a matrix.
    gain : float
        Variance of the kernel's entries times `n_inputs`: 2 before a rectifier (He et al., ICCV 2015), else 1.
    """

    def __init__(self, n_inputs: int, n_outputs: int, *, gain: float) -> None:
        self.gain = gain
        self.kernel = nnx.Param(jnp.zeros((n_inputs, n_outputs), jnp.float32))
        self.bias = nnx.Param(jnp.zeros((n_outputs,), jnp.float32))


def draw_kernels(network: nnx.Module, key: jax.Array) -> None:
    """Fill every kernel of a network with uniform numbers of its variance.

    They are cut from a single draw, which compiles faster than one for each.
    """
    layers = [module for _, module in nnx.iter_modules(network) if isinstance(module, Affine)]
    sizes = [layer.kernel[...].size for layer in layers]
    numbers = 2.0 * draws.uniform(draws.fold(draws.to_words(key), 0), (sum(sizes),)) - 1.0
    end = 0
    for layer, size in zip(layers, sizes, strict=True):
        start, end = end, end + size
        shape = layer.kernel[...].shape
        limit = math.sqrt(3.0 * layer.gain / shape[0])
        layer.kernel[...] = limit * numbers[start:end].reshape(shape)


class DenseLayer(Affine):
    """(n, features) -> (n, spec.features)."""

    def __call__(self, x: jax.Array, noise: Noise | None) -> jax.Array:
        """Apply the layer."""
        del noise
        return x @ self.kernel[...] + self.bias[...]


class ConvLayer(Affine):
    """(n, h, w, c) -> (n, h', w', spec.features)."""

    def __init__(self, spec: specs.Conv, n_channels: int, *, gain: float, platform: str | None) -> None:
        height, width = spec.kernel_size
        super().__init__(height * width * n_channels, spec.features, gain=gain)
        self.spec = spec
        self.platform = platform

    def __call__(self, x: jax.Array, noise: Noise | None) -> jax.Array:
        """Apply the layer."""
        del noise
        return convolve(x, self.kernel[...], self.spec, platform=self.platform) + self.bias[...]


class DropoutLayer(nnx.Module):
    """Zeroes entries with a traced probability and scales the rest up; `nnx.Dropout` refuses a traced rate.

    `position` keeps the draws of several such layers apart (Srivastava et al., JMLR 2014).
    """

    def __init__(self, position: int) -> None:
        self.position = position

    def __call__(self, x: jax.Array, noise: Noise | None) -> jax.Array:
        """Apply the layer: the identity without noise, or without a rate."""
        if noise is None or noise.dropout is None:
            return x
        rate = jnp.asarray(noise.dropout, jnp.float32)
        kept = draws.uniform(draws.fold(draws.to_words(noise.key), self.position), x.shape) >= rate
        return jnp.where(kept, x / (1.0 - rate).astype(x.dtype), jnp.zeros((), x.dtype))


class FunctionLayer(nnx.Module):
    """A layer without weights: an activation, a pooling, a reshape."""

    def __init__(self, spec: specs.LayerSpec, *, platform: str | None) -> None:
        self.spec = spec
        self.platform = platform

    def __call__(self, x: jax.Array, noise: Noise | None) -> jax.Array:
        """Apply the layer."""
        del noise
        return _apply_function(self.spec, x, self.platform)


class ResidualLayer(nnx.Module):
    """x + scale * layers(x) with a learned scale that starts at zero (SkipInit: De & Smith, NeurIPS 2020).

    The network is the identity of its skips at the start, which trains deep stacks without batch statistics.
    """

    def __init__(self, layers: list[nnx.Module]) -> None:
        self.scale = nnx.Param(jnp.zeros((), jnp.float32))
        self.layers = nnx.List(layers)

    def __call__(self, x: jax.Array, noise: Noise | None) -> jax.Array:
        """Apply the layer."""
        inner = x
        for layer in self.layers:
            inner = layer(inner, noise)
        return x + self.scale[...] * inner


def convolve(images: jax.Array, kernel: jax.Array, spec: specs.Conv, *, platform: str | None = None) -> jax.Array:
    """Convolve images with a kernel matrix, the fast way of the platform.

    Parameters
    ----------
    images : jax.Array of shape (n, height, width, channels)
        The input.
    kernel : jax.Array of shape (kernel height * kernel width * channels, features)
        The kernel as a matrix.
    spec : jaxdigits.core.specs.Conv
        Kernel size, stride and padding.
    platform : {"cpu", "cuda", "rocm", "gpu", "tpu"} or None, default=None
        Where the program will run; None means JAX's default backend.

    Returns
    -------
    jax.Array of shape (n, height', width', features)
    """
    if (platform or jax.default_backend()) == "cpu":
        return _patches(images, spec) @ kernel
    window = (*spec.kernel_size, images.shape[-1], spec.features)
    return jax.lax.conv_general_dilated(
        images,
        kernel.reshape(window),
        window_strides=(spec.stride, spec.stride),
        padding=spec.padding,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _patches(images: jax.Array, spec: specs.Conv) -> jax.Array:
    """Shifted slices side by side on the channel axis: (n, h', w', kh * kw * c)."""
    (rows, columns), stride = spec.kernel_size, spec.stride
    pads = jax.lax.padtype_to_pads(images.shape[1:3], spec.kernel_size, (stride, stride), spec.padding)
    images = jnp.pad(images, ((0, 0), *pads, (0, 0)))
    height = (images.shape[1] - rows) // stride + 1
    width = (images.shape[2] - columns) // stride + 1
    shifted = [
        images[:, i : i + stride * (height - 1) + 1 : stride, j : j + stride * (width - 1) + 1 : stride]
        for i in range(rows)
        for j in range(columns)
    ]
    return jnp.concatenate(shifted, axis=-1)


def _windows(images: jax.Array, size: int) -> list[jax.Array]:
    """List the size * size members of every pooling window, each of shape (n, h // size, w // size, c)."""
    height, width = (images.shape[1] // size) * size, (images.shape[2] // size) * size
    return [images[:, i:height:size, j:width:size] for i in range(size) for j in range(size)]


def _max_pool(images: jax.Array, size: int, platform: str | None) -> jax.Array:
    if (platform or jax.default_backend()) == "cpu":
        # maxima of strided views: 5 % faster an epoch than reshape(...).max, whose gradient counts ties
        pooled, *others = _windows(images, size)
        for other in others:
            pooled = jnp.maximum(pooled, other)
        return pooled
    return jnp.asarray(nnx.max_pool(images, (size, size), strides=(size, size)))


def _apply_function(spec: specs.LayerSpec, x: jax.Array, platform: str | None) -> jax.Array:
    match spec:
        case specs.Activation(name):
            return ACTIVATIONS[name](x)
        case specs.MaxPool(size):
            return _max_pool(x, size, platform)
        case specs.AveragePool(size):
            windows = _windows(x, size)
            return sum(windows[1:], start=windows[0]) / len(windows)
        case specs.GlobalAveragePool():
            return x.mean(axis=(1, 2))
        case specs.Flatten():
            return x.reshape(x.shape[0], -1)
    raise InputError(f"{type(spec).__name__} is no layer that jaxdigits knows.")
