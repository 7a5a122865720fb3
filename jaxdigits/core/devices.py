"""Which device runs a program, and the facts of it that a program depends on."""

from __future__ import annotations

import multiprocessing
import os
from typing import Any

import jax

from jaxdigits.errors import InputError

DEVICES = ("cpu", "gpu", "tpu")

DEFAULT_CACHE_BYTES = 1 << 20

MEMORY_OPTIONS = ("XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_PREALLOCATE")
WORKER_MEMORY_SHARE = "0.15"


def find_device(name: str | None) -> Any:
    """Return the first JAX device of a kind; starts the backend.

    Parameters
    ----------
    name : {"cpu", "gpu", "tpu"} or None
        The kind; None means JAX's default.

    Returns
    -------
    jax.Device

    Raises
    ------
    InputError
        If there is no such device here.

    Examples
    --------
    >>> from jaxdigits.core.devices import find_device
    >>> find_device("cpu").platform
    'cpu'
    """
    _share_accelerator()
    if name is None:
        # Not `config.values`, which is built anew at each reading: 20 us.
        chosen: Any = jax.config.jax_default_device  # type: ignore[attr-defined]
        return chosen if isinstance(chosen, jax.Device) else jax.local_devices(backend=chosen)[0]
    try:
        return jax.devices(name)[0]
    except RuntimeError as error:
        found = ", ".join(sorted({device.platform for device in jax.devices()}))
        raise InputError(
            f"device must be one that JAX sees here ({found}), got {name!r}. Use device=None, or install "
            "jaxdigits[cuda] or jaxdigits[tpu] on a machine that has one."
        ) from error


def _share_accelerator() -> None:
    """Leave memory for the siblings of a worker process, such as joblib's, unless the user has said otherwise.

    A JAX process takes three quarters of what is left of a GPU's memory when its backend starts; a digit model needs
    less than 2 GB. Without effect once the backend has started, and on a CPU.
    """
    if multiprocessing.current_process().name != "MainProcess" and not any(
        name in os.environ for name in MEMORY_OPTIONS
    ):
        os.environ[MEMORY_OPTIONS[0]] = WORKER_MEMORY_SHARE


def cache_bytes() -> int:
    """Size of one core's second-level cache in bytes; 1 MiB where the system does not tell."""
    try:
        size = os.sysconf("SC_LEVEL2_CACHE_SIZE")
    except (AttributeError, ValueError, OSError):
        return DEFAULT_CACHE_BYTES
    return size if size > 0 else DEFAULT_CACHE_BYTES
