"""Which device runs a program, and the facts of it that a program depends on."""

from __future__ import annotations

import gc
import multiprocessing
import os
from functools import cache
from typing import Any

import jax

from jaxdigits.errors import InputError

DEVICES = ("cpu", "gpu", "tpu")

DEFAULT_CACHE_BYTES = 1 << 20

MEMORY_OPTIONS = ("XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_PREALLOCATE")
WORKER_MEMORY_SHARE = "0.15"

JOBLIB_WORKER = "LokyProcess"
JOBLIB_THREADS, XLA_THREADS = "OMP_NUM_THREADS", "NPROC"
"""How many threads a process should run: what joblib sets in its workers, and what XLA reads on a CPU."""


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
    _share_machine()
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


@cache
def _share_machine() -> None:
    """Be considerate in a worker process: leave memory and cores to its siblings, and end quickly.

    A JAX process takes three quarters of what is left of a GPU's memory when its backend starts; a digit model needs
    less than 2 GB. On a CPU it runs a thread for every core, where joblib tells its workers how many they should, in a
    variable that XLA does not read. Whoever has set either is not overruled; once the backend has started, both are
    without effect.

    The parent waits at its end for joblib's workers, and they for Python's search of all objects for cycles. What is
    alive at the first fit, modules for the most part, is left out of it: a worker ends in 0.1 s instead of 0.75.
    """
    name = multiprocessing.current_process().name
    if name != "MainProcess" and not any(option in os.environ for option in MEMORY_OPTIONS):
        os.environ[MEMORY_OPTIONS[0]] = WORKER_MEMORY_SHARE
    if name.startswith(JOBLIB_WORKER):
        threads = os.environ.get(JOBLIB_THREADS, "")
        if threads.isdecimal() and int(threads) > 0:
            os.environ.setdefault(XLA_THREADS, threads)
        gc.freeze()


def cache_bytes() -> int:
    """Size of one core's second-level cache in bytes; 1 MiB where the system does not tell."""
    try:
        size = os.sysconf("SC_LEVEL2_CACHE_SIZE")
    except (AttributeError, ValueError, OSError):
        return DEFAULT_CACHE_BYTES
    return size if size > 0 else DEFAULT_CACHE_BYTES
