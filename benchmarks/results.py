"""What benchmarks leave behind: a JSON file of raw figures, with the machine, versions and commit they belong to."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jaxdigits import JaxDigitsError, __version__

__all__ = ["describe_environment", "mean_and_deviation", "read_results", "write_results"]

TOP_FOLDER = Path(__file__).resolve().parents[1]
OWN_PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "scikit-learn", "scipy")
PEERS = ("torch", "skorch", "keras", "tensorflow", "onnxruntime")
PACKAGES = (*OWN_PACKAGES, *PEERS)


def describe_environment(device: str | None = None) -> dict[str, Any]:
    """Describe where figures come from.

    Parameters
    ----------
    device : {"cpu", "gpu", "tpu"} or None, default=None
        Where the training runs; None takes JAX's default.

    Returns
    -------
    dict
        `machine`, `versions` and `commit`, JSON-able and the same for every run in one place.

    Raises
    ------
    JaxDigitsError
        If the machine has no such device.
    """
    return {"machine": _describe_machine(device), "versions": _list_versions(), "commit": _find_commit()}


def read_results(path: Path) -> dict[str, Any]:
    """Read a file of results; one that is not there has no rows yet.

    Parameters
    ----------
    path : Path
        Written by `write_results`.

    Returns
    -------
    dict
        `environments` (list) and `rows` (dict), and what else was written.
    """
    if not path.exists():
        return {"environments": [], "rows": {}}
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results


def write_results(path: Path, results: dict[str, Any]) -> None:
    """Write a file of results whole or not at all; every flat list stands on one line.

    Parameters
    ----------
    path : Path
        Where to; its folder is made if need be.
    results : dict
        JSON-able.
    """
    text = json.dumps(results, indent=1, ensure_ascii=False)
    # Strings hold no raw line ends, so only the white space between numbers is touched.
    text = re.sub(r"\[\n[^\[\]{}]*\]", lambda found: re.sub(r"\n\s*", " ", found[0]), text)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text + "\n", encoding="utf-8")
    os.replace(part, path)


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Compute mean and standard deviation of a sample; a single value deviates by 0.

    Parameters
    ----------
    values : sequence of float
        At least one.

    Returns
    -------
    mean, deviation : tuple of float

    Examples
    --------
    >>> from benchmarks.results import mean_and_deviation
    >>> mean_and_deviation([1.0, 2.0, 3.0])
    (2.0, 1.0)
    """
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def _describe_machine(device: str | None) -> dict[str, Any]:
    import jax  # here, so that reading results costs no second

    try:
        used = jax.devices(device)[0]
    except RuntimeError as error:
        raise JaxDigitsError(f"device must be one that JAX finds here, got {device!r}. Leave it out.") from error
    return {
        "processor": _name_processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _measure_memory(),
        "device": used.platform if used.platform == "cpu" else f"{used.platform}: {used.device_kind}",
        "system": f"{platform.system()} {platform.machine()}",
    }


def _name_processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8", errors="replace") if cpuinfo.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _measure_memory() -> int | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (AttributeError, ValueError, OSError):  # not every system tells
        return None


def _list_versions() -> dict[str, str]:
    versions = {"jaxdigits": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _find_commit() -> str | None:
    """Name the commit, and say so where the code that was run differs from it."""
    commit = _ask_git("rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _ask_git("status", "--porcelain", "--", "jaxdigits", "benchmarks/*.py")
    return f"{commit} with changes" if changes else commit


def _ask_git(*words: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "--no-optional-locks", *words], cwd=TOP_FOLDER, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):  # no git, or no clone
        return None
    return answer.stdout.strip()
