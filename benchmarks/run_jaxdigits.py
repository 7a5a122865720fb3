"""What jaxdigits is measured at."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.worker import load_arrays, shuffled, stopwatch, time_calls

__all__ = [
    "check",
    "predict_images",
    "predict_images_lite",
    "predict_row",
    "predict_row_lite",
    "prepare_model",
    "search",
    "search_twice",
    "train",
    "train_by_command",
]

PLAIN = {
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "schedule": "constant",
    "weight_decay": 0.0,
    "dropout": 0.0,
    "label_smoothing": 0.0,
    "augment": None,
    "average_weights": False,
}
"""What other libraries do when nothing is asked of them."""


def train(settings: dict[str, Any]) -> dict[str, Any]:
    """Train on pictures, bytes as they are; the compiled programs are counted in the measured fit too."""
    from jaxdigits import DigitClassifier
    from jaxdigits.core.training import compile_count

    arrays = load_arrays(settings)
    make = partial(DigitClassifier, **PLAIN, **_network(settings), random_state=settings["seed"])
    if settings["warm"]:
        # A second is enough: another number of steps is no other program.
        make(max_seconds=1.0).fit(arrays.images, shuffled(arrays.labels))
    classifier = make(max_epochs=settings["epochs"])
    compiled = compile_count()
    with stopwatch() as watch:
        classifier.fit(arrays.images, arrays.labels)  # its attributes are NumPy: all is done when it returns
    compiled = compile_count() - compiled
    return {
        "seconds": watch.seconds / settings["epochs"],
        "epochs": classifier.n_epochs_,
        "compiled": compiled,
        "device": classifier.device_,
        "accuracy": float(classifier.score(arrays.test_images, arrays.test_labels)),
    }


def train_by_command(settings: dict[str, Any]) -> dict[str, Any]:
    """Train with `jaxdigits train`, whose compilation cache is empty, or filled by a run that does not count."""
    folder = Path(tempfile.mkdtemp(dir=settings["scratch"]))
    arrays = load_arrays(settings)
    data, model = folder / "images.npz", folder / "model.safetensors"
    names = ("x_train", "y_train", "x_test", "y_test")
    np.savez(data, **dict(zip(names, arrays, strict=True)))
    network = _network(settings)
    network.pop("device")
    command = [sys.executable, "-m", "jaxdigits", "train", str(data), "-o", str(model), "--model", network.pop("model")]
    words = [f"--set={name}={value}" for name, value in {**PLAIN, **network}.items()]
    command += [*words, "--seed", str(settings["seed"])]
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    run = partial(subprocess.run, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if settings["cached"]:
        run([*command, "--epochs", "1"])
    with stopwatch() as watch:
        run([*command, "--epochs", str(settings["epochs"])])
    accuracy = float((_load_lite(model).predict(arrays.test_images) == arrays.test_labels).mean())
    # The memory of this process is not that of the command.
    return {"wall_seconds": watch.seconds, "epochs": settings["epochs"], "accuracy": accuracy, "peak_mib": None}


def search(settings: dict[str, Any]) -> dict[str, Any]:
    """Search a grid on the 8x8 digits, with `GridSearchCV` or `VectorizedSearchCV`."""
    from benchmarks.grid import Grid, report, run_search
    from jaxdigits import DigitClassifier, VectorizedSearchCV

    grid = Grid(**settings["grid"])
    make = VectorizedSearchCV if settings["vectorized"] else import_module("sklearn.model_selection").GridSearchCV
    network = {"hidden_sizes": tuple(grid.hidden_sizes), "batch_size": grid.batch_size, "max_epochs": grid.epochs}
    classifier = DigitClassifier(
        "mlp", **{**PLAIN, **network}, image_shape=None, device=settings["device"], random_state=0
    )
    # scikit-learn divides its penalty by the batch size.
    decays = [decay / grid.batch_size for decay in grid.decays]
    values = {"learning_rate": grid.learning_rates, "weight_decay": decays}
    found = run_search(classifier, values, grid, n_jobs=settings["n_jobs"], make=make)
    return report(found, epochs=found.best_estimator_.n_epochs_)


def search_twice(settings: dict[str, Any]) -> dict[str, Any]:
    """Time a search, and the same once more, when workers have started and programs are compiled."""
    if settings.get("crowded"):
        os.environ["NPROC"] = str(os.cpu_count())  # what workers inherit, this library does not change
    with stopwatch() as first:
        search(settings)
    with stopwatch() as again:
        found = search(settings)
    return {**found, "first_seconds": first.seconds, "again_seconds": again.seconds}


def predict_row(settings: dict[str, Any]) -> dict[str, Any]:
    """Time `DigitClassifier.predict_proba` of one row."""
    from benchmarks.single_rows import time_rows

    classifier = _make_small(settings)
    return time_rows(classifier.fit, classifier.predict_proba, settings)


def predict_row_lite(settings: dict[str, Any]) -> dict[str, Any]:
    """Time `predict_proba` of one row with the same model from its file, run in NumPy."""
    from benchmarks.single_rows import split_digits, time_rows

    path = Path(settings["scratch"]) / "row.safetensors"
    X, y, *_ = split_digits()
    _make_small(settings).fit(X, y).save(path)
    model = _load_lite(path)
    return time_rows(lambda *_: None, model.predict_proba, settings)


def predict_images(settings: dict[str, Any]) -> dict[str, Any]:
    """Time `DigitClassifier.predict` of many images with the prepared model."""
    from jaxdigits import load_model

    return _time_images(load_model(settings["model"]).set_params(device=settings["device"]), settings)


def predict_images_lite(settings: dict[str, Any]) -> dict[str, Any]:
    """Time the same model in NumPy."""
    return _time_images(_load_lite(Path(settings["model"])), settings)


def prepare_model(settings: dict[str, Any]) -> dict[str, Any]:
    """Train the CNN that all libraries predict with, and save it."""
    from jaxdigits import DigitClassifier

    arrays = load_arrays(settings)
    classifier = DigitClassifier(**PLAIN, **_network(settings), max_epochs=1, random_state=0)
    classifier.fit(arrays.images, arrays.labels).save(settings["model"])
    return {"accuracy": float(classifier.score(arrays.test_images, arrays.test_labels))}


def check(settings: dict[str, Any]) -> dict[str, Any]:
    """Time `check_estimator`."""
    from benchmarks.conformance import time_checks
    from jaxdigits import DigitClassifier

    return time_checks(DigitClassifier(settings["model_name"]))


def _network(settings: dict[str, Any]) -> dict[str, Any]:
    network = {"model": settings["model_name"], "hidden_sizes": tuple(settings["hidden_sizes"])}
    if "channels" in settings:
        network["channels"] = tuple(settings["channels"])
    return {**network, "batch_size": settings["batch_size"], "device": settings["device"]}


def _make_small(settings: dict[str, Any]) -> Any:
    from jaxdigits import DigitClassifier

    return DigitClassifier(
        **PLAIN, **_network(settings), image_shape=None, max_epochs=settings["epochs"], random_state=0
    )


def _load_lite(path: Path) -> Any:
    from jaxdigits.lite import load_model

    return load_model(path)


def _time_images(model: Any, settings: dict[str, Any]) -> dict[str, Any]:
    arrays = load_arrays(settings)
    accuracy = float((model.predict(arrays.test_images) == arrays.test_labels).mean())
    seconds = time_calls(lambda: model.predict(arrays.test_images), n_calls=settings["n_calls"], n_warm=1)
    return {"seconds": median(seconds), "accuracy": accuracy, "calls": seconds}
