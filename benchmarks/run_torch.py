"""What PyTorch is measured at: a plain loop over batches that are gathered from tensors on the device."""

from __future__ import annotations

from statistics import median
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy, softmax

from benchmarks.torch_modules import make_cnn, make_mlp, make_strided
from benchmarks.worker import Arrays, kernel_positions, load_arrays, shuffled, stopwatch, time_calls

__all__ = ["predict_images", "predict_row", "train"]

WARM_BATCHES = 30


def train(settings: dict[str, Any]) -> dict[str, Any]:
    """Train with Adam at 0.001, or along one cycle where `peak_rate` says so."""
    device = _find_device(settings)
    arrays = load_arrays(settings)
    X, y = _to_tensors(arrays, settings, device)
    if settings["warm"]:
        n_warm = WARM_BATCHES * settings["batch_size"]
        warm_labels = torch.from_numpy(shuffled(arrays.labels)).to(device)
        _fit(_make_network(settings, device), X[:n_warm], warm_labels[:n_warm], {**settings, "epochs": 1})
        _synchronize(device)
    network = _make_network(settings, device)
    with stopwatch() as watch:
        _fit(network, X, y, settings)
        _synchronize(device)
    return {
        "seconds": watch.seconds / (1 if settings.get("whole_fit") else settings["epochs"]),
        "epochs": settings["epochs"],
        "device": str(device),
        "accuracy": _score(network, arrays, settings, device),
    }


def predict_row(settings: dict[str, Any]) -> dict[str, Any]:
    """Time the probabilities of one row, from NumPy and back to it."""
    from benchmarks.single_rows import time_rows

    torch.manual_seed(0)
    network = make_mlp(64, settings["hidden_sizes"])

    def fit(X: Any, y: Any) -> None:
        labels = torch.from_numpy(np.asarray(y, np.int64))
        _fit(network, torch.from_numpy(X), labels, {**settings, "seed": 0})
        network.eval()

    def predict_proba(X: Any) -> Any:
        with torch.inference_mode():
            return softmax(network(torch.from_numpy(X)), dim=1).numpy()

    return time_rows(fit, predict_proba, settings)


def predict_images(settings: dict[str, Any]) -> dict[str, Any]:
    """Time the prepared CNN on many images, from bytes in NumPy to labels in NumPy."""
    from safetensors.numpy import load_file

    device = _find_device(settings)
    layout = _layout(settings)
    network = make_cnn()
    kernels = load_file(settings["model"])
    with torch.no_grad():
        layers = [module for module in network if hasattr(module, "weight")]
        for position, own in zip(kernel_positions(kernels), layers, strict=True):
            _copy(own, kernels[f"layers.{position}.kernel"], kernels[f"layers.{position}.bias"])
        # our pictures are flattened with the channels last, PyTorch's with the channels first
        dense = network[7].weight
        dense.copy_(dense.reshape(128, 5, 5, 64).permute(0, 3, 1, 2).reshape(128, 1600))
    network = network.eval().to(device=device, memory_format=layout)
    arrays = load_arrays(settings)

    scale, offset = float(kernels["input.scale"][0]), float(kernels["input.offset"][0])

    def predict() -> Any:
        with torch.inference_mode():
            parts = torch.from_numpy(arrays.test_images).to(device).split(settings["chunk"])
            found = [
                network(((part[:, None].float() - offset) * scale).to(memory_format=layout)).argmax(1) for part in parts
            ]
            return torch.cat(found).cpu().numpy()

    accuracy = float((predict() == arrays.test_labels).mean())
    seconds = time_calls(predict, n_calls=settings["n_calls"], n_warm=1)
    return {"seconds": median(seconds), "accuracy": accuracy, "calls": seconds}


def _find_device(settings: dict[str, Any]) -> torch.device:
    return torch.device("cuda" if settings["device"] == "gpu" else "cpu")


def _layout(settings: dict[str, Any]) -> torch.memory_format:
    return torch.channels_last if settings.get("channels_last") else torch.contiguous_format


def _make_network(settings: dict[str, Any], device: torch.device) -> Any:
    torch.manual_seed(settings["seed"])
    if settings["network"] == "mlp":
        return make_mlp(784, settings["hidden_sizes"]).to(device)
    network = make_cnn() if settings["network"] == "cnn" else make_strided(settings["features"], settings["hidden"])
    return network.to(device=device, memory_format=_layout(settings))


def _to_tensors(arrays: Arrays, settings: dict[str, Any], device: torch.device) -> tuple[Any, Any]:
    rows, _ = arrays.rows()
    return _shape(torch.from_numpy(rows), settings).to(device), torch.from_numpy(arrays.labels).to(device)


def _shape(rows: Any, settings: dict[str, Any]) -> Any:
    return rows if settings["network"] == "mlp" else rows.reshape(-1, 1, 28, 28).to(memory_format=_layout(settings))


def _fit(network: Any, X: Any, y: Any, settings: dict[str, Any]) -> None:
    forward = torch.compile(network) if settings.get("compiled") else network
    batch_size, n_epochs = settings["batch_size"], settings["epochs"]
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    schedule = None
    if "peak_rate" in settings:
        steps = n_epochs * -(-len(X) // batch_size)
        peak = settings["peak_rate"]
        optimizer = torch.optim.AdamW(network.parameters(), lr=peak, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, peak, total_steps=steps, pct_start=0.2, anneal_strategy="linear", cycle_momentum=False
        )
    network.train()
    for _ in range(n_epochs):
        for chosen in torch.randperm(len(X), device=X.device).split(batch_size):
            optimizer.zero_grad()
            loss = cross_entropy(forward(X[chosen]), y[chosen], label_smoothing=settings.get("smoothing", 0.0))
            loss.backward()
            optimizer.step()
            if schedule is not None:
                schedule.step()


def _score(network: Any, arrays: Arrays, settings: dict[str, Any], device: torch.device) -> float:
    network.eval()
    with torch.inference_mode():
        rows = torch.from_numpy(arrays.rows()[1])
        parts = [_shape(part, settings).to(device) for part in rows.split(1000)]
        found = torch.cat([network(part).argmax(1).cpu() for part in parts])
    return float((found.numpy() == arrays.test_labels).mean())


def _copy(module: Any, kernel: Any, bias: Any) -> None:
    """Fill a module with our kernel, a matrix of (inputs, outputs), and bias."""
    weight = torch.from_numpy(np.array(kernel)).T
    if module.weight.ndim == 4:
        n_outputs, n_inputs, height, width = module.weight.shape
        weight = weight.reshape(n_outputs, height, width, n_inputs).permute(0, 3, 1, 2)
    module.weight.copy_(weight)
    module.bias.copy_(torch.from_numpy(np.array(bias)))


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
