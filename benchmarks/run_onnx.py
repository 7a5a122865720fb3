"""What onnxruntime is measured at: the same weights in an ONNX graph."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from statistics import median
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from benchmarks.worker import kernel_positions, load_arrays, time_calls

__all__ = ["predict_images", "predict_row"]

OPSET, IR = 17, 9
CHANNELS = ((1, 32), (32, 64))
MLP_DENSE = (0, 2)

Parts = tuple[list[Any], list[Any]]


def predict_images(settings: dict[str, Any]) -> dict[str, Any]:
    """Time the prepared CNN on many images, from bytes in NumPy to labels in NumPy."""
    file = load_file(settings["model"])
    session = _start(_make_cnn(file))
    scale, offset = float(file["input.scale"][0]), float(file["input.offset"][0])
    arrays = load_arrays(settings)

    def predict() -> Any:
        images = arrays.test_images[:, None]
        starts = range(0, len(images), settings["chunk"])
        chunks = (images[start : start + settings["chunk"]] for start in starts)
        found = [session.run(None, {"x": (chunk.astype(np.float32) - offset) * scale})[0].argmax(1) for chunk in chunks]
        return np.concatenate(found)

    accuracy = float((predict() == arrays.test_labels).mean())
    seconds = time_calls(predict, n_calls=settings["n_calls"], n_warm=1)
    return {"seconds": median(seconds), "accuracy": accuracy, "calls": seconds}


def predict_row(settings: dict[str, Any]) -> dict[str, Any]:
    """Time the probabilities of one row, with the weights of scikit-learn's classifier."""
    from sklearn.neural_network import MLPClassifier

    from benchmarks.single_rows import fit_settings, split_digits, time_rows

    X, y, *_ = split_digits()
    shared = fit_settings(settings)
    classifier = MLPClassifier(
        tuple(shared["hidden_sizes"]),
        batch_size=shared["batch_size"],
        max_iter=settings["epochs"],
        early_stopping=False,
        n_iter_no_change=10_000,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the epochs are given, not found
        classifier.fit(X, y)
    arrays = {}
    for position, kernel, bias in zip(MLP_DENSE, classifier.coefs_, classifier.intercepts_, strict=True):
        arrays |= {f"layers.{position}.kernel": kernel, f"layers.{position}.bias": bias}
    session = _start(_make_mlp(arrays))
    return time_rows(lambda *_: None, lambda row: session.run(None, {"x": row})[0], settings)


def _start(model: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def _make_cnn(arrays: dict[str, Any]) -> bytes:
    nodes, tensors, last = [], [], "x"
    positions = kernel_positions(arrays)
    for position, (n_inputs, n_outputs) in zip(positions, CHANNELS, strict=False):
        kernel = arrays[f"layers.{position}.kernel"].reshape(3, 3, n_inputs, n_outputs).transpose(3, 2, 0, 1)
        names = [f"kernel{position}", f"bias{position}"]
        bias = arrays[f"layers.{position}.bias"]
        tensors += [_tensor(array, name) for array, name in zip((kernel, bias), names, strict=True)]
        out = f"pooled{position}"
        nodes += [
            helper.make_node("Conv", [last, *names], [f"conv{position}"]),
            helper.make_node("Relu", [f"conv{position}"], [f"relu{position}"]),
            helper.make_node("MaxPool", [f"relu{position}"], [out], kernel_shape=[2, 2], strides=[2, 2]),
        ]
        last = out
    # flattened with the channels last, as our kernel expects
    nodes += [
        helper.make_node("Transpose", [last], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("Flatten", ["last"], ["flat"]),
    ]
    return _pack(*_add_dense("flat", arrays, positions[len(CHANNELS) :], (nodes, tensors)), [None, 1, 28, 28])


def _make_mlp(arrays: dict[str, Any]) -> bytes:
    return _pack(*_add_dense("x", arrays, MLP_DENSE, ([], [])), [None, 64], softmax=True)


def _add_dense(last: str, arrays: dict[str, Any], positions: Iterable[int], parts: Parts) -> Parts:
    nodes, tensors = parts
    *hidden, final = positions
    for position in (*hidden, final):
        names = [f"kernel{position}", f"bias{position}"]
        tensors += [_tensor(arrays[f"layers.{position}.{kind}"], f"{kind}{position}") for kind in ("kernel", "bias")]
        out = "logits" if position == final else f"dense{position}"
        nodes.append(helper.make_node("Gemm", [last, *names], [out]))
        if position != final:
            nodes.append(helper.make_node("Relu", [out], [f"active{position}"]))
            last = f"active{position}"
    return nodes, tensors


def _pack(nodes: list[Any], tensors: list[Any], shape: list[Any], *, softmax: bool = False) -> bytes:
    out = "logits"
    if softmax:
        out = "probabilities"
        nodes = [*nodes, helper.make_node("Softmax", ["logits"], [out], axis=1)]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info(out, TensorProto.FLOAT, [None, 10])]
    graph = helper.make_graph(nodes, "network", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    return bytes(model.SerializeToString())


def _tensor(array: Any, name: str) -> Any:
    return numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name)
