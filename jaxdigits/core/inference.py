"""Logits in fixed padded chunks: a row meets the same kernels, and gets the same bits, whatever its neighbors.

Dense networks on a CPU run in NumPy: for a single row, handing over to XLA's threads and waiting for them takes longer
than all the rest (170 of 330 us on 2 cores), and there is nothing to compile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeGuard

import jax
import jax.numpy as jnp
import numpy as np

from jaxdigits import runtime
from jaxdigits.core.models import Model, Variables, apply
from jaxdigits.core.samples import pad_normalization
from jaxdigits.core.specs import Activation, Dense, Dropout, Flatten, ModelSpec

CHUNK_SIZES = {"cpu": 32}
ACCELERATOR_CHUNK_SIZE = 512
HOST_LAYERS = (Flatten, Dense, Activation, Dropout)


@dataclass(frozen=True)
class Predictor:
    """What a compiled prediction program depends on: the network and where it runs.

    Parameters
    ----------
    model : ModelSpec or CustomModel
        The network.
    platform : str or None, default=None
        Where it runs; None means JAX's default backend.

    Examples
    --------
    >>> from jaxdigits.core.inference import Predictor
    >>> from jaxdigits.core.models import MODELS, Options
    >>> Predictor(MODELS["linear"]((8, 8), 10, Options()), "cpu").chunk_size > 0
    True
    """

    model: Model
    platform: str | None = None

    @property
    def chunk_size(self) -> int:
        """Rows a call: small on a CPU, where one row is often asked for alone."""
        return CHUNK_SIZES.get(self.platform or jax.default_backend(), ACCELERATOR_CHUNK_SIZE)


_programs_traced = {"logits": 0}


def compile_count() -> int:
    """Count the prediction programs that were traced in this process.

    Returns
    -------
    int

    Examples
    --------
    >>> from jaxdigits.core.inference import compile_count
    >>> compile_count() >= 0
    True
    """
    return sum(_programs_traced.values())


class Constants(NamedTuple):
    """What a network needs beside the rows, on the device.

    Attributes
    ----------
    variables : Variables
        The network's arrays.
    offset : array of shape (1,) or (width,), float32
        The network sees (images - offset) * scale.
    scale : array of shape (1,) or (width,), float32
        See `offset`.
    """

    variables: Variables
    offset: Any
    scale: Any


@partial(jax.jit, static_argnames="predictor")
def chunk_logits(constants: Constants, images: Any, *, predictor: Predictor) -> jax.Array:
    """Logits of one chunk; pure.

    Parameters
    ----------
    constants : Constants
        The network's arrays and normalization.
    images : array of shape (chunk, n_features)
        Flat rows in the user's units, uint8 or float32.
    predictor : Predictor
        Static.

    Returns
    -------
    jax.Array of shape (chunk, n_classes)

    Examples
    --------
    >>> import jax
    >>> import numpy as np
    >>> from jaxdigits.core import inference
    >>> from jaxdigits.core.models import MODELS, Options, init_variables
    >>> predictor = inference.Predictor(MODELS["linear"]((8, 8), 10, Options()))
    >>> variables = init_variables(predictor.model, jax.random.key(0))
    >>> constants = inference.place(variables, predictor=predictor, scale=1 / 16)
    >>> chunk = np.zeros((predictor.chunk_size, 64), np.float32)
    >>> inference.chunk_logits(constants, chunk, predictor=predictor).shape == (predictor.chunk_size, 10)
    True
    """
    _programs_traced["logits"] += 1
    with jax.default_matmul_precision("highest"):
        x = (images.astype(jnp.float32) - constants.offset) * constants.scale
        return apply(predictor.model, constants.variables, x, platform=predictor.platform)[0]


def place(
    variables: Variables,
    *,
    predictor: Predictor,
    offset: np.ndarray | float = 0.0,
    scale: np.ndarray | float = 1.0,
    n_features: int | None = None,
    device: Any = None,
) -> Constants:
    """Move a network to the device, once for many calls of `logits`.

    Parameters
    ----------
    variables : Variables
        The network's arrays, on the host or the device.
    predictor : Predictor
        Static.
    offset : float or ndarray, default=0.0
        The network sees (images - offset) * scale.
    scale : float or ndarray, default=1.0
        See `offset`.
    n_features : int or None, default=None
        Columns of the rows to come, where zero columns pad them; None means the network's width.
    device : jax.Device or None, default=None
        None means JAX's default.

    Returns
    -------
    Constants

    Examples
    --------
    >>> import jax
    >>> import numpy as np
    >>> from jaxdigits.core import inference
    >>> from jaxdigits.core.models import MODELS, Options, init_variables
    >>> predictor = inference.Predictor(MODELS["linear"]((8, 8), 10, Options()))
    >>> variables = init_variables(predictor.model, jax.random.key(0))
    >>> constants = inference.place(variables, predictor=predictor, scale=1 / 16)
    >>> constants.scale.tolist()
    [0.0625]
    """
    width = int(np.prod(predictor.model.input_shape))
    constants = Constants(variables, *pad_normalization(offset, scale, n_features=n_features or width, width=width))
    placed: Constants = jax.device_put(constants, device)
    return placed


def logits(images: np.ndarray, constants: Constants, *, predictor: Predictor) -> np.ndarray:
    """Logits of any number of rows, chunk by chunk.

    Parameters
    ----------
    images : ndarray of shape (n, ...)
        Rows in the units of the training images; uint8 stays uint8 until the device.
    constants : Constants
        From `place`.
    predictor : Predictor
        Static.

    Returns
    -------
    ndarray of shape (n, n_classes), float32
        Bit for bit the same for a row alone and among others.

    Examples
    --------
    >>> import jax
    >>> import numpy as np
    >>> from jaxdigits.core import inference
    >>> from jaxdigits.core.models import MODELS, Options, init_variables
    >>> predictor = inference.Predictor(MODELS["linear"]((8, 8), 10, Options()))
    >>> variables = init_variables(predictor.model, jax.random.key(0))
    >>> constants = inference.place(variables, predictor=predictor, scale=1 / 16)
    >>> inference.logits(np.zeros((3, 64), np.float32), constants, predictor=predictor).shape
    (3, 10)
    """
    # math.prod: np.prod takes 5 us, and one row is often asked for alone.
    rows = images.reshape(len(images), math.prod(images.shape[1:]))  # -1 can't be told from no rows
    width = math.prod(predictor.model.input_shape)
    dtype = np.uint8 if rows.dtype == np.uint8 else np.float32
    pending = []
    for start in range(0, len(rows), predictor.chunk_size):
        chunk = np.zeros((predictor.chunk_size, width), dtype)
        part = rows[start : start + predictor.chunk_size]
        chunk[: len(part), : rows.shape[1]] = part
        pending.append(chunk_logits(constants, chunk, predictor=predictor))
    if not pending:
        return np.zeros((0, predictor.model.n_classes), np.float32)
    found = [np.asarray(result) for result in pending]
    return (found[0] if len(found) == 1 else np.concatenate(found))[: len(rows)]


def runs_on_host(model: Model, platform: str) -> TypeGuard[ModelSpec]:
    """Tell whether `host_logits` serves a network better than a compiled program.

    Parameters
    ----------
    model : ModelSpec or CustomModel
        The network.
    platform : str
        Where it is to run.

    Returns
    -------
    bool

    Examples
    --------
    >>> from jaxdigits.core.inference import runs_on_host
    >>> from jaxdigits.core.models import Options, make_cnn, make_mlp
    >>> runs_on_host(make_mlp((8, 8), 10, Options()), "cpu"), runs_on_host(make_cnn((8, 8), 10, Options()), "cpu")
    (True, False)
    """
    return (
        platform == "cpu"
        and isinstance(model, ModelSpec)
        and all(isinstance(layer, HOST_LAYERS) for layer in model.layers)
    )


class HostNetwork(NamedTuple):
    """A dense network in NumPy.

    Attributes
    ----------
    steps : list of callable
        From `runtime.make_steps`.
    input_shape : tuple of int
        What the first layer takes, without the batch.
    n_classes : int
        Columns of the logits.
    offset, scale : ndarray of shape (n_features,), float32
        The network sees (rows - offset) * scale.
    """

    steps: list[runtime.Step]
    input_shape: tuple[int, ...]
    n_classes: int
    offset: np.ndarray
    scale: np.ndarray


def host_logits(rows: np.ndarray, network: HostNetwork) -> np.ndarray:
    """Logits of any number of rows through a dense network in NumPy.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
        In the units of the training rows.
    network : HostNetwork
        Its arrays lie on the host.

    Returns
    -------
    ndarray of shape (n, n_classes), float32
        Bit for bit the same for a row alone and among others.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.core.inference import HostNetwork, host_logits
    >>> from jaxdigits.runtime import make_steps
    >>> arrays = {"layers.0.kernel": np.eye(2, dtype=np.float32), "layers.0.bias": np.ones(2, np.float32)}
    >>> steps = make_steps([{"kind": "Dense", "features": 2}], arrays)
    >>> host_logits(np.array([[3.0, 4.0]]), HostNetwork(steps, (2,), 2, np.float32(0), np.float32(1)))
    array([[4., 5.]], dtype=float32)
    """
    size = CHUNK_SIZES["cpu"]
    found = np.empty((len(rows), network.n_classes), np.float32)
    chunk = np.zeros((size, math.prod(network.input_shape)), np.float32)
    shape = (size, *network.input_shape, 1) if len(network.input_shape) == 2 else (size, *network.input_shape)
    n_features = rows.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):  # as in a compiled program
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            chunk[: len(part), :n_features] = (part - network.offset) * network.scale
            logits = runtime.run(chunk.reshape(shape), network.steps)
            found[start : start + size] = logits[: len(part)]
    return found
