"""What skorch is measured at: PyTorch's network behind scikit-learn's interface, with the options it documents."""

from __future__ import annotations

from typing import Any

import torch
from skorch import NeuralNetClassifier

from benchmarks.torch_modules import make_cnn, make_mlp
from benchmarks.worker import load_arrays, shuffled, stopwatch

__all__ = ["train"]

WARM_IMAGES = 2000


def train(settings: dict[str, Any]) -> dict[str, Any]:
    """Train with Adam at 0.001, without the validation split that is its default."""
    arrays = load_arrays(settings)
    rows, test_rows = arrays.rows()
    if settings["network"] == "cnn":
        rows, test_rows = (each.reshape(-1, 1, 28, 28) for each in (rows, test_rows))
    if settings["warm"]:
        _make(settings, epochs=1).fit(rows[:WARM_IMAGES], shuffled(arrays.labels[:WARM_IMAGES]))
    classifier = _make(settings, epochs=settings["epochs"])
    with stopwatch() as watch:
        classifier.fit(rows, arrays.labels)
        if settings["device"] == "gpu":
            torch.cuda.synchronize()
    return {
        "seconds": watch.seconds / settings["epochs"],
        "epochs": len(classifier.history),
        "accuracy": float((classifier.predict(test_rows) == arrays.test_labels).mean()),
    }


def _make(settings: dict[str, Any], epochs: int) -> NeuralNetClassifier:
    torch.manual_seed(settings["seed"])
    network = make_cnn() if settings["network"] == "cnn" else make_mlp(784, settings["hidden_sizes"])
    if settings.get("channels_last"):
        network = network.to(memory_format=torch.channels_last)
    return NeuralNetClassifier(
        network,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=settings["batch_size"],
        max_epochs=epochs,
        iterator_train__shuffle=True,
        train_split=None,
        device="cuda" if settings["device"] == "gpu" else "cpu",
        verbose=0,
    )
