"""What costs a user time or space before anything is trained: imports, objects, installed files."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from benchmarks.worker import stopwatch, time_calls

__all__ = ["import_module_cold", "installed_size", "use_objects"]

HEAVY = ("jax", "sklearn", "flax", "optax", "numpy")
NAME = re.compile(r"[\w.-]+")


def import_module_cold(settings: dict[str, Any]) -> dict[str, Any]:
    """Time the import of a module, and tell which heavy ones came along; NumPy is there before, for everyone."""
    before = set(sys.modules)
    with stopwatch() as watch:
        import_module(settings["module"])
    return {"seconds": watch.seconds, "brought": sorted(set(HEAVY) & (set(sys.modules) - before))}


def use_objects(settings: dict[str, Any]) -> dict[str, Any]:
    """Time construction, `clone` and `repr` of a classifier, in microseconds, and tell whether JAX came along."""
    from sklearn.base import clone

    make = getattr(import_module(settings["module"]), settings["class"])
    classifier = make()
    calls = {"construct": make, "clone": lambda: clone(classifier), "repr": lambda: repr(classifier)}
    figures = {
        f"{name}_us": 1e6 * sorted(time_calls(call, n_calls=200, n_warm=20))[100] for name, call in calls.items()
    }
    return {**figures, "brought": sorted({"jax"} & set(sys.modules))}


def installed_size(settings: dict[str, Any]) -> dict[str, Any]:
    """Add up the files of a distribution, and of all that it requires (its extras left out)."""
    own = _count_bytes(settings["distribution"], settings.get("folder"))
    names = _close(settings["distribution"])
    total = own + sum(_count_bytes(name, None) for name in names - {settings["distribution"]})
    return {"own_mib": own / 2**20, "total_mib": total / 2**20, "n_distributions": len(names)}


def _close(name: str) -> set[str]:
    """Return a distribution and all that it requires on this machine, by normalized name."""
    found: set[str] = set()
    open_names = {name}
    while open_names:
        each = open_names.pop().lower().replace("_", "-")
        if each in found:
            continue
        found.add(each)
        open_names |= _required(each)
    return {each for each in found if _count_bytes(each, None) or each == name}


def _required(name: str) -> set[str]:
    try:
        lines = distribution(name).requires or []
    except PackageNotFoundError:  # of another system, or optional
        return set()
    return {wanted[0] for line in lines if "extra ==" not in line and (wanted := NAME.match(line))}


def _count_bytes(name: str, folder: str | None) -> int:
    """Add up a distribution's files; those of an editable one stand in its folder."""
    if folder is not None:
        root = import_module(folder).__path__[0]
        return sum(path.stat().st_size for path in Path(root).rglob("*") if path.is_file() and path.suffix != ".pyc")
    try:
        found = distribution(name)
    except PackageNotFoundError:  # of another system, or optional
        return 0
    paths = [Path(str(found.locate_file(path))) for path in found.files or [] if path.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())
