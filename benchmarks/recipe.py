"""The recipe of the race to 99 % on MNIST: `jaxdigits.core.recipes.RECIPES["fast"]`, as any user can ask for it."""

from __future__ import annotations

from typing import Any

from benchmarks.worker import load_arrays, shuffled, stopwatch

__all__ = ["train"]


def train(settings: dict[str, Any]) -> dict[str, Any]:
    """Train by the recipe, with what `settings["recipe"]` changes in it, from bytes in memory to a fitted classifier.

    Returns
    -------
    dict
        `seconds` of the fit, checks and copying to the device included, epochs, and the test accuracy.
    """
    from jaxdigits import DigitClassifier
    from jaxdigits.core.recipes import RECIPES
    from jaxdigits.core.training import compile_count

    arrays = load_arrays(settings)
    parameters = {**RECIPES["fast"], **settings.get("recipe", {}), "device": settings["device"]}
    if settings["warm"]:
        # One epoch: another number of them is no other program.
        DigitClassifier(**{**parameters, "max_epochs": 1}).fit(arrays.images, shuffled(arrays.labels))
    compiled = compile_count()
    classifier = DigitClassifier(**parameters, random_state=settings["seed"])
    with stopwatch() as watch:
        classifier.fit(arrays.images, arrays.labels)
    return {
        "seconds": watch.seconds,
        "epochs": classifier.n_epochs_,
        "compiled": compile_count() - compiled,
        "accuracy": float(classifier.score(arrays.test_images, arrays.test_labels)),
    }
