"""What Keras 3 is measured at; `backend` in the settings is "tensorflow" or "jax"."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.worker import load_arrays, shuffled, stopwatch

__all__ = ["train"]


def train(settings: dict[str, Any]) -> dict[str, Any]:
    """Train with Adam at 0.001. What is warmed up with has the shape of a batch, so that all is compiled before."""
    os.environ["KERAS_BACKEND"] = settings["backend"]  # read once, when Keras is imported
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if settings["device"] == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import keras

    arrays = load_arrays(settings)
    rows, test_rows = arrays.rows()
    if settings["network"] == "cnn":
        rows, test_rows = (each.reshape(-1, 28, 28, 1) for each in (rows, test_rows))
    keras.utils.set_random_seed(settings["seed"])
    words = {"batch_size": settings["batch_size"], "verbose": 0}
    network = _make(keras, settings)
    if settings["warm"]:
        network.optimizer.build(network.trainable_variables)
        state = [*network.variables, *network.optimizer.variables]
        start = [keras.ops.convert_to_numpy(variable.value) for variable in state]
        # the last batch of an epoch may have a size of its own, and so a program of its own
        n_warm = 4 * settings["batch_size"] + len(rows) % settings["batch_size"]
        network.fit(rows[:n_warm], shuffled(arrays.labels[:n_warm]), epochs=1, **words)
        for variable, value in zip(state, start, strict=True):
            variable.assign(value)
    with stopwatch() as watch:
        network.fit(rows, arrays.labels, epochs=settings["epochs"], **words)
    predictions = network.predict(test_rows, batch_size=1000, verbose=0).argmax(1)
    return {
        "seconds": watch.seconds / settings["epochs"],
        "epochs": settings["epochs"],
        "accuracy": float((predictions == arrays.test_labels).mean()),
    }


def _make(keras: Any, settings: dict[str, Any]) -> Any:
    layers = keras.layers
    if settings["network"] == "cnn":
        stack = [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
        ]
    else:
        hidden = [layers.Dense(size, activation="relu") for size in settings["hidden_sizes"]]
        stack = [keras.Input((784,)), *hidden]
    network = keras.Sequential([*stack, layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(1e-3), loss)
    return network
