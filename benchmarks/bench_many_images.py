"""How long 10,000 images take through a convolutional network.

python -m benchmarks.bench_many_images
"""

from __future__ import annotations

import sys

from benchmarks.harness import Measure, Question, Target, Variant, main
from benchmarks.networks import CNN, forward_operations

__all__ = ["QUESTION"]

OURS, LITE = "jaxdigits", "jaxdigits.lite"
TORCH = "benchmarks.run_torch:predict_images"

QUESTION = Question(
    name="many_images",
    title="10,000 images through a convolutional network, warm",
    text=(
        "The network of 3x3 convolutions of 32 and 64 and dense 128, trained by jaxdigits for one epoch; the same "
        "weights for everyone. MNIST's 10,000 test images, from bytes in NumPy to labels in NumPy; the median of ten "
        "calls after one that does not count. Chunks are of 500 images where a library asks for them."
    ),
    variants=(
        Variant(OURS, "benchmarks.run_jaxdigits:predict_images", is_ours=True),
        Variant(LITE, "benchmarks.run_jaxdigits:predict_images_lite", devices=("cpu",), is_ours=True),
        Variant("onnxruntime", "benchmarks.run_onnx:predict_images", needs=("onnxruntime", "onnx"), devices=("cpu",)),
        Variant("PyTorch", TORCH, needs=("torch",)),
        Variant("PyTorch, channels last", TORCH, {"channels_last": True}, ("torch",)),
    ),
    measures=(Measure("seconds", "seconds", 3),),
    settings={
        "model_name": "cnn",
        "hidden_sizes": [128],
        "channels": [32, 64],
        "batch_size": 128,
        "n_calls": 10,
        "chunk": 500,
    },
    quick={"n_calls": 2},
    gate=0.97,
    tolerance=0.001,
    operations=10_000 * forward_operations(CNN),
    targets=(
        Target(OURS, "PyTorch", 1.5, None),
        Target(OURS, "PyTorch, channels last", 1.5, None),
        Target(OURS, "onnxruntime", None, 1.0),
    ),
    prepare="benchmarks.run_jaxdigits:prepare_model",
    minutes=3,
)

if __name__ == "__main__":
    sys.exit(main(QUESTION))
