"""What every test of the benchmarks needs."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from benchmarks import samples
from benchmarks.worker import Arrays
from jaxdigits import load_digits

N_TEST = 297


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def small_mnist(monkeypatch):
    """Scikit-learn's 1,797 digits, three times as large and framed, in the place of MNIST."""
    digits = load_digits()
    images = np.pad(np.kron(digits.images, np.ones((1, 3, 3))), ((0, 0), (2, 2), (2, 2)))
    images, labels = (images * 15).astype(np.uint8), digits.target.astype(np.int64)
    parts = images[N_TEST:], images[:N_TEST], labels[N_TEST:], labels[:N_TEST]
    monkeypatch.setattr(samples, "load_mnist", lambda: parts)
    samples._read_table.cache_clear()
    yield parts
    samples._read_table.cache_clear()


@pytest.fixture
def make_run():
    """Return a maker of runs, as the results hold them."""

    def make(seed=0, accuracy=0.975, *, environment=0, mistakes=()):
        curves = {"epoch": [1, 2], "loss": [0.5, 0.2], "accuracy": [0.8, 0.95]}
        return {
            "seed": seed,
            "test_accuracy": accuracy,
            "test_loss": 0.1,
            "train_accuracy": 0.99,
            "train_loss": 0.05,
            "validation_accuracy": 0.97,
            "n_train": 54_000,
            "n_weights": 7_850,
            "seconds": 3.0,
            "curves": {**curves, "validation_loss": [0.6, 0.3], "validation_accuracy": [0.7, 0.9]},
            "confusion_matrix": np.diag([10] * 10).tolist(),
            "digits": {"first": [[i, i, i, 0.9] for i in range(10)], "mistakes": list(mistakes)},
            "environment": environment,
        }

    return make


@pytest.fixture
def make_results(make_run):
    """Return a maker of results: a row, its published figure, and the accuracies of its runs."""

    def make(row, accuracies, **run):
        machine = {"processor": "Abacus", "cores": 2, "memory_gib": 24, "device": "cpu", "system": "Linux x86_64"}
        environment = {"machine": machine, "versions": {"jax": "0.10.2"}, "commit": "abc"}
        runs = [make_run(seed, accuracy, **run) for seed, accuracy in enumerate(accuracies)]
        return {"environments": [environment], "rows": {row.name: {**row.to_plain(), "runs": runs}}}

    return make


@pytest.fixture
def settings(small_mnist, tmp_path):
    """Return the settings of a measurement, with few images laid out as the harness does it."""
    images, test_images, labels, test_labels = small_mnist
    arrays = Arrays(images[:600], labels[:600], test_images, test_labels)
    for name, array in arrays._asdict().items():
        np.save(tmp_path / f"{name}.npy", array)
    shared = {"data": str(tmp_path), "scratch": str(tmp_path), "device": "cpu", "seed": 0, "warm": False}
    network = {"hidden_sizes": [32], "batch_size": 32, "epochs": 2, "n_calls": 20, "chunk": 100}
    return {**shared, **network, "model": str(tmp_path / "model.safetensors")}


@pytest.fixture
def check_question():
    """Return a check of a question: rows, functions and targets that exist."""
    from importlib import import_module

    def check(question):
        names = [each.name for each in question.variants]
        assert len(set(names)) == len(names)
        assert any(each.is_ours for each in question.variants)
        assert question.rounds >= 1
        for target in question.targets:
            assert target.row in names
            assert target.against in (None, "best peer", "floor", *names)
            assert target.must is not None or target.aim is not None
        for call in {each.call for each in question.variants} | ({question.prepare} - {None}):
            module, _, name = call.partition(":")
            if module.split("_")[-1] in ("torch", "skorch", "onnx"):
                pytest.importorskip(module.split("_")[-1], reason=f"needs {module.split('_')[-1]}")
            assert callable(getattr(import_module(module), name))

    return check
