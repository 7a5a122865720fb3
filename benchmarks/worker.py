"""One measurement in a process of its own: what the harness starts, and what every measured function needs.

    python -m benchmarks.worker benchmarks.run_sklearn:train '{"data": "FOLDER", "epochs": 1}'

The function takes the settings and returns its figures; they are written as one line of JSON behind `MARK`, along with
the most memory that the process held. This module imports NumPy alone, so that a cold start is the library's own.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MARK",
    "Arrays",
    "Stopwatch",
    "describe",
    "kernel_positions",
    "load_arrays",
    "main",
    "peak_memory",
    "shuffled",
    "stopwatch",
    "time_calls",
]

MARK = "measured: "
Settings = dict[str, Any]


class Arrays(NamedTuple):
    """Training and test images: uint8 of shape (n, height, width), and labels 0 to 9."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]

    def rows(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return both sets of images as flat rows in [0, 1]."""
        return _to_rows(self.images), _to_rows(self.test_images)


class Stopwatch:
    """What `stopwatch` measured, in seconds."""

    seconds: float = float("nan")


def main(words: list[str]) -> int:
    """Run one function and write what it measured.

    Parameters
    ----------
    words : list of str
        "module:function", and its settings as JSON.

    Returns
    -------
    int
        0.
    """
    module, _, name = words[0].partition(":")
    measure: Callable[[Settings], dict[str, Any]] = getattr(import_module(module), name)
    figures = measure(json.loads(words[1]))
    print(MARK + json.dumps({"peak_mib": peak_memory(), **figures}), flush=True)
    return 0


def describe(settings: Settings) -> dict[str, Any]:
    """Describe the machine, away from the harness: whoever asks for a device takes its memory."""
    from benchmarks.results import describe_environment

    return {"environment": describe_environment(settings["device"])}


def load_arrays(settings: Settings) -> Arrays:
    """Read the images that the harness laid out, the first `n_images` of the training set where that is asked for."""
    folder = Path(settings["data"])
    images, labels, *test = (np.load(folder / f"{name}.npy") for name in Arrays._fields)
    n_images = settings.get("n_images")
    return Arrays(images[:n_images], labels[:n_images], *test)


def kernel_positions(arrays: dict[str, Any]) -> list[int]:
    """Return the positions of the layers with kernels in a model file, in order."""
    return sorted(int(name.split(".")[1]) for name in arrays if name.endswith(".kernel"))


def shuffled(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the labels in a random order: what is warmed up with must teach the measured fit nothing."""
    return np.random.default_rng(12345).permutation(labels)


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Measure the time of a block."""
    watch = Stopwatch()
    began = time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - began


def time_calls(call: Callable[[], Any], *, n_calls: int, n_warm: int) -> list[float]:
    """Return the seconds of each of `n_calls` calls, after `n_warm` that are not counted."""
    for _ in range(n_warm):
        call()
    seconds = []
    for _ in range(n_calls):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return seconds


def peak_memory() -> float | None:
    """Return the most resident memory of this process so far in MiB; None where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    # Not getrusage's maximum, which a child takes over from the process that started it.
    line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _to_rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
