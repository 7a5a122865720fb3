"""How fast this machine multiplies matrices of float32: what no library can beat."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.worker import time_calls

__all__ = ["multiply"]

SIZE = 2048
GPU_SIZE = 8192
N_CALLS = 12


def multiply(settings: dict[str, Any]) -> dict[str, Any]:
    """Measure square matrix products: NumPy's on a CPU, JAX's elsewhere.

    Parameters
    ----------
    settings : dict
        `device`; `operations`, how many the question's work takes.

    Returns
    -------
    dict
        `seconds`, the time of that many operations at the best rate measured, and the rate.
    """
    if settings["device"] == "cpu":
        size = SIZE
        left = np.random.default_rng(0).random((size, size), dtype=np.float32)
        result = np.empty_like(left)
        seconds = time_calls(lambda: np.matmul(left, left, out=result), n_calls=N_CALLS, n_warm=2)
    else:
        import jax
        import jax.numpy as jnp

        size = GPU_SIZE
        matrix = jax.random.uniform(jax.random.key(0), (size, size), jnp.float32)
        seconds = time_calls(lambda: jax.block_until_ready(matrix @ matrix), n_calls=N_CALLS, n_warm=2)
    rate = 2 * size**3 / min(seconds)
    return {"seconds": settings["operations"] / rate, "gflops": rate / 1e9}
