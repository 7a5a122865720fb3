"""Which device runs a program, and the facts of it that a program depends on."""

from __future__ import annotations

import os
from typing import Any

import jax

from jaxdigits.errors import InputError

DEVICES = ("cpu", "gpu", "tpu")

DEFAULT_CACHE_BYTES = 1 << 20


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
    if name is None:
        return jax.devices()[0]
    try:
        return jax.devices(name)[0]
    except RuntimeError as error:
        found = ", ".join(sorted({device.platform for device in jax.devices()}))
        raise InputError(
            f"device must be one that JAX sees here ({found}), got {name!r}. Use device=None, or install "
            "jaxdigits[cuda] or jaxdigits[tpu] on a machine that has one."
        ) from error


def cache_bytes() -> int:
    """Size of one core's second-level cache in bytes; 1 MiB where the system does not tell."""
    try:
        size = os.sysconf("SC_LEVEL2_CACHE_SIZE")
    except (AttributeError, ValueError, OSError):
        return DEFAULT_CACHE_BYTES
    return size if size > 0 else DEFAULT_CACHE_BYTES
