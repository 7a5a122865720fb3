"""How long one row takes through `predict_proba`.

python -m benchmarks.bench_one_row
"""

from __future__ import annotations

import sys

from benchmarks.harness import Measure, Question, Target, Variant, main

__all__ = ["QUESTION"]

OURS, LITE = "jaxdigits", "jaxdigits.lite"

QUESTION = Question(
    name="one_row",
    title="The probabilities of one row",
    text=(
        "A perceptron with 100 hidden units that was trained for 20 epochs on 1,437 of the 8x8 digits; then single "
        "rows of float32 in NumPy through `predict_proba`, 5,000 calls after 500 that do not count. Times are the "
        "median and the 99th percentile of a call; accuracy is that of the other 360 digits, row by row. PyTorch and "
        "onnxruntime check nothing; the others check each row for its shape, type and finiteness."
    ),
    variants=(
        Variant(OURS, "benchmarks.run_jaxdigits:predict_row", {"model_name": "mlp"}, is_ours=True),
        Variant(
            LITE, "benchmarks.run_jaxdigits:predict_row_lite", {"model_name": "mlp"}, devices=("cpu",), is_ours=True
        ),
        Variant("scikit-learn", "benchmarks.run_sklearn:predict_row", devices=("cpu",)),
        Variant("PyTorch", "benchmarks.run_torch:predict_row", {"network": "mlp"}, ("torch",), ("cpu",)),
        Variant("onnxruntime", "benchmarks.run_onnx:predict_row", needs=("onnxruntime", "onnx"), devices=("cpu",)),
    ),
    measures=(
        Measure("p50_us", "microseconds, median", 1),
        Measure("p99_us", "microseconds, 99th percentile", 1),
    ),
    settings={"hidden_sizes": [100], "batch_size": 32, "epochs": 20, "n_calls": 5000},
    quick={"epochs": 3, "n_calls": 200},
    gate=0.93,
    tolerance=0.03,
    targets=(Target(OURS, "scikit-learn", 0.5, 1.0), Target(LITE, None, 20.0, 10.0)),
    minutes=3,
)

if __name__ == "__main__":
    sys.exit(main(QUESTION))
