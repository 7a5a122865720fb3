"""Logits in fixed padded chunks: a row meets the same kernels, and gets the same bits, whatever its neighbors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxdigits.core.models import Model, Variables, apply
from jaxdigits.core.samples import pad_normalization

CHUNK_SIZES = {"cpu": 32}
ACCELERATOR_CHUNK_SIZE = 512


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
    rows = images.reshape(len(images), int(np.prod(images.shape[1:])))  # -1 can't be told from no rows
    width = int(np.prod(predictor.model.input_shape))
    dtype = np.uint8 if rows.dtype == np.uint8 else np.float32
    pending = []
    for start in range(0, len(rows), predictor.chunk_size):
        chunk = np.zeros((predictor.chunk_size, width), dtype)
        part = rows[start : start + predictor.chunk_size]
        chunk[: len(part), : rows.shape[1]] = part
        pending.append(chunk_logits(constants, chunk, predictor=predictor))
    if not pending:
        return np.zeros((0, predictor.model.n_classes), np.float32)
    return np.concatenate([np.asarray(result) for result in pending])[: len(rows)]
